# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that run out, on a server whose counters were set forward; and each kind of holder of the xmin horizon."""

from __future__ import annotations

import pytest

from demo.embedded import process
from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import found
from tests.support.pg_health import HEALTHY_SETTINGS, check, only
from tests.support.waiting import until

# Without this autovacuum would come at once, even switched off, and repair what the test has made.
LATE = {"autovacuum_freeze_max_age": "2000000000", "autovacuum_multixact_freeze_max_age": "2000000000"}


@pytest.fixture
def aged(healthy_postgres, tmp_path):
    """Makes a server of the test's own whose next transaction or multixact number is the one asked for."""
    server = PostgresServer(healthy_postgres.programs, tmp_path / "aged", settings={**HEALTHY_SETTINGS, **LATE})
    server.create()

    def start(option: str, number: int, file: str) -> Database:
        # Numbers skipped have no commit log: a segment of zeros for the one that they land in.
        segment = server.data / file
        segment.write_bytes(b"\0" * 32 * 8192)
        process.hand_over(segment)
        values = f"{number},1" if option == "-m" else str(number)
        server.run("pg_resetwal", option, values, "-D", server.data)
        server.start()
        return Database(server, "postgres")

    yield start
    server.stop()


@pytest.mark.parametrize(("number", "severity"), [(1258291200, "warning"), (1677721600, "critical")])
def test_transaction_numbers_run_out(aged, number, severity):
    database = aged("-x", number, f"pg_xact/{number // (32 * 8192 * 4):04X}")
    result = check(database)
    findings = found(result, "pg.xid_age")
    assert len(findings) == len(result["findings"]) == 3  # postgres, template0, template1
    assert {finding["severity"] for finding in findings} == {severity}
    mine = found(result, "pg.xid_age", "postgres")[0]
    assert mine["value"] == pytest.approx(100 * number / 2**31, abs=0.1)
    assert "Oldest table: pg_catalog." in mine["message"]
    assert "VACUUM (FREEZE, VERBOSE) pg_catalog." in mine["advice"]
    assert "nobody can connect to template0" in found(result, "pg.xid_age", "template0")[0]["advice"]
    database.close()


@pytest.mark.parametrize(("number", "severity"), [(1258291200, "warning"), (1782579200, "critical")])
def test_multixact_numbers_run_out(aged, number, severity):
    database = aged("-m", number, f"pg_multixact/offsets/{number // (32 * 2048):04X}")
    result = check(database)
    findings = found(result, "pg.multixact_age")
    assert len(findings) == len(result["findings"]) == 3
    assert {finding["severity"] for finding in findings} == {severity}
    database.close()


def test_young_servers_are_far_from_it(empty):
    result = check(empty, include_ok=True)
    for name in ("pg.xid_age", "pg.multixact_age"):
        assert {finding["severity"] for finding in found(result, name)} == {"ok"}


# A hundred million transactions are too many for a test: the limit is lowered to a few.
LIMITS = {"xmin_horizon": {"warning": 20, "critical": None}}


def consume(database, transactions=30):
    session = database.session()
    for _number in range(transactions):
        session.cursor().execute("SELECT pg_current_xact_id()")
    session.close()


def test_a_session_holds_the_horizon(shop):
    holder = shop.session(autocommit=False, application_name="report")
    holder.set_session(isolation_level="REPEATABLE READ")
    holder.cursor().execute("SELECT count(*) FROM orders")
    consume(shop)
    finding = only(check(shop, thresholds=LIMITS), "pg.xmin_horizon")
    assert finding["subject"] == f"session {holder.info.backend_pid}"
    assert "report" in finding["message"]
    assert f"pg_terminate_backend({holder.info.backend_pid})" in finding["advice"]


def test_a_prepared_transaction_holds_the_horizon(shop):
    session = shop.session()
    session.cursor().execute("BEGIN; UPDATE orders SET note = 'x' WHERE id = 1; PREPARE TRANSACTION 'forgotten'")
    consume(shop)
    try:
        finding = only(check(shop, thresholds=LIMITS), "pg.xmin_horizon")
        assert finding["subject"] == "prepared transaction forgotten"
        assert "ROLLBACK PREPARED 'forgotten'" in finding["advice"]
    finally:
        session.cursor().execute("ROLLBACK PREPARED 'forgotten'")


def test_a_slot_holds_the_horizon(shop):
    shop.execute("SELECT pg_create_logical_replication_slot('forgotten', 'test_decoding')")
    consume(shop)
    try:
        finding = only(check(shop, thresholds=LIMITS, exclude_checks=["slots_inactive"]), "pg.xmin_horizon")
        assert finding["subject"] == "slot forgotten"
        assert "pg_drop_replication_slot('forgotten')" in finding["advice"]
    finally:
        shop.execute("SELECT pg_drop_replication_slot('forgotten')")


def test_a_standby_holds_the_horizon(shop, tmp_path):
    """By feedback about a long query there; the slot that it uses carries the same number."""
    settings = {"hot_standby_feedback": "on", "wal_receiver_status_interval": "1s"}
    replica = PostgresServer(shop.server.programs, tmp_path / "replica", settings=settings)
    replica.create_replica(shop.server, slot="reporting")
    replica.start()
    reader = Database(replica, "postgres")
    try:
        session = reader.session(autocommit=False)
        session.set_session(isolation_level="REPEATABLE READ")
        session.cursor().execute("SELECT count(*) FROM pg_class")
        until(lambda: shop.value("SELECT xmin FROM pg_replication_slots"))
        consume(shop)
        finding = only(check(shop, thresholds=LIMITS), "pg.xmin_horizon")
        assert finding["subject"] == "slot reporting"
        assert "active" in finding["message"]
    finally:
        reader.close()
        replica.stop()
        shop.execute("SELECT pg_drop_replication_slot('reporting')")
