# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every session of a server: who it is, what it is at, whom it waits for, and whether this role may end it."""

from __future__ import annotations

from typing import List

from .._errors import Refused
from .._judge.postgres_words import identifier
from .._judge.rows import Row
from .postgres import PostgresClient

# A transaction gets its number when it first writes. A statement that is older than its transaction is a CALL or DO
# that commits on its way: between two of its transactions it has no number, and is at it since the statement began.
# A superuser's session is ended by superusers alone; anybody may end those of roles that he is a member of.
_SESSIONS = """
WITH waiting AS MATERIALIZED (
    SELECT DISTINCT ON (pid) pid, pg_blocking_pids(pid) AS blockers, waitstart
    FROM pg_locks WHERE NOT granted ORDER BY pid, waitstart
), me AS MATERIALIZED (
    SELECT rolsuper, pg_has_role(current_user, 'pg_signal_backend', 'USAGE') AS signals
    FROM pg_roles WHERE rolname = current_user
)
SELECT a.pid, a.pid = pg_backend_pid() AS own, a.backend_start::text, a.xact_start::text AS transaction_start,
       a.datname AS database, a.usename AS "user", a.application_name AS application, host(a.client_addr) AS client,
       a.backend_type, a.state, a.wait_event_type, left(a.query, 1000) AS query,
       a.backend_xid IS NOT NULL OR (a.state = 'active' AND a.query_start < a.xact_start) AS writes,
       extract(epoch FROM least(a.xact_start, CASE WHEN a.state = 'active' THEN a.query_start END))::float8 AS since,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS statement_seconds,
       coalesce(to_json(w.blockers), '[]') AS blockers,
       extract(epoch FROM clock_timestamp() - w.waitstart)::float8 AS waited_seconds,
       coalesce(r.rolsuper, false) AS superuser,
       me.rolsuper OR (NOT coalesce(r.rolsuper, false) AND (me.signals
           OR (a.usesysid IS NOT NULL AND pg_has_role(current_user, a.usesysid, 'USAGE')))) AS may_signal
FROM pg_stat_activity a CROSS JOIN me LEFT JOIN waiting w USING (pid) LEFT JOIN pg_roles r ON r.oid = a.usesysid
"""
_SEES_ALL = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees, current_user AS role"


def observe_sessions(client: PostgresClient) -> List[Row]:
    return [Row(**row) for row in client.rows(_SESSIONS)]


def demand_sight(client: PostgresClient) -> None:
    """Without it the state of other roles' sessions is hidden: none would seem to be in the way."""
    row = client.row(_SEES_ALL)
    if not row["sees"]:
        raise Refused(
            "{0}: the role {1} may not see what sessions of other roles do.".format(client.login.target, row["role"]),
            "Grant it: GRANT pg_monitor, pg_signal_backend TO {0}.".format(identifier(row["role"])),
        )
