# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of the benchmarks: order, proof and arithmetic."""

from __future__ import annotations

import pytest

from benchmarks.harness import Comparison, Goal, Variant, WrongWork, judged, measure, summary


def variant(name, log, result=1.0, **more):
    def run():
        log.append(name)
        return result

    return Variant(name, run, more.pop("proof", lambda figure: figure == result), **more)


def quiet(text):
    pass


def test_variants_run_in_turn_after_a_warm_up_that_does_not_count():
    log = []
    figures = measure(Comparison("c", [variant("a", log), variant("b", log)], rounds=2, timed=False), quiet)
    assert log == ["a", "b"] * 3
    assert figures == {"a": [1.0, 1.0], "b": [1.0, 1.0]}


def test_the_state_is_made_before_every_run_the_warm_up_included():
    log = []
    one = variant("a", log, before=lambda: log.append("before"))
    measure(Comparison("c", [one], rounds=2), quiet)
    assert log == ["before", "a"] * 3


def test_a_variant_that_did_not_do_its_work_ends_the_measuring():
    lazy = variant("lazy", [], proof=lambda figure: False)
    with pytest.raises(WrongWork, match="lazy"):
        measure(Comparison("c", [lazy]), quiet)


def test_what_is_missing_is_not_run_but_said():
    log = []
    comparison = Comparison(
        "c",
        [variant("a", log), variant("tool", log, missing="not measured: not installed")],
        [Goal("a", "tool", 2)],
        rounds=1,
        warm_up=False,
        timed=False,
    )
    result = summary(comparison, measure(comparison, quiet))
    assert log == ["a"]
    assert result["rows"][1] == {"name": "tool", "missing": "not measured: not installed"}
    assert result["goals"][0]["value"] is None
    assert "met" not in result["goals"][0]


def test_the_ratio_is_that_of_the_medians_and_the_spread_that_of_the_rounds():
    result = judged(Goal("mine", "other", 0.5), {"mine": [1.0, 2.0, 9.0], "other": [4.0, 4.0, 6.0]})
    assert (result["value"], result["low"], result["high"], result["met"]) == (0.5, 0.25, 1.5, True)


def test_a_difference_is_judged_as_one():
    result = judged(Goal("mine", "other", 2, how="difference"), {"mine": [9.0], "other": [6.0]})
    assert (result["value"], result["met"]) == (3.0, False)
