# SPDX-License-Identifier: GPL-3.0-or-later
"""``service_wave``, ``emergency_recovery`` and ``emergency_shutdown``: ten services in four waves on five hosts."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ansible import ansible_playbook, empty_playbook, tasks_run
from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.module import run_module
from benchmarks.servers import succeeded
from tests.support.stand_in_stack import LISTEN, Stack

RECOVERY, SHUTDOWN = "playbooks/emergency_recovery.yml", "playbooks/emergency_shutdown.yml"
# Name, group, what it needs, seconds until it listens. The slowest chain is postgres, api, nginx.
SERVICES: tuple[tuple[str, str, list[str], float], ...] = (
    ("postgres", "db", [], 1.5),
    ("replica", "standby", ["postgres"], 0.5),
    ("redis", "cache", [], 0.3),
    ("sessions", "cache", [], 0.3),
    ("api", "app", ["postgres", "redis", "sessions"], 1.0),
    ("reports", "app", ["postgres"], 0.5),
    ("worker", "app", ["postgres", "redis"], 0.5),
    ("beat", "app", ["redis"], 0.3),
    ("dashboard", "web", ["api"], 0.5),
    ("nginx", "web", ["api", "dashboard"], 0.2),
)
CHAIN = [("postgres", 1.5), ("api", 1.0), ("dashboard", 0.5), ("nginx", 0.2)]
ALONE = "the slowest chain alone"
FLOOR = "that chain and as many empty tasks"
# What a written procedure sleeps, without what it does: 30 s to drain; 30 s for the databases, 60 s before a check.
SLEEPS_SECONDS = 120.0
WHERE = (
    "The services listen after 0.2 to 1.5 s and are started and ended through a stand-in for `docker` that runs "
    "processes; all hosts are this machine."
)


class Ten:
    def __init__(self, work: Path, patch: pytest.MonkeyPatch) -> None:
        self.stack, self.hosts = Stack(work, patch), work / "hosts.json"
        self.services = {
            name: self.stack.listener(name, seconds, kind="other", group=group, after=after, edge=name == "nginx")
            for name, group, after, seconds in SERVICES
        }
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "health_check_host": False,
            "analytics_ops_fail_on": "never",
            "stack_control_record_directory": str(work / "records"),
            "analytics_ops_services": self.services,
        }
        groups = {group: {"hosts": {f"{group}1": None}} for _name, group, _after, _seconds in SERVICES}
        self.hosts.write_text(json.dumps({"all": {"children": groups, "vars": variables}}))

    def wave(self, state: str) -> dict[str, Any]:
        return run_module("service_wave", {"services": self.services, "state": state, "stop_seconds": 5})

    def play(self, playbook: str | Path) -> subprocess.CompletedProcess:
        return ansible_playbook("-i", self.hosts, playbook)

    def chain_and(self, playbook: Path) -> subprocess.CompletedProcess:
        if not start_the_chain():
            raise RuntimeError("the chain did not come up")
        return self.play(playbook)


def start_the_chain() -> bool:
    """Each of the chain as a plain process, the next one the moment that the one before listens."""
    started = []
    try:
        for _name, seconds in CHAIN:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            started.append(subprocess.Popen([sys.executable, "-c", LISTEN, str(port), str(seconds)]))
            if not _listens(port):
                return False
        return True
    finally:
        for process in started:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.01)
    return False


def comparisons(work: Path) -> Iterator[Comparison]:
    with pytest.MonkeyPatch.context() as patch:
        ten = Ten(work, patch)
        try:
            yield from _of(ten, work)
        finally:
            ten.wave("stopped")


def _of(ten: Ten, work: Path) -> Iterator[Comparison]:
    down, up = partial(ten.wave, "stopped"), partial(ten.wave, "started")
    yield Comparison(
        "service_wave starts ten services, a process",
        [
            Variant(ALONE, start_the_chain, bool),
            Variant("service_wave", up, lambda result: result["status"] == "healthy" and result["changed"], down),
        ],
        [Goal("service_wave", ALONE, 1.3)],
        about=f"{WHERE} The chain alone: plain processes, each started the moment that the one before it listens.",
    )
    down()
    first = {RECOVERY: ten.play(RECOVERY), SHUTDOWN: ten.play(SHUTDOWN)}
    recovery, shutdown = (
        empty_playbook(work / f"{name}.yml", first[playbook].stdout)
        for name, playbook in (("recovery", RECOVERY), ("shutdown", SHUTDOWN))
    )

    def same(playbook: str, result: subprocess.CompletedProcess) -> bool:
        return succeeded(result) and tasks_run(result.stdout) == tasks_run(first[playbook].stdout)

    yield Comparison(
        "emergency_recovery of a stack that is down",
        [
            Variant(FLOOR, partial(ten.chain_and, recovery), succeeded),
            Variant("emergency_recovery", partial(ten.play, RECOVERY), partial(same, RECOVERY), down),
        ],
        [Goal("emergency_recovery", FLOOR, 1.25)],
        rounds=3,
        about=f"{WHERE} Waves over the hosts wait for each other; the health check at the end is part of it.",
    )
    yield Comparison(
        "emergency_shutdown with nothing in flight",
        [
            Variant("as many empty tasks", partial(ten.play, shutdown), succeeded),
            Variant("emergency_shutdown", partial(ten.play, SHUTDOWN), partial(same, SHUTDOWN), up),
        ],
        [Goal("emergency_shutdown", "as many empty tasks", 1.25)],
        rounds=3,
        about=f"{WHERE} No database to be backed up; every process ends when it is asked to.",
    )
    yield Comparison(
        "down and up again, against the sleeps of a written procedure",
        [
            Variant("its sleeps added up", lambda: SLEEPS_SECONDS, bool),
            Variant("emergency_shutdown and emergency_recovery", partial(_seconds, ten), bool, up),
        ],
        [Goal("emergency_shutdown and emergency_recovery", "its sleeps added up", 0.1)],
        rounds=3,
        warm_up=False,
        timed=False,
    )


def _seconds(ten: Ten) -> float:
    begun = time.perf_counter()
    for playbook in (SHUTDOWN, RECOVERY):
        result = ten.play(playbook)
        if not succeeded(result):
            raise RuntimeError(f"{playbook} ended with exit code {result.returncode}:\n{result.stdout[-2000:]}")
    return time.perf_counter() - begun
