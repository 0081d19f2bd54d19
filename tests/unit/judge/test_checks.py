# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Register, Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import check_result, status_of, worst_status
from ansible_collections.analytics.ops.plugins.module_utils._judge.threshold import Threshold

CHECKS = Register("pg")


@CHECKS.check(
    "size", needs=("tables",), question="Is it too big?", procedure="H06", threshold=Threshold("bytes", 10, 20)
)
def size(rule, tables):
    for name, value in tables:
        yield rule.judge(name, value, f"{name} is big.", "Make it smaller.")


@CHECKS.check("locks", needs=("locks", "tables"), question="Who waits?", procedure="H04")
def locks(rule, waiting, tables):
    if waiting:
        yield rule.say("critical", "lock", "Somebody waits.", "Look.", value=waiting)


def findings(snapshot, **selection):
    return CHECKS.select(**selection).findings(snapshot, "the database")


def test_values_are_judged_by_their_limit():
    big, bigger, small = (
        f for f in findings({"tables": [("a", 15), ("b", 20), ("c", 1)], "locks": 0}, checks=["size"])
    )
    assert [(f.subject, f.severity, f.value, f.unit, f.warning, f.critical) for f in (big, bigger)] == [
        ("a", "warning", 15, "bytes", 10, 20),
        ("b", "critical", 20, "bytes", 10, 20),
    ]
    assert big.advice == "Make it smaller."
    assert small.severity == "ok"
    assert small.advice == ""


def test_silence_is_an_answer():
    (finding,) = findings({"tables": [], "locks": 0}, checks=["pg.locks"])
    assert (finding.severity, finding.subject) == ("ok", "the database")


def test_what_could_not_be_seen_is_not_ok():
    hidden = Unavailable("No right to see locks.", "GRANT pg_monitor TO ops;")
    (finding,) = findings({"tables": [], "locks": hidden}, checks=["locks"])
    assert (finding.severity, finding.advice) == ("unknown", "GRANT pg_monitor TO ops;")
    assert status_of([finding.severity]) == "degraded"


def test_only_what_is_asked_needs_to_be_observed():
    assert CHECKS.select(checks=["size"]).needs == {"tables"}
    assert CHECKS.select(exclude_checks=["size"]).names == ["pg.locks"]


def test_lists_and_limits_of_other_systems_are_passed_over():
    selection = CHECKS.select(
        exclude_checks=["redis.memory"], thresholds={"redis.memory": {"warning": 1}, "pg.size": {}}
    )
    assert selection.names == ["pg.size", "pg.locks"]


WRONG_SELECTION_TEST_CASES = [
    ({"checks": ["sise"]}, "checks: there is no check called 'sise'. Did you mean: pg.size"),
    ({"exclude_checks": ["zzz"]}, "exclude_checks: there is no check called 'zzz'. There are: pg.locks, pg.size."),
    ({"thresholds": {"size": 5}}, "thresholds: 'size' is 5. Give a mapping"),
    ({"thresholds": {"rediss.memory": {}}}, "no check called 'rediss.memory'"),
    ({"checks": ["redis.memory"]}, "no check called 'redis.memory'"),
]


@pytest.mark.parametrize(("selection", "text"), WRONG_SELECTION_TEST_CASES)
def test_wrong_names_are_answered_with_right_ones(selection, text):
    with pytest.raises(InputError) as error:
        CHECKS.select(**selection)
    assert text in error.value.text


def test_result_shows_the_worst_first_and_ok_only_on_request():
    seen = findings({"tables": [("a", 1), ("b", 15), ("c", 99)], "locks": 0})
    result = check_result(seen, target="x")
    assert [f["subject"] for f in result["findings"]] == ["c", "b"]
    assert (result["changed"], result["status"], result["target"]) == (False, "unhealthy", "x")
    assert len(check_result(seen, include_ok=True)["findings"]) == 4


STATUS_TEST_CASES = [
    ([], "healthy"),
    (["ok", "info"], "healthy"),
    (["ok", "unknown"], "degraded"),
    (["warning"], "degraded"),
    (["warning", "critical"], "unhealthy"),
]


@pytest.mark.parametrize(("severities", "status"), STATUS_TEST_CASES)
def test_status_of(severities, status):
    assert status_of(severities) == status


def test_worst_status():
    assert worst_status([]) == "healthy"
    assert worst_status(["degraded", "healthy"]) == "degraded"


def test_what_is_open_has_the_limit_that_it_must_leave():
    tables = {"tables": [("a", 8), ("b\n", 8), ("c", 8), ("d", 6)], "locks": 0}
    known = [{"check": "pg.size", "subject": name} for name in ("a", "b ", "d")]
    known += [{"check": "pg.locks", "subject": "c"}, {"check": "redis.size", "subject": "c"}, {}]
    limits = {"pg.size": {"clear": 7}}
    found = findings(tables, checks=["size"], thresholds=limits, open_findings=known)
    assert [(f.subject, f.severity, f.warning) for f in found] == [
        ("a", "warning", 7),
        ("b ", "warning", 7),
        ("c", "ok", 10),
        ("d", "ok", 7),
    ]
    assert [f.severity for f in findings(tables, checks=["size"], thresholds=limits)] == ["ok"] * 4
    assert [f.severity for f in findings(tables, checks=["size"], open_findings=known)] == ["ok"] * 4
