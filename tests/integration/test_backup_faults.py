# SPDX-License-Identifier: GPL-3.0-or-later
"""``backup_verify`` on dumps of a real server that something happened to: each is found as what it is."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.backups import fill, pg_dump, write_checksum
from tests.support.databases import Database
from tests.support.modules import module_result, run_module, start_module
from tests.support.surroundings import mounted, needs_mounts, needs_root

DAY = 86400


@pytest.fixture(scope="module")
def dump(postgres, tmp_path_factory) -> Path:
    with Database.fresh(postgres, "backup_faults") as database:
        fill(database)
        return pg_dump(database, tmp_path_factory.mktemp("dump") / "app.dump", "-Fc")


@pytest.fixture
def copy(dump, tmp_path) -> Callable[..., Path]:
    """A copy of the dump in the test's directory, with its checksum, so many seconds old."""

    def make(name: str = "app.dump", age: float = 0) -> Path:
        path = Path(shutil.copy(dump, tmp_path / name))
        os.utime(path, (time.time() - age,) * 2)
        write_checksum(path)
        return path

    return make


def told(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    assert not result["failed"], result["msg"]
    assert not result["changed"]
    return {(finding["check"], finding["subject"]): finding["severity"] for finding in result["findings"]}


def test_a_whole_dump_is_silent(copy):
    assert told(run_module("backup_verify", path=[str(copy())])) == {}


@pytest.mark.parametrize(("days", "severity"), [(1, None), (2, "warning"), (3, "critical")])
def test_a_dump_that_nobody_has_renewed(copy, days, severity):
    path = copy(age=days * DAY)
    expected = {("backup.age", str(path)): severity} if severity else {}
    assert told(run_module("backup_verify", path=[str(path)])) == expected


def test_a_dump_of_a_database_that_lost_its_rows(postgres, tmp_path):
    with Database.fresh(postgres, "backup_faults_lost") as database:
        fill(database)
        for days in (3, 2, 1):
            path = pg_dump(database, tmp_path / f"app-{4 - days}.dump", "-Fc")
            os.utime(path, (time.time() - days * DAY,) * 2)
            write_checksum(path)
        assert told(run_module("backup_verify", path=[str(tmp_path)])) == {}
        database.execute("TRUNCATE events")
        path = pg_dump(database, tmp_path / "app-4.dump", "-Fc")
    write_checksum(path)
    assert told(run_module("backup_verify", path=[str(tmp_path)])) == {("backup.size", str(path)): "critical"}


@needs_mounts
@pytest.mark.parametrize(("room", "check"), [("64k", "backup.empty"), ("256k", "backup.complete")])
def test_a_copy_that_a_full_disk_cut_short(dump, tmp_path, room, check):
    """The file system has 64 kB more or less than are taken by something else."""
    script = f"mount -t tmpfs -o size={room} none {tmp_path}; mkdir {tmp_path}/other\n"
    script += f"head -c 64k /dev/zero > {tmp_path}/other/log; cp {dump} {tmp_path}/app.dump 2>/dev/null || true"
    result = run_module("backup_verify", path=[str(tmp_path)], within=mounted(script))
    assert told(result) == {(check, f"{tmp_path}/app.dump"): "critical"}


def test_a_flipped_bit_that_only_the_checksum_can_show(postgres, tmp_path):
    """Nothing is compressed, so nothing can fail to be decoded."""
    with Database.fresh(postgres, "backup_faults_flip") as database:
        fill(database)
        path = pg_dump(database, tmp_path / "app.dump", "-Fc", "-Z0")
    write_checksum(path)
    assert told(run_module("backup_verify", path=[str(path)])) == {}
    content = bytearray(path.read_bytes())
    content[content.index(b"Besuch Nr. 777 ") + 3] ^= 1
    path.write_bytes(content)
    assert told(run_module("backup_verify", path=[str(path)])) == {("backup.checksum", str(path)): "critical"}


def test_a_dump_that_is_still_being_written(copy):
    """So long that whoever writes to it has a turn of the processor while it is read; its length takes no room."""
    path = copy()
    os.truncate(path, path.stat().st_size + 400 * 1024**2)
    module = start_module("backup_verify", path=[str(path)])
    with path.open("ab", buffering=0) as writer:
        while module.poll() is None:
            writer.write(b"x" * 100)
    assert ("backup.changed", str(path)) in told(module_result(module))


@needs_root
def test_a_dump_that_belongs_to_somebody_else(copy):
    path = copy()
    os.chown(path, 65534, -1)
    path.chmod(0o600)
    without_rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    result = run_module("backup_verify", path=[str(path)], within=without_rights)
    assert told(result) == {("backup.readable", str(path)): "unknown"}
