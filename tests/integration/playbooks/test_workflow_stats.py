# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells a workflow: the status and the counts of all hosts, also when it fails."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

MORNING = "playbooks/daily_health_check.yml"
PARTS = ("--tags", "postgresql,redis")


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_SHOW_CUSTOM_STATS", "1")


def told(run: Any) -> dict[str, Any]:
    """The statistics of the run, as the default callback prints them."""
    return json.loads(re.search(r"RUN: (\{.*\})", run.output)[1])


def counted(run: Any, severity: str) -> int:
    return sum(finding["severity"] == severity for finding in run.report["findings"])


def test_it_says_what_the_report_says(stack) -> None:
    run = stack.play(MORNING, *PARTS, "-e", "analytics_ops_fail_on=never")
    assert run.code == 0, run.output
    stats = told(run)
    assert stats["analytics_ops_status"] == run.report["status"]
    for severity in ("critical", "warning", "unknown"):
        assert stats[f"analytics_ops_{severity}"] == counted(run, severity)
    assert stats["analytics_ops_report"] == str(stack.home / "report.json")
    assert (stats["analytics_ops_hosts_total"], stats["analytics_ops_hosts_not_seen"]) == (4, 0)
    # A workflow gives them to its next job as variables, and none of them may mean something there.
    following = stack.play(MORNING, "--tags", "redis", "--limit", "cache1", "-e", json.dumps(stats))
    assert following.report["measurements"], following.output


def test_a_run_that_fails_on_every_host_tells_it_too(stack) -> None:
    run = stack.play(MORNING, *PARTS, "--limit", "db1", "-e", "analytics_ops_fail_on=degraded")
    assert run.code == 2
    assert told(run)["analytics_ops_status"] == run.report["status"] != "healthy"
    assert told(run)["analytics_ops_hosts_total"] == 1


def test_a_host_that_cannot_be_reached_was_not_seen(stack) -> None:
    """Nothing listens on the port that it is said to have."""
    folder = stack.home / "inventory" / "host_vars"
    folder.mkdir(exist_ok=True)
    lost = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    (folder / "cache1.json").write_text(json.dumps(lost))
    try:
        run = stack.play(MORNING, *PARTS, "-e", "analytics_ops_fail_on=never")
    finally:
        (folder / "cache1.json").unlink()
    assert told(run)["analytics_ops_hosts_not_seen"] == 1
    assert told(run)["analytics_ops_hosts_total"] == 4
    assert told(run)["analytics_ops_status"] == run.report["status"]


def test_the_weekly_window_tells_it_at_its_end(stack) -> None:
    run = stack.play("playbooks/weekly_maintenance.yml", "--check", "-e", "analytics_ops_fail_on=never")
    assert run.code == 0, run.output
    assert told(run)["analytics_ops_status"] == run.report["status"]
