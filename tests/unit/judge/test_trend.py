# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a figure is going: only where its past says so, and a wild night changes nothing."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.trend import (
    DAY,
    Trend,
    days_until,
    thin,
    trend,
    weeks,
)
from hypothesis import given
from hypothesis import strategies as st


def line(days, per_day=2.0, start=10.0):
    return [(day * DAY, start + per_day * day) for day in range(days)]


def test_a_straight_line_is_found():
    assert trend(line(10)) == Trend(pytest.approx(2.0), pytest.approx(28.0))


def test_a_third_of_wild_points_changes_little():
    points = [(at, value if number % 3 else 900.0) for number, (at, value) in enumerate(line(21), 1)]
    assert trend(line(21)).per_day == pytest.approx(2.0)
    assert trend([(at, 900.0 if number in (5, 11) else value) for number, (at, value) in enumerate(points)]) is None
    wild = [(at, 900.0 if number in (5, 11) else value) for number, (at, value) in enumerate(line(21))]
    assert trend(wild).per_day == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(
    "points",
    [
        [],
        line(4),
        [(n * 60.0, n) for n in range(50)],
        [(n * DAY, 5.0) for n in range(20)],
        [(n * DAY, float(n % 2)) for n in range(20)],
    ],
    ids=["nothing", "few", "an hour", "flat", "up and down"],
)
def test_no_trend_where_the_past_shows_none(points):
    assert trend(points) is None


@pytest.mark.parametrize(
    ("slope", "limit", "higher", "days"),
    [
        (2, 90, True, 10.0),
        (-2, 90, True, None),
        (2, 60, True, 0.0),
        (0.01, 90, True, None),
        (-2, 50, False, 10.0),
        (2, 50, False, None),
        (2, None, True, None),
    ],
)
def test_days_until_a_limit(slope, limit, higher, days):
    assert days_until(Trend(slope, 70.0), limit, higher) == days


def test_no_line_meets_no_limit():
    assert days_until(None, 90) is None


def test_a_week_is_compared_with_the_one_before():
    now = 20 * DAY
    points = [(day * DAY, float(day)) for day in range(21)]
    assert weeks(points, now) == (17.0, 10.0)
    assert weeks([], now) == (None, None)


@given(st.integers(2, 400), st.integers(2, 60))
def test_thinning_keeps_both_ends_and_the_order(count, most):
    points = list(range(count))
    kept = thin(points, most)
    assert len(kept) == min(count, most)
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert kept == sorted(set(kept))


@given(st.lists(st.tuples(st.integers(0, 10**9), st.floats(-1e200, 1e200)), max_size=40))
def test_whatever_was_measured_a_trend_can_be_asked_for(points):
    found = trend(sorted(points))
    assert found is None or found.per_day != 0
