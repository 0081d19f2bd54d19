# SPDX-License-Identifier: GPL-3.0-or-later
"""Corner cases of single checks that a server does not show on demand."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres import CHECKS
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import run


def test_every_check_says_where_its_limit_is_from():
    for check in CHECKS.checks.values():
        limited = check.threshold.warning is not None or check.threshold.critical is not None
        source = check.threshold.source
        assert bool(source) == (limited or source.startswith("none: ")), check.name
        assert "?" in check.question, check.name
        assert check.procedure in {"H03", "H04", "H05", "H06", "H07"}, check.name


def waiter(pid, *blockers, waited=60.0):
    return Row(
        pid=pid,
        blockers=list(blockers),
        waited_seconds=waited if blockers else None,
        mode="ShareLock",
        locktype="transactionid",
        relation=None,
        database="shop",
        user="app",
        application="api",
        client=None,
        backend_type="client backend",
        state="active",
        state_seconds=60.0,
        query="UPDATE t",
        prepared="tx 1",
    )


@pytest.mark.parametrize(
    ("sessions", "roots"),
    [
        ([waiter(2, 1), waiter(1)], ["session 1"]),
        ([waiter(3, 2), waiter(2, 1), waiter(1)], ["session 1"]),
        ([waiter(3, 1, 2), waiter(1), waiter(2)], ["session 1", "session 2"]),
        ([waiter(2, 0), waiter(0)], ["prepared transaction"]),
        ([waiter(2, 1)], ["session 1"]),
        ([waiter(1, 2), waiter(2, 1)], ["session 1"]),
        ([waiter(3, 2), waiter(2, 1), waiter(1, 2)], ["session 1"]),
        ([waiter(2, 1, 1, 1), waiter(1)], ["session 1"]),
        ([waiter(2, 1, waited=None), waiter(1)], []),
    ],
    ids=["one", "chain", "two", "prepared", "gone already", "ring", "before a ring", "told twice", "just begun"],
)
def test_root_of_a_queue(sessions, roots):
    found = run("blocked_sessions", blocking=sessions)
    assert sorted(finding.subject for finding in found) == roots


def running(query, **fields):
    usual = Row(
        pid=1,
        application="",
        user="app",
        database="shop",
        client=None,
        backend_type="client backend",
        state="active",
        wait_event_type=None,
        statement_seconds=7200.0,
        state_seconds=7200.0,
        transaction_seconds=7200.0,
        query=query,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("session", "reported"),
    [
        (running("SELECT * FROM orders"), True),
        (running("/* report */ select 1"), True),
        (running("ALTER TABLE orders ADD x int"), True),
        (running("SELECT 1", statement_seconds=60.0), False),
        (running("SELECT 1", state="idle"), False),
        (running("SELECT 1", wait_event_type="Lock"), False),
        (running("autovacuum: VACUUM x", backend_type="autovacuum worker"), False),
        (running("COPY public.orders TO stdout"), False),
        (running("-- weekly\nvacuum (analyze) orders"), False),
        (running("create unique index concurrently i ON orders (id)"), False),
    ],
)
def test_long_statements(session, reported):
    assert [f.severity for f in run("long_statements", sessions=[session])] == (["critical"] if reported else [])


def table(**fields):
    usual = Row(
        name="public.t",
        parent=None,
        is_user=True,
        live=100000,
        dead=0,
        modified=0,
        inserted=0,
        autovacuum_off=False,
        vacuum_seconds=None,
        analyze_seconds=None,
    )
    return usual.but(**fields)


MONTH = 30 * 86400.0


@pytest.mark.parametrize(
    ("check", "fields", "reported"),
    [
        ("vacuum_age", {"vacuum_seconds": MONTH}, False),
        ("vacuum_age", {"vacuum_seconds": MONTH, "dead": 30000}, True),
        ("vacuum_age", {"vacuum_seconds": MONTH, "inserted": 30000}, True),
        ("vacuum_age", {"vacuum_seconds": 3600.0, "dead": 30000}, False),
        ("analyze_age", {"analyze_seconds": MONTH}, False),
        ("analyze_age", {"analyze_seconds": MONTH, "modified": 20000}, True),
        ("analyze_age", {"analyze_seconds": MONTH, "modified": 20000, "is_user": False}, False),
        ("never_analyzed", {"modified": 100000}, True),
        ("never_analyzed", {"modified": 0}, False),
        ("dead_tuples", {"dead": 100000}, True),
        ("dead_tuples", {"dead": 100000, "live": 0}, True),
        ("dead_tuples", {"dead": 9999, "live": 0}, False),
        ("dead_tuples", {"dead": 0, "live": 0}, False),
    ],
)
def test_tables(check, fields, reported):
    found = run(check, tables=[table(**fields)])
    assert [finding.severity for finding in found] == (["warning"] if reported else [])


def test_vacuum_of_a_toast_table_names_its_table():
    found = run("dead_tuples", tables=[table(name="TOAST of public.t", parent="public.t", dead=90000)])
    assert "VACUUM (ANALYZE, VERBOSE) public.t." in found[0].advice


def sequence(**fields):
    usual = Row(
        name="public.s",
        increment=1,
        minimum=1,
        maximum=1000,
        column_maximum=None,
        last_value=1,
        readable=True,
        table=None,
        column=None,
        column_type=None,
        rows=0.0,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"last_value": 849}, None),
        ({"last_value": 850}, "warning"),
        ({"last_value": 1000}, "critical"),
        ({"last_value": -900, "increment": -1, "minimum": -1000, "maximum": -1}, "warning"),
        ({"last_value": 120, "maximum": 2**63 - 1, "column_maximum": 127}, "warning"),
        ({"last_value": None}, None),
        ({"last_value": None, "readable": False}, "unknown"),
        ({"last_value": None, "readable": False, "table": "public.t", "rows": 5.0}, None),
        ({"last_value": None, "readable": False, "table": "public.t", "rows": 500.0}, "unknown"),
        ({"last_value": None, "readable": False, "maximum": 2**63 - 1, "table": "public.t", "rows": 1e9}, None),
    ],
)
def test_sequences(fields, severity):
    found = run("sequences", sequences=[sequence(**fields)])
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def standby(**fields):
    usual = Row(
        pause_state="not paused",
        lag_bytes=0,
        replay_seconds=9999.0,
        apply_delay_seconds=0.0,
        receiver_status="streaming",
        has_primary=True,
        restores_from_archive=False,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("check", "fields", "severity"),
    [
        ("replay_lag", {}, None),
        ("replay_lag", {"lag_bytes": 10}, None),
        ("replay_lag", {"lag_bytes": 10000000}, "critical"),
        ("replay_lag", {"lag_bytes": 10000000, "apply_delay_seconds": 9990.0}, None),
        ("replay_lag", {"lag_bytes": 10000000, "replay_seconds": None}, None),
        ("wal_receiver", {}, None),
        ("wal_receiver", {"receiver_status": None}, "critical"),
        ("wal_receiver", {"receiver_status": "waiting"}, "critical"),
        ("wal_receiver", {"receiver_status": None, "restores_from_archive": True}, "warning"),
        ("wal_receiver", {"receiver_status": None, "has_primary": False}, None),
        ("replay_paused", {"pause_state": "pause requested"}, "warning"),
    ],
)
def test_standby(check, fields, severity):
    found = run(check, standby=standby(**fields))
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def archiver(**fields):
    usual = Row(
        archived_count=5,
        failed_count=1,
        failed_wal="00A",
        archived_seconds=10.0,
        failed_seconds=20.0,
        waiting=0,
        oldest_waiting_seconds=None,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, []),
        ({"failed_seconds": None, "archived_seconds": None}, []),
        ({"failed_seconds": 5.0, "oldest_waiting_seconds": 20.0}, [("pg.archiving", "warning")]),
        ({"failed_seconds": 5.0, "oldest_waiting_seconds": 400.0}, [("pg.archiving", "critical")]),
        ({"failed_seconds": 5.0, "archived_seconds": None}, [("pg.archiving", "warning")]),
        ({"waiting": 1, "oldest_waiting_seconds": 4000.0}, []),
        ({"waiting": 5, "oldest_waiting_seconds": 700.0}, [("pg.archiving_late", "warning")]),
        ({"waiting": 5, "oldest_waiting_seconds": 4000.0}, [("pg.archiving_late", "critical")]),
    ],
)
def test_archiving(fields, found):
    part = archiver(**fields)
    answers = run("archiving", archiver=part) + run("archiving_late", archiver=part)
    assert [(finding.check, finding.severity) for finding in answers] == found


def slot(**fields):
    usual = Row(
        name="s",
        slot_type="logical",
        database="shop",
        temporary=False,
        active=False,
        wal_status="reserved",
        kept_bytes=100,
        limited=False,
        limit_bytes=-1,
        synced=False,
        conflicting=False,
        invalidation=None,
        inactive_seconds=None,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, [("pg.slots_inactive", "warning")]),
        ({"active": True}, []),
        ({"synced": True}, []),
        ({"temporary": True}, []),
        ({"active": True, "kept_bytes": 60 * 1024**3}, [("pg.slots_kept_wal", "critical")]),
        ({"active": True, "kept_bytes": 95, "limited": True, "limit_bytes": 100}, [("pg.slots_lost", "critical")]),
        ({"wal_status": "lost"}, [("pg.slots_lost", "critical")]),
        ({"wal_status": "unreserved"}, [("pg.slots_lost", "critical")]),
        ({"conflicting": True}, [("pg.slots_lost", "critical")]),
        ({"invalidation": "idle_timeout"}, [("pg.slots_lost", "critical")]),
    ],
)
def test_slots(fields, found):
    part = [slot(**fields)]
    answers = [f for name in ("slots_inactive", "slots_kept_wal", "slots_lost") for f in run(name, slots=part)]
    assert [(finding.check, finding.severity) for finding in answers] == found


def checkpoints(timed, requested, hours):
    return Row(timed=timed, requested=requested, seconds=hours * 3600.0)


@pytest.mark.parametrize(
    ("part", "reported"),
    [
        (checkpoints(0, 0, 100), False),
        (checkpoints(0, 10, 100), False),
        (checkpoints(0, 100, 0.5), False),
        (checkpoints(60, 40, 100), False),
        (checkpoints(40, 60, 100), True),
    ],
    ids=["none", "few", "just started", "mostly timed", "mostly requested"],
)
def test_requested_checkpoints(part, reported):
    assert bool(run("requested_checkpoints", checkpoints=part)) is reported


def replica(**fields):
    usual = Row(
        name="r",
        client=None,
        state="streaming",
        sync_state="async",
        logical=False,
        lag_bytes=0,
        unsent_bytes=0,
        lag_seconds=None,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("check", "fields", "severity"),
    [
        ("replication_lag", {"lag_seconds": 900.0}, None),
        ("replication_lag", {"lag_seconds": 900.0, "lag_bytes": 10}, "critical"),
        ("replication_lag_bytes", {"lag_bytes": 10**9, "state": "backup"}, None),
        ("replication_lag_bytes", {"lag_bytes": None}, None),
    ],
    ids=["idle", "behind", "base backup", "nothing confirmed yet"],
)
def test_replicas(check, fields, severity):
    found = run(check, replicas=[replica(**fields)])
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_unsent_wal_points_to_the_network():
    found = run("replication_lag_bytes", replicas=[replica(lag_bytes=10**9, unsent_bytes=9 * 10**8)])
    assert "network" in found[0].advice
