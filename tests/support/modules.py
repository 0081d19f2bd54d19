# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module as Ansible would: a process of its own, options as JSON on standard input, the result as JSON."""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
COLLECTIONS = REPOSITORY / ".collections"
TIMEOUT = 300


def start_module(
    module: str, /, *, check_mode: bool = False, diff: bool = False, within: Sequence[str] = (), **options: Any
) -> subprocess.Popen:
    """The running module; ``module_result`` waits for it. For tests that interrupt or race.

    ``within`` is a command that runs what follows it, in surroundings of its own.
    """
    process = subprocess.Popen(
        [*within, sys.executable, "-m", f"ansible_collections.analytics.ops.plugins.modules.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    process.stdin.write(_arguments(check_mode, diff, options))
    process.stdin.close()
    process.stdin = None
    return process


def module_result(process: subprocess.Popen, timeout: float = TIMEOUT) -> dict[str, Any]:
    return _result(*process.communicate(timeout=timeout))


def run_module(
    module: str, /, *, check_mode: bool = False, diff: bool = False, within: Sequence[str] = (), **options: Any
) -> dict[str, Any]:
    """The module's result; ``failed`` is always there."""
    if within:
        return module_result(start_module(module, check_mode=check_mode, diff=diff, within=within, **options))
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as errors:
        given.write(_arguments(check_mode, diff, options))
        given.seek(0)
        output = _run_forked(module, given.fileno(), errors.fileno())
        errors.seek(0)
        return _result(output, errors.read())


def _run_forked(module: str, given: int, errors: int) -> str:
    header = {"module": module, "directory": os.getcwd(), "environment": _environment()}
    reading, writing = os.pipe()
    with socket.socket(socket.AF_UNIX) as connection, os.fdopen(reading, "rb", buffering=0) as output:
        try:
            connection.connect(_server())
            socket.send_fds(connection, [json.dumps(header).encode() + b"\n"], [given, writing, errors])
        finally:
            os.close(writing)
        pid = int(connection.recv(32))
        parts, end = [], time.monotonic() + TIMEOUT
        for stream in (output, connection):  # the output ends, and then the process
            while True:
                if not select.select([stream], [], [], max(0.0, end - time.monotonic()))[0]:
                    os.kill(pid, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(module, TIMEOUT, b"".join(parts))
                part = os.read(stream.fileno(), 1 << 20)
                if not part:
                    break
                parts.append(part)
        return b"".join(parts).decode()


@functools.cache
def _server() -> str:
    """The socket of this process's own module server, which ends with it."""
    directory = tempfile.mkdtemp(prefix="modules-")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.module_server", f"{directory}/socket"],
        cwd=REPOSITORY,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def end() -> None:
        server.stdin.close()
        server.wait()
        shutil.rmtree(directory)

    atexit.register(end)
    assert server.stdout.readline() == b"ready\n"
    return f"{directory}/socket"


def _arguments(check_mode: bool, diff: bool, options: dict[str, Any]) -> str:
    return json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check_mode, "_ansible_diff": diff}})


def _environment() -> dict[str, str]:
    """Lets coverage begin in the module's process, where ``tests/parts/coverage.py`` asks for it."""
    data = os.environ.get("MODULE_COVERAGE")
    measured = {"COVERAGE_PROCESS_START": str(REPOSITORY / "pyproject.toml"), "COVERAGE_FILE": data} if data else {}
    return {**os.environ, "PYTHONPATH": str(COLLECTIONS), **measured}


def _result(output: str, errors: str) -> dict[str, Any]:
    try:
        result = json.loads(output)
    except ValueError:
        raise AssertionError(f"no JSON from the module:\n{output}\n{errors}") from None
    result["failed"] = result.get("failed", False)
    return result


def found(result: dict[str, Any], check: str, subject: str | None = None) -> list[dict[str, Any]]:
    """The findings of one check in a result, of one subject if it is named."""
    return [f for f in result["findings"] if f["check"] == check and subject in (None, f["subject"])]
