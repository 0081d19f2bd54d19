# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is connected, and who has been at it for too long."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, Iterator, List, Sequence

from .finding import CRITICAL, OK, Finding
from .postgres_register import CHECKS
from .postgres_words import doing_text, end_session, literal, many, session_text, statement_text
from .rows import Row
from .text import number_text, seconds_text
from .threshold import Threshold

MAINTENANCE = re.compile(r"(VACUUM|ANALYZE|REINDEX|CLUSTER|CREATE (UNIQUE )?INDEX|REFRESH|COPY)\b", re.IGNORECASE)


@CHECKS.check(
    "reachable",
    needs=("server",),
    procedure="H03",
    question="Does the server answer?",
)
def reachable(rule: Any, server: Row) -> Iterator[Finding]:
    role = "standby" if server.standby else "primary"
    yield rule.say(OK, server.database, "PostgreSQL {0} ({1}) answers.".format(server.version_text, role))


@CHECKS.check(
    "role",
    needs=("server", "expected"),
    procedure="H07",
    question="Is the server the primary or the standby that it should be?",
)
def role(rule: Any, server: Row, expected: Row) -> Iterator[Finding]:
    actual = "standby" if server.standby else "primary"
    if expected.role and expected.role != actual:
        yield rule.say(
            CRITICAL,
            "server",
            "This server is a {0}, but should be a {1}.".format(actual, expected.role),
            "Find out who switched roles: look at the server's log for 'promote', at the cluster manager and at "
            "where the application writes now, before changing anything.",
            actual,
        )


@CHECKS.check(
    "connections",
    needs=("server", "connections"),
    procedure="H03",
    question="Are connections left for the application?",
    threshold=Threshold("%", 80, 90, source="manuals M2, M3 80 %; check_postgres 90/95, netdata and temBoard 75-80/90"),
)
def connections(rule: Any, server: Row, connections: Row) -> Iterator[Finding]:
    """Counted against what ordinary roles can have: ``max_connections`` without the reserved ones."""
    usable = server.max_connections - server.reserved_connections
    used = 100.0 * connections.used / usable
    holders = "; ".join(
        "{0} by {1}{2} ({3} idle)".format(
            group.sessions, group.user, " in '{0}'".format(group.application) if group.application else "", group.idle
        )
        for group in connections.groups
    )
    yield rule.judge(
        "server",
        used,
        "{0} of {1} connections are in use ({2} of max_connections {3} are reserved). Most: {4}.".format(
            connections.used, usable, server.reserved_connections, server.max_connections, holders
        ),
        "Look at the application that holds the most idle sessions and lower its pool size, or end idle ones: SELECT "
        "pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle' AND state_change < now() - interval "
        "'10 min' AND usename = '…'. Raising max_connections needs a restart; a pooler (PgBouncer) does not.",
    )


@CHECKS.check(
    "idle_in_transaction",
    needs=("sessions",),
    procedure="H04",
    question="Is no session idle inside a transaction for long?",
    threshold=Threshold("seconds", 300, 900, source="pgmonitor 300/900; pgFirstAid 300"),
)
def idle_in_transaction(rule: Any, sessions: List[Row]) -> Iterator[Finding]:
    for session in _longest([s for s in sessions if is_idle_in_transaction(s)], "state_seconds"):
        yield rule.judge(
            "session {0}".format(session.pid),
            session.state_seconds,
            "{0} is {1}; its transaction is {2} old.".format(
                session_text(session), doing_text(session), seconds_text(session.transaction_seconds or 0)
            ),
            "Ask the owner, or end it: {0}. Set idle_in_transaction_session_timeout for this role so that it does not "
            "come back.".format(end_session(session.pid)),
        )


@CHECKS.check(
    "long_statements",
    needs=("sessions",),
    procedure="H04",
    question="Does no statement run for very long?",
    threshold=Threshold("seconds", 1800, 3600, source="pganalyze 1800/3600; pgFirstAid 300, pgmonitor 43200/86400"),
)
def long_statements(rule: Any, sessions: List[Row]) -> Iterator[Finding]:
    """Statements that wait for a lock do not run: ``blocked_sessions`` has them. Maintenance and dumps are long by
    nature; should they hang, ``old_transactions`` has them."""
    running = [
        s
        for s in sessions
        if s.state == "active"
        and s.backend_type == "client backend"
        and s.wait_event_type != "Lock"
        and not MAINTENANCE.match(statement_text(s.query))
    ]
    for session in _longest(running, "statement_seconds"):
        yield rule.judge(
            "session {0}".format(session.pid),
            session.statement_seconds,
            "{0} has been running one statement for {1}: {2}".format(
                session_text(session), seconds_text(session.statement_seconds), statement_text(session.query)
            ),
            "If nobody waits for its result, cancel it: SELECT pg_cancel_backend({0}). Otherwise look at its plan with "
            "EXPLAIN.".format(session.pid),
        )


@CHECKS.check(
    "old_transactions",
    needs=("sessions",),
    procedure="H04",
    question="Is no transaction so old that vacuum cannot clean up behind it?",
    threshold=Threshold("seconds", 86400, None, source="pganalyze 24 h"),
)
def old_transactions(rule: Any, sessions: List[Row]) -> Iterator[Finding]:
    for session in _longest([s for s in sessions if s.backend_type == "client backend"], "transaction_seconds"):
        yield rule.judge(
            "session {0}".format(session.pid),
            session.transaction_seconds,
            "{0} has a transaction open for {1} and is {2}. Rows that died since then stay.".format(
                session_text(session), seconds_text(session.transaction_seconds), doing_text(session)
            ),
            "Ask the owner, or end it: {0}. Then vacuum the busiest tables.".format(end_session(session.pid)),
        )


@CHECKS.check(
    "prepared_transactions",
    needs=("prepared",),
    procedure="H04",
    question="Has every prepared transaction been finished?",
    threshold=Threshold("seconds", 300, 3600, source="ours: a transaction manager finishes within seconds"),
)
def prepared_transactions(rule: Any, prepared: List[Row]) -> Iterator[Finding]:
    for transaction in prepared:
        yield rule.judge(
            transaction.name,
            transaction.seconds,
            "Prepared transaction {0} of {1} in database {2} has been waiting for {3}; it keeps its locks and holds "
            "vacuum back, even over a restart.".format(
                transaction.name, transaction.user, transaction.database, seconds_text(transaction.seconds)
            ),
            "Ask the transaction manager for its verdict, then in database {0}: COMMIT PREPARED {1} or ROLLBACK "
            "PREPARED {1}.".format(transaction.database, literal(transaction.name)),
        )


@CHECKS.check(
    "lock_table",
    needs=("server", "lock_table"),
    procedure="H04",
    question="Is there room in the shared lock table?",
    threshold=Threshold("%", 20, 80, source="netdata 20 %; max_prepared_transactions counted as check_pgactivity does"),
)
def lock_table(rule: Any, server: Row, lock_table: Row) -> Iterator[Finding]:
    room = server.max_locks_per_transaction * (server.max_connections + server.max_prepared_transactions)
    used = 100.0 * lock_table.objects / room
    holder = ""
    if lock_table.top_locks:
        who = "session {0}".format(lock_table.top_pid) if lock_table.top_pid else "a prepared transaction"
        holder = " Most of them, {0}, are of {1}.".format(number_text(lock_table.top_locks), who)
    yield rule.judge(
        "server",
        used,
        "{0} of {1} places in the lock table are taken.{2} When it is full, statements fail with 'out of shared "
        "memory'.".format(number_text(lock_table.objects), number_text(room), holder),
        "Look at what this session does (SELECT * FROM pg_stat_activity WHERE pid = {0}): it touches many tables or "
        "partitions in one transaction. Raise max_locks_per_transaction (restart) if that is meant.".format(
            lock_table.top_pid or "…"
        ),
    )


@CHECKS.check(
    "blocked_sessions",
    needs=("blocking",),
    procedure="H04",
    question="Does no session wait long for a lock of another?",
    threshold=Threshold("seconds", 30, 300, source="pgFirstAid 30 s; pganalyze 300/600"),
)
def blocked_sessions(rule: Any, blocking: List[Row]) -> Iterator[Finding]:
    """One answer for each session at the root, which is the only one that can end the queue behind it."""
    by_pid = {session.pid: session for session in blocking}
    queues = sorted(lock_queues(blocking).items(), key=lambda item: -max(s.waited_seconds or 0 for s in item[1]))
    for root, waiting in queues:
        waiting.sort(key=lambda s: -(s.waited_seconds or 0))
        longest = waiting[0].waited_seconds or 0
        blocker = by_pid.get(root)
        yield rule.judge(
            "prepared transaction" if root == 0 else "session {0}".format(root),
            longest,
            "{0} blocks {1}, the longest for {2}: {3}".format(
                _blocker_text(blocker, root), many(len(waiting), "session"), seconds_text(longest), _queue_text(waiting)
            ),
            _blocker_advice(blocker, root),
        )


def is_idle_in_transaction(session: Row) -> bool:
    """Also in one that was aborted."""
    return str(session.state).startswith("idle in transaction")


def lock_queues(sessions: Sequence[Row]) -> Dict[int, List[Row]]:
    """Who waits behind each session that itself waits for nobody, by its number."""
    by_pid = {session.pid: session for session in sessions}
    behind: Dict[int, List[Row]] = {}
    for session in sessions:
        if session.blockers:
            for root in _lock_roots(session, by_pid):
                behind.setdefault(root, []).append(session)
    return behind


def _lock_roots(session: Row, by_pid: dict) -> List[int]:
    """Follow 'is blocked by' to those who wait for nobody; in a ring (a deadlock in the making) the lowest pid."""
    seen, roots, ahead = {session.pid}, set(), list(session.blockers)
    while ahead:
        pid = ahead.pop()
        if pid in seen:
            continue
        seen.add(pid)
        further = by_pid[pid].blockers if pid in by_pid else []
        if further:
            ahead += further
        else:
            roots.add(pid)
    return sorted(roots) or [min(seen)]


def _blocker_text(blocker: Any, root: int) -> str:
    if root == 0:
        return "A prepared transaction (one of: {0})".format(blocker.prepared if blocker else "?")
    if blocker is None:
        return "Session {0}".format(root)
    return "{0}, {1},".format(session_text(blocker), doing_text(blocker))


def _blocker_advice(blocker: Any, root: int) -> str:
    if root == 0:
        return "Look at SELECT * FROM pg_prepared_xacts, then COMMIT PREPARED or ROLLBACK PREPARED the one in the way."
    if blocker is not None and blocker.state == "active":
        return (
            "Wait if it is nearly done; otherwise SELECT pg_cancel_backend({0}), and if that does not help {1}.".format(
                root, end_session(root)
            )
        )
    return "It holds its locks until its transaction ends: ask its owner, or end it: {0}.".format(end_session(root))


def _queue_text(waiting: List[Row]) -> str:
    shown = [
        "session {0} waits for {1}{2} ({3})".format(
            s.pid,
            s.mode,
            " on {0}".format(s.relation) if s.relation else " on a {0}".format(s.locktype),
            statement_text(s.query, 60) or "statement not visible",
        )
        for s in waiting[:3]
    ]
    more = len(waiting) - len(shown)
    return "; ".join(shown) + ("; and {0} more.".format(more) if more else ".")


def _longest(sessions: Iterable[Row], figure: str) -> List[Row]:
    known = [session for session in sessions if getattr(session, figure) is not None]
    return sorted(known, key=lambda session: -getattr(session, figure))
