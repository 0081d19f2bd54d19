# SPDX-License-Identifier: GPL-3.0-or-later
"""What may go from a disk that fills up, by names, first bytes and times alone, and what is said of it."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge import disk_findings
from ansible_collections.analytics.ops.plugins.module_utils._judge.commands import pieces
from ansible_collections.analytics.ops.plugins.module_utils._judge.disk_cleanup import (
    NAMED_PATHS,
    OldFile,
    Removable,
    above,
    demand_harmless,
    files_of,
    is_data,
    may_enter,
    not_held,
    old,
    outcome,
    plan_of,
    ranked,
    rotated,
    size_of,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.disk_findings import Failure, Holder, Wal
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_facts import SILENT

from tests.support.host_parts import GB, disk

MB = 1024**2
LOGS, EXPORTS, PACKAGES = (
    Removable("rotated_logs", 3 * GB, "3 files in /var/log, older than 7 days."),
    Removable("old_exports", 5 * GB, "1 file in /srv/exports, older than 30 days."),
    Removable("package_cache", GB, "9 packages in /var/cache/apt/archives."),
)


def file(name: str, size: int = 4096, inode: int = 1, certain: bool = True) -> OldFile:
    return OldFile("/var/log", f"/var/log/{name}", size, (7, inode, 0), certain)


def commands(advice: str) -> list[str]:
    """What a view shows as something to copy."""
    return [piece.text for piece in pieces(advice) if piece.is_command]


@pytest.mark.parametrize(
    "directory",
    [
        "/",
        "/etc",
        "/etc/nginx",
        "/usr/local/exports",
        "/home",
        "/home/ops",
        "/var",
        "/var/lib",
        "/var/log",
        "/srv",
        "/tmp",
    ],
)
def test_what_holds_a_system_is_refused(directory: str) -> None:
    with pytest.raises(InputError, match="holds more than what may go"):
        demand_harmless("export_directories", directory)


@pytest.mark.parametrize(
    "directory", ["/srv/exports", "/home/ops/exports", "/data", "/var/lib/app/exports", "/var/logs"]
)
def test_other_directories_are_taken(directory: str) -> None:
    demand_harmless("export_directories", directory)


def test_logs_may_lie_in_their_usual_place_and_exports_may_not() -> None:
    demand_harmless("log_directories", "/var/log")
    with pytest.raises(InputError):
        demand_harmless("log_directories", "/var")


@pytest.mark.parametrize(
    "directory", ["/srv/pg_wal", "/wal/pg_xlog/old", "/srv/space/PG_18_202506291", "/srv/redis/appendonlydir"]
)
def test_what_belongs_to_a_server_is_refused(directory: str) -> None:
    with pytest.raises(InputError, match="belongs to the data of a server"):
        demand_harmless("export_directories", directory)


def test_above() -> None:
    assert above("/a/b") == ["/a/b", "/a", "/"]


@pytest.mark.parametrize(
    ("name", "inside", "expected"),
    [
        ("exports", ["a.csv"], True),
        ("main", ["PG_VERSION", "postgresql.conf"], False),
        ("pg_wal", [], False),
        ("PG_18_202506291", [], False),
        ("appendonlydir", [], False),
    ],
)
def test_data_directories_are_passed_over(name: str, inside: list[str], expected: bool) -> None:
    assert may_enter(name, inside) is expected


@pytest.mark.parametrize(
    "name",
    [
        "000000010000000A000000FF",
        "000000010000000A000000FF.gz",
        "00000002.history",
        "dump.rdb",
        "dump.rdb.1",
        "temp-17.rdb",
        "appendonly.aof.1.base.rdb",
        "shop.duckdb",
        "shop.duckdb.wal",
        "shop.DUCKDB-2026",
        "PG_VERSION",
        "pg_control",
        "pg_filenode.map",
        "1259",
        "1259_fsm",
        "16384.1",
    ],
)
def test_data_is_known_by_its_name(name: str) -> None:
    assert is_data(name)


@pytest.mark.parametrize(
    "head", [b"REDIS0011", b"VALKEY080", b"SQLite format 3\0", b"\1\2\3\4\5\6\7\x08DUCK\0\0\0\0"], ids=repr
)
def test_data_is_known_by_its_first_bytes(head: bytes) -> None:
    assert is_data("report.csv", head)


def test_what_is_no_data() -> None:
    assert not is_data("report.csv", b"id;name\n1;DUCK\n")
    assert not is_data("report.csv")
    assert not is_data("my-REDIS.csv", b" REDIS")


def test_rotated_logs_and_nothing_else() -> None:
    yes = ["syslog.1", "syslog.2.gz", "app.log-20260101", "app.log.3.zst", "app-2026-01-01.log", "nginx.log.gz"]
    no = ["syslog", "app.log", "web-2026-01-02.log", "analytics-20260101.sql.gz", "dump-20260101.gz", "etc.tar.gz"]
    no += [
        "mysql-bin.000001",
        "notes.gz",
        "report.csv",
        "000000010000000A000000FF.gz",
        "backup.1",
        "audit.log.1",
        "only-20260101",
    ]
    times = dict.fromkeys([*yes, *no], 100.0)
    assert rotated(times, 101.0) == sorted(yes)


def test_only_what_is_old_enough() -> None:
    times = {"syslog": 300.0, "syslog.1": 200.0, "syslog.2.gz": 100.0}
    assert rotated(times, 200.0) == ["syslog.2.gz"]
    assert rotated(times, 200.1) == ["syslog.1", "syslog.2.gz"]
    assert old({"a.csv": 99.0, "b.csv": 100.0, "dump.rdb": 1.0}, 100.0) == ["a.csv"]


def test_the_newest_of_dated_logs_may_be_the_live_one() -> None:
    times = {"app-20260101.log": 1.0, "app-20260102.log": 2.0, "other-20260101.log": 1.0}
    assert rotated(times, 100.0) == ["app-20260101.log"]
    assert rotated({**times, "app.log": 50.0}, 100.0) == ["app-20260101.log", "app-20260102.log"]


def test_what_is_open_stays_and_nothing_is_taken_twice() -> None:
    files = [
        file("a", 1, 1),
        file("b", 3, 2),
        file("c", 2, 3),
        file("again", 3, 2),
        file("unsure", 9, 4, certain=False),
    ]
    assert [one.path for one in not_held(files, frozenset({(7, 3)}), all_seen=True)] == [
        "/var/log/unsure",
        "/var/log/b",
        "/var/log/a",
    ]
    assert [one.path for one in not_held(files, frozenset(), all_seen=False)] == [
        "/var/log/b",
        "/var/log/c",
        "/var/log/a",
    ]


def test_files_of_a_kind() -> None:
    assert files_of("rotated_logs", [], 7) is None
    found = files_of("rotated_logs", [file("a\n", 1), *(file(str(n), 2) for n in range(NAMED_PATHS))], 1)
    assert (found.size, found.reason) == (401, "201 files in /var/log, older than 1 day.")
    told = found.as_dict()
    assert (told["files"], len(told["paths"]), told["paths"][0]) == (201, 200, "/var/log/a ")
    assert (told["kind"], told["size_bytes"], told["reason"]) == ("rotated_logs", 401, found.reason)


def test_the_largest_comes_first_and_nothing_is_no_kind() -> None:
    assert ranked([LOGS, None, EXPORTS, Removable("journal", 0, ""), Removable("journal", -1, ""), PACKAGES]) == [
        EXPORTS,
        LOGS,
        PACKAGES,
    ]
    assert ranked([Removable("journal", 1, "")])


def test_only_what_is_confirmed_is_planned_and_judged_by_what_is_left() -> None:
    plan = plan_of([EXPORTS, LOGS, PACKAGES], ["package_cache", "rotated_logs", "journal"])
    assert [(step.action, step.subject, step.details["size_bytes_before"]) for step in plan] == [
        ("free", "rotated_logs", 3 * GB),
        ("free", "package_cache", GB),
    ]
    assert plan_of([EXPORTS], []) == []
    done, remaining = outcome(plan, [PACKAGES, EXPORTS])
    assert [(step.subject, step.details["size_bytes_after"]) for step in done] == [("rotated_logs", 0)]
    assert remaining == [plan[1]]


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("Archived and active journals take up 1.5G in the file system.", 1024, 1610612736),
        ("Archived and active journals take up 0B in the file system.", 1024, 0),
        ("12.5MB", 1000, 12500000),
        ("3kB", 1000, 3000),
        ("77", 1000, 77),
        ("nothing", 1000, None),
    ],
)
def test_sizes_that_programs_write(text: str, unit: int, expected: int | None) -> None:
    assert size_of(text, unit) == expected


def test_file_systems_are_judged_as_the_daily_look_judges_them() -> None:
    disks = [disk(used=96 * GB, free=4 * GB), disk(mount="/mnt", state=SILENT)]
    found = {(one.check, one.subject): one.severity for one in disk_findings.of_host(disks, {})}
    assert found[("disk.space", "/var")] == "critical"
    assert found[("disk.answers", "/mnt")] == "critical"
    assert found[("disk.inodes", "/var")] == "ok"
    loose = disk_findings.of_host(disks, {"host.disk_space": {"warning": 97, "critical": 99}, "pg.connections": {}})
    assert {one.severity for one in loose if one.check == "disk.space"} == {"ok"}
    with pytest.raises(InputError):
        disk_findings.of_host((), {"host.disk_spaces": {}})


def test_what_can_go_is_told_with_the_command() -> None:
    assert list(disk_findings.removable([], "db1")) == []
    found = next(disk_findings.removable([EXPORTS, LOGS], "db1"))
    assert (found.check, found.severity, found.value) == ("disk.removable", "info", 8 * GB)
    assert found.message == "8 GB can be freed: old_exports 5 GB, rotated_logs 3 GB."
    assert commands(found.advice) == [
        "ansible-playbook analytics.ops.disk_critical --limit db1 -e disk_cleanup_confirm=old_exports,rotated_logs"
    ]
    assert "--limit" not in next(disk_findings.removable([LOGS], "")).advice


def test_who_holds_deleted_files_open() -> None:
    small = Holder(1, "sh", MB - 1, ("/tmp/x",))
    more = Holder(9, "api", MB, ("/a", "/b", "/c", "/d"), others=2)
    most = Holder(5, "worker", 2 * MB, ("/a",))
    first, second = disk_findings.held_open([small, more, most])
    assert (first.subject, first.value, first.severity) == ("worker (PID 5)", 2 * MB, "info")
    assert first.message == "worker (PID 5) holds 1 deleted file open, 2 MB: /a."
    assert commands(first.advice) == ["systemctl status 5"]
    assert second.message == "api (PID 9) and 2 more processes holds 4 deleted files open, 1 MB: /a, /b, /c."


def test_wal_that_is_kept() -> None:
    seen = Wal("/data", 100, 1, ("gone",))
    assert list(disk_findings.wal(None, 1)) == []
    assert list(disk_findings.wal(seen, 101)) == []
    found = next(disk_findings.wal(seen, 100))
    assert (found.check, found.subject, found.severity) == ("disk.wal", "/data", "warning")
    assert found.message == "/data holds 100 B of WAL; 1 segment waits for archiving; replication slots: gone."
    assert "Never remove a file there" in found.advice
    assert [text.partition(" FROM ")[2] for text in commands(found.advice)] == [
        "pg_replication_slots",
        "pg_stat_archiver",
    ]
    bare = next(disk_findings.wal(Wal("/data", 100, 2), 1))
    assert "2 segments wait for archiving; no replication slot." in bare.message


def test_what_was_not_removed_or_not_seen() -> None:
    some, program = disk_findings.not_removed(
        [Failure("rotated_logs", "Permission denied", 2, "/var/log/a"), Failure("journal", "journalctl says: no.")]
    )
    assert some.message == "2 files could not be removed; /var/log/a: Permission denied"
    assert (some.severity, some.value, program.message, program.value) == ("warning", 2, "journalctl says: no.", None)
    hidden = list(disk_findings.not_seen({"b": "B.", "a": "A."}))
    assert [(one.subject, one.severity, one.message) for one in hidden] == [
        ("a", "unknown", "A."),
        ("b", "unknown", "B."),
    ]


def test_figures() -> None:
    disks = [disk(used=50 * GB, free=50 * GB), disk(mount="/mnt", state=SILENT)]
    figures = disk_findings.measurements(disks, [LOGS], [Holder(1, "sh", 5, ()), Holder(2, "sh", 6, ())], Wal("/d", 9))
    assert figures["disk.removable.rotated_logs_bytes"] == 3 * GB
    assert figures["disk.removable.journal_bytes"] == 0
    assert (figures["disk.held_open_bytes"], figures["disk.wal_bytes"]) == (11, 9)
    assert (figures["disk./var.used_percent"], figures["disk./var.free_bytes"]) == (50.0, 50 * GB)
    assert not [name for name in figures if "/mnt" in name]
    assert "disk.wal_bytes" not in disk_findings.measurements([], [], [], None)


def test_the_table_tells_what_came_free() -> None:
    silent = disk(mount="/mnt", state=SILENT)
    before = [disk(used=60 * GB), silent]
    after = [disk(used=50 * GB), disk(mount="/new", used=GB), silent]
    assert [(one["mount"], one["freed_bytes"]) for one in disk_findings.table(before, after)] == [
        ("/var", 10 * GB),
        ("/new", 0),
    ]


def test_one_line_for_whoever_has_no_report() -> None:
    plan = plan_of([LOGS], ["rotated_logs"])
    done, _remaining = outcome(plan, [PACKAGES])
    assert disk_findings.told([], [], [], False) == "Nothing can be freed."
    assert disk_findings.told([LOGS, PACKAGES], [], [], False) == (
        "4 GB can be freed (rotated_logs 3 GB, package_cache 1 GB)."
    )
    assert disk_findings.told([LOGS], plan, [], True) == "3 GB would be freed, at most."
    assert (
        disk_findings.told([PACKAGES], plan, done, False) == "3 GB freed. 1 GB can be freed (package_cache 1 GB) now."
    )
    assert disk_findings.told([], plan, done, False) == "3 GB freed. Nothing can be freed now."
