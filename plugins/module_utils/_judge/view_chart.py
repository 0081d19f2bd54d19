# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small curve of one figure, as an SVG that needs no script, no style of its own and no eyes."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

from .history import Slot
from .markup import Markup, element
from .text import with_unit
from .trend import DAY, thin

WIDTH, HEIGHT, MARGIN = 240, 48, 4
MOST_POINTS = 60


class Curve(NamedTuple):
    """``limit`` is drawn where the figure comes near it; ``begin`` and ``end`` are the ends of the time axis."""

    slots: Sequence[Slot]
    unit: str
    limit: Optional[float]
    begin: int
    end: int


def chart(title: str, curve: Curve) -> Markup:
    """The picture; what it shows is also said in its label. Two points are the least that make a line."""
    slots = thin(curve.slots, MOST_POINTS)
    scale = _Scale(curve, slots)
    parts = []
    if scale.shows_limit:
        y = scale.y(curve.limit)
        parts.append(element("line", x1=0, x2=WIDTH, y1=y, y2=y, class_="limit"))
    points = ["{0},{1}".format(scale.x(slot.at), scale.y(slot.value)) for slot in slots]
    parts.append(element("polyline", points=" ".join(points), class_="curve") if len(points) > 1 else Markup(""))
    last = slots[-1]
    parts.append(element("circle", cx=scale.x(last.at), cy=scale.y(last.value), r=3, class_="last"))
    return element(
        "svg",
        *parts,
        viewBox="0 0 {0} {1}".format(WIDTH, HEIGHT),
        role="img",
        aria_label="{0}: {1}".format(title, spoken(curve)),
        class_="chart",
    )


def spoken(curve: Curve) -> str:
    """``last 45 %, lowest 40 %, highest 71 %, limit 80 %, over 30 days``"""
    texts = ["last " + with_unit(curve.slots[-1].value, curve.unit)]
    texts += ["{0} {1}".format(word, with_unit(value, curve.unit)) for word, value in extremes(curve)]
    if curve.limit is not None:
        texts.append("limit " + with_unit(curve.limit, curve.unit))
    days = max(1, round((curve.end - curve.slots[0].at) / DAY))
    return ", ".join(texts) + ", over {0} day{1}".format(days, "" if days == 1 else "s")


def extremes(curve: Curve) -> List[Tuple[str, float]]:
    return [("lowest", min(slot.low for slot in curve.slots)), ("highest", max(slot.high for slot in curve.slots))]


class _Scale:
    """From figures to places in the picture."""

    def __init__(self, curve: Curve, slots: Sequence[Slot]) -> None:
        values = [slot.value for slot in slots]
        low, high = min(values), max(values)
        limit = curve.limit
        # A limit far away would press the curve flat; it is said in words then.
        reach = max(high - low, abs(high), abs(low)) or 1.0
        self.shows_limit = limit is not None and (low - reach <= limit <= high + reach)
        if self.shows_limit and limit is not None:
            low, high = min(low, limit), max(high, limit)
        self.low, self.span = (low, high - low) if high > low else (low - 0.5, 1.0)
        self.begin, self.seconds = curve.begin, max(1, curve.end - curve.begin)

    def x(self, at: int) -> str:
        share = min(1.0, max(0.0, (at - self.begin) / self.seconds))
        return _short(MARGIN + share * (WIDTH - 2 * MARGIN))

    def y(self, value: float) -> str:
        return _short(HEIGHT - MARGIN - (value - self.low) / self.span * (HEIGHT - 2 * MARGIN))


def _short(place: float) -> str:
    return "{0:.1f}".format(place).replace(".0", "")
