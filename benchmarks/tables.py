# SPDX-License-Identifier: GPL-3.0-or-later
"""A database of 200 tables of which 20 need maintenance: what vacuuming and reindexing are measured on."""

from __future__ import annotations

from psycopg2 import sql

from tests.support.databases import Database

TABLES = 200
IN_NEED = range(0, TABLES, 10)
ROWS = 50_000
ABOUT = f"{TABLES} tables of {ROWS} rows, {len(IN_NEED)} of them in need; two jobs each."


def fill(database: Database) -> None:
    for number in range(TABLES):
        database.execute(
            sql.SQL(
                "CREATE TABLE {0} (id integer PRIMARY KEY, n integer, at integer, note text);"
                "INSERT INTO {0} SELECT i, 0, i, md5(i::text) || repeat(' words', 12) FROM generate_series(1, {1}) i;"
                "CREATE INDEX ON {0} (at)"
            ).format(_name(number), sql.Literal(ROWS))
        )
    database.execute("VACUUM ANALYZE")
    database.execute("CHECKPOINT")


def dirty(database: Database) -> None:
    """A fifth of the rows of the tables in need changed, all others in order, and the statistics know it."""
    for number in range(TABLES):
        if not _is_tidy(database, number):
            database.execute(sql.SQL("VACUUM ANALYZE {}").format(_name(number)))
    for number in IN_NEED:
        database.execute(sql.SQL("UPDATE {} SET n = n + 1 WHERE id % 5 = 0").format(_name(number)))
    database.execute("SELECT pg_stat_force_next_flush()")
    database.execute("CHECKPOINT")


def bloat(database: Database) -> None:
    """Both indexes of every table in need at four times the size of their content, and statistics that say so."""
    for number in IN_NEED:
        database.execute(
            sql.SQL(
                "INSERT INTO {0} SELECT i, 0, i, '' FROM generate_series({1} + 1, 4 * {1}) i;"
                "DELETE FROM {0} WHERE id > {1}"
            ).format(_name(number), sql.Literal(ROWS))
        )
        # Told late, these changes would count as made after the ANALYZE, and the statistics as outdated.
        database.execute("SELECT pg_stat_force_next_flush()")
        database.execute(sql.SQL("VACUUM ANALYZE {}").format(_name(number)))
    database.execute("CHECKPOINT")


def dead_rows(database: Database) -> int:
    return database.value("SELECT sum(n_dead_tup)::bigint FROM pg_stat_user_tables")


def index_bytes(database: Database) -> int:
    names = [f"table_{number:03}" for number in IN_NEED]
    return database.value("SELECT sum(pg_indexes_size(name::regclass))::bigint FROM unnest(%s) name", (names,))


def _is_tidy(database: Database, number: int) -> bool:
    return not database.value("SELECT pg_stat_get_dead_tuples(%s::regclass)", (f"table_{number:03}",))


def _name(number: int) -> sql.Identifier:
    return sql.Identifier(f"table_{number:03}")
