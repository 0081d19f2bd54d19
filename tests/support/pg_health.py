# SPDX-License-Identifier: GPL-3.0-or-later
"""Short words for tests of the module ``pg_health``."""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2.extensions import POLL_OK, POLL_READ

from tests.support.databases import Database
from tests.support.modules import run_module
from tests.support.statistics import change
from tests.support.waiting import until

# A server with nothing to complain about. Autovacuum is on but never comes by itself, so that tests stay in charge.
HEALTHY_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "wal_level": "logical",
    "max_prepared_transactions": "5",
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum_naptime": "2147483",
}


def check(database: Database, **options: Any) -> dict[str, Any]:
    """The module's result on this database, as superuser unless told otherwise; it must not fail."""
    result = run_module("pg_health", **{**database.login, **options})
    assert not result["failed"], result["msg"]
    assert result["changed"] is False
    return result


def names(result: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((finding["check"], finding["severity"]) for finding in result["findings"])


def only(result: dict[str, Any], name: str, severity: str = "warning") -> dict[str, Any]:
    """The one finding of the result, which must be of that check."""
    assert names(result) == [(name, severity)], [f["message"] for f in result["findings"]]
    finding = result["findings"][0]
    assert finding["advice"]
    status = {"critical": "unhealthy", "warning": "degraded", "unknown": "degraded", "info": "healthy"}
    assert result["status"] == status[severity]
    return finding


class Background(psycopg2.extensions.connection):
    """An asynchronous connection that keeps the cursor its statement runs in."""

    running: Any = None


def in_background(session: Any, statement: str) -> Background:
    """Run a statement as ``session`` would, without waiting for it."""
    parameters = session.get_dsn_parameters()
    waiting = psycopg2.connect(
        connection_factory=Background,
        host=parameters["host"],
        port=parameters["port"],
        user=parameters["user"],
        dbname=parameters["dbname"],
        password=session.info.password,
        application_name="background",
        async_=True,
    )
    finish(waiting)
    waiting.running = waiting.cursor()
    waiting.running.execute(statement)
    return waiting


def finish(connection: Any) -> None:
    """Wait for what an asynchronous connection runs; raises what the server raised."""
    end = time.monotonic() + 60
    while True:
        state = connection.poll()
        if state == POLL_OK:
            return
        assert time.monotonic() < end, "the server never answered"
        descriptor = [connection.fileno()]
        select.select(descriptor if state == POLL_READ else [], [] if state == POLL_READ else descriptor, [], 1)


def make_shop(database: Database) -> None:
    """A small and healthy application: tables, indexes, a foreign key with its index, an identity column."""
    database.execute("""
        CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
        CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE NOT NULL);
        CREATE TABLE orders (id serial PRIMARY KEY, customer bigint NOT NULL REFERENCES customers, note text);
        CREATE INDEX ON orders (customer)""")
    change(database, "INSERT INTO customers (name) SELECT 'customer ' || i FROM generate_series(1, 2000) i")
    change(
        database,
        "INSERT INTO orders (customer, note) SELECT 1 + i % 2000, 'note ' || i FROM generate_series(1, 20000) i",
    )
    tidy(database, "customers")
    tidy(database, "orders")


_TIDY = """
SELECT pg_stat_get_mod_since_analyze(oid) = 0 AND pg_stat_get_dead_tuples(oid) = 0
FROM pg_class WHERE oid = %s::regclass
"""


def tidy(database: Database, table: str) -> None:
    """VACUUM and ANALYZE, until it counts: a session tells late what it wrote before, and autovacuum, which comes by
    every five minutes, may keep dead rows from going."""

    def clean() -> bool:
        database.execute(f"VACUUM ANALYZE {table}")
        return database.value(_TIDY, (table,))

    until(clean)
