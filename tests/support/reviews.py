# SPDX-License-Identifier: GPL-3.0-or-later
"""Weeks of a stack that does not exist, for the views of the review: made by the same functions as real ones."""

from __future__ import annotations

from typing import Any

from ansible_collections.analytics.ops.plugins.module_utils._judge.history import Slot
from ansible_collections.analytics.ops.plugins.module_utils._judge.review import review
from ansible_collections.analytics.ops.plugins.module_utils._judge.review_facts import (
    DAY,
    Alert,
    Facts,
    RunRow,
    TopRow,
    Weeks,
)

from tests.support.reports import FIGURES, NOW, TARGET, wave

WEEKS = Weeks.until(NOW, 7)


def runs_every_day(*missing: int, status: str = "healthy", failures: int | None = 0) -> list[RunRow]:
    """One each morning of both weeks, the oldest first, without those of the days ``missing``."""
    starts = [NOW - 14 * DAY + number * DAY + 3600 for number in range(14) if number not in missing]
    return [RunRow("daily_health_check", start, start + 60, False, status, failures) for start in starts]


def alert(subject: str = "server", since: float = 1, gone: float | None = None, level: int = 3, **more: Any) -> Alert:
    """``since`` and ``gone`` are days before the end of the week."""
    begin, end = NOW - int(since * DAY), None if gone is None else NOW - int(gone * DAY)
    given = {"host": "db1", "target": TARGET, "check": "pg.connections", **more}
    return Alert(subject=subject, since=begin, level=level, last_seen=end or NOW, gone=end, **given)


def slots(*values: float, end: int = NOW) -> list[Slot]:
    """One a day, the last one an hour before the end."""
    begin = end - len(values) * DAY + DAY - 3600
    return [Slot(begin + number * DAY, value, value, value) for number, value in enumerate(values)]


def top(day: int, times: float, weight: float | None = None, **more: Any) -> TopRow:
    """``day`` counts from the begin of the week before; an error pattern that covers the day, unless said otherwise."""
    at = WEEKS.before + day * DAY
    given = {"host": "app1", "target": "api", "kind": "log.patterns", "name": "api: ERROR <*> failed", **more}
    figures = {"least": times, "most": times, "lightest": weight, "heaviest": weight, "seconds": DAY}
    return TopRow(at=at, times=times, **{**figures, "first": at, "last": at + DAY, **given})


def fleet_of_weeks(hosts: int, extra: str = "") -> tuple[dict[str, Any], Facts]:
    """The review of two weeks over ``hosts`` hosts; every third one had an alert."""
    series = {
        (f"db{number + 1}", TARGET, name): [
            Slot(WEEKS.before + slot * DAY // 4, value, value * 0.95, value * 1.05)
            for slot in range(56)
            for value in [wave(name, slot / 4 + 16, number)]
        ]
        for number in range(hosts)
        for name in FIGURES
    }
    series["db0", TARGET, "pg.xid_age"] = slots(1, 2, 3, end=WEEKS.begin)
    series["db1", TARGET, "host.memory.used_percent"] = slots(*range(60, 74))
    alerts = [
        alert(
            "server" + extra,
            since=(number % 12) + 0.5,
            gone=0.2 if number % 2 else None,
            level=3,
            host=f"db{number + 1}",
        )
        for number in range(0, hosts, 3)
    ]
    alerts += [
        alert("server", since=2, host="db2", level=4),
        alert("noted", level=1),
        alert(since=9, gone=8, host="db2"),
    ]
    heaviest = [top(day, 100 + day, name="api: ERROR <*> failed" + extra) for day in range(14)]
    scans = {"host": "db1", "target": TARGET, "kind": "pg.sequential_scans", "name": "public.orders"}
    heaviest += [top(day, 5 * day, 1000.0 * day, **scans) for day in range(14)]
    facts = Facts(NOW - 40 * DAY, runs_every_day(11, status="degraded"), alerts, series, heaviest)
    return review(facts, WEEKS, {}), facts
