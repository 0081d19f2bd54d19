# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings are recorded with one playbook and compared by the daily check, on the hosts that have some."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.playbooks import play

RECORD, CHECK = "playbooks/record_settings.yml", "playbooks/daily_health_check.yml"
TEXT = "LOG_LEVEL=INFO\nSECRET_KEY=geheim-1\n"


class Stack:
    """Two hosts, which are this machine; one of them has a file of settings."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = home / "app.env"
        self.env.write_text(TEXT)
        self.env.chmod(0o600)
        self.baseline = home / "baseline"
        files = [{"path": str(self.env), "required": ["SECRET_KEY"]}]
        settings = {"files": files, "baseline": str(self.baseline), "record": True}
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {"app1": {"analytics_ops_settings": settings}, "db1": {}}
        (home / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": here}}))

    def play(self, playbook: str, *arguments: str) -> tuple[int, str, dict[str, Any]]:
        run = play(self.home, "-i", self.home / "hosts.json", playbook, "--tags", "settings", *arguments, COLUMNS="200")
        assert "geheim" not in run.output
        return run.code, run.output, run.report

    def check(self) -> tuple[int, set[tuple[str, str, str]]]:
        code, output, report = self.play(CHECK, "-e", "analytics_ops_fail_on=degraded")
        assert report["failures"] == [] or code == 2, output
        return code, {(f["host"], f["check"], f["severity"]) for f in report["findings"]}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


def test_recorded_compared_and_recorded_again(stack: Stack) -> None:
    # The options say 'record', and a look changes nothing all the same.
    assert stack.check() == (0, {("app1", "settings.baseline", "info")})
    assert not stack.baseline.exists()

    code, output, report = stack.play(RECORD, "--check", "--diff")
    assert code == 0, output
    assert "+LOG_LEVEL = INFO" in output
    assert "+SECRET_KEY = ********" in output
    assert [(step["host"], step["action"], step["outcome"]) for step in report["steps"]] == [
        ("app1", "record", "planned")
    ]
    assert not stack.baseline.exists()

    code, output, report = stack.play(RECORD, "-e", "settings_record_by='alice, change 4711'")
    assert code == 0, output
    assert [(step["host"], step["action"], step["outcome"]) for step in report["steps"]] == [("app1", "record", "done")]
    assert '"alice, change 4711"' in (stack.baseline / "settings.json").read_text()
    assert stack.check() == (0, set())

    stack.env.write_text(TEXT.replace("INFO", "DEBUG").replace("geheim-1", "geheim-2"))
    assert stack.check() == (2, {("app1", "settings.changed", "warning")})
    code, output, report = stack.play("analytics.ops.record_settings", "--diff")
    assert code == 0, output
    assert "-LOG_LEVEL = INFO" in output and "+LOG_LEVEL = DEBUG" in output
    assert "+SECRET_KEY = ******** (changed)" in output
    assert stack.check() == (0, set())

    code, output, report = stack.play(RECORD)
    assert code == 0, output
    assert report.get("steps", []) == []
    assert "changed=0" in output


def test_what_is_not_complete_is_not_recorded(stack: Stack) -> None:
    stack.env.write_text("SECRET_KEY=changeme\n")
    code, output, report = stack.play(RECORD)
    assert code == 2
    assert "SECRET_KEY is a placeholder" in output
    assert [failure["host"] for failure in report["failures"]] == ["app1"]
    assert not list(stack.baseline.iterdir())
