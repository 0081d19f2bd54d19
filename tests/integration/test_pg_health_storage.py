# SPDX-License-Identifier: GPL-3.0-or-later
"""Archiving, checkpoints and settings, on a server of its own that is broken in each of these ways."""

from __future__ import annotations

from typing import Any

import pytest

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import run_module
from tests.support.pg_health import HEALTHY_SETTINGS, check, names, only
from tests.support.waiting import until


@pytest.fixture(scope="module")
def own(healthy_postgres, tmp_path_factory):
    """Archives into nowhere, successfully, until a test says otherwise."""
    settings = {**HEALTHY_SETTINGS, "archive_mode": "on", "checkpoint_timeout": "1d"}
    directory = tmp_path_factory.mktemp("archiving")
    server = PostgresServer(healthy_postgres.programs, directory, settings=settings).create()
    with (server.data / "postgresql.conf").open("a") as configuration:
        configuration.write("archive_command = 'true'\n")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database(own):
    opened = Database(own, "postgres")
    yield opened
    opened.execute("ALTER SYSTEM RESET ALL")
    opened.execute("SELECT pg_reload_conf()")
    opened.close()


def set_up(database, name, value):
    database.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    database.execute("SELECT pg_reload_conf()")
    until(lambda: database.value(f"SHOW {name}") == value)


def finish_wal_file(database):
    database.execute("SELECT pg_logical_emit_message(false, 'test', 'x')")
    database.execute("SELECT pg_switch_wal()")


def test_archiving_that_works(database):
    archived = database.value("SELECT archived_count FROM pg_stat_archiver")
    finish_wal_file(database)
    until(lambda: database.value("SELECT archived_count FROM pg_stat_archiver") > archived)
    assert check(database)["findings"] == []


@pytest.mark.parametrize(("critical", "severity"), [(300, "warning"), (0, "critical")])
def test_archiving_that_fails(database, critical, severity):
    """Five minutes of failing are too long for a test: what is critical is lowered."""
    failures = database.value("SELECT failed_count FROM pg_stat_archiver")
    set_up(database, "archive_command", "false")
    finish_wal_file(database)
    until(lambda: database.value("SELECT failed_count FROM pg_stat_archiver") > failures)
    finding = only(check(database, thresholds={"archiving": {"critical": critical}}), "pg.archiving", severity)
    assert "archive_command" in finding["advice"]
    assert "1 file" in finding["message"] or "files wait" in finding["message"]
    set_up(database, "archive_command", "true")
    until(lambda: not check(database)["findings"])


def test_archiving_that_hangs(database):
    """Nothing fails, yet files wait. Ten minutes of that are too long for a test: the limit is lowered."""
    set_up(database, "archive_command", "")
    for _number in range(3):
        finish_wal_file(database)
    limits = {"archiving_late": {"warning": 0, "critical": None}}
    finding = only(check(database, thresholds=limits), "pg.archiving_late")
    assert "finished WAL files wait" in finding["message"]
    assert check(database)["findings"] == []
    set_up(database, "archive_command", "true")
    query = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%%.ready'"
    until(lambda: database.value(query) == 0)


def test_archiving_needs_the_right_to_look(database):
    database.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger-secret'")
    role = {"login_user": "stranger", "login_password": "stranger-secret"}
    result = check(database, **role, checks=["archiving", "archiving_late"])
    assert names(result) == [("pg.archiving", "unknown"), ("pg.archiving_late", "unknown")]
    database.execute("GRANT pg_monitor TO stranger")
    assert check(database, **role)["findings"] == []
    database.execute("DROP ROLE stranger")


def test_requested_checkpoints(database):
    """Twenty in an hour: the checkpoints are real, the hour is taken from the earlier result's clock."""
    before = check(database)["measurements"]
    for _number in range(25):
        database.execute("SELECT pg_logical_emit_message(false, 'test', 'x')")
        database.execute("CHECKPOINT")
    assert check(database, previous=before)["findings"] == []
    before["pg.observed_at"] -= 3700

    def result() -> dict[str, Any]:
        return check(database, previous=before, exclude_checks=["restart"])

    until(lambda: result()["findings"])  # before version 15 the server's counters arrive late
    finding = only(result(), "pg.requested_checkpoints")
    assert finding["value"] == 100
    assert "max_wal_size" in finding["advice"]


def test_settings_that_wait_for_a_restart(database):
    database.execute("ALTER SYSTEM SET max_worker_processes = 9")
    database.execute("SELECT pg_reload_conf()")
    until(lambda: database.value("SELECT pending_restart FROM pg_settings WHERE name = 'max_worker_processes'"))
    finding = only(check(database), "pg.pending_restart")
    assert "max_worker_processes" in finding["message"]
    # Only when the file names the value in force does the server take its mark back.
    database.execute("ALTER SYSTEM SET max_worker_processes = 8")
    database.execute("SELECT pg_reload_conf()")
    until(lambda: not database.value("SELECT pending_restart FROM pg_settings WHERE name = 'max_worker_processes'"))


def test_writes_that_somebody_has_stopped(database):
    def writes(state: str) -> None:
        assert not run_module("pg_read_only", **database.login, state=state, prove_seconds=60)["failed"]

    writes("stopped")
    finding = only(check(database), "pg.writes_stopped")
    assert ", by postgres: " in finding["message"]
    assert "--tags allow_writes" in finding["advice"]
    writes("allowed")
    assert check(database)["findings"] == []


def test_dangerous_settings(postgres):
    """The server that all other tests share is quick because it does not care for its data."""
    database = Database(postgres, "postgres")
    result = check(database)
    assert {(f["check"], f["severity"], f["subject"]) for f in result["findings"]} == {
        ("pg.dangerous_settings", "warning", name) for name in ("autovacuum", "fsync", "full_page_writes")
    }
    assert "ALTER SYSTEM RESET fsync" in str(result["findings"])
    database.close()


def test_a_setting_of_one_session_is_seen(database):
    set_up(database, "track_counts", "off")
    assert only(check(database), "pg.dangerous_settings")["subject"] == "track_counts"
    set_up(database, "track_counts", "on")
