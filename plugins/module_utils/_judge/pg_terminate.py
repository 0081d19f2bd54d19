# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which sessions of a PostgreSQL server are to go, and which would be but are spared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple

from .plan import Step
from .postgres_sessions import MAINTENANCE, is_idle_in_transaction, lock_queues
from .postgres_words import doing_text, many, session_text, statement_text
from .rows import Row
from .text import seconds_text

TERMINATE, CANCEL = "terminate", "cancel"
SUPERUSERS, BACKUPS, REPLICATION = "superusers", "backups", "replication"
ALSO = (SUPERUSERS, BACKUPS, REPLICATION)

_BACKUP = re.compile(r"(pg_dump|pg_dumpall|pg_basebackup|pg_receivewal|pgbackrest|barman|wal-g)", re.IGNORECASE)
_CLIENT, _WALSENDER = "client backend", "walsender"


@dataclass(frozen=True)
class Wanted:
    """Limits are seconds; ``None``: sessions do not go for that reason. ``active``: also what blocks while it works."""

    action: str = TERMINATE
    idle_in_transaction_seconds: Optional[float] = None
    blocking_seconds: Optional[float] = None
    statement_seconds: Optional[float] = None
    pid: Optional[int] = None
    backend_start: str = ""
    active: bool = False
    users: Sequence[str] = ()
    databases: Sequence[str] = ()
    applications: Sequence[str] = ()
    also: Sequence[str] = ()

    @property
    def names_any(self) -> bool:
        limits = (self.idle_in_transaction_seconds, self.blocking_seconds, self.statement_seconds, self.pid)
        return any(limit is not None for limit in limits)


@dataclass(frozen=True)
class Choice:
    """``spared`` are those that a limit would have chosen; their reason says why not."""

    plan: Tuple[Step, ...]
    spared: Tuple[Step, ...]
    waiting: int


def choose(sessions: Sequence[Row], wanted: Wanted, own: str) -> Choice:
    """``own`` is the application name of this collection's sessions, which maintain something just now."""
    queues = lock_queues(sessions)
    plan, spared = [], []
    for session in sorted(sessions, key=lambda one: one.pid):
        why = _why(session, wanted, queues.get(session.pid, []))
        if not why or not _matches(session, wanted):
            continue
        keep = _spared(session, wanted, own)
        if keep:
            spared.append(_step(session, wanted.action, "{0} {1}".format(keep, why)))
        else:
            plan.append(_step(session, wanted.action, why))
    return Choice(tuple(plan), tuple(spared), sum(bool(session.blockers) for session in sessions))


def lacks_right(plan: Iterable[Step], sessions: Sequence[Row]) -> List[Step]:
    """What this role may not signal."""
    may = {session.pid: session.may_signal for session in sessions}
    return [step for step in plan if not may[step.details["pid"]]]


def unfinished(plan: Iterable[Step], sessions: Sequence[Row], action: str) -> List[Step]:
    """What was to end and has not: the same session, not another one that got its number. A session that was cancelled
    stays, and its transaction ends or is aborted."""
    there = {(one.pid, one.backend_start) for one in sessions}
    works = {(one.pid, one.transaction_start) for one in sessions if one.state == "active"}
    if action == CANCEL:
        return [step for step in plan if (step.details["pid"], step.details["transaction_start"]) in works]
    return [step for step in plan if (step.details["pid"], step.details["backend_start"]) in there]


def is_backup(session: Row) -> bool:
    return bool(_BACKUP.match(session.application or ""))


def _why(session: Row, wanted: Wanted, behind: Sequence[Row]) -> str:
    """Why it is to go, the strongest reason; empty where it is not."""
    waited = max((one.waited_seconds or 0 for one in behind), default=0)
    doing = "It is {0}.".format(doing_text(session))
    if wanted.pid is not None:
        same = session.pid == wanted.pid and wanted.backend_start in ("", session.backend_start)
        return doing if same else ""
    if wanted.blocking_seconds is not None and behind and waited >= wanted.blocking_seconds:
        return "{0} {1} for a lock of it, the longest for {2}. {3}".format(
            many(len(behind), "session"), "waits" if len(behind) == 1 else "wait", seconds_text(waited), doing
        )
    if _reached(wanted.idle_in_transaction_seconds, session.state_seconds) and is_idle_in_transaction(session):
        return doing
    runs = session.state == "active" and session.wait_event_type != "Lock"
    if runs and _reached(wanted.statement_seconds, session.statement_seconds):
        return doing
    return ""


def _reached(limit: Optional[float], seconds: Optional[float]) -> bool:
    return limit is not None and seconds is not None and seconds >= limit


def _matches(session: Row, wanted: Wanted) -> bool:
    pairs = (
        (wanted.users, session.user),
        (wanted.databases, session.database),
        (wanted.applications, session.application),
    )
    return all(not names or value in names for names, value in pairs)


def _spared(session: Row, wanted: Wanted, own: str) -> str:
    """Why a session that a limit has chosen stays, as a sentence; empty where it may go."""
    if session.own:
        return "It is this very session."
    if session.backend_type == _WALSENDER:
        return "" if REPLICATION in wanted.also else "It serves a replica or a base backup."
    if session.backend_type != _CLIENT:
        return "It is a process of the server itself."
    if session.application == own:
        return "It is a run of this collection."
    if is_backup(session) and BACKUPS not in wanted.also:
        return "It is a backup."
    if session.superuser and SUPERUSERS not in wanted.also:
        return "Its user is a superuser."
    if wanted.action == CANCEL and session.state != "active":
        return "It runs no statement that could be cancelled."
    if wanted.pid is not None or is_idle_in_transaction(session):
        return ""
    if MAINTENANCE.match(statement_text(session.query)):
        return "It maintains something."
    works = session.state == "active"
    if works and wanted.statement_seconds is None and not wanted.active:
        return "It is at work, and 'active' is not set."
    return ""


def _step(session: Row, action: str, reason: str) -> Step:
    details: Mapping[str, Any] = {
        "pid": session.pid,
        "backend_start": session.backend_start,
        "transaction_start": session.transaction_start,
        "state": session.state,
        "user": session.user,
        "database": session.database,
        "application_name": session.application,
    }
    return Step(action, session_text(session), reason, details)
