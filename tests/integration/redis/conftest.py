# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test here runs on each Redis-protocol server that this machine has."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.embedded import process
from demo.embedded.valkey import ValkeyServer
from tests.support.redis_servers import Redis, server_programs, tls_programs

collect_ignore = [] if tls_programs() else ["test_redis_tls.py"]


@pytest.fixture(scope="session", params=server_programs())
def program(request: pytest.FixtureRequest) -> Path:
    return server_programs()[request.param]


@pytest.fixture
def start(program: Path, tmp_path: Path) -> Iterator[Callable[..., Redis]]:
    """Starts servers with settings of their own (``save="60 1"``; ``_`` for ``-``) that end with the test."""
    servers: list[ValkeyServer] = []
    # Kept here: tests take away the directory, and with it the file that holds the process id.
    pids: list[int] = []

    def begin(password: str = "", **settings: str) -> Redis:
        directory = tmp_path / f"server{len(servers)}"
        given = {name.replace("_", "-"): value for name, value in settings.items()}
        if "cluster-enabled" in given:
            # Left alone it is 10000 above the other one, where the system takes ports for connections.
            given["cluster-port"] = str(process.free_port())
        if password:
            given.update(requirepass=password, masterauth=password)
        server = ValkeyServer(program, directory, settings=given)
        servers.append(server)
        server.start()
        pids.append(server.pid)
        server.password = password
        return Redis(server)

    yield begin
    # Those that a test started once more have another process id, which they wrote down themselves.
    for pid in {*pids, *(server.pid for server in servers)} - {None}:
        if process.is_running(pid):
            os.kill(pid, signal.SIGCONT)
            process.stop(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def shared(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = ValkeyServer(program, tmp_path_factory.mktemp("redis")).start()
    yield Redis(server)
    server.stop(signal.SIGKILL)


@pytest.fixture
def empty(shared: Redis) -> Redis:
    """A server that holds nothing and has counted nothing; for tests that do not change its settings."""
    client = shared.client
    client.flushall()
    client.config_resetstat()
    client.slowlog_reset()
    client.acl_log_reset()
    return shared
