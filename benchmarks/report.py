# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run over a hundred hosts: into the history with its figures, 90 days out of it, one page written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.module import COLLECTIONS

HOSTS, DAYS = 100, 90
NOTHING = "nothing"


def comparisons(work: Path) -> Iterator[Comparison]:
    sys.path[:0] = [str(COLLECTIONS)]
    url = f"sqlite:///{work}/history.sqlite3"
    figures = _fill(url)
    written = partial(_write, url, _run(DAYS), work / "report.html")
    yield Comparison(
        f"the report of {HOSTS} hosts with {DAYS} days of history",
        [
            Variant(NOTHING, lambda: None, lambda result: True),
            Variant("history and page", written, lambda file: _is_whole(file.read_text())),
        ],
        [Goal("history and page", NOTHING, 5, how="difference")],
        about=f"{figures} figures a run, one run a day, in SQLite: the run is added, every series read and judged, and "
        "the page written with 17 curves a host.",
    )
    yield Comparison(
        "the size of that page",
        [
            Variant(NOTHING, lambda: 0, lambda size: size == 0),
            Variant("page", lambda: written().stat().st_size / 1e6, lambda size: size > 0),
        ],
        [Goal("page", NOTHING, 5, how="difference")],
        rounds=1,
        warm_up=False,
        timed=False,
        unit="MB",
    )


def _run(day: int) -> dict[str, Any]:
    from tests.support.reports import DAY, NOW, fleet, timed

    report, _past = fleet(HOSTS, day)
    return timed(report, NOW - (DAYS - day) * DAY)


def _fill(url: str) -> int:
    from ansible_collections.analytics.ops.plugins.module_utils._act.history import remember

    for day in range(DAYS):
        report = _run(day)
        remember(url, report, 1, 400)
    return sum(len(look["now"]) for look in report["measurements"])


def _write(url: str, report: dict[str, Any], file: Path) -> Path:
    from ansible_collections.analytics.ops.plugins.module_utils._act.history import remember
    from ansible_collections.analytics.ops.plugins.module_utils._judge.history import with_history
    from ansible_collections.analytics.ops.plugins.module_utils._judge.view_html import page

    past = remember(url, report, DAYS, 400)
    file.write_text(page(with_history(report, past), past.series, DAYS))
    return file


def _is_whole(text: str) -> bool:
    return text.count("<svg") == HOSTS * 17 and text.endswith("</html>\n")
