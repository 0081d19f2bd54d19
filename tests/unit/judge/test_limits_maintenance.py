# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the plans of reindexing, of deleting keys, of locks and of budgets turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError, Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.bloat import Bloat
from ansible_collections.analytics.ops.plugins.module_utils._judge.interval import Interval
from ansible_collections.analytics.ops.plugins.module_utils._judge.keys import KeyWork, Pace, names_nothing
from ansible_collections.analytics.ops.plugins.module_utils._judge.lock import plan_to_acquire, read_lock
from ansible_collections.analytics.ops.plugins.module_utils._judge.maintenance import (
    Budget,
    require_positive,
    thresholds_of,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.reindex import (
    IndexWork,
    JournalEntry,
    ReindexThresholds,
    confirmed,
    entries_from,
    estimate_seconds,
    journal_of,
    plan_reindex,
    transaction_obstacle,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.threshold import Threshold
from ansible_collections.analytics.ops.plugins.module_utils._observe.pg_blockers import Holder, ServerState

from tests.unit.judge.test_keys import WISHES
from tests.unit.judge.test_lock import LOCK, NOON
from tests.unit.judge.test_maintenance import Clock
from tests.unit.judge.test_reindex import BLOATED, HEALTHY, INVALID, LEFTOVER

MEGABYTE = 1 << 20
LIMITS = ReindexThresholds()


def work(need="bloat", bloat=None):
    return IndexWork(BLOATED, need, "why", bloat)


@pytest.mark.parametrize(
    ("size", "fresh", "bloated"),
    [(250, 150, True), (251, 151, False), (249, 149, True), (200, 101, False), (1000, 600, True), (1000, 601, False)],
    ids=["both", "39.8 %", "40.2 %", "99 MB", "40 %", "39.9 %"],
)
def test_when_an_index_is_bloated(size, fresh, bloated):
    measured = Bloat(size * MEGABYTE, fresh * MEGABYTE)
    assert (confirmed(work(), measured, LIMITS) is not None) is bloated


def test_nothing_to_gain_is_no_bloat_whatever_the_limits_are():
    off = ReindexThresholds(0, 0)
    assert confirmed(work(), Bloat(5, 5), off) is None
    assert confirmed(work(), Bloat(5, 4), off) is not None


@pytest.mark.parametrize(
    ("found", "concurrently", "megabytes"),
    [
        (work(bloat=Bloat(256 * MEGABYTE, 32 * MEGABYTE)), True, 16 + 16 + 32),
        (work(bloat=Bloat(256 * MEGABYTE, 32 * MEGABYTE)), False, 16 + 32),
        (work("invalid"), True, 16 + 16 + 256),
        (work("leftover"), True, 0),
    ],
)
def test_estimates_are_five_hundredths_and_a_second_for_every_32_megabytes(found, concurrently, megabytes):
    assert estimate_seconds(found, concurrently) == pytest.approx(0.05 + megabytes / 32)


def test_steps_tell_what_they_do_and_to_how_much():
    step = replace(work(bloat=Bloat(3000, 1000)), estimated_seconds=1.23456).step()
    assert (step.action, step.details["bloat_percent"], step.details["estimated_seconds"]) == ("reindex", 66.7, 1.235)
    assert (step.details["measured"], step.details["size_bytes"]) == (False, 1 << 28)
    assert work("leftover").step().action == "drop"
    assert work().step().details["bloat_percent"] is None
    assert work().estimated_seconds == 0


def test_the_order_is_by_bytes_then_by_name():
    works, _left = plan_reindex(
        [replace(INVALID, name="b"), replace(INVALID, name="a"), replace(BLOATED, size_bytes=1 << 29), BLOATED], LIMITS
    )
    assert [(w.index.name, w.index.size_bytes >> 28) for w in works[2:]] == [("orders_pkey", 2), ("orders_pkey", 1)]
    assert [w.index.name for w in works[:2]] == ["a", "b"]


@pytest.mark.parametrize(
    "passed", [{"schema": "other"}, {"system": True}, {"size_bytes": 5}, {"valid": False, "building": True}]
)
def test_an_index_that_is_passed_over_does_not_hide_the_next(passed):
    works, _left = plan_reindex([replace(BLOATED, **passed), BLOATED], LIMITS, include=["public.*"])
    assert [w.index for w in works] == [BLOATED]


@pytest.mark.parametrize(("limit", "planned"), [(1 << 28, 1), ((1 << 28) - 1, 0), (0, 0), (None, 1)])
def test_the_largest_index_that_may_be_rebuilt(limit, planned):
    works, left = plan_reindex([BLOATED], LIMITS, max_index_size=limit)
    assert (len(works), len(left)) == (planned, 1 - planned)


def test_a_leftover_is_dropped_however_large_and_stale_it_is_and_what_of():
    leftover = replace(LEFTOVER, size_bytes=1 << 40, exclusion=True)
    journal = [JournalEntry(7, "other"), JournalEntry(500, "orders_pkey")]
    works, left = plan_reindex([leftover], LIMITS, journal, max_index_size=5)
    assert (len(works), left) == (1, [])
    assert len(plan_reindex([replace(INVALID, changed_rows=10**9)], LIMITS)[0]) == 1


def test_a_journal_is_of_what_is_rebuilt_and_of_the_invalid_ones_of_that_table():
    works = [work("leftover"), work()]
    others = [replace(INVALID, oid=1), replace(INVALID, oid=2, table_oid=9), HEALTHY]
    assert journal_of(works, others) == [JournalEntry(500, "orders_pkey", (1,))]


def test_a_damaged_entry_of_a_journal_does_not_hide_the_next():
    good = {"table_oid": 5, "name": "i", "before": [7]}
    assert entries_from({"indexes": [{}, good]}) == [JournalEntry(5, "i", (7,))]


@pytest.mark.parametrize(
    ("fields", "in_the_way"),
    [
        ({}, True),
        ({"begun": 700.0}, False),
        ({"begun": 699.0, "kind": "prepared transaction"}, True),
        ({"kind": "replication slot"}, False),
        ({"begun": None}, False),
        ({"application": "analytics.ops"}, False),
    ],
)
def test_who_is_in_the_way(fields, in_the_way):
    usual = Holder("session", "1", 5, 699.0, 1, "app", "psql", "active")
    first = ServerState(now=1000.0, holders=(replace(usual, **fields),))
    assert bool(transaction_obstacle(first, 300)) is in_the_way
    both = ServerState(now=1000.0, holders=(replace(usual, **fields), replace(usual, application="late")))
    assert transaction_obstacle(both, 300)


@pytest.mark.parametrize(
    ("estimated", "measured", "correction"),
    [(2.0, 0.49, 1.0), (2.0, 0.5, 0.25), (0.0, 5.0, 1.0), (0.001, 5.0, 100.0), (1000.0, 1.0, 0.1), (1.0, 3.0, 3.0)],
)
def test_how_far_estimates_are_corrected(estimated, measured, correction):
    budget = Budget(100, Clock())
    budget.learn(estimated, measured)
    assert budget.correction == pytest.approx(correction)


def test_what_is_left_is_told_to_a_tenth_of_a_second():
    clock = Clock()
    budget = Budget(20, clock)
    clock.now += 7.26
    assert budget.used == pytest.approx(7.26)
    assert budget.refusal(100) == "It would take about 1 min 40 s, and 12.7 s of the time budget of 20 s are left."


@pytest.mark.parametrize(("value", "fine"), [(1, True), (0.5, True), (0, False), (-1, False), (None, True)])
def test_above_zero(value, fine):
    if fine:
        require_positive({"jobs": value}, "jobs")
    else:
        with pytest.raises(InputError):
            require_positive({"other": 1, "jobs": value}, "other", "jobs")


def test_a_limit_of_nothing_is_one():
    assert thresholds_of(ReindexThresholds, {"bloat_percent": 0}) == ReindexThresholds(0)


@pytest.mark.parametrize(("seconds", "slow"), [(0.05, 0), (0.0501, 1)], ids=["as slow as allowed", "slower"])
def test_when_a_round_trip_is_slow(seconds, slow):
    pace = Pace(100, 0.0, 0.05)
    pace.note(seconds)
    assert pace.slow == slow
    assert (pace.slice, pace.pause) == ((50, 0.05) if slow else (100, 0.0))


def test_the_pace_halves_and_doubles_step_by_step():
    pace = Pace(100, 0.0, 0.05)
    steps = []
    for _step in range(5):
        pace.note(1)
        steps.append((pace.slice, pace.pause))
    assert steps == [(50, 0.05), (25, 0.1), (12, 0.2), (10, 0.4), (10, 0.8)]
    pace.note(1)
    assert pace.pause == 1.0
    for _calm in range(19):
        pace.note(0.01)
    assert (pace.slice, pace.pause) == (10, 1.0)
    steps = []
    for _step in range(6):
        pace.note(0.01)
        steps.append((pace.slice, pace.pause))
        for _calm in range(19):
            pace.note(0.01)
    assert steps == [(20, 0.5), (40, 0.25), (80, 0.125), (100, 0.0625), (100, 0.03125), (100, 0.0)]


def test_a_slow_answer_begins_the_calm_anew():
    pace = Pace(100, 0.0, 0.05)
    pace.note(1)
    for _calm in range(19):
        pace.note(0.01)
    pace.note(1)
    pace.note(0.01)
    assert (pace.slice, pace.pause) == (25, 0.1)


def test_a_pause_that_was_wished_for_stays():
    pace = Pace(100, 0.3, 0.05)
    pace.note(1)
    assert pace.pause == 0.6
    for _calm in range(40):
        pace.note(0.01)
    assert pace.pause == 0.3


def test_wishes_that_are_left_out_are_nothing():
    given = KeyWork.from_params({**WISHES, "ttl_jitter": None, "idle_seconds": None})
    assert (given.ttl, given.ttl_jitter, given.idle_seconds, given.type, given.limit) == (0, 0, 0, "", None)
    full = {"state": "expire", "ttl": 70, "ttl_jitter": 6, "idle_seconds": 7, "type": "hash", "limit": 9}
    given = KeyWork.from_params({**WISHES, **full})
    assert (given.ttl, given.ttl_jitter, given.idle_seconds, given.type, given.limit) == (70, 6, 7, "hash", 9)
    assert KeyWork("a*", "absent") == KeyWork("a*", "absent", 0, 0, True, "", 0, None)


@pytest.mark.parametrize(("pattern", "nothing"), [("\\", False), ("[\\", True), ("[a]\\*", False), ("[]a", False)])
def test_odd_patterns(pattern, nothing):
    assert names_nothing(pattern) is nothing


def test_an_expired_lock_says_since_when():
    assert plan_to_acquire(LOCK, "weekly", NOON + 3660, None).reason == (
        "it is held by 'alice' on db1 since 2026-01-01T12:00:00Z (1 h 1 min ago), and it expired 1 min ago."
    )


def test_a_lock_from_a_host_whose_clock_is_ahead_is_not_of_the_future():
    with pytest.raises(Refused, match=r"since 2026-01-01T12:00:00Z \(0 ms ago\)"):
        plan_to_acquire(LOCK, "weekly", NOON - 60, None)


def test_a_lock_is_written_as_people_can_read_it():
    text = replace(LOCK, owner="Jürgen").as_json()
    assert '\n "owner": "Jürgen",\n' in text and text.endswith("}\n") and "damaged" not in text
    assert len(read_lock(b"", "weekly", NOON, 1).id) == len("damaged-") + 12


def test_a_counter_that_stood_still_grew_by_nothing():
    known = Interval({"clock": 160.0, "a": 2}, {"clock": 100.0, "a": 2}, "clock")
    assert (known.growth("a"), known.rate("a")) == (0, 0)
    known = Interval({"clock": 160.0, "a": 62}, {"clock": 100.0, "a": 2}, "clock")
    assert (known.rate("a"), known.rate("a", 3600)) == (1, 3600)


def test_limits_may_be_equal_and_floors_switched_off():
    limit = Threshold("%", 50, 75, floors={"bytes": 10})
    assert limit.with_overrides("a", {"warning": 75}).warning == 75
    lower = Threshold("%", 50, 25, higher_is_worse=False)
    assert lower.with_overrides("a", {"warning": 25}).warning == 25
    for one, given in ((limit, {"warning": 75.1}), (lower, {"warning": 24.9})):
        with pytest.raises(InputError, match="would be critical"):
            one.with_overrides("a", given)
    assert limit.with_overrides("a", {"bytes": None}).floors == {"bytes": 0}
    assert limit.with_overrides("a", {"bytes": 5}).floors == {"bytes": 5}
    assert limit.severity(60, bytes=9.9) == "ok" and limit.severity(60, bytes=10) == "warning"
    assert limit.severity(60) == "warning"


def test_measured_bloat_is_told_to_a_tenth():
    assert confirmed(work(), Bloat(600 * MEGABYTE, 200 * MEGABYTE), LIMITS).reason == (
        "400 MB of 600 MB are bloat (66.7 %, measured)."
    )
