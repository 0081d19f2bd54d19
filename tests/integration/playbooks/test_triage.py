# SPDX-License-Identifier: GPL-3.0-or-later
"""Outages made on a real stack: the cause is named, what follows from it is not, and relief reaches the cause alone."""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from demo.embedded import process
from tests.support.playbooks import PlaybookRun, play
from tests.support.stand_in_stack import Stack as StandIn
from tests.support.waiting import until

TRIAGE = "playbooks/triage.yml"
CLERK = {"user": "clerk", "password": "only for this test"}
# The machine is everybody's here, and a session is seconds old when the tests look at it.
LIMITS = {"pg.blocked_sessions": {"warning": 0, "critical": 3600}}
GIVEN = ("-e", json.dumps({"analytics_ops_thresholds": LIMITS}))


@pytest.fixture(scope="module")
def well(stack) -> Any:
    """The stack of the demonstration without its forgotten session."""
    process.stop(process.running_pid(stack.home / "forgotten-session.pid", mark="demo."))
    open_transactions = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    until(lambda: stack.query(open_transactions) == [(0,)])
    return stack


@pytest.fixture
def host_variables(well) -> Iterator[Path]:
    folder = well.home / "inventory" / "host_vars"
    folder.mkdir()
    yield folder
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def told(run: PlaybookRun) -> list[str]:
    return json.loads(re.search(r'"msg": (\[.*?\n    \])', run.output, re.DOTALL).group(1))


def triage(stack: Any, *arguments: str) -> list[str]:
    run = stack.play(TRIAGE, *GIVEN, *arguments)
    assert run.code == 0, run.output
    assert run.report.get("steps", []) == []
    return told(run)


def line(lines: list[str], word: str) -> str:
    return next((text for text in lines if text.startswith(word)), "")


def test_a_stack_that_is_well(well) -> None:
    before = well.fingerprint()
    lines = triage(well)
    assert lines[0] == "Nothing found on 4 hosts that would explain an outage."
    assert not line(lines, "Also")
    assert not line(lines, "Could not be looked at")
    assert well.fingerprint() == before


def test_a_dead_database_explains_the_api_behind_it(well) -> None:
    primary = well._primary()
    primary.stop()
    try:
        lines = triage(well)
    finally:
        primary.start()
    assert lines[0].startswith("Most likely: database: postgres on db1: ")
    assert "Connection refused" in lines[0]
    assert "api on app1 (http.status)" in line(lines, "It explains")
    assert "Start postgres on db1 by hand" in line(lines, "Next")
    assert not [text for text in lines if text.startswith("Also: application")]


def test_a_dead_cache_explains_the_api_behind_it(well) -> None:
    cache = well._cache()
    cache.stop()
    try:
        lines = triage(well, "--tags", "redis,http")
    finally:
        cache.start()
    assert lines[0].startswith("Most likely: cache: redis on cache1: ")
    assert "api on app1 (http.status)" in line(lines, "It explains")
    assert not line(lines, "Also")


def test_errors_in_a_log_are_the_effect_of_what_is_dead(well, host_variables: Path, tmp_path: Path) -> None:
    """The log of the API is full of them: a cause of its own while all is well, an effect while the cache is dead."""
    log = tmp_path / "api.log"
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    log.write_text(f"{now} ERROR cannot serve the request\n" * 50)
    (host_variables / "app1.json").write_text(json.dumps({"health_check_logs": [{"path": str(log)}]}))
    tags = ("--tags", "redis,logs")
    alone = triage(well, *tags)
    assert alone[0].startswith("Most likely: application: app1: 50 of 50 lines"), alone
    cache = well._cache()
    cache.stop()
    try:
        lines = triage(well, *tags, "--tags", "http")
    finally:
        cache.start()
    assert lines[0].startswith("Most likely: cache: redis on cache1: ")
    assert "app1 (log.error_rate)" in line(lines, "It explains")


def test_a_host_that_is_gone_hides_no_other(well, host_variables: Path) -> None:
    gone = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    (host_variables / "app1.json").write_text(json.dumps(gone))
    lines = triage(well)
    assert lines[0].startswith("Most likely: infrastructure: app1: ")
    assert "ansible app1 -m ping" in line(lines, "Next")
    assert not line(lines, "Also")


def test_a_server_that_hangs_does_not_hold_it_up(well) -> None:
    """Its port is open and nobody answers there: it is given up after seconds, and named."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        login = {"login_host": "127.0.0.1", "login_port": silent.getsockname()[1]}
        lines = triage(well, "--tags", "postgresql", "-e", json.dumps({"analytics_ops_postgresql_login": login}))
    assert lines[0].startswith("Most likely: database: postgres on db1: ")
    assert lines[0].endswith("did not answer within 3 seconds.")


def test_it_answers_when_no_host_does(well) -> None:
    gone = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    lines = triage(well, "-e", json.dumps(gone), "--limit", "app1,cache1")
    assert lines[0].startswith("Most likely: infrastructure: ")
    assert line(lines, "Also").startswith("Also: infrastructure: ")


@pytest.fixture
def blocked(well) -> Iterator[tuple[int, int]]:
    """A clerk who left a transaction open, and one who waits behind it; their process numbers."""
    for statement in (
        "CREATE ROLE clerk LOGIN PASSWORD 'only for this test'",
        "GRANT ALL ON tasks TO clerk",
    ):
        well.query(f"{statement}; SELECT 1")
    sessions = [psycopg2.connect(well.dsn, application_name=name, **CLERK) for name in ("left-open", "waits")]
    holder, waiter = sessions
    holder.cursor().execute("LOCK tasks")
    pids = (holder.info.backend_pid, waiter.info.backend_pid)
    waits = psycopg2.connect(well.dsn, application_name="waits", async_=True, **CLERK)
    until(lambda: ready(waits))
    waits.cursor().execute("SELECT count(*) FROM tasks")
    until(lambda: well.query("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted") == [(True,)])
    yield pids
    for session in (*sessions, waits):
        session.close()
    ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'clerk'"
    until(lambda: well.query(ended) == [(0,)])
    well.query("DROP OWNED BY clerk; DROP ROLE clerk; SELECT 1")


def ready(connection: Any) -> bool:
    """A step of what psycopg2 leaves to the caller of an asynchronous connection."""
    return connection.poll() == psycopg2.extensions.POLL_OK


def sessions_of(stack: Any) -> set[int]:
    return {pid for (pid,) in stack.query("SELECT pid FROM pg_stat_activity WHERE usename = 'clerk'")}


def test_who_blocks_others_is_named_and_ended(well, blocked: tuple[int, int]) -> None:
    holder, bystander = blocked
    lines = triage(well, "--tags", "postgresql,http")
    assert lines[0].startswith(f"Most likely: database: postgres on db1: Session {holder} (application 'left-open'")
    assert "--tags terminate --limit db1 -e triage_confirm_terminate=true" in line(lines, "Next")

    before = sessions_of(well)
    relief = ("--tags", "terminate", "--limit", "db1", "-e", "triage_terminate_blocking_seconds=0")
    refused = well.play(TRIAGE, *relief)
    assert refused.code == 2
    assert "triage_confirm_terminate=true" in refused.output
    planned = well.play(TRIAGE, *relief, "--check")
    assert planned.code == 0, planned.output
    assert [(step["pid"], step["outcome"]) for step in planned.report["steps"]] == [(holder, "planned")]
    assert sessions_of(well) == before

    confirmed = (*relief, "-e", "triage_confirm_terminate=true")
    done = well.play(TRIAGE, *confirmed)
    assert done.code == 0, done.output
    assert [(step["pid"], step["outcome"]) for step in done.report["steps"]] == [(holder, "done")]
    assert sessions_of(well) == before - {holder}
    assert bystander in before

    again = well.play(TRIAGE, *confirmed)
    assert (again.code, again.report.get("steps", [])) == (0, [])
    assert triage(well, "--tags", "postgresql,http")[0].startswith("Nothing found on 4 hosts")


@pytest.fixture
def shop(well) -> Iterator[Any]:
    """The connection of a pool, whose clerk writes; whatever happens, writes are allowed again."""
    well.query("CREATE ROLE clerk LOGIN PASSWORD 'only for this test'; GRANT ALL ON tasks TO clerk; SELECT 1")
    session = psycopg2.connect(well.dsn, **CLERK)
    session.autocommit = True
    yield session
    session.close()
    well.play(TRIAGE, "--tags", "allow_writes", "-e", "triage_confirm_allow_writes=true")
    until(lambda: not sessions_of(well))
    well.query("DROP OWNED BY clerk; DROP ROLE clerk; SELECT 1")


def may_write(session: Any) -> bool:
    try:
        session.cursor().execute("DELETE FROM tasks WHERE false")
    except psycopg2.errors.ReadOnlySqlTransaction:
        return False
    return True


def test_all_writes_are_stopped_and_allowed_again(well, shop: Any) -> None:
    stop = ("--tags", "stop_writes", "-e", "triage_stop_writes_wait_seconds=0")
    refused = well.play(TRIAGE, *stop)
    assert (refused.code, may_write(shop)) == (2, True)
    assert "-e triage_confirm_stop_writes=true" in " ".join(refused.output.split())
    planned = well.play(TRIAGE, *stop, "--check")
    assert planned.code == 0, planned.output
    assert [(step["action"], step["outcome"]) for step in planned.report["steps"]] == [("stop_writes", "planned")]
    assert may_write(shop)

    confirmed = (*stop, "-e", "triage_confirm_stop_writes=true")
    stopped = well.play(TRIAGE, *confirmed)
    assert stopped.code == 0, stopped.output
    assert [(step["action"], step["outcome"]) for step in stopped.report["steps"]] == [("stop_writes", "done")]
    assert not may_write(shop)
    (held,) = stopped.found("writes.stopped")
    assert "--tags allow_writes" in held["advice"]
    assert "allow_writes" in stopped.output, "the command that comes next is told"
    forgotten = triage(well, "--tags", "postgresql")
    assert forgotten[0].startswith("Most likely: database: postgres on db1: All writes are stopped since")
    assert "--tags allow_writes" in line(forgotten, "Next")
    again = well.play(TRIAGE, *confirmed)
    assert (again.code, again.report["steps"], may_write(shop)) == (0, [], False)

    allow = ("--tags", "allow_writes")
    kept = well.play(TRIAGE, *allow)
    assert (kept.code, may_write(shop)) == (2, False)
    assert "-e triage_confirm_allow_writes=true" in " ".join(kept.output.split())
    allowed = well.play(TRIAGE, *allow, "-e", "triage_confirm_allow_writes=true")
    assert allowed.code == 0, allowed.output
    assert [(step["action"], step["outcome"]) for step in allowed.report["steps"]] == [("allow_writes", "done")]
    assert may_write(shop)


def test_who_still_writes_fails_the_run_until_that_one_is_ended(well, shop: Any) -> None:
    writer = psycopg2.connect(well.dsn, application_name="import", **CLERK)
    number = writer.info.backend_pid
    writer.cursor().execute("SELECT pg_current_xact_id()")
    stop = ("--tags", "stop_writes", "-e", "triage_stop_writes_wait_seconds=0", "-e", "triage_confirm_stop_writes=true")
    told = well.play(TRIAGE, *stop)
    assert (told.code, told.report["failures"]) == (2, []), "it is a judgement"
    assert "'import'" in told.found("writes.running")[0]["message"]
    assert (may_write(shop), number in sessions_of(well)) == (False, True)
    ended = well.play(TRIAGE, *stop, "-e", "triage_stop_writes_terminate=true")
    assert ended.code == 0, ended.output
    assert [(step["action"], step["pid"]) for step in ended.report["steps"]] == [("terminate", number)]
    assert number not in sessions_of(well)
    writer.close()


def test_where_there_is_no_primary_nothing_was_stopped(well) -> None:
    run = well.play(TRIAGE, "--tags", "stop_writes", "--limit", "cache1", "-e", "triage_confirm_stop_writes=true")
    assert run.code == 2
    assert "No primary of PostgreSQL is among these hosts" in " ".join(run.output.split())


def test_a_restart_is_of_one_service_and_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = StandIn(tmp_path, monkeypatch)
    services = {name: stack.listener(name, group="all") for name in ("api", "worker")}
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    variables = {**here, "analytics_ops_services": services}
    hosts = tmp_path / "hosts.json"
    hosts.write_text(json.dumps({"all": {"hosts": {"h1": {}}, "vars": variables}}))

    def relief(*arguments: str) -> PlaybookRun:
        return play(tmp_path, "-i", hosts, TRIAGE, "--tags", "restart", *arguments)

    def processes() -> dict[str, str]:
        return {name: (stack.known / name).read_text() for name in services if (stack.known / name).exists()}

    confirmed = ("-e", "triage_confirm_restart=true")
    try:
        for name in services:
            assert relief("-e", f"triage_restart={name}", *confirmed).code == 0
        before = processes()
        assert relief("-e", "triage_restart=api").code == 2
        assert relief("-e", "triage_restart=apl", *confirmed).code == 2
        assert relief("-e", "triage_restart=api", "--check").code == 0
        assert processes() == before
        run = relief("-e", "triage_restart=api", *confirmed)
        assert run.code == 0, run.output
        after = processes()
        assert after["api"] != before["api"]
        assert after["worker"] == before["worker"]
    finally:
        emergency = "playbooks/emergency_shutdown.yml"
        play(tmp_path, "-i", hosts, emergency, "-e", "stack_control_stop_seconds=1")
