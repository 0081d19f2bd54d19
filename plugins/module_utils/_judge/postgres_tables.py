# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether vacuum and analyze keep up with what is written to the tables."""

from __future__ import annotations

from typing import Any, Iterator, List

from .finding import Finding
from .postgres_register import CHECKS
from .rows import Row
from .text import number_text, seconds_text
from .threshold import Threshold

WEEK = 7 * 86400.0


@CHECKS.check(
    "dead_tuples",
    needs=("tables",),
    procedure="H06",
    question="Does vacuum keep up with dead rows?",
    threshold=Threshold(
        "%",
        20,
        None,
        floors={"dead_rows": 10000},
        source="over 10 000 and 10 % awesome-prometheus-alerts, 20 % pganalyze; autovacuum itself starts at 20 %",
    ),
)
def dead_tuples(rule: Any, tables: List[Row]) -> Iterator[Finding]:
    for table in sorted(tables, key=lambda t: -t.dead):
        if not table.dead:
            continue
        percent = 100.0 * table.dead / (table.live + table.dead)
        yield rule.judge(
            table.name,
            percent,
            "{0} of {1} rows in {2} are dead; last vacuum: {3}.".format(
                number_text(table.dead), number_text(table.live + table.dead), table.name, _ago(table.vacuum_seconds)
            ),
            _vacuum_advice(table),
            dead_rows=table.dead,
        )


def _vacuum_advice(table: Row) -> str:
    name = table.parent or table.name
    off = " Autovacuum is off for this table: ALTER TABLE {0} RESET (autovacuum_enabled).".format(name)
    return "VACUUM (ANALYZE, VERBOSE) {0}. If dead rows stay, see pg.xmin_horizon for who holds them.{1}".format(
        name, off if table.autovacuum_off else ""
    )


@CHECKS.check(
    "vacuum_age",
    needs=("server", "tables"),
    procedure="H06",
    question="Has autovacuum been to every table that is in need of it?",
    threshold=Threshold("seconds", WEEK, None, source="netdata 7 d, awesome-prometheus-alerts 10 d; only with writes"),
)
def vacuum_age(rule: Any, server: Row, tables: List[Row]) -> Iterator[Finding]:
    """Only where autovacuum's own trigger has been reached: a table without writes needs no vacuum."""
    for table in sorted(tables, key=lambda t: -(t.vacuum_seconds or 0)):
        trigger = server.vacuum_threshold + server.vacuum_scale_factor * max(table.live, 0)
        insert_trigger = server.insert_threshold + server.insert_scale_factor * max(table.live, 0)
        due = table.dead > trigger or (server.insert_threshold >= 0 and table.inserted > insert_trigger)
        if table.vacuum_seconds is None or not due:
            continue
        yield rule.judge(
            table.name,
            table.vacuum_seconds,
            "{0} was last vacuumed {1} and has {2} dead and {3} new rows since.".format(
                table.name, _ago(table.vacuum_seconds), number_text(table.dead), number_text(table.inserted)
            ),
            _vacuum_advice(table),
        )


@CHECKS.check(
    "analyze_age",
    needs=("server", "tables"),
    procedure="H06",
    question="Are planner statistics fresh where rows change?",
    threshold=Threshold("seconds", WEEK, None, source="netdata 7 d, awesome-prometheus-alerts 10 d; only with writes"),
)
def analyze_age(rule: Any, server: Row, tables: List[Row]) -> Iterator[Finding]:
    for table in sorted(tables, key=lambda t: -(t.analyze_seconds or 0)):
        trigger = server.analyze_threshold + server.analyze_scale_factor * max(table.live, 0)
        if not table.is_user or table.analyze_seconds is None or table.modified <= trigger:
            continue
        yield rule.judge(
            table.name,
            table.analyze_seconds,
            "{0} was last analyzed {1}; {2} of its {3} rows have changed since.".format(
                table.name, _ago(table.analyze_seconds), number_text(table.modified), number_text(table.live)
            ),
            "ANALYZE (VERBOSE) {0}.".format(table.name),
        )


@CHECKS.check(
    "never_analyzed",
    needs=("server", "tables"),
    procedure="H06",
    question="Does the planner know every table of some size?",
    threshold=Threshold("rows", 10000, None, source="ours: below that a bad plan costs little"),
)
def never_analyzed(rule: Any, server: Row, tables: List[Row]) -> Iterator[Finding]:
    """After a crash the counters are lost but the statistics are not, hence also by how much was modified since."""
    for table in sorted(tables, key=lambda t: -t.live):
        trigger = server.analyze_threshold + server.analyze_scale_factor * max(table.live, 0)
        if not table.is_user or table.analyze_seconds is not None or table.modified <= trigger:
            continue
        yield rule.judge(
            table.name,
            table.live,
            "{0} has {1} rows and no analyze is known: the planner guesses.".format(
                table.name, number_text(table.live)
            ),
            "ANALYZE (VERBOSE) {0}.".format(table.name),
        )


def _ago(seconds: Any) -> str:
    return "never" if seconds is None else "{0} ago".format(seconds_text(seconds))
