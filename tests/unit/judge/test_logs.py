# SPDX-License-Identifier: GPL-3.0-or-later
"""How what was read of logs is judged."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_groups import Group
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_summary import Summary
from ansible_collections.analytics.ops.plugins.module_utils._judge.logs import Log, Pattern, measurements, per_minute
from ansible_collections.analytics.ops.plugins.module_utils._judge.logs_access import CHECKS, access_data


def log(**fields):
    usual = {"name": "app", "source": "/log", "now": 1000.0, "last": 900.0, "first": 0.0, "bytes": 9, "lines": 1000}
    return Log(**{**usual, "levels": {"error": 0, "critical": 0, "emergency": 0}, **fields})


def summary(**fields):
    usual = {
        name: [] for name in Summary._fields if name.startswith("top_") or name in ("answered_attacks", "failing_paths")
    }
    usual.update(requests=1000, not_understood=0, statuses={200: 1000}, seconds={}, timed=0, clients=20, attacks={})
    usual["top_clients"] = [(b"c", 10)]
    return Summary(**{**usual, **fields})


def access(**fields):
    return log(kind="access", summary=summary(**fields), levels={})


def run(check, *logs, **limits):
    selection = CHECKS.select([check], thresholds={check: limits} if limits else {})
    return [f for f in selection.findings({"logs": logs, "lines": True}, "all") if f.subject != "all"]


def severity(check, *logs, **limits):
    (found,) = run(check, *logs, **limits)
    return found.severity


def test_readable():
    assert severity("readable", log()) == "ok"
    assert severity("readable", log(found=False)) == "warning"
    assert severity("readable", log(unreadable="Permission denied.")) == "unknown"
    assert severity("readable", log(incomplete="Too late.")) == "unknown"


@pytest.mark.parametrize("fields", [{"found": False}, {"unreadable": "No.", "bytes": 0}])
@pytest.mark.parametrize("check", [name for name in CHECKS.checks if name != "log.readable"])
def test_nothing_is_said_of_what_was_not_read(check, fields):
    errors = {"error": 900, "emergency": 3}
    bad = log(levels=errors, max_age=1, timed=False, patterns=(Pattern("p", 1, None, 5),), **fields)
    assert run(check, bad, log(kind="access", summary=summary(), **fields)) == []
    assert measurements([bad]) == {}


def test_understood():
    assert run("understood", log()) == []
    assert severity("understood", log(timed=False)) == "info"
    assert severity("understood", access(not_understood=10)) == "ok"
    assert severity("understood", access(not_understood=200)) == "warning"
    assert severity("understood", access(requests=0, not_understood=5)) == "ok"
    assert severity("understood", access(requests=0)) == "ok"


@pytest.mark.parametrize(
    ("last", "max_age", "expected"),
    [(900, 101, "ok"), (900, 100, "ok"), (900, 99, "warning"), (None, 99, "warning"), (2000, 9, "ok")],
)
def test_silent(last, max_age, expected):
    assert severity("silent", log(last=last, max_age=max_age)) == expected
    assert run("silent", log(last=last)) == []


GROUPS = (
    Group("failed <*>", "error", 7, b"failed 1", b"failed 9"),
    Group("dead", "emergency", 1, b"dead \x1b", b"dead"),
)


def test_errors_are_told_by_level_and_judged_by_limits_of_ones_own():
    (found,) = run("errors", log(levels={"error": 7, "emergency": 1}, groups=GROUPS))
    assert (found.severity, found.value) == ("ok", 8)
    assert "8 errors in /log in the last 1 d (1 emergency, 7 error). Most often, 7 times: failed <*>" in found.message
    assert severity("errors", log(levels={"error": 7}), warning=5) == "warning"
    (untimed,) = run("errors", log(timed=False))
    assert "in /log." in untimed.message


@pytest.mark.parametrize(
    ("errors", "expected"),
    [(0, "ok"), (9, "ok"), (10, "warning"), (49, "warning"), (50, "critical"), (100, "critical")],
)
def test_error_rate(errors, expected):
    (found,) = run("error_rate", log(levels={"error": errors}))
    assert found.severity == expected
    assert ("waking" in found.advice) == (errors >= 100)
    assert run("error_rate", log(levels={"error": errors}, errors_only=True)) == []


def test_error_rate_needs_enough_errors_and_lines():
    assert severity("error_rate", log(levels={"error": 4}, lines=4)) == "ok"
    assert run("error_rate", log(levels={"error": 4}, lines=0), log(lines=None)) == []


def test_emergencies():
    assert severity("emergencies", log()) == "ok"
    (found,) = run("emergencies", log(levels={"emergency": 1}, groups=GROUPS))
    assert (found.severity, found.value) == ("critical", 1)
    assert "The first: dead \\x1b" in found.message


def test_patterns():
    quiet, loud = Pattern("quiet", 5, 10, 4, b"x"), Pattern("loud", 5, 10, 10)
    assert [f.severity for f in run("patterns", log(patterns=(quiet, loud)))] == ["ok", "critical"]
    assert [f.subject for f in run("patterns", log(patterns=(quiet, loud)))] == ["app: quiet", "app: loud"]


ACCESS = [
    ("client_errors", {"statuses": {200: 951, 404: 49}}, "ok"),
    ("client_errors", {"statuses": {200: 950, 404: 50}, "top_failing": [(b"c", 50)]}, "warning"),
    ("client_errors", {"requests": 100, "statuses": {404: 100}}, "ok"),
    ("server_errors", {"statuses": {200: 981, 500: 19}}, "ok"),
    ("server_errors", {"statuses": {200: 980, 500: 20}, "failing_paths": [(b"/a", 20)]}, "warning"),
    ("server_errors", {"statuses": {200: 950, 502: 50}}, "critical"),
    ("server_errors", {"requests": 100, "statuses": {500: 100}}, "ok"),
    ("slow_requests", {"timed": 1000, "seconds": {"p99": 2.9}}, "ok"),
    ("slow_requests", {"timed": 1000, "seconds": {"p99": 3.0}}, "warning"),
    ("slow_requests", {"timed": 100, "seconds": {"p99": 3.0}}, "ok"),
    ("top_client", {"top_clients": [(b"c", 499)]}, "ok"),
    ("top_client", {"top_clients": [(b"c", 500)]}, "warning"),
    ("top_client", {"top_clients": [(b"c", 500)], "clients": 9}, "ok"),
    ("failing_client", {"statuses": {404: 100}, "top_failing": [(b"c", 49)]}, "ok"),
    ("failing_client", {"statuses": {404: 100}, "top_failing": [(b"c", 50)]}, "warning"),
    ("failing_client", {"statuses": {404: 99}, "top_failing": [(b"c", 99)]}, "ok"),
    ("denied_client", {"statuses": {401: 49}, "top_denied": [(b"c", 49)]}, "ok"),
    ("denied_client", {"statuses": {403: 50}, "top_denied": [(b"c", 50)]}, "warning"),
    ("denied_client", {"statuses": {403: 500}, "top_denied": [(b"c", 500)]}, "critical"),
    ("attacks", {"attacks": {}}, "ok"),
    ("attacks", {"attacks": {"scan": 60, "injection": 40}, "top_attackers": [(b"c", 100)]}, "warning"),
    ("attacks", {"attacks": {"scan": 10000}}, "critical"),
    ("answered_attacks", {"answered_attacks": [(b"GET /.env", 1)]}, "warning"),
]


@pytest.mark.parametrize(("check", "fields", "expected"), ACCESS)
def test_access_logs(check, fields, expected):
    (found,) = run(check, access(**fields))
    assert found.severity == expected
    assert run(check, access(**{**fields, "requests": 0})) == []


def test_what_an_access_log_does_not_show_is_not_judged():
    for check in ("slow_requests", "failing_client", "denied_client", "answered_attacks"):
        assert run(check, access()) == []


def test_clients_are_shown_harmlessly():
    (found,) = run("denied_client", access(statuses={401: 60}, top_denied=[(b"\x1b[2J<b>", 60)]))
    assert "\x1b" not in found.subject + found.message


def test_measurements():
    one = log(levels={"error": 5}, patterns=(Pattern("a b", 1, None, 3),))
    assert measurements([one]) == {
        "log.app.bytes": 9,
        "log.app.lines": 1000,
        "log.app.pattern.a_b": 3,
        "log.app.errors": 5,
        "log.app.error": 5,
        "log.app.error_percent": 0.5,
    }
    assert "log.app.error_percent" not in measurements([log(lines=None)])
    figures = measurements([access(statuses={200: 900, 404: 60, 500: 40}, seconds={"p99": 0.51234})])
    assert figures["log.app.client_error_percent"] == 6.0
    assert figures["log.app.server_error_percent"] == 4.0
    assert figures["log.app.p99_seconds"] == 0.5123
    assert figures["log.app.requests_per_minute"] == pytest.approx(66.67)


def test_requests_a_minute_need_times():
    assert per_minute(log()) == 0.0
    assert per_minute(log(kind="access", summary=summary(), first=None)) == 0.0
    assert per_minute(log(kind="access", summary=summary(), first=900.0)) == 1000


def test_data_for_reports_is_plain():
    one = access(attacks={"scan": 2}, top_denied=[(b"<x>\n", 3)])
    data = access_data(one, one.summary)
    assert data["top_clients"] == [{"name": "c", "requests": 10, "percent": 1.0}]
    assert data["top_denied"] == [{"name": "<x> ", "requests": 3}]
    assert data["statuses"] == {"200": 1000}
    empty = access(requests=0, top_clients=[])
    assert access_data(empty, empty.summary)["top_clients"] == []
