# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault is made on a real server, and found as what it is; a server without faults is left in peace."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from contextlib import contextmanager, suppress

import pytest
import redis
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_keyspace import grouped
from ansible_collections.analytics.ops.plugins.module_utils._observe import redis_keys
from ansible_collections.analytics.ops.plugins.module_utils._observe.redis import RedisClient, RedisLogin

from demo.embedded import process
from demo.embedded.valkey import ValkeyServer
from tests.support.modules import found
from tests.support.redis_servers import PATIENT, Redis, reported
from tests.support.waiting import until


def test_a_fresh_server_is_left_in_peace(start):
    result = start().look(thresholds=PATIENT)
    assert reported(result) == {}
    assert result["status"] == "healthy" and result["changed"] is False
    assert result["prefixes"] == []


def test_a_busy_healthy_server_with_a_replica_is_left_in_peace(start):
    primary = start(
        password="secret", maxmemory="200mb", maxmemory_policy="allkeys-lru", save="3600 1", appendonly="yes"
    )
    replica = start(password="secret", replicaof=f"127.0.0.1 {primary.server.port}")
    primary.fill("cache:page:", 15000, ttl=600)
    primary.fill("config:", 100)
    client = primary.client
    for number in range(1, 1200):
        client.get(f"cache:page:{number}")
    client.bgsave()
    until(lambda: client.info("replication").get("slave0", {}).get("state") == "online")
    until(lambda: not client.info("persistence")["rdb_bgsave_in_progress"])
    result = primary.look(thresholds=PATIENT, expected_replicas=1, expected_role="primary")
    assert reported(result) == {}
    assert result["measurements"]["redis.keys.without_ttl"] == 100
    until(lambda: replica.client.info("replication")["master_link_status"] == "up")
    assert reported(replica.look(thresholds=PATIENT, expected_role="replica")) == {}


def test_every_check_answers_when_all_are_wanted(empty):
    result = empty.look(include_ok=True)
    assert {f["check"] for f in result["findings"]} == set(result["checks"])


def test_memory_nearly_full_that_cannot_be_freed(start):
    server = start(maxmemory="6mb", maxmemory_policy="noeviction")
    client = server.client
    client.set("a", 1, ex=1000)
    with pytest.raises(redis.exceptions.ResponseError, match="maxmemory"):
        for number in range(10000):
            client.set(f"big{number}", b"x" * 10000)
    result = server.look(thresholds=PATIENT)
    assert reported(result) == {("memory", "maxmemory"): "critical", ("eviction_policy", "noeviction"): "warning"}
    assert "every write fails" in found(result, "redis.memory")[0]["advice"]


def test_a_policy_that_can_evict_nothing(start):
    server = start(maxmemory="6mb", maxmemory_policy="volatile-lru")
    with pytest.raises(redis.exceptions.ResponseError, match="maxmemory"):
        server.fill("big", 10000, size=10000)
    assert reported(server.look(thresholds=PATIENT)) == {
        ("memory", "maxmemory"): "critical",
        ("eviction_policy", "volatile-lru"): "warning",
    }


def test_a_full_queue_with_noeviction_is_about_memory_alone(start):
    server = start(maxmemory="6mb")
    with pytest.raises(redis.exceptions.ResponseError, match="maxmemory"):
        server.fill("job", 10000, size=10000)
    assert reported(server.look(thresholds=PATIENT)) == {("memory", "maxmemory"): "critical"}


def test_evictions_since_the_start_and_since_the_previous_look(start):
    server = start(maxmemory="5mb", maxmemory_policy="allkeys-random")
    before = server.look()["measurements"]
    server.fill("big", 6000, size=2000)
    result = server.look(previous=before, thresholds=PATIENT)
    assert reported(result) == {
        ("memory", "maxmemory"): "critical",
        ("evictions", "since the start"): "warning",
        ("evictions_window", "window"): "warning",
    }
    assert result["measurements"]["redis.evictions.per_hour"] > 1000


@pytest.mark.parametrize(("hits", "severity"), [(500, "critical"), (650, "warning"), (750, "info"), (850, None)])
def test_hit_rate_over_the_time_since_the_previous_look(empty, hits, severity):
    client = empty.client
    client.set("there", 1, ex=600)
    before = empty.look()["measurements"]
    pipeline = client.pipeline(transaction=False)
    for number in range(1000):
        pipeline.get("there" if number < hits else "missing")
    pipeline.execute()
    result = empty.look(previous=before, thresholds=PATIENT)
    wanted = {("hit_rate", "since the start"): severity, ("hit_rate_window", "window"): severity}
    # The sample of the earlier look is one hit more since the start, and is taken off in the window.
    assert reported(result) == (wanted if severity else {})
    assert result["measurements"]["redis.hit_rate.window_percent"] == pytest.approx(hits / 10)


def test_a_handful_of_lookups_is_not_judged(empty):
    for number in range(50):
        empty.client.get(f"missing{number}")
    assert reported(empty.look(thresholds=PATIENT)) == {}


def test_what_is_asked_of_queues_and_results_is_no_lookup_in_a_cache(empty):
    """As Celery does: wait for a task, ask how long the queues are, ask for each result before it is stored."""
    client = empty.client
    assert client.brpop("queue", timeout=0.1) is None
    pipeline = client.pipeline(transaction=False)
    for number in range(1000):
        pipeline.llen("queue").get(f"result-{number}")
        pipeline.execute_command("SETEX", f"result-{number}", 600, "x")
        pipeline.publish(f"result-{number}", "x")
    pipeline.execute()
    before = empty.look(thresholds=PATIENT)
    assert reported(before) == {}
    for number in range(1000):
        pipeline.get(f"missing-{number}")
    pipeline.execute()
    result = empty.look(thresholds=PATIENT, previous=before["measurements"])
    assert reported(result)["hit_rate_window", "window"] == "critical"
    assert "without up to 2 000 of queues" in found(result, "redis.hit_rate")[0]["message"]


def test_hit_rate_in_a_measured_window(empty):
    with traffic(empty, ask_in_vain):
        result = empty.look(window=0.5, checks=["hit_rate_window"])
    assert reported(result) == {("hit_rate_window", "window"): "critical"}
    assert result["measurements"]["redis.hit_rate.window_percent"] == 0


def ask_in_vain(client: redis.Redis) -> None:
    """Many times in one go: fewer than a hundred in the window are not judged."""
    pipeline = client.pipeline(transaction=False)
    for _number in range(100):
        pipeline.get("missing")
    pipeline.execute()


def test_few_connections_left(start):
    server = start(maxclients="20")
    with connections(server, 17):
        assert reported(server.look(thresholds=PATIENT)) == {("clients", "maxclients"): "critical"}


def test_rejected_connections(start):
    server = start(maxclients="10")
    before = server.look()["measurements"]
    with connections(server, 10):
        for _attempt in range(8):
            with socket.create_connection(("127.0.0.1", server.server.port)) as refused:
                assert b"max number of clients" in refused.recv(100)
        full = server.look()
        assert reported(full) == {("reachable", full["target"]): "critical"}
        assert "maxclients" in full["msg"]
    until(lambda: server.client.info("clients")["connected_clients"] < 5)
    assert reported(server.look(previous=before, thresholds=PATIENT)) == {
        ("rejected_connections", "since the start"): "warning",
        ("rejected_connections_window", "window"): "warning",
    }


def test_blocked_clients_are_judged_only_by_a_limit_of_ones_own(empty):
    waiting = empty.client.connection_pool.make_connection()
    waiting.send_command("BLPOP", "queue", 0)
    until(lambda: empty.client.info("clients")["blocked_clients"] == 1)
    try:
        assert reported(empty.look(thresholds=PATIENT)) == {}
        limited = empty.look(thresholds={**PATIENT, "blocked_clients": {"warning": 1}})
        assert reported(limited) == {("blocked_clients", "blocked clients"): "warning"}
    finally:
        waiting.disconnect()


def test_keys_that_never_expire_are_named_by_prefix(empty):
    empty.fill("cache:page:", 12000)
    empty.fill("cache:user:", 4000, ttl=600)
    result = empty.look(thresholds=PATIENT)
    assert reported(result) == {("keys_without_ttl", "cache:page:*"): "warning"}
    groups = {group["pattern"]: group for group in result["prefixes"]}
    assert groups["cache:page:*"]["keys"] == groups["cache:page:*"]["without_ttl"] == 12000
    assert groups["cache:user:*"]["without_ttl"] == 0
    assert 12000 * 30 < groups["cache:page:*"]["memory_bytes"] < 12000 * 200
    assert result["sample"]["complete"] is True
    without_sample = empty.look(sample_keys=0, thresholds=PATIENT)
    assert reported(without_sample) == {("keys_without_ttl", "db0"): "warning"}
    assert "prefixes" not in without_sample


def test_a_partial_sample_is_extrapolated_and_says_so(empty):
    empty.fill("a:", 15000)
    empty.fill("b:", 15000, ttl=600)
    result = empty.look(sample_keys=3000)
    assert result["sample"]["sampled"] == 3000 and result["sample"]["complete"] is False
    groups = {group["pattern"]: group for group in result["prefixes"]}
    assert sum(group["keys"] for group in groups.values()) == pytest.approx(30000, abs=2)
    assert groups["a:*"]["without_ttl"] == pytest.approx(15000, rel=0.15)
    assert found(result, "redis.keys_without_ttl")[0]["message"].startswith("About ")
    assert result["measurements"]["redis.keys.without_ttl"] == 15000


def test_keys_with_hostile_names_are_shown_harmlessly(empty):
    for number in range(3):
        empty.client.set(b"\x1b[2J\xff\r\n{{ lookup('pipe','id') }}:%d" % number, 1)
    pattern = empty.look()["prefixes"][0]["pattern"]
    assert pattern.isprintable() and pattern.startswith("\\x1b[2J\\xff")


def test_keys_of_ten_megabytes_are_shown_in_short_and_at_once(empty):
    """The second looks like a number until its last character, which an expression would try again and again."""
    for key in (b"x" * 10_000_000 + b":a", b"user:" + b"1" * 10_000_000 + b"x:a", b"user:1:a"):
        empty.client.set(key, 1, ex=600)
    result = empty.look(checks=["keys_without_ttl", "big_keys"])
    assert reported(result) == {}
    assert {group["pattern"]: group["keys"] for group in result["prefixes"]} == {"user:*": 2, "x" * 200 + "*": 1}


def test_of_long_keys_no_more_is_kept_than_tells_how_they_begin(empty, monkeypatch):
    """A sample of 20 000 keys of a megabyte is 20 GB."""
    for number in range(300):
        empty.client.set(b"user:%d:" % number + b"x" * 100_000, 1)
    kept = []
    monkeypatch.setattr(redis_keys, "grouped", lambda seen, *more: kept.extend(seen) or grouped(seen, *more))
    with RedisClient(RedisLogin.from_params(empty.options)) as client:
        sample = redis_keys.sample_keys(client, Unavailable("Not asked."), 0, 1000, 60, ":")
    assert [(group.pattern, group.keys) for group in sample.groups] == [("user:*", 300)]
    assert len(kept) == 300 and max(len(seen.key) for seen in kept) < 20


def test_failed_snapshot(start):
    server = start(save="3600 1")
    server.client.set("a", 1)
    shutil.rmtree(server.server.directory)
    server.client.bgsave()
    until(lambda: server.client.info("persistence")["rdb_last_bgsave_status"] == "err")
    before = server.look(thresholds=PATIENT)
    assert reported(before) == {("rdb", "snapshot"): "critical"}
    with pytest.raises(redis.exceptions.ResponseError, match="MISCONF"):
        server.client.set("a", 2)
    refused = server.look(previous=before["measurements"])
    assert reported(refused)["write_errors", "window"] == "critical"
    server.server.directory.mkdir()


def test_old_snapshot(start):
    server = start(save="3600 1")
    assert reported(server.look(thresholds=PATIENT)) == {}
    server.client.set("a", 1)
    limits = {**PATIENT, "rdb_age": {"warning": 1}}
    until(lambda: reported(server.look(thresholds=limits)) == {("rdb_age", "snapshot"): "warning"})


def test_save_that_takes_too_long(start):
    server = start(rdb_key_save_delay="1000000")
    server.fill("a", 100)
    server.client.bgsave()
    limits = {**PATIENT, "save_duration": {"warning": 1}}
    until(lambda: reported(server.look(thresholds=limits)) == {("save_duration", "snapshot"): "warning"})


def test_failed_rewrite_of_the_append_only_file(start):
    server = start(appendonly="yes")
    server.client.set("a", 1)
    shutil.rmtree(server.server.directory)
    with suppress(redis.exceptions.ResponseError):
        server.client.bgrewriteaof()
    until(lambda: server.client.info("persistence")["aof_last_bgrewrite_status"] == "err")
    assert reported(server.look(thresholds=PATIENT)) == {("aof", "rewrite"): "critical"}
    server.server.directory.mkdir()


def test_a_server_that_still_loads_its_data(start):
    server = start()
    server.fill("a", 3000)
    server.client.save()
    server.stop()
    loading = ValkeyServer(
        server.server.program,
        server.server.directory,
        server.server.port,
        settings={"key-load-delay": "5000", "loading-process-events-interval-bytes": "1024"},
    )

    # ``start`` waits until the server answers PING, which is what it does not do while loading.
    def begin() -> None:
        with suppress(process.ServerFailed):
            loading.start()

    starting = threading.Thread(target=begin)
    starting.start()
    try:
        until(lambda: server_answers(server))
        result = server.look()
        assert ("loading", "data set") in reported(result)
        assert found(result, "redis.loading")[0]["severity"] == "critical" and result["status"] == "unhealthy"
        assert {severity for check, severity in reported(result).items() if check[0] != "loading"} == {"info"}
    finally:
        process.stop(loading.pid, signal.SIGKILL)
        starting.join()


def server_answers(server: Redis) -> bool:
    try:
        return server.client.info("persistence")["loading"] == 1
    except redis.exceptions.ConnectionError:
        return False


def test_replica_whose_primary_is_gone(start):
    primary = start()
    replica = start(replicaof=f"127.0.0.1 {primary.server.port}")
    until(lambda: replica.client.info("replication")["master_link_status"] == "up")
    primary.stop()
    until(lambda: replica.client.info("replication")["master_link_status"] == "down")
    assert reported(replica.look(thresholds=PATIENT)) == {
        ("replica_link", f"127.0.0.1:{primary.server.port}"): "critical"
    }


def test_a_replica_that_hangs_or_is_missing_and_the_wrong_role(start):
    primary = start()
    replica = start(replicaof=f"127.0.0.1 {primary.server.port}")
    until(lambda: primary.client.info("replication").get("slave0", {}).get("state") == "online")
    os.kill(replica.server.pid, signal.SIGSTOP)
    limits = {**PATIENT, "replication_lag": {"warning": 2}}
    subject = f"replica 127.0.0.1:{replica.server.port}"
    until(lambda: reported(primary.look(thresholds=limits)) == {("replication_lag", subject): "warning"})
    limits = {**PATIENT, "replication_lag": {"warning": 1000, "critical": 1000}}
    result = primary.look(expected_replicas=2, expected_role="replica", thresholds=limits)
    assert reported(result) == {("replicas", "replicas"): "warning", ("role", "primary"): "critical"}
    replica.server.stop(signal.SIGKILL)
    until(lambda: primary.client.info("replication")["connected_slaves"] == 0)
    assert reported(primary.look(expected_replicas=2, thresholds=PATIENT)) == {("replicas", "replicas"): "critical"}


def test_slow_commands_are_named_without_their_arguments(start):
    server = start(enable_debug_command="yes")
    server.client.execute_command("DEBUG", "SLEEP", "0.15")
    usual = {name: limits for name, limits in PATIENT.items() if name != "slow_commands"}
    first = server.look(thresholds=usual)
    assert reported(first) == {("slow_commands", "DEBUG"): "warning"}
    assert "2 arguments" in found(first, "redis.slow_commands")[0]["message"]
    server.client.config_set("slowlog-log-slower-than", 0)
    server.client.eval("return ARGV[1]", 0, "s3cret")
    server.client.config_set("slowlog-log-slower-than", 10000)
    limits = {**PATIENT, "slow_commands": {"warning": 0, "critical": None}}
    later = server.look(previous=first["measurements"], thresholds=limits)
    # What the previous look had seen is not told again.
    assert {subject for check, subject in reported(later)} >= {"EVAL"} and "DEBUG" not in str(reported(later))
    assert "s3cret" not in str(later)
    assert reported(server.look(previous=later["measurements"], thresholds=usual)) == {}


def test_a_server_that_stalls(start):
    server = start(enable_debug_command="yes")
    with traffic(server, lambda client: client.execute_command("DEBUG", "SLEEP", "0.5")):
        # A check on rates spreads the pings over the window; all at once they may fit between two stalls.
        result = server.look(window=3, latency_samples=20, checks=["latency_peak", "dropped_clients"])
    assert reported(result)["latency_peak", "99th percentile"] in ("warning", "critical")
    assert result["measurements"]["redis.latency.p99_seconds"] >= 0.25


def test_a_slow_command_that_ends_as_the_server_shortens_others(start):
    server = start()
    server.client.config_set("slowlog-log-slower-than", 0)
    server.client.execute_command("DEL", *(b"key" for _number in range(30)), b"... (x")
    server.client.execute_command("UNLINK", *(b"key" for _number in range(40)))
    server.client.config_set("slowlog-log-slower-than", -1)
    result = server.look(thresholds={**PATIENT, "slow_commands": {"warning": 0, "critical": None}})
    told = {finding["subject"]: finding["message"] for finding in found(result, "redis.slow_commands")}
    assert "31 arguments" in told["DEL"] and "40 arguments" in told["UNLINK"]


def test_a_server_that_answers_slowly(start):
    """A ping comes through between two commands of 50 ms; some may be late, and none finds the server at rest."""
    server = start(enable_debug_command="yes")
    assert reported(server.look(checks=["latency"], thresholds={"latency": {"warning": 0.15, "critical": None}})) == {}
    with queue(server, ("DEBUG", "SLEEP", "0.05")):
        result = server.look(latency_samples=9, checks=["latency"])
    assert [subject for _check, subject in reported(result)] == ["median"]
    assert result["measurements"]["redis.latency.p50_seconds"] >= 0.02


def test_a_fork_that_takes_its_time(start):
    """Half a second takes tens of gigabytes: the limit is lowered to what 50 MB take at least."""
    server = start(save="3600 1")
    server.fill("a:", 500, size=100000, ttl=6000)
    server.client.bgsave()
    until(lambda: not server.client.info("persistence")["rdb_bgsave_in_progress"])
    assert found(server.look(), "redis.fork") == []
    result = server.look(checks=["fork"], thresholds={"fork": {"warning": 0.00005, "critical": None}})
    assert reported(result) == {("fork", "latest fork"): "warning"}


def test_events_of_the_servers_own_latency_monitor(start):
    server = start(enable_debug_command="yes", latency_monitor_threshold="100")
    server.client.execute_command("DEBUG", "SLEEP", "0.3")
    result = server.look(checks=["latency_events"])
    assert reported(result) == {("latency_events", "command"): "warning"}


def test_error_replies(empty):
    empty.client.set("text", "x", ex=600)
    before = empty.look()["measurements"]
    pipeline = empty.client.pipeline(transaction=False)
    for _number in range(100):
        pipeline.lpush("text", 1)
    pipeline.execute(raise_on_error=False)
    result = empty.look(previous=before, thresholds=PATIENT)
    assert reported(result) == {("errors", "window"): "critical"}
    assert "LPUSH (100)" in found(result, "redis.errors")[0]["advice"]
    assert next(row for row in result["commands"] if row["command"] == "LPUSH")["errors"] == 100


def test_clients_denied_by_the_access_rules(empty):
    client = empty.client
    client.execute_command("ACL", "SETUSER", "app", "on", ">app", "~app:*", "+get")
    app = redis.Redis(port=empty.server.port, username="app", password="app")
    try:
        for _number in range(70):
            with pytest.raises(redis.exceptions.NoPermissionError):
                app.get("secret:key")
        result = empty.look(checks=["acl_denials"])
    finally:
        client.execute_command("ACL", "DELUSER", "app")
    assert reported(result) == {("acl_denials", "app"): "warning"}
    assert "secret:key" not in str(result)


def test_a_server_open_to_everybody(start):
    # The second address is one that no machine has; the dash lets the server start without it.
    server = start(bind="127.0.0.1 -192.0.2.1", protected_mode="no")
    assert reported(server.look(thresholds=PATIENT)) == {("protection", "default user"): "warning"}


def test_clients_that_are_cut_off(start):
    server = start(maxmemory_clients="2mb")
    server.client.set("big", b"x" * 100000, ex=600)
    before = server.look()["measurements"]
    greedy = server.client.connection_pool.make_connection()
    with suppress(redis.exceptions.ConnectionError):
        for _number in range(20):
            greedy.send_packed_command(greedy.pack_commands([("GET", "big")] * 100))
    until(lambda: server.client.info("stats")["evicted_clients"] >= 1)
    greedy.disconnect()
    result = server.look(previous=before, thresholds=PATIENT)
    assert reported(result) == {("dropped_clients", "window"): "warning"}


def test_memory_doctor_rules(start):
    server = start()
    client = server.client
    for number in range(1001):
        client.script_load(f"return {number}")
    assert reported(server.look(thresholds=PATIENT)) == {}  # silent while there is next to no data
    server.fill("a", 300, size=100000, ttl=6000)
    client.unlink(*[f"a{number}" for number in range(1, 201)])
    until(lambda: client.info("memory")["lazyfree_pending_objects"] == 0)
    result = server.look(thresholds=PATIENT)
    assert reported(result) == {("memory_doctor", "peak"): "info", ("memory_doctor", "scripts"): "warning"}
    assert result["status"] == "degraded"


def test_expired_keys_that_are_not_removed(start):
    server = start(hz="1", maxmemory_policy="noeviction")
    server.client.execute_command("SAVE")
    server.client.eval("for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'k:' .. i, '', 'PX', 300) end", 0, 300000)
    limits = {**PATIENT, "expired_stale": {"warning": 0.01, "critical": None, "keys": 0}}
    options = {"thresholds": limits, "checks": ["expired_stale"]}
    until(lambda: reported(server.look(**options)) == {("expired_stale", "expired keys"): "warning"})


def test_incomplete_cluster(start):
    server = start(cluster_enabled="yes")
    assert reported(server.look(thresholds=PATIENT)) == {("cluster", "cluster"): "critical"}


def test_restart_since_the_previous_look(start):
    server = start()
    before = server.look()["measurements"]
    before["redis.observed_at"] -= 3600
    before["redis.total.keyspace_hits"] = 10**9
    assert reported(server.look(previous=before, thresholds=PATIENT)) == {("restart", "server"): "warning"}


def test_a_server_that_was_restarted(start):
    server = start()
    client = server.client
    before = server.look()["measurements"]
    # Two seconds are forgiven, for clocks and whole seconds: the restart comes later than that.
    known = client.info("server")["uptime_in_seconds"]
    until(lambda: client.info("server")["uptime_in_seconds"] >= known + 5)
    assert reported(server.look(previous=before, thresholds=PATIENT)) == {}
    server.stop()
    server.server.start()
    assert reported(server.look(previous=before, thresholds=PATIENT)) == {("restart", "server"): "warning"}


@contextmanager
def connections(server: Redis, count: int):
    held = [server.client.connection_pool.make_connection() for _number in range(count)]
    for connection in held:
        connection.connect()
    until(lambda: len(held) == count)
    try:
        yield
    finally:
        for connection in held:
            connection.disconnect()


@contextmanager
def traffic(server: Redis, command):
    """``command`` again and again from another client, as long as the block lasts."""
    done = threading.Event()
    client = server.client

    def run() -> None:
        while not done.is_set():
            command(client)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def queue(server: Redis, command: tuple[str, ...]):
    """So many of ``command`` wait at the server that it has none of them to wait for, however busy the machine is.

    Between two of them stands one as long as what the server reads at once: it would not look at others before the
    end of what it has read.
    """
    connection = server.client.connection_pool.make_connection()
    connection.connect()
    done = threading.Event()
    packed = connection.pack_commands([command, ("SET", "filler", "x" * 16384)])

    def run() -> None:
        with suppress(redis.RedisError, OSError):
            while not done.is_set():
                connection.send_packed_command(packed, check_health=False)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        connection.disconnect()
        thread.join()
