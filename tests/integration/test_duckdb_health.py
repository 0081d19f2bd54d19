# SPDX-License-Identifier: GPL-3.0-or-later
"""``duckdb_health`` on real files: damaged, held by another process, left behind by a killed writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.duckdb_files import held, leave_log, make
from tests.support.modules import run_module
from tests.support.waiting import until


def look(path: Path, **options: Any) -> dict[str, Any]:
    return run_module("duckdb_health", **{"path": [str(path)], "time_limit": 120, **options})


def reported(result: dict[str, Any]) -> dict[str, str]:
    """``{check: severity}`` of everything that is not ok, without the prefix."""
    assert not result["failed"], result.get("msg")
    assert not result["changed"]
    assert all(f["advice"] for f in result["findings"] if f["severity"] != "ok")
    return {f["check"].removeprefix("duckdb."): f["severity"] for f in result["findings"] if f["severity"] != "ok"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return make(tmp_path / "analytics.duckdb")


@pytest.mark.parametrize("level", ["open", "sample", "full"])
def test_a_healthy_file_is_silent_and_left_as_it_is(file: Path, level: str) -> None:
    before = (file.read_bytes(), sorted(os.listdir(file.parent)))
    result = look(file, level=level, probe="SELECT count(*) FROM events", include_ok=True)
    assert reported(result) == {}
    assert result["status"] == "healthy"
    assert {f["check"] for f in result["findings"]} == set(result["checks"])
    assert result["measurements"]["duckdb.analytics.opened"] == 1
    assert result["measurements"]["duckdb.analytics.bytes"] == file.stat().st_size
    assert result["databases"][0]["tables"] == 1
    assert (file.read_bytes(), sorted(os.listdir(file.parent))) == before


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = look(tmp_path / "gone.duckdb")
    assert reported(result) == {"exists": "critical"}
    assert not (tmp_path / "gone.duckdb").exists()


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert reported(look(tmp_path)) == {"exists": "critical"}


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "analytics.duckdb")
    assert reported(look(tmp_path / "analytics.duckdb")) == {"exists": "critical"}


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.duckdb"
    wrong.write_bytes(b"\x1b[2J garbage" * 1000)
    assert reported(look(wrong)) == {"opens": "critical"}
    wrong.write_bytes(b"")
    assert reported(look(wrong)) == {"opens": "critical"}


def test_a_truncated_file(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)
    assert reported(look(file)) == {"opens": "critical"}


def test_a_damaged_log(file: Path) -> None:
    log = leave_log(file)
    content = bytearray(log.read_bytes())
    content[-40:-8] = bytes(32)
    log.write_bytes(content)
    assert reported(look(file)) == {"opens": "critical"}


def test_a_damaged_table_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    """The values of one table are overwritten where they stand in the file."""
    mark = "the-values-of-this-table"
    file = make(
        tmp_path / "analytics.duckdb",
        f"CREATE TABLE texts AS SELECT '{mark}' || hash(range)::text AS text FROM range(100000)",
        "CREATE TABLE events AS SELECT range AS id FROM range(100000)",
    )
    content = bytearray(file.read_bytes())
    place = len(content) - 262144 // 2
    found = content.find(mark.encode())
    place = found if found > 0 else place
    content[place : place + 8] = b"\xff" * 8
    file.write_bytes(content)
    result = look(file, level="full")
    assert reported(result) == {"tables": "critical"}
    assert len(result["findings"]) == 1
    assert result["findings"][0]["subject"].startswith(str(file))


def test_a_file_in_use_is_no_fault_and_is_judged_from_outside(file: Path) -> None:
    with held(file, "INSERT INTO events SELECT range FROM range(1000)") as process:
        result = look(file)
        assert reported(result) == {"opens": "info"}
        assert result["status"] == "healthy"
        assert f"process {process.pid}" in result["findings"][0]["message"]
        assert result["measurements"]["duckdb.analytics.in_use"] == 1
        assert result["measurements"]["duckdb.analytics.wal_bytes"] > 0
        assert result["measurements"]["duckdb.analytics.owner_memory_bytes"] > 1000000
        small = look(file, memory_limit="1MB")
        assert reported(small) == {"opens": "info", "memory": "critical"}
        large = look(file, thresholds={"wal_size": {"warning": 1000}})
        assert reported(large) == {"opens": "info", "wal_size": "warning"}
        os.utime(file, (0, file.stat().st_mtime - 100000))
        old = look(file, thresholds={"checkpoint_age": {"wal_bytes": 1}})
        assert reported(old) == {"opens": "info", "checkpoint_age": "warning"}


def test_a_stopped_owner(file: Path) -> None:
    with held(file) as process:
        process.send_signal(signal.SIGSTOP)
        until(lambda: reported(look(file)) == {"opens": "info", "owner": "critical"}, 60)
        process.send_signal(signal.SIGCONT)


def test_readers_do_not_count_as_owners(file: Path) -> None:
    reader = "import sys, duckdb; c = duckdb.connect(sys.argv[1], read_only=True); print(1, flush=True); input()"
    command = [sys.executable, "-c", reader, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        result = look(file)
        process.kill()
    assert reported(result) == {}


def test_the_log_of_a_killed_writer_stays_and_is_told(file: Path) -> None:
    log = leave_log(file)
    content = log.read_bytes()
    assert reported(look(file)) == {"wal_leftover": "warning"}
    assert log.read_bytes() == content


def test_temporary_files(file: Path) -> None:
    directory = file.with_name(file.name + ".tmp")
    directory.mkdir()
    (directory / "duckdb_temp_storage-0.tmp").write_bytes(bytes(1000))
    result = look(file)
    assert reported(result) == {"temporary_leftover": "info"}
    assert result["measurements"]["duckdb.analytics.temporary_bytes"] == 1000
    large = look(file, thresholds={"temporary_size": {"warning": 1000}}, temp_directory=str(directory))
    assert reported(large) == {"temporary_leftover": "info", "temporary_size": "warning"}


def test_the_probe(file: Path) -> None:
    slow = look(file, probe="SELECT count(*) FROM events", thresholds={"probe": {"warning": 0, "critical": None}})
    assert reported(slow) == {"probe": "warning"}
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000) b"
    result = look(file, probe=endless, time_limit=15)
    assert reported(result) == {"probe": "critical"}
    assert "did not end within 15 seconds" in result["findings"][0]["message"]


@pytest.mark.parametrize(
    "probe",
    [
        "SELECT 1; DROP TABLE events",
        "DROP TABLE events",
        "SELECT * FROM gone",
        "COPY events TO 'out.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
    ],
)
def test_a_probe_that_is_no_single_query_or_fails(file: Path, probe: str) -> None:
    before = file.read_bytes()
    assert reported(look(file, probe=probe)) == {"probe": "critical"}
    assert file.read_bytes() == before


def test_reading_ends_at_the_time_limit(tmp_path: Path) -> None:
    file = make(tmp_path / "a.duckdb", *[f"CREATE TABLE t{number} AS SELECT 1 AS id" for number in range(5)])
    result = look(file, time_limit=0.001, checks=["tables", "opens"])
    # Opening takes longer than that: either it did not open in time, or no table was reached.
    assert reported(result) in ({"tables": "unknown"}, {"opens": "warning"})


def test_a_file_that_is_mostly_free_blocks(tmp_path: Path) -> None:
    """A dropped table leaves its blocks behind; that they are a gigabyte is lowered."""
    large = "CREATE TABLE old AS SELECT range AS id, hash(range) AS value FROM range(1000000)"
    file = make(
        tmp_path / "analytics.duckdb", "CREATE TABLE kept AS SELECT 1 AS id", large, "CHECKPOINT", "DROP TABLE old"
    )
    assert reported(look(file)) == {}
    result = look(file, thresholds={"free_blocks": {"free_bytes": 1000000}})
    assert reported(result) == {"free_blocks": "warning"}


def test_threads_and_size_by_limits_of_ones_own(file: Path) -> None:
    assert reported(look(file, threads=100000)) == {"threads": "critical"}
    assert reported(look(file, thresholds={"duckdb.size": {"critical": 1}})) == {"size": "critical"}


def test_a_file_that_may_not_be_read(file: Path) -> None:
    file.chmod(0)
    no_privileges = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    assert reported(look(file, within=no_privileges)) == {"exists": "unknown"}


@pytest.mark.parametrize(
    ("options", "word"),
    [({"memory_limit": "plenty"}, "memory_limit"), ({"time_limit": 0}, "time_limit"), ({"threads": 0}, "threads")],
)
def test_wrong_options(file: Path, options: dict[str, Any], word: str) -> None:
    result = look(file, **options)
    assert result["failed"]
    assert word in result["msg"]
