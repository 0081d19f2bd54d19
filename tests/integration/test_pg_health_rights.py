# SPDX-License-Identifier: GPL-3.0-or-later
"""What a monitoring role sees, what one without rights is told, and names that mean harm."""

from __future__ import annotations

import pytest
from psycopg2 import sql

from tests.support.databases import Database
from tests.support.modules import found
from tests.support.pg_health import check, names, only, tidy
from tests.support.statistics import change
from tests.support.waiting import until

PASSWORD = "monitor-secret"


@pytest.fixture
def role(shop):
    """A role that may log in and nothing else; its name has to be quoted. Gone after the test."""
    name = sql.Identifier("mon itor")
    maintenance = Database(shop.server, "postgres")
    maintenance.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(name))
    maintenance.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'monitor-secret'").format(name))
    yield {"login_user": "mon itor", "login_password": PASSWORD}
    shop.execute(sql.SQL("DROP OWNED BY {}").format(name))
    shop.close()
    maintenance.execute(sql.SQL("DROP ROLE {}").format(name))
    maintenance.close()


def test_monitoring_role_finds_the_healthy_healthy(shop, role):
    shop.execute('GRANT pg_monitor TO "mon itor"')
    result = check(shop, **role)
    assert (result["status"], result["findings"]) == ("healthy", [])


def test_monitoring_role_sees_what_others_do(shop, role):
    shop.execute('GRANT pg_monitor TO "mon itor"')
    shop.session(autocommit=False).cursor().execute("SELECT count(*) FROM orders")
    finding = only(check(shop, **role, thresholds={"idle_in_transaction": {"warning": 0}}), "pg.idle_in_transaction")
    assert "SELECT count(*) FROM orders" in finding["message"]


def test_role_without_rights_says_what_it_could_not_check(shop, role):
    result = check(shop, **role)
    assert result["status"] == "degraded"
    assert set(names(result)) == {
        (f"pg.{name}", "unknown")
        for name in (
            "idle_in_transaction",
            "long_statements",
            "maintenance_running",
            "old_transactions",
            "replicas",
            "replication_lag",
            "replication_lag_bytes",
            "slow_statements",
            "synchronous_replication",
            "wal_size",
            "xmin_horizon",
        )
    }
    assert {finding["advice"] for finding in result["findings"]} == {'GRANT pg_monitor TO "mon itor".'}
    assert {finding["message"] for finding in result["findings"]} >= {
        "Role mon itor may not see what sessions of other roles do."
    }


def test_role_without_rights_still_finds_what_is_visible(shop, role):
    shop.execute("CREATE INDEX again ON orders (customer)")
    result = check(shop, **role)
    assert len(found(result, "pg.duplicate_indexes")) == 1
    assert result["measurements"]["pg.connections.used"] >= 2


def test_sequences_that_cannot_be_read_and_could_matter(shop, role):
    """Rows tell how far a sequence must be at least. The shop's have a few thousand of two billion; a small one not."""
    shop.execute('GRANT pg_monitor TO "mon itor"')
    shop.execute("CREATE TABLE small (id smallserial, note text)")
    change(shop, "INSERT INTO small (note) SELECT 'x' FROM generate_series(1, 30000)")
    tidy(shop, "small")
    finding = only(check(shop, **role), "pg.sequences", "unknown")
    assert "public.small_id_seq" in finding["message"]
    assert 'GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO "mon itor"' in finding["advice"]
    shop.execute('GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO "mon itor"')
    only(check(shop, **role), "pg.sequences", "warning")


def test_statistics_that_cannot_be_read_and_could_matter(shop, role):
    shop.execute('GRANT pg_monitor TO "mon itor"')
    shop.execute("CREATE TABLE notes AS SELECT 'note ' || i AS note FROM generate_series(1, 60000) i")
    tidy(shop, "notes")
    limits = {"table_bloat": {"bloat_bytes": 1500000}}
    finding = only(check(shop, **role, thresholds=limits), "pg.table_bloat", "unknown")
    assert "public.notes" in finding["message"]
    assert "GRANT SELECT ON public.notes" in finding["advice"]
    assert check(shop, **role)["findings"] == []


HOSTILE = 'ev"il\n\x1b[31mred\x1b[0m <script>alert(1)</script> \u202e; DROP TABLE orders; -- %s {0} \\'


def test_hostile_names_are_quoted_and_printable(shop):
    """In a table, an index, an application's name and a statement at once."""
    table = sql.Identifier(HOSTILE)
    shop.execute(sql.SQL("CREATE TABLE {} (id int, note text)").format(table))
    insert = sql.SQL("INSERT INTO {} SELECT i, 'x' FROM generate_series(1, 20000) i").format(table)
    change(shop, insert.as_string(shop.session()))
    shop.execute(sql.SQL("ANALYZE {}").format(table))
    for name in ("one", HOSTILE[:50]):
        shop.execute(sql.SQL("CREATE INDEX {} ON {} (id)").format(sql.Identifier(name), table))
    change(shop, sql.SQL("DELETE FROM {} WHERE id > 5000").format(table).as_string(shop.session()))
    shop.execute(sql.SQL("ANALYZE {}").format(table))
    session = shop.session(autocommit=False, application_name=HOSTILE[:60])
    session.cursor().execute(sql.SQL("SELECT 'x' FROM {}").format(table))
    result = check(shop, thresholds={"idle_in_transaction": {"warning": 0}})
    assert set(names(result)) == {
        ("pg.dead_tuples", "warning"),
        ("pg.duplicate_indexes", "warning"),
        ("pg.idle_in_transaction", "warning"),
    }
    for finding in result["findings"]:
        for text in (finding["subject"], finding["message"], finding["advice"]):
            assert text.isprintable(), text
    assert found(result, "pg.dead_tuples")[0]["subject"].startswith('public."ev""il \\x1b[31mred')


def test_a_statement_in_another_encoding(shop):
    """Texts of sessions come as their database stores them; bytes that are no UTF-8 must not spoil the answer."""
    latin = Database(shop.server, "latin")
    maintenance = Database(shop.server, "postgres")
    maintenance.execute("DROP DATABASE IF EXISTS latin WITH (FORCE)")
    maintenance.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    session = latin.session(autocommit=False)
    session.cursor().execute('SELECT 1 AS "größe"')
    until(
        lambda: shop.value("SELECT count(*) FROM pg_stat_activity WHERE datname = 'latin' AND state LIKE 'idle in%%'")
    )
    finding = only(check(shop, thresholds={"idle_in_transaction": {"warning": 0}}), "pg.idle_in_transaction")
    assert 'SELECT 1 AS "gr' in finding["message"]
    latin.close()
    maintenance.execute("DROP DATABASE latin WITH (FORCE)")
    maintenance.close()
