# SPDX-License-Identifier: GPL-3.0-or-later
"""Real backups of a real server in every format that ``backup_verify`` reads."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
from pathlib import Path

import lz4.frame
import zstandard

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database

# The same content every time: figures that are measured on it can be written down.
CONTENT = """
CREATE TABLE events AS
SELECT i AS id, md5(i::text) AS token, 'Besuch Nr. ' || i || ' für Größe ' || i % 7 AS note,
       timestamp '2026-01-01' + i * interval '1 minute' AS at
FROM generate_series(1, 25000) AS i;
CREATE TABLE long_texts AS SELECT i AS id, repeat(md5(i::text), i) AS body FROM generate_series(1, 60) AS i;
CREATE TABLE nothing (id integer PRIMARY KEY);
CREATE VIEW latest AS SELECT * FROM events ORDER BY at DESC LIMIT 10;
SELECT lo_from_bytea(0, sha512(i::text::bytea)) FROM generate_series(1, 5) AS i;
"""


def fill(database: Database) -> None:
    for statement in CONTENT.split(";\n"):
        if statement.strip():
            database.execute(statement)


def pg_dump(database: Database, target: Path, *arguments: str, program: str = "pg_dump") -> Path:
    """``pg_dump`` as this user, so that the file is ours; reproducible as far as it can be."""
    server = database.server
    environment = {
        **os.environ,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": "postgres",
        "PGPASSWORD": server.password,
        "PGDATABASE": database.name,
    }
    # Random otherwise.
    key = [] if {"-Fc", "-Fd", "-Ft"} & set(arguments) else ["--restrict-key=test"]
    command = [server.programs / program, *arguments, *key, "-f", target]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def pg_basebackup(server: PostgresServer, target: Path, *arguments: str) -> Path:
    environment = {**os.environ, "PGPASSWORD": server.password}
    command = [server.programs / "pg_basebackup", "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
    done = subprocess.run(
        [*command, "-D", target, "--checkpoint=fast", "--no-sync", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


def every_dump(database: Database, directory: Path) -> dict[str, Path]:
    """By the name that the documentation uses. What a major version cannot write is left out."""
    plain = pg_dump(database, directory / "plain-2.sql")
    text = plain.read_bytes()
    dumps = {
        "custom": pg_dump(database, directory / "custom-2.dump", "-Fc"),
        "custom, uncompressed": pg_dump(database, directory / "uncompressed-2.dump", "-Fc", "-Z0"),
        "directory": pg_dump(database, directory / "directory-2.dir", "-Fd"),
        "directory, uncompressed": pg_dump(database, directory / "uncompressed-2.dir", "-Fd", "-Z0"),
        "tar": pg_dump(database, directory / "tar-2.tar", "-Ft"),
        "plain": plain,
        "plain, gzip": _written(directory / "plain-2.sql.gz", gzip.compress(text, mtime=0)),
        "plain, zstd (program)": _written(
            directory / "plain-2.sql.zst", zstandard.ZstdCompressor(write_checksum=True).compress(text)
        ),
        "plain, lz4 (program)": _written(
            directory / "plain-2.sql.lz4", lz4.frame.compress(text, content_checksum=True, block_linked=False)
        ),
    }
    if database.value("SHOW server_version_num") >= "160000":
        dumps["custom, zstd (pg_dump)"] = pg_dump(database, directory / "zstd-2.dump", "-Fc", "-Zzstd")
        dumps["custom, lz4 (pg_dump)"] = pg_dump(database, directory / "lz4-2.dump", "-Fc", "-Zlz4")
        dumps["directory, zstd (pg_dump)"] = pg_dump(database, directory / "zstd-2.dir", "-Fd", "-Zzstd")
        dumps["directory, lz4 (pg_dump)"] = pg_dump(database, directory / "lz4-2.dir", "-Fd", "-Zlz4")
    return dumps


def write_checksum(backup: Path) -> Path:
    """``<backup>.sha256`` as ``sha256sum`` writes it, of a directory for each of its files."""
    files = sorted(path for path in backup.rglob("*") if path.is_file()) if backup.is_dir() else [backup]
    target = backup.with_name(backup.name + ".sha256")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(backup.parent)}\n" for path in files]
    return _written(target, "".join(lines).encode())


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
