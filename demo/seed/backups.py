# SPDX-License-Identifier: GPL-3.0-or-later
"""Three nights of backups: one good, one with a flipped bit, and last night's cut short by a full disk."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from demo.embedded.postgres import PostgresServer

HOUR = 3600


def seed(server: PostgresServer, database: str, directory: Path) -> None:
    directory.mkdir(parents=True)
    dump = _dump(server, database)
    damaged = bytearray(dump)
    damaged[len(dump) * 2 // 3] ^= 0x10
    for nights, content in ((3, bytes(damaged)), (2, dump), (1, dump[: len(dump) * 6 // 10])):
        _keep(directory, database, nights, content, stored=dump)


def _dump(server: PostgresServer, database: str) -> bytes:
    arguments = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "-Fc", "-Z1", "-d", database]
    target = server.directory / "seed.dump"
    server.run("pg_dump", *arguments, "-f", target)
    content = target.read_bytes()
    target.unlink()
    return content


def _keep(directory: Path, database: str, nights: int, content: bytes, stored: bytes) -> None:
    """``stored`` is what the checksum beside the file was made of: the dump before it was damaged."""
    taken = time.time() - (nights - 1) * 24 * HOUR - 4 * HOUR
    name = f"{database}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(taken))}.dump"
    (directory / name).write_bytes(content)
    (directory / f"{name}.sha256").write_text(f"{hashlib.sha256(stored).hexdigest()}  {name}\n")
    for path in (directory / name, directory / f"{name}.sha256"):
        path.chmod(0o600)
        os.utime(path, (taken, taken))
