# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server for measuring: the embedded one, autovacuum off, gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo import inventory
from demo.embedded import binaries
from demo.embedded.postgres import PostgresServer
from demo.embedded.process import needs_hand_over
from demo.stack import Stack

POSTGRES_PROGRAMS = binaries.postgres_programs()
SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "autovacuum": "off",
    "shared_buffers": "512MB",
    "max_connections": "120",
    "max_wal_size": "8GB",
}


@contextmanager
def postgres(directory: Path) -> Iterator[PostgresServer]:
    programs = POSTGRES_PROGRAMS
    if needs_hand_over():
        programs = binaries.readable_by_others(programs, directory / "programs")
    server = PostgresServer(programs, directory / "postgres", settings=SETTINGS).create()
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)  # at once: nothing of it is kept


@contextmanager
def demo_stack(directory: Path) -> Iterator[Path]:
    """The stack of ``make demo``, as its inventory; gone afterwards, also when somebody ends the measuring."""
    stack = Stack(directory / "stack", lambda text: None)
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    try:
        stack.up()
        yield inventory.write(stack)
    finally:
        signal.signal(signal.SIGTERM, before)
        stack.down()


def libpq(server: PostgresServer, database: str) -> dict[str, str]:
    """The environment in which PostgreSQL's own programs find the database, and its own ``psql`` first."""
    return {
        **os.environ,
        "PATH": f"{server.programs}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": "postgres",
        "PGPASSWORD": server.password,
        "PGDATABASE": database,
    }


def run(
    command: list[str | Path], environment: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, errors="replace", check=False
    )


def succeeded(done: subprocess.CompletedProcess) -> bool:
    return done.returncode == 0
