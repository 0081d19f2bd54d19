# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one page for a browser: what is wrong and what to do first, then everything else, folded.

It loads nothing and runs nothing: its policy forbids both, and allows no style but its own.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, List, Mapping, Sequence, Tuple

from .commands import pieces
from .figures import passed_limit
from .finding import CRITICAL, INFO, OK, UNKNOWN, WARNING
from .history import SeriesKey, Slot, age_text, is_new
from .markup import Markup, element, joined
from .report import RESOLVED
from .report_text import FRAME, MOST_STEPS, forecast_text, near_limits, step_text, steps_title
from .text import time_text, with_unit
from .view_html_hosts import hosts
from .view_page import MOST_CARDS, SIGNS, Section, badge, document, folded, listed, rows


def page(report: Mapping[str, Any], series: Mapping[SeriesKey, Sequence[Slot]], days: int) -> str:
    """``series`` is what the history holds of the last ``days`` days; without any there are figures but no curves."""
    still_open = [finding for finding in report["findings"] if finding["state"] != RESOLVED]
    near = listed(forecast_text(trend) for trend in near_limits(report))
    sections = [
        Section("wrong", "Wrong now", "What is wrong now", _open(report, still_open)),
        Section("failed", "Failed", "What failed", _failures(report)),
        Section("unreached", "Not reached", "Hosts that were not reached", _unreached(still_open)),
        Section("changed", "Changes", "What changed since the last run", _changes(report)),
        Section("near", "Limits", "What comes near its limit", near),
        Section("done", "Work", steps_title(report), _steps(report)),
        Section("resolved", "Resolved", "What this run resolved", _resolved(report)),
        Section("hosts", "Hosts", "Hosts and their figures", hosts(report, series, days, badge)),
    ]
    title = "{0}: {1}".format(report["status"], report["playbook"] or "report")
    return document(title, "Skip to the findings", _verdict(report, still_open), sections)


def _verdict(report: Mapping[str, Any], still_open: Sequence[Mapping[str, Any]]) -> Markup:
    status = report["status"]
    lines: List[Any] = [
        element("h1", element("span", SIGNS[status], " ", status, class_="word"), " ", report["playbook"]),
        element("p", _counts(report, still_open)),
    ]
    changes = report.get("changes") or {}
    if changes.get("last_run"):
        lines.append(
            element(
                "p", "The run before, at {0}, was {1}.".format(time_text(changes["last_run"]), changes["status_then"])
            )
        )
    if report["check_mode"]:
        lines.append(element("p", "This was a rehearsal (check mode): nothing was changed."))
    lines.append(
        element("p", "{0} to {1}".format(time_text(report["started"]), time_text(report["finished"])), class_="soft")
    )
    return element("div", *lines, class_="verdict " + status)


def _counts(report: Mapping[str, Any], still_open: Sequence[Mapping[str, Any]]) -> str:
    severities = [finding["severity"] for finding in still_open]
    counts = ["{0} {1}".format(severities.count(s), s) for s in (CRITICAL, WARNING, UNKNOWN, INFO) if s in severities]
    new = sum(is_new(report, finding) for finding in still_open)
    counts += ["{0} of them new".format(new)] if new else []
    counts += ["{0} failed".format(len(report["failures"]))] if report["failures"] else []
    targets = len(report["measurements"])
    looked = "{0} target{1} looked at.".format(targets, "" if targets == 1 else "s")
    return "{0}. {1}".format(", ".join(counts) or "Nothing is wrong", looked)


def _open(report: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> Markup:
    cards = [_card(report, finding) for finding in findings if finding["severity"] not in (INFO, OK)]
    notes = [_card(report, finding) for finding in findings if finding["severity"] == INFO]
    return joined(
        cards[:MOST_CARDS]
        + folded("{0} more".format(len(cards) - MOST_CARDS), cards[MOST_CARDS:])
        + folded("{0} for information".format(len(notes)), notes)
    )


def _card(report: Mapping[str, Any], finding: Mapping[str, Any]) -> Markup:
    facts = [_where(finding)]
    if finding["value"] is not None:
        facts.append(("value", with_unit(finding["value"], finding["unit"])))
        limit = passed_limit(finding)
        facts += [("limit", with_unit(limit, finding["unit"]))] if limit is not None else []
    age = "new" if is_new(report, finding) else age_text(report, finding)
    facts += [("", age)] if age else []
    advice = finding["advice"] and element("p", *_advice(finding["advice"]), class_="next")
    return element(
        "article",
        element("h3", badge(finding["severity"]), " ", finding["check"], ": ", finding["subject"]),
        element("p", *(element("span", word, " ", element("b", text)) for word, text in facts), class_="meta"),
        element("p", finding["message"]),
        advice,
        class_="card " + finding["severity"],
    )


def _where(of: Mapping[str, Any]) -> Tuple[str, str]:
    return "on", of["host"] if of["host"] == of["target"] else "{0} · {1}".format(of["host"], of["target"])


def _advice(text: str) -> List[Any]:
    parts: List[Any] = [element("b", "Next: ")]
    return parts + [element("code", piece.text) if piece.is_command else piece.text for piece in pieces(text)]


def _failures(report: Mapping[str, Any]) -> Markup:
    return joined(
        element(
            "article",
            element("h3", failure["host"], " · ", failure["task"]),
            element("p", failure["message"]),
            class_="card critical",
        )
        for failure in report["failures"]
    )


def _unreached(findings: Sequence[Mapping[str, Any]]) -> Markup:
    return listed(f["host"] for f in findings if f["check"] == "host.reachable" and f["severity"] == UNKNOWN)


def _changes(report: Mapping[str, Any]) -> Markup:
    changes = report.get("changes") or {}
    if not changes.get("last_run"):
        return Markup("")
    parts: List[Markup] = []
    for name in ("new", "worse", "better", "gone"):
        found = [_change(report, change) for change in changes[name]]
        if found:
            title = "{0} ({1})".format(name.capitalize(), len(found))
            parts += [element("h3", title), rows(found, MOST_CARDS)]
    return joined(parts) or element("p", "Nothing: the same findings as before.")


def _change(report: Mapping[str, Any], change: Mapping[str, Any]) -> Markup:
    before = change["severity_before"]
    sign = (badge(before), " → ") if before else ()
    text = " {0}: {1} on {2}".format(change["check"], change["subject"], _where(change)[1])
    age = age_text(report, change)
    return element("li", *sign, badge(change["severity"]), text, ", known {0}".format(age) if age else "")


def _steps(report: Mapping[str, Any]) -> Markup:
    parts: List[Markup] = []
    work = [step for step in report["steps"] if step["action"] not in FRAME]
    for (host, target), here in groupby(work, key=lambda step: (step["host"], step["target"])):
        done = [element("li", step_text(step)) for step in here]
        parts += [element("h3", "{0} · {1}".format(host, target)), rows(done, MOST_STEPS)]
    return joined(parts)


def _resolved(report: Mapping[str, Any]) -> Markup:
    findings = [f for f in report["findings"] if f["state"] == RESOLVED]
    return listed("{0}: {1} on {2}".format(f["check"], f["subject"], _where(f)[1]) for f in findings)
