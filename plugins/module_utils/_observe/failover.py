# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A standby that is to become the primary, and the old primary as far as it can be seen from here."""

from __future__ import annotations

import contextlib
import socket
from typing import Any, Dict, Optional

from .._errors import Unreachable
from .._judge.rows import Row
from .._judge.text import printable
from .postgres import PostgresClient, PostgresLogin

_DEFAULT_PORT = 5432

# pg_settings leaves out what this role may not see; current_setting would fail.
_SETTING = "(SELECT setting FROM pg_settings WHERE name = '{0}') AS {0}"
_SETTINGS = ", ".join(map(_SETTING.format, ("synchronous_standby_names", "cluster_name")))

# The control file of a new primary has the old timeline until the first checkpoint; the name of its WAL file does not.
_TIMELINE = """CASE WHEN pg_is_in_recovery()
         THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver),
                       (SELECT greatest(c.timeline_id, r.min_recovery_end_timeline)
                        FROM pg_control_checkpoint() c, pg_control_recovery() r))
         ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline"""
ROLE = (
    """
SELECT pg_is_in_recovery() AS standby, (SELECT system_identifier::text FROM pg_control_system()),
       CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint END AS written,
       pg_postmaster_start_time()::text AS started, """
    + _TIMELINE
)

_TARGET = (
    ROLE
    + """,
       pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::bigint AS received,
       pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint AS replayed,
       CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END AS pause_state,
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS replay_seconds,
       (SELECT wait_event_type FROM pg_stat_activity WHERE backend_type = 'startup') AS replay_wait_type,
       (SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'startup') AS replay_wait,
       (SELECT status FROM pg_stat_wal_receiver) AS receiver_status,
       (SELECT setting FROM pg_settings WHERE name = 'primary_conninfo') AS primary_conninfo,
       (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS libraries,
       ARRAY(SELECT DISTINCT application_name FROM pg_stat_activity ORDER BY 1) AS sessions,
       EXISTS (SELECT FROM pg_database WHERE datname = 'repmgr') AS repmgr_database,
       to_regnamespace('repmgr') IS NOT NULL AS repmgr_schema,
       """
    + _SETTINGS
)

_PATRONI_FILE = "SELECT (pg_stat_file('patroni.dynamic.json', true)).size IS NOT NULL AS there"

_PRIMARY = (
    ROLE
    + """,
       coalesce((SELECT setting FROM pg_settings WHERE name = 'primary_conninfo'), '') <> '' AS follows,
       ARRAY(SELECT coalesce(nullif(application_name, ''), pid::text) FROM pg_stat_replication
             WHERE state IN ('streaming', 'catchup') ORDER BY 1) AS replicas,
       ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE slot_type = 'logical' AND NOT temporary
             ORDER BY 1) AS logical_slots
"""
)

_UNKNOWN: Dict[str, Any] = {"listens": False, "known": False, "reason": ""}


def observe_target(client: PostgresClient) -> Row:
    """``sender`` is where it gets its WAL from, as its setting says; the rest of that setting is not kept."""
    from psycopg2.errors import InsufficientPrivilege

    found = client.row(_TARGET)
    conninfo = found.pop("primary_conninfo")
    patroni_file = False
    with contextlib.suppress(InsufficientPrivilege):  # then its sessions alone can give it away
        patroni_file = client.row(_PATRONI_FILE)["there"]
    return Row(sender=_address_in(conninfo or ""), patroni_file=patroni_file, **found)


def _address_in(conninfo: str) -> Optional[Any]:
    """Host and port, of several the first; ``None`` where there is none, as for one that is fed by an archive."""
    from psycopg2 import Error
    from psycopg2.extensions import parse_dsn

    parts: Dict[str, str] = {}
    with contextlib.suppress(Error):
        parts = parse_dsn(conninfo)
    host = (parts.get("host") or parts.get("hostaddr") or "").split(",")[0]
    port = (parts.get("port") or "").split(",")[0]
    return (host, int(port) if port.isdigit() else _DEFAULT_PORT) if host else None


def observe_primary(given: Optional[PostgresLogin], target: Row) -> Row:
    """``given`` is the login of whoever asked. Without it, the address that the standby has is only tried, and nobody's
    password is sent to where a server says."""
    if given is None and target.sender is None:
        return Row(address="", **_UNKNOWN)
    host, port = (given.login_host, given.login_port) if given else target.sender
    seconds = given.connect_timeout if given else 5.0
    seen = dict(_UNKNOWN, address=printable("{0}:{1}".format(host, port), 200))
    try:
        _listens(host, port, seconds)
    except OSError as error:
        return Row(**dict(seen, reason=error.strerror or str(error) or type(error).__name__))
    seen["listens"] = True
    if given is None:
        return Row(**dict(seen, reason="no primary_host was given"))
    try:
        with PostgresClient(given, statement_timeout=10.0, read_only=True) as client:
            return Row(**dict(seen, known=True, **client.row(_PRIMARY)))
    except Unreachable as error:
        return Row(**dict(seen, reason=error.message))


def _listens(host: str, port: int, seconds: float) -> None:
    if not host.startswith("/"):
        socket.create_connection((host, port), seconds).close()
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect("{0}/.s.PGSQL.{1}".format(host, port))
