# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.lock import (
    Lock,
    not_ours,
    plan_to_acquire,
    plan_to_release,
    read_lock,
)
from hypothesis import given
from hypothesis import strategies as st

NOON = 1767268800.0  # 2026-01-01T12:00:00Z
LOCK = Lock("abc", "weekly", "alice", "db1", NOON, NOON + 3600)


def test_a_lock_is_read_as_it_was_written() -> None:
    assert read_lock(LOCK.as_json().encode(), "weekly", 0, 0) == LOCK


def test_the_message_says_who_since_when_how_long_and_how_to_go_on() -> None:
    with pytest.raises(Refused) as error:
        plan_to_acquire(LOCK, "weekly", NOON + 600, None)
    assert error.value.text == (
        "The lock 'weekly': it is held by 'alice' on db1 since 2026-01-01T12:00:00Z (10 min ago); it expires at "
        "2026-01-01T13:00:00Z, in 50 min. Wait for that run to end. Only when you know that it is dead, take the lock "
        "over by its id: takeover=abc (for this collection's playbooks: -e maintenance_frame_takeover=abc)."
    )


@pytest.mark.parametrize(
    ("held", "now", "takeover", "action"),
    [
        (None, NOON, None, "acquire"),
        (None, NOON, "abc", "acquire"),
        (LOCK, NOON + 3600, None, "take_over"),
        (LOCK, NOON + 3600, "other", "take_over"),
        (LOCK, NOON + 3599, "abc", "take_over"),
    ],
)
def test_when_the_lock_may_be_had(held: Lock | None, now: float, takeover: str | None, action: str) -> None:
    assert plan_to_acquire(held, "weekly", now, takeover).action == action


def test_the_wrong_id_takes_nothing_over() -> None:
    with pytest.raises(Refused, match="It is not the lock 'abcd' that was to be taken over"):
        plan_to_acquire(LOCK, "weekly", NOON, "abcd")


def test_only_the_holder_releases() -> None:
    assert plan_to_release(LOCK, "weekly", "abc").action == "release"
    assert plan_to_release(LOCK, "weekly", "abcd") is None
    assert plan_to_release(None, "weekly", "abc") is None


def test_a_lock_that_was_taken_over_is_left_with_its_new_holder() -> None:
    assert not_ours(LOCK, NOON + 600) == (
        "The lock 'weekly' was not released: it is held by 'alice' on db1 since 2026-01-01T12:00:00Z (10 min ago). "
        "It was taken over, or the id is of an earlier run."
    )


DAMAGED = [
    b"",
    b"\0" * 4096,
    b"[]",
    b"null",
    b"[" * 100000,
    b'{"id": 7}',
    LOCK.as_json().encode()[:-20],
    LOCK.as_json().replace("2026-01-01T13", "2026-13-01T13").encode(),
    LOCK.as_json().replace('"abc"', '""').encode(),
    LOCK.as_json().replace('"alice"', "null").encode(),
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_a_lock_that_can_expire_and_be_taken_over(content: bytes) -> None:
    lock = read_lock(content, "weekly", NOON, 3600)
    with pytest.raises(Refused, match="its file is damaged, so nobody can tell who holds it; it was written at 2026-"):
        plan_to_acquire(lock, "weekly", NOON + 60, None)
    assert plan_to_acquire(lock, "weekly", NOON + 60, lock.id).action == "take_over"
    assert plan_to_acquire(lock, "weekly", NOON + 3600, None).action == "take_over"
    assert lock.id == read_lock(content, "weekly", NOON, 3600).id != read_lock(content, "weekly", NOON + 1, 3600).id


@given(st.binary())
def test_no_content_is_too_strange(content: bytes) -> None:
    assert read_lock(content, "weekly", NOON, 3600).damaged


def test_hostile_content_is_shown_harmlessly() -> None:
    content = LOCK.as_json().replace("alice", "\\u001b[2Jmallory").encode()
    with pytest.raises(Refused) as error:
        plan_to_acquire(read_lock(content, "weekly", NOON, 3600), "weekly", NOON, None)
    assert "\\x1b[2Jmallory" in error.value.text
