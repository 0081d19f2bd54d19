# SPDX-License-Identifier: GPL-3.0-or-later
"""``failover.yml``: from the last write that the old primary acknowledged to the first one on the new."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.module import run_module
from demo.embedded.postgres import PostgresServer
from tests.support.failover_cluster import FOLLOWS, Cluster
from tests.support.stand_in_stack import Stack
from tests.support.waiting import until

MAJOR = 18
ALONE, MODULE, PLAYBOOK = "pg_promote() alone", "pg_failover", "failover.yml, between two writes"


class Writer(threading.Thread):
    """Writes as fast as it can wherever it is let; ``gap_seconds`` lies between the two servers."""

    def __init__(self, servers: list[PostgresServer]) -> None:
        super().__init__(daemon=True)
        self._servers, self._over = servers, threading.Event()
        self._last = [0.0, 0.0]
        self._first_on_new = 0.0

    def run(self) -> None:
        while not self._over.is_set() and not self._first_on_new:
            for number, server in enumerate(self._servers):
                with contextlib.suppress(psycopg2.Error):
                    self._write(number, server)
            time.sleep(0.005)

    def _write(self, number: int, server: PostgresServer) -> None:
        session = psycopg2.connect(
            host="127.0.0.1", port=server.port, user="postgres", password=server.password, dbname="postgres"
        )
        with contextlib.closing(session), session.cursor() as cursor:
            session.autocommit = True
            while not self._over.is_set():
                cursor.execute("INSERT INTO written VALUES (1)")
                self._last[number] = time.monotonic()
                if number:
                    self._first_on_new = self._last[number]
                    return

    @property
    def writes(self) -> bool:
        return self._last[0] > 0

    def gap_seconds(self) -> float:
        self.join(30)
        self._over.set()
        return self._first_on_new - self._last[0]


class Pairs:
    """A fresh primary with its standby for every round."""

    def __init__(self, work: Path, patch: pytest.MonkeyPatch) -> None:
        self._work, self._patch, self._numbers = work, patch, itertools.count()
        self.pair: Cluster | None = None

    def fresh(self) -> None:
        self.close()
        folder = self._work / str(next(self._numbers))
        folder.mkdir()
        folder.chmod(0o755)
        self.pair = Cluster(MAJOR, folder, Stack(folder, self._patch))

    def without_primary(self) -> None:
        self.fresh()
        until(lambda: self.pair.up.value(FOLLOWS))
        self.pair.up.close()
        run_module("service_wave", {"services": {"main": self.pair.services["main"]}, "state": "stopped"})

    def close(self) -> None:
        if self.pair:
            self.pair.close()
        self.pair = None

    def promote(self) -> float:
        begun = time.monotonic()
        self.pair.down.execute("SELECT pg_promote()")
        return time.monotonic() - begun

    def module(self) -> float:
        options = {**self.pair.down.login, "old_primary_is_fenced": True, "accept_data_loss": True}
        begun = time.monotonic()
        result = run_module("pg_failover", options)
        seconds = time.monotonic() - begun
        if result["failed"] or not result["changed"]:
            raise RuntimeError(str(result)[:2000])
        return seconds

    def playbook(self) -> float:
        writer = Writer([self.pair.primary, self.pair.standby])
        writer.start()
        until(lambda: writer.writes)
        given: dict[str, Any] = {
            "pg_failover_old_primary": "h1",
            "pg_failover_old_data_directory": str(self.pair.primary.data),
            "pg_failover_confirm": "h2",
        }
        run = self.pair.play("-e", json.dumps(given))
        if run.code:
            raise RuntimeError(run.output[-2000:])
        return writer.gap_seconds()


def comparisons(work: Path) -> Iterator[Comparison]:
    with pytest.MonkeyPatch.context() as patch:
        pairs = Pairs(work, patch)

        def promoted(seconds: float) -> bool:
            return seconds > 0 and not pairs.pair.down.value("SELECT pg_is_in_recovery()")

        try:
            yield Comparison(
                "failover against pg_promote()",
                [
                    Variant(ALONE, pairs.promote, promoted, pairs.without_primary),
                    Variant(MODULE, pairs.module, promoted, pairs.without_primary),
                    Variant(PLAYBOOK, pairs.playbook, promoted, pairs.fresh),
                ],
                [Goal(MODULE, ALONE), Goal(PLAYBOOK, ALONE, 3)],
                rounds=3,
                timed=False,
                about=f"PostgreSQL {MAJOR}, a primary and its standby on this machine; `pg_failover` is a whole "
                "process, with its look before and its proof of a write after. A client writes as fast as it can, "
                "first to the old primary, then to the new.",
            )
        finally:
            pairs.close()
