# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a dump: written under a name that nobody takes for a backup, read back, then given its name in one step."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .._errors import OpsError, Refused
from .._judge.backup import Backup
from .._judge.backup_plan import ENDINGS, Names, Source, failure_advice
from .._observe.backup_checksum import Checksums
from .._observe.backup_reader import Request, read_backup
from .._observe.backup_source import lock_part, size_of
from .._observe.backup_stream import FileStream, Guard
from .._observe.postgres import PostgresLogin
from .._observe.postgres_login import program_login
from .._observe.postgres_programs import Program
from .program import run_program


class DumpOrder(NamedTuple):
    """What to dump, how and where to."""

    login: PostgresLogin
    source: Source
    directory: str
    names: Names
    format: str
    jobs: int
    compress: Optional[int]
    lock_timeout: float
    timeout: Optional[float]
    pg_dump: Program
    pg_dumpall: Optional[Program]
    role_passwords: bool


class Dumped(NamedTuple):
    path: str
    size_bytes: int
    sha256: str
    seconds: float
    globals_path: str
    warnings: Tuple[str, ...]


def remove_leftover(path: str) -> bool:
    """Remove an unfinished dump with all that belongs to it, unless a run has it (again). The dump itself goes last:
    by it the next run finds the others, should this one be interrupted, too.
    """
    directory, name = os.path.split(path)
    stem = name[1 : -len(".part")].rsplit(".", 1)[0]
    lock = lock_part(path)
    if lock is None:
        return False
    try:
        names = set(os.listdir(directory))
        finished = {stem + ending for ending in ENDINGS.values()} & names
        for other in sorted(names - {name}):
            if other.startswith("." + stem + ".") or (other.startswith(stem + ".") and not finished):
                _remove(os.path.join(directory, other))
        _remove(path)
    finally:
        os.close(lock)
    return True


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def take_dump(order: DumpOrder) -> Dumped:
    """Everything that was written is removed again when it does not come to a good end."""
    work = _Work(order)
    try:
        return work.run()
    except OSError as error:
        text = "The dump cannot be written to {0}: {1}.".format(order.directory, error.strerror or error)
        raise OpsError(text, failure_advice(text, None)) from error
    finally:
        work.clean_up()


class _Work:
    def __init__(self, order: DumpOrder) -> None:
        self._order = order
        self._begun = time.time()
        self._deadline = time.monotonic() + order.timeout if order.timeout else None
        self._part = self._path(Names.part(order.names.dump))
        self._lock: Optional[int] = None
        self._written: List[str] = []
        self._warnings: List[str] = []

    def run(self) -> Dumped:
        order = self._order
        self._create_part()
        self._dump()
        sums, sha256 = self._read_back()
        size = size_of(self._part)
        if order.pg_dumpall:
            self._dump_globals()
        seconds = time.time() - self._begun
        # The checksum and the entry come first and the dump last: without its dump nobody takes them for a backup.
        self._write(order.names.dump + ".sha256", sums)
        self._write(order.names.dump + ".json", self._entry(size, sha256, seconds))
        final = self._path(order.names.dump)
        if os.path.lexists(final):
            raise Refused("{0} exists already.".format(final), "Two runs began in the same second: run it again.")
        os.rename(self._part, final)
        self._written.clear()
        _sync_directory(order.directory)
        globals_path = self._path(order.names.globals) if order.pg_dumpall else ""
        return Dumped(final, size, sha256, seconds, globals_path, tuple(self._warnings))

    def clean_up(self) -> None:
        """What is still in the list did not become a backup. The dump goes last: by it a next run finds the others."""
        for path in [*self._written, self._part] if self._lock is not None else []:
            if os.path.lexists(path):
                _remove(path)
        if self._lock is not None:
            os.close(self._lock)

    def _path(self, name: str) -> str:
        return os.path.join(self._order.directory, name)

    def _create_part(self) -> None:
        try:
            if self._order.format == "directory":
                os.mkdir(self._part, 0o700)
            else:
                os.close(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            lock = lock_part(self._part)
        except FileExistsError:
            lock = None
        # A run that cleans up may have come between: then it is gone, or another one.
        if lock is None or not os.path.lexists(self._part) or os.stat(self._part).st_ino != os.fstat(lock).st_ino:
            raise Refused("Another run writes {0}.".format(self._part), "Run it again when that one has ended.")
        self._lock = lock

    def _dump(self) -> None:
        order = self._order
        command = [
            order.pg_dump.path,
            "--format={0}".format(order.format),
            "--no-password",
            "--lock-wait-timeout={0:d}".format(max(1, int(order.lock_timeout * 1000))),
            # Not to standard output: since PostgreSQL 16 the places of the data would be missing in its contents.
            "--file={0}".format(self._part),
        ]
        if order.compress is not None:
            command.append("--compress={0}".format(order.compress))
        if order.format == "directory":
            command.append("--jobs={0}".format(order.jobs))
        self._run(command, subprocess.DEVNULL)  # it syncs what it writes itself

    def _dump_globals(self) -> None:
        order = self._order
        command = [order.pg_dumpall.path, "--globals-only", "--no-password"]
        if not order.role_passwords:
            command.append("--no-role-passwords")
        if "=" not in order.login.login_db and "://" not in order.login.login_db:
            command.append("--database={0}".format(order.login.login_db))
        part = self._path(Names.part(order.names.globals))
        self._written.append(part)
        with _create(part) as output:
            self._run(command, output)
            os.fsync(output.fileno())
        digest = _digest(part)
        self._write(order.names.globals + ".sha256", "{0}  {1}\n".format(digest, order.names.globals))
        self._rename(part, order.names.globals)

    def _run(self, command: List[str], output: Any) -> None:
        order = self._order
        with program_login(order.login) as login:
            self._warnings += run_program(
                command,
                login.environment,
                # With the lock inherited, nobody removes what the program still writes when this process is killed.
                (*login.descriptors, self._lock),
                output,
                self._deadline,
                order.login.login_password,
                failure_advice,
            )

    def _read_back(self) -> Tuple[str, str]:
        """Decode what was written, every block, and hash it: lines for ``sha256sum --check``, and the file's hash."""
        order = self._order
        backup = Backup(self._part, order.format, size_bytes=1)
        reading = read_backup(backup, Request("full", jobs=order.jobs), Guard(), Checksums())
        if reading.flaws:
            raise OpsError(
                "What pg_dump wrote cannot be read back: {0}".format(reading.flaws[0].text),
                "Check the storage of {0}; the dump was removed.".format(order.directory),
            )
        if order.format == "custom":
            return "{0}  {1}\n".format(reading.sha256, order.names.dump), reading.sha256
        files = sorted(os.listdir(self._part))
        lines = ["{0}  {1}/{2}\n".format(_digest(os.path.join(self._part, f)), order.names.dump, f) for f in files]
        return "".join(lines), ""

    def _entry(self, size: int, sha256: str, seconds: float) -> str:
        order = self._order
        entry: Dict[str, Any] = {
            "file": order.names.dump,
            "format": order.format,
            "database": order.source.database,
            "server": order.login.target,
            "server_version": order.source.server_version,
            "pg_dump_version": order.pg_dump.version,
            "taken_on": socket.gethostname(),
            "started": _iso(self._begun),
            "finished": _iso(self._begun + seconds),
            "seconds": round(seconds, 3),
            "size_bytes": size,
            "sha256": sha256 or None,
            "globals": order.names.globals if order.pg_dumpall else None,
        }
        return json.dumps(entry, indent=2, sort_keys=True) + "\n"

    def _write(self, name: str, content: str) -> None:
        part = self._path(Names.part(name))
        self._written.append(part)
        with _create(part) as file:
            file.write(content.encode())
            file.flush()
            os.fsync(file.fileno())
        self._rename(part, name)

    def _rename(self, part: str, name: str) -> None:
        self._written.append(self._path(name))
        os.rename(part, self._path(name))


def _create(path: str) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _digest(path: str) -> str:
    with FileStream(path, Guard(), ("sha256",), decoded=False) as stream:
        return stream.digests()["sha256"]


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
