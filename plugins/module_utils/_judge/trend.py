# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a figure is going: a robust line through its history, and when that line meets a limit.

The line is Theil and Sen's: the median of the slopes between all pairs of points. A third of the points may be wild
(a night of batch jobs, a restart) and the line stays where it is.
"""

from __future__ import annotations

from statistics import median
from typing import List, NamedTuple, Optional, Sequence, Tuple

Point = Tuple[float, float]  # seconds since the epoch, value

DAY = 86400.0
WEEK = 7 * DAY
LEAST_POINTS = 5
LEAST_DAYS = 3.0
MOST_POINTS = 30  # 435 pairs: enough for a line, cheap enough for thousands of figures
FURTHEST_DAYS = 365.0  # a line that is drawn further than what it rests on tells nothing


class Trend(NamedTuple):
    """``per_day`` is the slope, ``level`` the line's value at the last point."""

    per_day: float
    level: float


def trend(points: Sequence[Point]) -> Optional[Trend]:
    """``None`` where the points are too few, too close together, or do not agree on a direction.

    They agree when three quarters of all pairs rise, or three quarters fall.
    """
    chosen = thin(points, MOST_POINTS)
    if len(chosen) < LEAST_POINTS or chosen[-1][0] - chosen[0][0] < LEAST_DAYS * DAY:
        return None
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for number, earlier in enumerate(chosen)
        for later in chosen[number + 1 :]
        if later[0] > earlier[0]
    )
    lower, upper = slopes[len(slopes) // 4], slopes[(3 * len(slopes)) // 4]
    if not (lower > 0 or upper < 0):
        return None
    slope = median(slopes)
    end = chosen[-1][0]
    level = median(value + slope * (end - at) for at, value in chosen)
    return Trend(slope * DAY, level)


def days_until(line: Optional[Trend], limit: Optional[float], higher_is_worse: bool = True) -> Optional[float]:
    """``None`` when it does not go there, or not within a year; 0 when the line is past the limit."""
    if line is None or limit is None or (line.per_day > 0) != higher_is_worse:
        return None
    days = max(0.0, (limit - line.level) / line.per_day)
    return round(days, 1) if days <= FURTHEST_DAYS else None


def weeks(points: Sequence[Point], now: float) -> Tuple[Optional[float], Optional[float]]:
    """The medians of the last seven days and of the seven before; ``None`` where nothing was measured."""
    last = [value for at, value in points if now - WEEK < at <= now]
    before = [value for at, value in points if now - 2 * WEEK < at <= now - WEEK]
    return (median(last) if last else None, median(before) if before else None)


def thin(points: Sequence[Point], most: int) -> List[Point]:
    """At most ``most`` of the points, evenly chosen, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1.0)
    return [points[int(number * step + 0.5)] for number in range(most)]
