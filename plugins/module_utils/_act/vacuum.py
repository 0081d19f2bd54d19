# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VACUUM and ANALYZE, one table a statement."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence

from .._judge.maintenance import Left
from .._judge.plan import Step
from .._judge.vacuum import TableWork
from .._observe.pg_blockers import lock_holder
from .._observe.pg_tables import TableStatistics, observe_tables
from .._observe.postgres import PostgresClient
from .pg_jobs import Outcome

# A skipped table is known by its counters, which PostgreSQL 14 notes up to half a second later.
COUNTERS_SECONDS = 2.0
COUNTERS_OF_ALL_SECONDS = 5.0

_COUNTS = "SELECT pg_stat_get_vacuum_count(%(oid)s) AS vacuum, pg_stat_get_analyze_count(%(oid)s) AS analyze"


@dataclass(frozen=True)
class VacuumOptions:
    skip_locked: bool = True
    parallel_workers: Optional[int] = None
    truncate: Optional[bool] = None
    index_cleanup: Optional[str] = None


def vacuum_table(client: PostgresClient, work: TableWork, options: VacuumOptions) -> Outcome:
    client.rows(_statement(work, options, client.server_version))
    # The texts of warnings come in the server's language, and not every warning means that the table was skipped.
    if client.take_warnings() and not _was_done(client, work):
        return Outcome(work, cause="locked")
    return Outcome(work)


def with_lock_holders(client: PostgresClient, outcomes: Sequence[Outcome]) -> List[Left]:
    """Everything that was not done, with who was in the way."""
    left = []
    for outcome in outcomes:
        reason = outcome.reason
        if outcome.cause == "locked":
            holder = lock_holder(client, outcome.work.table.oid)
            reason = "It was locked{0}.".format(", by " + holder if holder else " by a session that is done now")
        if outcome.cause:
            left.append(Left(outcome.work.step(), outcome.cause, reason))
    return left


def done_steps(outcomes: Sequence[Outcome], tables: Sequence[TableStatistics]) -> List[Step]:
    """The steps that were done, with figures from before and from ``tables``, which were looked at afterwards."""
    after = {table.oid: table for table in tables}
    steps = []
    for outcome in outcomes:
        if outcome.cause:
            continue
        before = outcome.work.table
        table = after.get(before.oid)
        step = outcome.work.step()
        figures = {
            "seconds": round(outcome.seconds, 3),
            "dead_rows_before": before.dead_rows + before.toast_dead_rows,
            "dead_rows_after": table and table.dead_rows + table.toast_dead_rows,
            "size_bytes_before": before.size_bytes,
            # A partitioned table has no size of its own; before and after are those of its partitions.
            "size_bytes_after": before.size_bytes if before.kind == "p" else table and table.size_bytes,
            "xid_age_before": before.xid_age,
            "xid_age_after": table and table.xid_age,
        }
        steps.append(step.with_details(**figures))
    return steps


def _statement(work: TableWork, options: VacuumOptions, version: int) -> Any:
    from psycopg2 import sql

    words = ["SKIP_LOCKED"] if options.skip_locked else []
    if work.vacuum:
        words += ["FREEZE"] if work.freeze else []
        words += ["ANALYZE"] if work.analyze else []
        if options.parallel_workers is not None:
            words.append("PARALLEL {0:d}".format(options.parallel_workers))
        if options.truncate is not None:
            words.append("TRUNCATE {0}".format("on" if options.truncate else "off"))
        if options.index_cleanup is not None:
            words.append("INDEX_CLEANUP {0}".format(options.index_cleanup))
    # Before 18 the ANALYZE of a partitioned table always analyzes its partitions, too.
    only = "ONLY " if work.table.kind == "p" and version >= 180000 else ""
    return sql.SQL("{0} {1} {2}{3}").format(
        sql.SQL("VACUUM" if work.vacuum else "ANALYZE"),
        sql.SQL("({0})".format(", ".join(words)) if words else ""),
        sql.SQL(only),
        sql.Identifier(work.table.schema, work.table.name),
    )


def _was_done(client: PostgresClient, work: TableWork) -> bool:
    end = time.monotonic() + (COUNTERS_SECONDS if client.server_version < 150000 else 0.0)
    while True:
        if _counted(work, client.row(_COUNTS, {"oid": work.table.oid})):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.05)


def _counted(work: TableWork, counts: Mapping[str, int]) -> bool:
    vacuumed = not work.vacuum or counts["vacuum"] > work.table.vacuum_count
    return vacuumed and (not work.analyze or counts["analyze"] > work.table.analyze_count)


def settled_tables(client: PostgresClient, outcomes: Sequence[Outcome]) -> List[TableStatistics]:
    """Statistics that know of all the work done: PostgreSQL 14 tells them late."""
    done = [outcome for outcome in outcomes if not outcome.cause]
    end = time.monotonic() + COUNTERS_OF_ALL_SECONDS
    while True:
        tables = observe_tables(client)
        counts = {table.oid: {"vacuum": table.vacuum_count, "analyze": table.analyze_count} for table in tables}
        late = [o for o in done if o.work.table.oid in counts and not _counted(o.work, counts[o.work.table.oid])]
        if not late or time.monotonic() > end:
            return tables
        time.sleep(0.05)
