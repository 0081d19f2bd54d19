# SPDX-License-Identifier: GPL-3.0-or-later
"""A real standby takes over from a real primary, or is refused with the reason."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from demo.embedded.postgres import PostgresServer
from demo.embedded.process import free_port
from tests.support.databases import Database
from tests.support.modules import run_module
from tests.support.versions import chosen_versions, postgres_programs
from tests.support.waiting import until
from tests.support.writer import Writer

CONFIRMED = {"old_primary_is_fenced": True, "accept_data_loss": True}
ROUNDS = int(os.environ.get("DRILL_ROUNDS", "2"))
CAUGHT_UP = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn()"


class Pair:
    """A primary and its standby. A synchronous one is named ``standby`` in ``synchronous_standby_names``."""

    def __init__(self, major: int, folder: Path) -> None:
        programs = postgres_programs(major)
        settings = {
            "wal_retrieve_retry_interval": "100ms",
            "checkpoint_timeout": "1d",
            "full_page_writes": "on",
            "synchronous_commit": "on",
        }
        self.primary = PostgresServer(programs, folder / "primary", settings=settings).create().start()
        self.up = Database(self.primary, "postgres")
        self.up.execute("CREATE TABLE written (number int PRIMARY KEY)")
        self.standby = PostgresServer(programs, folder / "standby")
        self.standby.create_replica(self.primary, slot="standby").start()
        self.down = Database(self.standby, "postgres")
        self.down.session()  # the first one is kept: it must be none that a test closes
        self.caught_up()

    def caught_up(self) -> None:
        until(lambda: self.up.value(CAUGHT_UP))

    @property
    def old(self) -> dict[str, Any]:
        return {"primary_host": "127.0.0.1", "primary_port": self.primary.port}

    def failover(self, **options: Any) -> dict[str, Any]:
        return run_module("pg_failover", **{**self.down.login, **self.old, **options})

    def plan(self, **options: Any) -> dict[str, Any]:
        return self.failover(check_mode=True, **options)

    def stop_primary(self, request: signal.Signals = signal.SIGINT) -> None:
        self.up.close()
        self.primary.stop(request)

    def fence(self) -> dict[str, Any]:
        return run_module("pg_fence", data_directory=str(self.primary.data))

    def close(self) -> None:
        self.up.close()
        self.down.close()
        self.standby.stop()
        self.primary.stop()


@pytest.fixture(params=chosen_versions(), ids=lambda major: f"pg{major}")
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    made = Pair(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module", params=chosen_versions(), ids=lambda major: f"pg{major}")
def refusing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """One that is never promoted; each test leaves it as it was."""
    made = Pair(request.param, tmp_path_factory.mktemp("refusing"))
    yield made
    assert made.down.value("SELECT pg_is_in_recovery()")
    made.close()


def against(result: dict[str, Any]) -> set[str]:
    return {finding["check"] for finding in result["findings"] if finding["severity"] == "critical"}


def said(result: dict[str, Any], check: str) -> str:
    (finding,) = (one for one in result["findings"] if one["check"] == check)
    return finding["message"] + " " + finding["advice"]


def test_a_clean_handover_loses_nothing_and_needs_no_acceptance(pair: Pair) -> None:
    pair.up.execute("INSERT INTO written SELECT generate_series(1, 1000)")
    assert pair.fence()["control"]["state"] == "in production", "fencing stops nothing"
    pair.stop_primary()
    fenced = pair.fence()
    assert (fenced["changed"], fenced["control"]["state"]) == (False, "shut down")
    given = {"old_primary_is_fenced": True, "primary_control": fenced["control"]}
    planned = pair.plan(**given)
    assert (planned["findings"], planned["changed"], planned["lost_bytes"]) == ([], True, 0)
    assert [step["action"] for step in planned["remaining"]] == ["promote"]
    assert pair.down.value("SELECT pg_is_in_recovery()"), "the plan changes nothing"

    result = pair.failover(**given)
    assert (result["failed"], result["changed"], result["findings"]) == (False, True, []), result
    assert (result["is_primary"], result["timeline"], result["lost_bytes"]) == (True, 2, 0)
    assert pair.down.value("SELECT count(*) FROM written") == 1000

    # An address that moves with the primary is of the new one now.
    moved = pair.failover(primary_port=pair.standby.port)
    assert (moved["failed"], moved["findings"]) == (False, [])
    again = pair.failover()
    assert (again["failed"], again["changed"], again["plan"], again["findings"]) == (False, False, [], [])
    assert again["timeline"] == 2

    # Whoever starts the old one gets no second primary.
    pair.primary.start()
    with psycopg2.connect(**connection(pair.primary)) as old, old.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        assert cursor.fetchone() == (True,)
    old.close()
    assert pair.failover()["findings"] == []


def test_two_primaries_are_told_and_left_alone(pair: Pair) -> None:
    pair.down.execute("SELECT pg_promote()")
    for act in (pair.plan, pair.failover):
        result = act(**CONFIRMED)
        assert (result["failed"], result["changed"], against(result)) == (False, False, {"failover.split_brain"})
        assert f"the older one is 127.0.0.1:{pair.primary.port}" in said(result, "failover.split_brain")


def test_a_primary_that_takes_writes_is_refused_whatever_is_confirmed(refusing: Pair) -> None:
    result = refusing.plan(**CONFIRMED)
    assert (against(result), result["changed"]) == ({"failover.fence"}, False)
    refused = refusing.failover(**CONFIRMED)
    assert refused["failed"]
    assert "still takes writes" in refused["msg"]


def test_without_its_address_what_listens_there_counts_as_a_primary(refusing: Pair) -> None:
    result = refusing.plan(**CONFIRMED, primary_host="")
    assert against(result) == {"failover.fence"}
    assert f"127.0.0.1:{refusing.primary.port}" in said(result, "failover.fence")


def test_one_that_does_not_let_in_counts_as_a_primary(refusing: Pair) -> None:
    refusing.up.execute("CREATE ROLE rejected SUPERUSER LOGIN PASSWORD 'rejected-secret'")
    refusing.caught_up()
    rules = refusing.primary.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("host all rejected 127.0.0.1/32 reject\n" + before)
    refusing.up.execute("SELECT pg_reload_conf()")
    login = {"login_user": "rejected", "login_password": "rejected-secret"}
    until(lambda: "rejects connection" in said(refusing.plan(**CONFIRMED, **login), "failover.fence"))
    assert against(refusing.plan(**CONFIRMED, **login)) == {"failover.fence"}
    rules.write_text(before)
    refusing.up.execute("SELECT pg_reload_conf()")
    refusing.up.execute("DROP ROLE rejected")
    refusing.caught_up()


def test_nobody_answers_is_no_proof(refusing: Pair) -> None:
    result = refusing.plan(primary_port=free_port())
    assert against(result) == {"failover.fence", "failover.loss"}
    assert "old_primary_is_fenced=true" in said(result, "failover.fence")
    assert "accept_data_loss=true" in said(result, "failover.loss")


def test_another_cluster_is_refused(refusing: Pair, healthy_postgres: PostgresServer) -> None:
    there = {"primary_port": healthy_postgres.port, "login_password": healthy_postgres.password}
    assert "failover.identity" in against(refusing.plan(**CONFIRMED, **there))
    control = run_module("pg_fence", check_mode=True, data_directory=str(healthy_postgres.data))["control"]
    result = refusing.plan(**CONFIRMED, primary_port=free_port(), primary_control=control)
    assert against(result) == {"failover.identity"}


def test_paused_replay_is_refused(refusing: Pair) -> None:
    refusing.down.execute("SELECT pg_wal_replay_pause()")
    until(lambda: refusing.down.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
    assert against(refusing.plan(**CONFIRMED, primary_port=free_port())) == {"failover.replay"}
    refusing.down.execute("SELECT pg_wal_replay_resume()")


def test_replay_that_waits_for_a_query_is_refused(refusing: Pair) -> None:
    refusing.down.execute("ALTER SYSTEM SET max_standby_streaming_delay = -1")
    refusing.down.execute("SELECT pg_reload_conf()")
    refusing.up.execute("CREATE TABLE in_the_way (number int)")
    refusing.caught_up()
    reader = refusing.down.session(autocommit=False)
    reader.cursor().execute("SELECT count(*) FROM in_the_way")
    refusing.up.execute("DROP TABLE in_the_way")
    until(lambda: "failover.replay" in against(refusing.plan(**CONFIRMED, primary_port=free_port())))
    reader.close()
    refusing.caught_up()


def test_a_standby_that_lacks_too_much_is_refused(refusing: Pair) -> None:
    receiver = refusing.down.value("SELECT pid FROM pg_stat_wal_receiver")
    os.kill(receiver, signal.SIGSTOP)
    refusing.up.execute("INSERT INTO written SELECT generate_series(1, 20000)")
    result = refusing.plan(max_lag_bytes=100000)
    assert {"failover.lag", "failover.fence"} == against(result)
    assert "accept_data_loss=true" in said(result, "failover.lag")
    assert against(refusing.plan(max_lag_bytes=100000, accept_data_loss=True)) == {"failover.fence"}
    os.kill(receiver, signal.SIGCONT)
    refusing.caught_up()
    refusing.up.execute("DELETE FROM written")
    refusing.caught_up()


def test_a_standby_that_does_not_follow_is_refused_before_its_primary_is_stopped(refusing: Pair) -> None:
    followed = refusing.down.value("SELECT setting FROM pg_settings WHERE name = 'primary_conninfo'")
    refusing.down.execute("ALTER SYSTEM SET primary_conninfo = ''")
    refusing.down.execute("SELECT pg_reload_conf()")
    until(lambda: refusing.up.value("SELECT count(*) = 0 FROM pg_stat_replication"))
    result = refusing.plan()
    assert against(result) == {"failover.lag", "failover.fence"}
    assert "Its receiver is not running" in said(result, "failover.lag")
    refusing.down.execute("ALTER SYSTEM SET primary_conninfo = %s", (followed,))
    refusing.down.execute("SELECT pg_reload_conf()")
    refusing.caught_up()


def test_the_standby_itself_is_no_old_primary(refusing: Pair) -> None:
    assert against(refusing.plan(**CONFIRMED, primary_port=refusing.standby.port)) == {"failover.identity"}


def test_commits_that_would_wait_are_seen_before(refusing: Pair) -> None:
    refusing.down.execute("ALTER SYSTEM SET synchronous_standby_names = 'gone'")
    refusing.down.execute("SELECT pg_reload_conf()")
    until(lambda: against(refusing.plan(**CONFIRMED, primary_port=free_port())) == {"failover.synchronous"})
    refusing.down.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
    refusing.down.execute("SELECT pg_reload_conf()")
    until(lambda: against(refusing.plan(**CONFIRMED, primary_port=free_port())) == set())


def test_a_cluster_manager_is_not_competed_with(refusing: Pair) -> None:
    trace = refusing.standby.data / "patroni.dynamic.json"
    trace.write_text("{}")
    result = refusing.plan(**CONFIRMED, primary_port=free_port())
    assert against(result) == {"failover.manager"}
    assert "patronictl" in said(result, "failover.manager")
    assert against(refusing.plan(**CONFIRMED, primary_port=free_port(), ignore_manager=True)) == set()
    trace.unlink()
    refusing.up.execute("CREATE SCHEMA repmgr")
    refusing.caught_up()
    assert "repmgr -f" in said(refusing.plan(**CONFIRMED, primary_port=free_port()), "failover.manager")
    refusing.up.execute("DROP SCHEMA repmgr")
    refusing.caught_up()
    agent = refusing.down.session(application_name="Patroni heartbeat")
    assert against(refusing.plan(**CONFIRMED, primary_port=free_port())) == {"failover.manager"}
    agent.close()


def test_a_standby_of_a_standby_is_refused(refusing: Pair, tmp_path: Path) -> None:
    below = PostgresServer(refusing.standby.programs, tmp_path / "below")
    below.create_replica(refusing.standby, slot="below").start()
    there = {**Database(below, "postgres").login, "primary_host": "127.0.0.1", "primary_port": refusing.standby.port}
    result = run_module("pg_failover", check_mode=True, **there, **CONFIRMED)
    assert against(result) == {"failover.cascade"}
    below.stop()
    until(lambda: refusing.down.value("SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'below'"))
    refusing.down.execute("SELECT pg_drop_replication_slot('below')")


def test_what_else_hangs_on_the_old_primary_is_told(refusing: Pair, tmp_path: Path) -> None:
    second = PostgresServer(refusing.standby.programs, tmp_path / "second")
    second.create_replica(refusing.primary, slot="second").start()
    until(lambda: refusing.up.value("SELECT count(*) = 2 FROM pg_stat_replication WHERE state = 'streaming'"))
    assert "second, standby" in said(refusing.plan(), "failover.replicas")
    second.stop()
    until(lambda: refusing.up.value("SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'second'"))
    refusing.up.execute("SELECT pg_drop_replication_slot('second')")


def test_a_role_without_the_right_is_told(pair: Pair) -> None:
    pair.up.execute("CREATE ROLE ops LOGIN PASSWORD 'ops-secret' IN ROLE pg_monitor")
    pair.caught_up()
    pair.stop_primary()
    refused = pair.failover(**CONFIRMED, login_user="ops", login_password="ops-secret")
    assert refused["failed"]
    assert "may not promote" in refused["msg"]
    assert "ops-secret" not in str(refused)
    assert pair.down.value("SELECT pg_is_in_recovery()")


def test_writes_that_do_not_come_to_their_end_are_told(pair: Pair) -> None:
    """Somebody set it in the moment between the look and the promotion; here, after it."""
    pair.stop_primary()
    assert not pair.failover(**CONFIRMED)["failed"]
    pair.down.execute("ALTER SYSTEM SET synchronous_standby_names = 'gone'")
    pair.down.execute("SELECT pg_reload_conf()")
    until(lambda: pair.down.value("SHOW synchronous_standby_names") == "gone")
    assert against(pair.failover(write_seconds=0.5)) == {"failover.writes"}


def connection(server: PostgresServer) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": server.port, "user": "postgres", "password": server.password}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["stopped", "killed"])
@pytest.mark.parametrize("turn", range(ROUNDS))
def test_no_acknowledged_write_is_lost(pair: Pair, how: signal.Signals, turn: int) -> None:
    """Killed, the primary needs the standby to be a synchronous one; stopped cleanly, it sends what it has."""
    if how == signal.SIGKILL:
        pair.up.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        pair.up.execute("SELECT pg_reload_conf()")
        until(lambda: pair.up.value("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"))
    writer = Writer(pair.primary)
    writer.start()
    enough = random.randint(20, 400)
    until(lambda: len(writer.acknowledged) >= enough)
    pair.stop_primary(how)
    writer.join()
    control = pair.fence()["control"]
    given = {"old_primary_is_fenced": True, "primary_control": control, "accept_data_loss": how == signal.SIGKILL}
    result = pair.failover(**given)
    assert not result["failed"], result
    there = {number for (number,) in pair.down.execute("SELECT number FROM written")}
    assert set(writer.acknowledged) - there == set()
    assert len(writer.acknowledged) >= enough


def test_what_never_came_is_told_to_the_byte(pair: Pair) -> None:
    pair.down.execute("ALTER SYSTEM SET primary_conninfo = ''")
    pair.down.execute("SELECT pg_reload_conf()")
    until(lambda: pair.up.value("SELECT count(*) = 0 FROM pg_stat_replication"))
    received = pair.down.value("SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::bigint")
    pair.up.execute("INSERT INTO written SELECT generate_series(1, 1000)")
    pair.stop_primary()
    control = pair.fence()["control"]
    given = {"old_primary_is_fenced": True, "primary_control": control}
    planned = pair.plan(**given)
    assert against(planned) == {"failover.loss"}
    assert planned["lost_bytes"] == control["checkpoint"] - received > 1000 * 20
    refused = pair.failover(**given)
    assert refused["failed"]
    assert "accept_data_loss=true" in refused["msg"]
    assert pair.down.value("SELECT pg_is_in_recovery()")

    result = pair.failover(**given, accept_data_loss=True)
    assert (result["failed"], result["lost_bytes"], result["status"]) == (False, planned["lost_bytes"], "degraded")
    assert pair.down.value("SELECT count(*) FROM written") == 0


def test_after_a_crash_nobody_can_tell_what_is_lost(pair: Pair) -> None:
    sender = pair.up.value("SELECT pid FROM pg_stat_replication")
    os.kill(sender, signal.SIGSTOP)  # so that nothing of what follows is sent
    pair.up.execute("INSERT INTO written SELECT generate_series(1, 1000)")
    pair.stop_primary(signal.SIGKILL)
    os.kill(sender, signal.SIGKILL)
    given = {"old_primary_is_fenced": True, "primary_control": pair.fence()["control"]}
    planned = pair.plan(**given)
    assert (against(planned), planned["lost_bytes"]) == ({"failover.loss"}, None)
    assert "did not end cleanly ('in production')" in said(planned, "failover.loss")
    result = pair.failover(**given, accept_data_loss=True)
    assert (result["failed"], result["changed"], result["status"]) == (False, True, "degraded")
    assert pair.down.value("SELECT count(*) FROM written") == 0
