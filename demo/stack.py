# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded stack: PostgreSQL with a streaming replica, Valkey and a small API, all below one directory."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from demo.embedded import process
from demo.embedded.binaries import postgres_programs, readable_by_others, valkey_server
from demo.embedded.postgres import PostgresServer
from demo.embedded.valkey import ValkeyServer
from demo.seed import backups, cache
from demo.seed import postgres as database

REPOSITORY = Path(__file__).resolve().parents[1]
NAME = "analytics"


@dataclass
class Ports:
    """Chosen anew at every start, so nothing that already runs on this machine is in the way."""

    primary: int = field(default_factory=process.free_port)
    replica: int = field(default_factory=process.free_port)
    cache: int = field(default_factory=process.free_port)
    api: int = field(default_factory=process.free_port)


class Stack:
    """``home`` is created by ``up`` and removed by ``down``, with everything that runs in it."""

    def __init__(self, home: Path, tell: Callable[[str], None] = print) -> None:
        self.home = home
        self.tell = tell
        remembered = json.loads((home / "stack.json").read_text()) if (home / "stack.json").exists() else {}
        self.ports = Ports(**remembered.get("ports", {}))
        self.password = remembered.get("password") or secrets.token_urlsafe(12)

    @property
    def backups(self) -> Path:
        return self.home / "backups"

    def up(self) -> None:
        """Start and fill everything. What an earlier, perhaps interrupted, run left behind goes first."""
        self.down()
        self.ports = Ports()
        self._make_home()
        try:
            with ThreadPoolExecutor() as together:
                keys = together.submit(self._start_cache)
                self._start_database()
                keys.result()
            self._start_application()
        except BaseException:
            self.tell("stopping what was started …")
            self.down()
            raise

    def down(self) -> bool:
        """Stop every process and remove every file of the stack; whether there was anything."""
        if not self.home.exists():
            return False
        for name in ("api", "forgotten-session"):
            pid = process.running_pid(self.home / f"{name}.pid", mark="demo.")
            if pid:
                process.stop(pid)
        self._cache().stop()
        for server in (self._replica(), self._primary()):
            server.stop(signal.SIGQUIT)  # at once: nothing of it is kept
        shutil.rmtree(self.home)
        return True

    def runs(self) -> bool:
        return bool(self._primary().pid and self._cache().pid)

    def _make_home(self) -> None:
        self.home.mkdir(parents=True)
        kept = self.home / "stack.json"
        kept.touch(mode=0o600)
        kept.write_text(json.dumps({"ports": asdict(self.ports), "password": self.password}))

    @cached_property
    def programs(self) -> Path:
        programs = postgres_programs()
        return readable_by_others(programs, self.home / "programs") if process.needs_hand_over() else programs

    def _primary(self) -> PostgresServer:
        settings = {"shared_preload_libraries": "pg_stat_statements", "wal_level": "logical"}
        return PostgresServer(self.programs, self.home / "primary", self.ports.primary, self.password, settings)

    def _replica(self) -> PostgresServer:
        settings = self._primary().settings
        return PostgresServer(self.programs, self.home / "replica", self.ports.replica, self.password, settings)

    def _cache(self) -> ValkeyServer:
        settings = {"maxmemory": "256mb", "maxmemory-policy": "allkeys-lru"}
        return ValkeyServer(valkey_server(), self.home / "cache", self.ports.cache, self.password, settings)

    @property
    def dsn(self) -> str:
        return f"host=127.0.0.1 port={self.ports.primary} user=postgres dbname={NAME}"

    def _start_cache(self) -> None:
        self._cache().start()
        keys = cache.seed(self.ports.cache, self.password)
        self.tell(
            f"cache        127.0.0.1:{self.ports.cache}  {keys:,} keys, {cache.WITHOUT_TTL:,} of them without a TTL"
        )

    def _start_database(self) -> None:
        primary = self._primary().create()
        primary.start()
        login = ["-h", "127.0.0.1", "-p", str(self.ports.primary), "-U", "postgres", "-d", "postgres"]
        primary.run("psql", *login, "-qc", f"CREATE DATABASE {NAME}")
        database.seed(self.dsn, self.password)
        self.tell(f"database     127.0.0.1:{self.ports.primary}  a month of updates, autovacuum switched off")
        backups.seed(primary, NAME, self.backups)
        primary.stop()
        primary.fast = False
        primary.start()
        self.tell("backups      three nights: one good, one with a flipped bit, one cut short")
        replica = self._replica().create_replica(primary)
        replica.fast = False
        replica.start()
        self.tell(f"replica      127.0.0.1:{self.ports.replica}  streaming")

    def _start_application(self) -> None:
        secret = {"DATABASE_DSN": self.dsn, "PGPASSWORD": self.password, "REDIS_PASSWORD": self.password}
        log = self.home / "forgotten-session.log"
        self._background("forgotten-session", lambda: "transaction open" in process.tail(log), secret)
        more = {"API_PORT": str(self.ports.api), "REDIS_PORT": str(self.ports.cache)}
        self._background("api", self._api_answers, {**secret, **more})
        self.tell(f"api          http://127.0.0.1:{self.ports.api}/health")

    def _background(self, name: str, ready: Callable[[], bool], environment: dict[str, str]) -> None:
        module = f"demo.{name.replace('-', '_')}"
        log = self.home / f"{name}.log"
        environment = {"PYTHONPATH": str(REPOSITORY), **environment}
        started = process.start([sys.executable, "-m", module], log, **environment)
        (self.home / f"{name}.pid").write_text(str(started.pid))
        process.wait_until(ready, started, log, name)

    def _api_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.api}/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False
