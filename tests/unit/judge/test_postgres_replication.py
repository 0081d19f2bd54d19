# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas, slots and standbys: what is said of them, and what to do."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import answers, run

MEGABYTE = 1024 * 1024
GIGABYTE = 1024 * MEGABYTE


def replica(**fields):
    usual = Row(
        name="r",
        client="10.0.0.2",
        state="streaming",
        sync_state="async",
        logical=False,
        lag_bytes=0,
        unsent_bytes=0,
        lag_seconds=None,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("lag", "severity"),
    [
        (50 * MEGABYTE - 1, "ok"),
        (50 * MEGABYTE, "warning"),
        (100 * MEGABYTE - 1, "warning"),
        (100 * MEGABYTE, "critical"),
    ],
)
def test_lag_in_bytes(lag, severity):
    (found,) = answers("replication_lag_bytes", replicas=[replica(lag_bytes=lag, unsent_bytes=None)])
    assert (found.subject, found.severity, found.value) == ("r", severity, lag)
    assert "Replica r (10.0.0.2) has not replayed the last" in found.message
    assert "(state streaming; sent: all but 0 B)." in found.message


@pytest.mark.parametrize(
    ("lag", "severity"), [(29.9, "ok"), (30.0, "warning"), (299.0, "warning"), (300.0, "critical")]
)
def test_lag_in_time(lag, severity):
    (found,) = answers("replication_lag", replicas=[replica(client=None, lag_seconds=lag, lag_bytes=1)])
    assert (found.subject, found.severity) == ("r", severity)
    assert found.message.startswith("Replica r replays ")


@pytest.mark.parametrize("fields", [{"lag_seconds": None}, {"lag_seconds": 999.0, "lag_bytes": 9, "state": "backup"}])
def test_nothing_is_said_of_the_time_of(fields):
    assert [f.subject for f in answers("replication_lag", replicas=[replica(**fields)])] == ["server"]


@pytest.mark.parametrize(
    ("unsent", "advice"),
    [(51, "Most has not even been sent"), (50, "It was sent but not replayed"), (None, "It was sent")],
)
def test_where_the_lag_is(unsent, advice):
    part = replica(lag_bytes=100, lag_seconds=900.0, unsent_bytes=unsent)
    (found,) = run("replication_lag", replicas=[part])
    assert found.advice.startswith(advice)


@pytest.mark.parametrize(
    ("states", "expected", "severity", "message"),
    [
        (["streaming", "catchup"], 2, None, ""),
        (["streaming"], None, None, ""),
        (["streaming", "backup"], 2, "warning", "1 of 2 expected replicas are connected: r0."),
        (["startup"], 1, "critical", "0 of 1 expected replicas are connected."),
    ],
)
def test_expected_replicas(states, expected, severity, message):
    replicas = [replica(name=f"r{number}", state=state) for number, state in enumerate(states)]
    found = run("replicas", replicas=[*replicas, replica(logical=True)], expected=Row(replicas=expected))
    assert [(f.severity, f.message) for f in found] == ([(severity, message)] if severity else [])


@pytest.mark.parametrize(
    ("names", "commit", "sync", "found"),
    [
        ("a", "on", "async", 1),
        ("a", "remote_write", "potential", 1),
        ("a", "remote_apply", "async", 1),
        ("a", "on", "sync", 0),
        ("a", "on", "quorum", 0),
        ("a", "local", "async", 0),
        ("a", "off", "async", 0),
        ("", "on", "async", 0),
    ],
)
def test_synchronous_replication(names, commit, sync, found):
    settings = [Row(name="synchronous_standby_names", value=names), Row(name="synchronous_commit", value=commit)]
    told = run("synchronous_replication", replicas=[replica(sync_state=sync)], settings=settings)
    assert [(f.subject, f.severity) for f in told] == [("server", "critical")] * found


def slot(**fields):
    usual = Row(
        name="s",
        slot_type="physical",
        database=None,
        temporary=False,
        active=True,
        wal_status="reserved",
        kept_bytes=0,
        limited=False,
        limit_bytes=None,
        synced=False,
        conflicting=False,
        invalidation=None,
        inactive_seconds=None,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("fields", "message", "advice"),
    [
        ({}, "Nobody has used physical replication slot s; it keeps 0 B of WAL.", "(a replica)"),
        (
            {"inactive_seconds": 3600.0, "kept_bytes": GIGABYTE, "slot_type": "logical", "database": "shop"},
            "Nobody has used logical replication slot s for 1 h; it keeps 1 GB of WAL.",
            "(subscription or CDC reader of database shop)",
        ),
        ({"kept_bytes": None, "name": "it's"}, "slot it's; it keeps 0 B", "pg_drop_replication_slot('it''s')"),
    ],
)
def test_inactive_slot(fields, message, advice):
    (found,) = run("slots_inactive", slots=[slot(active=False, **fields)])
    assert message in found.message
    assert advice in found.advice


@pytest.mark.parametrize(
    ("kept", "severity"), [(10 * GIGABYTE - 1, "ok"), (10 * GIGABYTE, "warning"), (50 * GIGABYTE, "critical")]
)
@pytest.mark.parametrize(
    ("active", "limited", "told"),
    [(True, True, "(active) keeps"), (False, False, "there is no limit: it can fill the disk.")],
)
def test_kept_wal(kept, severity, active, limited, told):
    (found,) = answers("slots_kept_wal", slots=[slot(kept_bytes=kept, active=active, limited=limited)])
    assert (found.subject, found.severity) == ("s", severity)
    assert told in found.message


@pytest.mark.parametrize("fields", [{"kept_bytes": None}, {"kept_bytes": 90 * GIGABYTE, "wal_status": "lost"}])
def test_nothing_is_said_of_the_wal_of(fields):
    assert [f.subject for f in answers("slots_kept_wal", slots=[slot(**fields)])] == ["server"]


@pytest.mark.parametrize(
    ("fields", "severity", "told"),
    [
        ({"kept_bytes": 74}, "ok", "keeps 74 B of WAL; at 100 B"),
        ({"kept_bytes": 75}, "warning", "keeps 75 B of WAL; at 100 B"),
        ({"kept_bytes": 90}, "critical", "keeps 90 B of WAL; at 100 B"),
        ({"kept_bytes": 90, "limit_bytes": 0}, "ok", "at 0 B"),
        ({"wal_status": "unreserved"}, "critical", "about to be lost"),
        ({"wal_status": "lost"}, "critical", "slot s is lost: its consumer"),
        ({"invalidation": "wal_removed"}, "critical", "slot s is lost (wal_removed): its consumer"),
        ({"conflicting": True}, "critical", "is lost: its consumer"),
    ],
)
def test_lost_slots(fields, severity, told):
    (found,) = answers("slots_lost", slots=[slot(**{"limited": True, "limit_bytes": 100, **fields})])
    assert (found.subject, found.severity) == ("s", severity)
    assert told in found.message


@pytest.mark.parametrize("fields", [{}, {"limited": True, "limit_bytes": 100, "kept_bytes": None}])
def test_nothing_is_said_of_the_limit_of(fields):
    assert [f.subject for f in answers("slots_lost", slots=[slot(**fields)])] == ["server"]


def test_a_standby_without_receiver_says_why_it_matters():
    part = Row(receiver_status=None, has_primary=True, restores_from_archive=False)
    (found,) = run("wal_receiver", standby=part)
    assert found.message == "This standby receives no WAL (receiver: not running): it falls behind."
    assert found.value == "none"
    (found,) = run("wal_receiver", standby=part.but(receiver_status="waiting", restores_from_archive=True))
    assert found.message.endswith("(receiver: waiting); it can still replay from the archive.")
    assert found.value == "waiting"


def test_paused_replay_says_what_waits():
    (found,) = run("replay_paused", standby=Row(pause_state="paused", lag_bytes=None))
    assert found.message == "Replay on this standby is paused; 0 B of received WAL wait."
    (found,) = run("replay_paused", standby=Row(pause_state="paused", lag_bytes=5))
    assert "5 B of received" in found.message


def test_replay_that_is_not_paused_is_in_order():
    assert run("replay_paused", standby=Row(pause_state="not paused", lag_bytes=5)) == []


@pytest.mark.parametrize(
    ("seconds", "delay", "lag", "severity", "value"),
    [
        (29.0, 0.0, MEGABYTE, "ok", 29.0),
        (30.0, 0.0, MEGABYTE, "warning", 30.0),
        (300.0, 0.0, MEGABYTE, "critical", 300.0),
        (300.0, 0.0, MEGABYTE - 1, "ok", 300.0),
        (330.0, 300.0, MEGABYTE, "warning", 30.0),
        (100.0, 300.0, MEGABYTE, "ok", 0.0),
    ],
)
def test_replay_lag(seconds, delay, lag, severity, value):
    part = Row(replay_seconds=seconds, apply_delay_seconds=delay, lag_bytes=lag)
    (found,) = answers("replay_lag", standby=part)
    assert (found.subject, found.severity, found.value) == ("standby", severity, value)
