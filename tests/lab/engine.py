# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker engine of the lab: one that answers, or one that the lab starts for itself and stops again."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import CACHE, LabError

START_SECONDS = 60
_WITHOUT_ENGINE = """\
The lab needs a Docker engine, and none answers: {reason}
  - Docker installed and stopped:  start it (systemctl start docker), or add yourself to the group 'docker'.
  - not installed, Debian, Ubuntu: apt install docker.io mmdebstrap
  - in a container or on CI, as root, with 'dockerd' installed: LAB_ENGINE=start make lab  starts one for this run.
Everything else of `make test` needs no Docker."""


def why_no_answer() -> str:
    """Empty when an engine answers."""
    if shutil.which("docker") is None:
        return "there is no program 'docker'."
    asked = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=False
    )
    return "" if asked.returncode == 0 else (asked.stderr.strip().splitlines() or ["docker version failed."])[-1]


def may_start() -> bool:
    return os.environ.get("LAB_ENGINE") == "start" and os.geteuid() == 0 and shutil.which("dockerd") is not None


def obstacle() -> str:
    """Why the lab cannot run here, in one line; empty when it can."""
    reason = why_no_answer()
    return f"no Docker engine answers: {reason}" if reason and not may_start() else ""


@contextmanager
def engine() -> Iterator[None]:
    """An engine that answers, for as long as the block runs. Raises ``LabError`` with what to do."""
    reason = why_no_answer()
    if not reason:
        yield
        return
    if not may_start():
        raise LabError(_WITHOUT_ENGINE.format(reason=reason))
    log = CACHE / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        # In a session of its own: an interrupted run still has an engine to remove its containers with.
        daemon = subprocess.Popen(["dockerd"], stdout=output, stderr=output, start_new_session=True)
    try:
        _wait(daemon, log)
        yield
    finally:
        daemon.terminate()
        daemon.wait(timeout=START_SECONDS)


def _wait(daemon: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while why_no_answer():
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"dockerd did not start; the end of {log}:\n" + "\n".join(_tail(log)))
        time.sleep(0.2)


def _tail(log: Path, lines: int = 8) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-lines:]
