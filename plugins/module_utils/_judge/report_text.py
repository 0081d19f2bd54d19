# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as an operator reads it at the end of a run: what is wrong now, the worst first, and what to do next."""

from __future__ import annotations

import fnmatch
import re
import textwrap
from itertools import groupby
from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence, Tuple

from .finding import CRITICAL, DEGRADED, HEALTHY, UNHEALTHY, UNKNOWN, WARNING
from .report import NEW, PLANNED, REMAINING, RESOLVED
from .text import printable, seconds_text, with_unit

Paint = Callable[[str, str], str]

NARROW = 100  # columns; below that a finding takes lines of its own instead of a row
FRAME = ("acquire", "release")  # a lock that came and went is no news; one that could not be had is a failure
_DIGIT_GROUP = re.compile(r"(?<=\d) (?=\d{3}\b)")
MOST_STEPS = 12  # of one kind on one target; the rest is counted

COLOURS = {
    CRITICAL: "red",
    WARNING: "yellow",
    UNKNOWN: "magenta",
    UNHEALTHY: "red",
    DEGRADED: "yellow",
    HEALTHY: "green",
}

# What a person asks for first when comparing before and now, by shell pattern; all the rest is in the JSON file.
# None of them is better for being higher.
HEADLINES: Dict[str, Tuple[str, str]] = {
    "pg.tables.dead_rows": ("dead rows", "rows"),
    "pg.tables.bloat_bytes": ("table bloat (estimate)", "bytes"),
    "pg.indexes.bloat_bytes": ("index bloat (estimate)", "bytes"),
    "pg.database.*.size_bytes": ("database size", "bytes"),
    "redis.keys.count": ("keys", ""),
    "redis.keys.without_ttl": ("keys without TTL", ""),
    "redis.memory.used_bytes": ("cache memory", "bytes"),
    "backup.damaged": ("damaged backups", ""),
    "backup.newest_age_seconds": ("age of the newest backup", "seconds"),
}


def plain(text: str, colour: str) -> str:
    """The ``Paint`` of everything that is not a terminal."""
    return text


def render(report: Mapping[str, Any], width: int, paint: Paint = plain) -> str:
    """The whole report in lines of at most ``width`` columns. ``paint(text, colour)`` colours, or does not."""
    width = max(width, 40)
    still_open = [finding for finding in report["findings"] if finding["state"] != RESOLVED]
    resolved = [finding for finding in report["findings"] if finding["state"] == RESOLVED]
    lines = [""]
    lines += _section("What is wrong now", _open(still_open, width, paint), width, paint)
    lines += _section("What failed", _failures(report["failures"], width), width, paint)
    work = [step for step in report["steps"] if step["action"] not in FRAME]
    lines += _section(_steps_title(report), _steps(work, width), width, paint)
    lines += _section("What is better", _resolved(resolved, width) + _figures(report["measurements"]), width, paint)
    lines += _verdict(report, still_open, len(resolved), width, paint)
    return "\n".join(lines)


def _section(title: str, lines: List[str], width: int, paint: Paint) -> List[str]:
    return [paint("{0} {1}".format(title, "─" * (width - len(title) - 1)), "bold"), *lines, ""] if lines else []


def _open(findings: Sequence[Mapping[str, Any]], width: int, paint: Paint) -> List[str]:
    lines = []
    # Findings come the worst first; a target stands where its worst finding puts it.
    places = list(dict.fromkeys((finding["host"], finding["target"]) for finding in findings))
    for host, target in places:
        here = [finding for finding in findings if (finding["host"], finding["target"]) == (host, target)]
        lines.append(printable("{0} · {1}".format(host, target), width))
        lines += _rows(here, width, paint) if width >= NARROW else _blocks(here, width, paint)
    return lines


def _rows(findings: Sequence[Mapping[str, Any]], width: int, paint: Paint) -> List[str]:
    """A table of the figures. What to do stands below each row over the whole width, so that commands stay whole."""
    header = ("severity", "check", "subject", "value", "limit")
    rows = [
        (f["severity"], f["check"], _subject(f), printable(with_unit(f["value"], f["unit"]), 24), limit_text(f))
        for f in findings
    ]
    widths = [max(len(row[n]) for row in [header, *rows]) for n in range(len(header))]
    widths[2] = min(widths[2], width - sum(widths) + widths[2] - 2 * len(widths))
    lines = [_row(header, widths)]
    for finding, row in zip(findings, rows):
        first, *more = _wrapped(row[2], widths[2])
        line = _row((*row[:2], first, *row[3:]), widths)
        lines.append("  " + paint(row[0], COLOURS.get(row[0], "normal")) + line[2 + len(row[0]) :])
        lines += [" " * (6 + widths[0] + widths[1]) + part for part in more]
        lines += _next_step(finding, width)
    return lines


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return ("  " + "  ".join(cell.ljust(size) for cell, size in zip(cells, widths))).rstrip()


def _blocks(findings: Sequence[Mapping[str, Any]], width: int, paint: Paint) -> List[str]:
    lines = []
    for finding in findings:
        severity = paint(finding["severity"], COLOURS.get(finding["severity"], "normal"))
        title = "{0}: {1}".format(finding["check"], _subject(finding))
        first, *more = _wrapped(title, width - 3 - len(finding["severity"]))
        lines += ["  {0} {1}".format(severity, first), *("    " + line for line in more)]
        if isinstance(finding["value"], (int, float)):
            value, limit = with_unit(finding["value"], finding["unit"]), limit_text(finding)
            lines += _indented("{0} (limit {1})".format(value, limit or "none"), width)
        lines += _next_step(finding, width)
    return lines


def _subject(finding: Mapping[str, Any]) -> str:
    """Without the folder that the heading names already."""
    inside = finding["target"].rstrip("/") + "/"
    return finding["subject"][len(inside) :] if finding["subject"].startswith(inside) else finding["subject"]


def limit_text(finding: Mapping[str, Any]) -> str:
    """The limit that the value has passed, or would pass first."""
    limit = finding["critical"] if finding["severity"] == CRITICAL else finding["warning"]
    if limit is None:
        limit = finding["warning"] if finding["warning"] is not None else finding["critical"]
    return with_unit(limit, finding["unit"]) if finding["value"] is not None else ""


def _next_step(finding: Mapping[str, Any], width: int) -> List[str]:
    message = ("(new) " if finding["state"] == NEW else "") + finding["message"]
    advice = ["→ " + finding["advice"]] if finding["advice"] else []
    return [line for text in [message, *advice] for line in _indented(text, width)]


def _failures(failures: Sequence[Mapping[str, Any]], width: int) -> List[str]:
    texts = ("{host} · {task}: {message}".format(**failure) for failure in failures)
    return [line for text in texts for line in _indented(printable(text, 1000), width, first="  ")]


def _steps_title(report: Mapping[str, Any]) -> str:
    return "What would be done (check mode: nothing was changed)" if report["check_mode"] else "What was done"


def _steps(steps: Sequence[Mapping[str, Any]], width: int) -> List[str]:
    lines = []
    for (host, target), here in groupby(steps, key=lambda step: (step["host"], step["target"])):
        lines.append(printable("{0} · {1}".format(host, target), width))
        for (action, outcome), alike in groupby(here, key=lambda step: (step["action"], step["outcome"])):
            group = list(alike)
            for step in group[:MOST_STEPS]:
                lines += _indented(_step_text(step), width, first="  ")
            if len(group) > MOST_STEPS:
                lines.append("  … and {0} more: {1}".format(len(group) - MOST_STEPS, _outcome(action, outcome)))
    return lines


def _outcome(action: str, outcome: str) -> str:
    return "{0}, left for later".format(action) if outcome == REMAINING else action


def _step_text(step: Mapping[str, Any]) -> str:
    figures = [with_unit(step["keys"], "keys")] if "keys" in step else []
    if isinstance(step.get("seconds"), (int, float)):
        figures.append(seconds_text(step["seconds"]))
    before, after = step.get("size_bytes_before"), step.get("size_bytes_after")
    if before is not None and after is not None and before != after:
        figures.append("{0} → {1}".format(with_unit(before, "bytes"), with_unit(after, "bytes")))
    elif before is not None and step["outcome"] == PLANNED:
        figures.append(with_unit(before, "bytes"))
    text = "{0} {1}: {2}".format(_outcome(step["action"], step["outcome"]), step["subject"], step["reason"].rstrip("."))
    return "{0} ({1})".format(text, ", ".join(figures)) if figures else text


def _resolved(findings: Iterable[Mapping[str, Any]], width: int) -> List[str]:
    texts = ("{0}: {1} · {2}".format(f["check"], f["subject"], f["message"]) for f in findings)
    return [line for text in texts for line in _indented(text, width, first="  resolved  ")]


def _figures(measurements: Sequence[Mapping[str, Any]]) -> List[str]:
    rows = []
    for look in measurements:
        before, now = look["before"] or {}, look["now"]
        for pattern, (title, unit) in HEADLINES.items():
            for name in fnmatch.filter(now, pattern):
                texts = with_unit(before.get(name), unit), with_unit(now[name], unit)
                if name in before and now[name] < before[name] and texts[0] != texts[1]:
                    rows.append((look["host"], title, *texts))
    widths = [max((len(row[n]) for row in rows), default=0) for n in range(4)]
    return [
        "  {0}  {1}  {2} → {3}".format(host.ljust(widths[0]), title.ljust(widths[1]), before.rjust(widths[2]), now)
        for host, title, before, now in rows
    ]


def _verdict(
    report: Mapping[str, Any], still_open: Sequence[Mapping[str, Any]], resolved: int, width: int, paint: Paint
) -> List[str]:
    status = report["status"]
    compared = any(look["before"] is not None for look in report["measurements"])
    change = "{0} → ".format(report["status_before"]) if compared else ""
    name = report["playbook"] or "the stack"
    if not (report["measurements"] or still_open or report["failures"]):
        return []  # nothing was looked at, so there is nothing to say about the stack
    new = sum(finding["state"] == NEW for finding in still_open)
    counts = "{0} open".format(len(still_open)) + (", {0} of them new".format(new) if new else "")
    counts += ", {0} resolved".format(resolved) if compared else ""
    counts += ", {0} failed".format(len(report["failures"])) if report["failures"] else ""
    first, *more = _wrapped("{0}: {1}{2} ({3})".format(name, change, status, counts), width)
    return [paint(first, COLOURS[status]), *more, ""]


def _wrapped(text: str, width: int, **indents: str) -> List[str]:
    """Lines of at most ``width`` columns; a number is not broken between its groups of digits."""
    joined = _DIGIT_GROUP.sub("\u00a0", text)
    lines = textwrap.wrap(joined, max(width, 10), break_on_hyphens=False, **indents)
    return [line.replace("\u00a0", " ") for line in lines] or [""]


def _indented(text: str, width: int, first: str = "    ") -> List[str]:
    return _wrapped(text, width, initial_indent=first, subsequent_indent="    ")
