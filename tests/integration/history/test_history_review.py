# SPDX-License-Identifier: GPL-3.0-or-later
"""The review of a week out of a real SQLite file and a real PostgreSQL that real runs have filled."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._act import history as act
from ansible_collections.analytics.ops.plugins.module_utils._act.history import remember
from ansible_collections.analytics.ops.plugins.module_utils._judge.history import time_of
from ansible_collections.analytics.ops.plugins.module_utils._judge.review import review
from ansible_collections.analytics.ops.plugins.module_utils._judge.review_facts import Weeks
from ansible_collections.analytics.ops.plugins.module_utils._observe.history import open_store
from ansible_collections.analytics.ops.plugins.module_utils._observe.history_review import look_back

from tests.support.modules import run_module
from tests.support.reports import BLOAT, DAY, HARMFUL, HOSTILE, IDLE, NOW, TARGET, looked, report_of

SECRET = "s3cr3t-word"
NAME = "pg.connections.used_percent"


def pattern(times: float, day: int) -> dict[str, Any]:
    begin = NOW + (day - 1) * DAY
    return {"kind": "log.patterns", "name": "api: ERROR <*>", "times": times, "first": begin, "last": begin + DAY}


def scans(times: float) -> dict[str, Any]:
    return {"kind": "pg.sequential_scans", "name": "public.orders", "times": times, "weight": 100.0 * times}


def keep(url: str, day: int, *findings: Any, top: Any = (), failed: bool = False, **figures: float) -> None:
    """A run of that day; the weeks of these tests end on day 14."""
    report = report_of({**looked(*findings, **figures), "top": list(top)}, started=NOW + day * DAY)
    if failed:
        report["failures"] = [{"host": "db1", "task": "x", "message": "y"}]
    remember(url, report, 30, 400)


def look(url: str, day: int = 14) -> dict[str, Any]:
    weeks = Weeks.until(NOW + day * DAY, 7)
    return review(look_back(url, weeks), weeks, {})


def test_asking_makes_no_history(url: str, tmp_path: Path) -> None:
    assert look(url)["known_since"] is None
    assert not (tmp_path / "a folder").exists()


def test_two_weeks_are_told_whole(url: str) -> None:
    for day in range(1, 15):
        found = [BLOAT] if day in (2, 3, 9, 10, 14) else []
        keep(
            url,
            day,
            *found,
            top=[pattern(10 * day, day), scans(5 * day)],
            failed=day == 12,
            pg__connections__used_percent=60.0 + day,
        )
    told = look(url)
    (run,) = told["runs"]
    assert (run["runs"], run["runs_before"], run["degraded"], run["failed"], run["missing"]) == (8, 6, 3, 1, 0)
    (alert,) = told["alerts"]
    assert (alert["state"], alert["times"], alert["times_before"], alert["open"]) == ("recurring", 2, 1, True)
    assert (alert["since"], alert["seconds"], alert["severity"]) == (time_of(NOW + 14 * DAY), 2 * DAY, "warning")
    figure = next(figure for figure in told["figures"] if figure["name"] == NAME)
    assert figure["week"] == {"first": 67, "last": 74, "mean": 70.5, "min": 67, "max": 74}
    assert figure["before"] == {"first": 61, "last": 66, "mean": 63.5, "min": 61, "max": 66}
    assert (figure["per_day"], figure["days_left"], figure["limit"]) == (pytest.approx(1), pytest.approx(6), 80)
    (error,) = told["top"]["log.patterns"]
    assert (error["times"], error["times_before"], error["hosts"]) == (sum(range(70, 150, 10)), 210, ["db1"])
    (table,) = told["top"]["pg.sequential_scans"]
    assert (table["times"], table["weight"], table["times_before"], table["weight_before"]) == (40, 4000, 25, 2500)
    assert told["summary"] == "8 runs, 1 alert (1 open, 1 recurring)."


def test_each_time_that_a_finding_was_open_is_kept_with_the_worst_it_was(url: str) -> None:
    keep(url, 1, IDLE)
    keep(url, 2, replace(IDLE, severity="warning"))
    keep(url, 3)
    keep(url, 4)
    keep(url, 5, replace(IDLE, severity="warning"))
    keep(url, 5)
    facts = look_back(url, Weeks.until(NOW + 14 * DAY, 14))
    told = [(alert.since, alert.level, alert.last_seen, alert.gone) for alert in sorted(facts.alerts)]
    days = [(1, 4, 2, 3), (5, 3, 5, 5)]
    assert told == [(NOW + a * DAY, level, NOW + b * DAY, NOW + c * DAY) for a, level, b, c in days]


def test_a_run_with_a_thousand_findings_and_very_many_hosts(url: str) -> None:
    for host in range(3):
        many = [replace(BLOAT, subject=f"public.t{number}") for number in range(400)]
        remember(url, report_of(looked(*many), host=f"db{host}", started=NOW + 13 * DAY), 30, 400)
    assert len(look(url)["alerts"]) == 1200


def test_the_history_of_an_older_release_is_read_as_it_is(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tables have neither alerts nor failures nor the heaviest; and looking back changes nothing in them."""
    with open_store(url) as store, monkeypatch.context() as patch:
        patch.setattr(act, "MIGRATIONS", act.MIGRATIONS[:1])
        act.migrate(store)
        store.rows(
            "INSERT INTO analytics_ops_runs (playbook, started, finished, check_mode, status) VALUES (?, ?, ?, 0, ?)",
            ["daily_health_check", NOW + 9 * DAY, NOW + 9 * DAY + 5, "degraded"],
        )
        for number, (severity, gone) in enumerate([("critical", None), ("splendid", NOW + 10 * DAY)]):
            store.rows(
                "INSERT INTO analytics_ops_findings VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                ["db1", TARGET, "pg.x", f"s{number}", severity, NOW + 9 * DAY, NOW + 9 * DAY, gone],
            )
    told = look(url)
    assert [(alert["severity"], alert["open"]) for alert in told["alerts"]] == [("critical", True), ("unknown", False)]
    assert (told["runs"][0]["failed"], told["runs"][0]["degraded"]) == (None, 1)
    with open_store(url) as store:
        assert store.rows("SELECT max(version) FROM analytics_ops_schema") == [(1,)]
    # The next run brings them up to date, and what was known goes on.
    keep(url, 14)
    after = look(url)
    assert [(alert["severity"], alert["gone"]) for alert in after["alerts"]] == [
        ("critical", None),
        ("unknown", time_of(NOW + 10 * DAY)),
    ]
    assert after["runs"][0]["runs"] == 2


def test_what_is_old_goes_with_its_run(url: str) -> None:
    keep(url, 1, BLOAT, top=[pattern(1, 1)])
    keep(url, 2, top=[pattern(1, 2)])
    remember(url, report_of(looked(IDLE), started=NOW + 90 * DAY), 30, 50)
    with open_store(url) as store:
        counts = [
            store.rows(f"SELECT count(*) FROM analytics_ops_{table}")[0][0]
            for table in ("runs", "top", "top_names", "alerts")
        ]
    assert counts == [1, 0, 0, 1]


def test_hostile_names_are_kept_harmless(url: str) -> None:
    for day in (13, 14):
        keep(url, day, replace(BLOAT, subject=HOSTILE), top=[{**pattern(3, day), "name": HOSTILE}])
    told = look(url)
    assert HARMFUL.search(json.dumps(told, ensure_ascii=False)) is None
    assert [entry["times"] for entry in told["top"]["log.patterns"]] == [6]


def test_kinds_of_a_newer_release_are_passed_over(url: str) -> None:
    keep(url, 14, top=[pattern(3, 14)])
    with open_store(url) as store:
        store.rows("UPDATE analytics_ops_top_names SET kind = 'new.kind'")
    assert all(entries == [] for entries in look(url)["top"].values())


# The module


def ask(url: str, **options: Any) -> dict[str, Any]:
    return run_module("history_review", history=url, until=time_of(NOW + 14 * DAY), **options)


def test_the_module_tells_and_writes_each_view_once(url: str, tmp_path: Path) -> None:
    for day in range(1, 15):
        keep(url, day, BLOAT, pg__connections__used_percent=60.0 + day)
    files = {f"{name}_file": str(tmp_path / f"week.{name}") for name in ("html", "markdown", "json")}
    rehearsed = ask(url, check_mode=True, **files)
    assert rehearsed["changed"] is True
    assert list(tmp_path.glob("week.*")) == []
    first = ask(url, **files)
    assert (first["failed"], first["changed"], sorted(first["files"])) == (False, True, sorted(files.values()))
    assert first["msg"].endswith(": 8 runs, 1 alert (1 open).")
    assert json.loads((tmp_path / "week.json").read_text()) == first["review"] == look(url)
    assert (tmp_path / "week.html").read_text().startswith("<!DOCTYPE html>")
    assert "pg.table\\_bloat" in (tmp_path / "week.markdown").read_text()
    assert {stat.S_IMODE(os.stat(file).st_mode) for file in files.values()} == {0o600}
    assert ask(url, **files)["changed"] is False
    assert list(tmp_path.glob(".review-*")) == []


def test_without_files_nothing_changes(url: str) -> None:
    result = ask(url)
    assert (result["changed"], result["files"], result["failed"]) == (False, [], False)
    assert "The history is empty" in result["msg"]


def test_no_history_at_all_is_an_empty_one() -> None:
    assert "The history is empty" in ask("none")["msg"]


def test_another_time_and_limits_of_our_own(sqlite_url: str) -> None:
    for day in range(1, 15):
        keep(sqlite_url, day, pg__connections__used_percent=60.0 + day)
    result = run_module(
        "history_review",
        history=sqlite_url,
        until=time_of(NOW + 13 * DAY).replace("+00:00", "Z"),
        days=3,
        thresholds={"pg.connections": {"warning": 75}},
    )
    figure = next(figure for figure in result["review"]["figures"] if figure["name"] == NAME)
    assert (result["review"]["days"], figure["week"]["last"], figure["limit"]) == (3, 73, 75)
    assert figure["limit_is_default"] is False
    without_zone = time_of(NOW + 13 * DAY)[:19]
    again = run_module("history_review", history=sqlite_url, until=without_zone, days=3)
    assert again["review"]["end"] == result["review"]["end"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"days": 0}, "from 1 to 180"),
        ({"days": 181}, "from 1 to 180"),
        ({"until": "yesterday"}, "is no time"),
        ({"history": f"mysql://root:{SECRET}@x/y"}, "no URL of a history"),
        ({"history": f"postgresql://ops:{SECRET}@127.0.0.1:1/ops"}, "cannot be used"),
        ({"history": "sqlite:////proc/nowhere/x", "html_file": "/proc/nowhere/y"}, "cannot be written"),
        ({"history": "none", "json_file": "/no/such/folder/x"}, "Its folder must exist"),
        ({"thresholds": {"pg.connections": {"warning": "x"}}, "history": "none"}, "no number"),
    ],
)
def test_mistakes_are_said_without_a_password(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    result = run_module("history_review", **{"history": f"sqlite:///{tmp_path}/none", **options})
    assert result["failed"] is True
    assert said in result["msg"]
    assert SECRET not in json.dumps(result)


def test_a_history_that_is_ill_fails_with_one_message(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite3"
    file.write_bytes(b"no database, and longer than a header of a hundred bytes would be: " * 9)
    result = ask(f"sqlite:///{file}")
    assert result["failed"] is True
    assert "file is not a database" in result["msg"]


def test_the_history_of_the_controller_is_found_by_its_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(f"sqlite:///{tmp_path}/analytics_ops/history.sqlite3", 14, BLOAT)
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path))
    result = run_module("history_review", until=time_of(NOW + 14 * DAY))
    assert result["review"]["alerts"][0]["check"] == "pg.table_bloat"
    assert "sqlite" not in result["msg"]
