# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The review as one page for a browser: what the week was like, then every host with the curves of both weeks."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from .figures import is_headline, title_of
from .finding import INFO, OK, rank
from .history import SeriesKey, Slot, seconds_of
from .markup import Markup, element, joined
from .report_text import days_text
from .review import COUNTED, span_text, worth_telling
from .review_text import alert_text, figure_text, near_texts, run_text, silent_texts, title_text, top_text
from .text import time_text, unbroken, with_unit
from .top import KINDS
from .view_chart import Curve, chart
from .view_page import MOST_CARDS, Section, badge, document, folded, listed, rows

MOST_CURVES = 24  # of one target; what meets a limit and what is unusual comes first
MOST_UNFOLDED = 5  # hosts


def review_page(told: Mapping[str, Any], series: Mapping[SeriesKey, Sequence[Slot]]) -> str:
    """``series`` is what the history holds of both weeks."""
    span = span_text(told)
    sections = [
        Section("runs", "Runs", "What ran", listed(run_text(run, told) for run in told["runs"])),
        Section("alerts", "Alerts", "Alerts of the {0}".format(span), _alerts(told)),
        Section("near", "Limits", "What comes near its limit", listed(near_texts(told))),
        Section(
            "unusual",
            "Unusual",
            "Unusual against the {0} before".format(span),
            listed(figure_text(figure) for figure in worth_telling(told)),
        ),
        *(
            Section(
                kind.replace(".", "-"),
                KINDS[kind].title.partition(" that ")[0],
                KINDS[kind].title,
                listed(top_text(kind, entry) for entry in entries),
            )
            for kind, entries in told["top"].items()
        ),
        Section("silent", "Not measured", "No longer measured", listed(silent_texts(told))),
        Section("hosts", "Hosts", "Hosts and their figures", _hosts(told, series)),
    ]
    title = title_text(told)
    period = "{0} to {1}, beside the {2} before".format(time_text(told["begin"]), time_text(told["end"]), span)
    top = element(
        "div",
        element("h1", title),
        element("p", told["summary"]),
        element("p", period, class_="soft"),
        class_="verdict info",
    )
    return document(title, "Skip to the review", top, sections)


def _alerts(told: Mapping[str, Any]) -> Markup:
    alerts = [_alert(alert, told) for alert in told["alerts"] if alert["severity"] in COUNTED]
    notes = [_alert(alert, told) for alert in told["alerts"] if alert["severity"] == INFO]
    rest = [element("ul", *notes)] if notes else []
    return joined([rows(alerts, MOST_CARDS), *folded("{0} for information".format(len(notes)), rest)])


def _alert(alert: Mapping[str, Any], told: Mapping[str, Any]) -> Markup:
    return element("li", badge(alert["severity"]), " ", alert_text(alert, told))


def _hosts(told: Mapping[str, Any], series: Mapping[SeriesKey, Sequence[Slot]]) -> Markup:
    """One block a host, those with the worst alerts first."""
    worst: Dict[str, str] = {}
    for alert in told["alerts"]:
        worst[alert["host"]] = max(alert["severity"], worst.get(alert["host"], OK), key=rank)
    by_host: Dict[str, Dict[str, List[Mapping[str, Any]]]] = {}
    for figure in told["figures"]:
        by_host.setdefault(figure["host"], {}).setdefault(figure["target"], []).append(figure)
    axis = seconds_of(told["before"]), seconds_of(told["end"])
    blocks: List[Markup] = []
    for host in sorted(by_host, key=lambda host: (-rank(worst.get(host, OK)), host)):
        targets = [_target(name, figures, series, axis) for name, figures in sorted(by_host[host].items())]
        summary = element("summary", element("h3", host), " ", badge(worst.get(host, OK)))
        blocks.append(element("details", summary, *targets, class_="host", open=len(by_host) <= MOST_UNFOLDED))
    legend = "The curves begin at {0}; a dashed line is the limit. The mark beside a host is its worst alert.".format(
        time_text(told["before"])
    )
    return joined([element("p", legend, class_="soft"), *blocks]) if blocks else Markup("")


def _target(
    name: str,
    figures: Sequence[Mapping[str, Any]],
    series: Mapping[SeriesKey, Sequence[Slot]],
    axis: Tuple[int, int],
) -> Markup:
    drawn = sorted((figure for figure in figures if _moves(figure)), key=_importance)
    shown, rest = drawn[:MOST_CURVES], [*drawn[MOST_CURVES:], *(f for f in figures if not _moves(f))]
    parts: List[Markup] = [element("h4", name)]
    parts += [element("div", *(_figure(figure, series, axis) for figure in shown), class_="figures")] if shown else []
    if rest:
        lines = [
            element(
                "tr",
                element("th", figure["name"], scope="row"),
                element("td", with_unit(figure["week"]["last"], figure["unit"]), class_="number"),
            )
            for figure in sorted(rest, key=lambda figure: figure["name"])
        ]
        title = "{0} {1}figure{2}".format(len(rest), "more " if shown else "", "" if len(rest) == 1 else "s")
        parts += folded(title, [element("table", element("tbody", *lines))])
    return joined(parts)


def _moves(figure: Mapping[str, Any]) -> bool:
    lows = [summary["min"] for summary in (figure["week"], figure["before"]) if summary]
    highs = [summary["max"] for summary in (figure["week"], figure["before"]) if summary]
    return figure["limit"] is not None or min(lows) < max(highs)


def _importance(figure: Mapping[str, Any]) -> Any:
    left = figure["days_left"]
    limited = figure["limit"] is not None
    return left is None, left or 0, not figure["unusual"], not limited, not is_headline(figure["name"]), figure["name"]


def _figure(figure: Mapping[str, Any], series: Mapping[SeriesKey, Sequence[Slot]], axis: Tuple[int, int]) -> Markup:
    unit, title = figure["unit"], title_of(figure["name"])
    slots = series[figure["host"], figure["target"], figure["name"]]
    lines = [_week("", figure["week"], unit)]
    lines += [_week("before: ", figure["before"], unit)] if figure["before"] else []
    lines += [text for text in [_direction(figure)] if text]
    caption = element("figcaption", element("span", title), element("b", with_unit(figure["week"]["last"], unit)))
    curve = Curve(slots, unit, figure["limit"], *axis)
    return element("figure", caption, chart(title, curve), *(element("p", line) for line in lines))


def _week(word: str, summary: Mapping[str, float], unit: str) -> str:
    mean, low, high = (unbroken(summary[name], unit) for name in ("mean", "min", "max"))
    return "{0}{1} on average, {2} to {3}".format(word, mean, low, high)


def _direction(figure: Mapping[str, Any]) -> str:
    texts = []
    if figure["per_day"]:
        sign = "+" if figure["per_day"] > 0 else "−"
        texts.append("{0}{1} a day".format(sign, unbroken(abs(figure["per_day"]), figure["unit"])))
    if figure["limit"] is not None:
        own = " (default)" if figure["limit_is_default"] else ""
        when = "" if figure["days_left"] is None else " " + days_text(figure["days_left"])
        texts.append("limit {0}{1}{2}".format(unbroken(figure["limit"], figure["unit"]), own, when))
    return ", ".join(texts)
