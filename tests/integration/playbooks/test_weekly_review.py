# SPDX-License-Identifier: GPL-3.0-or-later
"""The weekly review over the history that real runs have made; the stack itself is left alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from demo.stack import NAME
from tests.support.logs import write_log
from tests.support.waiting import until

PLAYBOOK = "playbooks/weekly_review.yml"
MORNING = "playbooks/daily_health_check.yml"


def read(stack: Any) -> None:
    """Reads a table from end to end, and waits until the server has counted it."""
    scans = "SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables WHERE relname = 'events'"
    before = stack.query(scans)[0][0]
    stack.query("SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM events WHERE id < 0")
    until(lambda: stack.query(scans)[0][0] > before)


def take_time(stack: Any) -> None:
    """With a statement that is among the heaviest, whatever other tests have asked of this server."""
    stack.query("SELECT pg_sleep(3)")


def write_errors(log: Path, number: int) -> None:
    write_log(log, [(time.time() - 60 + one, "ERROR", f"export {one} failed") for one in range(number)])


@pytest.fixture(scope="module")
def log(stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs") / "app.log"


def morning(stack: Any, log: Path) -> None:
    options = {"health_check_logs": [{"path": str(log), "name": "api"}], "analytics_ops_fail_on": "never"}
    run = stack.play(MORNING, "--tags", "postgresql,logs", "--limit", "db1", "-e", json.dumps(options))
    assert run.code == 0, run.output


def test_an_empty_history_says_so_and_makes_none(stack) -> None:
    run = stack.play(PLAYBOOK)
    assert run.code == 0, run.output
    assert "The history is empty" in run.output
    assert not (stack.home / "ansible" / "analytics_ops").exists()


@pytest.fixture(scope="module")
def reviewed(stack, log: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path, Any]:
    """A run, its folder of files, and whether the stack was left as it was."""
    write_errors(log, 7)
    take_time(stack)
    morning(stack, log)
    take_time(stack)
    read(stack)
    morning(stack, log)
    folder = tmp_path_factory.mktemp("review")
    before = stack.fingerprint()
    arguments = [f"weekly_review_{name}_file={folder}/week.{name}" for name in ("html", "markdown", "json")]
    run = stack.play(PLAYBOOK, *(part for argument in arguments for part in ("-e", argument)))
    return run, folder, before == stack.fingerprint()


def test_a_first_week_is_told(reviewed) -> None:
    run, folder, _untouched = reviewed
    assert run.code == 0, run.output
    told = json.loads((folder / "week.json").read_text())
    (morning,) = told["runs"]
    assert (morning["playbook"], morning["runs"], morning["runs_before"]) == ("daily_health_check", 2, 0)
    assert "There is nothing yet to compare with." in told["summary"] and told["summary"] in " ".join(
        run.output.split()
    )
    assert {alert["state"] for alert in told["alerts"]} == {"new"}
    assert any(alert["check"] == "pg.idle_in_transaction" for alert in told["alerts"])
    assert all(figure["before"] is None for figure in told["figures"])
    assert ("db1", "pg.connections.used_percent") in {(figure["host"], figure["name"]) for figure in told["figures"]}


def test_errors_tables_and_statements_of_real_runs(reviewed) -> None:
    told = json.loads((reviewed[1] / "week.json").read_text())
    (error,) = told["top"]["log.patterns"]
    # Both runs read the same day of the log, so that nothing but the moment between them is new.
    assert (error["times"], error["hosts"]) == (7, ["db1"])
    assert error["name"].startswith("api: ")
    assert "public.events" in [table["name"] for table in told["top"]["pg.sequential_scans"]]
    (asleep,) = [one for one in told["top"]["pg.statements"] if "pg_sleep" in one["name"]]
    assert asleep["times"] == 1 and asleep["weight"] >= 3


def test_every_view_is_written_and_shown(reviewed) -> None:
    run, folder, untouched = reviewed
    assert untouched
    assert "What ran ──" in run.output and "Most frequent errors ──" in run.output
    assert (folder / "week.html").read_text().startswith("<!DOCTYPE html>")
    assert (folder / "week.markdown").read_text().startswith("## Review of")
    assert run.report == {}, "a review is no run of its own in the history"


def test_in_check_mode_no_file_is_written(stack, tmp_path: Path, reviewed) -> None:
    run = stack.play(PLAYBOOK, "--check", "-e", f"weekly_review_html_file={tmp_path}/week.html")
    assert run.code == 0, run.output
    assert "changed=1" in run.output
    assert list(tmp_path.iterdir()) == []


def test_a_history_in_postgresql_and_without_its_password_in_the_output(stack, log: Path, reviewed) -> None:
    password = quote(stack.password, safe="")
    url = f"postgresql://postgres:{password}@127.0.0.1:{stack.ports.primary}/{NAME}"
    run = stack.play(PLAYBOOK, "-vvv", "-e", json.dumps({"weekly_review_history": url}))
    assert run.code == 0, run.output
    assert "The history is empty" in run.output
    assert password not in run.output


def test_a_mistake_is_said(stack) -> None:
    run = stack.play(PLAYBOOK, "-e", "weekly_review_days=0")
    assert run.code == 2
    assert "from 1 to 180" in run.output
