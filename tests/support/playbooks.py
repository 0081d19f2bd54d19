# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook as a user does, with a home of its own, and gives the report of the run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.sources import REPOSITORY

PROGRAM = Path(sys.executable).with_name("ansible-playbook")


@dataclass
class PlaybookRun:
    """``report`` is the callback's; empty where it wrote none."""

    code: int
    output: str
    report: dict[str, Any]

    def steps(self, *actions: str) -> list[dict[str, Any]]:
        return [step for step in self.report["steps"] if step["action"] in actions]

    def found(self, check: str, *states: str) -> list[dict[str, Any]]:
        return [f for f in self.report["findings"] if f["check"] == check and (not states or f["state"] in states)]


def environment(home: Path, **further: str) -> dict[str, str]:
    """This checkout's configuration; history and caches lie in ``home``, and the user's own play no part."""
    isolated = {"ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_HOME": str(home / "ansible")}
    return {**os.environ, **isolated, "COLUMNS": "120", **further}


def play(home: Path, *arguments: str | Path, interrupt_at: str = "", **further: str) -> PlaybookRun:
    """One run of ``ansible-playbook``, interrupted when its output holds ``interrupt_at``."""
    report = home / "report.json"
    report.unlink(missing_ok=True)
    run = subprocess.Popen(
        [sys.executable, PROGRAM, *arguments],
        cwd=REPOSITORY,
        env=environment(home, ANALYTICS_OPS_REPORT_FILE=str(report), **further),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines = []
    for line in run.stdout:
        lines.append(line)
        if interrupt_at and interrupt_at in line:
            os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C does: everybody in the foreground
    written = json.loads(report.read_text()) if report.exists() else {}
    return PlaybookRun(run.wait(), "".join(lines), written)
