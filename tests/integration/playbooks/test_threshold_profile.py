# SPDX-License-Identifier: GPL-3.0-or-later
"""The morning check judges by the default, by the profile of a manual, and by one's own limits, in that order."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.playbooks import PlaybookRun, play

PLAYBOOK = "playbooks/daily_health_check.yml"
MANUAL = {"analytics_ops_threshold_profile": "compose-duckdb-backend"}


def check(directory: Path, **variables: Any) -> PlaybookRun:
    """On a log in which 7 of 100 lines are errors."""
    log = directory / "application.log"
    lines = [f"2026-11-25 03:00:{n % 60:02},000 {'ERROR' if n % 14 == 0 else 'INFO'} line" for n in range(1, 101)]
    log.write_text("\n".join(lines) + "\n")
    logs = {"health_check_logs": [{"path": str(log)}], "health_check_logs_since": "2026-11-25T00:00:00Z"}
    given = {**logs, "analytics_ops_fail_on": "never", "ansible_python_interpreter": sys.executable, **variables}
    return play(
        directory, "-i", "localhost,", "-c", "local", PLAYBOOK, "--tags", "logs", "-e", json.dumps(given), TZ="UTC"
    )


@pytest.mark.parametrize(
    ("variables", "severity", "limits"),
    [
        ({}, "critical", (1, 5)),
        (MANUAL, "warning", (5, 10)),
        ({**MANUAL, "analytics_ops_thresholds": {"log.error_rate": {"critical": 6}}}, "critical", (5, 6)),
    ],
    ids=["default", "profile", "own"],
)
def test_whose_limit_holds(
    variables: dict[str, Any], severity: str, limits: tuple[float, float], tmp_path: Path
) -> None:
    run = check(tmp_path, **variables)
    assert run.code == 0, run.output
    found = [(f["check"], f["severity"], (f["warning"], f["critical"])) for f in run.report["findings"]]
    assert found == [("log.error_rate", severity, limits)]


def test_a_profile_that_does_not_exist_is_named_before_anything_is_looked_at(tmp_path: Path) -> None:
    run = check(tmp_path, analytics_ops_threshold_profile="compose-tier")
    assert run.code == 2
    assert "there is no profile 'compose-tier'. Did you mean 'compose-tiers'" in run.output
    assert run.report["findings"] == []
