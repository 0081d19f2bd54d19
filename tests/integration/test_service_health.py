# SPDX-License-Identifier: GPL-3.0-or-later
"""``service_health`` where neither systemd nor Docker need be there: cron's evidence, dead and hanging managers, input.

The states of real units and containers are looked at in the container lab (``molecule/*/tests/healthy``).
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import found, run_module
from tests.support.waiting import until

COMPOSE = {"project": "shop", "file": "/srv/compose.yml", "service": "worker"}
WORKER = {"worker": {"compose": COMPOSE}}
HAS_SYSTEMD = os.path.isdir("/run/systemd/system")


def health(**options: Any) -> dict[str, Any]:
    result = run_module("service_health", **options)
    assert not result["failed"], result["msg"]
    assert not result["changed"]
    return result


def severities(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(finding["check"], finding["subject"]): finding["severity"] for finding in result["findings"]}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a program of this name, a shell script, before all others."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def make(name: str, script: str) -> None:
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    return make


def test_nothing_declared_and_what_something_else_starts_are_silent() -> None:
    for services in ({}, {"api": {"manager": "none", "after": ["postgres"]}}):
        result = health(services=services, include_ok=True)
        assert (result["status"], result["target"]) == ("healthy", "services")
        assert {finding["check"] for finding in result["findings"]} == set(result["checks"])
        assert set(result["measurements"]) == {"service.observed_at"}


def test_a_unit_that_is_not_there_or_a_host_without_systemd() -> None:
    result = health(services={"api": {"unit": "no-such-unit-of-analytics"}})
    if HAS_SYSTEMD:
        assert severities(result) == {("service.active", "api"): "critical"}
    else:
        assert severities(result) == {("service.reachable", "systemd"): "unknown"}
        assert "manager: none" in result["findings"][0]["advice"]
        assert "no-such-unit-of-analytics" in result["msg"]


def test_an_engine_that_is_dead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    result = health(services=WORKER)
    assert severities(result) == {("service.reachable", "Docker"): "critical"}
    assert "worker" in result["msg"]


def test_an_engine_that_hangs_is_left_in_time_with_all_its_children(program: Any, tmp_path: Path) -> None:
    program("docker", f"sleep 600 & echo $! > {tmp_path}/child; wait")
    result = health(services=WORKER, timeout=5)  # the shell has to have come that far
    assert severities(result) == {("service.reachable", "Docker"): "critical"}
    assert "does not answer within 5 s" in result["findings"][0]["message"]
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")

    def ended() -> bool:
        try:
            return child.read_text().split()[2] == "Z"
        except OSError:  # it goes away between two looks
            return True

    until(ended)


def test_an_engine_that_may_not_be_asked_is_unknown(program: Any) -> None:
    warning = "echo 'WARNING: Error loading config file: permission denied' >&2"
    denied = "echo 'permission denied while trying to connect to the Docker daemon socket' >&2"
    program("docker", f"{warning}; {denied}; exit 1")
    result = health(services=WORKER)
    assert severities(result) == {("service.reachable", "Docker"): "unknown"}
    assert "group 'docker'" in result["findings"][0]["advice"]
    program("docker", f"{warning}; echo 'Cannot connect to the Docker daemon.' >&2; exit 1")
    assert severities(health(services=WORKER)) == {("service.reachable", "Docker"): "critical"}


def test_no_docker_at_all(monkeypatch: pytest.MonkeyPatch, program: Any, tmp_path: Path) -> None:
    # One that cannot be executed stands before all others, as a broken package leaves it. Where there are others the
    # next one is taken, which must not find the engine of this machine.
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    program("docker", "")
    (tmp_path / "docker").write_bytes(b"\x7fELF broken")
    result = health(services=WORKER)
    assert severities(result) == {("service.reachable", "Docker"): "critical"}


def test_hostile_answers_of_docker_are_shown_harmless(program: Any) -> None:
    program("docker", r"printf '\033[31mred\033[0m\n' >&2; exit 1")
    result = health(services=WORKER)
    assert "\x1b" not in result["findings"][0]["message"]
    program("docker", "echo '{{{'; echo 'a b c d e'; echo; exit 0")
    assert severities(health(services=WORKER)) == {("service.active", "worker"): "critical"}


def job(file: Path, **options: Any) -> dict[str, Any]:
    return {"name": "warm", "evidence": str(file), "max_age": 1000, **options}


@pytest.mark.parametrize(("age", "severity"), [(0, None), (1500, "warning"), (2500, "critical")])
def test_the_age_of_the_evidence(tmp_path: Path, age: float, severity: str | None) -> None:
    file = tmp_path / "warmed"
    file.touch()
    os.utime(file, (time.time() - age,) * 2)
    result = health(cron_jobs=[job(file)], checks=["cron_age"])
    assert severities(result) == ({("service.cron_age", "warm"): severity} if severity else {})
    assert age <= result["measurements"]["service.warm.age_seconds"] < age + 300


def test_no_evidence_and_evidence_that_cannot_be_seen(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = health(cron_jobs=[job(tmp_path / "none"), job(tmp_path / "file" / "x", name="odd")], checks=["cron_age"])
    assert severities(result) == {("service.cron_age", "warm"): "critical", ("service.cron_age", "odd"): "unknown"}
    assert "No such file" in found(result, "service.cron_age", "warm")[0]["message"]


WRONG = [
    ({"services": {"a": {"unit": "-x"}}}, "services: a.unit: is '-x'"),
    ({"services": {"a": {"managr": "none"}}}, "Did you mean 'manager'?"),
    ({"services": {"a": 3}}, "services: a: is 3."),
    ({"services": {"a": {"after": 3}, "b": {"unit": ""}}}, "services: b.unit: is empty."),
    ({"timers": [{"unit": "--all"}]}, "timers: '--all.timer' is no name for a unit."),
    ({"timers": [{"unit": "daily", "max_age": 0}]}, "timers: max_age of daily.timer is 0."),
    ({"cron_jobs": [{"name": "warm", "max_age": 5}]}, "cron_jobs: 'warm' has neither 'evidence' nor 'command'."),
    ({"cron_jobs": [{"name": "warm", "max_age": -1, "command": "x"}]}, "cron_jobs: max_age of warm is -1."),
    (
        {"services": {"a": {}}, "cron_jobs": [{"name": "a", "max_age": 1, "command": "x"}]},
        "Two are called 'a'.",
    ),
    ({"since": 0}, "since is 0."),
    ({"timeout": 601}, "timeout is 601."),
    ({"previous": {"service.a.restarts": 1}}, "previous: there is no number called 'service.observed_at'"),
    ({"checks": ["activ"]}, "Did you mean: service.active"),
]


@pytest.mark.parametrize(("options", "text"), WRONG)
def test_wrong_input_is_one_clear_error(options: dict[str, Any], text: str) -> None:
    result = run_module("service_health", **options)
    assert result["failed"]
    assert text in result["msg"]
    assert "bug" not in result["msg"]
