# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster itself: which one it is, how it is set up, who may log in until when, what it is busy with, its WAL."""

from __future__ import annotations

from .._judge.checks import Unavailable
from .._judge.rows import Row
from .pg_snapshot_part import Part, Query, constant, monitor_only, needs_monitor

IDENTITY = "SELECT system_identifier FROM pg_control_system()"

# What somebody set for the whole server; what a client, a database or a role sets is not the server's.
CONFIGURATION = """
SELECT name, setting AS value, vartype AS type, coalesce(unit, '') AS unit
FROM pg_settings
WHERE source IN ('configuration file', 'command line') AND reset_val IS DISTINCT FROM boot_val
ORDER BY name
"""

# Roles of Vault ('v-…') are made for an hour each: that they end is what they are for.
ROLES = """
SELECT rolname AS name, format('%I', rolname) AS name_quoted,
       extract(epoch FROM rolvaliduntil - clock_timestamp())::float8 AS left_seconds
FROM pg_roles
WHERE rolcanlogin AND isfinite(rolvaliduntil) AND rolname NOT LIKE 'v-%'
ORDER BY rolvaliduntil
"""

NOTIFICATIONS = "SELECT 100 * pg_notification_queue_usage() AS used_percent"

SLRU = "SELECT name, blks_read AS reads FROM pg_stat_slru ORDER BY name"

# What can be counted is different for each; 'done' is part of 'total' in the unit that the view has.
PROGRESS = """
SELECT p.pid, p.kind, p.phase, p.done, p.total, p.database,
       CASE WHEN p.database = current_database() THEN (
           SELECT format('%I.%I', n.nspname, c.relname)
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = p.relation) END AS relation,
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start, a.backend_start))::float8 AS seconds
FROM (
    SELECT pid, 'VACUUM' AS kind, phase, heap_blks_scanned AS done, heap_blks_total AS total, datname AS database,
           relid AS relation FROM pg_stat_progress_vacuum
    UNION ALL
    SELECT pid, 'ANALYZE', phase, sample_blks_scanned, sample_blks_total, datname, relid
    FROM pg_stat_progress_analyze
    UNION ALL
    SELECT pid, command, phase, blocks_done, blocks_total, datname, relid FROM pg_stat_progress_create_index
    UNION ALL
    SELECT pid, command, phase, heap_blks_scanned, heap_blks_total, datname, relid FROM pg_stat_progress_cluster
    UNION ALL
    SELECT pid, command, 'copying', bytes_processed, bytes_total, datname, relid FROM pg_stat_progress_copy
    UNION ALL
    SELECT pid, 'base backup', phase, backup_streamed, backup_total, NULL, NULL FROM pg_stat_progress_basebackup
) AS p JOIN pg_stat_activity a USING (pid)
"""

_WAL = """
SELECT count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes,
       pg_size_bytes(current_setting('max_wal_size')) + pg_size_bytes(current_setting('wal_keep_size'))
           AS expected_bytes
FROM pg_ls_waldir()
"""

# The errors are counted since 15. The connection string, which may hold a password, is not asked for.
_SUBSCRIPTIONS = """
SELECT s.subname AS name, format('%I', s.subname) AS name_quoted, d.datname AS database, s.subenabled AS enabled,
       EXISTS (SELECT FROM pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL)
           AS works, {errors} AS errors
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
ORDER BY 1
"""
_ERRORS = "(SELECT e.apply_error_count + e.sync_error_count FROM pg_stat_subscription_stats e WHERE e.subid = s.oid)"


def wal(server: Row) -> Query:
    return _WAL if server.lists_wal else needs_monitor(server, "the WAL files")


def subscriptions(server: Row) -> Query:
    return _SUBSCRIPTIONS.replace("{errors}", _ERRORS if server.version >= 150000 else "NULL::bigint")


def evictions(server: Row) -> Query:
    from psycopg2 import sql

    extension = server.extensions.pg_stat_statements
    # Since 1.9, which came with 14.
    if extension is None or tuple(int(number) for number in extension.version.split(".")) < (1, 9):
        return Unavailable("No pg_stat_statements that counts evictions is installed in this database.", severity="ok")
    return sql.SQL("SELECT dealloc AS evictions FROM {0}.pg_stat_statements_info").format(
        sql.Identifier(extension.schema)
    )


PARTS = {
    "identity": constant(IDENTITY, one=True),
    "configuration": constant(CONFIGURATION),
    "roles": constant(ROLES),
    "notifications": constant(NOTIFICATIONS, one=True),
    "slru": constant(SLRU),
    "progress": monitor_only(PROGRESS, "what maintenance of other roles does"),
    "wal": Part(wal, one=True),
    "subscriptions": Part(subscriptions),
    "evictions": Part(evictions, one=True),
}
