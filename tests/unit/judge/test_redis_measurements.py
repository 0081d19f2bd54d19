# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures worth keeping of a Redis server, and what is made from fields that are missing or odd."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis import measurements
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import (
    Clock,
    Group,
    Info,
    KeySample,
    Pings,
    SlowCommand,
)

from tests.support.redis_info import info, rates


def test_percentiles_are_measured_times():
    pings = Pings(tuple(number / 100 for number in range(1, 101)))
    assert [pings.percentile(percent) for percent in (50, 90, 99, 100)] == [0.5, 0.9, 0.99, 1.0]
    assert Pings((0.3,)).percentile(50) == Pings((0.3,)).percentile(99) == 0.3


def test_measurements_are_flat_numbers():
    snapshot = {"info": info(db0="keys=10,expires=4"), "clock": Clock(1000.0), "rates": rates(keyspace_hits=5)}
    figures = measurements(snapshot, 0)
    assert figures["redis.keys.without_ttl"] == 6
    assert figures["redis.hit_rate.window_percent"] == 100
    assert figures["redis.memory.used_percent"] == 10
    assert all(isinstance(value, (int, float)) for value in figures.values())


def test_nothing_is_measured_of_what_could_not_be_observed():
    parts = ("info", "clock", "slow", "pings", "rates", "keys")
    assert measurements(dict.fromkeys(parts, Unavailable("No right to look.")), 0) == {}
    assert measurements({"info": None, "slow": (), "pings": None, "keys": None}, 0) == {}
    assert measurements({}, 0) == {}


def test_a_server_that_tells_next_to_nothing_has_no_made_up_figures():
    made_up = ("usual_errors", "write_errors", "queue_misses")
    assert measurements({"info": Info({})}, 0) == {f"redis.total.{name}": 0 for name in made_up}


def test_figures_of_info():
    fields = {
        "db0": "keys=9,expires=9",
        "db2": "keys=10,expires=4",
        "latest_fork_usec": 12345,
        "errorstat_OOM": "count=3",
        "errorstat_MISCONF": "count=2",
        "errorstat_NOREPLICAS": "count=1",
        "errorstat_MOVED": "count=7",
        "errorstat_WRONGTYPE": "count=50",
    }
    figures = measurements({"info": info(**fields)}, 2)
    assert figures["redis.persistence.fork_seconds"] == 0.012345
    assert (figures["redis.keys.count"], figures["redis.keys.without_ttl"]) == (10, 6)
    assert figures["redis.clients.used_percent"] == 0.1
    assert figures["redis.hit_rate.since_start_percent"] == 94.736842
    assert figures["redis.total.keyspace_hits"] == 90000
    assert figures["redis.total.write_errors"] == 6
    assert figures["redis.total.usual_errors"] == 7
    assert "redis.clients.blocked" not in figures


@pytest.mark.parametrize("odd", ["-nan", "inf", "", "many"])
def test_what_is_no_number_is_measured_as_nothing(odd):
    part = info(mem_fragmentation_ratio=odd, db0=f"keys={odd},expires={odd}", errorstat_OOM=f"count={odd}")
    figures = measurements({"info": part}, 0)
    assert figures["redis.memory.fragmentation_ratio"] == 0
    assert figures["redis.keys.count"] == figures["redis.keys.without_ttl"] == 0
    assert figures["redis.total.write_errors"] == 0


def test_figures_that_would_be_shares_of_nothing_are_left_out():
    idle = info(maxclients=0, keyspace_hits=0, keyspace_misses=0, maxmemory=0, total_system_memory=0)
    figures = measurements({"info": idle, "rates": rates(keyspace_hits=0)}, 0)
    shares = {name for name in figures if name.endswith("_percent")}
    assert shares == set()


def test_figures_of_the_window():
    figures = measurements({"rates": rates(60, keyspace_hits=3, keyspace_misses=1, evicted_keys=2, sync_full=9)}, 0)
    assert figures == {
        "redis.window_seconds": 60,
        "redis.hit_rate.window_percent": 75,
        "redis.evictions.per_hour": 120,
    }


def test_figures_of_the_other_parts():
    parts = {
        "clock": Clock(1000.0),
        "slow": (SlowCommand(7, 900.0, 2.0, "KEYS", 1), SlowCommand(9, 800.0, 0.5, "SORT", 3)),
        "pings": Pings((0.1, 0.2, 0.3)),
        "keys": KeySample((), sampled=20, total=50, complete=False, seconds=0.5, lookups=40),
    }
    assert measurements(parts, 0) == {
        "redis.observed_at": 1000.0,
        "redis.slow.last_number": 9,
        "redis.latency.p50_seconds": 0.2,
        "redis.latency.p90_seconds": 0.3,
        "redis.latency.p99_seconds": 0.3,
        "redis.keys.sampled": 20,
        "redis.keys.sample_seconds": 0.5,
        "redis.total.own_lookups": 40,
    }


def test_the_biggest_key_that_was_seen():
    groups = (Group("a:*", 5, 1, None), Group("b:*", 5, 1, 900, 300), Group("c:*", 5, 1, 700, 500))
    keys = KeySample(groups, sampled=20, total=50, complete=False, seconds=0.5, lookups=40)
    assert measurements({"keys": keys}, 0)["redis.keys.biggest_bytes"] == 500
    keys = KeySample(groups[:1], sampled=20, total=50, complete=False, seconds=0.5, lookups=40)
    assert "redis.keys.biggest_bytes" not in measurements({"keys": keys}, 0)
