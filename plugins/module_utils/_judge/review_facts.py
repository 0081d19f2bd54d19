# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the history holds of two weeks, as the review is told about it. Times are seconds since the epoch."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Sequence

from .history import SeriesKey, Slot

DAY = 86400
SLOTS_A_DAY = 4  # a quarter of a day is what first and last mean: one run at a bad moment says nothing about a week
RECURRENCE_DAYS = 56  # how far back an alert is looked for that was there before


class Weeks(NamedTuple):
    """From ``before`` up to ``begin`` is the week before, from ``begin`` up to and with ``end`` the week itself."""

    before: int
    begin: int
    end: int

    @classmethod
    def until(cls, end: int, days: int) -> Weeks:
        return cls(end - 2 * days * DAY, end - days * DAY, end)

    @property
    def days(self) -> int:
        return (self.end - self.begin) // DAY


class RunRow(NamedTuple):
    """``failures`` counts the tasks that failed; ``None``: an older release did not keep that."""

    playbook: str
    started: int
    finished: int
    check_mode: bool
    status: str
    failures: Optional[int]


class Alert(NamedTuple):
    """A finding for as long as it was open; ``level`` is the rank of its worst severity, no ``gone``: still open."""

    host: str
    target: str
    check: str
    subject: str
    since: int
    level: int
    last_seen: int
    gone: Optional[int]


class TopRow(NamedTuple):
    """One entry on one day, of all its looks. ``at`` is the begin of the day, counted from the first one.

    ``times`` is the sum of what was counted, ``least``, ``most``, ``lightest`` and ``heaviest`` are the lowest and the
    highest count and weight. ``seconds`` is the sum of the times that were counted over, ``first`` and ``last`` their
    ends; ``None``: not known.
    """

    host: str
    target: str
    kind: str
    name: str
    at: int
    times: float
    least: float
    most: float
    lightest: Optional[float]
    heaviest: Optional[float]
    seconds: int
    first: Optional[int]
    last: Optional[int]


class Facts(NamedTuple):
    """All that there is; ``known_since`` is the begin of the first run, ``None`` where there was none."""

    known_since: Optional[int] = None
    runs: Sequence[RunRow] = ()
    alerts: Sequence[Alert] = ()
    series: Mapping[SeriesKey, Sequence[Slot]] = {}
    top: Sequence[TopRow] = ()
