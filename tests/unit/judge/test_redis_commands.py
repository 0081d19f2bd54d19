# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of a Redis server: how long they take on average, and which are answered with errors."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_commands import (
    MOST_SHOWN,
    most_failed,
    report,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import Command

from tests.support.redis_info import rates, told


@pytest.mark.parametrize(
    ("calls", "seconds", "slow"),
    [(100, 2.0, True), (99, 99.0, False), (100, 1.999, False), (0, 0.0, False)],
)
def test_a_command_that_is_slow_on_average(calls, seconds, slow):
    found = told("command_time", commands=(Command("GET", 10**6, 1.0), Command("KEYS", calls, seconds)))
    assert [(f.subject, f.severity, f.value) for f in found] == ([("KEYS", "warning", 0.02)] if slow else [])
    if slow:
        assert found[0].message == "KEYS took 20 ms on average of 100 calls."


def test_commands_of_modules_may_work_elsewhere():
    assert told("command_time", commands=(Command("FT.SEARCH", 1000, 900.0),)) == []


def test_the_commands_that_failed_most_are_named():
    commands = [Command("GET", 9, 1.0), Command("EVAL", 9, 1.0, 7), Command("LPUSH", 9, 1.0, 1200)]
    assert most_failed(commands) == "LPUSH (1 200), EVAL (7)"
    assert (
        most_failed([*commands, Command("A", 9, 1.0, 7), Command("Z", 9, 1.0, 7)]) == "LPUSH (1 200), A (7), EVAL (7)"
    )
    assert most_failed(commands[:1]) == ""


def test_errors_name_the_commands_that_failed_where_they_are_known():
    counted = rates(total_error_replies=50, total_commands_processed=100)
    (found,) = told("errors", rates=counted, commands=(Command("LPUSH", 9, 1.0, 50),))
    assert found.advice == ("INFO errorstats counts them by kind; since the start most were answers to LPUSH (50).")
    (found,) = told("errors", rates=counted)
    assert found.advice == "INFO errorstats counts them by kind."


def test_the_report_begins_with_what_took_the_most_time():
    commands = [Command("GET", 4, 1.0), Command("SET", 2, 3.0, 5), Command("DEL", 0, 0.0)]
    assert report(commands) == [
        {"command": "SET", "calls": 2, "mean_seconds": 1.5, "time_percent": 75.0, "errors": 5},
        {"command": "GET", "calls": 4, "mean_seconds": 0.25, "time_percent": 25.0, "errors": 0},
        {"command": "DEL", "calls": 0, "mean_seconds": 0.0, "time_percent": 0.0, "errors": 0},
    ]
    assert report([Command("DEL", 1, 0.0)])[0]["time_percent"] == 0.0
    many = [Command(f"C{number:02}", 1, 1 / 3) for number in range(30)]
    shown = report(many)
    assert [row["command"] for row in shown] == [f"C{number:02}" for number in range(MOST_SHOWN)]
    assert (shown[0]["mean_seconds"], shown[0]["time_percent"]) == (0.333333, 3.3)
