# SPDX-License-Identifier: GPL-3.0-or-later
"""The time budget, with a clock that only moves when told."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.maintenance import (
    Budget,
    Left,
    matches,
    require_positive,
    thresholds_of,
    unmatched_warnings,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.plan import Step
from ansible_collections.analytics.ops.plugins.module_utils._judge.reindex import ReindexThresholds


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_without_a_budget_everything_may_begin():
    assert Budget(None, Clock()).refusal(1e9) == ""
    assert Budget(None, Clock()).left is None


def test_work_that_would_not_end_in_time_may_not_begin():
    clock = Clock()
    budget = Budget(60, clock)
    assert budget.refusal(60) == ""
    clock.now += 50
    assert budget.refusal(10) == ""
    assert budget.refusal(11) == "It would take about 11 s, and 10 s of the time budget of 1 min are left."
    clock.now += 50
    assert budget.left == 0 and budget.refusal(0.001)


def test_estimates_are_corrected_by_what_was_measured():
    budget = Budget(100, Clock())
    budget.learn(0.01, 0.1)
    assert budget.correction == 1.0  # too little to learn from
    budget.learn(2.0, 6.0)
    assert budget.correction == pytest.approx(6.1 / 2.01)
    assert budget.refusal(50) and not budget.refusal(30)
    budget.learn(1000.0, 0.0)
    assert budget.correction == 0.1  # never trusts itself without bounds


def test_a_left_step_says_why_it_is_left_and_keeps_why_it_was_wanted():
    step = Left(Step("vacuum", "public.orders", "dead rows", {"need": "dead_rows"}), "locked", "by whom").as_step()
    assert step.as_dict() == {
        "action": "vacuum",
        "subject": "public.orders",
        "reason": "by whom",
        "cause": "locked",
        "plan_reason": "dead rows",
        "need": "dead_rows",
    }


def test_patterns_are_those_of_the_shell_and_excluding_goes_first():
    assert matches(["public.orders"], [], [])
    assert matches(["public.orders"], ["public.o?d*"], ["public.O*"])
    assert not matches(["public.orders"], ["*"], ["*.orders"])
    assert matches(["public.orders_pkey", "public.orders"], ["public.orders"], [])
    assert len(unmatched_warnings(["sales.*", "public.*"], ["public.orders"])) == 1


def test_limits_that_cannot_be_are_refused():
    assert thresholds_of(ReindexThresholds, {"bloat_percent": 10, "bloat_bytes": None}).bloat_bytes == 104857600
    with pytest.raises(InputError, match="bloat_percent is -1"):
        thresholds_of(ReindexThresholds, {"bloat_percent": -1})
    with pytest.raises(InputError, match="jobs is 0"):
        require_positive({"jobs": 0}, "jobs")
    require_positive({"jobs": None}, "jobs", "time_budget")
