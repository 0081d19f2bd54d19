# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends sessions or their statements, each only while it is still at what it was chosen for."""

from __future__ import annotations

import time
from typing import List, Sequence

from .._errors import Refused
from .._judge.pg_terminate import CANCEL, unfinished
from .._judge.plan import Step
from .._judge.rows import Row
from .._observe.pg_sessions import observe_sessions
from .._observe.postgres import PostgresClient
from .pg_jobs import server_text

# By number, start, transaction and state: a session that has gone on since, or another one with its number, is left
# alone. All of them in one statement, which runs the function for those rows alone.
_WHO = """
WITH chosen AS MATERIALIZED (
    SELECT a.pid FROM pg_stat_activity a JOIN json_to_recordset(%s) AS c(pid int, backend_start timestamptz,
        transaction_start timestamptz, state text) ON c.pid = a.pid AND c.backend_start = a.backend_start
        AND c.transaction_start IS NOT DISTINCT FROM a.xact_start AND c.state IS NOT DISTINCT FROM a.state
)
"""
_TERMINATE = _WHO + "SELECT pid FROM chosen WHERE pg_terminate_backend(pid)"
_CANCEL = _WHO + "SELECT pid FROM chosen WHERE pg_cancel_backend(pid)"
_POLL_SECONDS = 0.05


def end_sessions(client: PostgresClient, plan: Sequence[Step], action: str) -> List[Step]:
    """Those that were told to go; the others are no longer at what they were chosen for."""
    from psycopg2 import Error
    from psycopg2.extras import Json

    names = ("pid", "backend_start", "transaction_start", "state")
    chosen = Json([{name: step.details[name] for name in names} for step in plan])
    try:
        rows = client.rows(_CANCEL if action == CANCEL else _TERMINATE, (chosen,))
    except Error as error:
        raise Refused(
            "{0} does not let these sessions be ended: {1}.".format(client.login.target, server_text(error)),
            "Some may have gone all the same: look with check mode.",
        ) from error
    told = {row["pid"] for row in rows}
    return [step for step in plan if step.details["pid"] in told]


def wait_until_ended(client: PostgresClient, plan: Sequence[Step], action: str, seconds: float) -> List[Row]:
    """The sessions as they are when all of the plan have ended, or time is over."""
    until = time.monotonic() + seconds
    while True:
        sessions = observe_sessions(client)
        if not unfinished(plan, sessions, action) or time.monotonic() >= until:
            return sessions
        time.sleep(_POLL_SECONDS)
