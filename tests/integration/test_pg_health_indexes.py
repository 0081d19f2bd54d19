# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes that do not work, are there twice, serve nobody or are missing, and sequences near their end."""

from __future__ import annotations

import psycopg2
import pytest
from psycopg2 import sql

from tests.support.pg_health import check, finish, in_background, only, tidy
from tests.support.statistics import change, make_table
from tests.support.waiting import until


def test_invalid_index(shop):
    """CREATE UNIQUE INDEX CONCURRENTLY over values that are not unique leaves an invalid index."""
    with pytest.raises(psycopg2.errors.UniqueViolation):
        shop.execute("CREATE UNIQUE INDEX CONCURRENTLY one_order ON orders (customer)")
    finding = only(check(shop), "pg.invalid_indexes")
    assert finding["subject"] == "public.one_order"
    assert "DROP INDEX CONCURRENTLY public.one_order" in finding["advice"]


@pytest.mark.parametrize("rights", ["superuser", "nobody"])
def test_an_index_that_is_being_built_is_no_finding(shop, rights):
    """The build waits for an open transaction; when it is cancelled, what it leaves is one."""
    role = {}
    if rights == "nobody":
        shop.execute("DROP ROLE IF EXISTS nobody; CREATE ROLE nobody LOGIN PASSWORD 'nobody-secret'")
        role = {"login_user": "nobody", "login_password": "nobody-secret"}
    old = shop.session(autocommit=False)
    old.cursor().execute("UPDATE orders SET note = 'x' WHERE id = 1")
    build = in_background(shop.session(), "CREATE INDEX CONCURRENTLY later ON orders (note)")
    until(lambda: shop.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid"))
    chosen = {"checks": ["invalid_indexes"], **role}
    assert check(shop, **chosen)["findings"] == []
    build.cancel()
    with pytest.raises(psycopg2.errors.QueryCanceled):
        finish(build)
    assert only(check(shop, **chosen), "pg.invalid_indexes")["subject"] == "public.later"
    old.rollback()
    if rights == "nobody":
        shop.execute("DROP ROLE nobody")


def test_leftover_of_a_failed_reindex(shop):
    old = shop.session(autocommit=False)
    old.cursor().execute("UPDATE orders SET note = 'x' WHERE id = 1")
    build = in_background(shop.session(), "REINDEX INDEX CONCURRENTLY orders_customer_idx")
    until(lambda: shop.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid"))
    assert check(shop, checks=["invalid_indexes", "duplicate_indexes"])["findings"] == []
    build.cancel()
    with pytest.raises(psycopg2.errors.QueryCanceled):
        finish(build)
    old.rollback()
    finding = only(check(shop), "pg.invalid_indexes")
    assert "leftover" in finding["advice"]
    assert "DROP INDEX CONCURRENTLY public.orders_customer_idx_ccnew" in finding["advice"]


def test_partitioned_index_without_a_part(shop):
    shop.execute("""
        CREATE TABLE log (at date, text text) PARTITION BY RANGE (at);
        CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE INDEX log_at ON ONLY log (at)""")
    assert "ATTACH PARTITION" in only(check(shop), "pg.invalid_indexes")["advice"]


@pytest.mark.parametrize(
    ("first", "second", "kept", "drop"),
    [
        ("CREATE INDEX a ON orders (note)", "CREATE INDEX b ON orders (note)", "a", "DROP INDEX CONCURRENTLY public.b"),
        ("CREATE INDEX a ON orders (id)", "SELECT 1", "orders_pkey", "DROP INDEX CONCURRENTLY public.a"),
        (
            "ALTER TABLE orders ADD CONSTRAINT a UNIQUE (id)",
            "SELECT 1",
            "orders_pkey",
            "ALTER TABLE public.orders DROP CONSTRAINT a",
        ),
        (
            "CREATE INDEX a ON orders (lower(note)) WHERE id > 5",
            "CREATE INDEX b ON orders  ( lower( note ) ) WHERE (id > 5)",
            "a",
            "DROP INDEX CONCURRENTLY public.b",
        ),
    ],
    ids=["plain", "beside the primary key", "constraint", "expression"],
)
def test_duplicate_index(shop, first, second, kept, drop):
    shop.execute(first)
    shop.execute(second)
    finding = only(check(shop), "pg.duplicate_indexes")
    assert f"the same as public.{kept}" in finding["message"]
    assert finding["advice"].startswith(drop)


def test_alike_is_not_the_same(shop):
    for number, definition in enumerate(
        [
            "(note)",
            "(note DESC)",
            "(note, id)",
            "(note text_pattern_ops)",
            "USING hash (note)",
            "(note) WHERE id > 5",
            "(note) WHERE id > 6",
            "(note) INCLUDE (id)",
            '(note COLLATE "C")',
            "(lower(note))",
            "(upper(note))",
        ]
    ):
        method, columns = definition.split("(", 1) if definition.startswith("USING") else ("", definition[1:])
        shop.execute(f"CREATE INDEX i{number} ON orders {method} ({columns}")
    # The database's own collation is the default one, which is another object than "C" though it orders alike.
    assert check(shop)["findings"] == []


def test_partitions_are_judged_by_their_parent(shop):
    shop.execute("""
        CREATE TABLE log (at date, text text) PARTITION BY RANGE (at);
        CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
        CREATE INDEX a ON log (at);
        CREATE INDEX b ON log (at)""")
    finding = only(check(shop), "pg.duplicate_indexes")
    assert finding["subject"] == "public.b"


def test_unused_index(shop):
    """Statistics of 35 days are too long for a test: that floor is lowered. The size of 10 MB is real."""
    make_table(shop, "events", rows=500000)
    shop.execute("CREATE INDEX nobody_asks ON events (note); ANALYZE events")
    assert check(shop)["findings"] == []
    limits = {"unused_indexes": {"statistics_days": 0}}
    finding = only(check(shop, thresholds=limits), "pg.unused_indexes")
    assert finding["subject"] == "public.nobody_asks"
    assert "DROP INDEX CONCURRENTLY public.nobody_asks" in finding["advice"]
    session = shop.session()
    session.cursor().execute("SET enable_seqscan = off; SELECT count(*) FROM events WHERE note = 'note 7'")
    session.close()
    until(lambda: shop.value("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'nobody_asks'"))
    assert check(shop, thresholds=limits)["findings"] == []


def test_foreign_key_without_index(shop):
    shop.execute("DROP INDEX orders_customer_idx")
    assert check(shop)["findings"] == []  # twenty thousand rows are read in no time
    change(
        shop,
        "INSERT INTO orders (customer, note) SELECT 1 + i % 2000, repeat('x', 40) FROM generate_series(1, 150000) i",
    )
    tidy(shop, "orders")
    finding = only(check(shop), "pg.foreign_keys_without_index")
    assert finding["subject"] == "public.orders (customer)"
    assert "CREATE INDEX CONCURRENTLY ON public.orders (customer)" in finding["advice"]
    shop.execute("CREATE INDEX ON orders (customer, id)")
    assert check(shop)["findings"] == []


def test_foreign_key_of_two_columns_is_served_in_any_order(shop):
    shop.execute("""
        CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b));
        CREATE TABLE child (x int, y int, filler text, FOREIGN KEY (x, y) REFERENCES parent);
        INSERT INTO parent VALUES (1, 1);
        INSERT INTO child SELECT 1, 1, repeat('x', 200) FROM generate_series(1, 60000);
        CREATE INDEX only_one ON child (y)""")
    tidy(shop, "child")
    assert only(check(shop), "pg.foreign_keys_without_index")["subject"] == "public.child (x, y)"
    shop.execute("CREATE INDEX both_columns ON child (y, x)")
    shop.execute("DROP INDEX only_one")
    assert check(shop)["findings"] == []


@pytest.mark.parametrize(
    ("definition", "value", "severity", "words"),
    [
        ("id serial", 1900000000, "warning", "ALTER COLUMN id TYPE bigint"),
        ("id serial", 2100000000, "critical", "ALTER COLUMN id TYPE bigint"),
        ("id int GENERATED ALWAYS AS IDENTITY", 2100000000, "critical", "ALTER COLUMN id TYPE bigint"),
        ("id smallserial", 30000, "warning", "ALTER COLUMN id TYPE bigint"),
        ("id bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 1000)", 900, "warning", "NO MAXVALUE"),
        ("id bigint GENERATED ALWAYS AS IDENTITY (INCREMENT -1 MINVALUE -1000)", -990, "critical", "SEQUENCE"),
    ],
)
def test_sequence_runs_out(shop, definition, value, severity, words):
    shop.execute(f"CREATE TABLE numbered ({definition})")
    shop.execute("SELECT setval(pg_get_serial_sequence('numbered', 'id'), %s)", (value,))
    finding = only(check(shop), "pg.sequences", severity)
    assert finding["subject"] == "public.numbered_id_seq"
    assert "public.numbered.id" in finding["message"]
    assert words in finding["advice"]


def test_a_wide_sequence_of_a_narrow_column(shop):
    """A bigint sequence, made by hand, that an integer column draws from."""
    shop.execute(
        "CREATE SEQUENCE wide; CREATE TABLE narrow (id int DEFAULT nextval('wide')); SELECT setval('wide', 2000000000)"
    )
    finding = only(check(shop), "pg.sequences")
    assert "of public.narrow.id (integer)" in finding["message"]
    assert "147 483 647 numbers are left" in finding["message"]


def test_sequences_that_are_no_trouble(shop):
    shop.execute("""
        CREATE SEQUENCE round_and_round MAXVALUE 100 CYCLE;
        CREATE SEQUENCE never_used MAXVALUE 2;
        CREATE TABLE large (id bigserial);
        SELECT setval('round_and_round', 100), setval('large_id_seq', 2000000000)""")
    assert check(shop)["findings"] == []


def test_many_sequences_are_shortened(shop):
    for number in range(4):
        shop.execute(sql.SQL("CREATE SEQUENCE {} MAXVALUE 10").format(sql.Identifier(f"s{number}")))
        shop.execute("SELECT setval(%s, %s)", (f"s{number}", 9 if number < 3 else 10))
    result = check(shop, max_findings_per_check=1)
    assert [(f["subject"], f["severity"]) for f in result["findings"]] == [
        ("public.s3", "critical"),
        ("3 more", "warning"),
    ]
