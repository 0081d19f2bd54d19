# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of ``plugins/`` the tests of this call went through, lines and branches alike.

``_judge`` is held at 100 % by the unit tests alone: decisions need no server. For the rest the figure is only told.
"""

from __future__ import annotations

import io
import math
import shutil
import time
from dataclasses import dataclass

from tests.parts.part import REPOSITORY, Part, Row

DATA = REPOSITORY / ".cache" / "coverage"
JUDGE = "plugins/module_utils/_judge/*"


def measured(part: Part) -> Part:
    """The part, a pytest one, under coverage: workers and the processes that tests start as well."""
    python, *rest = part.command
    part.command = [python, "-m", "coverage", "run", f"--data-file={_data(part)}", *rest]
    return part


def modules_measured(part: Part) -> Part:
    """Only the modules' processes: tests that fill and watch real servers would become twice as slow for nothing."""
    part.environment["MODULE_COVERAGE"] = _data(part)
    return part


def _data(part: Part) -> str:
    return str(DATA / part.name / "data")


def forget() -> None:
    """What an earlier call measured says nothing about this one."""
    shutil.rmtree(DATA, ignore_errors=True)


@dataclass
class Coverage:
    """The row of the closing table; ``lines`` also prints which lines each file misses."""

    lines: bool = False

    def run(self) -> Row:
        started = time.monotonic()
        parts = sorted(folder.name for folder in DATA.glob("*/"))
        if not parts:
            return Row("coverage", "not run", why="nothing was measured in this call")
        whole, missed = _share(parts)
        row = Row("coverage", "passed", why=f"plugins {_percent(whole)} (branches included, by {' and '.join(parts)})")
        if self.lines:
            print(f"\n=== coverage\n{missed}")
        if "unit" not in parts:
            row.result, row.why = "not run", f"the unit tests did not run in this call; {row.why}"
        else:
            judge, missed = _share(["unit"], JUDGE)
            row.why += f", _judge {_percent(judge)} (by unit alone)"
            if judge < 100:
                row.result = "failed"
                print(f"\n=== coverage: what the unit tests miss in _judge\n{missed}")
        row.seconds = time.monotonic() - started
        return row


def coverage() -> list[Coverage]:
    return [Coverage()]


def coverage_lines() -> list[Coverage]:
    return [Coverage(lines=True)]


def _share(parts: list[str], *include: str) -> tuple[float, str]:
    """Percent, and a table of the files that lack something."""
    from coverage import Coverage as Measured  # here, so that nobody needs it who measures nothing

    combined = Measured(data_file=str(DATA / "data"), config_file=str(REPOSITORY / "pyproject.toml"))
    combined.combine([str(DATA / part) for part in parts], keep=True)
    table = io.StringIO()
    percent = combined.report(file=table, include=include or None, show_missing=True, skip_covered=True)
    return percent, table.getvalue()


def _percent(share: float) -> str:
    """Never rounded up: 99.96 is not 100."""
    return f"{math.floor(share * 10) / 10:g} %"
