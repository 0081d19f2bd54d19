# SPDX-License-Identifier: GPL-3.0-or-later
"""What real servers cannot be made to show at will: corner cases of the checks on Redis, and their arithmetic."""

from __future__ import annotations

import math

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis import CHECKS
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import (
    Clock,
    Info,
    SlowCommand,
)

from tests.support.redis_info import MB, SOUND, answers, info, judged, rates


@pytest.mark.parametrize("check", [name for name, check in CHECKS.checks.items() if set(check.needs) <= {"info"}])
def test_a_sound_server_is_left_in_peace(check):
    assert judged(check) == {}


@pytest.mark.parametrize("check", [name for name, check in CHECKS.checks.items() if set(check.needs) <= {"info"}])
def test_an_old_server_that_tells_next_to_nothing_is_no_reason_to_fail(check):
    assert judged(check, info=Info({})) == {}


ODD = ["-nan", "inf", "1e999", "", "many"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("check", [name for name, check in CHECKS.checks.items() if set(check.needs) <= {"info"}])
def test_what_is_no_number_is_taken_for_nothing(check, odd):
    """A proxy, a fork, or a ratio of nothing: some C libraries print ``-nan``."""
    fields = {name: odd for name in SOUND if name not in ("redis_version", "role", "maxmemory_policy")}
    for part in (info(mem_fragmentation_ratio=odd, db0=f"keys={odd},expires=5"), info(**fields)):
        found = answers(check, info=part)
        assert all(finding.value is None or math.isfinite(finding.value) for finding in found)


@pytest.mark.parametrize(
    ("check", "changes", "expected"),
    [
        ("memory", {"used_memory": 750 * MB}, {"maxmemory": "warning"}),
        ("memory", {"used_memory": 900 * MB}, {"maxmemory": "critical"}),
        ("memory", {"used_memory": 950 * MB, "mem_not_counted_for_evict": 300 * MB}, {}),
        ("memory", {"used_memory": 7500 * MB, "maxmemory": 0}, {"host memory": "critical"}),
        ("memory_limit", {"maxmemory": 0}, {}),
        ("memory_limit", {"maxmemory": 0, "used_memory": 900 * MB}, {"maxmemory": "info"}),
        ("eviction_policy", {"maxmemory_policy": "noeviction", "db0": "keys=10,expires=5"}, {}),
        ("fragmentation", {"mem_fragmentation_ratio": 3, "mem_fragmentation_bytes": 15 * MB}, {}),
        ("fragmentation", {"mem_fragmentation_ratio": 1.5, "mem_fragmentation_bytes": 50 * MB}, {"process": "warning"}),
        # After a peak the ratio says nothing, and a server that is nearly empty has none worth naming.
        (
            "fragmentation",
            {"mem_fragmentation_ratio": 3, "mem_fragmentation_bytes": 200 * MB, "used_memory_peak": 300 * MB},
            {},
        ),
        (
            "fragmentation",
            {"mem_fragmentation_ratio": 13, "mem_fragmentation_bytes": 50 * MB, "used_memory": 4 * MB},
            {},
        ),
        ("memory_doctor", {"allocator_frag_ratio": 1.5, "allocator_frag_bytes": 5 * MB}, {}),
        (
            "memory_doctor",
            {"allocator_frag_ratio": 1.5, "allocator_frag_bytes": 50 * MB},
            {"allocator fragmentation": "info"},
        ),
        ("memory_doctor", {"mem_clients_normal": 30 * MB}, {"client buffers": "warning"}),
        ("memory_doctor", {"mem_clients_slaves": 11 * MB}, {"replica buffers": "warning"}),
        ("evictions", {"evicted_keys": 200000}, {}),
        ("evictions", {"evicted_keys": 300000}, {"since the start": "warning"}),
        # Never made larger by a start a moment ago.
        ("evictions", {"evicted_keys": 900, "uptime_in_seconds": 5}, {}),
        ("expired_stale", {"expired_stale_perc": 30, "db0": "keys=9000,expires=9000"}, {}),
        ("expired_stale", {"expired_stale_perc": 30, "db0": "keys=90000,expires=90000"}, {"expired keys": "critical"}),
        ("expired_stale", {"expired_stale_perc": 12, "db0": "keys=90000,expires=90000"}, {"expired keys": "warning"}),
        ("hit_rate", {"keyspace_hits": 100, "keyspace_misses": 800}, {}),
        ("hit_rate", {"keyspace_hits": 750, "keyspace_misses": 250}, {"since the start": "info"}),
        ("rejected_connections", {"rejected_connections": 3}, {"since the start": "info"}),
        ("fork", {"latest_fork_usec": 20000}, {}),
        ("fork", {"latest_fork_usec": 700000}, {"latest fork": "warning"}),
        ("loading", {"async_loading": 1}, {"data set": "warning"}),
        (
            "replica_link",
            {"role": "slave", "master_link_status": "down", "master_sync_in_progress": 1, "master_host": "a"},
            {"a:": "warning"},
        ),
        ("replication_lag", {"role": "slave", "master_link_status": "up", "master_last_io_seconds_ago": 9}, {}),
        (
            "replication_lag",
            {"role": "slave", "master_link_status": "up", "master_last_io_seconds_ago": 61},
            {"this replica": "critical"},
        ),
        (
            "replication_lag",
            {"slave0": "ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0"},
            {"replica 10.0.0.2:6379": "warning"},
        ),
    ],
)
def test_what_info_tells(check, changes, expected):
    assert judged(check, info=info(**changes)) == expected


def test_error_replies_that_are_part_of_ordinary_work_do_not_count():
    counted = {"total_error_replies": 500, "usual_errors": 490, "total_commands_processed": 1000}
    assert judged("errors", rates=rates(**counted)) == {}
    assert judged("errors", rates=rates(**{**counted, "usual_errors": 0})) == {"window": "critical"}


def test_libraries_that_introduce_themselves_to_an_old_server_are_no_error():
    counted = {"total_error_replies": 300, "total_commands_processed": 1000, "total_connections_received": 100}
    assert judged("errors", info=info(redis_version="7.0.15"), rates=rates(**counted)) == {}
    assert judged("errors", info=info(redis_version="6.2.1"), rates=rates(**counted)) == {}
    assert judged("errors", info=info(redis_version="8.0.2"), rates=rates(**counted)) == {"window": "critical"}
    counted["total_error_replies"] = 100
    assert judged("errors", info=info(redis_version="7.2.4"), rates=rates(**counted)) == {}


def test_a_few_evictions_in_a_short_window_are_not_made_an_hourly_rate():
    assert judged("evictions_window", rates=rates(1, evicted_keys=9)) == {}
    assert judged("evictions_window", rates=rates(1, evicted_keys=10)) == {"window": "warning"}
    assert judged("evictions_window", rates=rates(3600, evicted_keys=999)) == {}


def test_slow_commands_of_the_last_hour_or_since_the_previous_look():
    slow = (SlowCommand(7, 9000.0, 2.0, "KEYS", 1), SlowCommand(6, 1000.0, 0.5, "SORT", 3))
    assert judged("slow_commands", slow=slow, clock=Clock(9100.0)) == {"KEYS": "critical"}
    assert judged("slow_commands", slow=slow, clock=Clock(9100.0, 60.0, 7)) == {}
    assert judged("slow_commands", slow=slow, clock=Clock(9100.0, 60.0, 5)) == {"KEYS": "critical", "SORT": "warning"}
    # A number larger than any there is: the server was restarted, the numbers began anew.
    assert judged("slow_commands", slow=slow, clock=Clock(9100.0, 60.0, 900)) == {"KEYS": "critical"}
