# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to go and who is spared; on real sessions in ``tests/integration/test_pg_terminate.py``."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.pg_terminate import (
    Choice,
    Wanted,
    choose,
    lacks_right,
    unfinished,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import SESSION

OWN = "analytics.ops"
ACTIVE = SESSION.but(state="active")
ALL_LIMITS = {"blocking_seconds": 30, "idle_in_transaction_seconds": 60, "statement_seconds": 60}


def waiter(pid: int, behind: int, seconds: Any) -> Row:
    return SESSION.but(
        pid=pid, state="active", wait_event_type="Lock", blockers=[behind], waited_seconds=seconds, query="LOCK orders"
    )


def chosen(*sessions: Row, **wanted: Any) -> Choice:
    return choose(sessions, Wanted(**wanted), OWN)


def pids(steps: Any) -> list[int]:
    return [step.details["pid"] for step in steps]


@pytest.mark.parametrize(
    ("session", "wanted", "goes"),
    [
        (SESSION, {"idle_in_transaction_seconds": 60}, True),
        (SESSION.but(state="idle in transaction (aborted)"), {"idle_in_transaction_seconds": 60}, True),
        (SESSION, {"idle_in_transaction_seconds": 60.1}, False),
        (SESSION, {"idle_in_transaction_seconds": None, "statement_seconds": 0}, False),
        (SESSION.but(state="idle"), {"idle_in_transaction_seconds": 0}, False),
        (SESSION.but(state=None), {"idle_in_transaction_seconds": 0}, False),
        (SESSION.but(state_seconds=None), {"idle_in_transaction_seconds": 0}, False),
        (ACTIVE, {"statement_seconds": 60}, True),
        (ACTIVE, {"statement_seconds": 60.1}, False),
        (ACTIVE, {"idle_in_transaction_seconds": 0}, False),
        (ACTIVE.but(wait_event_type="Lock"), {"statement_seconds": 0}, False),
        (SESSION, {"blocking_seconds": 0}, False),
        (SESSION, {"pid": 1}, True),
        (SESSION, {"pid": 2, **ALL_LIMITS}, False),
        (SESSION, {"pid": 1, "backend_start": "09:00"}, True),
        (SESSION, {"pid": 1, "backend_start": "08:00"}, False),
        (SESSION, {"pid": 1, "users": ["app", "x"], "databases": ["shop"], "applications": ["api"]}, True),
        (SESSION, {"pid": 1, "users": ["x"]}, False),
        (SESSION, {"pid": 1, "databases": ["x"]}, False),
        (SESSION, {"pid": 1, "applications": ["x"]}, False),
    ],
)
def test_who_is_chosen(session: Row, wanted: dict[str, Any], goes: bool) -> None:
    choice = chosen(session, **wanted)
    assert (bool(choice.plan), choice.spared) == (goes, ())


@pytest.mark.parametrize(("waited", "goes"), [(30, True), (29.9, False), (None, False)])
def test_who_blocks_goes_by_the_longest_that_waits(waited: Any, goes: bool) -> None:
    """Through a queue: only its root is chosen."""
    choice = chosen(SESSION, waiter(2, 1, 1), waiter(3, 2, waited), blocking_seconds=30)
    assert pids(choice.plan) == ([1] if goes else [])
    assert choice.waiting == 2


def test_the_reason_tells_who_waits_and_hides_what_is_secret() -> None:
    (step,) = chosen(SESSION, waiter(2, 1, 45), waiter(3, 1, 5), blocking_seconds=30).plan
    assert step.reason == (
        "2 sessions wait for a lock of it, the longest for 45 s. "
        "It is idle in transaction for 1 min, last statement: UPDATE orders SET note = '…'."
    )
    assert step.subject == "Session 1 (application 'api', user app, database shop)"
    assert step.as_dict() == {
        "action": "terminate",
        "subject": step.subject,
        "reason": step.reason,
        "pid": 1,
        "backend_start": "09:00",
        "transaction_start": "10:00",
        "state": "idle in transaction",
        "user": "app",
        "database": "shop",
        "application_name": "api",
    }
    (step,) = chosen(SESSION, waiter(2, 1, 45), blocking_seconds=30, idle_in_transaction_seconds=1).plan
    assert step.reason.startswith("1 session waits for a lock of it")


@pytest.mark.parametrize(
    ("session", "wanted", "why"),
    [
        (SESSION.but(own=True), {}, "It is this very session."),
        (SESSION.but(backend_type="walsender"), {}, "It serves a replica or a base backup."),
        (SESSION.but(backend_type="walsender"), {"also": ["replication"]}, ""),
        (SESSION.but(backend_type="checkpointer"), {"also": ["replication"]}, "It is a process of the server itself."),
        (SESSION.but(application=OWN), {}, "It is a run of this collection."),
        (SESSION.but(application="pgBackRest [backup]"), {}, "It is a backup."),
        (SESSION.but(application="pg_dump"), {"also": ["superusers"]}, "It is a backup."),
        (SESSION.but(application="pg_dump"), {"also": ["backups"]}, ""),
        (SESSION.but(application=None), {}, ""),
        (SESSION.but(superuser=True), {"also": ["backups"]}, "Its user is a superuser."),
        (SESSION.but(superuser=True), {"also": ["superusers"]}, ""),
        (SESSION, {"action": "cancel"}, "It runs no statement that could be cancelled."),
        (ACTIVE, {"action": "cancel"}, ""),
        (ACTIVE.but(query="VACUUM orders"), {}, ""),  # it is named by its number
    ],
)
def test_who_is_spared(session: Row, wanted: dict[str, Any], why: str) -> None:
    choice = chosen(session, pid=1, **wanted)
    assert [step.reason.startswith(why) for step in choice.spared] == ([True] if why else [])
    assert bool(choice.plan) == (not why)


@pytest.mark.parametrize(
    ("blocker", "wanted", "why"),
    [
        (ACTIVE, {}, "It is at work, and 'active' is not set."),
        (ACTIVE, {"active": True}, ""),
        (ACTIVE, {"statement_seconds": 60}, ""),
        (ACTIVE.but(query="VACUUM orders"), {"active": True}, "It maintains something."),
        (SESSION.but(query="VACUUM orders"), {}, ""),
        (SESSION.but(state="idle"), {}, ""),  # it holds an advisory lock
    ],
)
def test_who_blocks_while_it_works_is_spared(blocker: Row, wanted: dict[str, Any], why: str) -> None:
    choice = chosen(blocker, waiter(2, 1, 45), blocking_seconds=30, **wanted)
    assert [step.reason.startswith(why) for step in choice.spared] == ([True] if why else [])
    assert pids(choice.plan) == ([] if why else [1])


def test_the_plan_is_in_order_and_goes_on_behind_what_is_spared() -> None:
    sessions = [
        SESSION.but(pid=3),
        SESSION.but(pid=1, superuser=True),
        SESSION.but(pid=2, state="idle"),
        SESSION.but(pid=4),
    ]
    choice = chosen(*sessions, idle_in_transaction_seconds=0)
    assert (pids(choice.plan), pids(choice.spared)) == ([3, 4], [1])


def test_names_any() -> None:
    assert not Wanted().names_any
    for name in (*ALL_LIMITS, "pid"):
        assert Wanted(**{name: 0}).names_any


def test_rights_and_what_is_left() -> None:
    plan = chosen(SESSION, SESSION.but(pid=2), pid=None, idle_in_transaction_seconds=0).plan
    assert pids(lacks_right(plan, [SESSION, SESSION.but(pid=2, may_signal=False)])) == [2]
    assert pids(unfinished(plan, [SESSION, SESSION.but(pid=2, backend_start="11:00")], "terminate")) == [1]
    assert unfinished(plan, [], "terminate") == []
    assert pids(unfinished(plan, [SESSION, ACTIVE.but(pid=2)], "cancel")) == [2]
    assert unfinished(plan, [ACTIVE.but(transaction_start="11:00")], "cancel") == []
