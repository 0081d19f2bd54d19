# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of a week beside those of the week before: where they are going, and when they meet their limit."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from .figures import declared_limits, limits_of, unit_of
from .history import SeriesKey, Slot
from .review_facts import Weeks
from .text import is_number
from .trend import days_until, trend

LEAST_CHANGE = 10.0  # percent; below that nobody would call a week unusual


def figures_of(
    series: Mapping[SeriesKey, Sequence[Slot]], weeks: Weeks, thresholds: Mapping[str, Any]
) -> List[Dict[str, Any]]:
    """Of every series that was measured in the week: what meets its limit soonest first, then what is unusual."""
    declared = declared_limits(thresholds)
    answer = []
    for key, slots in series.items():
        week = [slot for slot in slots if slot.at >= weeks.begin]
        if week:
            before = [slot for slot in slots if slot.at < weeks.begin]
            answer.append(_figure(key, week, before, declared))
    answer.sort(key=_telling)
    return answer


def _telling(figure: Mapping[str, Any]) -> Any:
    left = figure["days_left"]
    return (left is None, left or 0, not figure["unusual"], figure["host"], figure["target"], figure["name"])


def _figure(
    key: SeriesKey, week: Sequence[Slot], before: Sequence[Slot], declared: Sequence[Mapping[str, Any]]
) -> Dict[str, Any]:
    host, target, name = key
    line = trend([(slot.at, slot.value) for slot in [*before, *week]])
    limits = limits_of(name, declared)
    limit = limits.next_one(week[-1].value) if limits else None
    now, then = _summary(week), _summary(before) if before else None
    change = _change(now, then)
    return {
        "host": host,
        "target": target,
        "name": name,
        "unit": unit_of(name),
        "week": now,
        "before": then,
        "change_percent": change,
        "unusual": bool(then and change is not None and abs(change) >= LEAST_CHANGE and _outside(now, then)),
        "per_day": line.per_day if line else None,
        "limit": limit,
        "limit_is_default": limits.default if limits and limit is not None else None,
        "days_left": days_until(line, limit, limits.higher_is_worse) if limits else None,
    }


def _summary(slots: Sequence[Slot]) -> Dict[str, float]:
    """``first`` and ``last`` are means of a quarter of a day, ``mean`` is that of all quarters that were measured."""
    return {
        "first": slots[0].value,
        "last": slots[-1].value,
        "mean": sum(slot.value for slot in slots) / len(slots),
        "min": min(slot.low for slot in slots),
        "max": max(slot.high for slot in slots),
    }


def _change(now: Mapping[str, float], then: Optional[Mapping[str, float]]) -> Optional[float]:
    """Of the mean, in percent; ``None`` where there is nothing to divide by, or as good as nothing."""
    if then is None or not then["mean"]:
        return None
    change = round(100.0 * (now["mean"] - then["mean"]) / abs(then["mean"]), 1)
    return change if is_number(change) else None


def _outside(now: Mapping[str, float], then: Mapping[str, float]) -> bool:
    return not then["min"] <= now["mean"] <= then["max"]
