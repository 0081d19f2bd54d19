# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A week of the history as data, beside the week before: every view of the review is made from this.

The shape is documented in ``docs/weekly_review.md``. The two weeks are equally long and may be of other lengths, too.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from .finding import CRITICAL, UNKNOWN, WARNING
from .history import SeriesKey, Slot, time_of
from .review_alerts import NEW, RECURRING, alerts_of
from .review_facts import Facts, Weeks
from .review_figures import figures_of
from .review_runs import runs_of
from .review_top import top_of
from .text import time_text

SCHEMA = 1
MOST_IN_A_RESULT = 200
COUNTED = (CRITICAL, WARNING, UNKNOWN)  # what is for information is no alert that anybody counts


def review(facts: Facts, weeks: Weeks, thresholds: Mapping[str, Any]) -> Dict[str, Any]:
    """Raises ``InputError`` for ``thresholds`` that cannot be; those are limits of one's own, by check."""
    told: Dict[str, Any] = {
        "schema": SCHEMA,
        "before": time_of(weeks.before),
        "begin": time_of(weeks.begin),
        "end": time_of(weeks.end),
        "days": weeks.days,
        "known_since": None if facts.known_since is None else time_of(facts.known_since),
        "runs": runs_of(facts.runs, weeks),
        "alerts": alerts_of(facts.alerts, weeks),
        "figures": figures_of(facts.series, weeks, thresholds),
        "top": top_of(facts.top, weeks),
        "silent": _silent(facts.series, weeks),
    }
    return dict(told, summary=_summary(told))


def shortened(told: Mapping[str, Any]) -> Dict[str, Any]:
    """What of it fits into the result of a task: the first alerts and figures, which are those that say most."""
    return dict(told, alerts=told["alerts"][:MOST_IN_A_RESULT], figures=told["figures"][:MOST_IN_A_RESULT])


def _summary(told: Mapping[str, Any]) -> str:
    """The whole review in a sentence or two."""
    if told["known_since"] is None:
        return "The history is empty: nothing has been looked at yet. The first run of a health check begins it."
    runs = sum(run["runs"] for run in told["runs"])
    if not runs:
        return "Nothing was run in the {0} to {1}; what is known begins at {2}.".format(
            span_text(told), time_text(told["end"]), time_text(told["known_since"])
        )
    alerts = [alert for alert in told["alerts"] if alert["severity"] in COUNTED]
    states = [alert["state"] for alert in alerts]
    missing = sum(run["missing"] or 0 for run in told["runs"])
    parts = ["{0} run{1}".format(runs, "" if runs == 1 else "s")]
    parts += ["{0} missing".format(missing)] if missing else []
    parts.append("{0} alert{1}".format(len(alerts), "" if len(alerts) == 1 else "s"))
    numbers = [(sum(alert["open"] for alert in alerts), "open")]
    numbers += [(states.count(state), state) for state in (NEW, RECURRING)]
    text = ", ".join("{0} {1}".format(number, word) for number, word in numbers if number)
    compared = "" if told["known_since"] < told["begin"] else " There is nothing yet to compare with."
    return "{0}{1}.{2}".format(", ".join(parts), " ({0})".format(text) if text else "", compared)


def span_text(told: Mapping[str, Any]) -> str:
    """``week``, ``day`` or ``30 days``: to stand behind 'this', 'in the' or 'before'."""
    return {7: "week", 1: "day"}.get(told["days"], "{0} days".format(told["days"]))


def worth_telling(told: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """The figures whose week lies outside of what was measured in the week before; what changed most comes first."""
    changed = [figure for figure in told["figures"] if figure["unusual"]]
    return sorted(changed, key=lambda figure: (-abs(figure["change_percent"]), figure["host"], figure["name"]))


def _silent(series: Mapping[SeriesKey, Sequence[Slot]], weeks: Weeks) -> List[Dict[str, Any]]:
    """Targets that were measured in the week before and not in this one."""
    last: Dict[Tuple[str, str], int] = {}
    for key, slots in series.items():
        last[key[:2]] = max(last.get(key[:2], 0), slots[-1].at)
    return [
        {"host": host, "target": target, "last": time_of(at)}
        for (host, target), at in sorted(last.items())
        if at < weeks.begin
    ]
