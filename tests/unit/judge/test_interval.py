# SPDX-License-Identifier: GPL-3.0-or-later
"""Growth is told only where it is known."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.interval import Interval


def interval(now, previous):
    return Interval({"clock": 160.0, **now}, previous and {"clock": 100.0, **previous}, "clock")


def test_growth_and_rate():
    known = interval({"a": 30}, {"a": 20})
    assert (known.seconds, known.growth("a"), known.rate("a", 60)) == (60.0, 10.0, 10.0)


@pytest.mark.parametrize(
    ("now", "previous"),
    [({"a": 30}, {}), ({"a": 30}, {"b": 20}), ({}, {"a": 20}), ({"a": 10}, {"a": 20}), ({"a": 30}, {"a": "many"})],
    ids=["no earlier result", "new figure", "figure gone", "counter reset", "no number"],
)
def test_unknown(now, previous):
    known = interval(now, previous)
    assert (known.growth("a"), known.rate("a")) == (None, None)


@pytest.mark.parametrize("clock", [160.0, 161.0, "160"])
def test_no_time_has_passed(clock):
    known = Interval({"clock": 160.0, "a": 2}, {"clock": clock, "a": 1}, "clock")
    assert (known.seconds, known.growth("a"), known.rate("a")) == (None, None, None)


def test_figures_as_templates_make_them():
    assert Interval({"clock": 3.0, "a": 5}, {"clock": "1", "a": "2"}, "clock").growth("a") == 3.0


@pytest.mark.parametrize("clock", [{}, {"clock": "yesterday"}, {"clock": None}, {"clock": "nan"}])
def test_an_earlier_result_must_say_when(clock):
    with pytest.raises(InputError, match="'clock'"):
        Interval({"clock": 1.0}, {"a": 1, **clock}, "clock")
