# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the collection importable under its full name, and gives integration tests real servers."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / ".collections")]

from demo.embedded.binaries import valkey_server
from demo.embedded.postgres import PostgresServer
from demo.embedded.valkey import ValkeyServer
from tests.support.databases import Database
from tests.support.redis_servers import report
from tests.support.versions import chosen_versions, postgres_programs

# What a shell starts in the background ignores SIGINT, and so would everything that tests start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is a matter of the machine and its neighbours, and no reason to fail.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_report_header() -> list[str]:
    return [report()]


# What checks on sessions, statements and storage need; tests that need more start a server of their own.
SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "wal_level": "logical",
    "max_prepared_transactions": "5",
    "autovacuum": "off",
}


@pytest.fixture(scope="session", params=chosen_versions(), ids=lambda major: f"pg{major}")
def postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One server for the whole session and version. Tests create databases of their own in it (``database``)."""
    directory = tmp_path_factory.mktemp(f"postgres{request.param}")
    server = PostgresServer(postgres_programs(request.param), directory, settings=SETTINGS).create()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database(postgres: PostgresServer, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database; gone, with every session in it, after the test."""
    with Database.fresh(postgres, request.node.name) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """One server for the whole session; tests that need an empty one flush it."""
    server = ValkeyServer(valkey_server(), tmp_path_factory.mktemp("valkey"), password="demo-redis").start()
    yield server
    server.stop()
