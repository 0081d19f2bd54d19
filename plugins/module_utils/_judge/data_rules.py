# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assertions as people write them, made into ``Assertion``: each has exactly one rule."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from .._errors import InputError
from .data_facts import EQUALS, FRESHNESS, NO_ROWS, RANGE, SAME, USUAL, Assertion
from .text import printable

_OPTIONS: Dict[str, List[str]] = {
    FRESHNESS: ["warning_age", "critical_age"],
    RANGE: ["min", "max"],
    EQUALS: ["equals"],
    SAME: ["other_sql"],
    USUAL: ["usual_percent"],
    NO_ROWS: ["no_rows"],
}


def assertion_from(given: Mapping[str, Any], show_values: bool = True) -> Assertion:
    """``given`` are the suboptions of the module. Raises ``InputError`` for anything but one sensible rule."""
    name = printable(given["name"], 120)
    # 'no_rows: false' is the same as not naming it; 'min: 0' is not.
    rules = [
        rule
        for rule, options in _OPTIONS.items()
        if any(given.get(option) is not None and given.get(option) is not False for option in options)
    ]
    if len(rules) != 1:
        every = ", ".join(option for options in _OPTIONS.values() for option in options)
        raise InputError(
            "assertions: '{0}' has {1} rules.".format(name, len(rules) or "no"),
            "Give exactly one of: {0} (either or both of the first two, and of the next two).".format(every),
        )
    percent = given.get("usual_percent") if rules[0] == USUAL else given.get("tolerance_percent")
    for option, low, high in (
        ("warning_age", given.get("critical_age"), given.get("warning_age")),
        ("min", given.get("max"), given.get("min")),
    ):
        if low is not None and high is not None and low < high:
            raise InputError(
                "assertions: '{0}' in '{1}' is above its counterpart.".format(option, name),
                "Give critical_age no less than warning_age, and max no less than min.",
            )
    if (percent or 0.0) < 0 or (rules[0] == USUAL and not percent):
        raise InputError("assertions: the percentage of '{0}' is {1:g}.".format(name, percent), "Give one above zero.")
    return Assertion(
        name=name,
        rule=rules[0],
        severity=given.get("severity") or "critical",
        warning_age=given.get("warning_age"),
        critical_age=given.get("critical_age"),
        minimum=given.get("min"),
        maximum=given.get("max"),
        equals=given.get("equals"),
        percent=percent or 0.0,
        show_values=show_values if given.get("show_values") is None else given["show_values"],
    )
