# SPDX-License-Identifier: GPL-3.0-or-later
"""``make mutation``: would the unit tests notice if a decision were written wrongly?

Cosmic Ray makes small faults in ``_judge``, one at a time, in copies of the tree; the unit tests that execute the
changed line have to fail. mutmut, the other kept tool, passes over decorated functions, which our checks are.
"""
