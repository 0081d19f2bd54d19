# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that several files of integration tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.pg_health import HEALTHY_SETTINGS, make_shop
from tests.support.versions import chosen_versions, postgres_programs


@pytest.fixture(scope="session", params=chosen_versions(), ids=lambda major: f"pg{major}")
def healthy_postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresServer]:
    """A server that ``pg_health`` has nothing to say about; tests leave it so."""
    directory = tmp_path_factory.mktemp(f"healthy{request.param}")
    server = PostgresServer(postgres_programs(request.param), directory, settings=HEALTHY_SETTINGS).create()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def empty(healthy_postgres: PostgresServer, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh, empty database on the healthy server."""
    with Database.fresh(healthy_postgres, request.node.name) as fresh:
        yield fresh


@pytest.fixture
def shop(empty: Database) -> Database:
    """A small, healthy database on the healthy server."""
    make_shop(empty)
    return empty
