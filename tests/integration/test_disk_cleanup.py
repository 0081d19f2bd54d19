# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that fill up with real logs, exports, packages and deleted files: what may go goes, what must stay stays."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from ansible_collections.analytics.ops.plugins.module_utils._act.disk_cleanup import remove_files
from ansible_collections.analytics.ops.plugins.module_utils._judge.disk_cleanup import old
from ansible_collections.analytics.ops.plugins.module_utils._observe.disk_files import old_files

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import found, run_module
from tests.support.surroundings import hanging_mount, mounted, needs_fuse, needs_mounts, needs_root, program
from tests.support.versions import chosen_versions, postgres_programs

MB = 1024 * 1024
DAY = 86400

# What these programs would tell of this machine is no matter of a test; those of a test stand before them.
STAND_IN = """#!/bin/sh
echo "$0 $*" >> {calls}
{script}
"""


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    stand_in(folder, "docker", "true")
    stand_in(folder, "journalctl", "echo 'Archived and active journals take up 0B in the file system.'")
    return folder


def stand_in(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(STAND_IN.format(calls=folder / "calls", script=script))
    (folder / name).chmod(0o755)


def write(path: Path, size: int = 65536, days: float = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


def look(*logs: Path, **options: Any) -> dict[str, Any]:
    return run_module("disk_cleanup", log_directories=[str(path) for path in logs], **options)


def kind(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next((one for one in result["removable"] if one["kind"] == name), {"paths": [], "size_bytes": 0})


def paths(*files: Path) -> list[str]:
    return sorted(str(file) for file in files)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A directory as logrotate leaves it: a live log, a young one, and three that may go."""
    folder = tmp_path / "logs"
    for name in ("app.log", "app.log.2.gz", "nginx/access.log-20260101", "nginx/access.log-20260102.gz"):
        write(folder / name)
    write(folder / "app.log.1", days=6.9)
    write(folder / "nginx" / "access.log", days=0)
    return folder


GOING = ("app.log.2.gz", "nginx/access.log-20260101", "nginx/access.log-20260102.gz")


def test_it_tells_then_plans_then_frees_and_then_there_is_nothing(logs: Path) -> None:
    going = paths(*(logs / name for name in GOING))
    before = snapshot(logs)
    told = look(logs, inventory_name="db1")
    assert (told["changed"], told["plan"], told["removed"]) == (False, [], [])
    assert sorted(kind(told, "rotated_logs")["paths"]) == going
    assert kind(told, "rotated_logs")["size_bytes"] == 3 * 65536
    advice = found(told, "disk.removable")[0]["advice"]
    assert "ansible-playbook analytics.ops.disk_critical --limit db1 -e disk_cleanup_confirm=" in advice
    assert "rotated_logs" in advice

    planned = look(logs, confirm=["rotated_logs"], check_mode=True)
    assert (planned["changed"], planned["done"], planned["removed"]) == (True, [], [])
    assert [(step["subject"], step["files"]) for step in planned["plan"]] == [("rotated_logs", 3)]
    assert snapshot(logs) == before

    done = look(logs, confirm=["rotated_logs"])
    assert (done["changed"], sorted(done["removed"]), done["removed_count"]) == (True, going, 3)
    assert [(step["subject"], step["size_bytes_after"]) for step in done["done"]] == [("rotated_logs", 0)]
    assert done["remaining"] == []
    assert set(snapshot(logs)) == {name for name in before if str(logs / name) not in going}

    again = look(logs, confirm=["rotated_logs"])
    assert (again["changed"], again["plan"], again["removed"]) == (False, [], [])
    assert kind(again, "rotated_logs")["paths"] == []


def test_what_was_not_named_stays(logs: Path, tmp_path: Path) -> None:
    export = write(tmp_path / "exports" / "report.csv")
    result = look(logs, export_directories=[str(export.parent)], confirm=["old_exports"])
    assert result["removed"] == [str(export)]
    assert (logs / "app.log.2.gz").exists()
    assert "rotated_logs" in found(result, "disk.removable")[0]["message"]


def test_the_largest_kind_stands_first(logs: Path, tmp_path: Path) -> None:
    write(tmp_path / "exports" / "report.csv", MB)
    kinds = [one["kind"] for one in look(logs, export_directories=[str(tmp_path / "exports")])["removable"]]
    ours = [name for name in kinds if name in ("rotated_logs", "old_exports")]
    assert ours == ["old_exports", "rotated_logs"]
    write(logs / "app.log.3", 2 * MB)
    kinds = [one["kind"] for one in look(logs, export_directories=[str(tmp_path / "exports")])["removable"]]
    assert [name for name in kinds if name in ours] == ["rotated_logs", "old_exports"]


HOLD = """
import mmap, sys, time
held = [open(path, 'rb') for path in sys.argv[1:]]
mapped = mmap.mmap(held[-1].fileno(), 0, access=mmap.ACCESS_READ)
held.pop().close()
print('ready', flush=True)
time.sleep(600)
"""


def test_what_a_process_has_open_or_mapped_stays(logs: Path) -> None:
    held = [logs / "app.log.2.gz", logs / "nginx" / "access.log-20260101"]
    with program(HOLD, arguments=paths(*held)):
        result = look(logs, confirm=["rotated_logs"])
        assert result["removed"] == [str(logs / "nginx" / "access.log-20260102.gz")]
        assert all(path.exists() for path in held)
    assert sorted(look(logs, confirm=["rotated_logs"])["removed"]) == paths(*held)


STRANGER = 65534
NOT_ROOT = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
NO_LEASE = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "setpriv", "--bounding-set=-lease"]


@needs_root
def test_what_nobody_can_tell_stays(logs: Path) -> None:
    """The kernel gives no lease of a stranger's file, and strangers' processes cannot be looked into."""
    os.chown(logs / "app.log.2.gz", STRANGER, STRANGER)
    result = look(logs, confirm=["rotated_logs"], within=NOT_ROOT)
    assert not result["failed"], result
    assert sorted(result["removed"]) == paths(*(logs / name for name in GOING[1:]))
    finding = found(result, "disk.not_seen", "open files")[0]
    assert (finding["severity"], finding["message"]) == (
        "unknown",
        "1 old file stays: who has such a file open cannot be seen.",
    )


@needs_root
def test_without_leases_every_process_is_looked_into(logs: Path) -> None:
    for name in GOING:
        os.chown(logs / name, STRANGER, STRANGER)
    held = logs / GOING[0]
    script = f'sleep 600 < {held} &\nexec "$@"'
    result = look(logs, confirm=["rotated_logs"], within=[*NO_LEASE, "sh", "-euc", script, "sh"])
    assert not result["failed"], result
    assert sorted(result["removed"]) == paths(*(logs / name for name in GOING[1:]))
    assert found(result, "disk.not_seen") == []


def test_what_is_opened_or_changes_between_look_and_deed_stays(logs: Path) -> None:
    files = {Path(file.path).name: file for file in old_files(str(logs), lambda times: old(times, time.time()), {})}
    opened, changed, vanished = (files[name] for name in ("app.log", "app.log.1", "app.log.2.gz"))
    write(Path(changed.path), days=3)
    Path(vanished.path).unlink()
    with open(opened.path, "rb"):
        removed, failures = remove_files("rotated_logs", [opened, changed, vanished])
    assert removed == []
    assert {failure.path: failure.why for failure in failures} == {
        opened.path: "a process has opened it since it was looked at",
        changed.path: "it has changed since it was looked at",
    }


def test_a_folder_that_becomes_a_link_leads_nowhere(logs: Path, tmp_path: Path) -> None:
    files = list(old_files(str(logs), lambda times: old(times, time.time()), {}))
    (logs / "nginx").rename(tmp_path / "moved")
    (logs / "nginx").symlink_to(tmp_path / "moved")
    removed, failures = remove_files("rotated_logs", files)
    assert {Path(file.path).parent for file in removed} == {logs}
    assert failures[0].count == len(list((tmp_path / "moved").iterdir())) > 0


def test_links_are_not_followed_and_further_names_of_a_file_stay(logs: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "app.log.7")
    (logs / "linked").symlink_to(outside.parent)
    (logs / "app.log.8").symlink_to(outside)
    os.link(logs / "app.log.2.gz", tmp_path / "kept")
    removed = look(logs, confirm=["rotated_logs"])["removed"]
    assert sorted(removed) == paths(*(logs / name for name in GOING[1:]))
    assert outside.exists()


@needs_mounts
def test_another_file_system_is_not_entered(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    write(folder / "here.csv")
    (folder / "there").mkdir()
    script = f"mount -t tmpfs none {folder}/there; echo x > {folder}/there/other.csv; "
    script += f"touch -d '90 days ago' {folder}/there/other.csv"
    result = look(export_directories=[str(folder)], within=mounted(script))
    assert kind(result, "old_exports")["paths"] == [str(folder / "here.csv")]


@needs_root
def test_a_file_that_cannot_be_removed_is_said_and_the_rest_goes(logs: Path) -> None:
    """A folder that nobody may change: a mount that is read-only is the one thing that stops root, too."""
    script = f"mount --bind {logs}/nginx {logs}/nginx; mount -o remount,bind,ro {logs}/nginx"
    result = look(logs, confirm=["rotated_logs"], within=mounted(script))
    assert (result["changed"], result["removed"]) == (True, [str(logs / "app.log.2.gz")])
    finding = found(result, "disk.not_removed", "rotated_logs")[0]
    assert finding["severity"] == "warning"
    assert finding["message"].startswith("2 files could not be removed;")
    assert "Read-only file system" in finding["message"]
    assert 0 < result["done"][0]["size_bytes_after"] < result["done"][0]["size_bytes_before"]


@needs_mounts
def test_a_full_file_system_is_judged_and_what_came_free_is_counted(tmp_path: Path) -> None:
    point = tmp_path / "full"
    point.mkdir()
    fill = f"mount -t tmpfs -o size=32m none {point}; head -c 20m /dev/zero > {point}/app.log.1; "
    fill += f"touch -d '20 days ago' {point}/app.log.1; : > {point}/app.log; head -c 20m /dev/zero > {point}/rest || :"
    limits = {"host.disk_space": {"size_bytes": 0}}
    full = look(point, thresholds=limits, within=mounted(fill))
    assert [f["severity"] for f in found(full, "disk.space", str(point))] == ["critical"]
    assert (full["status"], full["measurements"][f"disk.{point}.free_bytes"]) == ("unhealthy", 0)
    freed = look(point, thresholds=limits, confirm=["rotated_logs"], within=mounted(fill))
    assert found(freed, "disk.space", str(point)) == []
    here = next(one for one in freed["file_systems"] if one["mount"] == str(point))
    assert (here["freed_bytes"], here["free_bytes"]) == (20 * MB, 20 * MB)
    assert freed["msg"].startswith("20 MB freed.")


@needs_mounts
def test_it_works_where_no_temporary_file_can_be_written(logs: Path, tmp_path: Path) -> None:
    """What programs say goes to memory: on a full disk nobody could be asked otherwise."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    fill = f"mount -t tmpfs -o size=64k none {temporary}; head -c 1m /dev/zero > {temporary}/full || :; "
    fill += f"export TMPDIR={temporary}"
    result = look(logs, confirm=["rotated_logs"], within=mounted(fill))
    assert not result["failed"], result
    assert result["removed_count"] == 3


@needs_mounts
def test_inodes_that_are_used_up(tmp_path: Path) -> None:
    point = tmp_path / "small"
    point.mkdir()
    fill = f"mount -t tmpfs -o nr_inodes=100 none {point}; cd {point}; for n in $(seq 96); do : > f$n; done; cd /"
    result = look(point, within=mounted(fill))
    assert [f["severity"] for f in found(result, "disk.inodes", str(point))] == ["critical"]


@needs_fuse
def test_a_file_system_that_hangs_is_said_and_not_touched(logs: Path, tmp_path: Path) -> None:
    point = tmp_path / "hangs"
    point.mkdir()
    result = look(logs, point, confirm=["rotated_logs"], timeout=0.5, within=hanging_mount(point))
    assert [f["subject"] for f in found(result, "disk.answers")] == [str(point)]
    assert found(result, "disk.not_seen", str(point))
    assert result["removed_count"] == 3


DELETED = """
import os, sys, time
file = open(sys.argv[1], 'wb')
file.write(os.urandom(3 << 20))
file.flush()
os.unlink(sys.argv[1])
print('ready', flush=True)
time.sleep(600)
"""


def test_a_deleted_file_that_is_held_open_is_named_and_left(tmp_path: Path) -> None:
    path = tmp_path / "big.log"
    with program(DELETED, arguments=[str(path)]) as holder:
        result = look(tmp_path, confirm=["rotated_logs"])
        held = [one for one in found(result, "disk.held_open") if f"(PID {holder.pid})" in one["subject"]]
        assert len(held) == 1
        assert (held[0]["value"], held[0]["severity"]) == (3 * MB, "info")
        assert str(path) in held[0]["message"]
        assert f"systemctl status {holder.pid}" in held[0]["advice"]
        assert holder.poll() is None
    assert not [one for one in found(look(tmp_path), "disk.held_open") if f"(PID {holder.pid})" in one["subject"]]


def test_data_of_servers_below_a_declared_directory_stays(tmp_path: Path) -> None:
    """Each under its own name, and the first bytes of one under the name of an export."""
    folder = tmp_path / "exports"
    stays = [
        "redis/dump.rdb",
        "redis/appendonlydir/appendonly.aof.1.incr.aof",
        "shop.duckdb",
        "shop.duckdb.wal",
        "archive/000000010000000000000001",
        "archive/000000010000000000000002.gz",
        "main/PG_VERSION",
        "main/base/5/1259",
        "main/log/postgresql.log.1",
        "tablespace/PG_18_202506291/5/1259",
        "elsewhere/pg_wal/any.csv",
    ]
    for name in stays:
        write(folder / name)
    disguised = write(folder / "report.csv")
    disguised.write_bytes(b"REDIS0011" + os.urandom(5000))
    os.utime(disguised, (0, 0))
    goes = write(folder / "deep" / "er" / "report.csv")
    result = look(folder, export_directories=[str(folder)], confirm=["old_exports", "rotated_logs"])
    assert result["removed"] == [str(goes)]
    assert set(snapshot(folder)) == {*stays, "report.csv"}


def snapshot(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module", params=chosen_versions(), ids=lambda major: f"pg{major}")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A real server whose files are all old, in a directory that somebody declares by mistake."""
    server = PostgresServer(postgres_programs(request.param), tmp_path_factory.mktemp("server")).create()
    server.start()
    for path in server.data.rglob("*"):
        os.utime(path, (0, 0), follow_symlinks=False)
    yield server
    server.stop()


@pytest.mark.parametrize("below", ["", "base", "pg_wal", "global", "log/deeper"])
@pytest.mark.parametrize("option", ["export_directories", "log_directories"])
def test_a_data_directory_of_postgresql_is_refused(server: PostgresServer, below: str, option: str) -> None:
    other = "log_directories" if option == "export_directories" else "export_directories"
    given = {option: [str(server.data / below)], other: []}
    result = run_module("disk_cleanup", **given, confirm=["old_exports", "rotated_logs"])
    assert result["failed"]
    assert result["msg"].startswith(f"{option}: {server.data / below} belongs to the data of a server (")
    assert "Traceback" not in json.dumps(result)


def test_a_link_to_a_data_directory_is_refused(server: PostgresServer, tmp_path: Path) -> None:
    (tmp_path / "exports").symlink_to(server.data / "base")
    result = look(export_directories=[str(tmp_path / "exports")], confirm=["old_exports"])
    assert result["failed"]
    assert "belongs to the data of a server" in result["msg"]


def test_a_server_below_a_declared_directory_survives(server: PostgresServer) -> None:
    """With every one of its files old enough to go, some of them not open."""
    export = write(server.directory / "report.csv")
    log = write(server.directory / "server.log.1")
    before = set(snapshot(server.data))
    options = {"export_directories": [str(server.directory)], "confirm": ["old_exports", "rotated_logs"]}
    result = look(server.directory, **options)
    assert sorted(result["removed"]) == paths(export, log)
    assert before <= set(snapshot(server.data))
    server.stop()
    at_rest = snapshot(server.data)
    assert look(server.directory, **options)["removed"] == []
    assert snapshot(server.data) == at_rest
    server.start()
    with Database.fresh(server, "survivor") as database:
        assert database.value("SELECT 1") == 1


def test_wal_that_a_slot_keeps_is_named_and_left(server: PostgresServer) -> None:
    connection = psycopg2.connect(host="127.0.0.1", port=server.port, user="postgres", password=server.password)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
        cursor.execute("SELECT pg_switch_wal()")
        given = {"postgresql_data_directory": str(server.data), "export_directories": []}
        quiet = look(**given)
        finding = found(look(**given, wal_bytes=MB), "disk.wal", str(server.data))[0]
        cursor.execute("SELECT pg_drop_replication_slot('forgotten')")
        dropped = found(look(**given, wal_bytes=MB), "disk.wal", str(server.data))[0]
    connection.close()
    assert found(quiet, "disk.wal") == []
    assert quiet["measurements"]["disk.wal_bytes"] >= 16 * MB
    assert finding["severity"] == "warning"
    assert "replication slots: forgotten" in finding["message"]
    assert "pg_replication_slots" in finding["advice"]
    assert "no replication slot" in dropped["message"]


def test_a_place_without_a_server_is_said(tmp_path: Path) -> None:
    result = look(postgresql_data_directory=str(tmp_path))
    assert "is no data directory" in found(result, "disk.not_seen", str(tmp_path))[0]["message"]
    gone = look(tmp_path / "gone")
    assert "No such file" in found(gone, "disk.not_seen", str(tmp_path / "gone"))[0]["message"]


@pytest.mark.skipif(not shutil.which("apt-get"), reason="there is no apt-get here")
@needs_mounts
def test_packages_are_cleaned_by_apt_itself() -> None:
    cache = "/var/cache/apt/archives"
    fill = f"mount -t tmpfs -o size=16m none {cache}; mkdir {cache}/partial; "
    fill += f"head -c 3m /dev/zero > {cache}/a_1_all.deb; head -c 1m /dev/zero > {cache}/partial/b_1_all.deb"
    told = look(within=mounted(fill))
    assert kind(told, "package_cache")["size_bytes"] == 4 * MB
    done = look(confirm=["package_cache"], within=mounted(fill))
    assert [(step["subject"], step["size_bytes_after"]) for step in done["done"]] == [("package_cache", 0)]
    here = next(one for one in done["file_systems"] if one["mount"] == cache)
    assert here["freed_bytes"] == 4 * MB


JOURNAL = """
case "$1" in
--vacuum-size=*) echo 200 > {0} ;;
esac
echo "Archived and active journals take up $(cat {0})M in the file system."
"""
DOCKER = """
case "$2" in
ls) cat {0} ;;
prune) : > {0} ;;
esac
"""


def test_journal_and_images_are_left_to_their_own_programs(programs: Path, tmp_path: Path) -> None:
    """Of them stand-ins: they write what the real ones write."""
    (tmp_path / "journal").write_text("700\n")
    (tmp_path / "images").write_text("sha256:1 1.5GB\nsha256:2 20.5MB\n")
    stand_in(programs, "journalctl", JOURNAL.format(tmp_path / "journal"))
    stand_in(programs, "docker", DOCKER.format(tmp_path / "images"))
    told = look()
    assert kind(told, "journal")["size_bytes"] == 500 * MB
    assert kind(told, "dangling_images")["size_bytes"] == 1520500000
    assert "vacuum" not in (programs / "calls").read_text()
    done = look(confirm=["journal", "dangling_images"])
    assert [step["subject"] for step in done["done"]] == ["dangling_images", "journal"]
    calls = (programs / "calls").read_text()
    assert f"journalctl --vacuum-size={200 * MB}\n" in calls
    assert "docker image prune --force\n" in calls
    assert kind(look(), "journal")["size_bytes"] == 0


def test_a_program_that_fails_is_said(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("700\n")
    stand_in(programs, "docker", "echo 'permission denied while trying to connect' >&2; exit 1")
    script = JOURNAL.format(tmp_path / "journal").replace(f"echo 200 > {tmp_path}/journal", "echo broken >&2; exit 1")
    stand_in(programs, "journalctl", script)
    result = look(confirm=["journal", "dangling_images"])
    assert "permission denied" in found(result, "disk.not_seen", "dangling_images")[0]["message"]
    assert "says: broken." in found(result, "disk.not_removed", "journal")[0]["message"]
    assert (result["changed"], [step["subject"] for step in result["remaining"]]) == (False, ["journal"])


def test_a_disk_with_room_is_silent(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    off = {"warning": None, "critical": None}
    result = look(tmp_path / "logs", thresholds={"host.disk_space": off, "host.inodes": off})
    quiet = ("disk.held_open", "disk.removable")  # what else runs and lies on this machine
    assert [f for f in result["findings"] if f["check"] not in quiet and f["subject"] != "processes"] == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"export_directories": ["/"]}, "export_directories: / holds more than what may go."),
        ({"export_directories": ["/etc"]}, "export_directories: /etc holds more"),
        ({"export_directories": ["/home/../home"]}, "holds more than what may go."),
        ({"export_directories": ["/proc/self/root"]}, "holds more than what may go."),
        ({"export_directories": ["exports"]}, "exports is no absolute path."),
        ({"log_directories": ["/var"]}, "log_directories: /var holds more"),
        ({"log_days": 0}, "log_days is 0."),
        ({"export_days": -1}, "export_days is -1."),
        ({"timeout": 0}, "timeout is 0."),
        ({"thresholds": {"host.disk_spaces": {}}}, "there is no check called 'host.disk_spaces'."),
        ({"confirm": ["everything"]}, "value of confirm must be one or more of"),
    ],
)
def test_wrong_options_touch_nothing(logs: Path, options: dict[str, Any], text: str) -> None:
    before = snapshot(logs)
    given = {"log_directories": [str(logs)], "confirm": ["rotated_logs"], **options}
    result = run_module("disk_cleanup", **given)
    assert result["failed"]
    assert text in result["msg"]
    assert snapshot(logs) == before
