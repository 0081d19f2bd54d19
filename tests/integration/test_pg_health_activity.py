# SPDX-License-Identifier: GPL-3.0-or-later
"""What counters tell: deadlocks, rollbacks, cache hits, temporary files, slow statements, damaged blocks, restarts."""

from __future__ import annotations

import threading

import psycopg2
import pytest

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import found
from tests.support.pg_health import HEALTHY_SETTINGS, check, make_shop, names, only, tidy
from tests.support.waiting import until


def counted(database, column, at_least):
    """Until the server has counted that for the database. Asks in a session of its own: the test's may be closed."""
    database.close()
    query = f"SELECT {column} >= %s FROM pg_stat_database WHERE datname = current_database()"
    until(lambda: database.value(query, (at_least,)))


def just_before(database, earlier):
    """The earlier figures as if they were of now: how long the test takes is no part of the rate."""
    now = check(database)
    assert found(now, "pg.deadlocks") == []
    return {**earlier["measurements"], "pg.observed_at": now["measurements"]["pg.observed_at"]}


def deadlock(database):
    first, second = database.session(autocommit=False), database.session(autocommit=False)
    first.cursor().execute("UPDATE orders SET note = 'a' WHERE id = 1")
    second.cursor().execute("UPDATE orders SET note = 'b' WHERE id = 2")
    victims = []

    def cross(session, row):
        try:
            session.cursor().execute("UPDATE orders SET note = 'c' WHERE id = %s", (row,))
        except psycopg2.errors.DeadlockDetected as error:
            victims.append(error)
        session.rollback()

    crossing = [threading.Thread(target=cross, args=pair) for pair in ((first, 2), (second, 1))]
    for thread in crossing:
        thread.start()
    for thread in crossing:
        thread.join()
    assert len(victims) == 1
    for session in (first, second):
        session.close()  # a session tells its counters at the latest when it ends
    counted(database, "deadlocks", 1)


def test_deadlocks_since_the_previous_look(shop):
    """One within a few seconds is more than five a minute; without the earlier figures nothing is said."""
    before = check(shop)
    deadlock(shop)
    finding = only(check(shop, previous=just_before(shop, before)), "pg.deadlocks")
    assert finding["subject"] == shop.name
    assert "1 deadlock in database" in finding["message"]
    assert "deadlock detected" in finding["advice"]


def test_a_deadlock_an_hour_is_no_finding(shop):
    before = check(shop)["measurements"]
    deadlock(shop)
    before["pg.observed_at"] -= 3600
    assert check(shop, previous=before, exclude_checks=["restart"])["findings"] == []


def test_previous_may_be_text_as_templates_make_it(shop):
    before = check(shop)
    deadlock(shop)
    before = just_before(shop, before)
    only(check(shop, previous={name: str(value) for name, value in before.items()}), "pg.deadlocks")


@pytest.mark.parametrize(("failed", "severity"), [(160, "warning"), (400, "critical")])
def test_rollbacks(shop, failed, severity):
    before = check(shop)
    session = shop.session()
    cursor = session.cursor()
    for _number in range(1000):
        cursor.execute("SELECT 1")
    for _number in range(failed):
        with pytest.raises(psycopg2.errors.DivisionByZero):
            cursor.execute("SELECT 1 / 0")
    session.close()
    counted(shop, "xact_rollback", failed)
    finding = only(check(shop, previous=before["measurements"]), "pg.rollbacks", severity)
    assert f"{failed} of 1 " in finding["message"]


def test_few_rollbacks_of_few_transactions_are_no_finding(empty):
    session = empty.session()
    for _number in range(50):
        with pytest.raises(psycopg2.errors.DivisionByZero):
            session.cursor().execute("SELECT 1 / 0")
    session.close()
    counted(empty, "xact_rollback", 50)
    assert check(empty)["findings"] == []


def test_cache_hit(shop):
    """A scan of 170 MB that 64 MB of buffers cannot hold, with the floor of reads lowered to it."""
    shop.execute("CREATE TABLE large AS SELECT i, repeat('x', 1000) AS filler FROM generate_series(1, 150000) i")
    shop.execute("ALTER TABLE large ADD PRIMARY KEY (i)")
    tidy(shop, "large")
    before = check(shop)
    session = shop.session()
    for _number in range(3):
        session.cursor().execute("SELECT count(filler) FROM large")
    session.close()
    counted(shop, "blks_read", 60000)
    assert check(shop, previous=before["measurements"])["findings"] == []
    limits = {"cache_hit": {"reads": 50000}}
    finding = only(check(shop, previous=before["measurements"], thresholds=limits), "pg.cache_hit")
    assert finding["value"] < 60
    assert finding["subject"] == shop.name


def test_temporary_files(shop):
    before = check(shop)
    session = shop.session()
    session.cursor().execute("SET work_mem = '64kB'")
    session.cursor().execute("SELECT count(*) FROM (SELECT i FROM generate_series(1, 800000) i ORDER BY -i) s")
    session.close()
    counted(shop, "temp_bytes", 5 * 1024 * 1024)
    assert check(shop, previous=before["measurements"])["findings"] == []
    limits = {"temporary_files": {"temporary_bytes": 5 * 1024 * 1024, "warning": 1024 * 1024}}
    finding = only(check(shop, previous=before["measurements"], thresholds=limits), "pg.temporary_files")
    assert "log_temp_files" in finding["advice"]


SLOW = "SELECT pg_sleep(1.05), 'personal data'"


@pytest.mark.parametrize("version", [None, "1.7"], ids=["new column names", "old column names"])
def test_slow_statements(shop, version):
    """Version 1.7 of the extension still says total_time; a server that was upgraded may have it."""
    if version:
        shop.execute(f"DROP EXTENSION pg_stat_statements; CREATE EXTENSION pg_stat_statements VERSION '{version}'")
    session = shop.session()
    for _number in range(5):
        session.cursor().execute(SLOW)
    result = check(shop)
    result["findings"] = [f for f in result["findings"] if f["check"] != "pg.extension_versions"]
    finding = only(result, "pg.slow_statements")
    assert 1.05 <= finding["value"] < 105, "in seconds, and the server may have been busy"
    assert "5 calls of postgres" in finding["message"]
    assert "personal data" not in str(finding)
    assert "EXPLAIN" in finding["advice"]
    shop.execute("SELECT pg_stat_statements_reset()")


def test_a_few_slow_calls_and_slow_maintenance_are_no_finding(shop):
    session = shop.session()
    session.cursor().execute(SLOW)
    session.cursor().execute(
        "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 FROM pg_sleep(1.05)'"
    )
    session.cursor().execute("CREATE TABLE one AS SELECT 1 AS a")
    session.cursor().execute("CREATE INDEX slow_one ON one (slow(a))")
    for _number in range(5):
        session.cursor().execute("REINDEX INDEX slow_one")
    assert check(shop)["findings"] == []


def read_whole(shop, times):
    """Reads the table of orders from end to end, and waits until the server has counted that."""
    session = shop.session()
    for number in range(times):
        session.cursor().execute("SELECT count(*) FROM orders WHERE note = %s", (f"personal data {number}",))
    session.close()  # a session tells its counters at the latest when it ends
    rows = "SELECT seq_tup_read >= %s FROM pg_stat_user_tables WHERE relname = 'orders'"
    until(lambda: shop.value(rows, (times * 20000,)))


def test_the_heaviest_tables_and_statements_are_told_for_the_review(shop):
    """Quick statements too, if there are many of them; never what was asked for in them."""
    shop.execute("SELECT pg_stat_statements_reset()")
    assert "public.orders" not in str(check(shop)["top"])
    read_whole(shop, 30)
    top = check(shop)["top"]
    (table,) = [entry for entry in top if entry["name"] == "public.orders"]
    assert (table["kind"], table["weight"]) == ("pg.sequential_scans", 30 * 20000)
    assert 30 <= table["times"] <= 32, "making the indexes of the empty table counts, too"
    statements = {entry["name"].partition(" (query ")[0]: entry for entry in top if entry["kind"] == "pg.statements"}
    assert statements["SELECT count(*) FROM orders WHERE note = $1"]["times"] == 30
    assert statements["SELECT count(*) FROM orders WHERE note = $1"]["weight"] > 0
    assert "personal" not in str(top)


def test_only_what_looks_at_tables_and_statements_tells_the_heaviest(shop):
    read_whole(shop, 1)
    assert check(shop, checks=["connections"])["top"] == []
    kinds = {entry["kind"] for entry in check(shop, checks=["dead_tuples"])["top"]}
    assert kinds == {"pg.sequential_scans"}


def test_without_the_extension_it_is_said(shop):
    shop.execute("DROP EXTENSION pg_stat_statements")
    finding = only(check(shop), "pg.slow_statements", "info")
    assert "CREATE EXTENSION pg_stat_statements" in finding["advice"]


@pytest.fixture
def own(healthy_postgres, tmp_path):
    """A server of the test's own, which it may stop and break."""
    server = PostgresServer(healthy_postgres.programs, tmp_path / "own", settings=dict(HEALTHY_SETTINGS)).create()
    server.start()
    yield server
    server.stop()


def test_a_damaged_block(own):
    """Eight bytes of a table's file are overwritten while the server is down; then the table is read."""
    database = Database(own, "postgres")
    make_shop(database)
    file = database.value("SELECT pg_relation_filepath('orders')")
    database.close()
    own.stop()
    with (own.data / file).open("r+b") as table:
        table.seek(8192 + 4000)
        table.write(b"\xde\xad\xbe\xef\xde\xad\xbe\xef")
    own.start()
    session = database.session()
    with pytest.raises(psycopg2.Error, match="invalid page"):
        session.cursor().execute("SELECT count(note) FROM orders")
    session.close()
    counted(database, "checksum_failures", 1)
    finding = only(check(database), "pg.checksum_failures", "critical")
    assert finding["subject"] == "postgres"
    assert "page verification failed" in finding["advice"]
    database.close()


def test_a_restart_since_the_previous_look(own):
    database = Database(own, "postgres")
    before = check(database)
    assert check(database, previous=before["measurements"])["findings"] == []
    database.close()
    own.stop()
    own.start()
    finding = only(check(database, previous=before["measurements"]), "pg.restart")
    assert "OOM" in finding["advice"]
    database.close()


def test_an_extension_behind_its_files(shop):
    shop.execute("CREATE EXTENSION pgstattuple VERSION '1.4'")
    finding = only(check(shop), "pg.extension_versions", "info")
    assert "ALTER EXTENSION pgstattuple UPDATE" in finding["advice"]
    assert names(check(shop, exclude_checks=["pg.extension_versions"])) == []
