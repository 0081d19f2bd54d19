# SPDX-License-Identifier: GPL-3.0-or-later
"""The field's own monitoring programs: where they are, and which of their checks ``pg_health`` has as well."""

from __future__ import annotations

import shutil
from pathlib import Path

_DEBIAN = Path("/usr/lib/nagios/plugins/check_pgactivity")
CHECK_POSTGRES = shutil.which("check_postgres") or ""
CHECK_PGACTIVITY = shutil.which("check_pgactivity") or (str(_DEBIAN) if _DEBIAN.exists() else "")

# One process each, as a monitoring system starts them. Limits are high: the work is measured, not the verdict.
CHECK_POSTGRES_CALLS = (
    ["backends"],
    ["txn_idle", "--warning=1 hour"],
    ["txn_time", "--warning=1 hour"],
    ["query_time", "--warning=1 hour"],
    ["locks"],
    ["prepared_txns"],
    ["replication_slots", "--warning=1GB"],
    ["txn_wraparound"],
    ["autovac_freeze"],
    ["bloat"],
    ["sequence"],
    ["hitratio", "--warning=1%", "--critical=1%"],
)
CHECK_PGACTIVITY_CALLS = (
    ["backends", "-w", "90%", "-c", "95%"],
    ["oldest_idlexact", "-w", "1h", "-c", "2h"],
    ["longest_query", "-w", "1h", "-c", "2h"],
    ["locks", "-w", "90%", "-c", "95%"],
    ["oldest_2pc", "-w", "1h", "-c", "2h"],
    ["replication_slots"],
    ["max_freeze_age", "-w", "90%", "-c", "95%"],
    ["table_bloat", "-w", "99%", "-c", "99%"],
    ["btree_bloat", "-w", "99%", "-c", "99%"],
    ["sequences_exhausted", "-w", "90%", "-c", "95%"],
    ["hit_ratio", "-w", "1%", "-c", "1%"],
    ["invalid_indexes"],
)

# Every service of check_pgactivity 2.6 (Debian 12) that answers on one local primary of the newest PostgreSQL. Missing
# are those that need a standby (is_replay_paused, streaming_delta, hot_standby_delta), files elsewhere (archive_folder,
# pg_dump_backup), the internet (minor_version), an older PostgreSQL (backup_label_age, bgwriter, stat_snapshot_age),
# and pga_version, which is about the program itself.
CHECK_PGACTIVITY_ALL = (
    *CHECK_PGACTIVITY_CALLS,
    ["archiver"],
    ["autovacuum"],
    ["backends_status", "-w", "idle=40", "-c", "idle=45"],
    ["checksum_errors"],
    ["commit_ratio"],
    ["configuration"],
    ["connection"],
    ["custom_query", "--query", "SELECT 1", "-w", "5", "-c", "6"],
    ["database_size", "-w", "size=1TB", "-c", "size=2TB"],
    ["extensions_versions"],
    ["is_hot_standby"],
    ["is_master"],
    ["last_analyze", "-w", "1000d", "-c", "2000d"],
    ["last_vacuum", "-w", "1000d", "-c", "2000d"],
    ["oldest_xmin"],
    ["pgdata_permission"],
    ["session_stats"],
    ["settings"],
    ["table_unlogged"],
    ["temp_files", "-w", "1GB", "-c", "2GB"],
    ["uptime", "-w", "1", "-c", "0"],
    ["wal_files", "-w", "99%", "-c", "99%"],
)
