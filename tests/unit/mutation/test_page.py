# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page says about the trials."""

from __future__ import annotations

import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.page import page, score, summary, survivors, wilson
from tests.mutation.trials import Trial, change_between, outcome_of


def trial(outcome, file="text.py", line=1):
    return Trial(Mutant(file, line, 0, "NumberReplacer", 0), outcome, "1 → 2 in a = 1", 3)


TRIALS = [
    trial("killed"),
    trial("timeout"),
    trial("incompetent"),
    trial("survived", line=7),
    trial("untested", file="a.py", line=9),
]
FACTS = {"date": "2026-01-02", "versions": "Python 3", "command": "make mutation SAMPLE=5 SEED=1"}


def test_time_limits_count_as_killed_and_incompetent_ones_do_not_count():
    assert (score(TRIALS).killed, score(TRIALS).tried, score(TRIALS).text()) == (2, 4, "50.0 %")
    assert score([]).share == 0


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1), (480, 600, 0.766, 0.830)],
)
def test_wilson(hits, tries, low, high):
    assert wilson(hits, tries) == pytest.approx((low, high), abs=0.001)


def test_summary_of_a_sample_and_of_all():
    share, counts = summary(TRIALS, of=50)
    assert share == ("**50.0 % killed**: 2 of 4 mutants that could be imported (95 % confidence: 15.0 – 85.0 %).")
    assert counts == (
        "A random sample of 5 from 50 mutants: 1 killed by a failing test, 1 by the time limit, 1 survived, "
        "1 where no test goes, 1 incompetent."
    )
    share, counts = summary(TRIALS, of=5)
    assert "confidence" not in share
    assert counts.startswith("All 5 mutants: ")


def test_survivors():
    assert survivors(TRIALS) == ["- `text.py:7` `1 → 2 in a = 1`", "- `a.py:9` (no test) `1 → 2 in a = 1`"]


def test_page():
    text = page(TRIALS, 50, FACTS, "By hand.\n")
    assert "| `a.py` | 0 | 1 | 0.0 % |\n| `text.py` | 2 | 3 | 66.7 % |\n" in text
    assert "Run 2026-01-02 with `make mutation SAMPLE=5 SEED=1`; Python 3.\n" in text
    assert "## What survives, and why\n\nBy hand.\n\n## The survivors of this run\n\n- `text.py:7`" in text
    assert page([trial("killed")], 1, FACTS, "").endswith("\n\nNone.\n")


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("a = 1\nb = 10 + 2\n", "a = 1\nb = 11 + 2\n", "10 → 11 in b = 10 + 2"),
        ("if a > b:", "if a >= b:", "> → >= in if a > b:"),
        ("if a:", "if not a:", "nothing → not in if a:"),
        ("if not a:", "if  a:", "not → nothing in if not a:"),
        ("if a and a:", "if a and not a:", "nothing → not in if a and a:"),
        ("@check(\n  1,\n)\ndef f(): pass\n", "def f(): pass\n", "without @check("),
    ],
)
def test_change(before, after, change):
    assert change_between(before, after) == change


@pytest.mark.parametrize(
    ("outcome", "output", "ours"),
    [
        ("survived", "5 passed", "survived"),
        ("killed", "1 failed", "killed"),
        ("killed", "timeout", "timeout"),
        ("killed", "____ ERROR collecting tests/unit/test_a.py ____\n1 error", "incompetent"),
        ("killed", "\n", "incompetent"),
    ],
)
def test_outcome(outcome, output, ours):
    assert outcome_of(outcome, output) == ours
