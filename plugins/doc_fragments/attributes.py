# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules promise about check mode, diff mode and platforms."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what it would do without changing anything.
  diff_mode:
    description: Returns what was or would be changed when in diff mode.
  platform:
    description: Platforms the module runs on.
    platforms: posix
    support: full
"""
    # A module that only looks. Not called CHECKING: Ansible would take the fragment checking.py for it.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: The module only looks; it does the same in check mode.
  diff_mode:
    support: N/A
    details: The module changes nothing.
"""
