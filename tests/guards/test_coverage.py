# SPDX-License-Identifier: GPL-3.0-or-later
"""``docs/coverage.md`` answers for everything that the field's programs check, and names only what exists."""

from __future__ import annotations

import re

import pytest

from docs.generate import registers
from tests.support.documents import table_rows
from tests.support.sources import MODULES, REPOSITORY

CHECKS = {name for register in registers().values() for name in register.checks}
KNOWN = CHECKS | {path.stem for path in MODULES}
TEXT = (REPOSITORY / "docs" / "coverage.md").read_text()
INTRODUCTION, *PARTS = TEXT.split("\n## ")
TABLES = {part.partition("\n")[0]: table_rows(part) for part in PARTS}

# check_pgactivity --list, version 2.10.
SERVICES = """
archive_folder archiver autovacuum backends backends_status backup_label_age bgwriter btree_bloat checksum_errors
commit_ratio configuration connection custom_query database_size extensions_versions hit_ratio hot_standby_delta
hugepages invalid_indexes is_hot_standby is_master is_replay_paused last_analyze last_vacuum locks longest_query
max_freeze_age minor_version oldest_2pc oldest_idlexact oldest_xmin pg_dump_backup pga_version pgdata_permission
pgss_dealloc relation_size replication_slots sequences_exhausted session_stats settings slru_hit_ratio
stat_snapshot_age streaming_delta table_bloat table_unlogged temp_files unused_indexes uptime wal_files
"""
# The actions of check_postgres, version 2.26.
ACTIONS = """
archive_ready autovac_freeze backends bloat checkpoint cluster_id commitratio connection custom_query database_size
dbstats disabled_triggers disk_space fsm_pages fsm_relations hitratio hot_standby_delay index_size indexes_size
last_analyze last_autoanalyze last_autovacuum last_vacuum listener locks lockwait logfile new_version_bc
new_version_box new_version_cp new_version_pg new_version_tnm partman_premake pgagent_jobs pgb_pool_cl_active
pgb_pool_cl_waiting pgb_pool_maxwait pgb_pool_sv_active pgb_pool_sv_idle pgb_pool_sv_login pgb_pool_sv_tested
pgb_pool_sv_used pgbouncer_backends pgbouncer_checksum prepared_txns query_runtime query_time relation_size
replicate_row replication_slots same_schema sequence settings_checksum slony_status table_size timesync
total_relation_size txn_idle txn_time txn_wraparound version wal_files
"""
THEIRS = {"check_pgactivity": SERVICES.split(), "check_postgres": ACTIONS.split()}
ROWS = [(program, *row) for program, rows in TABLES.items() for row in rows]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def complaints(ours: str, why: str) -> list[str]:
    """An answer names checks or modules that exist; where there is none, the reason is a sentence."""
    unknown = [f"there is no {name}" for name in names(ours) if name not in KNOWN]
    if not names(ours) and ours != "–":
        unknown.append("the answer names no check")
    if not why.endswith("."):
        unknown.append("no difference and no reason is told")
    unknown += [f"there is no {name}" for name in names(why) if "." in name and name not in KNOWN]
    return unknown


def test_forty_nine_services_are_what_the_program_has():
    assert len(THEIRS["check_pgactivity"]) == 49


@pytest.mark.parametrize("program", THEIRS)
def test_everything_that_they_check_is_answered_for(program):
    assert [names(row[0])[0] for row in TABLES[program]] == sorted(THEIRS[program])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_an_answer_is_true_and_a_lack_has_its_reason(row):
    _program, _name, ours, why = row
    assert complaints(ours, why) == []


def test_a_row_that_points_to_another_points_to_one_that_is_there():
    known = {name for program in THEIRS.values() for name in program}
    for _program, name, _ours, why in ROWS:
        if why.startswith("As `"):
            assert names(why)[0] in known, name


def test_what_only_we_have_is_all_that_answers_nothing_of_theirs():
    alone = [name for name in names(INTRODUCTION) if name.startswith("pg.")]
    answering = {name for _program, _name, ours, why in ROWS for name in names(ours) + names(why)}
    assert sorted(alone) == sorted(name for name in CHECKS - answering if name.startswith("pg."))


@pytest.mark.parametrize(
    ("ours", "why"),
    [
        ("`pg.no_such_check`", "The same."),
        ("–", ""),
        ("something", "The same."),
        ("–", "See `pg.no_such_check`."),
    ],
)
def test_this_guard_sees_what_is_wrong(ours, why):
    assert len(complaints(ours, why)) == 1
