# SPDX-License-Identifier: GPL-3.0-or-later
"""The heaviest of a kind: what a look names, and what is believed of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.history import record
from ansible_collections.analytics.ops.plugins.module_utils._judge.report import Run
from ansible_collections.analytics.ops.plugins.module_utils._judge.top import sound_top, top_of_logs, top_of_postgres

from tests.support.reports import HARMFUL, HOSTILE, NOW, TARGET, looked, report_of, timed

ENTRY = {"kind": "log.patterns", "name": "api: x", "times": 3, "weight": None, "first": 5, "last": 9}


def row(**given):
    return SimpleNamespace(**given)


def statement(number, seconds, query="SELECT 1", calls=2):
    return row(id=str(number), query=query, calls=calls, total_seconds=seconds)


def test_what_could_not_be_seen_is_not_there():
    assert top_of_postgres({"statements": Unavailable("no right"), "scans": Unavailable("late")}) == []
    assert top_of_postgres({}) == []


def test_tables_and_statements_are_named_without_what_was_in_them():
    scans = [row(name="public.orders", scans=7, rows=900)]
    statements = [statement(1, 2.0, "SELECT 'secret' FROM t"), statement(2, 5.0), statement(2, 1.0)]
    table, first, second = top_of_postgres({"scans": scans, "statements": statements})
    assert (table["name"], table["times"], table["weight"]) == ("public.orders", 7, 900)
    assert (first["name"], first["times"], first["weight"]) == ("SELECT 1 (query 2)", 4, 6.0)
    assert second["name"] == "SELECT '…' FROM t (query 1)"
    assert (table["first"], table["last"]) == (None, None)


def test_only_the_heaviest_statements_are_named():
    found = top_of_postgres({"statements": [statement(number, float(number)) for number in range(30)]})
    assert [entry["weight"] for entry in found] == [float(number) for number in range(29, 9, -1)]


def test_the_most_frequent_patterns_of_all_logs():
    groups = [row(template=f"ERROR {number}", count=number) for number in range(1, 16)]
    logs = [row(name=name, groups=groups, now=NOW + 0.5, seconds=3600.0) for name in ("api", "worker")]
    found = top_of_logs(logs)
    assert [(entry["name"], entry["times"]) for entry in found[:3]] == [
        ("api: ERROR 15", 15),
        ("worker: ERROR 15", 15),
        ("api: ERROR 14", 14),
    ]
    assert (len(found), found[0]["first"], found[0]["last"]) == (20, NOW - 3600, NOW)


@pytest.mark.parametrize("given", [None, "text", 5, {}, [], [1], ["x"], [{}], [{"kind": [], "times": 1}]])
def test_what_makes_no_sense_is_passed_over(given):
    assert sound_top(given) == ()


@pytest.mark.parametrize("wrong", [{"times": "3"}, {"times": None}, {"times": float("nan")}, {"kind": "x.y"}])
def test_an_entry_that_makes_no_sense_costs_no_other(wrong):
    assert sound_top([{**ENTRY, **wrong}, ENTRY]) == (ENTRY,)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"weight": "heavy"}, {"weight": None}),
        ({"weight": 2.5}, {"weight": 2.5}),
        ({"first": -1, "last": "x"}, {"first": None, "last": None}),
        ({"first": 2**32, "last": 2**32 - 1}, {"first": None, "last": 2**32 - 1}),
        ({"first": 0}, {"first": 0}),
    ],
)
def test_figures_are_taken_where_they_are_figures(given, kept):
    assert sound_top([{**ENTRY, **given}]) == ({**ENTRY, **kept},)


def test_names_are_harmless_and_each_stands_there_once():
    (entry,) = sound_top(({**ENTRY, "name": HOSTILE * 50}, {**ENTRY, "name": HOSTILE * 50}))
    assert not HARMFUL.search(entry["name"]) and len(entry["name"]) < 1000


def test_a_result_with_very_many_is_bounded():
    many = [{**ENTRY, "name": str(number)} for number in range(5000)]
    assert [entry["name"] for entry in sound_top(many)] == [str(number) for number in range(20)]
    other = {**ENTRY, "kind": "pg.statements"}
    assert len(sound_top([*many[:999], other])) == 21
    assert len(sound_top([*many[:1000], other])) == 20


def test_a_run_records_what_the_last_look_named():
    run = Run()
    run.add_result("db1", "task", {**looked(), "top": [ENTRY]})
    run.add_result("db1", "task", looked())
    report = timed(run.report())
    assert report["measurements"][0]["top"] == [ENTRY]
    assert record(report).top == (("db1", TARGET, "log.patterns", "api: x", 3, None, 5, 9),)
    assert record(report_of(looked())).top == ()
