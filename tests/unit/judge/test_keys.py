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
    with pytest.raises(InputError):
        KeyWork.from_params({**WISHES, "confirm": "true"})


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
