# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as an operator reads it at the end of a run: what is wrong now, the worst first, and what to do next."""

from __future__ import annotations

import fnmatch
import re
import textwrap
from itertools import groupby
from typing import Any, Callable, Iterable, List, Mapping, Sequence

from .figures import HEADLINES, passed_limit
from .finding import CRITICAL, DEGRADED, HEALTHY, UNHEALTHY, UNKNOWN, WARNING
from .history import age_text, is_new
from .report import PLANNED, REMAINING, RESOLVED
from .text import printable, seconds_text, with_unit

Paint = Callable[[str, str], str]

NARROW = 100  # columns; below that a finding takes lines of its own instead of a row
FRAME = ("acquire", "release")  # a lock that came and went is no news; one that could not be had is a failure
_DIGIT_GROUP = re.compile(r"(?<=\d) (?=\d{3}\b)")
SOON_DAYS = 92  # three months ahead is what capacity is planned for
MOST_STEPS = 12  # of one kind on one target; the rest is counted

COLOURS = {
    CRITICAL: "red",
    WARNING: "yellow",
    UNKNOWN: "magenta",
    UNHEALTHY: "red",
    DEGRADED: "yellow",
    HEALTHY: "green",
}


def plain(text: str, colour: str) -> str:
    """The ``Paint`` of everything that is not a terminal."""
    return text


def render(report: Mapping[str, Any], width: int, paint: Paint = plain) -> str:
    """The whole report in lines of at most ``width`` columns. ``paint(text, colour)`` colours, or does not."""
    width = max(width, 40)
    still_open = [dict(f, mark=_mark(report, f)) for f in report["findings"] if f["state"] != RESOLVED]
    resolved = [finding for finding in report["findings"] if finding["state"] == RESOLVED]
    lines = [""]
    lines += section("What is wrong now", _open(still_open, width, paint), width, paint)
    lines += section("What failed", _failures(report["failures"], width), width, paint)
    work = [step for step in report["steps"] if step["action"] not in FRAME]
    lines += section(steps_title(report), _steps(work, width), width, paint)
    better = _resolved(resolved, width) + _gone(report, resolved, width) + _figures(report["measurements"])
    lines += section("What is better", better, width, paint)
    lines += section("What comes near its limit", _soon(report, width), width, paint)
    lines += _verdict(report, still_open, len(resolved), width, paint)
    return "\n".join(lines)


def section(title: str, lines: List[str], width: int, paint: Paint) -> List[str]:
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
        first, *more = wrapped(row[2], widths[2])
        line = _row((*row[:2], first, *row[3:]), widths)
        lines.append("  " + paint(row[0], COLOURS.get(row[0], "normal")) + line[2 + len(row[0]) :])
        lines += [" " * (6 + widths[0] + widths[1]) + part for part in more]
        lines += _next_step(finding, width)
    return lines


def _mark(report: Mapping[str, Any], finding: Mapping[str, Any]) -> str:
    word = "new" if is_new(report, finding) else age_text(report, finding)
    return "({0}) ".format(word) if word else ""


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return ("  " + "  ".join(cell.ljust(size) for cell, size in zip(cells, widths))).rstrip()


def _blocks(findings: Sequence[Mapping[str, Any]], width: int, paint: Paint) -> List[str]:
    lines = []
    for finding in findings:
        severity = paint(finding["severity"], COLOURS.get(finding["severity"], "normal"))
        title = "{0}: {1}".format(finding["check"], _subject(finding))
        first, *more = wrapped(title, width - 3 - len(finding["severity"]))
        lines += ["  {0} {1}".format(severity, first), *("    " + line for line in more)]
        if isinstance(finding["value"], (int, float)):
            value, limit = with_unit(finding["value"], finding["unit"]), limit_text(finding)
            lines += indented("{0} (limit {1})".format(value, limit or "none"), width)
        lines += _next_step(finding, width)
    return lines


def _subject(finding: Mapping[str, Any]) -> str:
    """Without the folder that the heading names already."""
    inside = finding["target"].rstrip("/") + "/"
    return finding["subject"][len(inside) :] if finding["subject"].startswith(inside) else finding["subject"]


def limit_text(finding: Mapping[str, Any]) -> str:
    """The limit that the value has passed, or would pass first."""
    return with_unit(passed_limit(finding), finding["unit"]) if finding["value"] is not None else ""


def _next_step(finding: Mapping[str, Any], width: int) -> List[str]:
    message = finding["mark"] + finding["message"]
    advice = ["→ " + finding["advice"]] if finding["advice"] else []
    return [line for text in [message, *advice] for line in indented(text, width)]


def _failures(failures: Sequence[Mapping[str, Any]], width: int) -> List[str]:
    texts = ("{host} · {task}: {message}".format(**failure) for failure in failures)
    return [line for text in texts for line in indented(printable(text, 1000), width, first="  ")]


def steps_title(report: Mapping[str, Any]) -> str:
    return "What would be done (check mode: nothing was changed)" if report["check_mode"] else "What was done"


def _steps(steps: Sequence[Mapping[str, Any]], width: int) -> List[str]:
    lines = []
    for (host, target), here in groupby(steps, key=lambda step: (step["host"], step["target"])):
        lines.append(printable("{0} · {1}".format(host, target), width))
        for (action, outcome), alike in groupby(here, key=lambda step: (step["action"], step["outcome"])):
            group = list(alike)
            for step in group[:MOST_STEPS]:
                lines += indented(step_text(step), width, first="  ")
            if len(group) > MOST_STEPS:
                lines.append("  … and {0} more: {1}".format(len(group) - MOST_STEPS, _outcome(action, outcome)))
    return lines


def _outcome(action: str, outcome: str) -> str:
    return "{0}, left for later".format(action) if outcome == REMAINING else action


def step_text(step: Mapping[str, Any]) -> str:
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
    return [line for text in texts for line in indented(text, width, first="  resolved  ")]


def _gone(report: Mapping[str, Any], resolved: Sequence[Mapping[str, Any]], width: int) -> List[str]:
    """What the run before this one still saw, and this one did not even at its first look."""
    told = {(f["host"], f["target"], f["check"], f["subject"]) for f in resolved}
    gone = [g for g in gone_since_last_run(report) if (g["host"], g["target"], g["check"], g["subject"]) not in told]
    texts = ("{0}: {1} · {2}".format(g["host"], g["check"], g["subject"]) for g in gone)
    return [line for text in texts for line in indented(printable(text), width, first="  gone      ")]


def gone_since_last_run(report: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (report.get("changes") or {}).get("gone", ())


def _soon(report: Mapping[str, Any], width: int) -> List[str]:
    return [line for t in near_limits(report) for line in indented(forecast_text(t), width, first="  ")]


def near_limits(report: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    return [t for t in report.get("trends", ()) if t["days_left"] is not None and t["days_left"] <= SOON_DAYS]


def forecast_text(trend: Mapping[str, Any]) -> str:
    return "{0} · {1} of {5}: {2} now, {3} {4} at the present rate".format(
        trend["host"],
        trend["name"],
        with_unit(trend["now"], trend["unit"]),
        with_unit(trend["limit"], trend["unit"]),
        days_text(trend["days_left"]),
        trend["target"],
    )


def days_text(days: float) -> str:
    return "within a day" if days < 1 else "in a day" if days < 1.5 else "in {0:.0f} days".format(days)


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
    name = printable(report["playbook"] or "the stack", 200)
    if not (report["measurements"] or still_open or report["failures"]):
        return []  # nothing was looked at, so there is nothing to say about the stack
    new = sum(is_new(report, finding) for finding in still_open)
    counts = "{0} open".format(len(still_open)) + (", {0} of them new".format(new) if new else "")
    counts += ", {0} resolved".format(resolved) if compared else ""
    counts += ", {0} failed".format(len(report["failures"])) if report["failures"] else ""
    first, *more = wrapped("{0}: {1}{2} ({3})".format(name, change, status, counts), width)
    return [paint(first, COLOURS[status]), *more, ""]


def wrapped(text: str, width: int, **indents: str) -> List[str]:
    """Lines of at most ``width`` columns; a number is not broken between its groups of digits."""
    joined = _DIGIT_GROUP.sub("\u00a0", text)
    lines = textwrap.wrap(joined, max(width, 10), break_on_hyphens=False, **indents)
    return [line.replace("\u00a0", " ") for line in lines] or [""]


def indented(text: str, width: int, first: str = "    ") -> List[str]:
    return wrapped(text, width, initial_indent=first, subsequent_indent="    ")
