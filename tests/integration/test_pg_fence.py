# SPDX-License-Identifier: GPL-3.0-or-later
"""The data directory of a stopped server: read as PostgreSQL's own program reads it, and fenced."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import run_module
from tests.support.versions import chosen_versions, postgres_programs


@pytest.fixture(params=chosen_versions(), ids=lambda major: f"pg{major}")
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PostgresServer]:
    made = PostgresServer(postgres_programs(request.param), tmp_path).create()
    yield made
    made.stop()


def fence(server: PostgresServer, **options: Any) -> dict[str, Any]:
    return run_module("pg_fence", data_directory=str(server.data), **options)


def as_its_own_program_says(server: PostgresServer) -> dict[str, Any]:
    said = server.run("pg_controldata", "-D", server.data).stdout
    told = dict(re.findall(r"^([^:]+):\s+(.*)$", said, re.MULTILINE))
    high, _slash, low = told["Latest checkpoint location"].partition("/")
    return {
        "system_identifier": told["Database system identifier"],
        "state": told["Database cluster state"],
        "checkpoint": (int(high, 16) << 32) + int(low, 16),
        "timeline": int(told["Latest checkpoint's TimeLineID"]),
    }


def test_it_reads_what_pg_controldata_says(server: PostgresServer) -> None:
    for request, state in ((None, "in production"), (signal.SIGINT, "shut down"), (signal.SIGQUIT, "in production")):
        server.start()
        if request:
            server.stop(request)
        control = fence(server, check_mode=True)["control"]
        assert control == as_its_own_program_says(server)
        assert control["state"] == state


def test_a_fenced_server_takes_no_writes_until_the_file_is_removed(server: PostgresServer) -> None:
    server.start()
    server.stop()
    planned = fence(server, check_mode=True)
    assert (planned["changed"], planned["done"], len(planned["remaining"])) == (True, [], 1)
    signal_file = server.data / "standby.signal"
    assert not signal_file.exists()
    done = fence(server)
    assert (done["changed"], len(done["done"]), done["remaining"]) == (True, 1, [])
    assert signal_file.stat().st_mode & 0o777 == 0o600
    assert signal_file.stat().st_uid == server.data.stat().st_uid
    again = fence(server)
    assert (again["changed"], again["plan"]) == (False, [])

    server.start()
    database = Database(server, "postgres")
    assert database.value("SELECT pg_is_in_recovery()")
    database.close()
    server.stop()
    signal_file.unlink()
    server.start()
    assert not database.value("SELECT pg_is_in_recovery()")
    database.close()


def test_the_directory_of_another_cluster_is_left_alone(server: PostgresServer) -> None:
    result = fence(server, system_identifier="1")
    assert result["failed"]
    assert "is of another cluster" in result["msg"]
    assert not (server.data / "standby.signal").exists()


def test_a_link_is_neither_followed_nor_replaced(server: PostgresServer, tmp_path: Path) -> None:
    (server.data / "standby.signal").symlink_to(tmp_path / "elsewhere")
    assert not fence(server)["changed"]
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda control: control.unlink(), "No such file or directory"),
        (lambda control: control.write_bytes(b"x" * 8192), "is no control file of PostgreSQL"),
        (lambda control: control.write_bytes(b""), "is no control file of PostgreSQL"),
        (lambda control: (control.unlink(), os.mkfifo(control)), "it is no regular file"),
    ],
)
def test_what_is_no_data_directory_is_told_and_left_alone(tmp_path: Path, break_it: Any, words: str) -> None:
    (tmp_path / "global").mkdir()
    control = tmp_path / "global" / "pg_control"
    control.touch()
    break_it(control)
    result = run_module("pg_fence", data_directory=str(tmp_path))
    assert result["failed"]
    assert words in result["msg"]
    assert not (tmp_path / "standby.signal").exists()
