# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads mappings that people wrote, and tells them everything that is wrong at once.

Each method reads one key. Where its value cannot be, the problem is written down and the default goes on, so that
one run shows every error and nobody corrects them one by one.
"""

from __future__ import annotations

import math
import re
from typing import Any, List, Mapping, Optional, Pattern, Sequence, Tuple

from .._errors import InputError
from .text import printable
from .waves import did_you_mean


class Problems:
    """What is wrong with one value of the inventory; ``variable`` is its name."""

    def __init__(self, variable: str) -> None:
        self.variable = variable
        self.texts: List[str] = []

    def add(self, where: str, message: str, advice: str) -> None:
        self.texts.append("{0}: {1} {2}".format(printable(where, 120), message, advice))

    def raise_if_any(self) -> None:
        if len(self.texts) == 1:
            raise InputError("{0}: {1}".format(self.variable, self.texts[0]))
        if self.texts:
            lines = "".join("\n  - {0}".format(text) for text in self.texts)
            raise InputError("{0} has {1} errors:{2}".format(self.variable, len(self.texts), lines))


class Reader:
    """``where`` names the mapping in messages (``api.ready``); ``known`` are the keys it may have."""

    def __init__(self, problems: Problems, where: str, given: Any, known: Sequence[str]) -> None:
        self.problems = problems
        self.where = where
        self.given: Mapping[str, Any] = {}
        if not isinstance(given, Mapping):
            problems.add(where, "is {0}.".format(shown(given)), "Give a mapping of {0}.".format(", ".join(known)))
            return
        self.given = given
        for key in given:
            if key not in known:
                problems.add(where, "there is no key {0}.".format(shown(key)), did_you_mean(key, known, "Its keys"))

    def has(self, key: str) -> bool:
        """Whether the key is there with a value; ``null`` is the same as not given."""
        return self.given.get(key) is not None

    def wrong(self, key: str, advice: str) -> None:
        self.problems.add("{0}.{1}".format(self.where, key), "is {0}.".format(shown(self.given[key])), advice)

    def text(self, key: str, default: Optional[str], pattern: Pattern[str], advice: str) -> Optional[str]:
        value = self.given.get(key)
        if value is None:
            return default
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        self.wrong(key, advice)
        return default

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        value = self.given.get(key)
        if value is None or value in choices:
            return default if value is None else value
        self.wrong(key, did_you_mean(value, choices, "Give one of"))
        return default

    def number(
        self, key: str, default: Optional[float], low: float, high: float, unit: str, whole: bool = False
    ) -> Optional[float]:
        value = self.given.get(key)
        if value is None:
            return default
        number = _number(value)
        if low <= number <= high and (not whole or number == int(number)):
            return int(number) if number == int(number) else number
        self.wrong(key, "Give a number of {0} from {1:g} to {2:g}, without a unit.".format(unit, low, high))
        return default

    def flag(self, key: str) -> bool:
        value = self.given.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.wrong(key, "Give true or false.")
        return False

    def texts(self, key: str, pattern: Pattern[str], advice: str) -> Tuple[str, ...]:
        value = self.given.get(key)
        if value is None:
            return ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.wrong(key, "Give a list, for example [{0}].".format(printable(value, 40)))
            return ()
        if not all(isinstance(one, str) and pattern.fullmatch(one) for one in value):
            self.wrong(key, advice)
            return ()
        return tuple(value)


def pattern(expression: str) -> Pattern[str]:
    return re.compile(expression)


def shown(value: Any) -> str:
    """A value as it is named in messages; never longer than a line."""
    return printable("empty" if value is None or value == "" else repr(value), 80)


def _number(value: Any) -> float:
    """``nan`` for what is no number, which lies within no limits. Templates make texts of numbers: those count."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan
