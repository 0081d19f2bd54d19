# SPDX-License-Identifier: GPL-3.0-or-later
"""How Celery's workers, queues and beat are judged, without a broker."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.celery import CHECKS, SUBJECTS
from ansible_collections.analytics.ops.plugins.module_utils._judge.celery_facts import (
    Backend,
    Beat,
    Expected,
    Lane,
    Periodic,
    Queue,
    Task,
    Unacked,
    Worker,
    lane_of,
    look_of,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Unavailable

NOW = 1_800_000_000.0
ONE = Worker("one@host", queues=("celery",), started={"shop.tick": 5})
IDLE = Unacked(0)
NONE = Unavailable("Not asked.")


def judged(check, *, workers=(ONE,), queues=(), unacked=IDLE, previous=None, **parts):
    expected = parts.get("expected", Expected())
    look, _figures = look_of(NOW, queues, workers, unacked, expected.periodic, previous or {})
    asked = {"now": NOW, "workers": workers, "queues": queues, "unacked": unacked, "backend": Backend("redis://b")}
    snapshot = {**asked, "look": look, "expected": expected, "beat": Beat(), **parts}
    found = CHECKS.select([check], thresholds=parts.get("thresholds")).findings(snapshot, "broker")
    return [finding for finding in found if finding.severity != "ok"]


def told(*given, **parts):
    return [(finding.subject, finding.severity) for finding in judged(*given, **parts)]


def before(seconds, **figures):
    return {"celery.observed_at": NOW - seconds, **{f"celery.{k.replace('__', '.')}": v for k, v in figures.items()}}


@pytest.mark.parametrize("check", list(CHECKS.checks))
def test_what_is_in_order_is_left_in_peace(check):
    assert SUBJECTS
    queues = [Queue("celery", (Lane(0, 3, 77),))]
    assert told(check, queues=queues, unacked=Unacked(2, 5.0)) == []


@pytest.mark.parametrize(
    ("workers", "expected", "told_of"),
    [
        ((), Expected(), [("workers", "critical")]),
        ((), Expected(2, ("a",)), [("workers", "critical")]),
        ((ONE,), Expected(1), []),
        ((ONE,), Expected(2), [("workers", "warning")]),
        ((ONE,), Expected(0), []),
        ((ONE,), Expected(2, ("a", "one@host")), [("a", "critical")]),
        ((replace(ONE, answers=2),), Expected(2), [("one@host", "warning")]),
    ],
)
def test_workers(workers, expected, told_of):
    assert told("workers", workers=workers, expected=expected) == told_of


def test_fewer_workers_than_before():
    previous = before(60, workers__answering=2)
    assert told("workers", previous=previous) == [("workers", "info")]
    assert told("workers", previous=previous, expected=Expected(1)) == []
    assert told("workers", previous=previous, expected=Expected(None, ("one@host",))) == []


@pytest.mark.parametrize(("depth", "severity"), [(999, None), (1000, "warning"), (10000, "critical")])
def test_queue_depth(depth, severity):
    found = judged("queue_depth", queues=[Queue("celery", (Lane(0, depth - 1, 7), Lane(3, 1, 8), Lane(6, 0)))])
    assert [f.severity for f in found] == ([severity] if severity else [])
    assert not found or f"({depth - 1} of priority 0, 1 of priority 3)" in found[0].message


def test_the_oldest_message_by_what_it_says():
    old = Queue("celery", (Lane(0, 1, 7, NOW - 900), Lane(3, 1, 8, NOW + 5), Lane(6, 0)))
    (found,) = judged("oldest_message", queues=[old])
    assert (found.severity, found.value) == ("warning", 900)
    assert found.message == "The oldest message of priority 0 waits for 15 min, as it says itself."
    assert told("oldest_message", queues=[Queue("celery", (Lane(0, 0),))]) == []


def test_the_oldest_message_by_the_previous_look():
    queue = Queue("my queue", (Lane(0, 1, 7),))
    key = "celery.queue.my_queue.p0.oldest_"
    same = {**before(600), key + "mark": 7, key + "since": NOW - 3600}
    (found,) = judged("oldest_message", queues=[queue], previous=same)
    assert (found.severity, found.value) == ("critical", 3600)
    assert "at least 1 h: for so long it is known to be the oldest" in found.message
    assert told("oldest_message", queues=[queue], previous={**same, key + "mark": 6}) == []
    _look, figures = look_of(NOW, [queue], NONE, NONE, (), same)
    assert (figures[key + "mark"], figures[key + "since"]) == (7, NOW - 3600)


def test_queues_that_nobody_consumes():
    exports = Queue("exports", (Lane(0, 4, 7),))
    assert told("queue_consumers", queues=[exports, Queue("celery")]) == [("exports", "critical")]
    assert told("queue_consumers", queues=[exports], workers=()) == []
    assert told("queue_consumers", queues=[exports], workers=(ONE, replace(ONE, queues=None))) == []


@pytest.mark.parametrize(
    ("started", "severity"),
    [(NOW - 1799, None), (NOW - 1800, "warning"), (NOW - 3600, "critical"), (NOW + 9, None), (None, None)],
)
def test_long_tasks(started, severity):
    worker = replace(ONE, active=(Task("shop.nap", "17", "one@host", started),))
    assert told("long_tasks", workers=(worker,)) == ([("shop.nap 17", severity)] if severity else [])


def test_progress():
    queues = [Queue("celery", (Lane(0, 3, 7),)), Queue("other", (Lane(0, 3, 7),)), Queue("empty")]
    then = {"tasks__started_total": 5, "queue__celery__depth": 1, "queue__other__depth": 1}
    assert told("progress", queues=queues, previous=before(300, **then)) == [("celery", "warning")]
    assert told("progress", queues=queues, previous=before(1800, **then)) == [("celery", "critical")]
    assert told("progress", queues=queues, previous=before(299, **then)) == []
    assert told("progress", queues=queues, previous=before(300, **{**then, "tasks__started_total": 4})) == []
    assert told("progress", queues=queues, previous=before(300, **{**then, "queue__celery__depth": 0})) == []
    assert told("progress", queues=queues) == []


def test_unacknowledged_messages():
    assert told("unacked", unacked=Unacked(10**6)) == []
    assert told("unacked", unacked=Unacked(5), thresholds={"unacked": {"warning": 5}}) == [
        ("unacknowledged", "warning")
    ]
    assert told("unacked_age", unacked=Unacked(1, 3600.0)) == [("unacknowledged", "warning")]
    assert told("unacked_age", unacked=Unacked(1, 7200.0)) == [("unacknowledged", "critical")]
    assert told("unacked_age", unacked=Unacked(0, 7200.0)) == []


def test_the_schedule_file():
    assert told("beat_schedule", beat=Beat("/s", None)) == [("/s", "critical")]
    assert told("beat_schedule", beat=Beat("/s", 899.0)) == []
    assert told("beat_schedule", beat=Beat("/s", 900.0)) == [("/s", "warning")]


def test_the_lock_of_redbeat():
    assert told("beat_lock", beat=Beat(lock_key="k")) == [("RedBeat", "critical")]
    assert told("beat_lock", beat=Beat(lock_key="k", lock_seconds=-0.001)) == [("RedBeat", "warning")]
    assert told("beat_lock", beat=Beat(lock_key="k", lock_seconds=30.0)) == []


TICK = Expected(periodic=(Periodic("shop.tick", 60.0),))


@pytest.mark.parametrize(
    ("figures", "severity"),
    [
        ({}, None),  # watching begins now
        ({"started_total": 4, "ran_at": NOW - 600}, None),  # it ran since
        ({"started_total": 9, "ran_at": NOW - 600}, None),  # a worker was restarted, and it ran since
        ({"started_total": 5, "ran_at": NOW - 119}, None),
        ({"started_total": 5, "ran_at": NOW - 120}, "warning"),
        ({"started_total": 5, "ran_at": NOW - 180}, "critical"),
        ({"ran_at": NOW - 180}, "critical"),
    ],
)
def test_periodic_tasks(figures, severity):
    previous = before(60, **{f"task__shop_tick__{name}": value for name, value in figures.items()})
    found = judged("periodic_tasks", expected=TICK, previous=previous)
    assert [f.severity for f in found] == ([severity] if severity else [])


def test_periodic_tasks_of_workers_that_do_not_count():
    previous = before(60, task__shop_tick__ran_at=NOW - 900, task__shop_tick__started_total=5)
    assert told("periodic_tasks", expected=TICK, previous=previous, workers=()) == []
    assert told("periodic_tasks", expected=TICK, previous=previous, workers=(replace(ONE, started=None),)) == []
    # A worker that restarted and has started none yet is no sign that it ran.
    idle = (replace(ONE, started={}),)
    assert told("periodic_tasks", expected=TICK, previous=previous, workers=idle) == [("shop.tick", "critical")]


def test_the_result_backend():
    assert told("result_backend", backend=Backend("redis://b", "gone", "Start it.")) == [("redis://b", "critical")]
    assert told("result_backend", backend=Backend("redis://b", replica=True)) == [("redis://b", "critical")]


def test_measurements():
    worker = replace(ONE, active=(Task("t", "1", "w"),), reserved=3)
    queues = [Queue("celery", (Lane(0, 2, 99), Lane(3, 1, 0)))]
    _look, figures = look_of(NOW, queues, (worker, worker), Unacked(4, 1.23), TICK.periodic, {})
    assert figures == {
        "celery.observed_at": NOW,
        "celery.workers.answering": 2,
        "celery.tasks.active": 2,
        "celery.tasks.reserved": 6,
        "celery.tasks.started_total": 10,
        "celery.task.shop_tick.started_total": 10,
        "celery.task.shop_tick.ran_at": NOW,
        "celery.unacked.count": 4,
        "celery.unacked.oldest_seconds": 1.2,
        "celery.queue.celery.depth": 3,
        "celery.queue.celery.p0.oldest_mark": 99,
        "celery.queue.celery.p0.oldest_since": NOW,
    }
    _look, blind = look_of(NOW, NONE, NONE, NONE, (), {})
    assert blind == {"celery.observed_at": NOW}
    with pytest.raises(InputError, match="observed_at"):
        look_of(NOW, NONE, NONE, NONE, (), {"other": 1})


def message(headers=None, properties=None) -> bytes:
    return json.dumps({"headers": headers, "properties": properties}).encode()


def test_messages_are_told_from_each_other():
    marks = {
        lane_of(0, 1, given, ()).mark
        for given in (
            message({"id": "a"}),
            message({"id": "b"}),
            message(None, {"correlation_id": "c"}),
            message({}, {"delivery_tag": "d"}),
            message(),
            b"\xff",
            b"[" * 9999,
            b"[]",
            b'{"headers": 7}',
            b'{"headers": {"id": "\\ud800"}}',
        )
    }
    assert len(marks) == 10
    assert lane_of(0, 1, message({"id": "a", "x": 1}), ()).mark == lane_of(3, 9, message({"id": "a"}), ()).mark
    assert all(0 < mark < 2**53 for mark in marks)  # a number of JSON, exactly
    assert lane_of(0, 0, b"", ()) == Lane(0, 0)


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        (1_800_000_000, 1_800_000_000),
        ("1800000000.5", 1_800_000_000.5),
        (1_800_000_000_000, 1_800_000_000),
        ("2027-01-15T08:00:00Z", 1_800_000_000),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000),
        ("2027-01-15T08:00:00", 1_800_000_000),
        (5, None),
        (1e300, None),
        ("yesterday", None),
        (None, None),
        ([1], None),
    ],
)
def test_when_a_message_was_sent(said, moment):
    assert lane_of(0, 1, message({"id": "a", "sent_at": said}), ("other", "sent_at")).sent_at == moment
    assert lane_of(0, 1, message({"id": "a"}, {"sent_at": said}), ("sent_at",)).sent_at == moment
    assert lane_of(0, 1, message({"id": "a", "sent_at": said}), ("other",)).sent_at is None


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_number_beyond_all_others_is_no_moment(digits):
    """JSON has numbers of any size; the first is too great for a float, the second too long for Python to read."""
    given = b'{"headers": {"sent_at": 1' + b"0" * digits + b"}}"
    assert lane_of(0, 1, given, ("sent_at",)) == Lane(0, 1, lane_of(0, 1, given, ()).mark)
