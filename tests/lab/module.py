# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module on a machine of the lab, or on the Docker host, and returns its result."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def run_module(
    name: str, options: dict[str, Any], machine: str = "", user: str = "root", check_mode: bool = False
) -> dict[str, Any]:
    """``machine`` is the name of a container; without it the module runs where the tests run."""
    connection = ["--connection", "community.docker.docker", "--user", user] if machine else ["--connection", "local"]
    python = "/usr/bin/python3" if machine else sys.executable
    variables = {"ansible_python_interpreter": python, "ansible_remote_tmp": f"/tmp/ansible-{user}"}
    command = [
        str(Path(sys.executable).with_name("ansible")),
        *("--inventory", f"{machine or 'localhost'},", "all", "--one-line", *connection),
        *("--extra-vars", json.dumps(variables), "--module-name", f"analytics.ops.{name}"),
        *("--args", json.dumps(options)),
        *(["--check"] if check_mode else []),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    _host, arrow, result = run.stdout.partition(" => ")
    assert arrow, run.stdout + run.stderr
    return json.loads(result)


def told(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The severity of each finding, by check and subject."""
    return {(finding["check"], finding["subject"]): finding["severity"] for finding in result["findings"]}


def message(result: dict[str, Any], check: str, subject: str) -> str:
    (found,) = [f for f in result["findings"] if (f["check"], f["subject"]) == (check, subject)]
    return found["message"]
