# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to a real server are stopped and allowed again, and what goes round that is told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import errorcodes

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import found, module_result, run_module, start_module
from tests.support.pg_health import in_background
from tests.support.versions import chosen_versions, postgres_programs
from tests.support.waiting import until

PASSWORD = "only for this test"
SETTING, RECORD = "default_transaction_read_only", "analytics_ops.writes_stopped"
IN_FILE = "SELECT setting FROM pg_file_settings WHERE name = %s AND sourcefile LIKE '%%/postgresql.auto.conf'"
INSERT = "INSERT INTO orders VALUES (1)"


@pytest.fixture(scope="module", params=chosen_versions(), ids=lambda major: f"pg{major}")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    settings = {"max_prepared_transactions": "5", "max_logical_replication_workers": "0"}
    directory = tmp_path_factory.mktemp(f"writes{request.param}")
    made = PostgresServer(postgres_programs(request.param), directory, settings=settings).create().start()
    yield made
    made.stop()


class Shop:
    """Its clerk is an ordinary role; ``root`` stays able to write, to tidy up."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.root = database.session(options="-c default_transaction_read_only=off")

    def execute(self, statement: str, parameters: Any = None) -> list[tuple]:
        with self.root.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def session(self, **given: Any) -> Any:
        return self.database.session(**{"user": "clerk", "password": PASSWORD, **given})

    def writer(self, **given: Any) -> Any:
        """In a transaction that has written."""
        session = self.session(autocommit=False, **given)
        session.cursor().execute(INSERT)
        return session

    def refused(self) -> bool:
        """Whether a new client may not write."""
        session = self.session()
        with contextlib.closing(session):
            return refused(session)

    def file(self) -> tuple[Any, bool]:
        """What ALTER SYSTEM has set, and whether there is a record."""
        settings = [self.execute(IN_FILE, (name,)) for name in (SETTING, RECORD)]
        return settings[0][0][0] if settings[0] else None, bool(settings[1])

    def there(self, session: Any) -> bool:
        return bool(self.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid(session),)))

    def run(self, state: str, **options: Any) -> dict[str, Any]:
        result = run_module("pg_read_only", **self.options(state, **options))
        assert not result["failed"], result
        return result

    def options(self, state: str, **options: Any) -> dict[str, Any]:
        return {**self.database.login, "state": state, "wait_seconds": 0, "prove_seconds": 60, **options}

    def as_it_was(self) -> None:
        for name in (SETTING, RECORD):
            self.execute("SELECT set_config(%s, '', false)", (RECORD,))
            self.execute(f"ALTER SYSTEM RESET {name}")
        self.execute("SELECT pg_reload_conf()")
        until(lambda: not self.refused())


def refused(session: Any) -> bool:
    try:
        session.cursor().execute(INSERT)
    except psycopg2.errors.ReadOnlySqlTransaction:
        return True
    return False


def pid(session: Any) -> int:
    return session.info.backend_pid


def about(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(finding["check"], finding["severity"], finding["subject"]) for finding in result["findings"]]


@pytest.fixture
def shop(server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[Shop]:
    with Database.fresh(server, request.node.name) as database:
        made = Shop(database)
        made.execute("CREATE TABLE orders (id int)")
        made.execute("DROP ROLE IF EXISTS clerk")
        made.execute(f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'")
        made.execute("GRANT ALL ON orders TO clerk")
        yield made
        ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'clerk'"
        until(lambda: made.execute(ended) == [(0,)])
        made.execute("ALTER ROLE clerk RESET ALL")
        made.execute(f"ALTER DATABASE {database.name} RESET ALL")
        made.as_it_was()
        made.execute("DROP OWNED BY clerk; DROP ROLE clerk")


HELD = ("writes.stopped", "info", "server")


class Loop:
    """A client that writes again and again in one session, as one of a pool does, and takes note of what it gets."""

    def __init__(self, session: Any) -> None:
        self.written, self.codes, self.stop = 0, set(), threading.Event()
        self.session = session
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.stop.wait(0.005):
            try:
                with self.session.cursor() as cursor:
                    cursor.execute(INSERT)
                self.written += 1
            except psycopg2.Error as error:
                self.codes.add(error.pgcode)

    def __enter__(self) -> Loop:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        self.thread.join()


def test_a_client_that_writes_is_stopped_and_goes_on_afterwards(shop: Shop) -> None:
    with Loop(shop.session()) as loop:
        until(lambda: loop.written)
        planned = shop.run("stopped", check_mode=True)
        assert (planned["changed"], planned["done"], planned["findings"]) == (True, [], [])
        assert [(step["action"], step["subject"]) for step in planned["plan"]] == [("stop_writes", SETTING)]
        assert (shop.refused(), shop.file()) == (False, (None, False))

        stopped = shop.run("stopped", wait_seconds=60)
        assert (stopped["changed"], stopped["status"], about(stopped)) == (True, "healthy", [HELD])
        assert (stopped["stopped_by"], stopped["before"], stopped["is_primary"]) == ("postgres", None, True)
        assert "--tags allow_writes" in stopped["findings"][0]["advice"]
        until(lambda: loop.codes)
        written = loop.written
        assert (loop.codes, shop.refused()) == ({errorcodes.READ_ONLY_SQL_TRANSACTION}, True)

        again = shop.run("stopped", wait_seconds=60)
        assert (again["changed"], again["plan"], about(again)) == (False, [], [HELD])
        assert again["stopped_at"] == stopped["stopped_at"]
        assert shop.run("stopped", check_mode=True)["plan"] == []
        would = shop.run("allowed", check_mode=True)
        assert ([step["action"] for step in would["plan"]], would["changed"]) == (["allow_writes"], True)
        assert (loop.written, shop.refused()) == (written, True)

        allowed = shop.run("allowed")
        assert (allowed["changed"], allowed["findings"], allowed["msg"]) == (True, [], "Writes are allowed.")
        until(lambda: loop.written > written)
    assert (shop.refused(), shop.file()) == (False, (None, False))
    once_more = shop.run("allowed")
    assert (once_more["changed"], once_more["plan"], once_more["findings"]) == (False, [], [])


def test_it_holds_over_a_restart_until_somebody_takes_it_back(server: PostgresServer, tmp_path: Path) -> None:
    own = PostgresServer(server.programs, tmp_path / "own").create().start()
    database = Database(own, "postgres")
    given = {**database.login, "prove_seconds": 60}
    try:
        database.execute("CREATE TABLE orders (id int)")
        assert run_module("pg_read_only", state="stopped", **given)["changed"]
        database.close()
        own.stop()
        own.start()
        assert refused(database.session())
        assert run_module("pg_read_only", state="allowed", **given)["stopped_by"] == "postgres"
        assert not refused(database.session())
    finally:
        database.close()
        own.stop()


def test_what_was_set_before_comes_back(shop: Shop) -> None:
    shop.execute(f"ALTER SYSTEM SET {SETTING} = 'false'")
    assert shop.run("stopped")["before"] == "false"
    assert shop.file() == ("on", True)
    shop.run("allowed")
    assert (shop.file(), shop.refused()) == (("false", False), False)


def test_what_somebody_else_has_set_is_told_and_left_alone(shop: Shop) -> None:
    shop.execute(f"ALTER SYSTEM SET {SETTING} = on")
    shop.execute("SELECT pg_reload_conf()")
    until(shop.refused)
    stopped = shop.run("stopped")
    assert (stopped["changed"], about(stopped), shop.file()) == (False, [HELD], ("on", False))
    allowed = shop.run("allowed")
    assert (allowed["changed"], allowed["status"]) == (False, "unhealthy")
    (finding,) = found(allowed, "writes.proof")
    assert "postgresql.auto.conf, line" in finding["message"]
    assert shop.refused()


def test_what_somebody_has_changed_since_is_left_so(shop: Shop) -> None:
    shop.run("stopped")
    shop.execute(f"ALTER SYSTEM SET {SETTING} = 'no'")
    result = shop.run("allowed")
    assert (result["changed"], result["findings"], shop.file()) == (True, [], ("no", False))


def test_a_run_that_was_killed_in_between_is_gone_on_with(shop: Shop) -> None:
    """Once after the record was written, once before the server was told to read what was set."""
    shop.execute("SELECT set_config(%s, '', false)", (RECORD,))
    shop.execute(f"""ALTER SYSTEM SET {RECORD} = '{{"was": "off", "by": "late", "at": "once"}}'""")
    result = shop.run("stopped")
    assert (result["changed"], result["before"], result["stopped_by"]) == (True, None, "postgres")
    shop.run("allowed")
    shop.execute(f"""ALTER SYSTEM SET {RECORD} = '{{"was": null, "by": "late", "at": "once"}}'""")
    shop.execute(f"ALTER SYSTEM SET {SETTING} = on")
    result = shop.run("stopped")
    assert (result["changed"], result["stopped_by"], shop.refused()) == (True, "late", True)
    shop.run("allowed")
    assert (shop.file(), shop.refused()) == ((None, False), False)


def test_a_record_that_nobody_can_read_is_refused(shop: Shop) -> None:
    shop.execute("SELECT set_config(%s, '', false)", (RECORD,))
    shop.execute(f"ALTER SYSTEM SET {RECORD} = 'nonsense'")
    for state in ("stopped", "allowed"):
        result = run_module("pg_read_only", **shop.options(state))
        assert result["failed"]
        assert "is not what this module writes: nonsense." in result["msg"]
    assert not shop.refused()


def test_a_long_transaction_is_waited_for(shop: Shop) -> None:
    writer = shop.writer()
    process = start_module("pg_read_only", **shop.options("stopped", wait_seconds=600))
    until(shop.refused)
    assert process.poll() is None
    writer.commit()
    result = module_result(process)
    assert (result["status"], about(result)) == ("healthy", [HELD])
    assert shop.execute("SELECT count(*) > 0 FROM orders") == [(True,)]


def test_an_interrupt_while_it_waits_says_that_writes_are_stopped(shop: Shop) -> None:
    shop.writer()
    process = start_module("pg_read_only", **shop.options("stopped", wait_seconds=600))
    until(shop.refused)
    process.terminate()
    result = module_result(process)
    assert result["failed"]
    assert result["msg"].startswith("Interrupted. Writes are stopped already")
    assert (shop.refused(), shop.file()) == (True, ("on", True))


def test_an_interrupt_while_it_connects_is_none_that_gets_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        login = {"login_host": "127.0.0.1", "login_port": silent.getsockname()[1], "connect_timeout": 600}
        process = start_module("pg_read_only", state="stopped", **login)
        with silent.accept()[0] as client:
            client.recv(1)
            process.terminate()
            result = module_result(process)
    assert result["failed"]
    assert result["msg"].startswith("Interrupted.")


def test_who_still_writes_is_told_and_ended_only_when_asked(shop: Shop) -> None:
    writer = shop.writer(application_name="import")
    superuser = shop.writer(user="postgres", password=shop.database.server.password)
    told = shop.run("stopped")
    assert told["status"] == "unhealthy"
    running = {finding["subject"]: finding for finding in found(told, "writes.running")}
    assert set(running) == {f"session {pid(writer)}", f"session {pid(superuser)}"}
    assert "'import'" in running[f"session {pid(writer)}"]["message"]
    assert "triage_stop_writes_terminate=true" in running[f"session {pid(writer)}"]["advice"]
    assert shop.there(writer)
    would = shop.run("stopped", terminate_writers=True, check_mode=True)
    assert ([step["pid"] for step in would["plan"]], would["done"]) == ([pid(writer)], [])
    assert shop.there(writer)

    ended = shop.run("stopped", terminate_writers=True)
    assert (ended["changed"], [step["pid"] for step in ended["done"]]) == (True, [pid(writer)])
    assert not shop.there(writer)
    assert [step["pid"] for step in ended["remaining"]] == [pid(superuser)]
    assert "Its user is a superuser" in ended["remaining"][0]["reason"]
    assert [finding["subject"] for finding in found(ended, "writes.running")] == [f"session {pid(superuser)}"]
    assert shop.there(superuser)

    last = shop.run("stopped", terminate_writers=True, also=["superusers"])
    assert ([step["pid"] for step in last["done"]], last["remaining"]) == ([pid(superuser)], [])
    assert (last["status"], about(last)) == ("healthy", [HELD])
    assert shop.execute("SELECT count(*) FROM orders") == [(0,)]


def test_who_could_still_write_is_told(shop: Shop) -> None:
    reader = shop.session(autocommit=False)
    reader.cursor().execute("SELECT 1")
    dump = shop.session(autocommit=False, application_name="pg_dump")
    dump.cursor().execute("SELECT 1")
    result = shop.run("stopped", terminate_writers=True)
    assert result["status"] == "degraded"
    assert about(result) == [("writes.open", "warning", f"session {pid(reader)}"), HELD]
    assert not refused(reader), "it is true: what it says is no false alarm"


def test_a_procedure_that_commits_on_its_way_is_seen(shop: Shop) -> None:
    """Its session reads the new setting only when the call has ended."""
    shop.execute("""
        CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN
            LOOP INSERT INTO public.orders VALUES (2); COMMIT; PERFORM pg_sleep(0.01); END LOOP;
        END $$""")
    worker = in_background(shop.session(), "CALL fill()")
    until(lambda: shop.execute("SELECT count(*) > 0 FROM orders") == [(True,)])
    result = shop.run("stopped")
    assert ({finding["subject"] for finding in result["findings"]}) == {f"session {pid(worker)}", "server"}
    ended = shop.run("stopped", terminate_writers=True)
    assert [step["pid"] for step in ended["done"]] == [pid(worker)]
    assert about(ended) == [HELD]


def test_settings_of_roles_and_databases_that_win_over_it_are_found(shop: Shop) -> None:
    name = shop.database.name
    shop.execute(f"ALTER ROLE clerk SET {SETTING} = 'f'")
    shop.execute(f"ALTER ROLE clerk IN DATABASE {name} SET {SETTING} = off")
    shop.execute(f"ALTER DATABASE {name} SET {SETTING} = off")
    result = shop.run("stopped", login_db="postgres")
    subjects = [f"database {name}", "role clerk", f"role clerk in database {name}"]
    assert about(result) == [("writes.overrides", "warning", subject) for subject in subjects] + [HELD]
    assert result["status"] == "degraded"
    assert not shop.refused(), "it is true: what it says is no false alarm"
    for finding in found(result, "writes.overrides"):
        shop.database.session(dbname="postgres").cursor().execute(finding["advice"].partition(". That ")[0])
    assert about(shop.run("stopped", login_db="postgres")) == [HELD]
    assert shop.refused()


def test_an_attempt_that_proves_nothing_for_others_is_none(shop: Shop) -> None:
    shop.execute(f"ALTER DATABASE {shop.database.name} SET {SETTING} = on")
    stopped = shop.run("stopped")
    assert (stopped["changed"], about(stopped)) == (True, [("writes.proof", "warning", "server")])
    assert "a setting of this database" in stopped["findings"][0]["message"]
    assert (shop.run("stopped")["changed"], shop.file()) == (False, ("on", True))
    allowed = shop.run("allowed", prove_seconds=0.5)
    assert (allowed["changed"], about(allowed)) == (True, [("writes.proof", "critical", "server")])
    assert shop.file() == (None, False)


def test_who_puts_it_aside_is_seen_once_it_writes(shop: Shop) -> None:
    shop.run("stopped")
    session = shop.session()
    # A transaction that begins within a second of the stop counts as one from before.
    until(lambda: shop.execute("SELECT clock_timestamp() > pg_conf_load_time() + interval '1 s'") == [(True,)])
    session.cursor().execute("BEGIN READ WRITE")
    session.cursor().execute(INSERT)
    result = shop.run("stopped", terminate_writers=True)
    assert about(result) == [("writes.running", "critical", f"session {pid(session)}"), HELD]
    assert "writes although writes are stopped" in result["findings"][0]["message"]
    assert shop.there(session)


def test_prepared_transactions_and_subscriptions_are_told(shop: Shop) -> None:
    shop.execute(f"BEGIN; {INSERT}; PREPARE TRANSACTION 'two-phase'")
    shop.execute("CREATE SUBSCRIPTION feed CONNECTION 'port=1' PUBLICATION p WITH (connect = false, slot_name = 'x')")
    shop.execute("ALTER SUBSCRIPTION feed ENABLE")
    try:
        result = shop.run("stopped")
        (prepared,) = found(result, "writes.prepared")
        (subscription,) = found(result, "writes.subscriptions")
        assert about(result)[-1] == HELD
        for finding in (prepared, subscription):
            session = shop.database.session()
            session.cursor().execute(finding["advice"].partition(": ")[2].rstrip("."))
        assert about(shop.run("stopped")) == [HELD]
    finally:
        shop.execute("ALTER SUBSCRIPTION feed SET (slot_name = NONE)")
        shop.execute("DROP SUBSCRIPTION feed")


def test_a_standby_is_left_alone(shop: Shop, server: PostgresServer, tmp_path: Path) -> None:
    standby = PostgresServer(server.programs, tmp_path / "standby").create_replica(server)
    standby.start()
    down = Database(standby, "postgres")
    try:
        for state in ("stopped", "allowed"):
            result = run_module("pg_read_only", **down.login, state=state)
            assert (result["failed"], result["changed"], result["is_primary"]) == (False, False, False)
            assert about(result) == [("writes.standby", "info", "server")]
            assert "is a standby" in result["msg"]
        assert down.value("SELECT count(*) FROM pg_file_settings WHERE name = %s", (SETTING,)) == 0
    finally:
        down.close()
        standby.stop()
        shop.execute("SELECT pg_drop_replication_slot('replica')")


def test_missing_rights_are_one_clear_message(shop: Shop, server: PostgresServer) -> None:
    login = {"login_user": "clerk", "login_password": PASSWORD}
    blind = run_module("pg_read_only", **shop.options("stopped", **login))
    assert blind["failed"]
    assert "GRANT pg_monitor, pg_signal_backend TO clerk" in blind["msg"]
    shop.execute("GRANT pg_monitor TO clerk")
    denied = run_module("pg_read_only", **shop.options("stopped", **login))
    assert denied["failed"]
    assert "may not stop or allow writes" in denied["msg"]
    assert not shop.refused()
    if shop.root.server_version < 150000:
        assert "a superuser alone may" in denied["msg"]
        return
    shop.execute(denied["msg"].partition("As a superuser: ")[2].rstrip("."))
    assert about(shop.run("stopped", **login)) == [HELD]
    assert shop.refused()
    allowed = shop.run("allowed", **login)
    assert (allowed["findings"], allowed["stopped_by"], shop.refused()) == ([], "clerk", False)
    shop.execute(f"REVOKE ALL ON PARAMETER {SETTING}, {RECORD} FROM clerk")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"state": "stopped", "wait_seconds": -1}, "wait_seconds is -1."),
        ({"state": "stopped", "prove_seconds": 0}, "prove_seconds is 0."),
        ({"state": "stopped"}, "cannot be used"),
        ({"state": "allowed"}, "cannot be used"),
    ],
)
def test_wrong_options_and_a_dead_server_are_one_message(options: dict[str, Any], text: str) -> None:
    result = run_module("pg_read_only", login_host="127.0.0.1", login_port=1, **options)
    assert result["failed"]
    assert text in result["msg"]
    assert "Traceback" not in result["msg"]
