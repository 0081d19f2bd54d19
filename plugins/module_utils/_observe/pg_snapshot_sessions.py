# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions, locks and transactions."""

from __future__ import annotations

from .pg_snapshot_part import constant, monitor_only

# Without the right to see other roles' sessions their kind is NULL; then whoever is in a database counts.
_CLIENT = "(backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL))"

CONNECTIONS = """
SELECT count(*) AS used,
       100.0 * count(*) / (current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0)) AS used_percent,
       count(*) FILTER (WHERE state = 'active') AS active,
       count(*) FILTER (WHERE state = 'idle') AS idle,
       count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
       (SELECT coalesce(json_agg(row_to_json(g)), '[]') FROM (
            SELECT coalesce(usename, '?') AS "user", coalesce(application_name, '') AS application,
                   count(*) AS sessions, count(*) FILTER (WHERE state = 'idle') AS idle
            FROM pg_stat_activity WHERE {client}
            GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 3) g) AS groups
FROM pg_stat_activity
WHERE {client}
""".replace("{client}", _CLIENT)

SESSIONS = """
SELECT pid, datname AS database, usename AS "user", application_name AS application, host(client_addr) AS client,
       backend_type, state, wait_event_type,
       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction_seconds,
       extract(epoch FROM clock_timestamp() - query_start)::float8 AS statement_seconds,
       extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_seconds,
       left(query, 1000) AS query
FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND backend_type <> 'walsender' AND (xact_start IS NOT NULL OR state = 'active')
"""

# Starts from pg_locks, which everybody may see. Pid 0 stands for a prepared transaction.
BLOCKING = """
WITH waiting AS MATERIALIZED (
    SELECT DISTINCT ON (pid) pid, pg_blocking_pids(pid) AS blockers, waitstart, mode, locktype, database, relation
    FROM pg_locks WHERE NOT granted ORDER BY pid, waitstart
), involved AS (
    SELECT pid FROM waiting UNION SELECT unnest(blockers) FROM waiting
)
SELECT i.pid, coalesce(to_json(w.blockers), '[]') AS blockers, w.mode, w.locktype,
       extract(epoch FROM clock_timestamp() - w.waitstart)::float8 AS waited_seconds,
       (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = w.relation AND w.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ) AS relation,
       a.datname AS database, a.usename AS "user", a.application_name AS application, host(a.client_addr) AS client,
       a.backend_type, a.state, left(a.query, 1000) AS query,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       CASE WHEN i.pid = 0 THEN (SELECT string_agg(gid, ', ') FROM
            (SELECT gid FROM pg_prepared_xacts ORDER BY prepared LIMIT 5) AS oldest) END AS prepared
FROM involved i LEFT JOIN waiting w USING (pid) LEFT JOIN pg_stat_activity a USING (pid)
"""

# Locks taken on the fast path do not lie in the shared table; one object that many hold lies there once.
LOCK_TABLE = """
WITH shared AS MATERIALIZED (SELECT * FROM pg_locks WHERE NOT fastpath),
     holders AS (SELECT coalesce(pid, 0) AS pid, count(*) AS locks FROM shared GROUP BY 1 ORDER BY 2 DESC LIMIT 1)
SELECT count(DISTINCT (locktype, database, relation, page, tuple, virtualxid, transactionid::text, classid, objid,
                       objsubid)) AS objects,
       (SELECT pid FROM holders) AS top_pid, (SELECT locks FROM holders) AS top_locks
FROM shared
"""

PREPARED = """
SELECT gid AS name, owner AS "user", database, extract(epoch FROM clock_timestamp() - prepared)::float8 AS seconds
FROM pg_prepared_xacts ORDER BY prepared
"""

# A vacuum has an old snapshot, too, but the others know that they may pass it over.
HORIZON = """
SELECT 'session' AS kind, pid::text AS name, greatest(age(backend_xmin), age(backend_xid)) AS age,
       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds,
       concat_ws(', ', nullif(application_name, ''), usename, datname, state) AS detail
FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
  AND backend_type NOT IN ('walsender', 'autovacuum worker') AND query !~* '^\\s*vacuum\\y'
UNION ALL
SELECT 'prepared transaction', gid, age(transaction), extract(epoch FROM clock_timestamp() - prepared)::float8,
       concat_ws(', ', owner, database)
FROM pg_prepared_xacts
UNION ALL
SELECT 'slot', slot_name, greatest(age(xmin), age(catalog_xmin)), NULL,
       concat_ws(', ', slot_type, database, CASE WHEN active THEN 'active' ELSE 'inactive' END)
FROM pg_replication_slots WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL
UNION ALL
SELECT 'standby', coalesce(nullif(application_name, ''), pid::text), age(backend_xmin), NULL, host(client_addr)
FROM pg_stat_replication WHERE backend_xmin IS NOT NULL
"""

PARTS = {
    "connections": constant(CONNECTIONS, one=True),
    "sessions": monitor_only(SESSIONS, "what sessions of other roles do"),
    "blocking": constant(BLOCKING),
    "lock_table": constant(LOCK_TABLE, one=True),
    "prepared": constant(PREPARED),
    "horizon": monitor_only(HORIZON, "the snapshots of other roles' sessions"),
}
