# SPDX-License-Identifier: GPL-3.0-or-later
"""One part of the tests: a command, what must be there for it, and the line it gets in the closing table."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / ".cache" / "results"
PROGRAMS = Path(sys.executable).parent


@dataclass
class Row:
    """One line of the closing table."""

    part: str
    result: str  # passed, failed or 'not run'
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    why: str = ""
    promised: bool = False

    @property
    def broken_promise(self) -> bool:
        return self.promised and (self.result == "not run" or self.skipped > 0)


@dataclass
class Part:
    """``obstacle`` says why it cannot run here, or nothing; ``promised`` whether it must run for the whole to pass."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    is_pytest: bool = False
    directory: Path = REPOSITORY
    obstacle: Callable[[], str] = lambda: ""
    promised: bool = field(default_factory=lambda: os.environ.get("REQUIRE") == "all")

    def run(self) -> Row:
        why_not = self.obstacle()
        if why_not:
            return Row(self.name, "not run", why=why_not, promised=self.promised)
        print(f"\n=== {self.name}: {shlex.join(self.command)}", flush=True)
        started = time.monotonic()
        report = RESULTS / f"{self.name.replace(' ', '-')}.xml"
        report.unlink(missing_ok=True)
        command = [*self.command, f"--junitxml={report}"] if self.is_pytest else self.command
        code = subprocess.run(command, cwd=self.directory, env=self._environment(), check=False).returncode
        result = "passed" if code == 0 else "failed"
        row = Row(self.name, result, time.monotonic() - started, promised=self.promised)
        if self.is_pytest:
            _count(row, report)
        return row

    def _environment(self) -> dict[str, str]:
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
        # A collection that lies in the user's home must not shadow this checkout.
        home = REPOSITORY / ".cache" / "ansible"
        isolated = {"ANSIBLE_HOME": str(home), "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "NO_COLOR": "1"}
        return {**os.environ, "PATH": path, **isolated, **self.environment}


def _count(row: Row, report: Path) -> None:
    if not report.exists():
        row.result, row.why = "failed", "pytest wrote no report"
        return
    suite = ElementTree.parse(report).getroot().find("testsuite")
    total, row.skipped = int(suite.get("tests")), int(suite.get("skipped"))
    row.failed = int(suite.get("failures")) + int(suite.get("errors"))
    row.passed = total - row.failed - row.skipped
    reasons = sorted({skip.get("message", "") for skip in suite.iter("skipped")})
    if row.skipped:
        row.why = "; ".join(reasons)
    if row.passed == 0 and row.result == "passed":
        row.result, row.why = "not run", "no test was found"


def pytest_part(name: str, *arguments: str, workers: str = "2", obstacle=lambda: "", **environment: str) -> Part:
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadscope", *arguments]
    return Part(name, command, environment, is_pytest=True, obstacle=obstacle)
