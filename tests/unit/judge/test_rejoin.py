# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.pg_control import Control
from ansible_collections.analytics.ops.plugins.module_utils._judge.rejoin import (
    follow_settings,
    plan_rejoin,
    require_rejoin,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

OLD = Control("7", "shut down", 5000, 2)
SOURCE = Row(standby=False, system_identifier="7", timeline=3)


@pytest.mark.parametrize(
    ("changes", "pid", "words"),
    [
        ({}, 42, r"A server runs on /data \(process 42\)"),
        ({"standby": True}, None, "is a standby itself"),
        ({"system_identifier": "8"}, None, "its system identifier is 7, that of the new primary 8"),
        ({"timeline": 1}, None, "is on timeline 2, which is newer than that of the new primary, 1"),
    ],
)
def test_what_cannot_follow(changes: dict[str, Any], pid: int | None, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        require_rejoin(OLD, SOURCE.but(**changes), pid, "/data")
    assert refused.value.advice.startswith("Nothing was changed. ")


@pytest.mark.parametrize(
    ("timeline", "is_set_up", "actions"),
    [
        (2, False, ["follow"]),
        (2, True, []),
        (3, False, ["rewind", "follow"]),
        (3, True, ["rewind", "follow"]),
    ],
)
def test_the_plan(timeline: int, is_set_up: bool, actions: list[str]) -> None:
    require_rejoin(OLD, SOURCE.but(timeline=timeline), None, "/data")
    steps = plan_rejoin(OLD, SOURCE.but(timeline=timeline), "/data", is_set_up)
    assert [step.action for step in steps] == actions


def test_settings_cannot_be_broken_out_of() -> None:
    text = follow_settings({"host": "a'b\\c\nport = 1", "passfile": ""}, "db1")
    assert text.splitlines()[1:] == [
        r"primary_conninfo = 'host=''a\\''b\\\\c\nport = 1'''",
        "primary_slot_name = 'db1'",
    ]
