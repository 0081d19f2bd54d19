# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded stack of the demo, and the playbooks run on it as a user runs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
import redis

from demo import inventory
from demo.stack import Stack
from tests.support import playbooks
from tests.support.playbooks import PlaybookRun


class RunningStack(Stack):
    def play(self, playbook: str, *arguments: str, interrupt_at: str = "") -> PlaybookRun:
        return playbooks.play(self.home, "-i", self.home / "inventory", playbook, *arguments, interrupt_at=interrupt_at)

    @property
    def environment(self) -> dict[str, str]:
        return playbooks.environment(self.home)

    def query(self, statement: str) -> list[tuple]:
        connection = psycopg2.connect(self.dsn, password=self.password)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()

    def keys(self) -> redis.Redis:
        return redis.Redis(port=self.ports.cache, password=self.password, decode_responses=True)

    def fingerprint(self) -> dict[str, Any]:
        """What maintenance could change: tables, indexes, keys and backups."""
        tables = (
            "SELECT relid::regclass::text, n_tup_ins, n_tup_upd, n_tup_del, n_dead_tup, vacuum_count, analyze_count"
        )
        indexes = (
            "SELECT c.relname, c.relfilenode, i.indisvalid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
        )
        # Not dbsize: keys expire by themselves while the test runs.
        with_ttl = self.keys().info("keyspace")["db0"]
        return {
            "tables": sorted(self.query(f"{tables} FROM pg_stat_user_tables")),
            "indexes": sorted(self.query(f"{indexes} WHERE c.relnamespace = 'public'::regnamespace")),
            "keys without TTL": with_ttl["keys"] - with_ttl["expires"],
            "backups": sorted((f.name, f.stat().st_mtime, f.stat().st_size) for f in self.backups.iterdir()),
        }


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A fresh, neglected stack for each test file, in a path with spaces."""
    running = RunningStack(tmp_path_factory.mktemp("demo") / "a stack", tell=lambda text: None)
    running.up()
    inventory.write(running)
    yield running
    running.down()
