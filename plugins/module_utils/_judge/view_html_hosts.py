# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the page that shows every host: its targets, their figures, and a curve where there is a past."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Sequence

from .figures import is_gauge, is_headline, limits_of, title_of, unit_of
from .finding import OK, rank
from .history import SeriesKey, Slot, seconds_of, series_key
from .markup import Markup, element, joined
from .report import RESOLVED
from .report_text import days_text
from .text import unbroken, with_unit
from .view_chart import Curve, chart, extremes

MOST_CURVES = 24  # of one target; what is judged by a limit comes first
MOST_OPEN = 5  # hosts that are not in order are shown unfolded, unless there are many

Badge = Callable[[str], Markup]


def hosts(report: Mapping[str, Any], series: Mapping[SeriesKey, Sequence[Slot]], days: int, badge: Badge) -> Markup:
    """One block a host, those with the worst findings first."""
    looks: Dict[str, List[Mapping[str, Any]]] = {}
    for look in report["measurements"]:
        looks.setdefault(look["host"], []).append(look)
    findings: Dict[str, List[Mapping[str, Any]]] = {}
    for finding in report["findings"]:
        if finding["state"] != RESOLVED and finding["severity"] != OK:
            findings.setdefault(finding["host"], []).append(finding)
    trends = {(t["host"], t["target"], t["name"]): t for t in report.get("trends", ())}
    worst = {host: max((f["severity"] for f in findings.get(host, ())), key=rank, default=OK) for host in looks}
    ordered = sorted(looks, key=lambda host: (-rank(worst[host]), host))
    unfolded = [host for host in ordered if worst[host] != OK]
    unfolded = ordered if len(ordered) <= MOST_OPEN else unfolded if len(unfolded) <= MOST_OPEN else []
    end = seconds_of(report["started"])
    blocks = []
    for host in ordered:
        count = len(findings.get(host, ()))
        text = " {0} finding{1}".format(count, "" if count == 1 else "s") if count else ""
        summary = element("summary", element("h3", host), " ", badge(worst[host]), element("span", text, class_="soft"))
        targets = [
            _target(look, findings.get(host, ()), series, trends, (end - days * 86400, end)) for look in looks[host]
        ]
        blocks.append(element("details", summary, *targets, class_="host", open=host in unfolded))
    legend = "The curves show the last {0} days; a dashed line is the limit.".format(days)
    drawn = any("<svg" in block for block in blocks)
    return joined([element("p", legend, class_="soft"), *blocks] if drawn else blocks)


def _target(
    look: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
    series: Mapping[SeriesKey, Sequence[Slot]],
    trends: Mapping[SeriesKey, Mapping[str, Any]],
    axis: Any,
) -> Markup:
    own = [finding for finding in findings if finding["target"] == look["target"]]
    curves: List[Any] = []
    rest: List[str] = []
    for name, value in sorted(look["now"].items()):
        key = (look["host"], look["target"], name)
        slots = series.get(series_key(look, name), ()) if is_gauge(name) else ()
        limits = limits_of(name, own)
        flat = all(slot.low == slot.high == value for slot in slots)
        if slots and (limits or not flat):
            importance = 0 if limits else 1 if is_headline(name) else 2
            curve = Curve([*slots, Slot(axis[1], value, value, value)], unit_of(name), limits and limits.outer, *axis)
            curves.append((importance, name, curve, limits, trends.get(key)))
        else:
            rest.append(name)
    curves.sort(key=lambda entry: entry[:2])
    rest = sorted(rest + [entry[1] for entry in curves[MOST_CURVES:]])
    figures = [_figure(*entry[1:]) for entry in curves[:MOST_CURVES]]
    parts: List[Markup] = [element("h4", look["target"])]
    parts += [element("div", *figures, class_="figures")] if figures else []
    if rest:
        rows = [
            element("tr", element("th", name, scope="row"), element("td", _value(name, look), class_="number"))
            for name in rest
        ]
        title = "{0} {1}figure{2}".format(len(rest), "more " if figures else "", "" if len(rest) == 1 else "s")
        parts.append(element("details", element("summary", title), element("table", element("tbody", *rows))))
    return joined(parts)


def _value(name: str, look: Mapping[str, Any]) -> str:
    return with_unit(look["now"][name], unit_of(name))


def _figure(name: str, curve: Curve, limits: Any, trend: Any) -> Markup:
    title = title_of(name)
    facts = ["{0} {1}".format(word, unbroken(value, curve.unit)) for word, value in extremes(curve)]
    if limits and limits.outer is not None:
        own = " (default)" if limits.default else ""
        facts.append("limit {0}{1}".format(unbroken(limits.outer, curve.unit), own))
    lines = [element("p", ", ".join(facts))]
    lines += [element("p", _direction(trend))] if trend and _direction(trend) else []
    caption = element("figcaption", element("span", title), element("b", with_unit(curve.slots[-1].value, curve.unit)))
    return element("figure", caption, chart(title, curve), *lines)


def _direction(trend: Mapping[str, Any]) -> str:
    texts = []
    if trend["per_day"]:
        sign = "+" if trend["per_day"] > 0 else "−"
        change = abs(trend["per_day"])
        texts.append("{0}{1} a day".format(sign, unbroken(change, trend["unit"])))
    if trend["days_left"] is not None:
        texts.append("{0} {1}".format(unbroken(trend["limit"], trend["unit"]), days_text(trend["days_left"])))
    if trend["week"] is not None and trend["week_before"] is not None:
        week, before = (unbroken(trend[name], trend["unit"]) for name in ("week", "week_before"))
        texts.append("this week {0}, last week {1}".format(week, before) if week != before else "as last week")
    return ", ".join(texts)
