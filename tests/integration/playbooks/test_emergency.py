# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack goes down and comes up in order over two hosts, also when a part of it cannot.

Both hosts are this machine, and a stand-in for ``docker`` runs the services; the lab drills systemd and Docker.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import run_module
from tests.support.playbooks import PlaybookRun, play
from tests.support.stand_in_stack import Stack

RECOVERY, SHUTDOWN = "playbooks/emergency_recovery.yml", "playbooks/emergency_shutdown.yml"
DIAGNOSIS = "playbooks/diagnose.yml"


class Hosts:
    def __init__(self, home: Path, stack: Stack) -> None:
        self.home, self.stack = home, stack
        self.services = {
            "base": stack.listener("base", after_seconds=1, group="one"),
            "cache": stack.service("cache", group="two", kind="redis", port=None),
            "api": stack.listener("api", group="two", after=["base", "cache"]),
            "worker": stack.service("worker", group="one", after=["cache"]),
            "nginx": stack.listener("nginx", group="two", after=["api"], edge=True),
        }
        # The morning check that follows misses a real Redis behind the stand-in: only the waves are judged here.
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        given = {
            **here,
            "stack_control_record_directory": str(home / "notes"),
            "health_check_host": False,
            "analytics_ops_fail_on": "never",
        }
        groups = {"one": {"hosts": {"h1": {}}}, "two": {"hosts": {"h2": {}}}}
        variables = {**given, "analytics_ops_services": self.services}
        (home / "hosts.json").write_text(json.dumps({"all": {"children": groups, "vars": variables}}))

    def play(self, playbook: str, *arguments: str) -> PlaybookRun:
        return play(self.home, "-i", self.home / "hosts.json", playbook, *arguments, COLUMNS="200")

    def running(self) -> set[str]:
        """As their manager tells, without what is tested here."""
        asked = run_module("service_health", services=self.stack.everything(), checks=["active"], include_ok=True)
        return {f["subject"] for f in asked["findings"] if f["severity"] == "ok"} & set(self.services)


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    made = Hosts(tmp_path, Stack(tmp_path, monkeypatch))
    yield made
    run_module("service_wave", services=made.stack.everything(), state="stopped", stop_seconds=1)


def steps(run: PlaybookRun, outcome: str) -> list[str]:
    return [step["subject"] for step in run.report["steps"] if step["outcome"] == outcome]


def findings(run: PlaybookRun) -> set[tuple[str, str, str]]:
    return {(f["host"], f["check"], f["subject"]) for f in run.report["findings"] if f["state"] != "resolved"}


def test_up_and_down_in_order_and_only_once(hosts: Hosts) -> None:
    planned = hosts.play(RECOVERY, "--check")
    assert planned.code == 0, planned.output
    assert set(steps(planned, "planned")) == set(hosts.services)
    assert hosts.running() == set()

    up = hosts.play(RECOVERY)
    assert up.code == 0, up.output
    order = steps(up, "done")
    assert set(order[:2]) == {"base", "cache"}
    assert order.index("api") < order.index("nginx")
    assert order[-1] == "nginx"
    assert hosts.running() == set(hosts.services)

    again = hosts.play("analytics.ops.emergency_recovery")
    assert again.code == 0, again.output
    assert again.report.get("steps", []) == []

    down = hosts.play(SHUTDOWN)
    assert down.code == 0, down.output
    order = steps(down, "done")
    assert (order[0], order[-1]) == ("nginx", "cache")
    assert order.index("api") < order.index("base")
    assert hosts.running() == set()


def test_what_cannot_start_keeps_down_only_what_needs_it(hosts: Hosts) -> None:
    hosts.stack.service("cache", "exit 3")
    run = hosts.play(RECOVERY)
    assert run.code == 2, run.output
    lost = {("h2", "wave.start", name) for name in ("cache", "api", "nginx")} | {("h1", "wave.start", "worker")}
    assert {one for one in findings(run) if one[1] == "wave.start"} == lost
    assert hosts.running() == {"base"}
    assert run.report["failures"] == [], "what came of it is a judgement, no failure of the run"

    hosts.stack.service("cache")
    mended = hosts.play(RECOVERY)
    assert mended.code == 0, mended.output
    assert "base" not in steps(mended, "done")
    assert hosts.running() == set(hosts.services)


def test_a_diagnosis_changes_nothing(hosts: Hosts) -> None:
    hosts.stack.service("cache", "echo no memory; exit 3")
    hosts.play(RECOVERY)
    before = hosts.running()
    run = hosts.play(DIAGNOSIS)
    assert run.code == 2, run.output
    assert run.report.get("steps", []) == []
    lost = {("h2", "wave.up", name) for name in ("cache", "api", "nginx")} | {("h1", "wave.up", "worker")}
    assert findings(run) == lost
    assert "It last said: no memory" in run.output
    assert hosts.running() == before == {"base"}


def test_a_host_that_is_gone_hides_no_other(hosts: Hosts) -> None:
    hosts.play(RECOVERY)
    hosts.play(SHUTDOWN, "-e", json.dumps({"stack_control_scope": ["api", "nginx"]}))
    assert hosts.running() == {"base", "cache", "worker"}
    run = hosts.play(SHUTDOWN)
    assert run.code == 0, run.output
    inventory = json.loads((hosts.home / "hosts.json").read_text())
    gone: dict[str, Any] = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    inventory["all"]["children"]["one"]["hosts"]["h1"] = gone
    (hosts.home / "hosts.json").write_text(json.dumps(inventory))
    run = hosts.play(RECOVERY)
    assert run.code == 4, run.output
    assert hosts.running() == {"cache"}
    assert ("h2", "wave.start", "api") in findings(run)
    run = hosts.play(SHUTDOWN)
    assert run.code == 4, run.output
    assert steps(run, "done") == ["cache"]
    assert hosts.running() == set()


def test_recovery_starts_what_ran_before_the_shutdown_and_no_more(hosts: Hosts) -> None:
    notes = hosts.home / "notes"
    hosts.play(RECOVERY, "-e", json.dumps({"stack_control_scope": ["base", "cache", "api", "nginx"]}))
    before = hosts.running()
    assert "worker" not in before
    assert not hosts.play(SHUTDOWN, "--check").report.get("failures")
    assert not notes.exists()
    hosts.play(SHUTDOWN)
    again = hosts.play(SHUTDOWN)
    assert again.code == 0, again.output
    assert hosts.running() == set()
    assert sorted(path.name for path in notes.iterdir()) == ["h1.running.json", "h2.running.json"]
    up = hosts.play(RECOVERY)
    assert up.code == 0, up.output
    assert hosts.running() == before
    assert ("h1", "wave.start", "worker") in findings(up)
    assert sorted(path.name for path in notes.iterdir()) == ["h1.running.json"], "what was off is still known"
    again = hosts.play(RECOVERY)
    assert (again.code, again.report.get("steps", [])) == (0, []), again.output
    everything = hosts.play(RECOVERY, "-e", "stack_control_everything=true")
    assert steps(everything, "done") == ["worker"]
    assert list(notes.iterdir()) == []


def test_a_backup_that_fails_does_not_keep_the_stack_up(hosts: Hosts) -> None:
    hosts.play(RECOVERY)
    run = hosts.play(SHUTDOWN, "-e", f"backup_directory={hosts.home}/missing")
    assert run.code == 2, run.output
    assert hosts.running() == set()
    assert {f"{hosts.home}/missing" in failure["message"] for failure in run.report["failures"]} == {True}
    assert set(steps(run, "done")) == set(hosts.services)
