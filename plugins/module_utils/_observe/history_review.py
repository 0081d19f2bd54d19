# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads two weeks out of the history. What comes back grows with hosts and days, not with how often they were seen."""

from __future__ import annotations

import os
from typing import List, Mapping

from .._judge.finding import SEVERITIES, UNKNOWN, rank
from .._judge.history import SeriesKey, Slot
from .._judge.review_facts import DAY, RECURRENCE_DAYS, SLOTS_A_DAY, Alert, Facts, RunRow, TopRow, Weeks
from .._judge.top import KINDS
from .history import SqliteStore, Store, open_store, series_since, version_of

_TOP_SINCE = 2  # the version of the tables that came with alerts, failures and the heaviest of a kind
_BASE_DAYS = 2  # what counts up is compared with a look from before the first week


def ansible_home() -> str:
    """Where Ansible has its files, unless its configuration says otherwise, which a module does not see."""
    return os.path.expanduser(os.environ.get("ANSIBLE_HOME") or "~/.ansible")


def look_back(url: str, weeks: Weeks) -> Facts:
    """Empty where there is no history yet, and never made by this. Raises ``OpsError``."""
    store = open_store(url)
    if isinstance(store, SqliteStore) and not os.path.exists(store.path):
        return Facts()
    with store:
        version = version_of(store)
        if not version:
            return Facts()
        known_since = store.rows("SELECT min(started) FROM analytics_ops_runs")[0][0]
        return Facts(
            known_since=known_since,
            runs=_runs(store, weeks, version),
            alerts=_alerts(store, weeks, version),
            series=_series(store, weeks),
            top=_top(store, weeks) if version >= _TOP_SINCE else (),
        )


def _runs(store: Store, weeks: Weeks, version: int) -> List[RunRow]:
    rows = store.rows(
        "SELECT playbook, started, finished, check_mode, status, {0} FROM analytics_ops_runs "
        "WHERE started >= ? AND started <= ? ORDER BY started".format("failures" if version >= _TOP_SINCE else "NULL"),
        [weeks.before, weeks.end],
    )
    return [RunRow(*row[:3], bool(row[3]), *row[4:]) for row in rows]


def _alerts(store: Store, weeks: Weeks, version: int) -> List[Alert]:
    """Of tables that an older release made, the last time that each finding was open is all that is known."""
    old = version < _TOP_SINCE
    rows = store.rows(
        "SELECT host, target, check_name, subject, since, {0}, last_seen, gone FROM analytics_ops_{1} "
        "WHERE since <= ? AND (gone IS NULL OR gone >= ?)".format(
            *(("severity", "findings") if old else ("level", "alerts"))
        ),
        [weeks.end, weeks.begin - RECURRENCE_DAYS * DAY],
    )
    return [Alert(*row[:5], _level(row[5]), *row[6:]) for row in rows]


def _level(kept: object) -> int:
    """Text of an older release, or of somebody who wrote there by hand, may be no severity at all."""
    if isinstance(kept, int):
        return max(0, min(kept, len(SEVERITIES) - 1))
    return rank(str(kept) if kept in SEVERITIES else UNKNOWN)


def _series(store: Store, weeks: Weeks) -> Mapping[SeriesKey, List[Slot]]:
    return series_since(store, weeks.before, DAY // SLOTS_A_DAY, weeks.end)


def _top(store: Store, weeks: Weeks) -> List[TopRow]:
    begin = weeks.before - _BASE_DAYS * DAY
    rows = store.rows(
        "SELECT names.host, names.target, names.kind, names.name, found.day, found.times, found.least, found.most, "
        "found.lightest, found.heaviest, found.seconds, found.first_at, found.last_at FROM ("
        "SELECT top.entry AS entry, (runs.started - ?) / {0} AS day, sum(top.times) AS times, "
        "min(top.times) AS least, max(top.times) AS most, min(top.weight) AS lightest, max(top.weight) AS heaviest, "
        "sum(coalesce(top.last_at - top.first_at, 0)) AS seconds, min(top.first_at) AS first_at, "
        "max(top.last_at) AS last_at "
        "FROM analytics_ops_runs AS runs JOIN analytics_ops_top AS top ON top.run = runs.id "
        "WHERE runs.started >= ? AND runs.started <= ? GROUP BY top.entry, (runs.started - ?) / {0}"
        ") AS found JOIN analytics_ops_top_names AS names ON names.id = found.entry".format(DAY),
        [begin, begin, weeks.end, begin],
    )
    # Of a newer release there may be kinds that this one does not know.
    known = [row for row in rows if row[2] in KINDS]
    return [TopRow(*row[:4], begin + row[4] * DAY, *row[5:10], int(row[10]), *row[11:]) for row in known]
