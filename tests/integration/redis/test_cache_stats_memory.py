# SPDX-License-Identifier: GPL-3.0-or-later
"""Where memory goes beside the data, seen as MEMORY DOCTOR sees it; big keys, slow commands, the report on keys."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager

import pytest

from tests.support.modules import found
from tests.support.redis_servers import PATIENT, Redis, reported
from tests.support.waiting import until

MB = 1024 * 1024


def doctor(server: Redis) -> str:
    answer = server.client.execute_command("MEMORY", "DOCTOR")
    return answer.decode() if isinstance(answer, bytes) else answer


@contextmanager
def client_that_reads_nothing(server: Redis, replies: int, size: int):
    """It asks for a value again and again; what it does not read the server has to keep."""
    server.client.set("value", b"x" * size, ex=600)
    greedy = server.client.connection_pool.make_connection()
    greedy.send_packed_command(greedy.pack_commands([("GET", "value")] * replies))
    try:
        yield
    finally:
        greedy.disconnect()


def test_buffers_of_clients_take_the_room_of_the_data(start):
    server = start(maxmemory="300mb", maxmemory_policy="allkeys-lru")
    with client_that_reads_nothing(server, 10000, 10000):  # of longer values Valkey keeps one copy for all
        until(lambda: server.client.info("memory")["mem_clients_normal"] > 70 * MB)
        result = server.look(thresholds=PATIENT)
        assert "Big client buffers" in doctor(server)
    # How well buffers fit into the allocator's pages is told, too, on some servers.
    assert {what: severity for what, severity in reported(result).items() if severity != "info"} == {
        ("client_memory", "client buffers"): "warning",
        ("memory_doctor", "client buffers"): "warning",
    }


def test_buffers_of_a_replica_that_does_not_read(start):
    primary = start(repl_diskless_sync_delay="0")
    replica = start(replicaof=f"127.0.0.1 {primary.server.port}")
    until(lambda: primary.client.info("replication").get("slave0", {}).get("state") == "online")
    os.kill(replica.server.pid, signal.SIGSTOP)
    primary.fill("a:", 500, size=100000, ttl=600)
    until(lambda: primary.client.info("memory")["mem_clients_slaves"] > 10 * MB)
    result = primary.look(thresholds={**PATIENT, "replication_lag": {"warning": 1000, "critical": 1000}})
    assert "Big replica buffers" in doctor(primary)
    assert reported(result) == {("memory_doctor", "replica buffers"): "warning"}


# What MEMORY DOCTOR calls the places where memory is lost, and what we call them.
LOST = {
    "High allocator fragmentation": "allocator fragmentation",
    "High allocator RSS overhead": "allocator",
    "High process RSS overhead": "process overhead",
}


def test_holes_that_the_allocator_cannot_fill(start):
    server = start()
    server.client.eval("for i = 1, 300000 do redis.call('SET', 'small:' .. i, ARGV[1], 'EX', 6000) end", 0, "x" * 100)
    server.client.eval("for i = 1, 300000 do if i % 8 > 0 then redis.call('UNLINK', 'small:' .. i) end end", 0)
    until(lambda: server.client.info("memory")["lazyfree_pending_objects"] == 0)
    # Big ones that do not fit into the holes: as much data as before, so that it is no matter of a peak.
    server.fill("big:", 3200, size=18000, ttl=6000)
    until(lambda: server.client.info("memory")["mem_fragmentation_ratio"] > 1.4)

    def lost() -> set[str]:
        diagnosis = doctor(server)
        return {ours for theirs, ours in LOST.items() if theirs in diagnosis}

    def same_as_the_doctor() -> bool:
        """The allocator gives pages back meanwhile, so that the two may see different moments."""
        found = reported(server.look(thresholds=PATIENT, exclude_checks=["slow_commands"]))
        told = {("memory_doctor", subject): "info" for subject in lost()}
        return found == {("fragmentation", "process"): "warning", **told}

    until(same_as_the_doctor, what="the same diagnosis")
    if server.client.info("memory")["mem_allocator"].startswith("jemalloc"):
        assert "allocator fragmentation" in lost()


def test_a_subscriber_that_does_not_read_is_cut_off(start):
    server = start(client_output_buffer_limit="pubsub 1mb 1mb 1")
    before = server.look()["measurements"]
    deaf = server.client.connection_pool.make_connection()
    deaf.send_command("SUBSCRIBE", "news")
    until(lambda: server.client.pubsub_numsub("news")[0][1] == 1)
    many = server.client.pipeline(transaction=False)

    def nobody_listens() -> bool:
        for _message in range(100):
            many.publish("news", b"x" * 10000)
        return many.execute()[-1] == 0

    until(nobody_listens)
    deaf.disconnect()
    result = server.look(previous=before, thresholds=PATIENT)
    # Redis 7.0 cuts off and does not count.
    counted = "client_output_buffer_limit_disconnections" in server.client.info("stats")
    assert reported(result) == ({("dropped_clients", "window"): "warning"} if counted else {})


def test_a_limit_that_the_host_cannot_bear(start):
    result = start(maxmemory="1000000gb").look(thresholds=PATIENT)
    assert reported(result) == {("memory_limit", "maxmemory"): "warning"}


def test_a_process_that_takes_the_memory_of_the_host(start):
    """All of it would not do the machine good: the limit is lowered."""
    server = start(maxmemory="1gb")
    limits = {**PATIENT, "host_memory": {"warning": 0.0001}}
    assert reported(server.look(thresholds=limits)) == {("host_memory", "process"): "warning"}
    assert reported(server.look(thresholds=PATIENT)) == {}


def test_a_key_too_big_to_be_read_in_one_go(start):
    server = start()
    server.client.setrange("report:big", 64 * MB, b"x")
    server.client.set("report:small", 1)
    result = server.look(thresholds=PATIENT, exclude_checks=["slow_commands"])
    assert reported(result) == {("big_keys", "report:*"): "warning"}
    assert result["measurements"]["redis.keys.biggest_bytes"] > 64 * MB
    server.client.unlink("report:big")
    assert found(server.look(), "redis.big_keys") == []


def test_a_command_that_is_slow_every_time(start):
    server = start(enable_debug_command="yes")
    pipeline = server.client.pipeline(transaction=False)
    for _time in range(99):
        pipeline.execute_command("DEBUG", "SLEEP", "0.022")
    pipeline.execute()
    assert reported(server.look(thresholds=PATIENT)) == {}
    server.client.execute_command("DEBUG", "SLEEP", "0.022")
    result = server.look(thresholds=PATIENT)
    assert reported(result) == {("command_time", "DEBUG"): "warning"}
    longest = result["commands"][0]
    assert (longest["command"], longest["calls"], longest["errors"]) == ("DEBUG", 100, 0)


def test_a_worker_that_waits_for_its_queue_is_not_slow(empty):
    assert empty.client.brpop("queue", timeout=1) is None
    limits = {"command_time": {"calls": 1}}
    assert found(empty.look(thresholds=limits), "redis.command_time") == []


def test_how_long_keys_have_been_idle(empty):
    client = empty.client
    client.set("used:1", "x")
    empty.fill("other:", 20)
    client.execute_command("RESTORE", "idle:1", 0, client.dump("used:1"), "IDLETIME", 5000)
    client.config_resetstat()
    result = empty.look(checks=["keys_without_ttl"])
    groups = {group["pattern"]: group for group in result["prefixes"]}
    assert groups["idle:*"]["idle_seconds"] == pytest.approx(5000, abs=120)
    assert groups["used:*"]["idle_seconds"] < 120
    # Every question of our own that the server took for a look-up is known, to be taken off.
    assert client.info("stats")["keyspace_hits"] == result["measurements"]["redis.total.own_lookups"]


def test_idle_times_are_not_asked_for_where_uses_are_counted(start):
    server = start(maxmemory="1gb", maxmemory_policy="allkeys-lfu")
    client = server.client
    client.set("a:1", "x")
    client.config_resetstat()
    result = server.look(checks=["keys_without_ttl"])
    assert result["prefixes"][0]["idle_seconds"] is None and result["sample"]["note"] == ""
    assert client.info("stats")["total_error_replies"] == 0
