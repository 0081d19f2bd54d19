# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas that come and go, a cluster with holes, and an append-only file that the disk cannot bear."""

from __future__ import annotations

import os
import signal

import pytest

from tests.support.modules import found
from tests.support.redis_servers import PATIENT, Redis, reported
from tests.support.threads import stopped_thread
from tests.support.waiting import until


@pytest.fixture
def pair(start) -> tuple[Redis, Redis]:
    """A primary and its replica, which is connected."""
    primary = start(repl_diskless_sync_delay="0", repl_backlog_size="16kb")
    replica = start(replicaof=f"127.0.0.1 {primary.server.port}")
    until(lambda: online(primary))
    return primary, replica


def online(primary: Redis) -> bool:
    return primary.client.info("replication").get("slave0", {}).get("state") == "online"


def count(server: Redis, name: str) -> int:
    return server.client.info("stats")[name]


def cut_off(primary: Redis) -> None:
    """The connection to the replica breaks, as the network would break it; waits for the next one."""
    connected = count(primary, "sync_partial_ok") + count(primary, "sync_full")
    primary.client.execute_command("CLIENT", "KILL", "TYPE", "replica")
    until(lambda: count(primary, "sync_partial_ok") + count(primary, "sync_full") > connected and online(primary))


def test_a_pair_is_left_in_peace_also_after_one_break(pair):
    primary, replica = pair
    before = primary.look(), replica.look()
    cut_off(primary)
    primary.fill("a:", 100, ttl=600)
    # The primary knows of the connection before the replica does.
    until(lambda: replica.client.info("replication")["master_link_status"] == "up")
    assert reported(primary.look(previous=before[0]["measurements"], thresholds=PATIENT, expected_replicas=1)) == {}
    assert reported(replica.look(previous=before[1]["measurements"], thresholds=PATIENT, expected_role="replica")) == {}


def test_a_replica_whose_connection_breaks_again_and_again(pair):
    primary, _replica = pair
    before = primary.look()["measurements"]
    for _break in range(3):
        cut_off(primary)
    result = primary.look(previous=before, thresholds=PATIENT)
    assert reported(result) == {("replica_flapping", "window"): "warning"}
    assert found(result, "redis.replica_flapping")[0]["message"].startswith("Replicas connected 3 times ")


def test_a_backlog_too_short_for_a_break(pair):
    primary, replica = pair
    before = primary.look()["measurements"]
    for number in range(1, 3):
        os.kill(replica.server.pid, signal.SIGSTOP)
        primary.client.execute_command("CLIENT", "KILL", "TYPE", "replica")
        primary.fill(f"missed{number}:", 100, size=1000, ttl=600)
        os.kill(replica.server.pid, signal.SIGCONT)
        until(lambda wanted=number: count(primary, "sync_partial_err") == wanted and online(primary))
    result = primary.look(previous=before, thresholds=PATIENT)
    assert reported(result) == {("full_resyncs", "window"): "warning"}


def test_a_backlog_that_holds_the_writes_of_a_moment(pair):
    primary, _replica = pair
    before = primary.look()["measurements"]
    primary.fill("a:", 2000, size=1000, ttl=600)
    until(lambda: online(primary))
    # A minute of such writes is what the check waits for by itself.
    limits = {**PATIENT, "repl_backlog": {"window_seconds": 0}}
    result = primary.look(previous=before, thresholds=limits)
    assert reported(result) == {("repl_backlog", "backlog"): "warning"}
    assert reported(primary.look(previous=before, thresholds=PATIENT)) == {}


def test_a_replica_that_was_given_another_primary_keeps_its_rates(start, pair):
    """Its position goes back to where the new one is, as no counter does unless it began anew."""
    primary, replica = pair
    primary.fill("a:", 100, size=1000, ttl=600)
    until(lambda: replica.client.info("replication")["master_repl_offset"] > 100000)
    before = replica.look(window=0)["measurements"]
    other = start(repl_diskless_sync_delay="0")
    replica.client.replicaof("127.0.0.1", other.server.port)
    until(lambda: online(other) and replica.client.info("replication")["master_repl_offset"] < 100000)
    result = replica.look(window=0, previous=before, thresholds=PATIENT)
    assert reported(result) == {} and "redis.window_seconds" in result["measurements"]


def test_a_cluster_that_works_although_keys_have_no_home(start):
    server = start(cluster_enabled="yes", cluster_require_full_coverage="no")
    server.client.execute_command("CLUSTER", "ADDSLOTS", *range(8000))
    until(lambda: server.client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
    result = server.look(thresholds=PATIENT)
    assert reported(result) == {("cluster", "cluster"): "critical"}
    assert "8 000 of 16 384 slots are assigned" in found(result, "redis.cluster")[0]["message"]
    server.client.execute_command("CLUSTER", "ADDSLOTS", *range(8000, 16384))
    assert reported(server.look(thresholds=PATIENT)) == {}


def test_an_append_only_file_that_is_never_rewritten(start):
    server = start(appendonly="yes", auto_aof_rewrite_percentage="0", auto_aof_rewrite_min_size="1mb")
    for _time in range(15):
        server.client.set("a", b"x" * 100000, ex=600)
    assert reported(server.look(thresholds=PATIENT)) == {}
    for _time in range(15):
        server.client.set("a", b"x" * 100000, ex=600)
    until(lambda: server.client.info("persistence")["aof_current_size"] > 2 * 1024 * 1024)
    result = server.look(thresholds=PATIENT)
    assert reported(result) == {("aof_growth", "append-only file"): "warning"}
    assert "told never to do that" in found(result, "redis.aof_growth")[0]["message"]


def test_a_disk_that_does_not_keep_up_with_the_append_only_file(start):
    """The thread that waits for the disk is stopped, which is what it does while the disk does not answer."""
    server = start(appendonly="yes")
    before = server.look()["measurements"]
    with stopped_thread(server.server.pid, "bio_aof"):
        until(lambda: server.client.set("a", 1, ex=600) and server.client.info("persistence")["aof_delayed_fsync"])
    result = server.look(previous=before, thresholds=PATIENT, exclude_checks=["slow_commands"])
    assert reported(result) == {("aof_fsync", "window"): "warning"}
