# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients of a Redis server ask and what they are answered, judged at the limits."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import (
    WAITING,
    Clock,
    Denial,
    LatencyEvent,
    Pings,
    SlowCommand,
)

from tests.support.redis_info import answers, info, judged, rates, told

NOW = 100000.0


@pytest.mark.parametrize(
    ("hits", "misses", "severity"),
    [
        (59, 41, "critical"),
        (60, 40, "critical"),
        (61, 39, "warning"),
        (70, 30, "warning"),
        (71, 29, "info"),
        (79, 21, "info"),
        (80, 20, "ok"),
        (78, 21, "ok"),
        (1, 98, "ok"),
    ],
)
def test_hit_rate_of_the_window(hits, misses, severity):
    (found,) = answers("hit_rate_window", rates=rates(keyspace_hits=hits, keyspace_misses=misses))
    assert (found.subject, found.severity) == ("window", severity)
    assert found.value == round(100 * hits / (hits + misses), 4)
    assert f"of {hits + misses} look-ups in the last hour were hits." in found.message
    assert bool(found.advice) == (severity != "ok")


def test_nothing_is_judged_where_nobody_looked_anything_up():
    for found in (
        answers("hit_rate_window", rates=rates()),
        answers("hit_rate", info=info(keyspace_hits=0, keyspace_misses=0)),
    ):
        assert [(f.severity, f.value) for f in found] == [("ok", None)]


QUEUES = {"cmdstat_llen": "calls=300", "cmdstat_lindex": "calls=20", "cmdstat_setex": "calls=500"}


@pytest.mark.parametrize("waiting", WAITING)
@pytest.mark.parametrize(("published", "of_queues"), [(500, 820), (499, 819), (900, 820), (0, 320)])
def test_misses_of_queues_and_results_are_no_misses_of_a_cache(waiting, published, of_queues):
    counters = {**QUEUES, f"cmdstat_{waiting}": "calls=1", "cmdstat_publish": f"calls={published}"}
    (found,) = answers("hit_rate", info=info(keyspace_hits=900, keyspace_misses=1000, **counters))
    misses = 1000 - of_queues
    assert found.value == round(90000 / (900 + misses), 4)
    assert f"were hits, without up to {of_queues} of queues and results." in found.message


def test_without_a_queue_every_miss_is_one_of_the_cache():
    counters = {**QUEUES, "cmdstat_publish": "calls=9", "keyspace_hits": 900, "keyspace_misses": 1100}
    (found,) = answers("hit_rate", info=info(**counters))
    assert found.message == "45 % of 2 000 look-ups since the start were hits."


def test_more_questions_of_queues_than_misses():
    (found,) = answers("hit_rate_window", rates=rates(keyspace_hits=100, keyspace_misses=10, queue_misses=40))
    assert found.message == "100 % of 100 look-ups in the last hour were hits, without up to 10 of queues and results."


def test_without_a_limit_no_hit_rate_is_worth_a_word():
    off = {"redis.hit_rate_window": {"warning": None, "critical": None}}
    assert judged("hit_rate_window", off, rates=rates(keyspace_hits=75, keyspace_misses=25)) == {}


@pytest.mark.parametrize(("connected", "severity"), [(79, "ok"), (80, "warning"), (90, "critical")])
def test_connections(connected, severity):
    (found,) = answers("clients", info=info(connected_clients=connected, maxclients=100))
    assert (found.subject, found.severity, found.value) == ("maxclients", severity, connected)
    assert found.message == f"{connected} of 100 connections are in use."


@pytest.mark.parametrize(
    ("rejected", "uptime", "severity", "per_minute"),
    [
        (0, 600, "ok", 0),
        (1, 600, "info", 0.1),
        (49, 600, "info", 4.9),
        (50, 600, "warning", 5),
        (4, 1, "info", 4),
        (5, 0, "warning", 5),
    ],
)
def test_rejected_since_the_start(rejected, uptime, severity, per_minute):
    part = info(rejected_connections=rejected, uptime_in_seconds=uptime)
    (found,) = answers("rejected_connections", info=part)
    assert (found.subject, found.severity, found.value) == ("since the start", severity, per_minute)
    assert found.message.startswith(f"{rejected} connections were rejected in ")


@pytest.mark.parametrize(
    ("rejected", "seconds", "severity", "per_minute"),
    [(4, 10, "ok", 4), (5, 10, "warning", 5), (9, 120, "ok", 4.5), (10, 120, "warning", 5)],
)
def test_rejected_in_the_window(rejected, seconds, severity, per_minute):
    (found,) = answers("rejected_connections_window", rates=rates(seconds, rejected_connections=rejected))
    assert (found.subject, found.severity, found.value) == ("window", severity, per_minute)
    assert found.message == f"{rejected} connections were rejected in the last hour."


def test_blocked_clients_are_judged_by_a_limit_of_the_user_alone():
    part = info(blocked_clients=8, connected_clients=10)
    assert judged("blocked_clients", info=part) == {}
    (found,) = told("blocked_clients", {"blocked_clients": {"warning": 8}}, info=part)
    assert (found.subject, found.severity, found.value) == ("blocked clients", "warning", 8)
    assert found.message == "8 of 10 clients wait in a blocking command."


@pytest.mark.parametrize(
    ("changes", "dropped"),
    [
        ({}, 0),
        ({"evicted_clients": 1}, 1),
        ({"client_output_buffer_limit_disconnections": 2}, 2),
        ({"client_output_buffer_limit_disconnections": 2, "evicted_clients": 1}, 3),
        ({"client_query_buffer_limit_disconnections": 4}, 4),
    ],
)
def test_clients_that_were_cut_off(changes, dropped):
    (found,) = answers("dropped_clients", rates=rates(**changes))
    assert (found.severity, found.value) == ("warning" if dropped else "ok", dropped)
    assert found.message == f"{dropped} clients were cut off for their buffers in the last hour."


@pytest.mark.parametrize(
    ("wrong", "commands", "severity"),
    [
        (20, 2000, "warning"),
        (20, 2001, "ok"),
        (20, 400, "critical"),
        (20, 401, "warning"),
        (19, 20, "ok"),
        (0, 0, "ok"),
        (50, 10, "critical"),
    ],
)
def test_errors(wrong, commands, severity):
    (found,) = answers("errors", rates=rates(total_error_replies=wrong, total_commands_processed=commands))
    most = max(wrong, commands, 1)
    assert (found.severity, found.value) == (severity, round(100 * wrong / most, 4))
    assert found.message.endswith("commands in the last hour were answered with an error.")


def test_more_usual_errors_than_errors_are_none():
    counted = {"total_error_replies": 5, "usual_errors": 9, "total_commands_processed": 10}
    assert answers("errors", rates=rates(**counted))[0].value == 0


def test_a_refused_write_is_data_that_is_lost():
    (found,) = told("write_errors", rates=rates(write_errors=1))
    assert (found.subject, found.severity, found.value) == ("window", "critical", 1)
    assert found.message == "1 writes were refused in the last hour (OOM, MISCONF or NOREPLICAS)."
    assert judged("write_errors", rates=rates()) == {}


def test_denials_of_the_last_hour_are_counted_by_user():
    denials = (
        Denial("app", "key", 40, 3600.0),
        Denial("app", "command", 20, 10.0),
        Denial("app", "auth", 900, 3600.1),
        Denial("ops", "auth", 59, 1.0),
    )
    (found,) = told("acl_denials", denials=denials)
    assert (found.subject, found.severity, found.value) == ("app", "warning", 60)
    assert found.message == "The user was denied 60 times in the last hour (command, key)."
    assert judged("acl_denials", denials=()) == {}


@pytest.mark.parametrize(
    ("seconds", "median", "peak"),
    [
        ((0.0199,) * 9, "ok", "ok"),
        ((0.02,) * 9, "warning", "ok"),
        ((0.1,) * 9, "critical", "ok"),
        ((0.001,) * 8 + (0.25,), "ok", "warning"),
        ((0.001,) * 8 + (1.0,), "ok", "critical"),
    ],
)
def test_latency(seconds, median, peak):
    (usual,) = answers("latency", pings=Pings(seconds))
    (worst,) = answers("latency_peak", pings=Pings(seconds))
    assert (usual.subject, usual.severity, usual.value) == ("median", median, seconds[4])
    assert (worst.subject, worst.severity, worst.value) == ("99th percentile", peak, seconds[-1])
    assert usual.message.startswith("The median of 9 pings took ")
    assert worst.message.startswith("The 99th percentile of 9 pings took ")


@pytest.mark.parametrize(
    ("age", "latest", "severity"),
    [(3600, 0.25, "warning"), (3601, 9.0, None), (10, 1.0, "critical"), (10, 0.249, "ok")],
)
def test_events_of_the_latency_monitor(age, latest, severity):
    event = LatencyEvent("fork", NOW - age, latest, 9.0)
    found = [f for f in answers("latency_events", events=(event,), clock=Clock(NOW)) if f.value is not None]
    assert [(f.subject, f.severity, f.value) for f in found] == ([("fork", severity, latest)] if severity else [])
    if severity:
        assert "The latest 'fork' stalled the server for" in found[0].message
        assert "the worst so far for 9 s" in found[0].message


@pytest.mark.parametrize(("usec", "severity"), [(0, None), (499999, "ok"), (500000, "warning"), (2000000, "critical")])
def test_forks(usec, severity):
    found = [f for f in answers("fork", info=info(latest_fork_usec=usec)) if f.value is not None]
    assert [(f.subject, f.severity) for f in found] == ([("latest fork", severity)] if severity else [])


def test_slow_commands_say_how_many_since_when_and_the_worst():
    slow = (
        SlowCommand(7, NOW - 3600, 0.5, "KEYS", 1),
        SlowCommand(8, NOW - 5, 2.0, "KEYS", 3),
        SlowCommand(6, NOW - 3601, 9.0, "KEYS", 9),
    )
    (found,) = told("slow_commands", slow=slow, clock=Clock(NOW))
    assert (found.subject, found.severity, found.value) == ("KEYS", "critical", 2)
    assert found.message == "KEYS is in the slow log 2 times in the last hour; the slowest took 2 s with 3 arguments."
    (found,) = told("slow_commands", slow=slow, clock=Clock(NOW, 60.0, 7))
    assert "1 times since the previous look" in found.message
    assert judged("slow_commands", slow=(), clock=Clock(NOW, 60.0, 7)) == {}
    assert judged("slow_commands", slow=slow[:1], clock=Clock(NOW, 60.0, 7)) == {}
