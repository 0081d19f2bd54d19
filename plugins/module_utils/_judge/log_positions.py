# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an earlier look at logs ended, as it is given back: checked, because it went through someone else's hands."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from .._errors import InputError


def checked_positions(given: Mapping[str, Any]) -> Dict[str, Dict[str, Any]]:
    """By log, ``time`` with ``files`` or ``after``. Figures that went through a template arrive as text."""
    found = {}
    for name, position in given.items():
        try:
            found[str(name)] = _position(position)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InputError(
                "previous: what it says about '{0}' is no position.".format(name),
                "Give the 'positions' of an earlier result of this module, whole.",
            )
    return found


def _position(given: Mapping[str, Any]) -> Dict[str, Any]:
    position: Dict[str, Any] = {"time": float(given["time"])}
    if "after" in given:
        position["after"] = str(given["after"])
        return position
    files: List[Dict[str, Any]] = [
        {
            "head": str(one["head"]),
            "head_bytes": max(0, int(one["head_bytes"])),
            "offset": max(0, int(one["offset"])),
            "modified": float(one["modified"]),
        }
        for one in given["files"]
    ]
    return dict(position, files=files)
