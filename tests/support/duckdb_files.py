# SPDX-License-Identifier: GPL-3.0-or-later
"""DuckDB files for tests, and processes that hold them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

_HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
for statement in sys.argv[2:]:
    connection.execute(statement)
print("held", flush=True)
sys.stdin.read()
"""


def make(path: Path, *statements: str) -> Path:
    """A file whose tables are in the file itself, not in the write-ahead log."""
    connection = duckdb.connect(str(path))
    for statement in statements or ("CREATE TABLE events AS SELECT range AS id FROM range(100000)",):
        connection.execute(statement)
    connection.close()
    return path


@contextmanager
def held(path: Path, *statements: str) -> Iterator[subprocess.Popen]:
    """Another process has the file open for writing, after ``statements``; it is killed at the end."""
    command = [sys.executable, "-c", _HOLDER, str(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def leave_log(path: Path) -> Path:
    """The writer is killed after a change: its write-ahead log stays behind."""
    with held(path, "INSERT INTO events SELECT range FROM range(1000)"):
        pass
    return path.with_name(path.name + ".wal")
