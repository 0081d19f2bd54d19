# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ``docs/performance.md`` from results, which are plain data, and from what is written by hand about them.

A benchmark that has no result here keeps the section it has on the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HEAD = """\
# Performance

Written by `make bench`; what stands under *Why* and *Where the time goes* is written by hand (`benchmarks/notes/`).

To repeat it: `make bench` on a quiet machine, about twenty minutes; `make bench ONLY=pg_health` measures one
benchmark and replaces its section alone. It needs nothing installed, but measures `check_postgres` and
`check_pgactivity` only where they are (Debian: `apt install check-postgres check-pgactivity`). The figures are also
in `.cache/benchmarks/`, as JSON.

The variants of a comparison run in turn (A B A B …) after a warm-up round, each checked to have done its work. Figures
are medians with the smallest and the largest in brackets; a ratio is that of the medians, with the smallest and the
largest ratio of a single round. Seconds are this machine's, ratios hold elsewhere too. Making databases, dumps and the
need for maintenance is not timed.
"""


def section(name: str, result: dict[str, Any], notes: str) -> str:
    facts = result["facts"]
    lines = [f"## {name}", ""]
    for table in result["tables"]:
        lines += _table(table)
    if notes:
        lines += [notes.strip(), ""]
    lines.append(f"Measured {facts['date']}: {facts['machine']}; {facts['versions']}.")
    return "\n".join(lines) + "\n"


def _table(table: dict[str, Any]) -> list[str]:
    unit = table["unit"]
    rounds = f"{table['rounds']} round{'s' if table['rounds'] > 1 else ''}"
    lines = [f"### {table['title']}", ""]
    lines += [table["about"], ""] if table["about"] else []
    lines += [f"| variant ({rounds}) | median | spread | against | goal | |", "|---|---|---|---|---|---|"]
    for row in table["rows"]:
        if row.get("missing"):
            lines.append(f"| {row['name']} | {row['missing']} | | | | |")
            continue
        figures = f"| {row['name']} | {_figure(row['median'])} {unit} | {_figure(row['low'])} – {_figure(row['high'])}"
        goals = [goal for goal in table["goals"] if goal["variant"] == row["name"]]
        lines += [f"{figures} | {_goal(goal)} |" for goal in goals] or [f"{figures} | | | |"]
    return [*lines, ""]


def _goal(goal: dict[str, Any]) -> str:
    sign = "×" if goal["how"] == "ratio" else "more than"
    limit = "" if goal["limit"] is None else f"≤ {goal['limit']:g} {sign}"
    if goal["value"] is None:
        return f"{goal['against']} | {limit} | not measured"
    spread = f" ({goal['low']:.2f} – {goal['high']:.2f})" if goal["low"] != goal["high"] else ""
    verdict = "" if goal["limit"] is None else "met" if goal["met"] else "**missed**"
    return f"{goal['value']:.2f}{spread} {sign} {goal['against']} | {limit} | {verdict}"


def _figure(value: float) -> str:
    return f"{value:.3f}" if value < 10 and value != int(value) else f"{value:.1f}".removesuffix(".0")


def page(names: Sequence[str], sections: dict[str, str], previous: str) -> str:
    """The whole page: ``sections`` where there are, otherwise what ``previous`` holds."""
    text = HEAD
    for name in names:
        content = sections.get(name) or _section_of(previous, name)
        if content:
            text += f"\n<!-- begin {name} -->\n{content}<!-- end {name} -->\n"
    return text


def _section_of(text: str, name: str) -> str:
    found = re.search(f"<!-- begin {name} -->\n(.*?)<!-- end {name} -->\n", text, re.DOTALL)
    return found.group(1) if found else ""


def write(target: Path, names: Sequence[str], sections: dict[str, str]) -> None:
    previous = target.read_text() if target.exists() else ""
    target.write_text(page(names, sections, previous))
