# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the databases have counted: deadlocks, rollbacks, cache hits, temporary files, slow statements."""

from __future__ import annotations

from typing import Any, Iterator, List, Optional, Tuple

from .finding import WARNING, Finding
from .interval import Interval
from .postgres_register import CHECKS
from .postgres_words import many, statement_text
from .rows import Row
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

HOUR = 3600.0


def counter(database: Row, name: str) -> str:
    """The measurement that keeps a counter of a database, so that the next run can tell how it grew."""
    return "pg.database.{0}.{1}".format(database.name, name)


def _since(interval: Interval, database: Row, *names: str) -> Tuple[List[float], str]:
    """Growth since the earlier result where that is known, else the sums since statistics began."""
    grown: List[Optional[float]] = [interval.growth(counter(database, name)) for name in names]
    if None in grown:
        return [getattr(database, name) for name in names], "since statistics began"
    return [g for g in grown if g is not None], "in the last {0}".format(seconds_text(interval.seconds or 0))


@CHECKS.check(
    "deadlocks",
    needs=("databases", "interval"),
    procedure="H04",
    question="Do transactions not lock each other out? (needs previous)",
    threshold=Threshold("deadlocks/min", 5, None, source="awesome-prometheus-alerts 5/min; netdata 10/min"),
)
def deadlocks(rule: Any, databases: List[Row], interval: Interval) -> Iterator[Finding]:
    for database in databases:
        rate = interval.rate(counter(database, "deadlocks"), 60)
        if rate is None:
            continue
        yield rule.judge(
            database.name,
            rate,
            "{0} in database {1} in the last {2}: each ended somebody's transaction.".format(
                many(int(interval.growth(counter(database, "deadlocks")) or 0), "deadlock"),
                database.name,
                seconds_text(interval.seconds or 0),
            ),
            "Search the server's log for 'deadlock detected': it names both statements. Let them lock in one order.",
        )


@CHECKS.check(
    "rollbacks",
    needs=("databases", "interval"),
    procedure="H04",
    question="Do transactions succeed?",
    threshold=Threshold(
        "%", 10, 20, floors={"transactions": 1000}, source="postgres_exporter mixin 10 %; temBoard 10/20 %"
    ),
)
def rollbacks(rule: Any, databases: List[Row], interval: Interval) -> Iterator[Finding]:
    for database in databases:
        (committed, rolled_back), since = _since(interval, database, "commits", "rollbacks")
        transactions = committed + rolled_back
        if not transactions:
            continue
        yield rule.judge(
            database.name,
            100.0 * rolled_back / transactions,
            "{0} of {1} transactions in database {2} were rolled back {3}.".format(
                number_text(rolled_back), number_text(transactions), database.name, since
            ),
            "Search the server's log for ERROR lines of this database; the most frequent one tells which statement "
            "fails.",
            transactions=transactions,
        )


@CHECKS.check(
    "cache_hit",
    needs=("databases", "interval"),
    procedure="H06",
    question="Is what is read mostly in memory?",
    threshold=Threshold(
        "%",
        90,
        None,
        higher_is_worse=False,
        floors={"reads": 1000000},
        source="temBoard 90/80, pghero 99, netdata 60/50; never critical, for a cold or scanning database is not ill",
    ),
)
def cache_hit(rule: Any, databases: List[Row], interval: Interval) -> Iterator[Finding]:
    for database in databases:
        (hit, read), since = _since(interval, database, "blocks_hit", "blocks_read")
        reads = hit + read
        if not reads:
            continue
        yield rule.judge(
            database.name,
            100.0 * hit / reads,
            "{0} of {1} block reads in database {2} came from shared_buffers {3}.".format(
                number_text(hit), number_text(reads), database.name, since
            ),
            "Look for sequential scans of large tables (pg_stat_user_tables.seq_tup_read) and missing indexes first, "
            "then at shared_buffers.",
            reads=reads,
        )


@CHECKS.check(
    "temporary_files",
    needs=("databases", "interval"),
    procedure="H05",
    question="Do sorts and joins fit into memory? (needs previous)",
    threshold=Threshold(
        "bytes/h",
        10 * 1024**3,
        None,
        floors={"temporary_bytes": 1024**3},
        source="ours; temBoard's 1/10 MB since the last look fires on every report",
    ),
)
def temporary_files(rule: Any, databases: List[Row], interval: Interval) -> Iterator[Finding]:
    for database in databases:
        written = interval.growth(counter(database, "temporary_bytes"))
        rate = interval.rate(counter(database, "temporary_bytes"), HOUR)
        if written is None or rate is None:
            continue
        yield rule.judge(
            database.name,
            rate,
            "Statements in database {0} wrote {1} of temporary files in the last {2} ({3} an hour).".format(
                database.name, bytes_text(written), seconds_text(interval.seconds or 0), bytes_text(rate)
            ),
            "Set log_temp_files = '100MB' and reload to see which statements; then raise work_mem for their role or "
            "give them an index.",
            temporary_bytes=written,
        )


@CHECKS.check(
    "recovery_conflicts",
    needs=("standby", "databases", "interval"),
    procedure="H07",
    question="Are queries on the standby left to finish? (needs previous)",
    threshold=Threshold("conflicts/h", 10, None, source="ours"),
)
def recovery_conflicts(rule: Any, standby: Row, databases: List[Row], interval: Interval) -> Iterator[Finding]:
    for database in databases:
        rate = interval.rate(counter(database, "conflicts"), HOUR)
        if rate is None:
            continue
        yield rule.judge(
            database.name,
            rate,
            "{0} in database {1} cancelled on this standby in the last {2} because replay needed what they "
            "used.".format(
                many(int(interval.growth(counter(database, "conflicts")) or 0), "query was", "queries were"),
                database.name,
                seconds_text(interval.seconds or 0),
            ),
            "Look at pg_stat_database_conflicts for the kind. Raise max_standby_streaming_delay, or switch "
            "hot_standby_feedback on if the primary can bear the bloat.",
        )


@CHECKS.check(
    "restart",
    needs=("server", "interval"),
    procedure="H03",
    question="Has the server not been restarted since the last look? (needs previous)",
)
def restart(rule: Any, server: Row, interval: Interval) -> Iterator[Finding]:
    if interval.seconds is not None and server.now - server.started < interval.seconds:
        yield rule.say(
            WARNING,
            "server",
            "The server was started {0} ago, which is after the last look.".format(
                seconds_text(server.now - server.started)
            ),
            "If nobody meant to: look in the server's log for the last lines before the start, and in the kernel's "
            "log for the OOM killer.",
        )


@CHECKS.check(
    "slow_statements",
    needs=("statements",),
    procedure="H05",
    question="Are statements fast on average?",
    threshold=Threshold(
        "seconds", 1, None, floors={"calls": 5, "total_seconds": 5}, source="manuals M3, M4: mean > 1 s"
    ),
)
def slow_statements(rule: Any, statements: List[Row]) -> Iterator[Finding]:
    for statement in statements:
        yield rule.judge(
            "statement {0}".format(statement.id),
            statement.mean_seconds,
            "{0} calls of {1} took {2} on average, {3} together: {4}".format(
                number_text(statement.calls),
                statement.user,
                seconds_text(statement.mean_seconds),
                seconds_text(statement.total_seconds),
                statement_text(statement.query, 200),
            ),
            "Look at its plan: EXPLAIN (ANALYZE, BUFFERS) with typical values. The whole text: SELECT query FROM "
            "pg_stat_statements WHERE queryid = {0}.".format(statement.id),
            calls=statement.calls,
            total_seconds=statement.total_seconds,
        )


@CHECKS.check(
    "checksum_failures",
    needs=("databases",),
    procedure="H06",
    question="Have all blocks been read without a checksum failure?",
    threshold=Threshold("failures", None, 1, source="check_pgactivity 1"),
)
def checksum_failures(rule: Any, databases: List[Row]) -> Iterator[Finding]:
    for database in databases:
        if database.checksum_failures is None:
            continue
        seen = database.checksum_failure_seconds
        yield rule.judge(
            database.name,
            database.checksum_failures,
            "{0} in {1}{2}{3}.".format(
                many(database.checksum_failures, "checksum failure"),
                database.name,
                ": data on disk is damaged" if database.checksum_failures else "",
                ", the last {0} ago".format(seconds_text(seen)) if seen is not None else "",
            ),
            "Do not restart or vacuum. Search the server's log for 'page verification failed' (it names the file), "
            "check the disk (dmesg, smartctl), and restore that relation from a backup or fail over. Once dealt with: "
            "SELECT pg_stat_reset() there.",
        )
