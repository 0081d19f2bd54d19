# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of our own: a data directory, a port, started and stopped at will."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import process

# A server that is only being filled, or that only tests use, need not survive a power cut.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
COMMON = {
    "max_wal_size": "1GB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "50",
    "shared_buffers": "64MB",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


@dataclass
class PostgresServer:
    """``programs`` is a ``bin`` directory, ``directory`` holds ``data/`` and ``server.log``. Superuser: postgres."""

    programs: Path
    directory: Path
    port: int = field(default_factory=process.free_port)
    password: str = "demo-postgres"
    settings: dict[str, str] = field(default_factory=dict)
    fast: bool = True

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def pid(self) -> int | None:
        """Of the running postmaster, from its lock file."""
        return process.running_pid(self.data / "postmaster.pid", mark=str(self.data))

    def run(self, program: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess:
        """One of the server's own tools as the user that owns the data; raises with its output when it fails."""
        command = [*process.unprivileged_prefix(), str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            env={**os.environ, "LC_ALL": "C", "PGPASSWORD": self.password, **environment},
            check=False,
        )
        if done.returncode != 0:
            raise process.ServerFailed(f"{program} failed ({done.returncode}):\n{done.stderr or done.stdout}")
        return done

    def create(self, *, checksums: bool = True) -> PostgresServer:
        self._make_directory()
        secret = self.directory / "password"
        secret.write_text(self.password)
        process.hand_over(secret)
        arguments = ["--auth=scram-sha-256", "--username=postgres", f"--pwfile={secret}", "--encoding=UTF8"]
        arguments += ["--locale=C", "--no-sync", *(["--data-checksums"] if checksums else [])]
        self.run("initdb", "-D", self.data, *arguments)
        secret.unlink()
        with (self.data / "pg_hba.conf").open("a") as hba:
            hba.write("host replication all 127.0.0.1/32 scram-sha-256\n")
        return self

    def create_replica(self, primary: PostgresServer, slot: str = "replica") -> PostgresServer:
        """A streaming replica of a running ``primary``, which gets the replication slot for it."""
        self._make_directory()
        # A standby refuses to start with less room for sessions and transactions than its primary has.
        self.settings = {**primary.settings, **self.settings}
        connection = f"host=127.0.0.1 port={primary.port} user=postgres application_name={slot}"
        arguments = ["--write-recovery-conf", "--create-slot", "--slot", slot, "--checkpoint=fast", "--no-sync"]
        self.run("pg_basebackup", "-D", self.data, "-d", connection, *arguments, PGPASSWORD=primary.password)
        # What pg_basebackup writes names every option its own libpq knows; the server may have been given an older one.
        plain = f"{connection} password={primary.password}"
        with (self.data / "postgresql.auto.conf").open("a") as configuration:
            configuration.write(f"primary_conninfo = '{plain}'\n")
        return self

    def start(self) -> PostgresServer:
        settings = {**COMMON, **(FAST if self.fast else {}), **self.settings, "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*process.unprivileged_prefix(), self.programs / "postgres", "-D", self.data, *options]
        started = process.start(command, self.log)
        process.wait_until(self._accepts, started, self.log, f"PostgreSQL on port {self.port}")
        return self

    def stop(self, request: signal.Signals = signal.SIGINT) -> None:
        """``SIGINT`` is PostgreSQL's fast shutdown, ``SIGQUIT`` the immediate one that looks like a crash."""
        pid = self.pid
        if pid:
            process.stop(pid, request)

    def _accepts(self) -> bool:
        try:
            self.run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port))
        except process.ServerFailed:
            return False
        return True

    def _make_directory(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        process.hand_over(self.directory)
