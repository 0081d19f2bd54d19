# SPDX-License-Identifier: GPL-3.0-or-later
"""A named pattern is found in the lines in which its expression is found, whatever spares the search."""

from __future__ import annotations

import re

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge import log_patterns
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_patterns import LINE_LIMIT, Search, named
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_words import Sample
from hypothesis import given
from hypothesis import strategies as st

REQUIRED = [
    ("a|b c", (b"a", b"b c")),
    ("took", (b"took",)),
    (r"took \d+ ms", (b"took ",)),
    (r"\d+ seconds", (b" seconds",)),
    (r"(?:time|timed) ?out", (b"time",)),
    (r"(slow|late) query\.", (b" query.",)),
    (r"x{2}(?:abc)+y*", (b"abc",)),
    (r"(?:abc)*de", (b"de",)),
    (r"(?:abc)?d", ()),
    (r"(?i)error", ()),
    (r"(?i:error) at line", (b" at line",)),
    (r"\d{3}", ()),
    (r"(?:abcd|\d)", ()),
    (r"(?=abc)..", ()),
    ("|".join(f"word{chr(97 + n)}!" for n in range(20)), (b"word",)),
    ("|".join(f"{chr(97 + n)}-word!" for n in range(20)), ()),
    ("é+", (b"\xc3",)),
]


@pytest.mark.parametrize(("pattern", "words"), REQUIRED)
def test_words_that_an_expression_needs(pattern, words):
    found = named("x", pattern).words
    assert found == words or (pattern.startswith("é") and found == ())


LOCAL = [
    (r"\d+,\d", True), (r"[^\n]x", True), (r"[^x]y", False), (r"\s7", False), (r"\S7", True), (r"[^\S]7", False),
    (r"[^\s]7", True), (r"a.c", True), (r"(?s)a.c", False), (r"^a$", True), (r"\Aa", False), (r"a\Z", False),
    (r"\ba\b", True), (r"\Ba", False), (r"(?:a|\n)", False), (r"(a)\1", True), (r"(?s:.)", False), (r"(?-m:^)a", False),
    (r"[\x00-\x1f]", False), (r"[a-z]{2}", True), (r"(?=a)a", False), (r"[^\x00-\x1f]", True), (r"\n", False),
    (r"(?:a\n)*b", False), (r"[\W]", False), (r"[\D]", False), (r"[^a\n]*?b", True), (r"(?:[0-9]|b.)+", True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "local"), LOCAL)
def test_which_expressions_stay_in_a_line(pattern, local):
    assert (named("x", pattern).text is not None) == local


def test_what_is_no_expression_is_refused():
    with pytest.raises(re.error):
        named("x", "(")


def reference(pattern, text):
    lines = text.split(b"\n")
    lines = lines if lines[-1] else lines[:-1]
    expression = re.compile(pattern.encode())
    return [number for number, line in enumerate(lines) if expression.search(line, 0, log_patterns.LINE_LIMIT)]


def found(pattern, text, sample=b""):
    lines = dict(Search([named("x", pattern)], Sample([sample])).found(text, len(text)))
    return [text[:start].count(b"\n") for start in lines.get("x", ())]


PATTERNS = [pattern for pattern, _more in (*REQUIRED, *LOCAL)] + [
    "x*",
    "a|y",
    "took|ms",
    r"took\s+7",
    r"^$",
    r"\d.*\s7",
]
PIECES = [b"a", b"y", b"took ", b"7", b" ms", b"\n", b"\n", b"\r", b"\0", b"\xff", b"abc", b"error at line", b"x"]
PIECES += [b" seconds", b"1,2", b"time", b"out", b"slow query.", b"\t", b"de", b"123", b"\xc3\xa9"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)


@given(TEXTS, st.sampled_from(PATTERNS), st.sampled_from([b"", b"z" * 5000, b"took a x ms " * 500]))
def test_the_same_lines_as_one_by_one(text, pattern, sample):
    assert found(pattern, text, sample) == reference(pattern, text)


@given(TEXTS, st.sampled_from(PATTERNS), st.integers(1, 12))
def test_what_is_behind_the_limit_of_a_line_is_not_looked_at(text, pattern, limit):
    before = log_patterns.LINE_LIMIT
    log_patterns.LINE_LIMIT = limit
    try:
        assert found(pattern, text) == reference(pattern, text)
    finally:
        log_patterns.LINE_LIMIT = before


def test_a_long_line_among_others():
    text = b"took 7\n" + b"x" * LINE_LIMIT + b"took 7\n" + b"x" * (LINE_LIMIT - 6) + b"took 7\ntook 7"
    assert found("took 7", text) == [0, 2, 3]
    assert found("took [0-9]", text) == [0, 2, 3]
    short = b"x" * LINE_LIMIT + b"\ntook 7\n"
    assert found("took 7", short * 3) == [1, 3, 5]


def test_words_in_many_lines_and_in_few():
    text = b"took no time\n" * 500 + b"took 7\n"
    assert found("took [0-9]", text) == [500]
    assert found(r"took\s[0-9]", text) == [500]
    assert found("took [0-9]", b"nothing\n" * 1000 + text[-20:]) == [1001]


def test_there_is_no_line_behind_the_last_line_break():
    assert found("^$", b"a\n") == []
    assert found("^$", b"a\n\n") == [1]
    assert found("x*", b"a\nb\n") == [0, 1]
