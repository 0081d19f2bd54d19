# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis' checks, facts and figures where they turn."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis import measurements
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import Pings, Wishes
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_keyspace import (
    MOST_GROUPS,
    Seen,
    grouped,
    prefix_of,
)

from tests.support.redis_info import MB, answers, info, rates, told


@pytest.mark.parametrize(("used", "found"), [(799, False), (800, True), (804, True)])
def test_without_a_limit_a_tenth_of_the_host_is_worth_a_word(used, found):
    told_of = told("memory_limit", info=info(maxmemory=0, used_memory=used * MB))
    assert [f.value for f in told_of] == ([round(used / 80, 1)] if found else [])
    if used == 804:
        assert told_of[0].message == "No maxmemory is set, and 10.1 % of the host's memory is in use."


def test_shares_are_told_to_a_tenth():
    (found,) = told("memory", info=info(used_memory=806.6 * MB))
    assert "(80.7 %)" in found.message
    (found,) = told("memory", info=info(maxmemory=0, used_memory=6444 * MB))
    assert "80.5 % of the host's 7.81 GB" in found.message and found.message.startswith("6.29 GB in use without")


@pytest.mark.parametrize(
    ("fields", "percent"),
    [
        ({"mem_not_counted_for_evict": 101 * MB}, 0),
        ({"mem_not_counted_for_evict": 50 * MB}, 5),
        ({"maxmemory": 0}, 1.25),
        ({"maxmemory": 1, "used_memory": 0}, 0),
    ],
)
def test_memory_that_counts(fields, percent):
    assert info(**fields).memory_used_percent == percent


def test_of_nothing_there_is_no_share():
    assert info(maxmemory=0, total_system_memory=0).memory_used_percent is None
    assert answers("memory", info=info(maxmemory=0, total_system_memory=0))[0].value is None


@pytest.mark.parametrize(("expires", "found"), [(0, False), (1, True), (10, True)])
def test_a_store_of_lasting_keys_rightly_evicts_none(expires, found):
    part = info(used_memory=800 * MB, maxmemory_policy="noeviction", db0=f"keys=10,expires={expires}")
    assert [f.message.split(" although ")[1].split()[0] for f in told("eviction_policy", info=part)] == (
        [str(expires)] if found else []
    )


@pytest.mark.parametrize(
    ("evicted", "uptime", "value"),
    [(1000, 3600, 1000), (1000, 7200, 500), (1000, 1, 1000), (1000, 0, 1000), (999, 3601, 998.7226)],
)
def test_evictions_an_hour(evicted, uptime, value):
    (found,) = answers("evictions", info=info(evicted_keys=evicted, uptime_in_seconds=uptime))
    assert found.value == value
    assert uptime or "in 1 s" in found.message


def test_evictions_of_the_window():
    (found,) = answers("evictions_window", rates=rates(7200, evicted_keys=50))
    assert (found.value, found.message) == (25, "50 keys were evicted in the last hour (25 an hour).")


def test_only_keys_with_a_ttl_are_stale():
    fields = {"expired_stale_perc": 12, "expired_time_cap_reached_count": 7}
    (found,) = told("expired_stale", info=info(**fields, db0="keys=30000,expires=10000"))
    assert (found.value, "ran out of its time 7 times" in found.message) == (12, True)
    assert told("expired_stale", info=info(**fields, db0="keys=30000,expires=9999")) == []


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, 1),
        ({"mem_fragmentation_ratio": 1.39}, 0),
        ({"mem_fragmentation_bytes": 20 * MB - 1}, 0),
        ({"used_memory": 5 * MB, "used_memory_peak": 5 * MB}, 1),
        ({"used_memory": 5 * MB - 1, "used_memory_peak": 5 * MB}, 0),
        ({"used_memory_peak": 150 * MB}, 1),
        ({"used_memory_peak": 150 * MB + 1}, 0),
    ],
)
def test_when_memory_is_fragmented(fields, found):
    part = {"mem_fragmentation_ratio": 1.4, "mem_fragmentation_bytes": 20 * MB, **fields}
    assert len(told("fragmentation", info=info(**part))) == found


@pytest.mark.parametrize(
    ("ratio", "wasted", "used", "found"),
    [
        (1.11, 10 * MB + 1, 99 * MB, 1),
        (1.1, 10 * MB + 1, 99 * MB, 0),
        (1.11, 10 * MB, 99 * MB, 0),
        (1.11, 11 * MB, 110 * MB, 0),
        (1.11, 11 * MB + 1, 110 * MB, 1),
        (0.9, 50 * MB, 99 * MB, 0),
    ],
)
def test_what_the_memory_doctor_finds_worth_a_word(ratio, wasted, used, found):
    fields = {"allocator_frag_ratio": ratio, "allocator_frag_bytes": wasted, "used_memory": used}
    assert len(told("memory_doctor", info=info(**fields))) == found


@pytest.mark.parametrize(
    ("fields", "subjects"),
    [
        ({"mem_clients_normal": 2000 * 1024}, []),
        ({"mem_clients_normal": 2000 * 1024 + 10}, ["client buffers"]),
        ({"mem_clients_normal": 200 * 1024 + 1, "connected_clients": 0}, ["client buffers"]),
        ({"mem_clients_normal": 200 * 1024, "connected_clients": 0}, []),
        ({"mem_clients_slaves": 10 * MB}, []),
        ({"mem_clients_slaves": 10 * MB + 1}, ["replica buffers"]),
    ],
)
def test_buffers(fields, subjects):
    assert [f.subject for f in told("memory_doctor", info=info(**fields))] == subjects


@pytest.mark.parametrize(("hits", "misses", "severity"), [(700, 299, "ok"), (700, 300, "warning"), (701, 299, "info")])
def test_hit_rate_since_the_start(hits, misses, severity):
    (found,) = answers("hit_rate", info=info(keyspace_hits=hits, keyspace_misses=misses))
    assert (found.subject, found.severity) == ("since the start", severity)
    assert found.message.startswith(f"{round(100 * hits / (hits + misses), 1):g} % of ")


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("7.2", True),
        ("7.2.4", True),
        ("7.1.9", False),
        ("8.0", True),
        ("6.9", False),
        ("8", True),
        ("7", False),
        ("x.y", False),
        ("².³", False),
        ("9" * 5000, False),
    ],
    ids=lambda value: str(value)[:8],
)
def test_since_when_clients_may_introduce_themselves(version, known):
    assert info(redis_version=version).knows_setinfo is known


@pytest.mark.parametrize(("version", "counts"), [("7.0", True), ("6.9.9", False), ("8.2.1", True), ("", False)])
def test_since_when_a_question_for_idle_times_is_a_hit(version, counts):
    assert info(redis_version=version).counts_object_questions is counts


@pytest.mark.parametrize(
    ("version", "wrong", "value"),
    [("7.1.0", 320, 2), ("7.1.0", 300, 0), ("7.1.0", 299, 0), ("7.2.0", 120, 2), ("7.2.0", 100, 0), ("7.2.0", 99, 0)],
)
def test_a_few_errors_a_connection_are_usual(version, wrong, value):
    counted = {"total_error_replies": wrong, "total_commands_processed": 1000, "total_connections_received": 100}
    (found,) = answers("errors", info=info(redis_version=version), rates=rates(**counted))
    assert found.value == value


def test_keys_are_of_databases_alone():
    part = info(db0="keys=9,expires=4", db15="keys=3,expires=3", dbx="keys=7", xx1="keys=7", db="keys=7")
    assert part.all_keys == (12, 5)
    assert info(**{"db0": "keys=9,expires=4", "db²": "keys=1,expires=1", "db" + "9" * 5000: ""}).all_keys == (10, 5)
    assert (part.keys(0), part.keys(15), part.keys(7)) == ((9, 5), (3, 0), (0, 0))


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (25, 1), (26, 2), (50, 2), (51, 3), (75, 3), (99, 4), (100, 4)]
)
def test_percentiles(percent, value):
    assert Pings((1, 2, 3, 4)).percentile(percent) == value


def test_wishes_that_are_not_told():
    assert Wishes() == Wishes(0, None, None, True)


def test_figures_of_the_window_have_their_own_units():
    counted = {
        "total_commands_processed": 120,
        "evicted_keys": 2,
        "expired_keys": 4,
        "total_connections_received": 60,
        "rejected_connections": 3,
        "total_error_replies": 6,
        "keyspace_misses": 1,
    }
    assert measurements({"rates": rates(120, **counted)}, 0) == {
        "redis.operations.per_second": 1,
        "redis.evictions.per_hour": 60,
        "redis.expiries.per_hour": 120,
        "redis.connections.per_second": 0.5,
        "redis.rejected.per_minute": 1.5,
        "redis.errors.per_second": 0.05,
        "redis.window_seconds": 120,
        "redis.hit_rate.window_percent": 0,
    }


def test_figures_are_kept_to_six_places():
    figures = measurements({"pings": Pings((1 / 3,))}, 0)
    assert figures["redis.latency.p50_seconds"] == 0.333333


def test_percentiles_that_are_kept():
    figures = measurements({"pings": Pings(tuple(range(1, 201)))}, 0)
    assert figures == {
        "redis.latency.p50_seconds": 100,
        "redis.latency.p90_seconds": 180,
        "redis.latency.p99_seconds": 198,
    }


def test_the_biggest_key_of_a_group_and_of_the_others():
    seen = [Seen(b"a%d:x" % number, True) for number in range(MOST_GROUPS)] * 2
    seen += [Seen(b"z1:x", False, 700), Seen(b"z2:x", False, 100), Seen(b"z3:x", True)]
    groups = grouped(seen, b":", 0, complete=True)
    last = groups[-1]
    assert (len(groups), last.pattern) == (MOST_GROUPS + 1, "(others)")
    assert (last.keys, last.without_ttl, last.memory_bytes, last.biggest_bytes) == (3, 2, 1200, 700)
    two = [Seen(b"a:1", True, 5), Seen(b"a:2", True, 9), Seen(b"a:3", True, 7)]
    assert grouped(two, b":", 3, complete=False)[0].biggest_bytes == 9
    assert groups[0].memory_bytes is groups[0].biggest_bytes is None


def test_fifty_groups_need_no_others():
    seen = [Seen(b"a%d:x" % number, True) for number in range(MOST_GROUPS)]
    assert len(grouped(seen, b":", 50, complete=True)) == 50


def test_a_sample_that_saw_more_than_there_is_now_is_not_scaled_down():
    seen = [Seen(b"a:1", False)] * 4
    assert grouped(seen, b":", 2, complete=False)[0].keys == 4
    assert grouped(seen, b":", 6, complete=False)[0].keys == 6


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        (b"a:b:c:d", b"a:b:*"),
        (b"a:12345678:c", b"a:*"),
        (b"a:b1:c", b"a:b1:*"),
        (b"a:ab123:c", b"a:*"),
        (b"a:abcd123:c", b"a:abcd123:*"),
    ],
)
def test_how_keys_begin(key, prefix):
    assert prefix_of(key, b":") == prefix
    assert prefix_of(key, b"") == b"(no prefix)"


def test_the_median_of_many_pings():
    pings = Pings(tuple(number / 1000 for number in range(1, 101)))
    assert answers("latency", pings=pings)[0].value == 0.05
    assert answers("latency_peak", pings=pings)[0].value == 0.099


def test_the_group_of_the_most_keys_comes_first_then_the_name():
    seen = [Seen(b"c:1", True), Seen(b"c:2", True), Seen(b"b:1", False), Seen(b"a:1", True)]
    assert [group.pattern for group in grouped(seen, b":", 4, complete=True)] == ["c:*", "a:*", "b:*"]


def test_a_server_that_started_this_second_has_run_for_one():
    (found,) = answers("rejected_connections", info=info(rejected_connections=1, uptime_in_seconds=0))
    assert found.message == "1 connections were rejected in 1 s."
