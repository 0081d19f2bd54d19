# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m benchmarks``: measures and writes ``docs/performance.md``. ``ONLY="pg_health hosts"`` chooses.

``python -m benchmarks page`` writes the page again from the figures that are there.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import harness, machine, page
from benchmarks.module import REPOSITORY

NAMES = (
    "pg_health",
    "http_health",
    "daily_health_check",
    "hosts",
    "triage",
    "emergency",
    "failover",
    "backup_verify",
    "vacuum_analyze",
    "pg_reindex",
    "log_scan",
    "report",
)
RESULTS = REPOSITORY / ".cache" / "benchmarks"
PAGE = REPOSITORY / "docs" / "performance.md"
NOTES = REPOSITORY / "benchmarks" / "notes"


def main(arguments: list[str]) -> int:
    chosen = os.environ.get("ONLY", "").replace(",", " ").split() or list(NAMES)
    unknown = [name for name in chosen if name not in NAMES]
    if unknown or arguments not in ([], ["page"]):
        print(
            f"bench: ONLY is one or more of {', '.join(NAMES)}; not {' '.join(unknown or arguments)}.", file=sys.stderr
        )
        return 2
    RESULTS.mkdir(parents=True, exist_ok=True)
    if not arguments:
        for name in chosen:
            _measure(name)
    sections = {}
    for name in NAMES:
        result, notes = RESULTS / f"{name}.json", NOTES / f"{name}.md"
        if result.exists():
            sections[name] = page.section(
                name, json.loads(result.read_text()), notes.read_text() if notes.exists() else ""
            )
    page.write(PAGE, NAMES, sections)
    print(f"bench: wrote {PAGE.relative_to(REPOSITORY)}")
    return 0


def _measure(name: str) -> None:
    begun = time.monotonic()
    tables = []
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=RESULTS) as work:
        Path(work).chmod(0o755)  # PostgreSQL, which does not run as root, goes through it
        for comparison in importlib.import_module(f"benchmarks.{name}").comparisons(Path(work)):
            print(f"bench: {name}: {comparison.title}", flush=True)
            tables.append(
                harness.summary(comparison, harness.measure(comparison, lambda text: print(text, flush=True)))
            )
    seconds = round(time.monotonic() - begun, 1)
    result = {"name": name, "facts": machine.facts(), "seconds": seconds, "tables": tables}
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"bench: {name} took {seconds} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
