# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.run test`` runs every part of the tests and ends with a table of what ran; a part's name runs that.

A part that cannot run here is said to be 'not run', with the reason, and fails the whole run when it was promised:
``REQUIRE=all`` promises everything (CI sets it), ``LAB=require`` the container lab. A skipped test counts as not run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.parts import browser, coverage, gates, lab, own, timescale
from tests.parts.part import RESULTS, Part, Row

PARTS: dict[str, Callable[[], list[Part]]] = {
    "unit": own.unit,
    "guards": own.guards,
    "lint": gates.lint,
    "gates": gates.gates,
    "integration": own.integration,
    "timescale": timescale.timescale,
    "coverage": coverage.coverage,
    "playbooks": own.playbooks,
    "browser": browser.browser,
    "lab": lab.lab,
}
# What a name alone asks for, where that is more than the part.
ALONE = {
    "unit": (own.unit, coverage.coverage),
    "integration": (own.integration, coverage.coverage),
    "coverage": (own.unit, own.newest, coverage.coverage_lines),
}


def main(names: list[str]) -> int:
    if len(names) != 1 or names[0] not in (*PARTS, "test"):
        print(f"{__doc__}\nParts: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    RESULTS.mkdir(parents=True, exist_ok=True)
    coverage.forget()
    chosen = PARTS.values() if names[0] == "test" else ALONE.get(names[0]) or (PARTS[names[0]],)
    rows = [part.run() for parts in chosen for part in parts()]
    _show(rows)
    broken = [row.part for row in rows if row.broken_promise]
    if broken:
        print(f"Promised, and did not run whole: {', '.join(broken)}.")
    return int(bool(broken) or any(row.result == "failed" for row in rows))


def _show(rows: list[Row]) -> None:
    width = max(len(row.part) for row in rows)
    print("\nWhat ran and what did not")
    print(f"  {'part':<{width}} {'result':<8} {'passed':>6} {'failed':>6} {'skipped':>7} {'seconds':>8}  why")
    for row in rows:
        counts = f"{row.passed or '':>6} {row.failed or '':>6} {row.skipped or '':>7}"
        print(f"  {row.part:<{width}} {row.result:<8} {counts} {row.seconds:>8.1f}  {row.why}")
    passed, failed, skipped = (sum(getattr(row, name) for row in rows) for name in ("passed", "failed", "skipped"))
    failed += sum(row.result == "failed" and not row.failed for row in rows)
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped, {sum(row.seconds for row in rows) / 60:.1f} minutes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
