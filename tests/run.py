# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.run test|unit|guards|integration|playbooks|lint``: runs the parts, ends with a table of what ran.

A part that cannot run here is said to be 'not run', with the reason, and fails the whole run when everything was
promised (``REQUIRE=all``, which CI sets). A skipped test counts as not run, too.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import collection_tree
from tests.support.versions import WHEELS, postgres_programs

REPOSITORY = Path(__file__).resolve().parents[1]
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


@dataclass
class Part:
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    is_pytest: bool = False
    directory: Path = REPOSITORY
    obstacle: Callable[[], str] = lambda: ""

    def run(self) -> Row:
        why_not = self.obstacle()
        if why_not:
            return Row(self.name, "not run", why=why_not)
        print(f"\n=== {self.name}: {shlex.join(self.command)}", flush=True)
        started = time.monotonic()
        report = RESULTS / f"{self.name.replace(' ', '-')}.xml"
        report.unlink(missing_ok=True)
        command = [*self.command, f"--junitxml={report}"] if self.is_pytest else self.command
        code = subprocess.run(command, cwd=self.directory, env=self._environment()).returncode
        row = Row(self.name, "passed" if code == 0 else "failed", time.monotonic() - started)
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


def pytest_part(name: str, *targets: str, workers: str = "2", obstacle=lambda: "", **environment: str) -> Part:
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadscope", *targets]
    return Part(name, command, environment, is_pytest=True, obstacle=obstacle)


def unavailable(major: int) -> str:
    try:
        postgres_programs(major)
    except RuntimeError as error:
        return str(error)
    return ""


def integration_parts() -> list[Part]:
    """All tests on the newest PostgreSQL; those that talk to one are repeated on the older ones."""
    newest, *older = sorted(WHEELS, reverse=True)
    rest = ["tests/integration", "--ignore=tests/integration/playbooks"]
    parts = [
        pytest_part(f"integration pg{newest}", *rest, PG_VERSIONS=str(newest), obstacle=lambda: unavailable(newest))
    ]
    for major in older:
        name = f"integration pg{major}"
        command = (*rest, "-k", f"pg{major}")
        parts.append(
            pytest_part(name, *command, PG_VERSIONS=str(major), obstacle=lambda major=major: unavailable(major))
        )
    return parts


def lint_parts() -> list[Part]:
    tree = collection_tree.TREE
    return [
        Part("ruff", [str(PROGRAMS / "ruff"), "check", "."]),
        Part("ruff format", [str(PROGRAMS / "ruff"), "format", "--check", "."]),
        Part("ansible-lint", [str(PROGRAMS / "ansible-lint"), "--offline", "--profile", "production"]),
        Part("collection tree", [sys.executable, "-m", "tests.support.collection_tree"]),
        Part(
            "documentation",
            [
                *(str(PROGRAMS / "antsibull-docs"), "lint-collection-docs", "--plugin-docs"),
                *("--validate-collection-refs", "all", "."),
            ],
            directory=tree,
        ),
        Part("changelog", [str(PROGRAMS / "antsibull-changelog"), "lint"]),
    ]


PARTS: dict[str, Callable[[], list[Part]]] = {
    "unit": lambda: [pytest_part("unit", "tests/unit")],
    "guards": lambda: [pytest_part("guards", "tests/guards")],
    "integration": integration_parts,
    "playbooks": lambda: [pytest_part("playbooks", "tests/integration/playbooks", workers="1")],
    "lint": lint_parts,
}


def main(names: list[str]) -> int:
    if len(names) != 1 or names[0] not in (*PARTS, "test"):
        print(__doc__, file=sys.stderr)
        return 2
    RESULTS.mkdir(parents=True, exist_ok=True)
    chosen = PARTS if names[0] == "test" else names
    rows = [part.run() for name in chosen for part in PARTS[name]()]
    _show(rows)
    incomplete = [row for row in rows if row.result == "not run" or row.skipped]
    if any(row.result == "failed" for row in rows):
        return 1
    if incomplete and os.environ.get("REQUIRE") == "all":
        print("Everything was promised (REQUIRE=all), and not everything ran.")
        return 1
    return 0


def _show(rows: list[Row]) -> None:
    print("\nWhat ran and what did not")
    print(f"  {'part':<18} {'result':<8} {'passed':>6} {'failed':>6} {'skipped':>7} {'seconds':>8}  why")
    for row in rows:
        counts = f"{row.passed or '':>6} {row.failed or '':>6} {row.skipped or '':>7}"
        print(f"  {row.part:<18} {row.result:<8} {counts} {row.seconds:>8.1f}  {row.why}")
    passed, failed, skipped = (sum(getattr(row, name) for row in rows) for name in ("passed", "failed", "skipped"))
    failed += sum(row.result == "failed" and not row.failed for row in rows)
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
