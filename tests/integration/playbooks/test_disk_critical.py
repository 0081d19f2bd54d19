# SPDX-License-Identifier: GPL-3.0-or-later
"""A full disk beside a running stack: what may go is told with its command, goes when it is named, and nothing else."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.playbooks import PlaybookRun

DISK = "playbooks/disk_critical.yml"
LIMITED = ("--limit", "db1")


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker and the journal of this machine are nobody's business here."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("docker", "journalctl"):
        (folder / name).write_text("#!/bin/sh\necho 0B\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def old(tmp_path: Path) -> dict[str, Path]:
    """Two rotated logs with their live one, and an export."""
    files = {name: tmp_path / name for name in ("logs/api.log", "logs/api.log.1", "logs/api.log.2.gz", "exports/a.csv")}
    for path in files.values():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(os.urandom(65536))
        os.utime(path, (time.time() - 100 * 86400,) * 2)
    return files


def run(stack: Any, old: dict[str, Path], *arguments: str, **variables: Any) -> PlaybookRun:
    given = {
        "disk_cleanup_log_directories": [str(old["logs/api.log"].parent)],
        "disk_cleanup_export_directories": [str(old["exports/a.csv"].parent)],
        **variables,
    }
    return stack.play(DISK, *LIMITED, "-e", json.dumps(given), *arguments)


def left(old: dict[str, Path]) -> set[str]:
    return {name for name, path in old.items() if path.exists()}


def test_it_tells_and_changes_nothing_until_it_is_confirmed(stack: Any, old: dict[str, Path]) -> None:
    before = stack.fingerprint()
    told = run(stack, old)
    assert told.code == 0, told.output
    assert told.report["steps"] == []
    finding = told.found("disk.removable")[0]
    assert finding["host"] == "db1"
    assert "rotated_logs 128 kB" in finding["message"]
    command = re.search(r"ansible-playbook analytics\.ops\.disk_critical (--limit db1 -e \S+)", finding["advice"])[1]
    assert command in " ".join(told.output.split()), "the report shows what to copy"
    assert left(old) == set(old)

    # As the command says, but without the packages of this machine.
    kinds = [kind for kind in command.rpartition("=")[2].split(",") if kind in ("rotated_logs", "old_exports")]
    confirmed = ("-e", f"disk_cleanup_confirm={','.join(kinds)}")
    planned = run(stack, old, *confirmed, "--check")
    assert planned.code == 0, planned.output
    steps = {(step["subject"], step["outcome"]) for step in planned.report["steps"]}
    assert steps == {("rotated_logs", "planned"), ("old_exports", "planned")}
    assert left(old) == set(old)

    done = run(stack, old, *confirmed)
    assert done.code == 0, done.output
    assert {(step["subject"], step["outcome"]) for step in done.report["steps"]} == {
        ("rotated_logs", "done"),
        ("old_exports", "done"),
    }
    assert left(old) == {"logs/api.log"}

    again = run(stack, old, *confirmed)
    assert (again.code, again.report["steps"]) == (0, [])
    assert stack.fingerprint() == before


def test_only_what_is_named_goes(stack: Any, old: dict[str, Path]) -> None:
    done = run(stack, old, disk_cleanup_confirm=["rotated_logs"])
    assert done.code == 0, done.output
    assert left(old) == {"logs/api.log", "exports/a.csv"}


def test_a_declared_data_directory_is_refused_and_the_server_lives(stack: Any, old: dict[str, Path]) -> None:
    data = stack._primary().data
    refused = run(stack, old, disk_cleanup_export_directories=[str(data)], disk_cleanup_confirm=["old_exports"])
    assert refused.code == 2
    assert "belongs to the data of a server" in refused.report["failures"][0]["message"]
    assert left(old) == set(old)
    assert stack.query("SELECT 1") == [(1,)]


def test_wal_is_told_and_left(stack: Any, old: dict[str, Path]) -> None:
    data = stack._primary().data
    before = sorted(path.name for path in (data / "pg_wal").iterdir())
    told = run(stack, old, disk_cleanup_postgresql_data_directory=str(data), disk_cleanup_wal_bytes=1)
    assert told.code == 0, told.output
    assert told.found("disk.wal")[0]["subject"] == str(data)
    assert set(before) <= {path.name for path in (data / "pg_wal").iterdir()}
