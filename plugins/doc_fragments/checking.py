# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every checking module understands; paired with ``checking_spec()`` in ``module_utils/_arguments.py``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  checks:
    description:
      - Checks to run, by the names that findings carry, with or without the prefix.
      - Empty means all of them.
    type: list
    elements: str
    default: []
  exclude_checks:
    description: Checks to leave out.
    type: list
    elements: str
    default: []
  thresholds:
    description:
      - Limits of your own, by the name of the check. Each is a mapping with C(warning), C(critical) and, where a check
        has them, further limits that must also be reached.
      - V(null) switches a level off. What is not named keeps its default.
      - With C(clear), what is open stays a warning until its value is on the good side of it, so that a value that
        swings about its limit does not raise the alarm again and again. Needs O(open_findings).
    type: dict
    default: {}
  open_findings:
    description:
      - What was open at the last look, as P(analytics.ops.open_findings#lookup) gives it, for limits with a C(clear).
      - Each has C(check) and C(subject). Those of other systems are passed over.
    type: list
    elements: dict
    default: []
  include_ok:
    description: Whether RV(ignore:findings) also holds what is in order.
    type: bool
    default: false
"""
