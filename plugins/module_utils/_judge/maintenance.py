# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the planning of vacuum and of reindex share: patterns, the time budget, and what is left over."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence

from .._errors import InputError
from .plan import Step
from .shell_patterns import matches_any
from .text import seconds_text

# How far what was measured may correct an estimate, and how much work must have been measured before it does.
CORRECTION_FROM, CORRECTION_TO = 0.1, 100.0
MEASURED_SECONDS = 0.5


@dataclass(frozen=True)
class Left:
    """A step that was not done. ``cause``: budget, timeout, locked, error, rights, held_back, stale, size, busy."""

    step: Step
    cause: str
    reason: str

    def as_step(self) -> Step:
        """For the result: the reason is why it is left; why it was wanted moves to ``plan_reason``."""
        details = dict(self.step.details, cause=self.cause, plan_reason=self.step.reason)
        return Step(self.step.action, self.step.subject, self.reason, details)


def matches(names: Sequence[str], include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether one of the names of a thing is wanted. No ``include`` means everything; ``exclude`` goes first."""
    if any(matches_any(name, exclude) for name in names):
        return False
    return not include or any(matches_any(name, include) for name in names)


def unmatched_warnings(patterns: Iterable[str], names: Sequence[str]) -> List[str]:
    """A warning for every include pattern that no name matches: most often a spelling mistake or a missing schema."""
    return [
        "include: no table is called '{0}'. Patterns are matched against schema.table, as in 'public.orders*'.".format(
            pattern
        )
        for pattern in patterns
        if not any(matches_any(name, (pattern,)) for name in names)
    ]


class Budget:
    """How much time is left, and how far estimates are wrong. Shared by the threads of a run."""

    def __init__(self, seconds: Optional[float], clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._clock = clock
        self._begun = clock()
        self._estimated = 0.0
        self._measured = 0.0
        self._lock = threading.Lock()

    @property
    def used(self) -> float:
        return self._clock() - self._begun

    @property
    def left(self) -> Optional[float]:
        return None if self.seconds is None else max(0.0, self.seconds - self.used)

    @property
    def correction(self) -> float:
        with self._lock:
            if self._measured < MEASURED_SECONDS or not self._estimated:
                return 1.0
            return min(CORRECTION_TO, max(CORRECTION_FROM, self._measured / self._estimated))

    def learn(self, estimated: float, measured: float) -> None:
        with self._lock:
            self._estimated += estimated
            self._measured += measured

    def refusal(self, estimated_seconds: float) -> str:
        """Why work of that estimate must not begin now; empty when it may."""
        left = self.left
        expected = estimated_seconds * self.correction
        if left is None or expected <= left:
            return ""
        return "It would take about {0}, and {1} of the time budget of {2} are left.".format(
            seconds_text(expected), seconds_text(round(left, 1)), seconds_text(self.seconds or 0.0)
        )


def require_positive(params: Dict[str, Any], *names: str) -> None:
    """Raises ``InputError`` for an option that is given and not above zero."""
    for name in names:
        value = params.get(name)
        if value is not None and value <= 0:
            raise InputError("{0} is {1}.".format(name, value), "Give a number above zero.")


def thresholds_of(kind: Any, given: Dict[str, Any]) -> Any:
    """A dataclass of limits with the user's own laid over it."""
    values = {name: value for name, value in (given or {}).items() if value is not None}
    for name, value in values.items():
        if value < 0:
            raise InputError("thresholds: {0} is {1}.".format(name, value), "Give a number that is not negative.")
    return kind(**values)
