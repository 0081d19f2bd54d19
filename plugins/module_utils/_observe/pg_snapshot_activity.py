# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters of the databases, statements, settings and extensions."""

from __future__ import annotations

from .._judge.checks import Unavailable
from .._judge.rows import Row
from .pg_snapshot_part import Part, Query, constant, needs_monitor, on_primary

# The row without a name counts for what all databases share. 'statistics_since' errs on the young side: where nobody
# has reset a database's own counters (NULL since 15), those of the whole server, which a crash resets, tell.
DATABASES = """
SELECT coalesce(d.datname, 'shared catalogs') AS name, d.datname = current_database() AS is_current,
       d.datallowconn AS allows_connections, d.datistemplate AS is_template,
       age(d.datfrozenxid) AS xid_age, mxid_age(d.datminmxid) AS multixact_age,
       s.xact_commit AS commits, s.xact_rollback AS rollbacks, s.deadlocks, s.conflicts, s.blks_hit AS blocks_hit,
       s.blks_read AS blocks_read, s.temp_files AS temporary_files, s.temp_bytes AS temporary_bytes,
       s.checksum_failures, s.sessions, s.sessions_abandoned, s.sessions_fatal,
       extract(epoch FROM clock_timestamp() - s.checksum_last_failure)::float8 AS checksum_failure_seconds,
       extract(epoch FROM coalesce(s.stats_reset, b.stats_reset, pg_postmaster_start_time()))::float8
           AS statistics_since,
       CASE WHEN d.datname = current_database() THEN pg_database_size(d.oid) END AS size_bytes
FROM pg_stat_database s FULL JOIN pg_database d ON d.oid = s.datid CROSS JOIN pg_stat_bgwriter b
ORDER BY 1
"""

# After a reload the server marks every setting whose file says something else, even where its command line rules, which
# it will do after a restart, too. What the module pg_read_only leaves there is no setting that the server lists.
SETTINGS = """
SELECT name, setting AS value, source, pending_restart AND source <> 'command line' AS pending_restart
FROM pg_settings
WHERE pending_restart OR name IN ('fsync', 'full_page_writes', 'autovacuum', 'track_counts', 'zero_damaged_pages',
    'ignore_checksum_failure', 'ignore_invalid_pages', 'synchronous_standby_names', 'synchronous_commit')
UNION ALL
SELECT name, current_setting(name, true), 'pg_read_only', false
FROM (VALUES ('analytics_ops.writes_stopped')) AS own (name)
WHERE current_setting(name, true) <> ''
ORDER BY name
"""

EXTENSIONS = """
SELECT e.extname AS name, format('%I', e.extname) AS name_quoted, e.extversion AS installed,
       a.default_version AS available
FROM pg_extension e JOIN pg_available_extensions a ON a.name = e.extname
WHERE e.extversion <> a.default_version
ORDER BY 1
"""

# Only of this database; without maintenance, which is long by nature, and without this module's own. The slowest are
# judged, those that took the most time together are kept for the weekly review.
_STATEMENTS = """
WITH seen AS MATERIALIZED (
SELECT row_number() OVER () AS number,
       coalesce(s.queryid::text, '?') AS id, coalesce(r.rolname, '?') AS "user", s.calls,
       s.{mean} / 1000 AS mean_seconds, s.{total} / 1000 AS total_seconds, left(s.query, 1000) AS query
FROM {schema}.pg_stat_statements s LEFT JOIN pg_roles r ON r.oid = s.userid
WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.calls > 0
  AND s.query !~* '^\\s*(/\\* analytics\\.ops|vacuum|analyze|reindex|cluster|create|alter|refresh|copy|checkpoint)'
)
SELECT id, "user", calls, mean_seconds, total_seconds, query FROM seen
WHERE number IN ((SELECT number FROM seen ORDER BY mean_seconds DESC LIMIT 500)
                 UNION (SELECT number FROM seen ORDER BY total_seconds DESC LIMIT 20))
ORDER BY mean_seconds DESC
"""


def statements(server: Row) -> Query:
    from psycopg2 import sql

    extension = server.extensions.pg_stat_statements
    if extension is None:
        # An empty database has no statements worth watching.
        return Unavailable(
            "The extension pg_stat_statements is not installed in database {0}: slow statements go unseen.".format(
                server.database
            ),
            "Add it to shared_preload_libraries, restart, and CREATE EXTENSION pg_stat_statements here.",
            severity="info" if server.has_tables and not server.standby else "ok",
        )
    if not server.reads_all_stats:
        return needs_monitor(server, "statements of other roles")
    # The columns are named by the extension's own version, which an upgrade of the server leaves as it was.
    old = tuple(int(number) for number in extension.version.split(".")) < (1, 8)
    return sql.SQL(_STATEMENTS).format(
        schema=sql.Identifier(extension.schema),
        mean=sql.Identifier("mean_time" if old else "mean_exec_time"),
        total=sql.Identifier("total_time" if old else "total_exec_time"),
    )


PARTS = {
    "databases": constant(DATABASES),
    "settings": constant(SETTINGS),
    "extensions": on_primary(EXTENSIONS),
    "statements": Part(statements),
}
