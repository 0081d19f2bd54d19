# SPDX-License-Identifier: GPL-3.0-or-later
"""Which indexes are rebuilt, and whose leftovers are dropped."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.bloat import Bloat, Column
from ansible_collections.analytics.ops.plugins.module_utils._judge.reindex import (
    JournalEntry,
    ReindexThresholds,
    confirmed,
    entries_from,
    is_own_leftover,
    journal_of,
    plan_reindex,
    transaction_obstacle,
)
from ansible_collections.analytics.ops.plugins.module_utils._observe.pg_blockers import Holder, ServerState
from ansible_collections.analytics.ops.plugins.module_utils._observe.pg_indexes import IndexStatistics

LIMITS = ReindexThresholds()
HEALTHY = IndexStatistics(
    schema="public",
    table="orders",
    name="orders_pkey",
    oid=501,
    table_oid=500,
    method="btree",
    size_bytes=552 * 8192,
    rows=200_000.0,
    table_rows=200_000.0,
    table_bytes=1 << 24,
    counted_rows=200_000,
    changed_rows=0,
    fillfactor=90,
    deduplicates=False,
    unique=True,
    exclusion=False,
    valid=True,
    ready=True,
    partial=False,
    toast=False,
    system=False,
    building=False,
    permitted=True,
    original=None,
    columns=(Column(8, 8),),
)
BLOATED = replace(HEALTHY, size_bytes=1 << 28)
INVALID = replace(HEALTHY, valid=False)
LEFTOVER = replace(INVALID, name="orders_pkey_ccnew", oid=502)
JOURNAL = [JournalEntry(500, "orders_pkey", (499,))]

CASES = {
    "healthy": (HEALTHY, {}, None),
    "bloated": (BLOATED, {}, "bloat"),
    "bloated, but small": (replace(HEALTHY, size_bytes=1 << 24), {}, None),
    "a hash index": (replace(BLOATED, method="hash"), {}, None),
    "without statistics": (replace(BLOATED, columns=(Column(-1, 4),)), {}, None),
    "never counted": (replace(BLOATED, rows=-1.0, counted_rows=0), {}, None),
    "stale": (replace(BLOATED, changed_rows=150_000), {}, "stale"),
    "too big": (BLOATED, {"max_index_size": 1000}, "size"),
    "of a catalog": (replace(BLOATED, system=True), {}, None),
    "an exclusion constraint": (replace(BLOATED, exclusion=True), {}, "unsupported"),
    "an exclusion constraint, with a lock": (replace(BLOATED, exclusion=True), {"concurrently": False}, "bloat"),
    "somebody else's": (replace(BLOATED, permitted=False), {}, "rights"),
    "being built": (replace(INVALID, building=True), {}, "busy"),
    "invalid": (INVALID, {}, "invalid"),
    "invalid, not wanted": (INVALID, {"rebuild_invalid": False}, "foreign"),
    "own leftover": (LEFTOVER, {"journal": JOURNAL}, "leftover"),
    "own leftover, numbered": (replace(LEFTOVER, name="orders_pkey_ccold1"), {"journal": JOURNAL}, "leftover"),
    "foreign leftover": (replace(LEFTOVER, original="orders_pkey"), {}, "foreign"),
    "foreign leftover, from before": (replace(LEFTOVER, oid=499), {"journal": JOURNAL}, "foreign"),
    "foreign leftover of another table": (replace(LEFTOVER, table_oid=7), {"journal": JOURNAL}, "foreign"),
    "foreign leftover, asked for": (replace(LEFTOVER, original="orders_pkey"), {"leftovers": "all"}, "leftover"),
    "not a twin of anything": (LEFTOVER, {"leftovers": "all"}, "foreign"),
    "excluded by its table": (BLOATED, {"exclude": ["public.orders"]}, None),
    "included by its own name": (BLOATED, {"include": ["*_pkey"]}, "bloat"),
}


@pytest.mark.parametrize(("index", "options", "expected"), CASES.values(), ids=CASES)
def test_what_becomes_of_an_index(index, options, expected):
    works, left = plan_reindex([index], LIMITS, **options)
    assert [work.need for work in works] + [item.cause for item in left] == ([expected] if expected else [])


def test_leftovers_before_invalid_before_bloat_and_the_most_bloated_first():
    more = replace(BLOATED, name="more", size_bytes=1 << 29)
    works, _left = plan_reindex([BLOATED, more, replace(INVALID, name="broken"), LEFTOVER], LIMITS, JOURNAL)
    assert [work.index.name for work in works] == ["orders_pkey_ccnew", "broken", "more", "orders_pkey"]


def test_a_valid_index_is_never_a_leftover_whatever_it_is_called():
    assert not is_own_leftover(replace(LEFTOVER, valid=True), JOURNAL)


def test_shortened_names_are_recognised():
    long = "x" * 63
    entry = JournalEntry(500, long)
    assert is_own_leftover(replace(LEFTOVER, name="x" * 57 + "_ccnew"), [entry])


def test_a_journal_holds_what_was_there_before():
    works, _left = plan_reindex([BLOATED, replace(INVALID, name="theirs_ccnew", oid=77)], LIMITS)
    assert journal_of(works, [BLOATED, replace(INVALID, oid=77)]) == [JournalEntry(500, "orders_pkey", (77,))]


def test_a_journal_survives_being_stored_and_damage_says_nothing():
    assert entries_from({"indexes": [asdict(JOURNAL[0])]}) == JOURNAL
    for damaged in (None, [], {}, {"indexes": 5}, {"indexes": [{}, 7, {"table_oid": "x", "name": "", "before": []}]}):
        assert entries_from(damaged) == []


def test_measuring_confirms_or_refutes():
    [work] = plan_reindex([BLOATED], LIMITS)[0]
    assert confirmed(work, None, LIMITS) == work
    assert confirmed(work, Bloat(1 << 28, 1 << 28), LIMITS) is None
    sure = confirmed(work, Bloat(1 << 28, 1 << 26), LIMITS)
    assert sure.measured and "(75 %, measured)" in sure.reason


def test_only_transactions_older_than_allowed_are_in_the_way():
    young, old = (Holder("session", "1", 5, begun, 1, "app", "psql", "active") for begun in (990.0, 100.0))
    assert transaction_obstacle(ServerState(now=1000.0, holders=(young,)), 300) == ""
    assert "psql" in transaction_obstacle(ServerState(now=1000.0, holders=(young, old)), 300)


@pytest.mark.parametrize(
    ("fields", "hinders"),
    [
        ({}, True),
        ({"begun": 700.0}, False),
        ({"begun": 699.0}, True),
        ({"begun": None}, False),
        ({"kind": "prepared transaction"}, True),
        ({"kind": "replication slot"}, False),
        ({"application": "analytics.ops"}, False),
    ],
)
def test_who_makes_a_concurrent_rebuild_wait(fields, hinders):
    usual = Holder("session", "1", 5, 100.0, 1, "app", "psql", "active")
    state = ServerState(now=1000.0, holders=(Holder("replication slot", "s", 9), replace(usual, **fields)))
    obstacle = transaction_obstacle(state, 300)
    assert obstacle.endswith(" is open for longer than 5 min, and a concurrent rebuild waits for its end.") == hinders
    assert bool(obstacle) == hinders


def test_a_partial_index_grows_with_its_table():
    partial = replace(HEALTHY, partial=True, rows=100.0, counted_rows=400_000)
    assert partial.entries == 200
    assert replace(partial, rows=-1.0).entries is None
