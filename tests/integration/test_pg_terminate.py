# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions in the way of others, made for real, and ended: exactly those, and none that must stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._act.terminate import end_sessions
from ansible_collections.analytics.ops.plugins.module_utils._judge.pg_terminate import Wanted, choose
from ansible_collections.analytics.ops.plugins.module_utils._observe.pg_sessions import observe_sessions
from ansible_collections.analytics.ops.plugins.module_utils._observe.postgres import (
    APPLICATION_NAME,
    PostgresClient,
    PostgresLogin,
)

from tests.support.databases import Database
from tests.support.modules import run_module
from tests.support.pg_health import in_background
from tests.support.waiting import until

PASSWORD = "only for this test"


class Office:
    """A shop whose staff are ordinary roles, as they are on a real server."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.names = [f"{role}_{database.name}"[:60] for role in ("clerk", "keeper", "guest")]
        self.clerk, self.keeper, self.guest = self.names

    def session(self, **given: Any) -> Any:
        return self.database.session(**{"user": self.clerk, "password": PASSWORD, **given})

    def holder(self, **given: Any) -> Any:
        session = self.session(autocommit=False, **given)
        session.cursor().execute("UPDATE orders SET note = 'x' WHERE id = 1")
        return session

    def waiter(self) -> Any:
        """Waits behind the holder."""
        before = self.waiting()
        session = in_background(self.session(), "UPDATE orders SET note = 'y' WHERE id = 1")
        until(lambda: self.waiting() > before)
        return session

    def waiting(self) -> int:
        return self.database.value("SELECT count(*) FROM pg_locks WHERE NOT granted")

    def there(self, session: Any) -> bool:
        return self.database.value("SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = %s", (pid(session),))

    def terminate(self, **options: Any) -> dict[str, Any]:
        given = {**self.database.login, "databases": [self.database.name], **options}
        return run_module("pg_terminate", **given)


def pid(session: Any) -> int:
    return session.info.backend_pid


def pids(steps: list[dict[str, Any]]) -> list[int]:
    return [step["pid"] for step in steps]


@pytest.fixture
def office(shop: Database) -> Iterator[Office]:
    made = Office(shop)
    for role in made.names:
        shop.execute(f"DROP ROLE IF EXISTS {role}")
        shop.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    shop.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {made.clerk}")
    shop.execute(f"GRANT pg_monitor TO {made.keeper}")
    yield made
    ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = ANY(%s)"
    until(lambda: not shop.value(ended, (made.names,)))
    for role in made.names:
        shop.execute(f"DROP OWNED BY {role}")
        shop.execute(f"DROP ROLE {role}")


def test_who_blocks_others_goes_and_they_move(office: Office) -> None:
    root, bystander = office.holder(application_name="forgotten"), office.session(autocommit=False)
    bystander.cursor().execute("SELECT 'secret-token' FROM orders")
    waiter = office.waiter()

    planned = office.terminate(blocking_seconds=0, check_mode=True)
    assert (planned["changed"], pids(planned["plan"]), planned["done"]) == (True, [pid(root)], [])
    assert "1 session waits for a lock of it" in planned["plan"][0]["reason"]
    assert office.there(root)

    done = office.terminate(blocking_seconds=0)
    assert (done["changed"], pids(done["done"]), done["remaining"]) == (True, [pid(root)], [])
    assert (done["waiting_before"], done["waiting_after"]) == (1, 0)
    assert "'forgotten'" in done["done"][0]["subject"]
    assert not office.there(root)
    assert office.there(waiter)
    assert office.there(bystander)

    again = office.terminate(blocking_seconds=0)
    assert (again["changed"], again["plan"], again["msg"]) == (False, [], "No session is to go.")


def test_nobody_goes_before_the_time_is_over(office: Office) -> None:
    root = office.holder()
    office.waiter()
    result = office.terminate(blocking_seconds=3600, idle_in_transaction_seconds=3600, statement_seconds=3600)
    assert (result["changed"], result["plan"], result["remaining"]) == (False, [], [])
    assert office.there(root)


def test_idle_in_transaction(office: Office) -> None:
    session, idle = office.holder(), office.session()
    result = office.terminate(idle_in_transaction_seconds=0)
    assert pids(result["done"]) == [pid(session)]
    assert office.there(idle), "idle without a transaction is in nobody's way"


def test_what_must_stay_stays_unless_it_is_named(office: Office) -> None:
    """A superuser and a backup, both idle in transaction; each goes only when its kind is named."""
    superuser = office.holder(user="postgres", password=office.database.server.password)
    dump = office.session(autocommit=False, application_name="pg_dump")
    dump.cursor().execute("SELECT 1")
    spared = office.terminate(idle_in_transaction_seconds=0)
    assert spared["changed"] is False
    reasons = {step["pid"]: step["reason"].partition(".")[0] for step in spared["remaining"]}
    assert reasons == {pid(superuser): "Its user is a superuser", pid(dump): "It is a backup"}
    assert pids(office.terminate(idle_in_transaction_seconds=0, also=["backups"])["done"]) == [pid(dump)]
    assert pids(office.terminate(idle_in_transaction_seconds=0, also=["superusers"])["done"]) == [pid(superuser)]


def test_processes_of_the_server_and_the_own_session_are_never_ended(office: Office) -> None:
    checkpointer = office.database.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
    result = office.terminate(pid=checkpointer, databases=[], also=["superusers", "backups", "replication"])
    assert (result["changed"], pids(result["remaining"])) == (False, [checkpointer])
    assert "process of the server" in result["remaining"][0]["reason"]


def test_what_works_is_spared_until_it_is_said_otherwise(office: Office) -> None:
    worker = in_background(office.session(), "BEGIN; LOCK orders; SELECT pg_sleep(600)")
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
    until(lambda: office.database.value(asleep, (pid(worker),)))
    blocked = in_background(office.session(), "SELECT count(*) FROM orders")
    until(lambda: office.waiting() > 0)
    spared = office.terminate(blocking_seconds=0)
    assert (spared["changed"], pids(spared["remaining"])) == (False, [pid(worker)])
    assert "at work" in spared["remaining"][0]["reason"]
    cancelled = office.terminate(blocking_seconds=0, active=True, action="cancel")
    assert (pids(cancelled["done"]), cancelled["waiting_after"]) == ([pid(worker)], 0)
    assert office.there(worker), "a cancelled statement leaves its session"
    assert office.there(blocked)


def test_a_statement_that_runs_too_long(office: Office) -> None:
    worker = in_background(office.session(), "SELECT pg_sleep(600)")
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
    until(lambda: office.database.value(asleep, (pid(worker),)))
    assert pids(office.terminate(statement_seconds=0, users=[office.guest])["plan"]) == []
    assert pids(office.terminate(statement_seconds=0, users=[office.clerk])["done"]) == [pid(worker)]
    assert not office.there(worker)


def test_one_session_by_number_and_start(office: Office) -> None:
    first, second = office.holder(), office.session()
    planned = office.terminate(pid=pid(first), check_mode=True)["plan"][0]
    other = office.terminate(pid=pid(first), backend_start="2001-01-01 00:00:00+00")
    assert (other["changed"], other["plan"]) == (False, [])
    result = office.terminate(pid=pid(first), backend_start=planned["backend_start"])
    assert pids(result["done"]) == [pid(first)]
    assert office.there(second)


def test_who_has_moved_on_since_is_left_alone(office: Office) -> None:
    """Between the look and the deed it commits and begins anew: its new work is not what was chosen."""
    session, still = office.holder(), office.session(autocommit=False)
    still.cursor().execute("SELECT 1")
    login = PostgresLogin.from_params(office.database.login)
    with PostgresClient(login) as client:
        wanted = Wanted(idle_in_transaction_seconds=0, databases=[office.database.name])
        plan = choose(observe_sessions(client), wanted, APPLICATION_NAME).plan
        assert {step.details["pid"] for step in plan} == {pid(session), pid(still)}
        session.commit()
        session.cursor().execute("SELECT 1")
        told = end_sessions(client, plan, "terminate")
        assert [step.details["pid"] for step in told] == [pid(still)]
    until(lambda: not office.there(still))
    assert office.there(session)


def test_a_missing_right_is_named(office: Office) -> None:
    root = office.holder()
    login = {"login_password": PASSWORD, "idle_in_transaction_seconds": 0}
    blind = office.terminate(login_user=office.guest, **login)
    assert blind["failed"]
    assert f"GRANT pg_monitor, pg_signal_backend TO {office.guest}" in blind["msg"]
    denied = office.terminate(login_user=office.keeper, **login)
    assert denied["failed"]
    assert f"GRANT pg_signal_backend TO {office.keeper}" in denied["msg"]
    assert office.there(root)
    office.database.execute(f"GRANT pg_signal_backend TO {office.keeper}")
    assert pids(office.terminate(login_user=office.keeper, **login)["done"]) == [pid(root)]


def test_a_superuser_is_ended_by_superusers_alone(office: Office) -> None:
    office.database.execute(f"GRANT pg_signal_backend TO {office.keeper}")
    own, root = (
        office.holder(),
        office.session(autocommit=False, user="postgres", password=office.database.server.password),
    )
    root.cursor().execute("SELECT 1")
    login = {"login_user": office.keeper, "login_password": PASSWORD, "also": ["superusers"]}
    result = office.terminate(idle_in_transaction_seconds=0, **login)
    assert (pids(result["done"]), pids(result["remaining"])) == ([pid(own)], [pid(root)])
    assert "superuser's session needs a superuser" in result["remaining"][0]["reason"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "Nothing says which sessions are to go."),
        ({"blocking_seconds": -1}, "blocking_seconds is -1."),
        ({"blocking_seconds": 1, "backend_start": "2026-01-01"}, "backend_start is given without pid."),
        ({"blocking_seconds": 1, "within_seconds": 0}, "within_seconds is 0."),
    ],
)
def test_wrong_options_touch_nothing(options: dict[str, Any], text: str) -> None:
    result = run_module("pg_terminate", login_host="127.0.0.1", login_port=1, **options)
    assert result["failed"]
    assert text in result["msg"]


def test_a_dead_server_is_one_clear_message() -> None:
    result = run_module("pg_terminate", login_host="127.0.0.1", login_port=1, blocking_seconds=1)
    assert result["failed"]
    assert "cannot be used" in result["msg"]
    assert "Traceback" not in result["msg"]
