# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is connected, and who has been at it for too long."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import SERVER, answers, run


def session(**fields):
    usual = Row(
        pid=7,
        application="api",
        user="app",
        database="shop",
        client="10.0.0.7",
        backend_type="client backend",
        state="idle in transaction",
        wait_event_type="Client",
        statement_seconds=600.0,
        state_seconds=600.0,
        transaction_seconds=660.0,
        query="UPDATE t SET secret = 'x'",
    )
    return usual.but(**fields)


def test_reachable_says_what_it_is():
    parts = {"server": SERVER.but(database="shop", version_text="18.1")}
    assert answers("reachable", **parts)[0].message == "PostgreSQL 18.1 (primary) answers."
    parts = {"server": SERVER.but(database="shop", version_text="18.1", standby=True)}
    assert answers("reachable", **parts)[0].message == "PostgreSQL 18.1 (standby) answers."


@pytest.mark.parametrize(
    ("standby", "expected", "found"),
    [(False, "primary", 0), (True, "primary", 1), (True, "standby", 0), (False, "standby", 1), (True, None, 0)],
)
def test_role(standby, expected, found):
    told = run("role", server=SERVER.but(standby=standby), expected=Row(role=expected))
    assert [finding.severity for finding in told] == ["critical"] * found
    if told:
        assert told[0].message == "This server is a {}, but should be a {}.".format(
            *(("standby", "primary") if standby else ("primary", "standby"))
        )


GROUPS = [Row(sessions=70, user="app", application="api", idle=65), Row(sessions=8, user="bi", application="", idle=0)]


@pytest.mark.parametrize(("used", "severity"), [(79, "ok"), (80, "warning"), (89, "warning"), (90, "critical")])
def test_connections_are_counted_against_what_roles_can_have(used, severity):
    server = SERVER.but(max_connections=110, reserved_connections=10)
    (found,) = answers("connections", server=server, connections=Row(used=used, groups=GROUPS))
    assert (found.severity, found.value) == (severity, float(used))
    assert found.message == (
        f"{used} of 100 connections are in use (10 of max_connections 110 are reserved). "
        "Most: 70 by app in 'api' (65 idle); 8 by bi (0 idle)."
    )


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({}, "warning"),
        ({"state_seconds": 299.0}, None),
        ({"state_seconds": 900.0}, "critical"),
        ({"state": "idle in transaction (aborted)"}, "warning"),
        ({"state": "idle"}, None),
        ({"state": None}, None),
        ({"state_seconds": None}, None),
        ({"transaction_seconds": None}, "warning"),
    ],
)
def test_idle_in_transaction(fields, severity):
    found = run("idle_in_transaction", sessions=[session(**fields)])
    assert [(finding.subject, finding.severity) for finding in found] == ([("session 7", severity)] if severity else [])


def test_forgotten_session_is_described_without_its_values():
    (found,) = run("idle_in_transaction", sessions=[session()])
    assert found.message == (
        "Session 7 (application 'api', user app, database shop, from 10.0.0.7) is idle in transaction for 10 min, last "
        "statement: UPDATE t SET secret = '…'; its transaction is 11 min old."
    )
    assert "pg_terminate_backend(7)" in found.advice


def test_the_longest_comes_first():
    waiting = [session(pid=pid, state_seconds=seconds) for pid, seconds in ((1, 400.0), (2, 800.0), (3, None))]
    assert [f.subject for f in answers("idle_in_transaction", sessions=waiting)] == ["session 2", "session 1"]


@pytest.mark.parametrize(("seconds", "severity"), [(1799.0, "ok"), (1800.0, "warning"), (3600.0, "critical")])
def test_long_statement(seconds, severity):
    running = session(state="active", wait_event_type=None, statement_seconds=seconds)
    (found,) = answers("long_statements", sessions=[running])
    assert (found.subject, found.severity) == ("session 7", severity)
    assert found.message.endswith("UPDATE t SET secret = '…'")


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"transaction_seconds": 86399.0}, None),
        ({"transaction_seconds": 86400.0}, "warning"),
        ({"transaction_seconds": 86400.0, "backend_type": "walsender"}, None),
        ({"transaction_seconds": None}, None),
    ],
)
def test_old_transactions(fields, severity):
    found = run("old_transactions", sessions=[session(**fields)])
    assert [(finding.subject, finding.severity) for finding in found] == ([("session 7", severity)] if severity else [])
    if found:
        assert "open for 1 d and is idle in transaction" in found[0].message


@pytest.mark.parametrize(("seconds", "severity"), [(299.0, "ok"), (300.0, "warning"), (3600.0, "critical")])
def test_prepared_transactions(seconds, severity):
    part = Row(name="it's", user="app", database="shop", seconds=seconds)
    (found,) = answers("prepared_transactions", prepared=[part])
    assert (found.subject, found.severity) == ("it's", severity)
    assert "of app in database shop" in found.message
    assert severity == "ok" or "COMMIT PREPARED 'it''s' or" in found.advice


@pytest.mark.parametrize(
    ("top", "told", "advice"),
    [
        ({"top_pid": 9, "top_locks": 5000}, "Most of them, 5 000, are of session 9.", "pid = 9)"),
        ({"top_pid": None, "top_locks": 5000}, "Most of them, 5 000, are of a prepared transaction.", "pid = …)"),
        ({"top_pid": None, "top_locks": 0}, "are taken. When", "pid = …)"),
    ],
)
def test_lock_table(top, told, advice):
    """Room: locks for each connection and each prepared transaction."""
    server = SERVER.but(max_locks_per_transaction=64, max_connections=90, max_prepared_transactions=10)
    (found,) = run(
        "lock_table", limits={"warning": 90, "critical": 95}, server=server, lock_table=Row(objects=5760, **top)
    )
    assert found.value == 90.0
    assert "5 760 of 6 400 places" in found.message
    assert told in found.message
    assert advice in found.advice


def waiter(pid, *blockers, **fields):
    usual = Row(
        pid=pid,
        blockers=list(blockers),
        waited_seconds=60.0 if blockers else None,
        mode="ShareLock",
        locktype="transactionid",
        relation=None,
        database="shop",
        user="app",
        application="",
        client=None,
        backend_type="client backend",
        state="active",
        state_seconds=60.0,
        query="UPDATE t",
        prepared="tx 1",
    )
    return usual.but(**fields)


def test_a_queue_is_told_from_its_root():
    waiting = [waiter(pid, 1, waited_seconds=60.0 + pid, relation="public.t", query="") for pid in (2, 3, 4, 5)]
    (found,) = run("blocked_sessions", blocking=[waiter(1), *waiting])
    assert (found.value, found.severity) == (65.0, "warning")
    queue = "; ".join(f"session {pid} waits for ShareLock on public.t (statement not visible)" for pid in (5, 4, 3))
    assert found.message == (
        "Session 1 (user app, database shop), active for 1 min, statement: UPDATE t, blocks 4 sessions, "
        f"the longest for 1 min 5 s: {queue}; and 1 more."
    )
    assert "pg_cancel_backend(1)" in found.advice


def test_a_blocker_that_is_idle_is_not_waited_for():
    (found,) = run("blocked_sessions", blocking=[waiter(1, state="idle in transaction"), waiter(2, 1)])
    assert found.advice == (
        "It holds its locks until its transaction ends: ask its owner, or end it: SELECT pg_terminate_backend(1)."
    )
    assert "on a transactionid (UPDATE t)." in found.message


def test_a_blocker_that_is_gone_already():
    (found,) = run("blocked_sessions", blocking=[waiter(2, 1)])
    assert found.message.startswith("Session 1 blocks 1 session, the longest for 1 min: ")


@pytest.mark.parametrize(("blocking", "name"), [([waiter(0)], "tx 1"), ([], "?")])
def test_a_prepared_transaction_blocks(blocking, name):
    (found,) = run("blocked_sessions", blocking=[*blocking, waiter(2, 0)])
    assert found.subject == "prepared transaction"
    assert found.message.startswith(f"A prepared transaction (one of: {name}) blocks 1 session")
    assert "COMMIT PREPARED" in found.advice


def test_the_longest_queue_comes_first():
    sessions = [waiter(1), waiter(2, 1, waited_seconds=40.0), waiter(3), waiter(4, 3, waited_seconds=400.0)]
    found = run("blocked_sessions", blocking=sessions)
    assert [(f.subject, f.severity) for f in found] == [("session 3", "critical"), ("session 1", "warning")]
