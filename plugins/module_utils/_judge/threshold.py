# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits that know their direction, their unit and where they come from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional

from .._errors import InputError
from .finding import CRITICAL, OK, WARNING


@dataclass(frozen=True)
class Threshold:
    """When a value is a warning and when it is critical.

    ``warning`` and ``critical`` are in ``unit``; ``None`` means that there is no such level. ``floors`` are further
    figures that must be reached too before anything is reported ('over 20 % **and** over 100 MB'), by their name
    with the unit last (``{"bloat_bytes": 104857600}``). ``source`` says where the defaults come from.
    """

    unit: str = ""
    warning: Optional[float] = None
    critical: Optional[float] = None
    higher_is_worse: bool = True
    floors: Mapping[str, float] = field(default_factory=dict)
    source: str = ""

    def severity(self, value: float, **beside: float) -> str:
        """``beside`` names the figures that ``floors`` speaks of; a floor whose figure is not given is ignored."""
        for name, floor in self.floors.items():
            if name in beside and beside[name] < floor:
                return OK
        for level, limit in ((CRITICAL, self.critical), (WARNING, self.warning)):
            if limit is not None and (value >= limit if self.higher_is_worse else value <= limit):
                return level
        return OK

    def with_overrides(self, check: str, given: Mapping[str, Any]) -> Threshold:
        """The user's own limits laid over the defaults. Raises ``InputError`` for a name or a number that cannot be."""
        known = ["warning", "critical", *sorted(self.floors)]
        numbers: Dict[str, Optional[float]] = {}
        for name, value in given.items():
            if name not in known:
                raise InputError(
                    "thresholds: '{0}' has no limit called '{1}'.".format(check, name),
                    "It has: {0}.".format(", ".join(known)),
                )
            numbers[name] = _number(check, name, value)
        changed = replace(
            self,
            warning=numbers.get("warning", self.warning),
            critical=numbers.get("critical", self.critical),
            floors={name: numbers.get(name, floor) or 0.0 for name, floor in self.floors.items()},
        )
        changed._require_order(check)
        return changed

    def _require_order(self, check: str) -> None:
        if self.warning is None or self.critical is None:
            return
        if (self.warning > self.critical) if self.higher_is_worse else (self.warning < self.critical):
            raise InputError(
                "thresholds: '{0}' would be critical ({1:g}) before it is a warning ({2:g}).".format(
                    check, self.critical, self.warning
                ),
                "{0} values are worse here; give both limits in that order.".format(
                    "Higher" if self.higher_is_worse else "Lower"
                ),
            )


def _number(check: str, name: str, value: Any) -> Optional[float]:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise InputError(
            "thresholds: '{0}.{1}' is {2!r}, which is no number.".format(check, name, value),
            "Give a number, or null to switch this level off.",
        )
    return number
