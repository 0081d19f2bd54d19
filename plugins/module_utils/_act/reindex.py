# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""REINDEX, one index a statement, and the removal of what failed rebuilds leave behind."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from typing import Any, List, Sequence

from .._errors import InputError
from .._judge.maintenance import Budget, Left
from .._judge.plan import Step
from .._judge.reindex import (
    BLOAT,
    IndexWork,
    JournalEntry,
    ReindexThresholds,
    confirmed,
    entries_from,
    is_own_leftover,
    transaction_obstacle,
)
from .._observe.pg_blockers import lock_holder, observe_server
from .._observe.pg_indexes import IndexStatistics, index_sizes, measure_bloat, measuring_schema, observe_indexes
from .._observe.postgres import PostgresClient
from .pg_jobs import Outcome

# How long a leftover may resist. It runs after the time budget, so it is short.
DROP_SECONDS = 10.0
OBSERVE_SECONDS = 30.0

# The journal is a large object: any role may make one, in any database, without a schema of its own.
_MARK = "analytics.ops pg_reindex: indexes being rebuilt; removed when that run has ended"
_READ_JOURNALS = """
SELECT o.oid, encode(lo_get(o.oid), 'hex') AS content
FROM pg_description d JOIN pg_largeobject_metadata o ON o.oid = d.objoid
WHERE d.classoid = 'pg_largeobject'::regclass AND d.description = %s
  AND o.lomowner = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)
"""


class Journal:
    """What this and earlier runs were about to rebuild, for as long as they may have left something behind."""

    def __init__(self, client: PostgresClient) -> None:
        self._client = client
        self._oids: List[int] = []
        self.entries: List[JournalEntry] = []
        for row in client.rows(_READ_JOURNALS, (_MARK,)):
            self._oids.append(row["oid"])
            try:
                self.entries += entries_from(json.loads(bytes.fromhex(row["content"])))
            except ValueError:
                continue

    def write(self, entries: Sequence[JournalEntry]) -> None:
        content = json.dumps({"indexes": [asdict(entry) for entry in entries]}).encode("ascii").hex()
        oid = self._client.row("SELECT lo_from_bytea(0, decode(%s, 'hex')) AS oid", (content,))["oid"]
        self._client.rows("COMMENT ON LARGE OBJECT {0:d} IS %s".format(oid), (_MARK,))
        self._oids.append(oid)
        self.entries += entries

    def close(self) -> None:
        for oid in self._oids:
            self._client.rows("SELECT lo_unlink(%s)", (oid,))
        self._oids, self.entries = [], []


def measure(
    client: PostgresClient, works: Sequence[IndexWork], thresholds: ReindexThresholds, exact: str, budget: Budget
) -> List[IndexWork]:
    """The works without those whose bloat, once measured, is not there."""
    from psycopg2 import Error

    schema = measuring_schema(client) if exact != "never" and works else None
    if exact == "required" and works and not schema:
        raise InputError(
            "exact is 'required', but pgstattuple is not installed in {0}, or this role may not use it.".format(
                client.login.target
            ),
            "CREATE EXTENSION pgstattuple and GRANT pg_stat_scan_tables to the role, or let exact be 'auto'.",
        )
    kept = []
    for work in works:
        measured = None
        if schema and work.need == BLOAT and budget.left != 0:
            client.limit_statements(budget.left)
            # A locked index cannot be measured; whether it can be rebuilt is found out soon enough.
            with suppress(Error):
                measured = measure_bloat(client, schema, work.index)
        kept.append(confirmed(work, measured, thresholds))
    client.limit_statements(OBSERVE_SECONDS)
    return [work for work in kept if work is not None]


def do_work(
    client: PostgresClient, work: IndexWork, concurrently: bool, lock_timeout: float, max_transaction_age: float
) -> Outcome:
    """Rebuild or drop. The table's lock is waited for ``lock_timeout``, other transactions for longer."""
    concurrently = concurrently or work.drop
    if concurrently:
        obstacle = transaction_obstacle(observe_server(client), max_transaction_age)
        if obstacle:
            return Outcome(work, cause="busy", reason=obstacle)
        _probe(client, work.index, lock_timeout)
    client.limit_locks(max_transaction_age if concurrently else lock_timeout)
    if work.drop:
        return Outcome(work) if _drop(client, work.index) else Outcome(work, cause="busy", reason="It is valid by now.")
    client.rows(_statement("REINDEX INDEX CONCURRENTLY {0}" if concurrently else "REINDEX INDEX {0}", work.index))
    return Outcome(work)


def clean_up(client: PostgresClient, entries: Sequence[JournalEntry]) -> List[Left]:
    """Drop what rebuilds of these runs left; what could not be dropped."""
    from psycopg2 import Error

    leftovers = [index for index in observe_indexes(client, _ONLY_INVALID) if is_own_leftover(index, entries)]
    left = []
    client.limit_statements(DROP_SECONDS)
    client.limit_locks(DROP_SECONDS)
    for index in leftovers:
        try:
            _drop(client, index)
        except Error:
            reason = "A rebuild left it, and it could not be dropped in {0:g} seconds.".format(DROP_SECONDS)
            left.append(Left(Step("drop", index.subject, reason), "leftover", reason))
    return left


def left_over(client: PostgresClient, outcomes: Sequence[Outcome]) -> List[Left]:
    """Everything that was not done, with who was in the way."""
    left = []
    for outcome in outcomes:
        reason = outcome.reason
        if outcome.cause == "locked":
            holder = lock_holder(client, outcome.work.index.table_oid)
            reason = "It had to wait too long for a lock or another transaction{0}.".format(
                ": " + holder if holder else ""
            )
        if outcome.cause:
            left.append(Left(outcome.work.step(), outcome.cause, reason))
    return left


def done_steps(client: PostgresClient, outcomes: Sequence[Outcome]) -> List[Step]:
    """The steps that were done, with the size afterwards; a concurrent rebuild is a new relation of the same name."""
    done = [outcome for outcome in outcomes if not outcome.cause]
    after = index_sizes(client, [outcome.work.index for outcome in done]) if done else {}
    return [
        outcome.work.step().with_details(
            seconds=round(outcome.seconds, 3),
            size_bytes_before=outcome.work.index.size_bytes,
            size_bytes_after=after.get((outcome.work.index.schema, outcome.work.index.name), 0),
        )
        for outcome in done
    ]


_STILL_INVALID = """
SELECT c.oid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.oid = %s AND c.relname = %s AND NOT i.indisvalid
"""
_ONLY_INVALID = 2**62  # as a minimum size that no valid index reaches


def _probe(client: PostgresClient, index: IndexStatistics, lock_timeout: float) -> None:
    """Take and give back the lock that a rebuild begins with, so that only that is waited for as briefly as asked."""
    from psycopg2 import sql

    if index.toast:
        return
    # Two statements sent together are one transaction, whose end gives the lock back.
    statement = sql.SQL("SET LOCAL lock_timeout = {0}; LOCK TABLE {1} IN SHARE UPDATE EXCLUSIVE MODE; SELECT 1")
    timeout, table = sql.Literal(int(lock_timeout * 1000)), sql.Identifier(index.schema, index.table)
    client.rows(statement.format(timeout, table))


def _drop(client: PostgresClient, index: IndexStatistics) -> bool:
    """Drop a leftover, unless it is something else by now."""
    if not client.rows(_STILL_INVALID, (index.oid, index.name)):
        return False
    client.rows(_statement("DROP INDEX CONCURRENTLY {0}", index))
    return True


def _statement(text: str, index: IndexStatistics) -> Any:
    from psycopg2 import sql

    return sql.SQL(text).format(sql.Identifier(index.schema, index.name))
