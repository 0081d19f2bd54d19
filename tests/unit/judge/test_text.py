# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.text import (
    bytes_text,
    number_text,
    printable,
    seconds_text,
    with_unit,
)
from hypothesis import given
from hypothesis import strategies as st

PRINTABLE_TEST_CASES = [
    ("plain", "plain"),
    ("two\nlines\tand a tab", "two lines and a tab"),
    ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
    ("nul\x00", "nul\\x00"),
    ("right\u202eleft", "right\\u202eleft"),
    ("Müller – naïve ✓", "Müller – naïve ✓"),
]


@pytest.mark.parametrize(("raw", "shown"), PRINTABLE_TEST_CASES)
def test_printable(raw, shown):
    assert printable(raw) == shown


@given(st.text(max_size=700))
def test_printable_is_one_harmless_line_of_bounded_length(raw):
    shown = printable(raw, limit=100)
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert len(shown) <= 6 * 100


BYTES_TEST_CASES = [
    (0, "0 B"),
    (1023, "1 023 B"),
    (1536, "1.5 kB"),
    (3 * 1024**3, "3 GB"),
    (-2048, "-2 kB"),
    (5000 * 1024**4, "5 000 TB"),
]


@pytest.mark.parametrize(("size", "text"), BYTES_TEST_CASES)
def test_bytes_text(size, text):
    assert bytes_text(size) == text


SECONDS_TEST_CASES = [
    (0.0042, "4.2 ms"),
    (0, "0 ms"),
    (59.5, "59.5 s"),
    (60, "1 min"),
    (93784, "1 d 2 h"),
    (3605, "1 h"),
    (-90, "-1 min 30 s"),
]


@pytest.mark.parametrize(("seconds", "text"), SECONDS_TEST_CASES)
def test_seconds_text(seconds, text):
    assert seconds_text(seconds) == text


def test_number_text():
    assert [number_text(value) for value in (0, 12345, 12345.6, 0.12345, 99.95)] == [
        "0",
        "12 345",
        "12 346",
        "0.123",
        "100",
    ]


WITH_UNIT_TEST_CASES = [
    (83.44, "%", "83.4 %"),
    (1048576, "bytes", "1 MB"),
    (90, "seconds", "1 min 30 s"),
    (3, "", "3"),
    (None, "%", ""),
    ("lost", "", "lost"),
]


@pytest.mark.parametrize(("value", "unit", "text"), WITH_UNIT_TEST_CASES)
def test_with_unit(value, unit, text):
    assert with_unit(value, unit) == text
