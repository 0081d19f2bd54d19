# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of a Redis server: when it is short, what happens then, and what is said about it."""

from __future__ import annotations

import pytest

from tests.support.redis_info import MB, answers, info, told


@pytest.mark.parametrize(
    ("policy", "advice"),
    [("allkeys-lru", "At the limit keys are evicted"), ("noeviction", "At the limit every write fails")],
)
def test_what_happens_at_the_limit_is_said(policy, advice):
    (found,) = told("memory", info=info(used_memory=750 * MB, maxmemory_policy=policy))
    assert found.message == "750 MB of 1 000 MB in use (75 %)."
    assert found.advice.startswith(advice)


FULL = {"used_memory": 750 * MB, "used_memory_peak": 750 * MB}


@pytest.mark.parametrize(
    ("policy", "keys", "message"),
    [
        ("noeviction", "keys=10,expires=4", "writes will fail at the limit although 4 keys have a TTL"),
        ("noeviction", "keys=10,expires=0", None),
        ("volatile-lru", "keys=10,expires=0", "volatile-lru, but none of the 10 keys has a TTL: nothing can be"),
        ("volatile-lru", "keys=10,expires=1", None),
        ("volatile-ttl", "", None),
        ("allkeys-lfu", "keys=10,expires=0", None),
    ],
)
def test_a_policy_that_makes_no_room(policy, keys, message):
    found = told("eviction_policy", info=info(**FULL, maxmemory_policy=policy, db0=keys))
    assert [(f.subject, f.severity, f.value) for f in found] == ([(policy, "warning", 75)] if message else [])
    if message:
        assert message in found[0].message


@pytest.mark.parametrize("fields", [{"used_memory": 749 * MB}, {"maxmemory": 0}])
def test_the_policy_changes_nothing_while(fields):
    part = {**FULL, "maxmemory_policy": "volatile-lru", "db0": "keys=10,expires=0", **fields}
    assert told("eviction_policy", info=info(**part)) == []


def test_keys_of_all_databases_count_for_the_policy():
    part = info(**FULL, maxmemory_policy="volatile-lru", db0="keys=10,expires=0", db11="keys=5,expires=1")
    assert told("eviction_policy", info=part) == []


def test_a_peak_long_past_is_told_once_and_spoils_no_ratio():
    past = {"used_memory_peak": 151 * MB, "allocator_frag_ratio": 3, "allocator_frag_bytes": 90 * MB}
    (found,) = told("memory_doctor", info=info(**past))
    assert (found.subject, found.severity, found.value) == ("peak", "info", 151 * MB)
    assert "151 MB were in use at the peak, 100 MB now" in found.message
    (found,) = told("memory_doctor", info=info(**{**past, "used_memory_peak": 150 * MB}))
    assert found.subject == "allocator fragmentation"


@pytest.mark.parametrize(("scripts", "told_of"), [(1000, False), (1001, True)])
def test_scripts_that_are_made_anew_for_every_value(scripts, told_of):
    found = told("memory_doctor", info=info(number_of_cached_scripts=scripts))
    assert [(f.subject, f.severity, f.value) for f in found] == ([("scripts", "warning", scripts)] if told_of else [])


@pytest.mark.parametrize(("field", "subject"), [("allocator_rss", "allocator"), ("rss_overhead", "process overhead")])
def test_where_memory_is_lost(field, subject):
    (found,) = told("memory_doctor", info=info(**{field + "_ratio": 1.5, field + "_bytes": 50 * MB}))
    assert (found.subject, found.severity, found.value) == (subject, "info", 1.5)
    assert found.message == "50 MB are lost here (ratio 1.5)."


@pytest.mark.parametrize(
    ("ratio", "wasted"), [(1.1, 50 * MB), (1.5, 10 * MB)], ids=["at the ratio", "at a tenth and the least waste"]
)
def test_a_little_waste_is_not_worth_a_word(ratio, wasted):
    assert told("memory_doctor", info=info(allocator_frag_ratio=ratio, allocator_frag_bytes=wasted)) == []


def test_a_server_that_is_nearly_empty_has_no_doctor():
    little = {"used_memory": 5 * MB - 1, "used_memory_peak": 5 * MB, "number_of_cached_scripts": 5000}
    assert told("memory_doctor", info=info(**little)) == []
    assert told("memory_doctor", info=info(**{**little, "used_memory": 5 * MB})) != []


@pytest.mark.parametrize(
    ("limit", "host", "percent"), [(8000, 8000, None), (8008, 8000, 100.1), (16000, 8000, 200), (8000, 0, None)]
)
def test_a_limit_larger_than_the_host_is_none(limit, host, percent):
    found = told("memory_limit", info=info(maxmemory=limit * MB, total_system_memory=host * MB))
    expected = [("maxmemory", "warning", percent)] if percent else []
    assert [(f.subject, f.severity, f.value) for f in found] == expected
    if percent == 200:
        assert found[0].message == "maxmemory is 15.6 GB, more than the 7.81 GB that the host has: it is no limit."


@pytest.mark.parametrize(("taken", "severity"), [(7199, "ok"), (7200, "warning")])
def test_a_process_that_takes_the_host(taken, severity):
    (found,) = answers("host_memory", info=info(used_memory_rss=taken * MB))
    assert (found.subject, found.severity) == ("process", severity)
    assert found.message.startswith("The process takes 7.03 GB of the host's 7.81 GB.")


@pytest.mark.parametrize("fields", [{"maxmemory": 0}, {"total_system_memory": 0}])
def test_the_host_is_judged_elsewhere_or_not_known(fields):
    (found,) = answers("host_memory", info=info(used_memory_rss=8000 * MB, **fields))
    assert (found.severity, found.value) == ("ok", None)


@pytest.mark.parametrize(
    ("buffers", "limit", "severity"),
    [(64, 320, "warning"), (64, 321, "ok"), (63, 100, "ok"), (200, 1000, "warning"), (199, 1000, "ok")],
)
def test_buffers_that_take_the_room_of_the_data(buffers, limit, severity):
    part = info(mem_clients_normal=buffers * MB, maxmemory=limit * MB, used_memory=buffers * MB)
    (found,) = answers("client_memory", info=part)
    assert (found.subject, found.severity) == ("client buffers", severity)
    assert found.message == f"Buffers of 10 clients take {buffers} MB of the {limit} MB of maxmemory.".replace(
        "1000 MB", "1 000 MB"
    )


def test_without_a_limit_buffers_take_no_room():
    (found,) = answers("client_memory", info=info(mem_clients_normal=900 * MB, maxmemory=0))
    assert (found.severity, found.value) == ("ok", None)


def test_buffers_cannot_take_more_than_there_is():
    (found,) = answers("client_memory", info=info(mem_clients_normal=900 * MB, used_memory=100 * MB))
    assert (found.severity, found.value) == ("ok", 10)
