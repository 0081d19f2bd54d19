# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions that only a mutant showed to be without a test (docs/mutation.md)."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup import CHECKS as BACKUPS
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup import Backup, Flaw, Reading, Stored
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Register, Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import Finding, check_result
from ansible_collections.analytics.ops.plugins.module_utils._judge.http_answer import BODY_LIMIT, Answer
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres_measurements import measurements
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis import measurements as redis_measurements
from ansible_collections.analytics.ops.plugins.module_utils._judge.report import Run
from ansible_collections.analytics.ops.plugins.module_utils._judge.report_text import render
from ansible_collections.analytics.ops.plugins.module_utils._judge.shortlist import shortlist
from ansible_collections.analytics.ops.plugins.module_utils._judge.verdict import verdict

from tests.support.postgres_rows import database, run
from tests.support.redis_info import answers, info, rates
from tests.unit.judge.test_postgres_bloat import relation
from tests.unit.judge.test_report import IDLE, TARGET, looked, run_of

GOOD = Backup("/b/a.dump", "custom", "none", size_bytes=1000, age_seconds=3600.0)


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        ({"unreadable": "Permission denied"}, ()),
        ({"format": "base_backup"}, ()),
        ({}, (Stored("a", "sha256", "x", "x"),)),
    ],
)
def test_no_checksum_is_missed_where(fields, stored):
    reading = Reading(GOOD._replace(**fields), asked="checksum", required=True, stored=stored)
    found = BACKUPS.select(["checksum"]).findings({"readings": (reading,)}, "/b")
    assert [finding.severity for finding in found] == ["ok"]


@pytest.mark.parametrize(("own", "advice"), [("Take the other one.", "Take the other one."), ("", "Restore it into")])
def test_a_flaw_with_advice_of_its_own(own, advice):
    reading = Reading(GOOD, flaws=(Flaw("level", "x", own),))
    (found,) = BACKUPS.select(["level"]).findings({"readings": (reading,)}, "/b")
    assert found.advice.startswith(advice)


def test_of_several_missing_parts_the_first_is_told():
    register = Register("pg")
    register.check("a", needs=("x", "y"), question="?", procedure="H01")(lambda rule, x, y: [])
    parts = {"x": Unavailable("first", "do this", "info"), "y": Unavailable("second", "do that", "unknown")}
    (found,) = register.select().findings(parts, "server")
    assert (found.severity, found.message, found.advice) == ("info", "first", "do this")


def test_what_an_endpoint_is_asked_for_unless_told_otherwise():
    assert BODY_LIMIT == 1048576
    usual = Answer("api", "http://api/")
    assert (usual.expected.status, usual.status, usual.seconds, usual.tries, usual.truncated) == (
        (200,),
        0,
        0.0,
        1,
        False,
    )


def test_a_table_is_judged_as_a_table():
    """Filled to 90 % it needs 4 902 of its 25 600 pages; an index of the same rows 2 747."""
    (found,) = run("table_bloat", table_bloat=[relation()])
    assert found.value == pytest.approx(100 * (25600 - 4902) / 25600, abs=0.001)
    (found,) = run("index_bloat", index_bloat=[relation()])
    assert found.value == pytest.approx(100 * (25600 - 2747) / 25600, abs=0.001)


def test_a_template_does_not_hide_the_databases_after_it():
    figures = measurements({"databases": [database(name="template1", is_template=True), database()]})
    assert "pg.database.shop.commits" in figures and "pg.database.template1.commits" not in figures


def test_the_seconds_of_a_fork_are_exact():
    assert (
        redis_measurements({"info": info(latest_fork_usec=12345678)}, 0)["redis.persistence.fork_seconds"] == 12.345678
    )
    assert answers("fork", info=info(latest_fork_usec=1999999))[0].severity == "warning"
    assert answers("fork", info=info(latest_fork_usec=100000000))[0].value == 100


def test_a_single_look_up_is_one():
    (found,) = answers("hit_rate_window", rates=rates(keyspace_hits=1))
    assert (found.subject, found.value) == ("window", 100)


@pytest.mark.parametrize("what", ["looks", "steps", "failures", "unreachable"])
def test_a_run_is_empty_until_it_has_anything(what):
    run_ = Run()
    assert run_.is_empty
    filled = {"looks": {("a", "b"): []}, "steps": [{}], "failures": [{}], "unreachable": {"a": "b"}}
    setattr(run_, what, filled[what])
    assert not run_.is_empty


def test_two_looks_compare_and_the_report_says_its_version():
    report = run_of(looked(IDLE), looked(IDLE)).report()
    assert (report["schema"], report["findings"][0]["value_before"]) == (1, 900)


def test_a_finding_is_painted_by_its_severity():
    painted = []

    def paint(text, colour):
        painted.append((text, colour))
        return text

    odd = Finding("pg.table_bloat", "x", "unknown", "Air.")
    for width in (80, 120):
        painted.clear()
        render(run_of(check_result([IDLE, odd], target=TARGET)).report(), width, paint)
        assert ("critical", "red") in painted and ("unknown", "magenta") in painted


def test_a_verdict_of_what_was_skipped_and_of_more_than_it_can_name():
    finding = {"check": "a.b", "severity": "critical"}
    skipped = {"skipped": True, "findings": [{**finding, "message": "Skipped."}]}
    assert verdict([skipped, {}]).status == "healthy"
    four = {"findings": [{**finding, "message": f"Number {number}."} for number in range(1, 5)]}
    assert verdict([four]).message == "unhealthy (4 critical). Number 1. Number 2. Number 3."


@pytest.mark.parametrize(
    ("severity", "message"),
    [
        ("warning", "2 more answers like those listed are left out, from 'b' to 'c'."),
        ("ok", "2 more are in order, from 'b' to 'c'."),
    ],
)
def test_what_is_left_out_of_a_list_is_told_from_the_first_to_the_last(severity, message):
    found = shortlist([Finding("pg.a", subject, severity, "m") for subject in "abc"], 1)
    assert [finding.message for finding in found] == ["m", message]
    assert bool(found[1].advice) == (severity == "warning")
