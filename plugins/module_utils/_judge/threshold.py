# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits that know their direction, their unit and where they come from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Dict, FrozenSet, Mapping, Optional

from .._errors import InputError
from .finding import CRITICAL, OK, WARNING


@dataclass(frozen=True)
class Threshold:
    """When a value is a warning and when it is critical.

    ``warning`` and ``critical`` are in ``unit``; ``None`` means that there is no such level. ``floors`` are further
    figures that must be reached too before anything is reported ('over 20 % **and** over 100 MB'), by their name
    with the unit last (``{"bloat_bytes": 104857600}``); ``ceilings`` are figures that must not be exceeded for it
    ('over 85 % **and** at most 20 GB free'). ``source`` says where the defaults come from.

    ``clear`` keeps an alarm from coming and going with a value that swings about its limit: what is open, the subjects
    ``open``, stays a warning until its value is on the good side of ``clear``. No check has one by itself.
    """

    unit: str = ""
    warning: Optional[float] = None
    critical: Optional[float] = None
    higher_is_worse: bool = True
    floors: Mapping[str, float] = field(default_factory=dict)
    ceilings: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    clear: Optional[float] = None
    open: FrozenSet[str] = frozenset()

    def for_subject(self, subject: str) -> Threshold:
        """The limits that hold for it: of what is open, the one that it has to leave again."""
        if self.clear is None or subject not in self.open or (self.warning is None and self.critical is None):
            return self
        return replace(self, warning=self.clear)

    def severity(self, value: float, **beside: float) -> str:
        """``beside`` names the figures that floors and ceilings speak of; one whose figure is not given is ignored."""
        if any(beside[name] < floor for name, floor in self.floors.items() if name in beside):
            return OK
        if any(beside[name] > ceiling for name, ceiling in self.ceilings.items() if name in beside):
            return OK
        for level, limit in ((CRITICAL, self.critical), (WARNING, self.warning)):
            if limit is not None and (value >= limit if self.higher_is_worse else value <= limit):
                return level
        return OK

    def with_overrides(self, check: str, given: Mapping[str, Any]) -> Threshold:
        """The user's own limits laid over the defaults. Raises ``InputError`` for a name or a number that cannot be."""
        known = ["warning", "critical", "clear", *sorted(self.floors), *sorted(self.ceilings)]
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
            clear=numbers.get("clear", self.clear),
            floors={name: numbers.get(name, floor) or 0.0 for name, floor in self.floors.items()},
            ceilings={name: _or_none(numbers.get(name, top)) for name, top in self.ceilings.items()},
        )
        changed._require_order(check)
        return changed

    def _require_order(self, check: str) -> None:
        level = self.critical if self.warning is None else self.warning
        clear = level if self.clear is None else self.clear
        if level is not None and ((clear > level) if self.higher_is_worse else (clear < level)):
            raise InputError(
                "thresholds: '{0}' would be raised at {1:g} and not be clear at it ({2:g}).".format(
                    check, level, clear
                ),
                "Let 'clear' lie on the good side of the limit.",
            )
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


def _or_none(ceiling: Optional[float]) -> float:
    """A ceiling that is switched off holds nothing back."""
    return math.inf if ceiling is None else ceiling


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
