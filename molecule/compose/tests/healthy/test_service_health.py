# SPDX-License-Identifier: GPL-3.0-or-later
"""``service_health`` against a real Docker: every state of a Compose service is told as what it is."""

import json
import os

import pytest
import testinfra

from tests.lab.module import message, run_module, told

docker = testinfra.get_host("local://")
PROJECT = "analytics-ops-states"
SLEEP = ["sleep", "infinity"]
SERVICES = {
    "good": {"command": SLEEP, "deploy": {"replicas": 2}},
    "short": {"command": SLEEP, "deploy": {"replicas": 3}},
    "once": {"command": SLEEP, "restart": "on-failure"},
    "exited": {"command": ["sh", "-c", "echo bye; exit 3"], "restart": "no"},
    "loop": {"command": ["sh", "-c", "sleep 0.2; exit 4"]},
    "flaps": {"command": ["sh", "-c", "echo no database; sleep 4; exit 4"]},
    "ill": {
        "command": SLEEP,
        "healthcheck": {"test": ["CMD-SHELL", "echo token=geheim; false"], "interval": "1s", "retries": 1},
    },
    "paused": {"command": SLEEP},
    "created": {"command": SLEEP},
    "gone": {"command": SLEEP},
}
FOUND = {
    ("service.active", "short: analytics-ops-states-short-3"): "critical",
    ("service.replicas", "short"): "warning",
    ("service.boot", "once"): "warning",
    ("service.active", "exited"): "critical",
    ("service.boot", "exited"): "warning",
    ("service.active", "loop"): "critical",
    ("service.restarts", "loop"): "warning",
    ("service.active", "flaps"): "critical",
    ("service.restarts", "flaps"): "info",
    ("service.healthy", "ill"): "critical",
    ("service.active", "paused"): "critical",
    ("service.active", "created"): "critical",
    ("service.active", "gone"): "critical",
}


def state(service, field):
    return docker.check_output("docker inspect --format %s %s", "{{" + field + "}}", f"{PROJECT}-{service}-1")


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    file = tmp_path_factory.mktemp("states") / "compose.yml"
    usual = {"image": os.environ["LAB_IMAGE"], "network_mode": "none", "restart": "always", "init": True}
    file.write_text(json.dumps({"services": {name: {**usual, **given} for name, given in SERVICES.items()}}))
    compose = f"docker compose --project-name {PROJECT} --file {file}"
    started = " ".join(name for name in SERVICES if name not in ("created", "gone"))
    try:
        docker.check_output(f"{compose} create && {compose} rm --force gone && {compose} start {started}")
        docker.check_output(f"docker kill {PROJECT}-short-3 && docker pause {PROJECT}-paused-1")
        docker.check_output(f"{compose} run --detach --name {PROJECT}-by-hand good false")
        wait(lambda: state("ill", ".State.Health.Status") == "unhealthy")
        wait(lambda: state("exited", ".State.Status") == "exited")
        # Docker doubles its pause before each restart: after six of them it lasts for seconds.
        wait(lambda: int(state("loop", ".RestartCount")) >= 6 and state("loop", ".State.Status") == "restarting")
        wait(lambda: int(state("flaps", ".RestartCount")) >= 2 and state("flaps", ".State.Status") == "running")
        place = {"project": PROJECT, "file": str(file)}
        yield {"services": {name: {"compose": {**place, "service": name}} for name in SERVICES}}
    finally:
        docker.run(f"docker rm --force $(docker ps --all --quiet --filter label=com.docker.compose.project={PROJECT})")


def wait(condition):
    for _attempt in range(1000):
        if condition():
            return
    raise AssertionError("what was waited for did not happen")


@pytest.fixture(scope="module")
def result(options):
    return run_module("service_health", options)


def test_every_state_is_found_and_nothing_else(result):
    assert told(result) == FOUND
    assert "msg" not in result


@pytest.mark.parametrize(
    ("check", "subject", "text"),
    [
        ("active", "exited", "it ended with exit code 3"),
        ("active", "loop", "does not stay up: it ended with exit code 4"),
        ("active", "flaps", "does not stay up: "),  # most looks find it running
        ("active", "flaps", "It last said: no database"),
        ("active", "short: analytics-ops-states-short-3", "exit code 137"),
        ("active", "created", "never started"),
        ("active", "gone", "no container of the service gone"),
        ("replicas", "short", "2 of 3 wanted containers"),
        ("healthy", "ill", "It last said: token=********"),
        ("boot", "once", "its restart policy is 'on-failure'"),
    ],
)
def test_the_reason_is_told_in_words(result, check, subject, text):
    assert text in message(result, f"service.{check}", subject)


def test_measurements(result):
    figures = result["measurements"]
    assert (figures["service.good.active"], figures["service.good.replicas"]) == (1, 2)
    assert (figures["service.gone.active"], figures["service.gone.replicas"]) == (0, 0)
    assert figures["service.loop.restarts"] >= 6


def test_an_engine_that_is_not_there_is_one_finding(options, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    blind = run_module("service_health", options)
    assert told(blind) == {("service.reachable", "Docker"): "critical"}
    assert "good" in blind["msg"]
