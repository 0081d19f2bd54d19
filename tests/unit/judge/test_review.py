# SPDX-License-Identifier: GPL-3.0-or-later
"""The review of a week: what it counts, what it compares, and what it says where nothing is known."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.history import time_of
from ansible_collections.analytics.ops.plugins.module_utils._judge.review import review, shortened, worth_telling
from ansible_collections.analytics.ops.plugins.module_utils._judge.review_facts import DAY, Facts, RunRow, Weeks

from tests.support.reports import NOW, TARGET
from tests.support.reviews import WEEKS, alert, runs_every_day, slots, top

NAME = "pg.connections.used_percent"
SCANS = {"host": "db1", "target": TARGET, "kind": "pg.sequential_scans", "name": "public.orders"}


def told(thresholds=None, weeks=WEEKS, known=NOW - 20 * DAY, **facts):
    return review(Facts(known_since=known, **facts), weeks, thresholds or {})


def test_an_empty_history_is_said_to_be_empty():
    empty = told(known=None)
    assert empty["summary"].startswith("The history is empty")
    assert (empty["runs"], empty["alerts"], empty["figures"], empty["silent"]) == ([], [], [], [])
    assert empty["top"] == {"log.patterns": [], "pg.sequential_scans": [], "pg.statements": []}
    assert (empty["known_since"], empty["days"], empty["end"]) == (None, 7, time_of(NOW))


def test_a_week_without_runs_says_where_the_history_begins():
    assert told()["summary"].startswith("Nothing was run in the week to 2026-")
    assert "what is known begins at 2026-" in told()["summary"]


def test_the_first_week_has_nothing_to_compare_with():
    first = told(known=NOW - 2 * DAY, runs=runs_every_day(*range(12)), series={("db1", TARGET, NAME): slots(50, 60)})
    assert first["summary"] == "2 runs, 0 alerts. There is nothing yet to compare with."
    figure = first["figures"][0]
    assert (figure["before"], figure["change_percent"], figure["unusual"], figure["per_day"]) == (
        None,
        None,
        False,
        None,
    )
    assert figure["week"] == {"first": 50, "last": 60, "mean": 55.0, "min": 50, "max": 60}


def test_the_summary_counts():
    alerts = [alert("a", 1), alert("b", 10), alert("c", 1, level=1), alert("d", 12, 10), alert("d", 3, 2)]
    assert told(runs=runs_every_day(9, 10), alerts=alerts)["summary"] == (
        "5 runs, 2 missing, 3 alerts (2 open, 1 new, 1 recurring)."
    )
    one = told(runs=[RunRow("x", NOW - 60, NOW, False, "healthy", 0)], alerts=[alert(since=1, gone=0.5)])
    assert one["summary"] == "1 run, 1 alert (1 new)."
    assert told(weeks=Weeks.until(NOW, 30))["summary"].startswith("Nothing was run in the 30 days to")
    assert told(weeks=Weeks.until(NOW, 1))["summary"].startswith("Nothing was run in the day to")


# Runs


def test_runs_are_counted_by_playbook_beside_the_week_before():
    runs = [*runs_every_day(status="degraded"), RunRow("other", NOW - DAY, NOW, False, "unhealthy", 2)]
    daily, other = told(runs=runs)["runs"]
    assert (daily["runs"], daily["runs_before"], daily["degraded"], daily["unhealthy"]) == (7, 7, 7, 0)
    assert (daily["failed"], daily["missing"], daily["every_seconds"]) == (0, 0, DAY)
    assert (other["failed"], other["unhealthy"], other["missing"], other["every_seconds"]) == (1, 1, None, None)
    assert (other["longest_seconds"], other["last_status"], other["last"]) == (DAY, "unhealthy", time_of(NOW - DAY))


@pytest.mark.parametrize(
    ("missing", "number"),
    [((8,), 1), ((8, 9, 10), 3), ((1, 2), 0), ((6,), 1), ((13,), 1), ((12, 13), 2)],
    ids=["one", "three", "the week before", "on the border", "the last", "the last two"],
)
def test_missing_runs_are_seen_by_the_rhythm_of_the_others(missing, number):
    assert told(runs=runs_every_day(*missing))["runs"][0]["missing"] == number


def test_what_people_start_has_no_rhythm():
    starts = [NOW - day * DAY for day in (13, 12.9, 12.8, 9, 5, 4.9, 1)]
    runs = [RunRow("by_hand", int(start), int(start), False, "healthy", 0) for start in starts]
    assert told(runs=runs)["runs"][0]["missing"] is None
    same = [RunRow("x", NOW - DAY, NOW, False, "healthy", 0)] * 4
    assert told(runs=same)["runs"][0]["every_seconds"] is None


def test_rehearsals_are_counted_apart():
    rehearsal = RunRow("daily_health_check", NOW - 60, NOW, True, "unhealthy", 0)
    daily = told(runs=[*runs_every_day(), rehearsal])["runs"][0]
    assert (daily["runs"], daily["rehearsals"], daily["unhealthy"], daily["last_status"]) == (7, 1, 0, "unhealthy")
    alone = told(runs=[rehearsal])["runs"][0]
    assert (alone["runs"], alone["failed"], alone["longest_seconds"]) == (0, 0, None)


def test_failures_that_an_older_release_did_not_keep_are_unknown():
    assert told(runs=runs_every_day(failures=None))["runs"][0]["failed"] is None


# Alerts


def only(*alerts):
    (entry,) = told(alerts=alerts)["alerts"]
    return entry


@pytest.mark.parametrize(
    ("alerts", "state"),
    [
        ([alert(since=1)], "new"),
        ([alert(since=7)], "new"),
        ([alert(since=7.1)], "lasting"),
        ([alert(since=30)], "lasting"),
        ([alert(since=30, gone=20), alert(since=1)], "recurring"),
        ([alert(since=6, gone=5), alert(since=1)], "recurring"),
        ([alert(since=30, gone=5), alert(since=1)], "recurring"),
    ],
)
def test_the_state_of_an_alert(alerts, state):
    assert only(*alerts)["state"] == state


def test_how_often_and_how_long():
    entry = only(alert(since=10, gone=6), alert(since=3, gone=2, level=4), alert(since=1))
    assert (entry["times"], entry["times_before"], entry["seconds"]) == (3, 1, 3 * DAY)
    assert (entry["severity"], entry["open"], entry["gone"], entry["since"]) == (
        "critical",
        True,
        None,
        time_of(NOW - DAY),
    )
    closed = only(alert(since=3, gone=2))
    assert (closed["open"], closed["gone"], closed["seconds"]) == (False, time_of(NOW - 2 * DAY), DAY)


def test_of_a_week_in_the_past_what_ended_later_was_open():
    entry = told(alerts=[alert(since=3, gone=-1)])["alerts"][0]
    assert (entry["open"], entry["gone"], entry["seconds"]) == (True, None, 3 * DAY)
    assert told(alerts=[alert(since=-1)])["alerts"] == []


def test_what_was_over_before_the_week_is_none_of_its_alerts():
    assert told(alerts=[alert(since=9, gone=7.1)])["alerts"] == []
    assert len(told(alerts=[alert(since=9, gone=7)])["alerts"]) == 1


def test_open_and_bad_alerts_come_first():
    alerts = [alert("a", 1, 0.5, level=4), alert("b", 1, level=2), alert("c", 2), alert("d", 3), alert("e", 1, level=9)]
    entries = told(alerts=alerts)["alerts"]
    assert [entry["subject"] for entry in entries] == ["e", "d", "c", "b", "a"]
    assert entries[0]["severity"] == "critical"


# Figures


def figure(*values, name=NAME, thresholds=None):
    (entry,) = told(thresholds, series={("db1", TARGET, name): slots(*values)})["figures"]
    return entry


def test_a_figure_stands_beside_that_of_the_week_before():
    entry = figure(*[50] * 7, *[60] * 7)
    assert entry["before"] == {"first": 50, "last": 50, "mean": 50.0, "min": 50, "max": 50}
    assert (entry["week"]["mean"], entry["change_percent"], entry["unusual"], entry["unit"]) == (60.0, 20.0, True, "%")


@pytest.mark.parametrize(
    ("before", "week", "change", "unusual"),
    [
        ([100] * 7, [110] * 7, 10.0, True),
        ([100] * 7, [109] * 7, 9.0, False),
        ([100] * 7, [90] * 7, -10.0, True),
        ([50, 200, *[100] * 5], [150] * 7, 40.0, False),
        ([0] * 7, [5] * 7, None, False),
        ([1e-10] * 7, [1e299] * 7, None, False),
        ([-10] * 7, [-20] * 7, -100.0, True),
    ],
)
def test_unusual_is_what_lies_outside_of_the_week_before(before, week, change, unusual):
    entry = figure(*before, *week, name="pg.connections.used")
    assert (entry["change_percent"], entry["unusual"]) == (change, unusual)


def test_where_a_figure_is_going_and_when_it_meets_its_limit():
    entry = figure(*range(60, 74))
    assert (entry["per_day"], entry["limit"], entry["limit_is_default"], entry["days_left"]) == (1.0, 80, True, 7.0)
    entry = figure(*range(60, 74), thresholds={"pg.connections": {"warning": 75}})
    assert (entry["limit"], entry["limit_is_default"], entry["days_left"]) == (75, False, 2.0)
    entry = figure(*range(60, 74), name="pg.connections.used")
    assert (entry["per_day"], entry["limit"], entry["limit_is_default"], entry["days_left"]) == (1.0, None, None, None)


def test_thresholds_of_others_are_passed_over_and_wrong_numbers_are_said():
    thresholds = {"data.range": {"warning": 1}, "pg.no_such": {}, "pg.connections": "80"}
    assert figure(*range(60, 74), thresholds=thresholds)["limit_is_default"] is True
    with pytest.raises(InputError, match="no number"):
        figure(60, thresholds={"pg.connections": {"warning": "many"}})


def test_what_meets_its_limit_comes_first_and_then_what_is_unusual():
    series = {
        ("db1", TARGET, "pg.a"): slots(*[5] * 14),
        ("db1", TARGET, "pg.b"): slots(*[5] * 7, *[9] * 7),
        ("db1", TARGET, "pg.c"): slots(*[5] * 7, *[90] * 7),
        ("db2", TARGET, NAME): slots(*range(60, 74)),
        ("db1", TARGET, "pg.old"): slots(1, 2, end=WEEKS.begin),
    }
    answer = told(series=series)
    assert [entry["name"] for entry in answer["figures"]] == [NAME, "pg.b", "pg.c", "pg.a"]
    assert [entry["name"] for entry in worth_telling(answer)] == ["pg.c", "pg.b", NAME]


def test_a_target_that_is_no_longer_measured_is_told():
    series = {
        ("db1", TARGET, "pg.a"): slots(1, 2, end=WEEKS.begin),
        ("db1", TARGET, "pg.b"): slots(1, end=WEEKS.begin),
        ("db2", TARGET, "pg.a"): slots(1, 2, end=WEEKS.begin),
        ("db2", TARGET, "pg.b"): slots(1, 2),
    }
    assert told(series=series)["silent"] == [{"host": "db1", "target": TARGET, "last": time_of(WEEKS.begin - 3600)}]


def test_the_result_of_a_task_is_bounded():
    series = {("db1", TARGET, f"pg.{number}"): slots(1) for number in range(300)}
    alerts = [alert(f"s{number}") for number in range(300)]
    answer = told(series=series, alerts=alerts)
    short = shortened(answer)
    assert (len(answer["figures"]), len(short["figures"]), len(short["alerts"])) == (300, 200, 200)
    assert short["summary"] == answer["summary"]


# The heaviest of a kind


def heaviest(kind, *rows):
    return told(top=rows)["top"][kind]


def test_errors_are_counted_by_week_over_all_hosts():
    rows = [top(day, 10) for day in range(14)] + [top(day, 1, host="app2") for day in range(7, 14)]
    (entry,) = heaviest("log.patterns", *rows)
    assert (entry["times"], entry["times_before"], entry["hosts"]) == (77, 70, ["app1", "app2"])
    assert (entry["weight"], entry["weight_before"], entry["target"]) == (None, None, "")


def test_what_two_looks_covered_counts_once():
    """Looks every day at the last two days, and four looks a day at the last day."""
    begin = WEEKS.begin
    two_days = [
        top(day, 20, first=begin + (day - 8) * DAY, last=begin + (day - 6) * DAY, seconds=2 * DAY) for day in (7, 8, 9)
    ]
    assert heaviest("log.patterns", *two_days)[0]["times"] == 20 + 10 + 10
    often = [top(7, 40, first=begin - DAY, last=begin + DAY, seconds=4 * DAY)]
    assert heaviest("log.patterns", *often)[0]["times"] == 20
    untimed = [top(7, 40, first=None, last=None, seconds=0)]
    assert heaviest("log.patterns", *untimed)[0]["times"] == 40
    again = [top(7, 8), top(8, 9, first=begin, last=begin + DAY)]
    assert heaviest("log.patterns", *again)[0]["times"] == 8


def test_without_the_week_before_there_is_nothing_to_compare_with():
    (entry,) = heaviest("log.patterns", top(8, 5))
    assert (entry["times"], entry["times_before"]) == (5, None)
    entries = heaviest("log.patterns", top(8, 5), top(3, 7, name="api: other"))
    assert [(entry["name"], entry["times"], entry["times_before"]) for entry in entries] == [
        ("api: ERROR <*> failed", 5, 0)
    ]


def test_counters_are_told_by_their_growth():
    rows = [top(day, 10 * day, 100.0 * day, **SCANS) for day in (-1, 0, 3, 6, 9, 13)]
    (entry,) = heaviest("pg.sequential_scans", *rows)
    assert (entry["times"], entry["weight"], entry["times_before"], entry["weight_before"]) == (70, 700.0, 70, 700.0)
    assert (entry["target"], entry["hosts"]) == (TARGET, ["db1"])


def test_after_a_reset_what_has_been_counted_since_counts():
    rows = [top(6, 500, 900.0, **SCANS), top(8, 20, 90.0, **SCANS), top(9, 25, 95.0, **SCANS)]
    (entry,) = heaviest("pg.sequential_scans", *rows)
    assert (entry["times"], entry["weight"]) == (25, 95.0)


def test_the_first_look_is_only_where_counting_begins():
    row = top(8, 500, 900.0, **SCANS)._replace(least=480, lightest=850.0)
    (entry,) = heaviest("pg.sequential_scans", row)
    assert (entry["times"], entry["weight"], entry["times_before"]) == (20, 50.0, None)
    assert heaviest("pg.sequential_scans", top(8, 500, 900.0, **SCANS)) == []
    assert heaviest("pg.sequential_scans", top(8, 500, None, **SCANS)) == []


@pytest.mark.parametrize(("listed", "times"), [(1, 30), (19, 30), (20, 0)])
def test_what_came_into_a_list_with_room_had_been_nothing(listed, times):
    others = [top(6, 9, 9.0, **{**SCANS, "name": f"public.t{number}"}) for number in range(listed)]
    entries = heaviest("pg.sequential_scans", *others, top(8, 30, 30.0, **SCANS))
    assert sum(entry["times"] for entry in entries) == times


def test_the_heaviest_come_first_and_are_bounded():
    rows = [top(8, number, name=f"api: {number}") for number in range(1, 70)]
    entries = heaviest("log.patterns", *rows)
    assert (len(entries), entries[0]["times"], entries[-1]["times"]) == (50, 69, 20)
