# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables without a key, tables that a crash empties, and triggers that somebody switched off."""

from __future__ import annotations

import psycopg2
import pytest

from tests.support.pg_health import check, names, only
from tests.support.statistics import change
from tests.support.waiting import until


def test_a_published_table_without_a_key(shop):
    shop.execute("CREATE TABLE events (id int); CREATE PUBLICATION changes FOR TABLE events, orders")
    finding = only(check(shop), "pg.primary_keys")
    assert finding["subject"] == "public.events"
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState):
        shop.execute("INSERT INTO events VALUES (1); DELETE FROM events")
    shop.execute("ALTER TABLE events REPLICA IDENTITY FULL")
    assert check(shop)["findings"] == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE PUBLICATION inserts FOR ALL TABLES WITH (publish = 'insert')",
        "CREATE UNIQUE INDEX named ON events (id); ALTER TABLE events ALTER id SET NOT NULL;"
        "ALTER TABLE events REPLICA IDENTITY USING INDEX named; CREATE PUBLICATION changes FOR ALL TABLES",
    ],
    ids=["only inserts", "another identity"],
)
def test_a_published_table_that_needs_no_key(shop, statement):
    shop.execute("CREATE TABLE events (id int)")
    shop.execute(statement)
    assert check(shop)["findings"] == []


def test_a_key_that_is_no_identity(shop):
    shop.execute("ALTER TABLE orders REPLICA IDENTITY NOTHING; CREATE PUBLICATION changes FOR ALL TABLES")
    assert only(check(shop), "pg.primary_keys")["subject"] == "public.orders"


def test_a_large_table_without_a_key(shop):
    shop.execute("CREATE TABLE log (text text); ALTER TABLE log ALTER text SET STORAGE PLAIN")
    change(shop, "INSERT INTO log SELECT repeat('x', 8000) FROM generate_series(1, 13000)")
    shop.execute("VACUUM ANALYZE log")
    until(lambda: len(check(shop)["findings"]) == 1)  # before version 15 the server's counters arrive late
    finding = only(check(shop), "pg.primary_keys", "info")
    assert (finding["subject"], finding["value"]) == ("public.log", 13000 * 8192)
    shop.execute("DELETE FROM log WHERE ctid > '(5000,0)'; ANALYZE log")
    shop.execute("VACUUM FULL log")
    shop.execute("VACUUM ANALYZE log")
    until(lambda: check(shop)["findings"] == [])


def test_an_unlogged_table(shop):
    shop.execute("CREATE UNLOGGED TABLE cache (id int PRIMARY KEY)")
    assert check(shop)["findings"] == []
    change(shop, "INSERT INTO cache SELECT generate_series(1, 1000)")
    finding = only(check(shop), "pg.unlogged_tables", "info")
    assert finding["subject"] == "public.cache"
    assert "1 000 rows" in finding["message"]


def test_a_foreign_key_that_is_switched_off(shop):
    shop.execute("ALTER TABLE orders DISABLE TRIGGER ALL")
    shop.execute("INSERT INTO orders (customer) VALUES (-1)")
    finding = only(check(shop), "pg.disabled_triggers")
    assert finding["subject"] == "orders_customer_fkey on public.orders"
    assert "not enforced" in finding["message"]
    shop.execute("ALTER TABLE orders ENABLE TRIGGER ALL")
    assert check(shop)["findings"] == []


def test_a_trigger_that_is_switched_off(shop):
    shop.execute("""
        CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER audit BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION nothing();
        ALTER TABLE customers DISABLE TRIGGER audit""")
    assert only(check(shop), "pg.disabled_triggers", "info")["subject"] == "audit on public.customers"


def test_a_monitoring_role_sees_it_all(shop):
    """In a schema that it may not use."""
    shop.execute("CREATE ROLE watcher LOGIN PASSWORD 'watcher-secret' IN ROLE pg_monitor")
    try:
        shop.execute("""
            CREATE SCHEMA hidden; CREATE TABLE hidden.events (id int); CREATE PUBLICATION changes FOR ALL TABLES;
            CREATE UNLOGGED TABLE hidden.cache AS SELECT generate_series(1, 100) AS id""")
        shop.execute("ANALYZE hidden.cache")
        result = check(shop, login_user="watcher", login_password="watcher-secret")
        assert names(result) == [("pg.primary_keys", "warning"), ("pg.unlogged_tables", "info")]
    finally:
        shop.execute("DROP ROLE watcher")
