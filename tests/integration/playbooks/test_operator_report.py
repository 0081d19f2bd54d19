# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback in real runs: what changed between two of them, every view of it, and a history that is ill."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from demo.stack import REPOSITORY
from tests.support.http import reply, web_server
from tests.support.playbooks import PROGRAM, environment
from tests.support.report_schema import objections

FILES = {"report": "json", "html": "html", "markdown": "md", "junit": "xml", "prometheus": "prom", "nagios": "nagios"}
SECRET = "s3cr3t-word"


class Health:
    """A service whose answer the test decides; ``check()`` runs a playbook that asks it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.answer: dict[str, str] = {"status": "healthy"}

    def write_playbook(self, address: str) -> None:
        task = {
            "analytics.ops.http_health": {"endpoints": [{"url": address, "name": "api"}]},
            "name": "Ask the service",
        }
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
        (self.home / "morning.yml").write_text(yaml.safe_dump([play]))

    def check(self, **options: str) -> subprocess.CompletedProcess[str]:
        files = {f"ANALYTICS_OPS_{name.upper()}_FILE": str(self.view(name)) for name in FILES}
        home = self.home / "ansible home"
        return subprocess.run(
            [sys.executable, PROGRAM, self.home / "morning.yml"],
            cwd=REPOSITORY,
            env=environment(self.home, **{**files, "ANSIBLE_HOME": str(home), "COLUMNS": "200", **options}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def view(self, name: str) -> Path:
        return self.home / f"last.{FILES[name]}"

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self.view("report").read_text())

    @property
    def history(self) -> Path:
        return self.home / "ansible home" / "analytics_ops" / "history.sqlite3"


@pytest.fixture
def health(tmp_path: Path) -> Iterator[Health]:
    health = Health(tmp_path)
    with web_server(lambda request: reply(health.answer)) as address:
        health.write_playbook(address)
        yield health


def test_two_runs_and_what_changed_between_them(health: Health) -> None:
    first = health.check()
    assert first.returncode == 0, first.stdout + first.stderr
    assert health.report["changes"]["last_run"] is None
    health.answer = {"status": "unhealthy"}
    second = health.check()
    assert "(new) It calls itself 'unhealthy'." in second.stdout
    assert [change["check"] for change in health.report["changes"]["new"]] == ["http.body"]
    assert "What changed since the last run" in health.view("html").read_text()
    third = health.check()
    assert "(since " in third.stdout and "(new)" not in third.stdout
    assert health.report["changes"]["new"] == []
    assert "<svg" in health.view("html").read_text()
    health.answer = {"status": "healthy"}
    assert "gone      localhost: http.body · api" in health.check().stdout
    assert objections(health.report) == []
    with sqlite3.connect(health.history) as connection:
        assert connection.execute("SELECT count(*) FROM analytics_ops_runs").fetchone() == (4,)


def test_every_view_is_written_for_whom_it_is_meant(health: Health) -> None:
    health.answer = {"status": "unhealthy"}
    assert health.check().returncode == 0
    modes = {name: stat.S_IMODE(health.view(name).stat().st_mode) for name in FILES}
    assert modes == {**dict.fromkeys(FILES, 0o600), "prometheus": 0o644, "nagios": 0o644}
    assert health.view("html").read_text().startswith("<!DOCTYPE html>")
    assert "**critical**" in health.view("markdown").read_text()
    suite = ElementTree.parse(health.view("junit")).getroot()[0]
    cases = {case.get("name"): [part.tag for part in case] for case in suite}
    assert cases["http.body"] == ["failure"] and cases["http.status"] == []
    assert 'analytics_ops_run_status{playbook="morning"} 2' in health.view("prometheus").read_text()
    assert health.view("nagios").read_text().endswith("\n2\n")
    assert sorted(path.suffix for path in health.home.glob(".report-*")) == []


def test_a_history_that_is_ill_is_one_warning(health: Health) -> None:
    health.history.parent.mkdir(parents=True)
    health.history.write_bytes(b"no database, and longer than a header of a hundred bytes would be: " * 9)
    run = health.check()
    assert run.returncode == 0
    assert "It calls" not in run.stdout and "morning: healthy" in run.stdout
    assert " ".join(run.stderr.split()).count("cannot be used: file is not a database. Move the file away") == 1
    assert health.report["changes"] is None


def test_a_history_that_cannot_be_reached_is_one_warning_without_its_password(health: Health) -> None:
    run = health.check(ANALYTICS_OPS_HISTORY=f"postgresql://ops:{SECRET}@127.0.0.1:1/ops")
    assert run.returncode == 0
    assert "postgresql://127.0.0.1:1/ops cannot be used" in " ".join(run.stderr.split())
    assert SECRET not in run.stdout + run.stderr


def test_without_a_history_nothing_is_kept(health: Health) -> None:
    run = health.check(ANALYTICS_OPS_HISTORY="none")
    assert run.returncode == 0 and "WARNING" not in run.stderr
    assert not health.history.exists()
    assert health.report["trends"] == []


def test_a_view_that_cannot_be_written_costs_no_other(health: Health) -> None:
    run = health.check(ANALYTICS_OPS_HTML_FILE="/proc/nowhere/x.html")
    assert run.returncode == 0
    assert "could not be written to /proc/nowhere/x.html" in " ".join(run.stderr.split())
    assert health.view("nagios").exists()
