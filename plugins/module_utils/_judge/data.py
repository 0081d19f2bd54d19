# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the data is what was asserted about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, Mapping, Sequence

from .checks import Register, Rule
from .data_facts import (
    EQUALS,
    FLAG,
    FRESHNESS,
    LOOKS_BEFORE,
    NO_ROWS,
    NULL,
    NUMBER,
    RANGE,
    SAME,
    TIME,
    USUAL,
    Answer,
    Cell,
    Usual,
    judgeable,
    key_of,
)
from .finding import OK, UNKNOWN, Finding
from .text import number_text, printable, seconds_text
from .threshold import Threshold

CHECKS = Register("data")

# Clocks of two hosts may differ by this much without anybody having made a mistake.
CLOCK_SECONDS = 60

_NO_NUMBER = "Let the statement return a number: cast it, or give another rule."


@CHECKS.check("reachable", needs=("reached",), procedure="H14", question="Can every store be reached or opened?")
def reachable(rule: Rule, reached: Sequence[str]) -> Iterator[Finding]:
    for store in reached:
        yield rule.say(OK, store, "It answers.")


@CHECKS.check("statement", needs=("answers",), procedure="H14", question="Could every statement be run?")
def statement(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        problem, advice = answer.problem
        if problem:
            yield rule.say(UNKNOWN, answer.assertion.name, problem, advice)


@CHECKS.check(
    "freshness",
    needs=("answers",),
    procedure="H14",
    question="Is the newest data young enough?",
    threshold=Threshold("seconds", source="each assertion gives its own; manual M4: 5 min, critical 10 min"),
)
def freshness(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in judgeable(answers, FRESHNESS):
        assertion = answer.assertion
        own = replace(rule.threshold, warning=assertion.warning_age, critical=assertion.critical_age)
        limited = Rule(rule.check, own)
        for subject, cell in answer.values():
            if cell.kind == NULL:
                message = "There is no time to judge: the statement returned {0}.".format(answer.shown(cell))
                yield limited.say(assertion.severity, subject, message, "Look whether the data was ever written.")
                continue
            if cell.kind != TIME:
                message = "The statement returned {0}, which is no time.".format(answer.shown(cell))
                yield limited.say(UNKNOWN, subject, message, "Cast it, for example to timestamptz.")
                continue
            age = answer.outcome.now - cell.number
            if age < -CLOCK_SECONDS:
                message = "The newest data is {0} ahead of the clock.".format(seconds_text(round(-age)))
                advice = "Set 'time_zone' to the one that times without a zone are in, and compare the clocks."
                yield limited.say(assertion.severity, subject, message, advice, age)
                continue
            message = "The newest data is {0} old.".format(seconds_text(max(0.0, round(age, 1))))
            advice = "Look whether the job that writes it runs, and at its log."
            yield limited.judge(subject, max(0.0, age), message, advice)


@CHECKS.check("range", needs=("answers",), procedure="H14", question="Are the values within what is allowed?")
def within(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in judgeable(answers, RANGE):
        assertion = answer.assertion
        lowest, highest = assertion.minimum, assertion.maximum
        allowed = " and ".join(
            "{0} {1:g}".format(word, limit)
            for word, limit in (("at least", lowest), ("at most", highest))
            if limit is not None
        )
        for subject, cell in answer.values():
            if cell.kind not in (NUMBER, NULL):
                yield _no_number(rule, answer, subject, cell)
                continue
            good = cell.kind == NUMBER
            good = good and (lowest is None or cell.number >= lowest) and (highest is None or cell.number <= highest)
            message = "It is {0}; allowed is {1}.".format(answer.shown(cell), allowed)
            yield _verdict(rule, answer, subject, good, message, cell)


@CHECKS.check("equals", needs=("answers",), procedure="H14", question="Are the values the expected ones?")
def equals(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in judgeable(answers, EQUALS):
        for subject, cell in answer.values():
            good = _is(cell, answer.assertion.equals)
            message = "It is {0}; expected is {1}.".format(answer.shown(cell), printable(answer.assertion.equals, 80))
            yield _verdict(rule, answer, subject, good, message, cell)


@CHECKS.check("same", needs=("answers",), procedure="H14", question="Do two stores say the same?")
def same(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in judgeable(answers, SAME):
        percent = answer.assertion.percent
        for subject, cell, other in answer.pairs():
            if cell.kind == other.kind and cell.kind in (NUMBER, TIME):
                largest = max(abs(cell.number), abs(other.number))
                good = abs(cell.number - other.number) <= largest * percent / 100.0
            else:
                good = cell.kind == other.kind != NULL and cell.text == other.text
            message = "It is {0} here and {1} in the other store{2}.".format(
                answer.shown(cell),
                "NULL" if other.kind == NULL else answer.shown(other),
                "; they may differ by {0:g} %".format(percent) if percent else "",
            )
            yield _verdict(rule, answer, subject, good, message, cell)


@CHECKS.check(
    "usual",
    needs=("answers", "usual"),
    procedure="H14",
    question="Are the figures about as they usually are? (needs previous)",
)
def usual(rule: Rule, answers: Sequence[Answer], usual: Mapping[str, Usual]) -> Iterator[Finding]:
    for answer in judgeable(answers, USUAL):
        percent = answer.assertion.percent
        for subject, cell in answer.values():
            if cell.kind == NULL:
                message = "There is no figure: the statement returned {0}.".format(answer.shown(cell))
                yield _verdict(rule, answer, subject, False, message, cell)
                continue
            if cell.kind != NUMBER:
                yield _no_number(rule, answer, subject, cell)
                continue
            known = usual.get(key_of(answer, subject), Usual(0.0, 0))
            if known.looks < LOOKS_BEFORE:
                message = "It is {0}; nothing is usual before {1} looks.".format(answer.shown(cell), LOOKS_BEFORE)
                yield rule.say(OK, subject, message)
                continue
            off = known.deviation(cell.number)
            message = "It is {0}, {1} % {2} than usual{3}.".format(
                answer.shown(cell),
                number_text(round(off, 1)),
                "more" if cell.number > known.value else "less",
                " ({0})".format(number_text(round(known.value, 1))) if answer.assertion.show_values else "",
            )
            yield _verdict(rule, answer, subject, off < percent, message, cell)


@CHECKS.check("no_rows", needs=("answers",), procedure="H14", question="Does no row break the rule?")
def no_rows(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in judgeable(answers, NO_ROWS):
        rows, outcome = answer.outcome.rows, answer.outcome
        if not rows:
            yield rule.say(OK, answer.assertion.name, "No row breaks the rule.")
            continue
        message = "{0}{1} {2} the rule".format(
            "More than " if outcome.more else "", len(rows), "row breaks" if len(rows) == 1 else "rows break"
        )
        if answer.assertion.show_values:
            texts = [
                ", ".join(
                    "{0}={1}".format(printable(column, 40), printable(cell.text, 40))
                    for column, cell in zip(outcome.columns[:8], row)
                )
                for row in rows
            ]
            message += ": " + " | ".join(texts)
        advice = "Run the statement by hand to see all of them, and find out what wrote them."
        yield rule.say(answer.assertion.severity, answer.assertion.name, message + ".", advice, len(rows))


def _no_number(rule: Rule, answer: Answer, subject: str, cell: Cell) -> Finding:
    return rule.say(UNKNOWN, subject, "It is {0}, which is no number.".format(answer.shown(cell)), _NO_NUMBER)


def _verdict(rule: Rule, answer: Answer, subject: str, good: bool, message: str, cell: Cell) -> Finding:
    value: Any = cell.number if cell.kind == NUMBER and answer.assertion.show_values else None
    advice = "Run the statement by hand, and look at the job that writes this data."
    return rule.say(OK if good else answer.assertion.severity, subject, message, advice, value)


def _is(cell: Cell, wanted: Any) -> bool:
    if cell.kind == NULL:
        return False
    text = str(wanted).strip()
    if cell.kind == FLAG:
        return text.lower() in (("true", "1", "yes") if cell.number else ("false", "0", "no"))
    if cell.kind == NUMBER:
        try:
            return float(text) == cell.number
        except ValueError:
            return False
    return cell.text == text
