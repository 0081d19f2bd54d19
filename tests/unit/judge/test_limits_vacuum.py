# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the plan of vacuum turns, to the row, and what the estimates are made of."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.vacuum import (
    VacuumThresholds,
    estimate_seconds,
    throttle_seconds_per_page,
)

from tests.unit.judge.test_vacuum import NOW, family, holder, plan, table

MEGABYTE = 1 << 20


def needs(*tables, **options):
    return [(work.need, work.vacuum, work.analyze, work.freeze) for work in plan(*tables, **options)[0]]


@pytest.mark.parametrize(
    ("facts", "need"),
    [
        ({"xid_age": 150_000_000}, "wraparound"),
        ({"xid_age": 149_999_999}, None),
        ({"mxid_age": 300_000_000}, "wraparound"),
        ({"mxid_age": 299_999_999}, None),
        ({"live_rows": 9000, "dead_rows": 1000}, "dead_rows"),
        ({"live_rows": 9001, "dead_rows": 1000}, None),
        ({"live_rows": 0, "dead_rows": 1000}, "dead_rows"),
        ({"live_rows": 0, "dead_rows": 999}, None),
        ({"toast_live_rows": 9000, "toast_dead_rows": 1000}, "dead_rows"),
        ({"toast_live_rows": 9001, "toast_dead_rows": 1000}, None),
        ({"rows": 5000.0, "live_rows": 5000, "inserted_rows": 1000}, "inserted_rows"),
        ({"rows": 5001.0, "live_rows": 5001, "inserted_rows": 1000}, None),
        ({"rows": 100.0, "live_rows": 100, "inserted_rows": 999}, None),
        ({"rows": 500.0, "live_rows": 500, "changed_rows": 50}, "statistics"),
        ({"rows": 501.0, "live_rows": 501, "changed_rows": 50}, None),
        ({"rows": 100.0, "live_rows": 100, "changed_rows": 49}, None),
        ({"rows": 0.0, "live_rows": 0, "changed_rows": 50}, "statistics"),
        ({"rows": 50.0, "live_rows": 50, "last_analyze": None}, "statistics"),
        ({"rows": 49.0, "live_rows": 49, "last_analyze": None}, None),
        ({"rows": -1.0, "live_rows": 0, "last_analyze": None, "heap_bytes": 8193}, "statistics"),
        ({"rows": -1.0, "live_rows": 0, "last_analyze": None, "heap_bytes": 8192}, None),
        ({"rows": 0.0, "live_rows": 0, "last_analyze": None, "heap_bytes": 9000}, None),
        ({"catalog": True, "changed_rows": 1000}, "statistics"),
        ({"catalog": True, "changed_rows": 999, "rows": 100.0, "live_rows": 100}, None),
        ({"catalog": True, "last_analyze": None, "rows": -1.0, "live_rows": 0}, "statistics"),
    ],
)
def test_where_a_table_begins_to_need_it(facts, need):
    assert [found[0] for found in needs(table(**facts))] == ([need] if need else [])


def test_limits_of_the_user_count_where_nothing_is_needed():
    off = VacuumThresholds(dead_rows=0, dead_rows_percent=0, inserted_rows=0, changed_rows=0)
    assert needs(table(rows=10.0, live_rows=10), thresholds=off) == []
    assert needs(table(rows=1000.0, live_rows=1000, dead_rows=1), thresholds=off)[0][0] == "dead_rows"


def test_freezing_is_for_wraparound_or_where_it_is_wished_and_never_without_a_vacuum():
    assert needs(table(xid_age=160_000_000)) == [("wraparound", True, False, True)]
    assert needs(table(dead_rows=5000)) == [("dead_rows", True, False, False)]
    assert needs(table(dead_rows=5000), freeze=True) == [("dead_rows", True, False, True)]
    assert needs(table(dead_rows=5000, changed_rows=5000), freeze=True) == [("dead_rows", True, True, True)]
    assert needs(table(changed_rows=5000), freeze=True) == [("statistics", False, True, False)]


def test_reasons_are_told_with_their_figures():
    facts = {"xid_age": 160_000_000, "dead_rows": 2500, "live_rows": 7500, "inserted_rows": 5000, "changed_rows": 2000}
    (work,) = plan(table(**facts))[0]
    assert work.reason == (
        "80 % of the age at which wraparound protection starts (160 000 000 of 200 000 000 transactions); 2 500 dead "
        "rows (25 %); 5 000 rows were inserted since the last vacuum; 2 000 rows changed since the last analyze."
    )
    (work,) = plan(table(mxid_age=320_000_000, xid_age=158_000_000))[0]
    assert work.reason.startswith("80 % of the age at which wraparound protection starts (320 000 000 of 400 000 000 m")


@pytest.mark.parametrize(("age", "planned"), [(144_000_000, 1), (144_000_001, 0)])
def test_less_than_a_tenth_to_freeze_is_not_worth_it(age, planned):
    works, left = plan(table(xid_age=160_000_000), holders=[holder(age=age), holder(age=5)])
    assert (len(works), len(left)) == (planned, 1 - planned)


def test_multixacts_are_not_held_back_by_a_transaction():
    assert len(plan(table(mxid_age=390_000_000), holders=[holder(age=2**31)])[0]) == 1


@pytest.mark.parametrize(
    ("last_vacuum", "age", "held"), [(NOW - 60, 1, True), (NOW - 61, 1, False), (NOW - 60, 0, False), (None, 1, False)]
)
def test_who_keeps_dead_rows(last_vacuum, age, held):
    works, left = plan(table(dead_rows=5000, last_vacuum=last_vacuum), holders=[holder(age=age), holder(NOW, 0)])
    assert (len(works), len(left)) == ((0, 1) if held else (1, 0))


@pytest.mark.parametrize(("ago", "held"), [(86400, True), (86401, False)])
def test_a_holder_without_a_beginning_began_a_day_ago(ago, held):
    works, _left = plan(table(dead_rows=5000, last_vacuum=NOW - ago), holders=[holder(begun=None)])
    assert works == [] if held else len(works) == 1


@pytest.mark.parametrize(("version", "right"), [(170000, "the right MAINTAIN"), (169999, "to be its owner")])
def test_the_right_that_is_missing(version, right):
    assert right in plan(table(dead_rows=5000, permitted=False), version=version)[1][0].reason


def estimated(page_seconds=0.0, **facts):
    (work,) = plan(table(**{"heap_bytes": 0, **facts}))[0]
    return estimate_seconds(work, page_seconds)


@pytest.mark.parametrize(
    ("facts", "megabytes"),
    [
        ({"inserted_rows": 5000, "heap_bytes": 64 * MEGABYTE}, 64),
        ({"inserted_rows": 5000, "heap_bytes": 64 * MEGABYTE, "all_visible_share": 0.75}, 16),
        ({"inserted_rows": 5000, "heap_bytes": 64 * MEGABYTE, "index_bytes": 32 * MEGABYTE}, 64),
        ({"dead_rows": 5000, "heap_bytes": 64 * MEGABYTE, "index_bytes": 32 * MEGABYTE}, 96),
        ({"dead_rows": 5000, "toast_bytes": 16 * MEGABYTE}, 16),
        ({"xid_age": 160_000_000, "heap_bytes": 64 * MEGABYTE, "all_visible_share": 0.75}, 64),
        ({"xid_age": 160_000_000, "index_bytes": 32 * MEGABYTE}, 32),
        ({"changed_rows": 5000, "heap_bytes": 64 * MEGABYTE, "index_bytes": 32 * MEGABYTE}, 64),
        ({"changed_rows": 5000, "heap_bytes": 1024 * MEGABYTE}, 30000 / 128),
        ({"inserted_rows": 5000, "changed_rows": 5000, "heap_bytes": 64 * MEGABYTE}, 128),
    ],
)
def test_estimates_are_two_hundredths_and_a_second_for_every_64_megabytes(facts, megabytes):
    assert estimated(**facts) == pytest.approx(0.02 + megabytes / 64)
    assert estimated(page_seconds=0.5, **facts) == pytest.approx(0.02 + megabytes / 64 + megabytes * 128 * 0.5)


@pytest.mark.parametrize(
    ("delay", "limit", "seconds"),
    [(2, 200, 0.0002), (20, 1000, 0.0004), (2, None, 0.0002), (2, 0, 0.0002), (None, 9, 0)],
)
def test_what_a_page_costs_in_waiting(delay, limit, seconds):
    assert throttle_seconds_per_page(delay, limit) == pytest.approx(seconds)


def test_steps_tell_what_the_estimate_is_and_all_dead_rows():
    (work,) = plan(table(dead_rows=5000, toast_dead_rows=7, heap_bytes=64 * MEGABYTE), page_seconds=0.0)[0]
    details = work.step().details
    assert (details["dead_rows"], details["estimated_seconds"]) == (5007, 1.02)


def test_the_most_dead_rows_of_a_table_and_its_toast_come_first():
    works, _left = plan(
        table("a", dead_rows=5000),
        table("b", dead_rows=3000, toast_dead_rows=3000),
        table("c", xid_age=151_000_000, mxid_age=1),
        table("d", xid_age=1, mxid_age=300_000_000),
    )
    assert [work.table.name for work in works] == ["d", "c", "b", "a"]


def test_the_table_that_every_analyze_writes_to_comes_after_all_others():
    works, _left = plan(table("pg_statistic", oid=2619, dead_rows=90000), *family(last_analyze=None))
    assert [(work.table.name, work.phase) for work in works] == [("events", 1), ("events_2", 1), ("pg_statistic", 2)]
    assert plan(table(dead_rows=5000))[0][0].phase == 0


@pytest.mark.parametrize(("later", "planned"), [(3600, []), (3601, ["events", "events_2"])])
def test_an_hour_is_one_run(later, planned):
    top, middle, one, two = family(last_analyze=NOW - 9 - later)
    assert [work.table.name for work in plan(top, middle, one, two)[0]] == planned


def partitioned(rows, changed, **parent):
    top = table("events", kind="p", rows=-1.0, live_rows=0, heap_bytes=0, **{"last_analyze": NOW - 9, **parent})
    rest = {"rows": float(rows), "live_rows": rows, "parent_oid": top.oid}
    return top, table("events_1", **rest, changed_rows=changed), table("events_2", **rest)


@pytest.mark.parametrize(
    ("rows", "changed", "planned"),
    [(250, 50, True), (251, 50, False), (25, 49, False)],
    ids=["a tenth", "less than a tenth", "less than 50 rows"],
)
def test_changes_in_partitions_add_up(rows, changed, planned):
    high = VacuumThresholds(changed_rows_percent=10.0)
    top, one, two = partitioned(rows, changed)
    works = plan(top, one, two, thresholds=high, exclude=["public.events_*"])[0]
    assert [work.table.name for work in works] == (["events"] if planned else [])


@pytest.mark.parametrize(("rows", "planned"), [(25, ["events"]), (24, [])])
def test_a_partitioned_table_of_a_few_rows_needs_no_statistics(rows, planned):
    works = plan(*partitioned(rows, 0, last_analyze=None))[0]
    assert [work.table.name for work in works] == planned


def test_a_partitioned_table_that_needs_nothing_does_not_hide_the_next():
    first = partitioned(10, 0, last_analyze=None)
    fine = partitioned(5000, 0)
    works = plan(*first, *fine, *partitioned(5000, 0, last_analyze=None))[0]
    assert len(works) == 1 and works[0].reason == "The partitioned table itself was never analyzed."


def test_the_parts_of_a_partitioned_table_are_what_its_analyze_reads():
    (work,) = plan(*partitioned(5000, 0, last_analyze=None))[0]
    assert (work.table.heap_bytes, work.vacuum, work.analyze) == (2 * MEGABYTE, False, True)


@pytest.mark.parametrize(("version", "names"), [(179999, ["events"]), (180000, ["events_1", "events"])])
def test_since_18_partitions_are_analyzed_by_themselves(version, names):
    works, _left = plan(*partitioned(5000, 3000, last_analyze=None), version=version)
    assert [work.table.name for work in works] == names


def test_a_plain_table_is_no_partitioned_one_whatever_the_limits_are():
    every = VacuumThresholds(changed_rows=0)
    (work,) = plan(table(last_analyze=None), thresholds=every)[0]
    assert (work.reason, work.phase) == ("It was never analyzed.", 0)
    (work,) = plan(table(kind="p", rows=-1.0, live_rows=0, last_analyze=None), thresholds=every)[0]
    assert (work.reason, work.phase) == ("The partitioned table itself was never analyzed.", 1)
