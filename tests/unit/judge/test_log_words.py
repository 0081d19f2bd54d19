# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines with a word are found, however it is searched."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_words import (
    Sample,
    Words,
    holds,
    line_breaks,
    searching,
)
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.lists(st.sampled_from([b"ERR", b"FATAL", b"x", b"R", b"A", b"\n", b" ", b"\0"]), max_size=60).map(b"".join)


@given(TEXTS, st.sampled_from([b"", b"xyz" * 500, b"ERR FATAL " * 100, b"R" * 1000, b"E" * 900 + b"A" * 900]))
def test_lines_with_a_word_are_found_whatever_is_rare(text, sample):
    words = Words((b"ERR", b"FATAL", b"CRIT"), Sample([sample]))
    found = {start for start, seen in words.starts(text, len(text))}
    starts = [0, *(position + 1 for position, byte in enumerate(text) if byte == 10)]
    lines = [(start, text[start:].split(b"\n")[0]) for start in starts]
    assert found == {start for start, line in lines if b"ERR" in line or b"FATAL" in line}
    for start, seen in words.starts(text, len(text)):
        assert any(word in text[start : seen + 5] for word in (b"ERR", b"FATAL"))
        assert b"\n" not in text[start:seen]


def test_a_byte_that_is_not_as_rare_as_in_the_samples_is_given_up():
    words = Words((b"ERR", b"a long word!"), Sample([b"x" * 40000]))
    assert {byte for byte, _words, _around in words.rare} == {b"E", b"a"}
    text = b"EVER\n" * 10000 + b"an ERR\n" + b"no\n" * 20000 + b"of a long word!"
    expected = {50000, len(text) - 15}
    for _look in range(2):
        assert {start for start, _seen in words.starts(text, len(text))} == expected
        assert (words.whole, [byte for byte, *_more in words.rare]) == ([b"ERR"], [b"a"])
    short = Words((b"ERR",), Sample([b"x" * 40000]))
    assert list(short.starts(b"E" * 1000, 1000)) == []
    assert short.whole == []


@pytest.mark.parametrize("library", ["libc", "none", "without memmem"])
def test_a_word_is_seen_with_and_without_the_help_of_libc(monkeypatch, library):
    if library == "none":
        monkeypatch.setitem(sys.modules, "ctypes", None)
    elif library == "without memmem":
        monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    seen = searching()
    text = b"\0one word\0 more" + b"x" * 5000
    assert seen(text, b"word\0", len(text))
    assert seen(text, b"word", 9)
    assert not seen(text, b"word", 8)
    assert not seen(text, b"WORD", len(text))
    assert seen(text, b"xx", 10**9)
    assert not seen(b"", b"xx", 0)


@given(TEXTS, TEXTS.filter(bool), st.integers(0, 100))
def test_both_ways_see_the_same(text, word, end):
    assert holds(text, word, end) == (word in text[:end])


@given(TEXTS, st.integers(0, 100))
def test_line_breaks_are_counted(text, end):
    assert line_breaks(text, end) == text[:end].count(b"\n")
