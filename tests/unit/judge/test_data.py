# SPDX-License-Identifier: GPL-3.0-or-later
"""How assertions about data are read and judged, without a store."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.data import CHECKS
from ansible_collections.analytics.ops.plugins.module_utils._judge.data_facts import (
    EQUALS,
    FLAG,
    FRESHNESS,
    NO_ROWS,
    NOTHING,
    NUMBER,
    RANGE,
    SAME,
    TEXT,
    TIME,
    USUAL,
    Answer,
    Assertion,
    Cell,
    Outcome,
    Usual,
    measurements,
    usual_values,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.data_rules import assertion_from

NOW = 10000.0


def number(value) -> Cell:
    return Cell(NUMBER, float(value), str(value))


def text(value) -> Cell:
    return Cell(TEXT, 0.0, value)


def outcome(*cells, **fields) -> Outcome:
    columns = tuple(f"c{place}" for place in range(len(cells)))
    return Outcome(**{"columns": columns, "rows": (cells,), "now": NOW, **fields})


def answer(rule, *cells, other=None, of=None, **fields) -> Answer:
    return Answer(Assertion("a", rule, **fields), of or outcome(*cells), other)


def judged(*answers, usual=None):
    found = CHECKS.select().findings({"answers": answers, "usual": usual or {}, "reached": ["stores"]}, "stores")
    return [finding for finding in found if finding.severity != "ok"]


def told(*answers, **options):
    return [(f.check.partition(".")[2], f.subject, f.severity) for f in judged(*answers, **options)]


@pytest.mark.parametrize(
    ("cell", "severity", "words"),
    [
        (Cell(TIME, NOW - 299, ""), None, ""),
        (Cell(TIME, NOW - 300, ""), "warning", "5 min old"),
        (Cell(TIME, NOW - 600, ""), "critical", "10 min old"),
        (Cell(TIME, NOW + 60, ""), None, ""),
        (Cell(TIME, NOW + 61, ""), "critical", "1 min 1 s ahead"),
        (NOTHING, "critical", "returned NULL"),
        (number(5), "unknown", "returned 5, which is no time"),
    ],
)
def test_freshness(cell, severity, words):
    found = judged(answer(FRESHNESS, cell, warning_age=300, critical_age=600))
    assert [f.severity for f in found] == ([severity] if severity else [])
    assert words in "".join(f.message for f in found)


def test_only_the_limits_that_are_given_hold():
    assert told(answer(FRESHNESS, Cell(TIME, 0.0, ""), warning_age=300)) == [("freshness", "a", "warning")]


@pytest.mark.parametrize(
    ("cell", "limits", "severity", "message"),
    [
        (number(0), {"minimum": 0, "maximum": 100}, None, ""),
        (number(100), {"minimum": 0, "maximum": 100}, None, ""),
        (number(-1), {"minimum": 0, "maximum": 100}, "critical", "It is -1; allowed is at least 0 and at most 100."),
        (number(101), {"maximum": 100}, "critical", "It is 101; allowed is at most 100."),
        (number(0), {"minimum": 1, "severity": "warning"}, "warning", "It is 0; allowed is at least 1."),
        (NOTHING, {"minimum": 1}, "critical", "It is NULL; allowed is at least 1."),
        (text("many"), {"minimum": 1}, "unknown", "It is many, which is no number."),
    ],
)
def test_range(cell, limits, severity, message):
    found = judged(answer(RANGE, cell, **limits))
    assert [(f.severity, f.message) for f in found] == ([(severity, message)] if severity else [])


@pytest.mark.parametrize(
    ("cell", "wanted", "good"),
    [
        (number(5), "5.0", True),
        (number(5), "five", False),
        (number(5), "6", False),
        (text("done"), "done", True),
        (text("done"), "Done", False),
        (Cell(FLAG, 1.0, "true"), "Yes", True),
        (Cell(FLAG, 0.0, "false"), "false", True),
        (Cell(FLAG, 0.0, "false"), "true", False),
        (NOTHING, "", False),
    ],
)
def test_equals(cell, wanted, good):
    assert told(answer(EQUALS, cell, equals=wanted)) == ([] if good else [("equals", "a", "critical")])


@pytest.mark.parametrize(
    ("here", "there", "percent", "good"),
    [
        (number(100), number(100), 0, True),
        (number(100), number(99), 0, False),
        (number(100), number(99), 1, True),
        (number(0), number(0), 1, True),
        (Cell(TIME, 5.0, "a"), Cell(TIME, 5.0, "b"), 0, True),
        (text("a"), text("a"), 0, True),
        (text("a"), text("b"), 0, False),
        (text("1"), number(1), 0, False),
        (NOTHING, NOTHING, 0, False),
        (number(1), NOTHING, 0, False),
    ],
)
def test_two_stores(here, there, percent, good):
    found = told(answer(SAME, here, other=outcome(there), percent=percent))
    assert found == ([] if good else [("same", "a", "critical")])


def test_what_two_stores_say_is_shown():
    (found,) = judged(answer(SAME, number(2), other=outcome(NOTHING), percent=5))
    assert found.message == "It is 2 here and NULL in the other store; they may differ by 5 %."
    assert list(answer(SAME, number(2)).pairs()) == []


@pytest.mark.parametrize(
    ("value", "known", "severity"),
    [
        (130, Usual(100, 3), "critical"),
        (129, Usual(100, 3), None),
        (71, Usual(100, 9), None),
        (70, Usual(100, 9), "critical"),
        (1000, Usual(100, 2), None),
        (1000, None, None),
        (0, Usual(0, 3), None),
        (1, Usual(0, 3), "critical"),
    ],
)
def test_usual(value, known, severity):
    usual = {"data.a.": known} if known else {}
    found = told(answer(USUAL, number(value), percent=30), usual=usual)
    assert found == ([("usual", "a", severity)] if severity else [])


def test_usual_says_how_far_off_it_is():
    usual = {"data.a.": Usual(100, 3)}
    (less,) = judged(answer(USUAL, number(10), percent=30), usual=usual)
    assert less.message == "It is 10, 90 % less than usual (100)."
    (hidden,) = judged(answer(USUAL, number(200), percent=30, show_values=False), usual=usual)
    assert hidden.message == "It is a value that is not shown, 100 % more than usual."
    assert hidden.value is None


def test_usual_needs_a_number():
    assert told(answer(USUAL, NOTHING, percent=30)) == [("usual", "a", "critical")]
    assert told(answer(USUAL, text("x"), percent=30)) == [("usual", "a", "unknown")]


def test_rows_that_break_a_rule():
    assert told(answer(NO_ROWS, of=Outcome(columns=("a",)))) == []
    (one,) = judged(answer(NO_ROWS, number(1)))
    assert (one.message, one.value) == ("1 row breaks the rule: c0=1.", 1)
    many = outcome(rows=((number(1), text("\x1b[2J")), (NOTHING, number(2))), columns=("a", "b"), more=True)
    (found,) = judged(answer(NO_ROWS, of=many))
    assert found.message == "More than 2 rows break the rule: a=1, b=\\x1b[2J | a=NULL, b=2."
    (hidden,) = judged(answer(NO_ROWS, of=many, show_values=False))
    assert hidden.message == "More than 2 rows break the rule."


PROBLEMS = [
    (answer(RANGE, of=Outcome(error="no.", advice="Do.")), "The statement could not be run: no."),
    (
        answer(SAME, number(1), other=Outcome(error="no.", advice="Do.")),
        "The statement in the other store could not be run: no.",
    ),
    (answer(RANGE, of=outcome(number(1), rows=((number(1),),) * 2)), "The statement returned more than one row."),
    (answer(RANGE, of=outcome(number(1), more=True)), "The statement returned more than one row."),
    (answer(SAME, number(1), other=outcome(number(1), number(2))), "The statements return 1 and 2 columns."),
]


@pytest.mark.parametrize(("given", "message"), PROBLEMS)
def test_what_cannot_be_judged_is_unknown_and_nothing_else(given, message):
    (found,) = judged(given)
    assert (found.check, found.severity, found.message) == ("data.statement", "unknown", message)
    assert found.advice


def test_each_value_of_a_row_is_judged():
    assert told(answer(RANGE, number(1), number(7), minimum=2)) == [("range", "a: c0", "critical")]
    none = Outcome(columns=("low", "high"), now=NOW)
    found = judged(answer(RANGE, of=none, minimum=2))
    assert [f.subject for f in found] == ["a: high", "a: low"] or [f.subject for f in found] == ["a: low", "a: high"]
    assert "It is no row;" in found[0].message


def test_measurements():
    answers = [
        Answer(Assertion("a b", RANGE), outcome(number(5), seconds=0.12345)),
        Answer(Assertion("pair", RANGE), outcome(number(1), text("x"), columns=("min", "max %"))),
        Answer(Assertion("hidden", RANGE, show_values=False), outcome(number(5))),
        Answer(Assertion("lag", FRESHNESS), outcome(Cell(TIME, NOW - 5, ""))),
        Answer(Assertion("rows", NO_ROWS), outcome(number(5))),
        Answer(Assertion("gone", RANGE), Outcome(error="no")),
        Answer(Assertion("two", RANGE), outcome(number(1), more=True)),
        Answer(Assertion("new", USUAL, show_values=False), outcome(number(10))),
        Answer(Assertion("old", USUAL), outcome(number(24))),
    ]
    usual = {"data.old.": Usual(10, 20), "data.lost.": Usual(3, 4)}
    assert measurements(answers, usual, 1.0) == {
        "data.observed_at": 1.0,
        "data.a_b.seconds": 0.1235,
        "data.a_b.value": 5,
        "data.pair.seconds": 0,
        "data.pair.min.value": 1,
        "data.hidden.seconds": 0,
        "data.lag.seconds": 0,
        "data.lag.age_seconds": 5,
        "data.rows.seconds": 0,
        "data.rows.rows": 1,
        "data.two.seconds": 0,
        "data.new.seconds": 0,
        "data.new.usual": 10,
        "data.new.looks": 1,
        "data.old.seconds": 0,
        "data.old.value": 24,
        "data.old.usual": 12,
        "data.old.looks": 21,
        "data.lost.usual": 3,
        "data.lost.looks": 4,
    }


def test_what_was_usual_comes_from_the_previous_measurements():
    previous = {"data.observed_at": "1", "data.a.usual": "7.5", "data.a.looks": 4, "data.b.usual": 1, "data.c.usual": 2}
    assertions = [Assertion("a", USUAL), Assertion("b", RANGE), Assertion("c", USUAL)]
    assert usual_values(assertions, previous) == {"data.a.": Usual(7.5, 4), "data.c.": Usual(2, 0)}
    assert usual_values(assertions, {}) == {}
    with pytest.raises(InputError, match="observed_at"):
        usual_values(assertions, {"data.a.usual": 1})


GIVEN = {"name": "a", "sql": "SELECT 1", "no_rows": False, "tolerance_percent": 0.0, "severity": "warning"}


@pytest.mark.parametrize(
    ("options", "rule", "fields"),
    [
        ({"warning_age": 5.0}, FRESHNESS, {"warning_age": 5.0}),
        ({"warning_age": 5.0, "critical_age": 5.0}, FRESHNESS, {"critical_age": 5.0}),
        ({"min": 0.0}, RANGE, {"minimum": 0.0}),
        ({"min": 0.0, "max": 0.0}, RANGE, {"maximum": 0.0}),
        ({"equals": ""}, EQUALS, {"equals": ""}),
        ({"other_sql": "SELECT 1", "tolerance_percent": 2.0}, SAME, {"percent": 2.0}),
        ({"usual_percent": 30.0}, USUAL, {"percent": 30.0}),
        ({"no_rows": True}, NO_ROWS, {"severity": "warning"}),
        ({"no_rows": True, "severity": None}, NO_ROWS, {"severity": "critical"}),
        ({"no_rows": True, "show_values": False}, NO_ROWS, {"show_values": False}),
        ({"no_rows": True, "show_values": None}, NO_ROWS, {"show_values": True}),
    ],
)
def test_assertions(options, rule, fields):
    made = assertion_from({**GIVEN, **options})
    assert made.rule == rule
    assert {name: getattr(made, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "has no rules"),
        ({"min": 1.0, "equals": "1"}, "has 2 rules"),
        ({"warning_age": 5.0, "critical_age": 4.0}, "'warning_age' in 'a'"),
        ({"min": 5.0, "max": 4.0}, "'min' in 'a'"),
        ({"usual_percent": 0.0}, "percentage of 'a' is 0"),
        ({"usual_percent": -1.0}, "percentage of 'a' is -1"),
        ({"other_sql": "SELECT 1", "tolerance_percent": -1.0}, "percentage of 'a' is -1"),
    ],
)
def test_assertions_that_make_no_sense(options, words):
    with pytest.raises(InputError, match=words):
        assertion_from({**GIVEN, **options})
