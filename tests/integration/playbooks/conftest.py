# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded stack of the demo, and the playbooks run on it as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from demo import inventory
from demo.stack import REPOSITORY, Stack


@dataclass
class PlaybookRun:
    code: int
    output: str
    report: dict[str, Any]

    def steps(self, *actions: str) -> list[dict[str, Any]]:
        return [step for step in self.report["steps"] if step["action"] in actions]

    def found(self, check: str, *states: str) -> list[dict[str, Any]]:
        return [f for f in self.report["findings"] if f["check"] == check and (not states or f["state"] in states)]


class RunningStack(Stack):
    def play(self, playbook: str, *arguments: str, interrupt_at: str = "") -> PlaybookRun:
        """One run of ``ansible-playbook``, interrupted when its output names a task; ``report`` is the callback's."""
        report = self.home / "report.json"
        report.unlink(missing_ok=True)
        program = Path(sys.executable).with_name("ansible-playbook")
        run = subprocess.Popen(
            [sys.executable, program, "-i", self.home / "inventory", playbook, *arguments],
            cwd=REPOSITORY,
            env={**self.environment, "ANALYTICS_OPS_REPORT_FILE": str(report)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        lines = []
        for line in run.stdout:
            lines.append(line)
            if interrupt_at and interrupt_at in line:
                os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C does: everybody in the foreground
        written = json.loads(report.read_text()) if report.exists() else {}
        return PlaybookRun(run.wait(), "".join(lines), written)

    @property
    def environment(self) -> dict[str, str]:
        isolated = {"ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_HOME": str(self.home / "ansible")}
        return {**os.environ, **isolated, "COLUMNS": "120"}

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
