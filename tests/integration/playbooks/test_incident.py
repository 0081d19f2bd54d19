# SPDX-License-Identifier: GPL-3.0-or-later
"""The emergency playbooks keep a record and tell people, and nothing about that stops them.

Both hosts are this machine, as in ``test_emergency``.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from demo.embedded.process import free_port
from tests.integration.playbooks.test_emergency import RECOVERY, SHUTDOWN, Hosts
from tests.support.http import Reply, posted, raw_server, reply, web_server
from tests.support.modules import run_module
from tests.support.playbooks import PlaybookRun
from tests.support.stand_in_stack import Stack

SECRET = "T0000-s3cr3tInTheAddress"


class Told(Hosts):
    """With a directory for records, and a channel that keeps what it is told beside one that is dead."""

    def __init__(self, home: Path, stack: Stack) -> None:
        super().__init__(home, stack)
        self.messages: list[dict[str, Any]] = []
        self.records = home / "incidents"
        self.given: dict[str, Any] = {"analytics_ops_incident_dir": str(self.records), "incident_timeout_seconds": 60}

    def __call__(self, request: BaseHTTPRequestHandler) -> Reply:
        self.messages.append(posted(request))
        return reply({})

    def run(self, playbook: str, *arguments: str, **more: Any) -> PlaybookRun:
        run = self.play(playbook, *arguments, "-e", json.dumps({**self.given, **more}))
        assert SECRET not in run.output
        return run

    def record(self, incident: str) -> list[dict[str, Any]]:
        return [json.loads(text) for text in (self.records / f"{incident}.jsonl").read_text().splitlines()]

    def lose(self, *names: str) -> None:
        inventory = json.loads((self.home / "hosts.json").read_text())
        gone = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
        for group, name in (("one", "h1"), ("two", "h2")):
            if name in names:
                inventory["all"]["children"][group]["hosts"][name] = gone
        (self.home / "hosts.json").write_text(json.dumps(inventory))


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    monkeypatch.setenv("NO_PROXY", "*")
    made = Told(tmp_path, Stack(tmp_path, monkeypatch))
    with web_server(made) as url:
        live = {"name": "live", "kind": "webhook", "url": f"{url}/{SECRET}"}
        dead = {"name": "dead", "kind": "slack", "url": f"http://127.0.0.1:{free_port()}/{SECRET}"}
        made.given["analytics_ops_channels"] = [dead, live]
        yield made
    run_module("service_wave", services=made.stack.everything(), state="stopped", stop_seconds=1)


def what(entries: list[dict[str, Any]]) -> list[str]:
    return [entry.get("what", "") for entry in entries]


def test_shutdown_and_recovery_are_one_incident_that_a_good_recovery_closes(hosts: Told) -> None:
    planned = hosts.run(RECOVERY, "--check")
    assert planned.code == 0, planned.output
    assert not hosts.records.exists()
    assert hosts.messages == []

    assert hosts.run(RECOVERY, awx_user_name="alice").code == 0
    (path,) = hosts.records.iterdir()
    first = hosts.record(path.stem)
    assert [entry["event"] for entry in first] == ["opened", *["entry"] * (len(first) - 2), "closed"]
    assert {entry["who"] for entry in first} == {"alice"}
    times = [entry["time"] for entry in first]
    assert times == sorted(times), "the timelines of both hosts are one"
    done = what(first)
    assert done.index("base: ready") < done.index("api: start")
    assert done.index("worker: ready") < done.index("nginx: start")
    assert {entry["host"] for entry in first if "host" in entry} == {"h1", "h2"}
    assert [(one["event"], one["incident"]) for one in hosts.messages] == [
        (event, path.stem) for event in ("opened", "updated", "closed")
    ]
    assert hosts.messages[0]["text"] == "Begun by alice."
    assert hosts.messages[1]["text"].startswith("5 ready.\n")

    down = hosts.run(SHUTDOWN, incident_severity="P1", backup_directory=f"{hosts.home}/missing")
    assert down.code == 2, down.output
    assert [finding["severity"] for finding in down.found("incident.channel")] == ["warning"]
    assert hosts.running() == set(), "a dead channel stops nothing"
    second = path.stem + "-2"
    after = hosts.record(second)
    assert [entry["event"] for entry in after if entry["event"] != "entry"] == ["opened"]
    assert after[-1]["result"].startswith("5 stopped. h1: Write the backup: ")
    assert "host lost" not in what(after), "why they failed is told"
    assert "/missing" in hosts.messages[-1]["text"]

    hosts.lose("h1")
    assert hosts.run(RECOVERY).code == 4
    ended = hosts.record(second)
    assert [entry["event"] for entry in ended if entry["event"] != "entry"] == ["opened", "joined"]
    assert ("h1", "host lost") in [(entry.get("host"), entry.get("what")) for entry in ended]
    assert "Failed or out of reach: h1." in ended[-1]["result"]
    assert "api was not started" in ended[-1]["result"]
    assert {one["incident"] for one in hosts.messages[3:]} == {second}
    assert [one["event"] for one in hosts.messages[3:]] == ["opened", "updated"] * 2
    assert "Failed or out of reach: h1." in hosts.messages[-1]["text"]


def test_a_part_that_comes_up_closes_nothing(hosts: Told) -> None:
    for part in ({"stack_control_scope": ["base"]}, {"analytics_ops_hosts": "all"}):
        assert hosts.run(RECOVERY, **part).code == 0
        (path,) = hosts.records.iterdir()
        assert "closed" not in [entry["event"] for entry in hosts.record(path.stem)]
    assert hosts.run(RECOVERY).code == 0
    assert hosts.record(path.stem)[-1]["event"] == "closed"


def silence(connection: socket.socket, ending: threading.Event) -> None:
    ending.wait()


def test_neither_a_dead_channel_nor_a_place_that_is_none_stops_the_work(hosts: Told) -> None:
    assert hosts.play(RECOVERY).code == 0
    with raw_server(silence) as url:
        hanging = {"name": "hangs", "kind": "slack", "url": f"{url}/{SECRET}"}
        wrong = {"name": "wrong", "kind": "fax"}
        nowhere = {"analytics_ops_incident_dir": "/no/such/place/incidents", "incident_timeout_seconds": 0.5}
        run = hosts.run(
            SHUTDOWN,
            analytics_ops_channels=[hanging, wrong],
            backup_directory=f"{hosts.home}/missing",
            **nowhere,
        )
    assert run.code == 2, run.output
    assert hosts.running() == set()
    assert {finding["subject"] for finding in run.found("incident.channel")} == {"hangs", "wrong"}
    assert {finding["severity"] for finding in run.found("incident.record")} == {"warning"}
    assert {"backup" in failure["task"] for failure in run.report["failures"]} == {True}, run.report["failures"]


def test_an_incident_of_which_no_host_is_left_stays_open(hosts: Told) -> None:
    hosts.lose("h1", "h2")
    assert hosts.run(RECOVERY).code == 4
    (path,) = hosts.records.iterdir()
    assert [entry["event"] for entry in hosts.record(path.stem)] == ["opened"]
    assert [one["event"] for one in hosts.messages] == ["opened"]


def test_what_is_declared_wrongly_is_shown_and_stops_nothing(hosts: Told) -> None:
    run = hosts.run(SHUTDOWN, analytics_ops_channels=[{"kind": "slack"}], incident_escalation={"P9": []})
    assert run.code == 0, run.output
    assert "escalation: 'P9' is no severity." in run.output
    assert "missing required arguments: name" in run.output


def test_where_nothing_is_set_nothing_is_done(hosts: Told) -> None:
    run = hosts.play(SHUTDOWN)
    assert run.code == 0, run.output
    assert "-> localhost" not in run.output
    assert not [key for key in run.report["measurements"] if key["target"] in ("incident", "channels")]
