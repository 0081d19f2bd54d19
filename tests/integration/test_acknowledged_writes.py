# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a client was told to be written is there after a shutdown, and after a recovery from a crash."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import run_module
from tests.support.stand_in_stack import Stack, postgres_command
from tests.support.versions import chosen_versions, postgres_programs
from tests.support.waiting import until
from tests.support.writer import Writer

ROUNDS = int(os.environ.get("DRILL_ROUNDS", "2"))
WRITERS = 3


class Written:
    """A PostgreSQL that ``service_wave`` starts and stops, and some clients that write to it."""

    def __init__(self, major: int, folder: Path, stack: Stack) -> None:
        settings = {"full_page_writes": "on", "synchronous_commit": "on", "checkpoint_timeout": "1d"}
        self.server = PostgresServer(postgres_programs(major), folder / "server", settings=settings).create()
        self.known = stack.known
        service = stack.service("main", postgres_command(self.server), kind="postgresql", port=self.server.port)
        self.services = {"main": service}
        assert self.wave("started")["status"] == "healthy"
        self.database = Database(self.server, "postgres")
        self.database.execute("CREATE TABLE written (number int PRIMARY KEY)")

    def wave(self, state: str, **options: Any) -> dict[str, Any]:
        return run_module("service_wave", services=self.services, state=state, **options)

    def written_until(self, end: Callable[[], Any]) -> set[int]:
        """What was acknowledged before ``end`` cut the clients off at a random moment."""
        writers = [Writer(self.server, first=number + 1, step=WRITERS) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        enough = random.randint(20, 400)
        until(lambda: min(len(writer.acknowledged) for writer in writers) >= enough)
        end()
        for writer in writers:
            writer.join()
        return {number for writer in writers for number in writer.acknowledged}

    def kill(self) -> None:
        """As the OOM killer does, which takes the postmaster: its other processes end when they notice."""
        os.kill(self.server.pid, signal.SIGKILL)
        until(lambda: not self.processes() and (self.known / "main.exit").exists())

    def processes(self) -> list[Path]:
        return [one for one in Path("/proc").glob("[0-9]*") if self.server.data == working_directory(one)]

    def there(self) -> set[int]:
        self.database.close()
        self.database = Database(self.server, "postgres")
        return {number for (number,) in self.database.execute("SELECT number FROM written")}

    def close(self) -> None:
        self.database.close()
        self.wave("stopped", kill_databases=True)


def working_directory(process: Path) -> Path | None:
    try:
        return (process / "cwd").readlink()
    except OSError:  # it ended meanwhile, or belongs to somebody else
        return None


@pytest.fixture(params=chosen_versions(), ids=lambda major: f"pg{major}")
def written(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    made = Written(request.param, tmp_path, Stack(tmp_path, monkeypatch))
    yield made
    made.close()


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_shutdown_loses_nothing_that_was_acknowledged(written: Written, turn: int) -> None:
    acknowledged = written.written_until(lambda: written.wave("stopped"))
    assert written.wave("started")["status"] == "healthy"
    assert acknowledged - written.there() == set()


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_recovery_after_a_kill_under_load_loses_nothing_that_was_acknowledged(written: Written, turn: int) -> None:
    acknowledged = written.written_until(written.kill)
    assert not written.server.log.read_text().count("redo starts")
    recovered = written.wave("started")
    assert recovered["status"] == "healthy", recovered
    assert written.server.log.read_text().count("redo starts") == 1
    assert acknowledged - written.there() == set()
