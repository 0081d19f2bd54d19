# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets a server's transactions only read, waits until those from before have ended, and takes it back."""

from __future__ import annotations

import time
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple

from .._errors import Refused
from .._judge.pg_read_only import RECORD, SETTING, Record, choose_writers, is_on, open_before
from .._judge.pg_terminate import TERMINATE, unfinished
from .._judge.plan import Step
from .._judge.rows import Row
from .._observe.pg_read_only import try_write
from .._observe.pg_sessions import observe_sessions
from .._observe.postgres import APPLICATION_NAME, PostgresClient
from .pg_jobs import server_text
from .terminate import end_sessions

_POLL_SECONDS = 0.1


def stop_writes(client: PostgresClient, record: Optional[Record], seconds: float) -> Row:
    """The record comes first: interrupted in between, nothing is stopped, and nothing forgotten. Returns the proof."""
    if record is not None:
        _remember(client, record.text())
    _alter(client, SETTING, "on")
    return _reload(client, lambda proof: proof.refused, seconds)


def allow_writes(client: PostgresClient, setting: Optional[str], record: Record, seconds: float) -> Row:
    """The other way round, the record last."""
    if is_on(setting):
        _alter(client, SETTING, record.was)
    _remember(client, None)
    return _reload(client, lambda proof: not proof.refused, seconds)


def wait_for_writers(client: PostgresClient, cut: float, seconds: float) -> List[Row]:
    """The sessions as they are when no transaction from before is left, or time is over."""
    for sessions, late in _looks(client, seconds):
        if late or not open_before(sessions, cut):
            break
    return sessions


def end_writers(
    client: PostgresClient, cut: float, also: Sequence[str], seconds: float
) -> Tuple[List[Step], List[Step], List[Step]]:
    """Those that were ended, those that were told to go and have not, and who was spared. Again and again: one that
    begins a statement between the look and the deed is no longer what was chosen."""
    told: List[Step] = []
    for sessions, late in _looks(client, seconds):
        plan, spared = choose_writers(sessions, cut, also, APPLICATION_NAME)
        stayed = unfinished(told, sessions, TERMINATE)
        known = {step.details["pid"] for step in stayed}
        plan = [step for step in plan if step.details["pid"] not in known]
        if late or not (plan or stayed):
            break
        if plan:
            told += end_sessions(client, plan, TERMINATE)
    return [step for step in told if step not in stayed], [*stayed, *plan], spared


def _looks(client: PostgresClient, seconds: float) -> Iterator[Tuple[List[Row], bool]]:
    until = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= until
        yield observe_sessions(client), late
        time.sleep(_POLL_SECONDS)


def _remember(client: PostgresClient, text: Optional[str]) -> None:
    # Before PostgreSQL 17, ALTER SYSTEM knows a name that no library has only where the session does.
    client.rows("SELECT set_config(%s, '', false)", (RECORD,))
    _alter(client, RECORD, text)


def _alter(client: PostgresClient, name: str, value: Optional[str]) -> None:
    from psycopg2 import Error
    from psycopg2.sql import SQL, Identifier, Literal

    parts: List[Any] = [Identifier(part) for part in name.split(".")]
    what = SQL(".").join(parts)
    statement = SQL("ALTER SYSTEM RESET {0}").format(what)
    if value is not None:
        statement = SQL("ALTER SYSTEM SET {0} = {1}").format(what, Literal(value))
    try:
        client.rows(statement)
    except Error as error:
        raise Refused(
            "{0} does not let {1} be set: {2}.".format(client.login.target, name, server_text(error)),
            "Look at allow_alter_system, and whether the disk takes writes; then run this again.",
        ) from error


def _reload(client: PostgresClient, is_so: Callable[[Row], bool], seconds: float) -> Row:
    """What an attempt to write on a new connection says, when the server has read its files, or time is over."""
    client.rows("SELECT pg_reload_conf()")
    until = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= until
        proof = try_write(client.login)
        if late or (is_so(proof) and not proof.problem):
            return proof
        time.sleep(_POLL_SECONDS)
