# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long an incident may wait before somebody else is asked.

The times are those of the escalation matrix in the manuals, the only complete one among them: P0 5, 15, 30 and 60
minutes; P1 15 minutes, 1 and 2 hours; P2 2 and 4 hours, then the next business day; P3 one and two business days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from .._errors import InputError
from .text import is_number, printable, seconds_text

# The most severe first.
LEVELS = ("P0", "P1", "P2", "P3")

ON_CALL, ENGINEER, SENIOR, MANAGER = "whoever is on call", "an engineer", "a senior engineer", "the manager"
EXECUTIVES = "the executives"
_MOST_DAYS = 366
_KEYS = frozenset(("ask", "after_seconds", "business_days"))


@dataclass(frozen=True)
class Rung:
    """Whom to ask when that long after the opening nobody has; ``business_days`` are Monday to Friday, in UTC."""

    ask: str
    after_seconds: float = 0.0
    business_days: int = 0

    def due(self, opened: float) -> float:
        when = datetime.fromtimestamp(opened, timezone.utc)
        left = self.business_days
        while left:
            when += timedelta(days=1)
            left -= when.weekday() < 5
        return when.timestamp() + self.after_seconds


Ladders = Mapping[str, Sequence[Rung]]

DEFAULT: Ladders = {
    "P0": (Rung(ON_CALL, 300), Rung(MANAGER, 900), Rung(SENIOR, 1800), Rung(EXECUTIVES, 3600)),
    "P1": (Rung(ON_CALL, 900), Rung(SENIOR, 3600), Rung(MANAGER, 7200)),
    "P2": (Rung(ON_CALL, 7200), Rung(ENGINEER, 14400), Rung(SENIOR, business_days=1)),
    "P3": (Rung(ON_CALL, business_days=1), Rung(ENGINEER, business_days=2)),
}


def ladders(given: Mapping[str, Any]) -> Ladders:
    """The manuals' times, with those of the user in their place for the severities that he names."""
    unknown = sorted(set(map(str, given)) - set(LEVELS))
    if unknown:
        raise InputError(
            "escalation: '{0}' is no severity.".format(printable(unknown[0], 40)),
            "Use {0}.".format(", ".join(LEVELS)),
        )
    return dict(DEFAULT, **{severity: _ladder(severity, rungs) for severity, rungs in given.items()})


def _ladder(severity: str, rungs: Any) -> List[Rung]:
    if not isinstance(rungs, list):
        raise InputError("escalation.{0} is no list.".format(severity), "Give a list of whom to ask, and after what.")
    return [_rung("escalation.{0}[{1}]".format(severity, number), rung) for number, rung in enumerate(rungs)]


def _rung(place: str, given: Any) -> Rung:
    if not isinstance(given, dict) or not given.get("ask") or not set(given) <= _KEYS:
        raise InputError(
            "{0} does not say whom to ask after what.".format(place), "Write {ask: the manager, after_seconds: 900}."
        )
    seconds, days = given.get("after_seconds", 0), given.get("business_days", 0)
    if not is_number(seconds) or not 0 <= seconds <= _MOST_DAYS * 86400:
        raise InputError("{0}.after_seconds is no number of seconds.".format(place), "Give at most a year.")
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= _MOST_DAYS:
        raise InputError("{0}.business_days is no number of days.".format(place), "Give at most a year.")
    return Rung(printable(given["ask"], 100), float(seconds), days)


@dataclass(frozen=True)
class Escalation:
    """Who is asked next, and by when. ``overdue_seconds`` is 0 while there is time left; ``ask`` is empty when the
    incident is closed or everybody was asked."""

    ask: str = ""
    due: Optional[float] = None
    overdue_seconds: float = 0.0

    @property
    def message(self) -> str:
        if not self.ask:
            return "Nobody has to be asked."
        if self.overdue_seconds:
            return "{0} should have been asked {1} ago.".format(_capital(self.ask), seconds_text(self.overdue_seconds))
        when = datetime.fromtimestamp(self.due or 0.0, timezone.utc)
        return "{0} is to be asked by {1:%Y-%m-%d %H:%M} UTC.".format(_capital(self.ask), when)

    def as_dict(self) -> Dict[str, Any]:
        return {"ask": self.ask, "overdue_seconds": round(self.overdue_seconds), "message": self.message}


def next_to_ask(
    ladder: Sequence[Rung], opened: float, now: float, asked: Iterable[str], is_worked_on: bool
) -> Escalation:
    """The first rung is the response itself: it is there as soon as somebody works on the incident. The others are
    done when their people were asked."""
    told = {one.casefold() for one in asked}
    for number, rung in enumerate(ladder):
        if rung.ask.casefold() in told or (number == 0 and is_worked_on):
            continue
        due = rung.due(opened)
        return Escalation(rung.ask, due, max(0.0, now - due))
    return Escalation()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
