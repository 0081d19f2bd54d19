# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The review in words: the sentences that every view shows, and the whole of it for a terminal."""

from __future__ import annotations

from typing import Any, List, Mapping

from .figures import title_of
from .report_text import COLOURS, SOON_DAYS, Paint, forecast_text, indented, plain, section, wrapped
from .review import COUNTED, span_text, worth_telling
from .text import number_text, printable, seconds_text, time_text, with_unit
from .top import KINDS

MOST_LINES = 15  # of each kind on a terminal; the page has the rest
MOST_TOP = 10


def render_review(told: Mapping[str, Any], width: int, paint: Paint = plain) -> str:
    """In lines of at most ``width`` columns; of what is for information nothing is said."""
    width = max(width, 40)
    alerts = [a for a in told["alerts"] if a["severity"] in COUNTED]
    lines = [""]
    lines += section(
        "What ran", _listed([run_text(run, told) for run in told["runs"]], width, MOST_LINES), width, paint
    )
    lines += section("Alerts of the {0}".format(span_text(told)), _alerts(alerts, told, width, paint), width, paint)
    lines += section("What comes near its limit", _listed(near_texts(told), width, MOST_LINES), width, paint)
    unusual = [figure_text(figure) for figure in worth_telling(told)]
    title = "Unusual against the {0} before".format(span_text(told))
    lines += section(title, _listed(unusual, width, MOST_LINES), width, paint)
    for kind, entries in told["top"].items():
        texts = [top_text(kind, entry) for entry in entries]
        lines += section(KINDS[kind].title, _listed(texts, width, MOST_TOP), width, paint)
    lines += section("No longer measured", _listed(silent_texts(told), width, MOST_LINES), width, paint)
    first, *more = wrapped(printable("{0}: {1}".format(title_text(told), told["summary"])), width)
    return "\n".join([*lines, paint(first, "bold"), *more, ""])


def title_text(told: Mapping[str, Any]) -> str:
    """``Review of 2026-11-18 to 2026-11-25``"""
    return "Review of {0} to {1}".format(told["begin"][:10], told["end"][:10])


def run_text(run: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    parts = ["{0} run{1}".format(run["runs"], "" if run["runs"] == 1 else "s")]
    parts[0] += " ({0} in the {1} before)".format(run["runs_before"], span_text(told))
    parts += ["{0} {1}".format(run[name], name) for name in ("unhealthy", "degraded") if run[name]]
    parts += ["{0} with failed tasks".format(run["failed"])] if run["failed"] else []
    if run["missing"]:
        parts.append("about {0} missing (one every {1})".format(run["missing"], seconds_text(run["every_seconds"])))
    parts += ["{0} in check mode".format(run["rehearsals"])] if run["rehearsals"] else []
    if run["longest_seconds"]:
        parts.append("the longest took {0}".format(seconds_text(run["longest_seconds"])))
    last = "the last one at {0} was {1}".format(time_text(run["last"]), run["last_status"])
    return "{0}: {1}; {2}".format(run["playbook"], ", ".join(parts), last)


def alert_text(alert: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """Without its severity, which each view shows in its own way."""
    times = ", {0} times".format(alert["times"]) if alert["times"] > 1 else ""
    before = ", there in the {0} before, too".format(span_text(told)) if alert["times_before"] else ""
    open_for = "for {0} of the {1}".format(seconds_text(alert["seconds"]), span_text(told))
    end = (
        "still open, since " + time_text(alert["since"]) if alert["open"] else "gone since " + time_text(alert["gone"])
    )
    return "{0}: {1} on {2} ({3}{4}{5}; {6}; {7})".format(
        alert["check"], alert["subject"], place_text(alert), alert["state"], times, before, open_for, end
    )


def place_text(of: Mapping[str, Any]) -> str:
    return of["host"] if of["host"] == of["target"] else "{0} · {1}".format(of["host"], of["target"])


def near_texts(told: Mapping[str, Any]) -> List[str]:
    """Only what gets there within the time that capacity is planned for."""
    return [
        forecast_text(dict(figure, now=figure["week"]["last"]))
        for figure in told["figures"]
        if figure["days_left"] is not None and figure["days_left"] <= SOON_DAYS
    ]


def figure_text(figure: Mapping[str, Any]) -> str:
    """``db1 · connections used of postgresql://…: 71 % on average, 55 % before (+29.1 %), from 60 % to 80 %``"""
    week, before, unit = figure["week"], figure["before"], figure["unit"]
    return "{0} · {1} of {2}: {3} on average, {4} before ({5}), from {6} to {7}".format(
        figure["host"],
        title_of(figure["name"]),
        figure["target"],
        with_unit(week["mean"], unit),
        with_unit(before["mean"], unit),
        _signed(figure["change_percent"]),
        with_unit(week["min"], unit),
        with_unit(week["max"], unit),
    )


def top_text(kind: str, entry: Mapping[str, Any]) -> str:
    """``1 204 times (980 before), on db1, db2: api: ERROR Query <*> failed``"""
    known = KINDS[kind]
    figures = []
    if entry["weight"] is not None:
        figures.append(_beside(with_unit(entry["weight"], known.unit), entry["weight_before"], known.unit))
    figures.append(_beside(_times(entry["times"], known.times), entry["times_before"], ""))
    hosts = entry["hosts"]
    where = ", ".join(hosts[:3]) + (" and {0} more".format(len(hosts) - 3) if len(hosts) > 3 else "")
    place = "{0} · {1}".format(where, entry["target"]) if entry["target"] else where
    return "{0}, on {1}: {2}".format(", ".join(figures), place, entry["name"])


def silent_texts(told: Mapping[str, Any]) -> List[str]:
    return ["{0}, last at {1}".format(place_text(one), time_text(one["last"])) for one in told["silent"]]


def _signed(percent: float) -> str:
    return "{0}{1} %".format("−" if percent < 0 else "+", number_text(abs(percent)))


def _times(number: float, word: str) -> str:
    return "once" if number == 1 and word == "times" else "{0} {1}".format(number_text(number), word)


def _beside(text: str, before: Any, unit: str) -> str:
    return text if before is None else "{0} ({1} before)".format(text, with_unit(before, unit))


def _alerts(alerts: List[Mapping[str, Any]], told: Mapping[str, Any], width: int, paint: Paint) -> List[str]:
    lines: List[str] = []
    for alert in alerts[:MOST_LINES]:
        severity = alert["severity"]
        first, *more = wrapped(printable(alert_text(alert, told), 1000), width - 3 - len(severity))
        lines += ["  {0} {1}".format(paint(severity, COLOURS[severity]), first), *("    " + line for line in more)]
    return lines + _more(len(alerts), MOST_LINES)


def _listed(texts: List[str], width: int, most: int) -> List[str]:
    lines = [line for text in texts[:most] for line in indented(printable(text, 1000), width, first="  ")]
    return lines + _more(len(texts), most)


def _more(count: int, most: int) -> List[str]:
    return ["  … and {0} more".format(count - most)] if count > most else []
