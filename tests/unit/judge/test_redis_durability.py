# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the data of a Redis server will survive, and what is said when it will not."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import Clock, Info, Wishes

from tests.support.redis_info import answers, info, judged, rates, told

DAY = 86400
NOW = 40000.0 * DAY


def test_a_server_that_answers_is_reachable():
    (found,) = answers("reachable", server="redis://cache1:6379")
    assert (found.subject, found.severity, found.message) == ("redis://cache1:6379", "ok", "The server answers.")


def test_a_server_that_loads_says_how_far_it_is():
    (found,) = told("loading", info=info(loading=1, loading_loaded_perc="37.5", loading_eta_seconds=90))
    assert (found.subject, found.severity, found.value) == ("data set", "critical", 37.5)
    assert "37.5 % done, about 1 min 30 s left" in found.message


def test_a_replica_that_loads_beside_the_old_data_still_answers():
    (found,) = told("loading", info=info(loading=0, async_loading=1))
    assert (found.severity, found.advice) == ("warning", "Wait.")


@pytest.mark.parametrize(
    ("uptime", "previous", "restarted"), [(97, 100.0, True), (98, 100.0, False), (3, 100.0, True), (3, None, False)]
)
def test_a_start_after_the_previous_look(uptime, previous, restarted):
    found = told("restart", info=info(uptime_in_seconds=uptime), clock=Clock(NOW, previous))
    assert [(f.subject, f.severity, f.value) for f in found] == ([("server", "warning", uptime)] if restarted else [])
    if restarted:
        assert "after the previous look" in found[0].message


@pytest.mark.parametrize(("status", "failed"), [("ok", False), ("", False), ("err", True)])
def test_a_snapshot_that_failed(status, failed):
    found = told("rdb", info=info(rdb_last_bgsave_status=status))
    assert [(f.subject, f.severity) for f in found] == ([("snapshot", "critical")] if failed else [])
    if failed:
        assert "refuses writes" in found[0].message


def snapshot_age(age, save="3600 1", **fields):
    last = {"rdb_changes_since_last_save": 1200, "rdb_last_save_time": int(NOW - age), **fields}
    return answers("rdb_age", info=info(**last), settings={"save": save}, clock=Clock(NOW))


@pytest.mark.parametrize(
    ("age", "severity", "value"),
    [(2 * DAY - 1, "ok", 2 * DAY - 1), (2 * DAY, "warning", 2 * DAY), (-5, "ok", 0)],
)
def test_age_of_the_snapshot(age, severity, value):
    (found,) = snapshot_age(age)
    assert (found.subject, found.severity, found.value) == ("snapshot", severity, value)


def test_an_old_snapshot_says_what_is_not_in_it():
    (found,) = snapshot_age(3 * DAY)
    assert found.message == "The last snapshot is 3 d old; 1 200 changes are not in it."


@pytest.mark.parametrize(
    ("save", "changes"), [("", 1200), ("3600 1", 0)], ids=["none are wanted", "nothing to be saved"]
)
def test_no_snapshot_is_missed_where(save, changes):
    (found,) = snapshot_age(9 * DAY, save, rdb_changes_since_last_save=changes)
    assert (found.severity, found.subject) == ("ok", "server")


def test_a_server_that_hides_when_it_saved_did_not_do_so_in_1970():
    part = info(rdb_changes_since_last_save=1200)
    assert told("rdb_age", info=part, settings={"save": "3600 1"}, clock=Clock(NOW)) == []


@pytest.mark.parametrize(
    ("fields", "subjects"),
    [
        ({"aof_last_write_status": "err"}, ["write"]),
        ({"aof_last_bgrewrite_status": "err"}, ["rewrite"]),
        ({"aof_last_write_status": "err", "aof_last_bgrewrite_status": "err"}, ["write", "rewrite"]),
        ({"aof_last_write_status": "ok", "aof_last_bgrewrite_status": "ok"}, []),
        ({}, []),
        ({"aof_enabled": 0, "aof_last_write_status": "err"}, []),
    ],
)
def test_append_only_file(fields, subjects):
    found = told("aof", info=info(**{"aof_enabled": 1, **fields}))
    assert [f.subject for f in found] == subjects
    assert {f.severity for f in found} <= {"critical"}


def test_what_failed_of_the_append_only_file_is_said():
    broken = info(aof_enabled=1, aof_last_write_status="err", aof_last_bgrewrite_status="err")
    write, rewrite = told("aof", info=broken)
    assert write.message == "The last write to the append-only file failed."
    assert rewrite.message == "The last rewrite of the append-only file failed."


REWRITES = {"auto-aof-rewrite-percentage": "100", "auto-aof-rewrite-min-size": "67108864"}
MB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "base", "settings", "severity", "ratio"),
    [
        (127 * MB, MB, REWRITES, "ok", 1.9844),
        (128 * MB, MB, REWRITES, "warning", 2),
        (399 * MB, 100 * MB, REWRITES, "ok", 1.995),
        (400 * MB, 100 * MB, REWRITES, "warning", 2),
        (600 * MB, 100 * MB, {**REWRITES, "auto-aof-rewrite-percentage": "200"}, "warning", 2),
        (400 * MB, 100 * MB, {**REWRITES, "auto-aof-rewrite-percentage": "0"}, "warning", 2),
        (128 * MB, MB, {}, "warning", 2),
        (2, 0, {**REWRITES, "auto-aof-rewrite-min-size": "0"}, "warning", 2),
    ],
)
def test_an_append_only_file_that_grows(size, base, settings, severity, ratio):
    part = info(aof_enabled=1, aof_current_size=size, aof_base_size=base)
    (found,) = answers("aof_growth", info=part, settings=settings)
    assert (found.subject, found.severity, found.value) == ("append-only file", severity, ratio)
    never = settings.get("auto-aof-rewrite-percentage") == "0"
    assert found.message.endswith("; the server is told never to do that by itself.") is never


def test_how_long_an_append_only_file_is_and_when_it_was_due():
    (found,) = told("aof_growth", info=info(aof_enabled=1, aof_current_size=200 * MB), settings=REWRITES)
    assert found.message == "The append-only file has 200 MB, and was due to be rewritten at 64 MB."


def test_without_an_append_only_file_none_grows():
    (found,) = answers("aof_growth", info=info(aof_enabled=0, aof_current_size=900 * MB), settings=REWRITES)
    assert (found.severity, found.value) == ("ok", None)


@pytest.mark.parametrize(
    ("delayed", "seconds", "severity", "value"),
    [(0, 3600, "ok", 0), (9, 3600, "ok", 9), (10, 3600, "warning", 10), (10, 7200, "ok", 5), (1, 360, "warning", 10)],
)
def test_a_disk_that_does_not_keep_up(delayed, seconds, severity, value):
    (found,) = answers("aof_fsync", rates=rates(seconds, aof_delayed_fsync=delayed))
    assert (found.subject, found.severity, found.value) == ("window", severity, value)
    assert found.message.startswith(f"{delayed} times in the last hour the server wrote although ")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rdb_current_bgsave_time_sec": -1, "aof_current_rewrite_time_sec": -1}, []),
        ({}, []),
        ({"rdb_current_bgsave_time_sec": 0}, [("snapshot", "ok", 0)]),
        ({"rdb_current_bgsave_time_sec": 599}, [("snapshot", "ok", 599)]),
        ({"rdb_current_bgsave_time_sec": 600}, [("snapshot", "warning", 600)]),
        ({"aof_current_rewrite_time_sec": 1200}, [("AOF rewrite", "critical", 1200)]),
    ],
)
def test_a_save_that_does_not_come_to_its_end(fields, expected):
    found = [f for f in answers("save_duration", info=info(**fields)) if f.value is not None]
    assert [(f.subject, f.severity, f.value) for f in found] == expected


REPLICA = {"role": "slave", "master_host": "db1", "master_port": 6379}


def test_a_replica_without_its_primary_says_for_how_long():
    down = {**REPLICA, "master_link_status": "down", "master_sync_in_progress": 0}
    (found,) = told("replica_link", info=info(**down, master_link_down_since_seconds=90))
    assert (found.subject, found.severity, found.value) == ("db1:6379", "critical", 90)
    assert "no connection to its primary for 1 min 30 s; what it serves is getting old" in found.message
    for unknown in ({}, {"master_link_down_since_seconds": -1}):
        (found,) = told("replica_link", info=info(**down, **unknown))
        assert found.value is None
        assert "no connection to its primary; what" in found.message
    (found,) = told("replica_link", info=info(**down, master_link_down_since_seconds=0))
    assert found.value == 0
    assert "for 0 ms" in found.message


def test_a_replica_that_copies_is_told_to_wait():
    (found,) = told("replica_link", info=info(**REPLICA, master_link_status="down", master_sync_in_progress=1))
    assert (found.subject, found.severity) == ("db1:6379", "warning")
    assert "copying the whole data set" in found.message


@pytest.mark.parametrize("fields", [{"role": "master", "master_link_status": "down"}, {"master_link_status": "up"}])
def test_nothing_is_said_of_the_link_of(fields):
    assert told("replica_link", info=info(**{**REPLICA, **fields})) == []


@pytest.mark.parametrize(
    ("lag", "severity"),
    [
        ("0", "ok"),
        ("19", "ok"),
        ("20", "warning"),
        ("60", "critical"),
        ("", "ok"),
        ("?", "ok"),
        ("nan", "ok"),
        ("inf", "ok"),
    ],
)
def test_replicas_that_are_online(lag, severity):
    line = f"ip=10.0.0.2,port=6379,state=online,offset=976,lag={lag}"
    (found,) = answers("replication_lag", info=info(slave0=line, master_repl_offset=2000))
    assert (found.subject, found.severity) == ("replica 10.0.0.2:6379", severity)
    assert found.message.endswith("ago and is 1 kB behind.")


@pytest.mark.parametrize(
    ("offset", "behind"), [("", "2 kB"), ("?", "2 kB"), ("nan", "2 kB"), ("9999", "0 B"), ("2048", "0 B")]
)
def test_how_far_a_replica_is_behind(offset, behind):
    line = f"ip=10.0.0.2,port=6379,state=online,offset={offset},lag=61"
    (found,) = told("replication_lag", info=info(slave0=line, master_repl_offset=2048))
    assert found.message == f"The replica last answered 1 min 1 s ago and is {behind} behind."


def test_every_replica_is_looked_at_and_nothing_else():
    lines = {
        "slave0": "ip=a,port=1,state=online,offset=0,lag=1",
        "slave1": "state=send_bulk",
        "slave2": "ip=c,port=3",
        "slave_repl_offset": 17,
        "slaveof": "state=gone",
    }
    found = answers("replication_lag", info=info(**lines))
    assert [(f.subject, f.severity) for f in found] == [
        ("replica a:1", "ok"),
        ("replica ?:?", "warning"),
        ("replica c:3", "warning"),
    ]
    assert "(state send_bulk)" in found[1].message
    assert "(state unknown)" in found[2].message


@pytest.mark.parametrize(("silent", "severity"), [(19, "ok"), (20, "warning"), (59, "warning"), (60, "critical")])
def test_a_primary_that_is_silent(silent, severity):
    here = info(**REPLICA, master_link_status="up", master_last_io_seconds_ago=silent)
    (found,) = answers("replication_lag", info=here)
    assert (found.subject, found.severity, found.value) == ("this replica", severity, silent)


def test_a_link_that_is_down_is_not_late_as_well():
    here = info(**REPLICA, master_link_status="down", master_last_io_seconds_ago=900)
    assert [f.severity for f in answers("replication_lag", info=here)] == ["ok"]


@pytest.mark.parametrize(
    ("expected", "connected", "severity"),
    [(None, 0, None), (0, 0, None), (2, 2, None), (2, 3, None), (2, 1, "warning"), (2, 0, "critical")],
)
def test_expected_replicas(expected, connected, severity):
    found = told("replicas", info=info(connected_slaves=connected), wishes=Wishes(expected_replicas=expected))
    assert [(f.subject, f.severity, f.value) for f in found] == (
        [("replicas", severity, connected)] if severity else []
    )
    if severity:
        assert found[0].message == f"{connected} of 2 expected replicas are connected."


@pytest.mark.parametrize(
    ("role", "wanted", "message"),
    [
        ("master", "primary", None),
        ("slave", "replica", None),
        ("master", None, None),
        ("master", "replica", "The server is a primary, but should be a replica."),
        ("slave", "primary", "The server is a replica, but should be a primary."),
    ],
)
def test_expected_role(role, wanted, message):
    found = told("role", info=info(role=role), wishes=Wishes(expected_role=wanted))
    assert [(f.severity, f.message) for f in found] == ([("critical", message)] if message else [])


def test_a_server_that_hides_its_role_is_not_said_to_have_the_wrong_one():
    assert told("role", info=Info({}), wishes=Wishes(expected_role="primary")) == []


def test_a_cluster_says_what_is_missing():
    state = Info({"cluster_state": "fail", "cluster_slots_assigned": "16000", "cluster_slots_fail": "384"})
    (found,) = told("cluster", cluster=state)
    assert (found.subject, found.severity) == ("cluster", "critical")
    assert found.message == "The cluster is in state fail: 16 000 of 16 384 slots are assigned, 384 failed."
    assert "in state unknown" in told("cluster", cluster=Info({}))[0].message
    assert told("cluster", cluster=Info({"cluster_state": "ok"})) == []
    assert told("cluster", cluster=None) == []


OPEN = {"bind": "* -::*", "protected-mode": "no"}


@pytest.mark.parametrize(
    ("settings", "has_password", "is_open"),
    [
        (OPEN, False, True),
        (OPEN, True, False),
        ({**OPEN, "protected-mode": "yes"}, False, False),
        ({**OPEN, "bind": "127.0.0.1 -::1"}, False, False),
        ({**OPEN, "bind": "localhost ::1"}, False, False),
        ({**OPEN, "bind": "127.0.0.1 10.0.0.1"}, False, True),
        ({**OPEN, "bind": ""}, False, True),
        ({}, False, True),
    ],
)
def test_protection_needs_all_three_to_be_missing(settings, has_password, is_open):
    expected = {"default user": "warning"} if is_open else {}
    assert judged("protection", settings=settings, wishes=Wishes(has_password=has_password)) == expected
