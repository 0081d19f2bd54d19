# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests a mutant meets."""

from __future__ import annotations

import pytest

from tests.mutation.selection import JUDGEMENT, Selection, statement_lines

LIMITS = """\
from .text import number_text
LIMIT = 3

@check(
    "a",
    4,
)
def judge(value):
    if (value >
            LIMIT):
        return call(
            value,
            5,
        )
    return None
"""


@pytest.mark.parametrize(
    ("line", "first", "last"),
    [(2, 2, 2), (4, 4, 8), (6, 4, 8), (8, 4, 8), (9, 9, 10), (10, 9, 10), (13, 11, 14), (15, 15, 15), (99, 99, 99)],
)
def test_the_statement_around_a_line(line, first, last):
    assert statement_lines(LIMITS, line) == range(first, last + 1)


def test_a_body_on_the_line_of_its_head_belongs_to_it():
    assert statement_lines("if a: b = 1\n", 1) == range(1, 2)


def test_tests_for_a_line():
    selection = Selection(
        executed={
            "limits.py": {2: {""}, 4: {""}, 8: {""}, 9: {"b", "c"}, 11: {"c"}, 15: {"b"}},
            "user.py": {1: {""}, 2: {"a", "d"}},
        },
        sources={"limits.py": LIMITS, "user.py": "from .limits import LIMIT\n"},
    )
    assert selection.tests_for("limits.py", 13) == ["c"]
    assert selection.tests_for("limits.py", 10) == ["b", "c"]
    assert selection.tests_for("limits.py", 2) == ["b", "c", JUDGEMENT]
    assert selection.tests_for("user.py", 1) == ["a", "d", JUDGEMENT]
    assert selection.tests_for("limits.py", 99) == []
