# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to tables that PostgreSQL's cumulative statistics know of at once.

A session tells its counters late (up to a second, in PostgreSQL 14 by a packet to another process). What a test
did must be counted before the module looks, and not after it has vacuumed.
"""

from __future__ import annotations

from tests.support.databases import Database
from tests.support.waiting import until

_COUNTED = """
SELECT coalesce(sum(pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid)
                    + pg_stat_get_tuples_deleted(oid)), 0)
FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'm')
"""


def change(database: Database, statement: str) -> int:
    """Run one INSERT, UPDATE or DELETE and wait until it is counted; returns the number of rows."""
    before = database.value(_COUNTED)
    session = database.session()
    with session.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.rowcount
    session.close()
    until(lambda: database.value(_COUNTED) >= before + rows)
    return rows


def make_table(database: Database, name: str, rows: int = 20000, maintained: bool = True) -> None:
    """A table with an id, a small number, and a text; ``maintained``: as after VACUUM and ANALYZE."""
    database.execute(f"CREATE TABLE {name} (id bigint PRIMARY KEY, number int, note text)")
    change(database, f"INSERT INTO {name} SELECT i, i % 100, 'note ' || i FROM generate_series(1, {rows}) i")
    if maintained:
        vacuum_table(database, name)


def vacuum_table(database: Database, name: str, options: str = "ANALYZE") -> None:
    """VACUUM, and wait until it is counted."""
    counted = "SELECT sum(pg_stat_get_vacuum_count(oid)) FROM pg_class WHERE relkind = 'r'"
    before = database.value(counted)
    database.execute(f"VACUUM ({options}) {name}")
    until(lambda: database.value(counted) > before)
