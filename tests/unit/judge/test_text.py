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
    (1024, "1 kB"),
    (1024**2, "1 MB"),
    (1024**4 - 1024**3, "1 023 GB"),
    (1024**4, "1 TB"),
    (1536, "1.5 kB"),
    (3 * 1024**3, "3 GB"),
    (-2048, "-2 kB"),
    (5000 * 1024**4, "5 000 TB"),
    (float("inf"), "inf B"),
    (float("nan"), "nan B"),
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
    (float("-inf"), "-inf s"),
    (float("nan"), "nan s"),
]


@pytest.mark.parametrize(("seconds", "text"), SECONDS_TEST_CASES)
def test_seconds_text(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12345, "12 345"),
        (12345.6, "12 346"),
        (0.12345, "0.123"),
        (99.95, "100"),
        (999.4, "999"),
        (999.5, "1 000"),
        (-999.7, "-1 000"),
        (1000.4, "1 000"),
        (1e300, "inf"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
    ],
)
def test_number_text(value, text):
    assert number_text(value) == text


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


def test_whole_numbers_that_are_too_long_to_be_written():
    """Python writes none of more than 4 300 digits, and makes no floating-point number of one of more than 308."""
    assert [of(10**5000) for of in (number_text, bytes_text, seconds_text)] == ["inf", "inf B", "inf s"]
    assert bytes_text(-(10**400)) == "-inf B"
