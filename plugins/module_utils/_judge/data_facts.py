# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an assertion about data is, what its statement returned, and how the two go together.

A statement returns one row, or for the rule ``no_rows`` any number of them. Each value of the row is judged by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from .interval import Interval
from .text import printable

FRESHNESS, RANGE, EQUALS, SAME, USUAL, NO_ROWS = "freshness", "range", "equals", "same", "usual", "no_rows"

# Kinds of a value. A time's number is in seconds since the epoch, a flag's is 1 or 0.
NULL, NUMBER, TIME, FLAG, TEXT = "null", "number", "time", "flag", "text"

CLOCK = "data.observed_at"

# How many looks there must have been before anything is unusual, and how many the usual value remembers.
LOOKS_BEFORE, LOOKS_REMEMBERED = 3, 7


@dataclass(frozen=True)
class Cell:
    kind: str
    number: float = 0.0
    text: str = ""


NOTHING = Cell(NULL, text="NULL")


@dataclass(frozen=True)
class Outcome:
    """What a statement returned: the first rows, and whether there were ``more``. Or ``error``, with what to do.

    ``now`` is the clock of the store, in seconds since the epoch; ``seconds`` is what the statement took.
    """

    columns: Tuple[str, ...] = ()
    rows: Tuple[Tuple[Cell, ...], ...] = ()
    more: bool = False
    now: float = 0.0
    seconds: float = 0.0
    error: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Assertion:
    """One rule about one statement. ``severity`` is how bad it is when the rule is broken.

    ``warning_age`` and ``critical_age`` are seconds; ``None``: no such level. ``minimum`` and ``maximum`` are within
    what is allowed. ``percent`` is the tolerance of ``same`` and the range of ``usual``.
    """

    name: str
    rule: str
    severity: str = "critical"
    warning_age: Optional[float] = None
    critical_age: Optional[float] = None
    minimum: Optional[float] = None
    maximum: Optional[float] = None
    equals: Any = None
    percent: float = 0.0
    show_values: bool = True

    @property
    def key(self) -> str:
        return "data.{0}.".format("".join(c if c.isalnum() or c in "_-" else "_" for c in self.name))


@dataclass(frozen=True)
class Answer:
    """``other`` is what the second statement of the rule ``same`` returned."""

    assertion: Assertion
    outcome: Outcome
    other: Optional[Outcome] = None

    @property
    def problem(self) -> Tuple[str, str]:
        """Why the rule cannot be judged, and what to do about it; empty when it can."""
        for place, outcome in (("", self.outcome), (" in the other store", self.other)):
            if outcome is None:
                continue
            if outcome.error:
                return "The statement{0} could not be run: {1}".format(place, outcome.error), outcome.advice
            if self.assertion.rule != NO_ROWS and (len(outcome.rows) > 1 or outcome.more):
                advice = "Give a statement that returns one row, for example with an aggregate."
                return "The statement{0} returned more than one row.".format(place), advice
        if self.other and len(self.other.columns) != len(self.outcome.columns):
            return (
                "The statements return {0} and {1} columns.".format(len(self.outcome.columns), len(self.other.columns)),
                "Give two statements that return the same columns in the same order.",
            )
        return "", ""

    def values(self) -> Iterator[Tuple[str, Cell]]:
        """Each value of the row, with the subject of its finding. No row is like a row of ``NULL``."""
        yield from self._values(self.outcome)

    def pairs(self) -> Iterator[Tuple[str, Cell, Cell]]:
        other = self.other or Outcome()
        for (subject, cell), (_subject, beside) in zip(self._values(self.outcome), self._values(other)):
            yield subject, cell, beside

    def _values(self, outcome: Outcome) -> Iterator[Tuple[str, Cell]]:
        row = outcome.rows[0] if outcome.rows else (NOTHING,) * len(outcome.columns)
        for column, cell in zip(outcome.columns, row):
            alone = len(outcome.columns) == 1
            yield self.assertion.name if alone else "{0}: {1}".format(self.assertion.name, printable(column, 60)), cell

    def shown(self, cell: Cell) -> str:
        """Values of people stay out of reports where that is wanted; that there is none is no secret."""
        if cell.kind == NULL:
            return "NULL" if self.outcome.rows else "no row"
        return printable(cell.text, 80) if self.assertion.show_values else "a value that is not shown"


def judgeable(answers: Iterable[Answer], rule: str) -> List[Answer]:
    return [answer for answer in answers if answer.assertion.rule == rule and not answer.problem[0]]


@dataclass(frozen=True)
class Usual:
    """What a figure usually is: a mean in which the newest looks weigh most."""

    value: float
    looks: int

    def after(self, value: float) -> Usual:
        weight = 1.0 / min(self.looks + 1, LOOKS_REMEMBERED)
        return Usual(self.value + (value - self.value) * weight, self.looks + 1)

    def deviation(self, value: float) -> float:
        """In percent of the usual value."""
        if value == self.value:
            return 0.0
        return 100.0 * abs(value - self.value) / abs(self.value) if self.value else 100.0


def usual_values(assertions: Iterable[Assertion], previous: Mapping[str, Any]) -> Dict[str, Usual]:
    """What was usual before this run, by the key of the figure. Raises ``InputError`` for a ``previous`` of others."""
    numbers = Interval({}, previous, CLOCK).previous
    keys = [name[: -len("usual")] for name in numbers if name.endswith(".usual")]
    return {
        key: Usual(numbers[key + "usual"], int(numbers.get(key + "looks", 0)))
        for assertion in assertions
        for key in keys
        if assertion.rule == USUAL and key.startswith(assertion.key)
    }


def key_of(answer: Answer, subject: str) -> str:
    """``data.NAME.`` or, where there are several columns, ``data.NAME.COLUMN.``."""
    column = subject[len(answer.assertion.name) + 2 :]
    part = "".join(c if c.isalnum() or c in "_-" else "_" for c in column)
    return answer.assertion.key + (part + "." if part else "")


def measurements(answers: Iterable[Answer], usual: Mapping[str, Usual], now: float) -> Dict[str, float]:
    """Figures for the history; with ``usual``, also what the next run needs to know what is usual."""
    found: Dict[str, float] = {CLOCK: round(now, 3)}
    for key, known in usual.items():
        found.update({key + "usual": known.value, key + "looks": known.looks})
    for answer in answers:
        if answer.outcome.error:
            continue
        assertion = answer.assertion
        found[assertion.key + "seconds"] = round(answer.outcome.seconds, 4)
        if assertion.rule == NO_ROWS:
            found[assertion.key + "rows"] = len(answer.outcome.rows)
        elif not answer.problem[0]:
            for subject, cell in answer.values():
                found.update(_figures(answer, key_of(answer, subject), cell, usual))
    return found


def _figures(answer: Answer, key: str, cell: Cell, usual: Mapping[str, Usual]) -> Dict[str, float]:
    if cell.kind == TIME:
        return {key + "age_seconds": round(answer.outcome.now - cell.number, 1)}
    if cell.kind != NUMBER:
        return {}
    figures = {key + "value": cell.number} if answer.assertion.show_values else {}
    if answer.assertion.rule == USUAL:
        known = usual.get(key, Usual(0.0, 0)).after(cell.number)
        figures.update({key + "usual": round(known.value, 4), key + "looks": known.looks})
    return figures
