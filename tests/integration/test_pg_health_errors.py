# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that cannot be asked is an answer: one clear message, within its timeout, and no failed task."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest

from demo.embedded import process
from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import module_result, run_module, start_module
from tests.support.pg_health import HEALTHY_SETTINGS, check, only
from tests.support.waiting import until


def unreachable(result, *words):
    """One critical finding with one clear message, which is also the result's own; returns it."""
    finding = only(result, "pg.reachable", "critical")
    for word in words:
        assert word in finding["message"], finding["message"]
    assert "\n" not in result["msg"]
    assert result["msg"] == f"{finding['message']} {finding['advice']}"
    assert result["measurements"] == {}
    assert "Traceback" not in str(result)
    return finding


def test_wrong_password(empty):
    finding = unreachable(check(empty, login_password="wrong-secret"), "password authentication failed")
    assert "login_password" in finding["advice"]
    assert "wrong-secret" not in str(finding)


def test_closed_port(empty):
    finding = unreachable(check(empty, login_port=process.free_port()), "refused")
    assert "login_port" in finding["advice"]


def test_database_that_does_not_exist(empty):
    unreachable(check(empty, login_db="nowhere"), '"nowhere" does not exist')


def test_role_that_may_not_connect(empty):
    empty.execute("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN PASSWORD 'stranger-secret'")
    empty.execute(f"REVOKE CONNECT ON DATABASE {empty.name} FROM public")
    finding = unreachable(
        check(empty, login_user="stranger", login_password="stranger-secret"), "permission denied for database"
    )
    assert "GRANT CONNECT" in finding["advice"]
    empty.execute("DROP ROLE stranger")


def test_accepts_and_never_answers():
    """A real listening socket. The proof of the timeout is that there is an answer at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = run_module("pg_health", login_host="127.0.0.1", login_port=port, connect_timeout=0.5)
    finding = unreachable(result, "did not answer within 0.5 seconds")
    assert "connect_timeout" in finding["advice"]


def test_accepts_and_talks_nonsense():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection = listener.accept()[0]
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        port = listener.getsockname()[1]
        result = run_module("pg_health", login_host="127.0.0.1", login_port=port, connect_timeout=5, ssl_mode="disable")
    unreachable(result, "cannot be used")


@pytest.fixture
def own(healthy_postgres, tmp_path):
    """A server of the test's own, which it may stop and break."""
    server = PostgresServer(healthy_postgres.programs, tmp_path / "own", settings=dict(HEALTHY_SETTINGS)).create()
    server.start()
    yield server
    server.stop(signal.SIGQUIT)


def test_too_many_clients(own):
    database = Database(own, "postgres")
    for _number in range(50):
        database.session()
    finding = unreachable(check(database), "too many clients")
    assert "pg_stat_activity" in finding["advice"]
    database.close()


def test_only_reserved_connections_left(own):
    database = Database(own, "postgres")
    database.execute("CREATE ROLE monitor LOGIN PASSWORD 'stranger-secret' IN ROLE pg_monitor")
    for _number in range(46):
        database.session()
    unreachable(check(database, login_user="monitor", login_password="stranger-secret"), "remaining connection slots")
    database.close()


def test_shutting_down(own):
    """A smart shutdown waits for the sessions that are there and lets nobody in."""
    database = Database(own, "postgres")
    database.session()
    os.kill(own.pid, signal.SIGTERM)
    until(lambda: "smart shutdown" in own.log.read_text())
    finding = unreachable(check(database), "is shutting down")
    assert finding["advice"]
    database.close()


def test_starting_up(own, tmp_path):
    """A standby that does not find the beginning of its recovery answers so for as long as it waits."""
    replica = PostgresServer(own.programs, tmp_path / "replica").create_replica(own, slot="starting")
    (replica.data / "pg_wal").rename(replica.data / "pg_wal_away")
    (replica.data / "pg_wal").mkdir()
    (replica.data / "pg_wal" / "archive_status").mkdir()
    (replica.data / "pg_wal" / "summaries").mkdir()
    for path in [replica.data / "pg_wal", *(replica.data / "pg_wal").iterdir()]:
        process.hand_over(path)
    with (replica.data / "postgresql.auto.conf").open("a") as configuration:
        configuration.write("primary_conninfo = ''\n")
    own.stop()
    settings = {**replica.settings, "port": str(replica.port), "listen_addresses": "127.0.0.1"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [*process.unprivileged_prefix(), replica.programs / "postgres", "-D", replica.data, *options]
    started = process.start([*command, "-c", "unix_socket_directories="], replica.log)
    try:
        until(lambda: "starting up" in check(Database(replica, "postgres")).get("msg", ""))
        finding = unreachable(check(Database(replica, "postgres")), "starting up")
        assert "Wait" in finding["advice"]
    finally:
        process.stop(started.pid, signal.SIGQUIT)


def test_killed_in_the_middle(own):
    """The server goes away while it is being asked."""
    database = Database(own, "postgres")
    lock(database, "pg_sequence")
    pid = own.pid  # not looked up later: the lock is given up after a second
    running = start_module("pg_health", **database.login, statement_timeout=60)
    until(lambda: database.value("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    process.stop(pid, signal.SIGQUIT)
    unreachable(module_result(running), "cannot be used")
    database.close()


def lock(database, catalog):
    session = database.session(autocommit=False)
    session.cursor().execute(f"LOCK TABLE {catalog} IN ACCESS EXCLUSIVE MODE")


def test_locked_catalogs(shop):
    """As under VACUUM FULL pg_class: nearly every query of everybody waits."""
    lock(shop, "pg_class")
    finding = unreachable(check(shop), "lock timeout")
    assert "catalogs" in finding["advice"]


# The other parts have to come in the time; the lock itself would be given up after a second.
@pytest.mark.parametrize(("statement_timeout", "words"), [(30, "lock timeout"), (0.9, "took longer than 0.9 seconds")])
def test_what_cannot_be_read_in_time_costs_only_its_part(shop, statement_timeout, words):
    """The rest is told all the same."""
    lock(shop, "pg_sequence")
    result = check(shop, statement_timeout=statement_timeout, include_ok=True)
    result["findings"] = [finding for finding in result["findings"] if finding["severity"] != "ok"]
    assert words in only(result, "pg.sequences", "unknown")["message"]
    assert result["measurements"]["pg.tables.dead_rows"] >= 0


def test_a_right_that_is_missing_costs_only_its_part(shop):
    shop.execute("DROP ROLE IF EXISTS monitor; CREATE ROLE monitor LOGIN PASSWORD 'monitor-secret' IN ROLE pg_monitor")
    shop.execute("REVOKE SELECT ON pg_sequence FROM public")
    result = check(shop, login_user="monitor", login_password="monitor-secret")
    shop.execute("GRANT SELECT ON pg_sequence TO public; DROP ROLE monitor")
    assert "permission denied" in only(result, "pg.sequences", "unknown")["message"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"checks": ["conections"]}, "Did you mean: pg.connections"),
        ({"thresholds": {"pg.connections": {"warning": "much"}}}, "no number"),
        ({"thresholds": {"pg.table_bloat": {"size": 1}}}, "bloat_bytes"),
        ({"statement_timeout": 0}, "statement_timeout"),
        ({"max_findings_per_check": 0}, "max_findings_per_check"),
        ({"previous": {"pg.database.x.deadlocks": 1}}, "pg.observed_at"),
    ],
)
def test_bad_input_fails_with_one_clear_message(options, words):
    """Before anything is asked: there is no server at that port."""
    result = run_module("pg_health", login_host="127.0.0.1", login_port=1, **options)
    assert result["failed"]
    assert words in result["msg"]
    assert "\n" not in result["msg"]
