# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rates: what counters grew by between an earlier result and now."""

from __future__ import annotations

import math
from typing import Any, Dict, Mapping, Optional

from .._errors import InputError


class Interval:
    """Two sets of measurements, of which the earlier one may be empty: then nothing is known about growth.

    ``clock`` names the measurement that says when (seconds since the epoch). Raises ``InputError`` when the earlier
    measurements are there but do not say when they were taken.
    """

    def __init__(self, now: Mapping[str, Any], previous: Mapping[str, Any], clock: str) -> None:
        self.now = now
        self.previous = _numbers(previous)
        self.seconds: Optional[float] = None
        if previous and clock not in self.previous:
            raise InputError(
                "previous: there is no number called '{0}' in it.".format(clock),
                "Give the 'measurements' of an earlier result of this module, whole.",
            )
        if previous and now.get(clock, 0) > self.previous[clock]:
            self.seconds = now[clock] - self.previous[clock]

    def growth(self, name: str) -> Optional[float]:
        """``None`` when it cannot be known: no earlier figure, or a counter that was reset in between."""
        before, after = self.previous.get(name), self.now.get(name)
        if self.seconds is None or before is None or after is None or after < before:
            return None
        return after - before

    def rate(self, name: str, per_seconds: float = 1.0) -> Optional[float]:
        grown = self.growth(name)
        return None if grown is None or not self.seconds else grown * per_seconds / self.seconds


def _numbers(given: Mapping[str, Any]) -> Dict[str, float]:
    """Figures that went through a template arrive as text; what is no number is not a figure of ours."""
    numbers = {}
    for name, value in given.items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number):
            numbers[name] = number
    return numbers
