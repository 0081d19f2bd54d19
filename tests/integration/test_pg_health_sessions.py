# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that are in the way, made for real. Only ages are judged by lower limits than the defaults."""

from __future__ import annotations

import pytest

from tests.support.modules import found
from tests.support.pg_health import check, in_background, only
from tests.support.waiting import until


def waiting(database, count=1):
    """Until that many sessions wait for a lock."""
    return until(lambda: database.value("SELECT count(*) >= %s FROM pg_locks WHERE NOT granted", (count,)))


def pid(session):
    return session.info.backend_pid


@pytest.mark.parametrize(
    ("limits", "severity"), [({"warning": 0, "critical": 900}, "warning"), ({"warning": 0, "critical": 0}, "critical")]
)
def test_idle_in_transaction(shop, limits, severity):
    session = shop.session(autocommit=False, application_name="api")
    session.cursor().execute("SELECT 'secret-token' FROM orders")
    finding = only(check(shop, thresholds={"pg.idle_in_transaction": limits}), "pg.idle_in_transaction", severity)
    assert finding["subject"] == f"session {pid(session)}"
    assert "application 'api'" in finding["message"]
    assert "SELECT '…' FROM orders" in finding["message"]
    assert "secret-token" not in str(finding)
    assert f"pg_terminate_backend({pid(session)})" in finding["advice"]


def test_a_young_idle_transaction_is_no_finding(shop):
    shop.session(autocommit=False).cursor().execute("SELECT 1")
    assert check(shop)["findings"] == []


def test_long_statement(shop):
    session = in_background(shop.session(), "SELECT pg_sleep(600)")
    until(lambda: shop.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%%'"))
    finding = only(check(shop, thresholds={"long_statements": {"warning": 0}}), "pg.long_statements")
    assert f"pg_cancel_backend({pid(session)})" in finding["advice"]
    session.close()
    shop.execute("SELECT pg_terminate_backend(%s)", (pid(session),))


def test_old_transaction(shop):
    shop.session(autocommit=False).cursor().execute("SELECT 1")
    only(check(shop, thresholds={"old_transactions": {"warning": 0}}), "pg.old_transactions")


def test_who_blocks_whom_names_the_root(shop):
    """Two wait in a row behind one that is idle: it alone is named, with both behind it."""
    root = shop.session(autocommit=False, application_name="forgotten")
    root.cursor().execute("UPDATE orders SET note = 'x' WHERE id = 1")
    first = in_background(shop.session(), "ALTER TABLE orders ADD COLUMN more int")
    waiting(shop)
    second = in_background(shop.session(), "SELECT count(*) FROM orders")
    waiting(shop, 2)
    limits = {"blocked_sessions": {"warning": 0, "critical": None}}
    finding = only(check(shop, thresholds=limits), "pg.blocked_sessions")
    assert finding["subject"] == f"session {pid(root)}"
    assert "'forgotten'" in finding["message"]
    assert "blocks 2 sessions" in finding["message"]
    assert f"session {pid(first)} waits for AccessExclusiveLock on public.orders" in finding["message"]
    assert f"session {pid(second)} waits" in finding["message"]
    assert f"pg_terminate_backend({pid(root)})" in finding["advice"]
    assert check(shop)["measurements"]["pg.sessions.blocked"] == 2
    root.rollback()


def test_the_look_does_not_wait_behind_a_lock(shop):
    """An ALTER TABLE in progress is what one is called for: nothing may wait for it."""
    shop.session(autocommit=False).cursor().execute("LOCK TABLE orders, customers IN ACCESS EXCLUSIVE MODE")
    assert check(shop, statement_timeout=5)["findings"] == []


def test_blocked_by_a_prepared_transaction(shop):
    session = shop.session()
    session.cursor().execute("BEGIN; UPDATE orders SET note = 'x' WHERE id = 1; PREPARE TRANSACTION 'pay''ment'")
    try:
        in_background(shop.session(), "UPDATE orders SET note = 'y' WHERE id = 1")
        waiting(shop)
        finding = only(check(shop, thresholds={"blocked_sessions": {"warning": 0}}), "pg.blocked_sessions")
        assert finding["subject"] == "prepared transaction"
        assert "pay'ment" in finding["message"]
    finally:
        session.cursor().execute("ROLLBACK PREPARED 'pay''ment'")


@pytest.mark.parametrize(("warning", "critical", "severity"), [(0, 3600, "warning"), (0, 0, "critical")])
def test_prepared_transaction(shop, warning, critical, severity):
    session = shop.session()
    session.cursor().execute("BEGIN; UPDATE orders SET note = 'x' WHERE id = 1; PREPARE TRANSACTION 'pay''ment'")
    try:
        limits = {"prepared_transactions": {"warning": warning, "critical": critical}}
        finding = only(check(shop, thresholds=limits), "pg.prepared_transactions", severity)
        assert (
            "ROLLBACK PREPARED 'pay''ment'" in finding["advice"] or "COMMIT PREPARED 'pay''ment'" in finding["advice"]
        )
    finally:
        session.cursor().execute("ROLLBACK PREPARED 'pay''ment'")


@pytest.mark.parametrize(("sessions", "severity"), [(38, "warning"), (43, "critical")])
def test_connections_run_out(shop, sessions, severity):
    """Of 50 connections 3 are reserved: the limits are at 38 and 43 of 47, this one and the module's included."""
    for _number in range(sessions - 2):
        shop.session(application_name="pool")
    finding = only(check(shop), "pg.connections", severity)
    assert f"{sessions - 2} by postgres in 'pool' ({sessions - 2} idle)" in finding["message"]
    assert "of 47 connections" in finding["message"]


def test_lock_table_fills_up(shop):
    session = shop.session()
    session.cursor().execute("SELECT pg_advisory_lock(i) FROM generate_series(1, 800) i")
    finding = only(check(shop), "pg.lock_table")
    assert f"of session {pid(session)}" in finding["message"]


def test_no_more_than_asked_for_are_listed_and_the_rest_is_counted(shop):
    for _number in range(5):
        shop.session(autocommit=False).cursor().execute("SELECT 1")
    result = check(shop, thresholds={"idle_in_transaction": {"warning": 0}}, max_findings_per_check=2)
    listed = found(result, "pg.idle_in_transaction")
    assert [finding["subject"] == "3 more" for finding in listed].count(True) == 1
    assert len(listed) == 3
    assert result["status"] == "degraded"


def test_an_alarm_stays_until_it_is_clear(shop):
    """Raised by twenty sessions, still there with ten, gone with none; who does not know of it sees nothing at ten."""

    def connections(**options):
        # The session of the look before may still be ending, and would be counted.
        ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'analytics.ops'"
        until(lambda: shop.value(ours) == 0)
        return check(shop, checks=["connections"], **options)

    def used():
        return connections()["measurements"]["pg.connections.used_percent"]

    def look(known):
        result = connections(thresholds=limits, open_findings=known)
        return [(finding["severity"], finding["warning"]) for finding in result["findings"]]

    # So may those that filled the shop: this one is left, and the one that made the database.
    until(lambda: shop.value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'") == 2)

    quiet = used()
    sessions = [shop.session() for _number in range(20)]
    until(lambda: used() > quiet)
    limits = {"pg.connections": {"warning": used() - 0.5, "critical": 100, "clear": quiet + 1}}
    (raised,) = connections(thresholds=limits)["findings"]
    known = [{"check": raised["check"], "subject": raised["subject"]}]
    for session in sessions[:10]:
        session.close()
    until(lambda: used() < limits["pg.connections"]["warning"])
    assert look([]) == []
    assert look(known) == [("warning", quiet + 1)]
    for session in sessions[10:]:
        session.close()
    until(lambda: used() <= quiet)
    assert look(known) == []
