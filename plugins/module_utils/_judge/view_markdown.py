# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report for a chat or an issue: short, in Markdown, the worst first."""

from __future__ import annotations

from typing import Any, List, Mapping

from .commands import pieces
from .figures import passed_limit
from .finding import CRITICAL, INFO, OK, UNKNOWN, WARNING
from .history import age_text, is_new
from .markdown_text import code, plain
from .report import RESOLVED
from .report_text import FRAME, forecast_text, gone_since_last_run, near_limits, step_text, steps_title
from .text import with_unit

MOST_LINES = 15  # of each kind: a chat shows no more, and some refuse more than 4 000 characters
MARKS = {CRITICAL: "🔴", WARNING: "🟠", UNKNOWN: "🟣"}


def markdown(report: Mapping[str, Any]) -> str:
    still_open = [f for f in report["findings"] if f["state"] != RESOLVED and f["severity"] not in (OK, INFO)]
    lines = ["## {0}: {1}".format(plain(report["playbook"] or "report"), report["status"]), ""]
    lines += [_finding(report, finding) for finding in still_open[:MOST_LINES]]
    lines += _more(len(still_open))
    if not (still_open or report["failures"]):
        lines.append("Nothing is wrong: {0} targets looked at.".format(len(report["measurements"])))
    failures = ["{host} · {task}: {message}".format(**failure) for failure in report["failures"]]
    lines += _section("What failed", failures)
    gone = ["{0}: {1} · {2}".format(g["host"], g["check"], g["subject"]) for g in gone_since_last_run(report)]
    lines += _section("Gone since the last run", gone)
    lines += _section("What comes near its limit", [forecast_text(trend) for trend in near_limits(report)])
    lines += _section(steps_title(report), [step_text(step) for step in report["steps"] if step["action"] not in FRAME])
    return "\n".join(lines) + "\n"


def _finding(report: Mapping[str, Any], finding: Mapping[str, Any]) -> str:
    figure = ""
    if finding["value"] is not None:
        limit = passed_limit(finding)
        beside = "" if limit is None else ", limit " + with_unit(limit, finding["unit"])
        figure = " ({0}{1})".format(plain(with_unit(finding["value"], finding["unit"])), plain(beside))
    age = "new" if is_new(report, finding) else age_text(report, finding)
    lines = [
        "- {0} **{1}** {2} `{3}` on {4}{5}{6}: {7}".format(
            MARKS[finding["severity"]],
            finding["severity"],
            plain(finding["subject"]),
            code(finding["check"]),
            plain(finding["host"]),
            figure,
            ", " + age if age else "",
            plain(finding["message"]),
        )
    ]
    if finding["advice"]:
        parts = ("`{0}`".format(code(p.text)) if p.is_command else plain(p.text) for p in pieces(finding["advice"]))
        lines.append("  → " + "".join(parts))
    return "\n".join(lines)


def _section(title: str, texts: List[str]) -> List[str]:
    return listed(title, [plain(text) for text in texts])


def listed(title: str, texts: List[str]) -> List[str]:
    """A heading with a list of ``texts``, which are Markdown already; nothing where there are none."""
    items = ["- " + text for text in texts[:MOST_LINES]]
    return ["", "### " + title, "", *items, *_more(len(texts))] if texts else []


def _more(count: int) -> List[str]:
    return ["- … and {0} more".format(count - MOST_LINES)] if count > MOST_LINES else []
