# SPDX-License-Identifier: GPL-3.0-or-later
"""A list is shortened without hiding anything."""

from __future__ import annotations

from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import SEVERITIES, Finding, status_of
from ansible_collections.analytics.ops.plugins.module_utils._judge.shortlist import shortlist
from hypothesis import given
from hypothesis import strategies as st


def findings(check, *severities):
    return [Finding(check, f"subject {number}", severity, "message") for number, severity in enumerate(severities)]


def test_short_lists_stay():
    given_ = findings("a", "warning", "ok") + findings("b", "info")
    assert shortlist(given_, 2) == given_


def test_the_worst_are_kept_and_the_rest_is_counted():
    kept = shortlist(findings("a", "warning", "ok", "critical", "warning", "ok", "ok"), 2)
    assert [(f.subject, f.severity, f.value) for f in kept] == [
        ("subject 2", "critical", None),
        ("subject 0", "warning", None),
        ("1 more", "warning", 1),
        ("3 more", "ok", 3),
    ]
    assert "max_findings_per_check" in kept[2].advice
    assert kept[3].advice == ""


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(SEVERITIES))), st.integers(1, 5))
def test_the_status_never_changes(answers, per_check):
    given_ = [Finding(check, "s", severity, "m") for check, severity in answers]
    kept = shortlist(given_, per_check)
    assert status_of(f.severity for f in kept) == status_of(f.severity for f in given_)
    counted = sum(f.value or 1 for f in kept)
    assert counted == len(given_)
