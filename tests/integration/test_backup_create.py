# SPDX-License-Identifier: GPL-3.0-or-later
"""``backup_create`` on real servers: what it writes, and what it leaves when it is stopped in the middle."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from psycopg2 import sql

from tests.support.backups import fill
from tests.support.databases import Database
from tests.support.modules import module_result, run_module, start_module
from tests.support.versions import postgres_programs
from tests.support.waiting import until


@pytest.fixture
def place(tmp_path) -> Path:
    directory = tmp_path / "backups"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def options(database, place) -> dict:
    return {**database.login, "directory": str(place), "programs": str(database.server.programs)}


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def endings(place: Path) -> list[str]:
    return sorted(re.sub(r"^(\.?)[\w.-]+-\d{8}T\d{6}Z", r"\1", name) for name in names(place))


COMPLETE = [".dump", ".dump.json", ".dump.sha256", ".globals.sql", ".globals.sql.sha256"]


def test_custom_dump_with_all_that_belongs_to_it(database, options, place):
    fill(database)
    result = run_module("backup_create", **options)
    assert not result["failed"], result
    assert result["changed"]
    assert endings(place) == COMPLETE
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in place.iterdir())
    backup = result["backup"]
    dump = Path(backup["path"])
    assert dump.parent == place
    assert backup["size_bytes"] == dump.stat().st_size
    checked = subprocess.run(
        ["sha256sum", "-c", *place.glob("*.sha256")], cwd=place, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    assert backup["sha256"] in Path(f"{dump}.sha256").read_text()
    entry = json.loads(Path(f"{dump}.json").read_text())
    assert (entry["database"], entry["sha256"], entry["size_bytes"]) == (
        database.name,
        backup["sha256"],
        backup["size_bytes"],
    )
    assert [step["action"] for step in result["done"]] == ["dump", "dump_globals"]
    assert result["remaining"] == []
    assert database.server.password not in json.dumps(result)
    assert not any(database.server.password.encode() in path.read_bytes() for path in place.iterdir())
    verified = run_module("backup_verify", path=[str(place)], checksum_required=True)
    assert (verified["status"], verified["findings"]) == ("healthy", [])
    assert {item["level"] for item in verified["backups"]} == {"full"}


def test_directory_dump(database, options, place):
    fill(database)
    result = run_module("backup_create", **options, format="directory", jobs=2, compress=1, globals=False)
    assert not result["failed"], result
    assert endings(place) == [".dir", ".dir.json", ".dir.sha256"]
    dump = Path(result["backup"]["path"])
    assert stat.S_IMODE(dump.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in dump.iterdir())
    checked = subprocess.run(
        ["sha256sum", "-c", f"{dump}.sha256"], cwd=place, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    verified = run_module("backup_verify", path=[str(place)], checksum_required=True)
    assert (verified["status"], verified["findings"]) == ("healthy", [])


def test_what_was_dumped_can_be_restored(database, options, postgres):
    fill(database)
    role = f"owner_{database.name}"
    database.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(role)))
    try:
        backup = run_module("backup_create", **options)["backup"]
    finally:
        database.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    globals_text = Path(backup["globals_path"]).read_text()
    assert re.search(rf'ALTER ROLE "?{role}"? .*SCRAM-SHA-256', globals_text)
    fingerprint = "SELECT count(*), sum(hashtext(e::text)) FROM events AS e"
    with Database.fresh(postgres, "backup_create_restored") as other:
        environment = {**os.environ, "PGPASSWORD": postgres.password}
        target = ["-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres", "-d", other.name]
        command = [postgres.programs / "pg_restore", "--exit-on-error", *target, backup["path"]]
        restored = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert restored.returncode == 0, restored.stderr
        assert other.execute(fingerprint) == database.execute(fingerprint)


def test_check_mode_says_what_it_needs_and_writes_nothing(database, options, place):
    fill(database)
    result = run_module("backup_create", check_mode=True, **options)
    assert (result["changed"], result["done"], names(place)) == (True, [], [])
    step = result["plan"][0]
    assert step["action"] == "dump"
    assert step["estimated_size_bytes"] > 1_000_000
    assert step["free_bytes"] > 0
    assert result["remaining"] == result["plan"]


def test_estimate_learns_from_the_last_dump(database, options):
    fill(database)
    size = run_module("backup_create", **options)["backup"]["size_bytes"]
    plan = run_module("backup_create", check_mode=True, **options)["plan"]
    assert plan[0]["estimated_size_bytes"] == int(size * 1.33)


@pytest.mark.parametrize("password", ["simple", "a:b\\c'd \"e=f", "ÄÖ€ ::\\\\"])
@pytest.mark.parametrize("wish", ["postgres", "dbname=postgres host=nowhere", "-f /tmp/x", "a/../b'\"c"])
def test_strange_names_and_passwords(postgres, place, password, wish):
    maintenance = Database(postgres, "postgres")
    name = f"strange {wish}"
    identifier = sql.Identifier(name)
    maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(identifier))
    maintenance.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
    maintenance.execute(sql.SQL("CREATE ROLE strange SUPERUSER LOGIN PASSWORD {}").format(sql.Literal(password)))
    try:
        login = {"login_host": "127.0.0.1", "login_port": postgres.port, "login_user": "strange", "login_db": name}
        result = run_module(
            "backup_create",
            **login,
            login_password=password,
            directory=str(place),
            programs=str(postgres.programs),
        )
        assert not result["failed"], result
        assert endings(place) == COMPLETE
        assert json.loads(next(place.glob("*.json")).read_text())["database"] == name
    finally:
        maintenance.execute(sql.SQL("DROP DATABASE {}").format(identifier))
        maintenance.execute("DROP ROLE strange")
        maintenance.close()


@pytest.fixture
def held(database):
    """A table that is locked, so that pg_dump waits in the middle of its work."""
    fill(database)
    session = database.session(autocommit=False)
    session.cursor().execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
    return session


def dumping(database: Database) -> bool:
    return database.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'events'::regclass") > 0


def gone(database: Database) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('pg_dump', 'analytics.ops')"
    return database.value(query + " AND datname = current_database()") == 0


@pytest.mark.parametrize("kind", ["custom", "directory"])
def test_terminated_run_leaves_nothing(database, options, place, held, kind):
    process = start_module("backup_create", **options, format=kind)
    until(lambda: dumping(database))
    assert len(names(place)) == 1
    assert names(place)[0].startswith(".")
    assert names(place)[0].endswith(".part")
    process.send_signal(signal.SIGTERM)
    result = module_result(process)
    assert result["failed"]
    assert "Interrupted" in result["msg"]
    assert names(place) == []
    until(lambda: gone(database))


@pytest.mark.parametrize("kind", ["custom", "directory"])
def test_killed_run_leaves_no_backup_and_the_next_one_removes_it(database, options, place, held, kind):
    process = start_module("backup_create", **options, format=kind)
    until(lambda: dumping(database))
    process.kill()
    process.communicate()
    until(lambda: gone(database))
    (left,) = names(place)
    verified = run_module("backup_verify", path=[str(place)])
    assert (verified["status"], verified["backups"]) == ("unhealthy", [])
    assert {(finding["check"], finding["severity"], finding["subject"]) for finding in verified["findings"]} == {
        ("backup.exists", "critical", str(place)),
        ("backup.unfinished", "info", str(place / left)),
    }
    held.rollback()
    # Later parts of the run, as if it had been killed between its last renames; and files that are not its own.
    stem = left[1:].split(".")[0]
    for name in (f"{stem}.globals.sql", f"{stem}.dump.sha256", f".{stem}.dump.json.part"):
        (place / name).write_text("left")
    os.mkfifo(place / f".{stem[:-16]}20260101T000000Z.dump.part")  # nobody waits for who writes to it
    others = [".other-20260101T000000Z.dump.part", f"{stem[:-16]}x-20260101T000000Z.dump", "notes.part"]
    for name in others:
        (place / name).write_text("not ours")
    result = run_module("backup_create", **options, format=kind)
    assert not result["failed"], result
    assert [step["action"] for step in result["done"]] == ["remove", "remove", "dump", "dump_globals"]
    assert not [
        name for name in names(place) if stem in name and not name.startswith(Path(result["backup"]["path"]).stem)
    ]
    assert set(others) <= set(names(place))


def test_running_dump_is_left_alone_by_another_run(database, options, place, held):
    first = start_module("backup_create", **options)
    until(lambda: dumping(database))
    (part,) = names(place)
    second = run_module("backup_create", **options, lock_timeout=0.2)
    assert second["failed"]
    assert names(place) == [part]
    held.rollback()
    result = module_result(first)
    assert not result["failed"], result
    assert endings(place) == COMPLETE


def test_lock_that_is_not_given_is_one_clear_message(options, place, held):
    result = run_module("backup_create", **options, lock_timeout=0.3)
    assert result["failed"]
    assert "raise lock_timeout" in result["msg"]
    assert names(place) == []


def test_timeout_ends_the_dump(database, options, place, held):
    result = run_module("backup_create", **options, timeout=1, lock_timeout=60)
    assert result["failed"]
    assert "the timeout was over" in result["msg"]
    assert names(place) == []
    until(lambda: gone(database))


def test_password_is_in_no_command_line_and_no_environment(database, options, held):
    secret = database.server.password.encode()
    process = start_module("backup_create", **options)
    try:
        until(lambda: dumping(database))
        seen = 0
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                command = (directory / "cmdline").read_bytes()
                environment = (directory / "environ").read_bytes()
                parent = int((directory / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == process.pid:
                seen += 1
                assert secret not in command
                assert secret not in environment
                assert b"PGPASSWORD" not in environment
        assert seen == 1
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.parametrize("kind", ["custom", "directory"])
def test_full_disk_is_one_clear_message_and_leaves_nothing(database, options, place, kind):
    """A limit on the size of files stands for the full disk: it hits pg_dump in the same place, for every user."""
    fill(database)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        process = start_module("backup_create", **options, format=kind)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    result = module_result(process)
    assert result["failed"]
    assert result["msg"].startswith("pg_dump failed:")
    assert "limit on" in result["msg"]
    assert "Traceback" not in json.dumps(result)
    assert names(place) == []


def test_too_little_room_is_refused_before_anything_is_written(database, options, place):
    fill(database)
    result = run_module("backup_create", **options, minimum_free_percent=99)
    assert result["failed"]
    assert re.search(r"has .* free; about .* are needed, and 99 % \(.*\) are to stay free", result["msg"])
    assert names(place) == []


def test_older_program_is_refused(postgres, options, place):
    if postgres.programs == postgres_programs(14):
        result = run_module("backup_create", **{**options, "programs": str(place)})
        assert "pg_dump was not found" in result["msg"]
        return
    result = run_module("backup_create", **{**options, "programs": str(postgres_programs(14))})
    assert result["failed"]
    assert "pg_dump 14" in result["msg"]
    assert "older than the server" in result["msg"]


def test_role_without_rights(database, options, place):
    fill(database)
    database.execute("DROP ROLE IF EXISTS poor")
    database.execute("CREATE ROLE poor LOGIN PASSWORD 'poor-secret'")
    poor = {**options, "login_user": "poor", "login_password": "poor-secret"}
    try:
        denied = run_module("backup_create", **poor)
        assert denied["failed"]
        assert "permission denied for table" in denied["msg"]
        assert "pg_read_all_data" in denied["msg"]
        assert names(place) == []
        database.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO poor")
        database.execute("DO $$ BEGIN PERFORM lo_unlink(oid) FROM pg_largeobject_metadata; END $$")
        authid = run_module("backup_create", **poor)
        assert authid["failed"]
        assert "set role_passwords to false" in authid["msg"]
        assert names(place) == []
        result = run_module("backup_create", **poor, role_passwords=False)
        assert not result["failed"], result
        assert "SCRAM" not in Path(result["backup"]["globals_path"]).read_text()
    finally:
        database.execute("DROP OWNED BY poor; DROP ROLE poor")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"login_password": "wrong"}, "password authentication failed"),
        ({"login_port": 1}, "cannot be used"),
        ({"login_db": "no such database"}, "does not exist"),
        ({"directory": "/no/such/directory"}, "there is no directory"),
        ({"name": "../escape"}, "no good beginning"),
        ({"compress": 12}, "compress is 12"),
        ({"jobs": 0}, "jobs is 0"),
        ({"lock_timeout": 0}, "lock_timeout is 0"),
        ({"programs": "/no/such/programs"}, "there is no directory"),
    ],
)
def test_bad_input_and_no_server_are_one_clear_message(options, place, given, message):
    result = run_module("backup_create", **{**options, **given})
    assert result["failed"]
    assert message in result["msg"]
    assert "bug" not in result["msg"]
    assert names(place) == []
