# SPDX-License-Identifier: GPL-3.0-or-later
"""A result may come from a host in wrong hands: whatever it holds, the report is made, and is harmless."""

from __future__ import annotations

import json

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.report import (
    MOST_CHARACTERS,
    MOST_FIGURES,
    Look,
    Run,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.report_text import render

from tests.support.reports import BLOAT, CHECKS, HARMFUL, HOSTILE, TARGET, looked, report_of


def report_on(**result):
    run = Run()
    run.add_result("db1", "task", {"status": "healthy", "findings": [], "target": TARGET, **result})
    return run.report()


def test_a_finding_is_made_of_what_findings_are_made_of():
    hostile = {"check": HOSTILE, "severity": "<b>", "message": "x" * 10_000_000, "value": {"a": 1}, "more": HOSTILE}
    report = report_on(findings=[hostile, "no finding", {**hostile, "warning": "80", "critical": True, "value": True}])
    for finding in report["findings"]:
        assert finding["severity"] == "unknown"
        assert "more" not in finding
        assert (finding["warning"], finding["critical"]) == (None, None)
        assert isinstance(finding["value"], str)
        assert len(finding["message"]) == 500
        assert "\x1b" not in finding["check"]
    json.dumps(report)
    render(report, 100)


def test_figures_are_finite_numbers_and_not_endless():
    bad = {"a": float("nan"), "b": 10**400, "c": "7", "d": True, HOSTILE: 1, "e": 2}
    (look,) = report_on(measurements=bad)["measurements"]
    assert sorted(look["now"].values()) == [1, 2]
    assert not any(HARMFUL.search(name) for name in look["now"])
    (look,) = report_on(measurements={f"n{number}": number for number in range(MOST_FIGURES + 9)})["measurements"]
    assert len(look["now"]) == MOST_FIGURES
    assert report_on(measurements=["no mapping"])["measurements"][0]["now"] == {}


def test_a_status_that_is_none_is_told_from_the_findings():
    assert report_on(status="splendid", findings=[BLOAT.as_dict()])["status"] == "degraded"


def test_steps_are_lines():
    step = {"action": HOSTILE, "subject": None, "reason": ["x"]}
    run = Run()
    run.add_result("db1", "task", {"plan": [], "done": [step, "no step"], "remaining": [], "changed": True})
    (only,) = run.report()["steps"]
    assert not any(HARMFUL.search(only[name]) for name in ("action", "subject", "reason"))


def test_figures_of_steps_are_none_that_no_view_could_show():
    wild = {"keys": float("nan"), "seconds": float("inf"), "size_bytes_before": 10**400, "size_bytes_after": [[]]}
    step = {"action": "delete", "subject": "a", "reason": "b", **wild}
    run = Run()
    run.add_result("db1", "task", {"plan": [], "done": [step], "remaining": [], "changed": True})
    run.add_result("db1", "task", {"plan": [], "done": [{**step, **dict.fromkeys(wild)}], "remaining": []})
    first, second = run.report()["steps"]
    assert not wild.keys() & first.keys()
    assert wild.keys() <= second.keys()
    render(run.report(), 100)


def test_very_many_findings_are_looked_through_once():
    """100 000 that are gone at the second look, which has as many: each time all of them would take hours."""
    unknown = dict(BLOAT.as_dict(), severity="unknown")
    look = Look("degraded", tuple(dict(unknown, check=f"a.{number}") for number in range(100_000)), {}, ("b.1",))
    assert not any(look.saw(f"a.{number}") for number in range(100_000))
    assert look.saw("b.1") and not look.saw("b.2")


def test_the_report_says_which_checks_were_answered():
    (look,) = report_of(looked(BLOAT))["measurements"]
    assert look["checks"] == list(CHECKS)
    blind = dict(BLOAT.as_dict(), severity="unknown")
    (look,) = report_on(findings=[blind], checks=CHECKS)["measurements"]
    assert look["checks"] == [check for check in CHECKS if check != "pg.table_bloat"]
    assert report_on(checks="all")["measurements"][0]["checks"] is None


@pytest.mark.parametrize(("asked", "state"), [(CHECKS, "resolved"), (["pg.connections"], "open"), (None, "resolved")])
def test_what_the_last_look_did_not_ask_is_not_resolved(asked, state):
    report = report_of(looked(BLOAT), looked(checks=asked))
    assert report["findings"][0]["state"] == state


def test_a_failure_is_no_log():
    run = Run()
    run.add_failure("db1", "task", "x" * 10_000_000)
    run.add_failure("db1", "task", "Passed on: " + "x" * 10_000_000)
    assert [len(failure["message"]) for failure in run.report()["failures"]] == [MOST_CHARACTERS]
