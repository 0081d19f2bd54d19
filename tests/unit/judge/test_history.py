# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run adds to the history, and what the history tells about a run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.history import (
    LastRun,
    Past,
    Slot,
    State,
    age_text,
    is_new,
    record,
    time_of,
    url_of,
    with_history,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.report import Run
from ansible_collections.analytics.ops.plugins.module_utils._judge.report_text import days_text, render
from ansible_collections.analytics.ops.plugins.module_utils._judge.shortlist import shortlist

from tests.support.reports import BLOAT, CONNECTIONS, DAY, HARMFUL, HOSTILE, IDLE, NOW, TARGET, looked, report_of, timed

DOWN = replace(IDLE, check="pg.reachable", subject="server", message="Connection refused.")
BLIND = replace(BLOAT, subject="server", severity="unknown", message="No right to look.")


def state(finding, days=3.0, severity=None, host="db1"):
    since = NOW - int(days * DAY)
    return State(host, TARGET, finding.check, finding.subject, severity or finding.severity, since, NOW - DAY)


def past(*states, series=None):
    return Past(LastRun(NOW - DAY, "degraded"), states, series or {})


def ended(report, *states):
    return [s.check for s in record(report).ended(states)]


def test_a_run_is_recorded_as_plain_rows_in_a_steady_order():
    run = record(report_of(looked(IDLE, BLOAT, b__two=2, a__one=1.5)))
    assert (run.playbook, run.started, run.finished, run.status) == ("daily_health_check", NOW, NOW + 95, "unhealthy")
    assert run.points == (("db1", TARGET, "a.one", 1.5), ("db1", TARGET, "b.two", 2.0))
    assert [row[2:] for row in run.open] == [
        ("pg.idle_in_transaction", "session 4711", "critical"),
        ("pg.table_bloat", "public.tasks", "warning"),
    ]


def test_nothing_hostile_and_nothing_endless_is_recorded():
    run = record(report_of(looked(target=HOSTILE * 50, **{HOSTILE: 1.0, "big" * 500: 2.0})))
    for row in run.points:
        assert all(len(text) <= 1200 and not HARMFUL.search(text) for text in row[:3])


def test_what_was_looked_for_and_not_found_has_ended():
    assert ended(report_of(looked(IDLE)), state(IDLE), state(BLOAT)) == ["pg.table_bloat"]
    assert ended(report_of(looked(IDLE, checks=None)), state(BLOAT)) == ["pg.table_bloat"]
    assert ended(report_of(looked(BLOAT), looked()), state(BLOAT)) == ["pg.table_bloat"], "resolved within the run"


@pytest.mark.parametrize(
    "result",
    [looked(DOWN), looked(BLIND), looked(checks=["pg.connections"]), looked(target="another")],
    ids=["down", "blind", "not asked", "elsewhere"],
)
def test_what_was_not_looked_for_goes_on(result):
    assert ended(report_of(result), state(BLOAT)) == []


@pytest.mark.parametrize("checks", [None, ["pg.table_bloat"]])
def test_what_a_shortlist_left_out_goes_on_and_its_count_is_no_finding(checks):
    tables = [replace(BLOAT, subject=f"public.t{n}") for n in range(5)]
    listed = shortlist(tables, 3)
    report = report_of(looked(*listed, checks=checks))
    assert ended(report, state(tables[4])) == []
    assert len(record(report).open) == 3
    told = with_history(report, past(*map(state, tables)))
    assert not any(is_new(told, finding) for finding in told["findings"])


def test_a_host_that_answers_is_reachable_again():
    gone = State("db1", "db1", "host.reachable", "db1", "unknown", NOW - DAY, NOW - DAY)
    assert ended(report_of(looked()), gone) == ["host.reachable"]
    run = Run()
    run.add_unreachable("db1", "no route")
    assert ended(timed(run.report()), gone) == []


def test_since_is_the_first_time_and_new_is_what_was_not_known():
    report = with_history(report_of(looked(IDLE, BLOAT)), past(state(BLOAT)))
    since = {finding["check"]: finding["since"] for finding in report["findings"]}
    assert since == {"pg.table_bloat": time_of(NOW - 3 * DAY), "pg.idle_in_transaction": time_of(NOW)}
    assert [f["check"] for f in report["findings"] if is_new(report, f)] == ["pg.idle_in_transaction"]
    assert [age_text(report, finding) for finding in report["findings"]] == ["", "since 3 days"]
    text = render(report, 120)
    assert "(since 3 days) It is 40 % air." in text
    assert "(new) Session 4711" in text
    assert "2 open, 1 of them new" in text


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (1, "since 1 day"),
        (2.9, "since 2 days"),
        (0.1, "since 2 hours"),
        (0.01, "since 14 minutes"),
        (0.0001, "since a moment ago"),
        (-1, ""),
    ],
)
def test_ages_are_told_in_one_unit(days, text):
    report = with_history(report_of(looked(BLOAT)), past(state(BLOAT, days)))
    assert age_text(report, report["findings"][0]) == text


def test_at_the_first_run_nothing_is_called_new():
    report = with_history(report_of(looked(BLOAT)), Past())
    assert not is_new(report, report["findings"][0])
    assert report["findings"][0]["since"] == report["started"]
    assert report["changes"]["last_run"] is None and report["changes"]["new"] == []


def test_without_a_history_the_keys_are_there_and_empty():
    report = with_history(report_of(looked(BLOAT)), None)
    assert (report["findings"][0]["since"], report["changes"], report["trends"]) == (None, None, [])
    assert not is_new(report, report["findings"][0])
    assert age_text(report, report["findings"][0]) == ""


def test_what_changed_since_the_last_run():
    worse, better = state(IDLE, severity="warning"), state(CONNECTIONS, severity="critical")
    gone = state(replace(BLOAT, subject="public.old"), days=9)
    report = with_history(report_of(looked(IDLE, CONNECTIONS, BLOAT)), past(worse, better, gone))
    changes = report["changes"]
    assert (changes["last_run"], changes["status_then"]) == (time_of(NOW - DAY), "degraded")
    brief = {name: [(c["check"], c["severity_before"], c["severity"]) for c in changes[name]] for name in LISTS}
    assert brief == {
        "new": [("pg.table_bloat", None, "warning")],
        "worse": [("pg.idle_in_transaction", "warning", "critical")],
        "better": [("pg.connections", "critical", "warning")],
        "gone": [("pg.table_bloat", "warning", "ok")],
    }
    assert "gone      db1: pg.table_bloat · public.old" in render(report, 120)


LISTS = ("new", "worse", "better", "gone")


def test_what_this_run_resolved_is_not_told_twice():
    report = with_history(report_of(looked(BLOAT), looked()), past(state(BLOAT)))
    assert report["changes"]["gone"] and report["findings"][0]["since"] == time_of(NOW - 3 * DAY)
    text = render(report, 120)
    assert "resolved" in text and "gone  " not in text
    known = with_history(report_of(looked(BLOAT), looked()), past())
    assert known["findings"][0]["since"] is None


def slots(values, key="pg.connections.used_percent"):
    count = len(values)
    return {("db1", TARGET, key): [Slot(NOW - (count - n) * DAY, v, v, v) for n, v in enumerate(values)]}


def test_a_figure_that_grows_tells_when_it_meets_its_limit():
    series = slots([50.0 + n for n in range(20)])
    report = with_history(report_of(looked(pg__connections__used_percent=70.0, pg__version=16)), past(series=series))
    (trend,) = report["trends"]
    assert (trend["name"], trend["unit"], trend["limit"], trend["limit_is_default"]) == (
        "pg.connections.used_percent",
        "%",
        80,
        True,
    )
    assert (trend["per_day"], trend["days_left"]) == (pytest.approx(1.0), 10.0)
    assert (trend["week"], trend["week_before"]) == (67.0, 60.0)
    text = render(report, 160)
    assert f"db1 · pg.connections.used_percent of {TARGET}: 70 % now, 80 % in 10 days at the present rate" in text


def test_a_figure_past_all_limits_or_without_any_has_none_left():
    series = {**slots([80.0 + n for n in range(20)]), **slots([1.0, 2.0], "pg.connections.used")}
    report = report_of(looked(pg__connections__used_percent=99.0, pg__connections__used=99, pg__standby=1))
    trends = with_history(report, past(series=series))["trends"]
    assert [(t["limit"], t["limit_is_default"], t["days_left"]) for t in trends] == [(None, None, None)] * 2
    assert trends[0]["per_day"] is None and trends[1]["per_day"]


@pytest.mark.parametrize(("days", "text"), [(0.2, "within a day"), (1.2, "in a day"), (8.4, "in 8 days")])
def test_days_are_rounded(days, text):
    assert days_text(days) == text


@pytest.mark.parametrize(
    ("option", "url"),
    [
        ("sqlite", "sqlite:////home/ops/analytics_ops/history.sqlite3"),
        ("none", ""),
        ("", ""),
        (None, ""),
        ("sqlite:////x", "sqlite:////x"),
    ],
)
def test_where_the_history_is(option, url):
    assert url_of(option, "/home/ops") == url
