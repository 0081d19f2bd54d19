# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables are planned, in which order, and which are not because it would be in vain."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.vacuum import (
    VacuumThresholds,
    estimate_seconds,
    plan_vacuum,
    throttle_seconds_per_page,
)
from ansible_collections.analytics.ops.plugins.module_utils._observe.pg_blockers import Holder, ServerState
from ansible_collections.analytics.ops.plugins.module_utils._observe.pg_tables import TableStatistics
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_000_000.0
HEALTHY = {"rows": 10000.0, "live_rows": 10000, "heap_bytes": 1 << 20, "last_vacuum": NOW - 9, "last_analyze": NOW - 9}
OID = iter(range(20000, 90000))


def table(name="orders", **facts):
    return TableStatistics(**{"schema": "public", "name": name, "oid": next(OID), **HEALTHY, **facts})


def plan(*tables, holders=(), version=180000, **options):
    server = ServerState(now=NOW, holders=tuple(holders))
    return plan_vacuum(list(tables), server, options.pop("thresholds", VacuumThresholds()), version=version, **options)


def actions(works):
    return [(work.table.name, work.step().action) for work in works]


def holder(begun=NOW - 60, age=5000, kind="session"):
    return Holder(kind, "4711", age, begun, 4711, "app", "psql", "idle in transaction")


NEEDS = {
    "nothing": ({}, None),
    "dead rows": ({"dead_rows": 2000}, ("dead_rows", "vacuum", False)),
    "few dead rows": ({"dead_rows": 900}, None),
    "a small share of dead rows": ({"dead_rows": 5000, "live_rows": 1_000_000, "rows": 1e6}, None),
    "dead rows of the TOAST table": ({"toast_dead_rows": 2000}, ("dead_rows", "vacuum", False)),
    "inserted rows": ({"inserted_rows": 5000}, ("inserted_rows", "vacuum", False)),
    "changed rows": ({"changed_rows": 2000}, ("statistics", "analyze", False)),
    "few changed rows": ({"changed_rows": 40, "rows": 50.0, "live_rows": 50}, None),
    "never analyzed": ({"last_analyze": None}, ("statistics", "analyze", False)),
    "never analyzed, but tiny": ({"last_analyze": None, "rows": 5.0, "live_rows": 5}, None),
    "never analyzed, uncounted": (
        {"last_analyze": None, "rows": -1.0, "live_rows": 0},
        ("statistics", "analyze", False),
    ),
    "an empty table": ({"rows": -1.0, "live_rows": 0, "heap_bytes": 0, "last_analyze": None}, None),
    "a catalog, as initdb leaves it": ({"catalog": True, "last_analyze": None}, None),
    "what ANALYZE passes over": ({"oid": 2619, "changed_rows": 9000}, None),
    "old transactions": ({"xid_age": 160_000_000}, ("wraparound", "vacuum", True)),
    "old multixacts": ({"mxid_age": 390_000_000}, ("wraparound", "vacuum", True)),
    "everything": (
        {"xid_age": 190_000_000, "dead_rows": 9000, "inserted_rows": 9000, "changed_rows": 9000},
        ("wraparound", "vacuum_analyze", True),
    ),
}


@pytest.mark.parametrize(("facts", "expected"), NEEDS.values(), ids=NEEDS)
def test_what_a_table_needs(facts, expected):
    works, left = plan(table(**facts))
    steps = [work.step() for work in works]
    found = [(step.details["need"], step.action, step.details["freeze"]) for step in steps]
    assert found == ([expected] if expected else [])
    assert left == []


def test_wraparound_before_dead_rows_before_inserts_before_statistics_and_the_worst_first_of_each():
    works, _left = plan(
        table("stale", changed_rows=5000),
        table("loaded", inserted_rows=5000),
        table("dead", dead_rows=2000),
        table("deader", dead_rows=9000),
        table("old", xid_age=160_000_000),
        table("oldest", xid_age=199_000_000),
    )
    assert [work.table.name for work in works] == ["oldest", "old", "deader", "dead", "loaded", "stale"]


def test_dead_rows_that_an_open_transaction_sees_are_left_with_its_name():
    works, left = plan(table(dead_rows=5000), holders=[holder()])
    assert works == []
    assert left[0].cause == "held_back" and "session 4711 (psql, idle in transaction, for 1 min)" in left[0].reason


def test_what_died_before_the_open_transaction_began_can_be_removed():
    assert plan(table(dead_rows=5000), holders=[holder(begun=NOW - 5)])[1] == []
    assert len(plan(table(dead_rows=5000, last_vacuum=None), holders=[holder()])[0]) == 1
    # A transaction that began this moment holds nothing.
    assert len(plan(table(dead_rows=5000), holders=[holder(age=0)])[0]) == 1


def test_a_holder_that_does_not_tell_since_when_is_asked_again_after_a_day():
    slot = holder(begun=None, kind="replication slot")
    assert plan(table(dead_rows=5000), holders=[slot])[0] == []
    assert len(plan(table(dead_rows=5000, last_vacuum=NOW - 90000), holders=[slot])[0]) == 1


def test_dead_rows_in_vain_do_not_keep_a_table_from_being_analyzed():
    works, left = plan(table(dead_rows=5000, changed_rows=5000), holders=[holder()])
    assert actions(works) == [("orders", "analyze")]
    assert [item.cause for item in left] == ["held_back"]


def test_freezing_goes_no_further_than_the_oldest_transaction():
    works, left = plan(table(xid_age=160_000_000), holders=[holder(age=158_000_000)])
    assert works == [] and left[0].cause == "held_back"
    assert len(plan(table(xid_age=160_000_000), holders=[holder(age=1_000_000)])[0]) == 1


def test_tables_without_the_right_are_left():
    works, left = plan(table("theirs", dead_rows=5000, permitted=False), table("own", dead_rows=5000))
    assert [work.table.name for work in works] == ["own"]
    assert [(item.step.subject, item.cause) for item in left] == [("public.theirs", "rights")]


def test_patterns():
    tables = [table(name, dead_rows=5000) for name in ("orders", "orders_old", "users")]
    works, _left = plan(*tables, include=["public.orders*"], exclude=["*_old"])
    assert [work.table.name for work in works] == ["orders"]


def family(**parent):
    top = table("events", kind="p", rows=-1.0, live_rows=0, heap_bytes=0, **parent)
    middle = table("events_2", kind="p", rows=-1.0, live_rows=0, heap_bytes=0, parent_oid=top.oid, **parent)
    return top, middle, table("events_1", parent_oid=top.oid), table("events_2_1", parent_oid=middle.oid)


def test_a_partitioned_table_is_analyzed_last_when_it_never_was():
    works, _left = plan(*family(last_analyze=None))
    assert actions(works) == [("events", "analyze"), ("events_2", "analyze")]
    assert {work.phase for work in works} == {1}
    assert works[0].table.heap_bytes == 2 << 20


def test_before_18_analyzing_a_partitioned_table_spares_its_partitions_theirs():
    top, middle, one, two = family(last_analyze=None)
    stale = table("events_3", parent_oid=top.oid, changed_rows=9000)
    dead = table("events_4", parent_oid=middle.oid, changed_rows=9000, dead_rows=9000)
    works, _left = plan(top, middle, one, two, stale, dead, version=170000)
    assert actions(works) == [("events_4", "vacuum"), ("events", "analyze")]
    works, _left = plan(top, middle, one, two, stale, dead, version=180000)
    assert actions(works) == [
        ("events_4", "vacuum_analyze"),
        ("events_3", "analyze"),
        ("events", "analyze"),
        ("events_2", "analyze"),
    ]


def test_a_partitioned_table_follows_its_partitions_but_not_those_of_the_same_run():
    top, middle, one, two = family(last_analyze=NOW - 600)
    assert plan(top, middle, one, two)[0] == []
    top, middle, one, two = family(last_analyze=NOW - 86400)
    assert [name for name, action in actions(plan(top, middle, one, two)[0])] == ["events", "events_2"]


def test_estimates_grow_with_size_indexes_freezing_and_throttling():
    def seconds(page_seconds=0.0, **facts):
        [work] = plan(table(**{"dead_rows": 5000, **facts}))[0]
        return estimate_seconds(work, page_seconds)

    plain = seconds(heap_bytes=1 << 30)
    assert plain > 2 * seconds(heap_bytes=1 << 28)
    assert seconds(heap_bytes=1 << 30, index_bytes=1 << 30) > 1.5 * plain
    assert seconds(heap_bytes=1 << 30, all_visible_share=0.9) < 0.2 * plain
    assert seconds(heap_bytes=1 << 30, all_visible_share=0.9, xid_age=160_000_000) > 0.9 * plain
    assert seconds(heap_bytes=1 << 30, page_seconds=throttle_seconds_per_page(2, 200)) >= plain + 20


COUNTS = [
    "live_rows",
    "dead_rows",
    "toast_dead_rows",
    "toast_live_rows",
    "inserted_rows",
    "changed_rows",
    "xid_age",
    "mxid_age",
    "heap_bytes",
]
amounts = st.integers(0, 2_000_000_000)


@given(
    facts=st.fixed_dictionaries(dict.fromkeys(COUNTS, amounts)),
    rows=st.one_of(st.just(-1.0), st.floats(0, 1e12)),
    times=st.tuples(*[st.one_of(st.none(), st.floats(0, NOW))] * 2),
    holders=st.lists(st.builds(holder, st.one_of(st.none(), st.floats(0, NOW)), st.integers(0, 2**31)), max_size=3),
)
def test_no_statistics_lead_to_nonsense(facts, rows, times, holders):
    facts.update(rows=rows, last_vacuum=times[0], last_analyze=times[1])
    works, _left = plan(table(**facts), holders=holders)
    assert len(works) <= 1
    for work in works:
        assert work.estimated_seconds > 0 and work.reason and (work.vacuum or work.analyze)
