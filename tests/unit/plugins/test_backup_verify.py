# SPDX-License-Identifier: GPL-3.0-or-later
"""``backup_verify`` on files: what it takes for a backup, and what it says when there is none."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup import Backup
from ansible_collections.analytics.ops.plugins.module_utils._observe import backup_stream
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_checksum import Checksums
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_reader import Request, read_backup
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_stream import Guard

from demo.embedded.process import unprivileged_prefix
from tests.support.modules import COLLECTIONS, found, module_result, run_module, start_module

PLAIN = (
    b"--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n"
    + b"SET client_encoding = 'UTF8';\n\nCOPY t (a) FROM stdin;\n"
    + b"".join(b"row %d\n" % i for i in range(3000))
    + b"\\.\n\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n"
)


def write(path, content=PLAIN, age=0.0, checksum=True):
    path.write_bytes(content)
    if checksum:
        path.with_name(path.name + ".sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  {path.name}\n")
    if age:
        os.utime(path, (time.time() - age,) * 2)
    return path


def said(result) -> set[tuple[str, str]]:
    return {(finding["check"], finding["severity"]) for finding in result["findings"]}


def names(result) -> list[str]:
    return [os.path.basename(backup["path"]) for backup in result["backups"]]


def test_good_plain_dump_with_checksum(tmp_path):
    path = write(tmp_path / "app.sql")
    result = run_module("backup_verify", path=[str(path)])
    assert (result["status"], result["findings"], result["changed"]) == ("healthy", [], False)
    (backup,) = result["backups"]
    assert backup["age_seconds"] < 60
    assert {
        name: backup[name] for name in ("path", "format", "compression", "level", "status", "size_bytes", "sha256")
    } == {
        "path": str(path),
        "format": "plain",
        "compression": "none",
        "level": "full",
        "status": "healthy",
        "size_bytes": len(PLAIN),
        "sha256": hashlib.sha256(PLAIN).hexdigest(),
    }
    assert result["measurements"]["backup.count"] == 1
    assert result["measurements"]["backup.damaged"] == 0


@pytest.mark.parametrize(
    ("given", "problem"),
    [("gone.dump", "nothing at this path"), ("*.dump", "Nothing matches"), ("", "no backup in this directory")],
)
def test_missing_is_critical_and_no_failed_task(tmp_path, given, problem):
    result = run_module("backup_verify", path=[str(tmp_path / given)])
    assert not result["failed"]
    assert (result["status"], result["backups"]) == ("unhealthy", [])
    (finding,) = result["findings"]
    assert (finding["check"], finding["severity"]) == ("backup.exists", "critical")
    assert problem in finding["message"]


def test_missing_one_does_not_hide_the_others(tmp_path):
    write(tmp_path / "app.sql")
    result = run_module("backup_verify", path=[str(tmp_path / "gone"), str(tmp_path / "app.sql")])
    assert said(result) == {("backup.exists", "critical")}
    assert [backup["status"] for backup in result["backups"]] == ["healthy"]


def test_directory_holds_backups_and_other_things(tmp_path):
    write(tmp_path / "app-1.sql", age=80 * 3600)
    write(tmp_path / "app-2.sql")
    write(tmp_path / "users.sql.gz", gzip.compress(PLAIN))
    for name in (
        "app-3.sql.part",
        ".app-4.sql",
        ".app-5.dump.x.part",
        "x.tmp",
        "README.md",
        "job.log",
        "app-2.sql.json",
    ):
        (tmp_path / name).write_text("unfinished or no backup")
    (tmp_path / "subdirectory").mkdir()
    os.mkfifo(tmp_path / "pipe.sql")
    result = run_module("backup_verify", path=[str(tmp_path)])
    assert names(result) == ["app-1.sql", "app-2.sql", "users.sql.gz"]
    assert {backup["status"] for backup in result["backups"]} == {"healthy"}
    unfinished = {os.path.basename(f["subject"]) for f in found(result, "backup.unfinished")}
    assert unfinished == {"app-3.sql.part", ".app-5.dump.x.part", "x.tmp"}
    assert said(result) == {("backup.unfinished", "info")}


def test_patterns_and_excludes(tmp_path):
    for name in ("app-1.sql", "app-2.sql", "users-1.sql"):
        write(tmp_path / name)
    result = run_module("backup_verify", path=[str(tmp_path)], patterns=["app-*", "users-*"], excludes=["*-2.sql"])
    assert names(result) == ["app-1.sql", "users-1.sql"]


def test_same_backup_by_several_ways_is_one(tmp_path):
    path = write(tmp_path / "app-1.sql")
    (tmp_path / "latest.sql").symlink_to(path)
    given = [str(path), str(tmp_path), str(tmp_path / "app-*.sql"), str(path)]
    result = run_module("backup_verify", path=given)
    assert names(result) == ["app-1.sql"]
    assert said(result) == set()


def test_dangling_link_is_reported(tmp_path):
    (tmp_path / "latest.sql").symlink_to(tmp_path / "gone.sql")
    result = run_module("backup_verify", path=[str(tmp_path / "latest.sql")])
    assert said(result) == {("backup.readable", "unknown")}


def test_age_is_that_of_the_newest_of_each_series(tmp_path):
    for days in range(5):
        write(tmp_path / f"app-{days}.sql", age=(days + 0.5) * 86400)
        write(tmp_path / f"users-{days}.sql", age=(days + 3) * 86400)
    result = run_module("backup_verify", path=[str(tmp_path)])
    (finding,) = result["findings"]
    assert (finding["check"], finding["severity"]) == ("backup.age", "critical")
    assert finding["subject"].endswith("users-0.sql")
    assert finding["unit"] == "seconds"


def test_size_is_compared_with_predecessors_that_were_not_asked_for(tmp_path):
    for number in range(1, 4):
        write(tmp_path / f"app-{number}.sql", PLAIN * 4, age=number * 86400, checksum=False)
    path = write(tmp_path / "app-9.sql")
    result = run_module("backup_verify", path=[str(path)])
    (finding,) = result["findings"]
    assert (finding["check"], finding["severity"], finding["value"]) == ("backup.size", "critical", 25)


def test_empty_file(tmp_path):
    write(tmp_path / "app.sql.gz", b"")
    assert said(run_module("backup_verify", path=[str(tmp_path)])) == {("backup.empty", "critical")}


def test_only_the_newest_of_each_series_is_read(tmp_path):
    for number in range(4):
        write(tmp_path / f"app-{number}.sql", PLAIN[:-100], age=number * 3600)
    result = run_module("backup_verify", path=[str(tmp_path)], newest=1)
    assert [backup["level"] for backup in result["backups"]] == ["full", "present", "present", "present"]
    assert [f["subject"] for f in found(result, "backup.complete")] == [str(tmp_path / "app-0.sql")]


def test_checks_about_files_alone_read_nothing(tmp_path):
    write(tmp_path / "app.sql", PLAIN[:100])
    result = run_module("backup_verify", path=[str(tmp_path)], checks=["age", "backup.empty"])
    assert result["backups"][0]["level"] == "present"
    assert result["checks"] == ["backup.empty", "backup.age"]
    assert result["status"] == "healthy"


@pytest.mark.parametrize(
    ("content", "check", "severity"),
    [
        (PLAIN[:4000], "backup.complete", "critical"),
        (PLAIN[: PLAIN.index(b"\\unrestrict")], "backup.complete", "critical"),
        (PLAIN.replace(b"row 77\n", b"row\x0077\n"), "backup.content", "critical"),
        (PLAIN.replace(b"row 77\n", b"row \xf777\n"), "backup.content", "critical"),
        (PLAIN[50:], "backup.structure", "critical"),
        (PLAIN + b"SELECT 1;\n", "backup.trailing", "warning"),
        (PLAIN + PLAIN, None, None),
        (PLAIN.replace(b"\\restrict abc\n", b"").replace(b"\\unrestrict abc\n\n", b""), None, None),
        (PLAIN.replace(b"\n", b"\r\n"), None, None),
    ],
)
def test_plain_dumps(tmp_path, content, check, severity):
    write(tmp_path / "app.sql", content)
    assert said(run_module("backup_verify", path=[str(tmp_path)])) == ({(check, severity)} if check else set())


def test_trailing_bytes_after_a_compressed_stream(tmp_path):
    write(tmp_path / "app.sql.gz", gzip.compress(PLAIN) + b"rubbish")
    result = run_module("backup_verify", path=[str(tmp_path)])
    assert said(result) == {("backup.trailing", "warning")}
    assert "7 bytes" in result["findings"][0]["message"]


def test_name_that_promises_compression_is_believed(tmp_path):
    data = bytearray(gzip.compress(PLAIN))
    data[0] ^= 1
    write(tmp_path / "app.sql.gz", bytes(data), checksum=False)
    for level in ("structure", "full"):
        assert said(run_module("backup_verify", path=[str(tmp_path)], level=level)) == {("backup.content", "critical")}


def test_wrong_stored_checksum_is_critical_even_where_decoding_sees_nothing(tmp_path):
    path = write(tmp_path / "app.sql")
    path.write_bytes(PLAIN.replace(b"row 77", b"row 78"))
    for level in ("checksum", "structure", "full"):
        result = run_module("backup_verify", path=[str(path)], level=level)
        assert said(result) == {("backup.checksum", "critical")}
        assert result["backups"][0]["status"] == "unhealthy"


def test_uncompressed_without_checksum_is_degraded_with_the_reason(tmp_path):
    write(tmp_path / "app.sql", checksum=False)
    result = run_module("backup_verify", path=[str(tmp_path)])
    assert said(result) == {("backup.provable", "warning")}
    assert result["backups"][0]["status"] == "degraded"
    assert "cannot see a changed byte" in result["findings"][0]["message"]


def test_any_file_with_a_checksum_is_a_backup(tmp_path):
    write(tmp_path / "secret.gpg", os.urandom(5000))
    write(tmp_path / "notes.txt", b"kept on purpose")
    result = run_module("backup_verify", path=[str(tmp_path)])
    assert [(b["format"], b["level"], b["status"]) for b in result["backups"]] == [("file", "checksum", "healthy")] * 2


def test_unknown_file_without_a_checksum_proves_nothing(tmp_path):
    (tmp_path / "secret.gpg").write_bytes(os.urandom(5000))
    result = run_module("backup_verify", path=[str(tmp_path)])
    assert said(result) == {("backup.level", "unknown")}
    assert result["backups"][0]["level"] == "present"
    required = run_module("backup_verify", path=[str(tmp_path)], level="checksum", checksum_required=True)
    assert said(required) == {("backup.checksum", "warning")}


def test_file_that_may_not_be_read(tmp_path):
    os.chmod(tmp_path, 0o755)
    path = write(tmp_path / "app.sql")
    path.chmod(0)
    code = (
        "import json, runpy; from ansible.module_utils.testing import patch_module_args\n"
        f"with patch_module_args({{'path': [{str(path)!r}]}}):\n"
        "    runpy.run_module('ansible_collections.analytics.ops.plugins.modules.backup_verify', run_name='__main__')"
    )
    done = subprocess.run(
        [*unprivileged_prefix(), sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS), "HOME": str(tmp_path)},
        check=False,
    )
    assert '"status": "degraded"' in done.stdout, done.stderr
    assert '"check": "backup.readable"' in done.stdout
    assert "Permission denied" in done.stdout


def test_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = write(tmp_path / "app.bin", bytes(3 * backup_stream.BLOCK), checksum=False)
    reading = threading.Event()
    written = threading.Event()

    class WatchedGuard(Guard):
        def check(self):
            reading.set()
            assert written.wait(30)

    def append():
        reading.wait(30)
        with path.open("ab") as file:
            file.write(b"more")
        written.set()

    writer = threading.Thread(target=append)
    writer.start()
    backup = Backup(str(path), "file", size_bytes=path.stat().st_size)
    result = read_backup(backup, Request("full"), WatchedGuard(), Checksums())
    writer.join()
    assert "changed" in [flaw.kind for flaw in result.flaws]


def test_time_budget_ends_the_reading(tmp_path):
    write(tmp_path / "app.sql")
    result = run_module("backup_verify", path=[str(tmp_path)], time_budget=1e-9)
    assert said(result) == {("backup.level", "unknown")}
    assert "time budget" in result["findings"][0]["message"]
    assert result["backups"][0]["level"] == "present"


def test_time_budget_of_a_directory_is_said_once(tmp_path):
    dump = tmp_path / "app.dir"
    dump.mkdir()
    for number in range(30):
        (dump / f"{number}.dat").write_bytes(b"x")
    (dump / "SHA256SUMS").write_text("".join(f"{number:064x}  {number}.dat\n" for number in range(30)))
    result = run_module("backup_verify", path=[str(dump)], level="checksum", time_budget=1e-9)
    assert len(found(result, "backup.level")) == 1


@pytest.mark.parametrize("jobs", [1, 4])
def test_terminated_while_reading_it_ends_at_once(tmp_path, jobs):
    for number in range(3):
        with (tmp_path / f"huge-{number}.bin").open("wb") as file:
            os.truncate(file.fileno(), 2**43)  # holds nothing, and takes hours to read
    process = start_module("backup_verify", path=[str(tmp_path)], jobs=jobs)
    opened = f"/proc/{process.pid}/fd"
    end = time.monotonic() + 30
    try:
        while not any("huge-" in os.path.realpath(f"{opened}/{name}") for name in os.listdir(opened)):
            assert time.monotonic() < end, "it never began to read"
            time.sleep(0.02)
        process.terminate()
        result = module_result(process, timeout=60)
    finally:
        process.kill()
    assert result["failed"]
    assert "Interrupted" in result["msg"]


def test_hostile_names(tmp_path):
    for name in ("a\x1b[31mred.sql", "two\nlines.sql", "-rf.sql", "$(id).sql", "\udcff.sql"):
        write(tmp_path / name, PLAIN[:200], checksum=False)
    result = run_module("backup_verify", path=[str(tmp_path)])
    assert len(result["backups"]) == 5
    assert all(backup["status"] == "unhealthy" for backup in result["backups"])
    assert all(backup["path"].isprintable() for backup in result["backups"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checks": ["agee"]}, "Did you mean: backup.age"),
        ({"jobs": 0}, "jobs is 0"),
        ({"newest": -1}, "newest is -1"),
        ({"thresholds": {"backup.age": {"warning": 5, "critical": 1}}}, "critical"),
    ],
)
def test_bad_input_is_one_clear_message(tmp_path, options, message):
    result = run_module("backup_verify", path=[str(tmp_path)], **options)
    assert result["failed"]
    assert message in result["msg"]


def test_very_many_backups_of_very_many_series(tmp_path):
    """Each is the newest of its series, and in the list: comparing each with each would take an hour."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [f"{one}{two}{three}.dmp" for one in letters for two in letters for three in letters][:12_000]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "SHA256SUMS").write_text("".join(f"{number:064x}  {name}\n" for number, name in enumerate(names)))
    result = run_module("backup_verify", path=[str(tmp_path)], level="present", checks=["age", "size"])
    assert result["measurements"]["backup.count"] == len(names)
    assert result["findings"] == []


@pytest.mark.parametrize("name", ["backup_manifest", "PG_VERSION"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_in_a_base_backup_is_not_waited_for(tmp_path, name, kind):
    (tmp_path / "global").mkdir()
    (tmp_path / "PG_VERSION").write_text("18\n")
    (tmp_path / name).unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(tmp_path / name)
    else:
        (tmp_path / name).symlink_to("/dev/zero")
    if name == "PG_VERSION":
        write_manifest(tmp_path, b'{ "Files": [],\n')
        (tmp_path / "pg_wal").mkdir()
    result = run_module("backup_verify", path=[str(tmp_path)])
    (backup,) = result["backups"]
    assert backup["format"] == "base_backup" and backup["status"] != "healthy"


def write_manifest(directory, content):
    seal = hashlib.sha256(content).hexdigest().encode()
    (directory / "backup_manifest").write_bytes(content + b'"Manifest-Checksum": "' + seal + b'"}\n')


def test_a_manifest_that_is_nested_too_deep(tmp_path):
    write_manifest(tmp_path, b'{ "Files": ' + b"[" * 100_000 + b"]" * 100_000 + b",\n")
    result = run_module("backup_verify", path=[str(tmp_path)], level="structure")
    assert "nested too deep" in found(result, "backup.structure")[0]["message"]
