# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The review for a chat or an issue: short, in Markdown."""

from __future__ import annotations

from typing import Any, Mapping

from .markdown_text import plain
from .review import COUNTED, span_text, worth_telling
from .review_text import alert_text, figure_text, near_texts, run_text, silent_texts, title_text, top_text
from .top import KINDS
from .view_markdown import MARKS, MOST_LINES, listed

MOST_TOP = 5


def review_markdown(told: Mapping[str, Any]) -> str:
    lines = ["## {0}".format(plain(title_text(told))), "", plain(told["summary"])]
    alerts = [alert for alert in told["alerts"] if alert["severity"] in COUNTED]
    marked = ["{0} **{1}** {2}".format(MARKS[a["severity"]], a["severity"], _text(alert_text(a, told))) for a in alerts]
    lines += listed("What ran", [_text(run_text(run, told)) for run in told["runs"]])
    lines += listed("Alerts of the {0}".format(span_text(told)), marked)
    lines += listed("What comes near its limit", [_text(text) for text in near_texts(told)])
    unusual = [_text(figure_text(figure)) for figure in worth_telling(told)]
    lines += listed("Unusual against the {0} before".format(span_text(told)), unusual)
    for kind, entries in told["top"].items():
        lines += listed(KINDS[kind].title, [_text(top_text(kind, entry)) for entry in entries[:MOST_TOP]])
    lines += listed("No longer measured", [_text(text) for text in silent_texts(told)][:MOST_LINES])
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    return plain(text, 600)
