# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replicas, slots, the standby itself, archiving and checkpoints."""

from __future__ import annotations

from .._judge.checks import Unavailable
from .._judge.rows import Row
from .pg_snapshot_part import Part, Query, constant, monitor_only, needs_monitor

# How far this server is: what it has written, or as a standby what it has received and can pass on.
_HERE = """(CASE WHEN pg_is_in_recovery()
            THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            ELSE pg_current_wal_lsn() END)"""

REPLICAS = """
SELECT coalesce(nullif(r.application_name, ''), r.pid::text) AS name, host(r.client_addr) AS client, r.state,
       r.sync_state, coalesce(s.slot_type = 'logical', false) AS logical,
       greatest(pg_wal_lsn_diff({here}, coalesce(r.replay_lsn, r.flush_lsn)), 0)::bigint AS lag_bytes,
       greatest(pg_wal_lsn_diff({here}, r.sent_lsn), 0)::bigint AS unsent_bytes,
       extract(epoch FROM r.replay_lag)::float8 AS lag_seconds
FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
ORDER BY lag_bytes DESC NULLS LAST
""".replace("{here}", _HERE)

# Columns that only newer versions have are taken by name from the row as JSON; then their absence is NULL.
SLOTS = """
SELECT s.slot_name AS name, s.slot_type, s.database, s.temporary, s.active, s.wal_status,
       greatest(pg_wal_lsn_diff({here}, s.restart_lsn), 0)::bigint AS kept_bytes,
       m.bytes >= 0 AS limited, m.bytes AS limit_bytes,
       coalesce((j.row ->> 'synced')::bool, false) AS synced,
       coalesce((j.row ->> 'conflicting')::bool, false) AS conflicting,
       j.row ->> 'invalidation_reason' AS invalidation,
       extract(epoch FROM clock_timestamp() - (j.row ->> 'inactive_since')::timestamptz)::float8 AS inactive_seconds
FROM pg_replication_slots s CROSS JOIN LATERAL (SELECT to_jsonb(s) AS row) j
CROSS JOIN (SELECT pg_size_bytes(current_setting('max_slot_wal_keep_size')) AS bytes) m
ORDER BY kept_bytes DESC NULLS LAST
""".replace("{here}", _HERE)

# pg_get_wal_replay_pause_state and the rest may only be asked during recovery.
STANDBY = """
SELECT pg_get_wal_replay_pause_state() AS pause_state,
       greatest(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint AS lag_bytes,
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS replay_seconds,
       extract(epoch FROM current_setting('recovery_min_apply_delay')::interval)::float8 AS apply_delay_seconds,
       (SELECT status FROM pg_stat_wal_receiver LIMIT 1) AS receiver_status,
       coalesce(current_setting('primary_conninfo', true), '') <> '' AS has_primary,
       coalesce(current_setting('restore_command', true), '') <> '' AS restores_from_archive
"""

# A file is due from when it was finished, which is when its .ready mark was made.
_ARCHIVER = """
SELECT a.archived_count, a.failed_count, a.last_failed_wal AS failed_wal,
       extract(epoch FROM clock_timestamp() - a.last_archived_time)::float8 AS archived_seconds,
       extract(epoch FROM clock_timestamp() - a.last_failed_time)::float8 AS failed_seconds,
       w.waiting, w.oldest_waiting_seconds
FROM pg_stat_archiver a CROSS JOIN (
    SELECT count(*) AS waiting,
           extract(epoch FROM clock_timestamp() - min(modification))::float8 AS oldest_waiting_seconds
    FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') w
"""

# The view was split in 17.
_CHECKPOINTS_BEFORE_17 = """
SELECT checkpoints_timed AS timed, checkpoints_req AS requested,
       extract(epoch FROM clock_timestamp() - stats_reset)::float8 AS seconds
FROM pg_stat_bgwriter
"""
_CHECKPOINTS = """
SELECT num_timed AS timed, num_requested AS requested,
       extract(epoch FROM clock_timestamp() - stats_reset)::float8 AS seconds
FROM pg_stat_checkpointer
"""


def standby(server: Row) -> Query:
    if not server.standby:
        return Unavailable("This is a primary.", severity="ok")
    if not server.reads_all_stats:
        return needs_monitor(server, "the WAL receiver")
    return STANDBY


def archiver(server: Row) -> Query:
    if server.archive_mode == "off" or (server.standby and server.archive_mode != "always"):
        return Unavailable("This server does not archive WAL.", severity="ok")
    if not server.lists_archive_status:
        return needs_monitor(server, "which WAL files wait for the archive")
    return _ARCHIVER


def checkpoints(server: Row) -> Query:
    if server.standby:
        return Unavailable("A standby makes restart points, not checkpoints.", severity="ok")
    return _CHECKPOINTS if server.version >= 170000 else _CHECKPOINTS_BEFORE_17


PARTS = {
    "replicas": monitor_only(REPLICAS, "the replicas"),
    "slots": constant(SLOTS),
    "standby": Part(standby, one=True),
    "archiver": Part(archiver, one=True),
    "checkpoints": Part(checkpoints, one=True),
}
