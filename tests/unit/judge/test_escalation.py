# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.escalation import (
    DEFAULT,
    LEVELS,
    Escalation,
    Rung,
    ladders,
    next_to_ask,
)

FRIDAY = datetime(2026, 1, 2, 10, 0, tzinfo=timezone.utc).timestamp()
DAY = 86400


def test_the_manuals_times_in_minutes() -> None:
    assert set(DEFAULT) == set(LEVELS)
    assert [rung.after_seconds / 60 for rung in DEFAULT["P0"]] == [5, 15, 30, 60]
    assert [rung.after_seconds / 60 for rung in DEFAULT["P1"]] == [15, 60, 120]
    assert [(rung.after_seconds / 60, rung.business_days) for rung in DEFAULT["P2"]] == [(120, 0), (240, 0), (0, 1)]
    assert [(rung.after_seconds, rung.business_days) for rung in DEFAULT["P3"]] == [(0, 1), (0, 2)]


@pytest.mark.parametrize(
    ("rung", "opened", "due"),
    [
        (Rung("a", 300), FRIDAY, FRIDAY + 300),
        (Rung("a", business_days=1), FRIDAY, FRIDAY + 3 * DAY),
        (Rung("a", business_days=2), FRIDAY, FRIDAY + 4 * DAY),
        (Rung("a", 60, 1), FRIDAY + DAY, FRIDAY + 3 * DAY + 60),
        (Rung("a", business_days=1), FRIDAY + 2 * DAY, FRIDAY + 3 * DAY),
        (Rung("a", business_days=5), FRIDAY + 3 * DAY, FRIDAY + 10 * DAY),
    ],
)
def test_business_days_leave_out_the_weekend(rung: Rung, opened: float, due: float) -> None:
    assert rung.due(opened) == due


def test_the_response_is_due_until_somebody_works_on_it() -> None:
    waiting = next_to_ask(DEFAULT["P0"], FRIDAY, FRIDAY + 299, [], False)
    assert (waiting.ask, waiting.overdue_seconds) == ("whoever is on call", 0)
    assert waiting.message == "Whoever is on call is to be asked by 2026-01-02 10:05 UTC."
    late = next_to_ask(DEFAULT["P0"], FRIDAY, FRIDAY + 420, [], False)
    assert late.overdue_seconds == 120
    assert late.message == "Whoever is on call should have been asked 2 min ago."
    assert next_to_ask(DEFAULT["P0"], FRIDAY, FRIDAY + 420, [], True).ask == "the manager"


def test_who_was_asked_is_not_named_again() -> None:
    asked = ["The Manager"]
    assert next_to_ask(DEFAULT["P0"], FRIDAY, FRIDAY, asked, True).ask == "a senior engineer"
    assert next_to_ask(DEFAULT["P0"], FRIDAY, FRIDAY, asked, False).ask == "whoever is on call"
    everybody = [rung.ask for rung in DEFAULT["P0"]]
    assert next_to_ask(DEFAULT["P0"], FRIDAY, FRIDAY + DAY, everybody, False) == Escalation()
    assert Escalation().message == "Nobody has to be asked."
    assert Escalation("b", 0.0, 1.4).as_dict()["overdue_seconds"] == 1
    assert Escalation("b").message == "B is to be asked by 1970-01-01 00:00 UTC."


def test_times_of_ones_own_take_the_place_of_one_severity() -> None:
    own = ladders({"P1": [{"ask": "Bea", "after_seconds": 60}, {"ask": "Carl", "business_days": 2}]})
    assert own["P1"] == [Rung("Bea", 60), Rung("Carl", 0, 2)]
    assert own["P0"] == DEFAULT["P0"]
    edge = {"ask": "x", "after_seconds": 366 * DAY, "business_days": 366}
    assert ladders({"P3": [edge]})["P3"] == [Rung("x", 366 * DAY, 366)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"P4": []}, "'P4' is no severity"),
        ({"P0": "soon"}, "escalation.P0 is no list"),
        ({"P0": ["soon"]}, "escalation.P0[0] does not say whom"),
        ({"P0": [{"after_seconds": 5}]}, "escalation.P0[0] does not say whom"),
        ({"P0": [{"ask": "x", "minutes": 5}]}, "escalation.P0[0] does not say whom"),
        ({"P0": [{"ask": "x"}, {"ask": "x", "after_seconds": "5"}]}, "escalation.P0[1].after_seconds"),
        ({"P0": [{"ask": "x", "after_seconds": -1}]}, "after_seconds"),
        ({"P0": [{"ask": "x", "after_seconds": 366 * DAY + 1}]}, "after_seconds"),
        ({"P0": [{"ask": "x", "business_days": True}]}, "business_days"),
        ({"P0": [{"ask": "x", "business_days": 1.5}]}, "business_days"),
        ({"P0": [{"ask": "x", "business_days": -1}]}, "business_days"),
        ({"P0": [{"ask": "x", "business_days": 367}]}, "business_days"),
    ],
)
def test_what_cannot_be_understood_is_said(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        ladders(given)
    assert said in error.value.text
