# SPDX-License-Identifier: GPL-3.0-or-later
"""Why services of a real Compose project do not come up, as ``service_wave`` tells it."""

import json
import os

import pytest
import testinfra

from tests.lab.module import message, run_module, told

docker = testinfra.get_host("local://")
PROJECT = "analytics-ops-diagnosis"
SLEEP = ["sleep", "infinity"]
SAYS = "echo opening; sleep 0.1; echo password=geheim refused >&2; sleep 0.1; echo giving up; exit 4"
SERVICES = {
    "good": {"command": SLEEP},
    "ends": {"command": ["sh", "-c", SAYS], "restart": "no"},
    "loop": {"command": ["sh", "-c", "echo no database; exit 1"], "restart": "always"},
    "ill": {
        "command": ["sh", "-c", "echo cannot listen; exec sleep infinity"],
        "healthcheck": {"test": ["CMD-SHELL", "echo nobody there; false"], "interval": "1s", "retries": 1},
    },
}


@pytest.fixture
def project(tmp_path):
    file = tmp_path / "compose.yml"

    def written(services):
        usual = {"image": os.environ["LAB_IMAGE"], "network_mode": "none", "restart": "no", "init": True}
        file.write_text(json.dumps({"services": {name: {**usual, **one} for name, one in services.items()}}))
        place = {"project": PROJECT, "file": str(file)}
        # What comes up is not waited for in vain; the others have to show what ails them before their time is over.
        ready = {name: {"within_seconds": 60 if name == "good" else 10} for name in services}
        return {name: {"compose": {**place, "service": name}, "ready": ready[name]} for name in services}

    yield written
    docker.run(f"docker rm --force $(docker ps --all --quiet --filter label=com.docker.compose.project={PROJECT})")


def wave(state, services):
    result = run_module("service_wave", {"services": services, "state": state})
    assert "msg" not in result, result
    return result


def test_the_last_lines_of_a_container_are_told(project):
    services = project(SERVICES)
    result = wave("started", services)
    assert told(result) == {("wave.start", name): "critical" for name in SERVICES if name != "good"}
    said = {name: message(result, "wave.start", name) for name in SERVICES if name != "good"}
    assert "exit code 4. It last said: opening / password=******** refused / giving up" in said["ends"]
    assert "It last said: no database" in said["loop"]
    assert "It last said: nobody there Its log ends with: cannot listen" in said["ill"]
    assert "geheim" not in json.dumps(result)
    again = wave("diagnosed", services)
    assert told(again) == {("wave.up", name): "critical" for name in SERVICES if name != "good"}
    assert not again["changed"]


def test_missing_variables_and_files_are_named(project):
    required = project({"api": {"command": SLEEP, "environment": {"KEY": "${WAVE_KEY:?set it}"}}})
    said = message(wave("started", required), "wave.start", "api")
    assert "Its Compose file requires variables that are not set: WAVE_KEY." in said
    empty = project({"api": {"command": ["sh", "-c", "exit 1"], "environment": {"KEY": "${WAVE_KEY}"}}})
    said = message(wave("started", empty), "wave.start", "api")
    assert "Its Compose file uses variables that are not set, and so empty: WAVE_KEY." in said
    absent = project({"api": {"command": SLEEP, "env_file": ["no.env"]}})
    said = message(wave("started", absent), "wave.start", "api")
    assert "/no.env is not there." in said
