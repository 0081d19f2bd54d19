# SPDX-License-Identifier: GPL-3.0-or-later
"""Which patterns are too wide, and how the pace follows the server."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError, Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.keys import (
    CONFIRMATION,
    KeyWork,
    Pace,
    names_nothing,
    summary,
)

WISHES = {
    "pattern": "k:*",
    "state": "absent",
    "ttl": None,
    "ttl_jitter": 0,
    "only_without_ttl": True,
    "type": None,
    "idle_seconds": None,
    "limit": None,
    "time_budget": None,
    "pause": 0.0,
    "confirm": None,
}


@pytest.mark.parametrize("pattern", ["*", "***", "?", "?*", "[a-z]*", "[^a]", "[ab", "[\\]]*", "*[0-9]*"])
def test_names_no_key_in_particular(pattern):
    assert names_nothing(pattern)


@pytest.mark.parametrize("pattern", ["a*", "*:", "\\*", "[a]b", "*\\?", "[a-z]]", "ключ*"])
def test_names_some_key(pattern):
    assert not names_nothing(pattern)


@pytest.mark.parametrize(
    ("options", "fine"),
    [
        ({"pattern": "*"}, False),
        ({"pattern": "*", "confirm": CONFIRMATION}, True),
        ({"pattern": "*", "state": "expire", "ttl": 59}, False),
        ({"pattern": "*", "state": "expire", "ttl": 60}, True),
        ({"pattern": "a*"}, True),
    ],
)
def test_what_has_to_be_confirmed(options, fine):
    if fine:
        KeyWork.from_params({**WISHES, **options})
    else:
        with pytest.raises(Refused, match="names no key in particular"):
            KeyWork.from_params({**WISHES, **options})


def test_another_confirmation_is_not_one():
    with pytest.raises(InputError, match="confirm is 'true'"):
        KeyWork.from_params({**WISHES, "confirm": "true"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": ""}, "pattern is empty"),
        ({"ttl": 0}, "ttl is 0"),
        ({"limit": 0}, "limit is 0"),
        ({"limit": -3}, "limit is -3"),
        ({"ttl_jitter": -1}, "ttl_jitter is -1"),
        ({"idle_seconds": -1}, "idle_seconds is -1"),
        ({"time_budget": -0.5}, "time_budget is -0.5"),
        ({"pause": -0.5}, "pause is -0.5"),
        ({"state": "expire"}, "state is expire, but ttl is missing"),
    ],
)
def test_what_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        KeyWork.from_params({**WISHES, **options})


@pytest.mark.parametrize(
    "options",
    [{"ttl": 1}, {"limit": 1}, {"ttl_jitter": 0}, {"ttl_jitter": None}, {"idle_seconds": 0}, {"time_budget": 0}],
)
def test_the_least_that_can_be(options):
    KeyWork.from_params({**WISHES, **options})


def test_a_refusal_says_whether_keys_with_a_ttl_would_go_too():
    with pytest.raises(Refused, match="every key without TTL of this database"):
        KeyWork.from_params({**WISHES, "pattern": "*"})
    with pytest.raises(Refused, match="every key of this database"):
        KeyWork.from_params({**WISHES, "pattern": "*", "only_without_ttl": False})


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "no TTL"),
        ({"only_without_ttl": False}, "with or without TTL"),
        (
            {"state": "expire", "ttl": 3600, "ttl_jitter": 60, "only_without_ttl": False},
            "no TTL or one over 1 h 1 min",
        ),
        ({"type": "hash", "idle_seconds": 90}, "no TTL, type hash, idle for 1 min 30 s"),
    ],
)
def test_which_keys_are_meant_in_words(options, reason):
    assert KeyWork.from_params({**WISHES, **options}).reason == reason


def test_steps_say_what_is_done_to_how_many_keys():
    deletes = KeyWork.from_params(WISHES)
    assert deletes.steps(0, cursor="7") == []
    assert [step.as_dict() for step in deletes.steps(3, cursor="7")] == [
        {"action": "delete", "subject": "k:*", "reason": "no TTL", "keys": 3, "cursor": "7"}
    ]
    expires = KeyWork.from_params({**WISHES, "state": "expire", "ttl": 60, "ttl_jitter": 6})
    assert [step.as_dict() for step in expires.steps(3)] == [
        {
            "action": "expire",
            "subject": "k:*",
            "reason": "no TTL",
            "keys": 3,
            "ttl_seconds": 60,
            "ttl_jitter_seconds": 6,
        }
    ]


@pytest.mark.parametrize(
    ("options", "keys", "stopped", "would", "text"),
    [
        ({}, 1200, "", False, "1 200 keys were deleted."),
        ({}, 3, "", True, "3 keys would be deleted."),
        ({"state": "expire", "ttl": 60}, 3, "", False, "3 keys were given a TTL."),
        (
            {},
            3,
            "time budget",
            False,
            "3 keys were deleted. Stopped (time budget); run again with cursor '17' to go on.",
        ),
    ],
)
def test_summary(options, keys, stopped, would, text):
    assert summary(KeyWork.from_params({**WISHES, **options}), keys, stopped, "17", would) == text


def test_the_pace_follows_the_server():
    pace = Pace(250, 0.0, 0.05)
    pace.note(0.01)
    assert (pace.slice, pace.pause) == (250, 0.0)
    for _round in range(10):
        pace.note(0.2)
    assert pace.slice == 10 and pace.pause == 1.0 and pace.slow == 10
    for _round in range(400):
        pace.note(0.01)
    assert (pace.slice, pace.pause) == (250, 0.0)


def test_a_slice_that_is_small_already_does_not_grow_by_slowing_down():
    pace = Pace(3, 0.0, 0.05)
    pace.note(1)
    assert pace.slice == 3
