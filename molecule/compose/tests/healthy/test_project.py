# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's services run, are healthy, and work together."""

import json
import os
from pathlib import Path

import pytest
import requests
import testinfra

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
docker = testinfra.get_host("local://")


@pytest.fixture(scope="module")
def containers():
    listed = docker.check_output(f"docker compose --file {FOLDER}/project/compose.yml ps --format json")
    return {container["Service"]: container for container in map(json.loads, listed.splitlines())}


@pytest.mark.parametrize("service", ["postgres", "redis", "api", "worker", "nginx"])
def test_service_runs(containers, service):
    assert containers[service]["State"] == "running"
    assert containers[service]["Health"] in ("healthy", "")


def test_a_request_goes_through_the_whole_project():
    """Edge, API, broker, worker, database and back."""
    url = "https://127.0.0.1:48443/api/v1/reports"
    answer = requests.post(url, verify=FOLDER / "certificates" / "authority.pem", timeout=20)
    assert answer.json()["report"] >= 1
