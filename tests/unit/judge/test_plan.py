# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps as data: harmless to show, and never changed once made."""

from __future__ import annotations

from ansible_collections.analytics.ops.plugins.module_utils._judge.plan import Step, act_result

STEP = Step("reindex", "public.i", "40 % bloat", {"size_bytes_before": 8192})


def test_a_step_that_is_told_more_is_another_step():
    done = STEP.with_details(seconds=1.5, size_bytes_before=4096)
    assert done == Step("reindex", "public.i", "40 % bloat", {"size_bytes_before": 4096, "seconds": 1.5})
    assert STEP.details == {"size_bytes_before": 8192}


def test_a_step_is_one_harmless_line():
    step = Step("drop", "a\n\x1b[2J", "name \u202e")
    assert (step.subject, step.reason) == ("a \\x1b[2J", "name \\u202e")


def test_details_stand_beside_the_rest_and_do_not_hide_it():
    step = STEP.with_details(action="nothing")
    assert step.as_dict() == {
        "action": "reindex",
        "subject": "public.i",
        "reason": "40 % bloat",
        "size_bytes_before": 8192,
    }


def test_the_result_of_an_acting_module():
    result = act_result([STEP], [], [STEP], changed=True, target="db1")
    assert result == {
        "plan": [STEP.as_dict()],
        "done": [],
        "remaining": [STEP.as_dict()],
        "changed": True,
        "target": "db1",
    }
