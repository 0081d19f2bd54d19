# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who stands in the way of maintenance: old transactions, held locks, another run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from .._judge.text import printable, seconds_text
from .postgres import PostgresClient

# For a WITH clause: what somebody alters. Asking for the size of such a relation would wait for them.
LOCKED = """locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)"""

# Only this database: since PostgreSQL 14 sessions in other databases keep no row of this one alive. Running VACUUMs
# are left out, for they do not keep each other from removing rows. A slot's catalog_xmin concerns catalogs alone.
_HOLDERS = """
SELECT * FROM (
  SELECT 'session' AS kind, a.pid::text AS name, a.pid, a.usename::text AS "user",
         a.application_name::text AS application, coalesce(a.state, '') AS state,
         extract(epoch FROM a.xact_start)::float8 AS begun,
         greatest(age(a.backend_xmin), age(a.backend_xid)) AS xid_age
  FROM pg_stat_activity a
  WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
    AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid)
  UNION ALL
  SELECT 'standby', a.application_name, a.pid, a.usename::text, a.application_name::text, '', NULL, age(a.backend_xmin)
  FROM pg_stat_activity a WHERE a.backend_type = 'walsender' AND a.datname IS NULL
  UNION ALL
  SELECT 'prepared transaction', gid, NULL, owner::text, '', '', extract(epoch FROM prepared)::float8, age(transaction)
  FROM pg_prepared_xacts WHERE database = current_database()
  UNION ALL
  SELECT 'replication slot', slot_name::text, active_pid, '', '', '', NULL, age(xmin)
  FROM pg_replication_slots
) holder WHERE xid_age IS NOT NULL ORDER BY xid_age DESC, begun
"""
_SERVER = """
SELECT pg_is_in_recovery() AS standby, extract(epoch FROM clock_timestamp())::float8 AS now,
       current_setting('track_counts')::bool AS track_counts,
       current_setting('autovacuum_freeze_max_age')::bigint AS freeze_max_age,
       current_setting('autovacuum_multixact_freeze_max_age')::bigint AS multixact_freeze_max_age,
       (SELECT coalesce(json_agg(row_to_json(h)), '[]') FROM ({holders}) h) AS holders
"""
_LOCKS = """
SELECT l.pid, l.mode, a.application_name::text AS application, a.usename::text AS "user",
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'relation' AND l.granted AND l.relation = %s AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                 'AccessExclusiveLock')
ORDER BY 2, 1 LIMIT 1
"""
_ADVISORY = """
SELECT l.pid, a.application_name::text AS application, a.usename::text AS "user",
       extract(epoch FROM clock_timestamp() - a.backend_start)::float8 AS seconds
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s AND l.objid = %s AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True)
class Holder:
    """What keeps dead rows alive. ``begun`` is unknown for slots and where this role may not see it."""

    kind: str
    name: str
    xid_age: int
    begun: Optional[float] = None
    pid: Optional[int] = None
    user: Optional[str] = None
    application: Optional[str] = None
    state: str = ""

    def text(self, now: float) -> str:
        parts = [part for part in (self.application if self.kind == "session" else "", self.state) if part]
        if self.begun is not None:
            parts.append("for {0}".format(seconds_text(max(0.0, now - self.begun))))
        name = "{0} {1}".format(self.kind, self.name)
        return printable("{0} ({1})".format(name, ", ".join(parts)) if parts else name, 160)

    def as_dict(self, now: float) -> Dict[str, Any]:
        return {
            "kind": self.kind,
            "name": printable(self.name, 80),
            "pid": self.pid,
            "user": printable(self.user or "", 80),
            "application_name": printable(self.application or "", 80),
            "state": self.state,
            "transaction_seconds": None if self.begun is None else round(max(0.0, now - self.begun), 1),
            "xid_age": self.xid_age,
        }


@dataclass(frozen=True)
class ServerState:
    """What holds for the whole database at the time ``now``. ``holders``: the oldest first."""

    standby: bool = False
    track_counts: bool = True
    now: float = 0.0
    freeze_max_age: int = 200_000_000
    multixact_freeze_max_age: int = 400_000_000
    holders: Tuple[Holder, ...] = ()


def observe_server(client: PostgresClient) -> ServerState:
    """One round trip: whoever rebuilds indexes asks before every single one."""
    row = client.row(_SERVER.replace("{holders}", _HOLDERS))
    return ServerState(**dict(row, holders=tuple(Holder(**holder) for holder in row["holders"])))


def lock_holder(client: PostgresClient, relation: int) -> str:
    """Who holds a lock that maintenance of this table has to wait for, in words; empty when nobody does any more."""
    return _session_text(client.rows(_LOCKS, (relation,)))


def advisory_lock_holder(client: PostgresClient, key: Tuple[int, int]) -> str:
    return _session_text(client.rows(_ADVISORY, key))


def _session_text(rows: List[Dict[str, Any]]) -> str:
    if not rows:
        return ""
    row = rows[0]
    parts = [printable(row[name], 80) for name in ("application", "user", "mode") if row.get(name)]
    if row["seconds"] is not None:
        parts.append("for {0}".format(seconds_text(row["seconds"])))
    return "process {0} ({1})".format(row["pid"], ", ".join(parts))
