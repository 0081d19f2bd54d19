# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tests keep a history: in each kind of store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.databases import Database


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a folder/history.sqlite3"


@pytest.fixture
def postgres_url(database: Database) -> str:
    password = quote(database.server.password, safe="")
    return f"postgresql://postgres:{password}@127.0.0.1:{database.server.port}/{database.name}?connect_timeout=10"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, sqlite_url: str, postgres_url: str) -> str:
    return sqlite_url if request.param == "sqlite" else postgres_url
