# SPDX-License-Identifier: GPL-3.0-or-later
"""A primary, its replicas and its slots; and the standby as it sees itself."""

from __future__ import annotations

import signal

import pytest

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import found
from tests.support.pg_health import HEALTHY_SETTINGS, check, make_shop, names, only
from tests.support.waiting import until

MEGABYTE = 1024 * 1024


class Pair:
    """A primary of the test's own and its streaming standby, which uses the slot ``standby``."""

    def __init__(self, programs, directory):
        settings = {**HEALTHY_SETTINGS, "wal_receiver_status_interval": "1s", "max_wal_size": "4GB"}
        settings["checkpoint_timeout"] = "1d"  # a checkpoint at a moment of its own would remove WAL
        self.primary = PostgresServer(programs, directory / "primary", settings=settings).create()
        self.primary.start()
        self.up = Database(self.primary, "postgres")
        make_shop(self.up)
        self.standby = PostgresServer(
            programs, directory / "standby", settings={"wal_retrieve_retry_interval": "100ms"}
        )
        self.standby.create_replica(self.primary, slot="standby").start()
        self.down = Database(self.standby, "postgres")
        until(self.caught_up)

    def caught_up(self):
        query = (
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn()"
        )
        return self.up.value(query)

    def write(self, megabytes):
        # On a slow disk this is a slow statement, which is not what these tests are about.
        self.up.execute("SET pg_stat_statements.track = 'none'")
        self.up.execute("CREATE TABLE IF NOT EXISTS filler (text text)")
        self.up.execute("ALTER TABLE filler ALTER text SET STORAGE EXTERNAL")
        self.up.execute("INSERT INTO filler SELECT repeat('x', 1048576) FROM generate_series(1, %s)", (megabytes,))
        self.up.execute("ANALYZE filler")
        self.up.execute("RESET pg_stat_statements.track")

    def close(self):
        self.up.close()
        self.down.close()
        self.standby.stop()
        self.primary.stop()


@pytest.fixture(scope="module")
def shared_pair(healthy_postgres, tmp_path_factory):
    made = Pair(healthy_postgres.programs, tmp_path_factory.mktemp("pair"))
    yield made
    made.close()


@pytest.fixture
def pair(shared_pair):
    """The pair, in order before and after the test."""
    yield shared_pair
    if shared_pair.down.value("SELECT pg_is_wal_replay_paused()"):
        shared_pair.down.execute("SELECT pg_wal_replay_resume()")
    until(shared_pair.caught_up)


def test_both_are_healthy(pair):
    for database, role in ((pair.up, "primary"), (pair.down, "standby")):
        result = check(database, expected_role=role)
        assert (result["status"], result["findings"]) == ("healthy", [])


def test_the_standby_leaves_to_the_primary_what_is_the_primarys(pair):
    result = check(pair.down, include_ok=True)
    assert {finding["severity"] for finding in result["findings"]} == {"ok"}
    assert found(result, "pg.table_bloat")[0]["message"] == "This is a standby: its primary answers that."
    assert result["measurements"]["pg.standby"] == 1


def test_monitoring_role_on_the_standby(pair):
    pair.up.execute(
        "DROP ROLE IF EXISTS monitor; CREATE ROLE monitor LOGIN PASSWORD 'monitor-secret' IN ROLE pg_monitor"
    )
    until(lambda: pair.down.value("SELECT count(*) FROM pg_roles WHERE rolname = 'monitor'"))
    result = check(pair.down, login_user="monitor", login_password="monitor-secret")
    assert result["findings"] == []
    pair.up.execute("DROP ROLE monitor")


def test_the_wrong_role(pair):
    assert only(check(pair.down, expected_role="primary"), "pg.role", "critical")["value"] == "standby"
    assert only(check(pair.up, expected_role="standby"), "pg.role", "critical")["value"] == "primary"


def test_an_idle_primary_has_no_lag(pair):
    """The last transaction may be long ago; nothing to replay is no delay."""
    limits = {"replay_lag": {"warning": 0, "critical": 0}, "replication_lag": {"warning": 0, "critical": 0}}
    for database in (pair.down, pair.up):
        # Now and then an idle server writes a little of its own.
        until(lambda database=database: check(database, thresholds=limits)["findings"] == [])


@pytest.mark.parametrize(("megabytes", "severity"), [(60, "warning"), (110, "critical")])
def test_a_replica_that_does_not_replay(pair, megabytes, severity):
    pair.write(1)
    until(lambda: pair.down.value("SELECT pg_last_xact_replay_timestamp() IS NOT NULL"))
    pair.down.execute("SELECT pg_wal_replay_pause()")
    until(lambda: pair.down.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
    pair.write(megabytes)
    until(
        lambda: pair.up.value(
            "SELECT sent_lsn = flush_lsn AND flush_lsn = pg_current_wal_lsn() FROM pg_stat_replication"
        )
    )
    finding = only(check(pair.up, exclude_checks=["replication_lag"]), "pg.replication_lag_bytes", severity)
    assert finding["subject"] == "standby"
    assert finding["value"] > megabytes * MEGABYTE
    assert "sent but not replayed" in finding["advice"]

    # Writing alone may have taken half a minute.
    paused = only(check(pair.down, exclude_checks=["replay_lag"]), "pg.replay_paused")
    assert "pg_wal_replay_resume()" in paused["advice"]

    limits = {"replay_lag": {"warning": 0, "critical": None}}
    late = check(pair.down, thresholds=limits, exclude_checks=["replay_paused"])
    assert only(late, "pg.replay_lag")["subject"] == "standby"


def test_a_replica_that_is_late(pair):
    """Half a minute is too long for a test: the limit is lowered. The delay is the one that the replica reported."""
    # What the replica said of an earlier test stands until it has said twice that it has everything.
    until(lambda: pair.up.value("SELECT replay_lag IS NULL FROM pg_stat_replication"))
    pair.down.execute("SELECT pg_wal_replay_pause()")
    until(lambda: pair.down.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
    pair.write(1)
    until(lambda: pair.up.value("SELECT replay_lag > interval '1 second' FROM pg_stat_replication"))
    assert check(pair.up)["findings"] == []
    finding = only(check(pair.up, thresholds={"replication_lag": {"warning": 1}}), "pg.replication_lag")
    assert (finding["subject"], finding["unit"]) == ("standby", "seconds")


def test_missing_replicas(pair):
    assert check(pair.up, expected_replicas=1)["findings"] == []
    assert "1 of 2" in only(check(pair.up, expected_replicas=2), "pg.replicas")["message"]


def test_an_inactive_slot(pair):
    pair.up.execute("SELECT pg_create_physical_replication_slot('gone', true)")
    finding = only(check(pair.up), "pg.slots_inactive")
    assert finding["subject"] == "gone"
    assert "pg_drop_replication_slot('gone')" in finding["advice"]
    limits = {"slots_kept_wal": {"warning": 0, "critical": None}}
    result = check(pair.up, thresholds=limits, exclude_checks=["slots_inactive"])
    assert {f["subject"] for f in found(result, "pg.slots_kept_wal")} == {"gone", "standby"}
    pair.up.execute("SELECT pg_drop_replication_slot('gone')")


def test_a_slot_that_loses_its_wal(pair):
    """First it is near its limit, then beyond, then a checkpoint removes what it needs."""
    pair.up.execute("CHECKPOINT")  # a slot keeps WAL from the last checkpoint on
    pair.up.execute("SELECT pg_create_physical_replication_slot('slow', true)")
    pair.up.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '128MB'")
    pair.up.execute("SELECT pg_reload_conf()")
    until(lambda: pair.up.value("SHOW max_slot_wal_keep_size") == "128MB")
    try:
        pair.write(104)
        until(pair.caught_up)
        near = only(check(pair.up, exclude_checks=["slots_inactive"]), "pg.slots_lost")
        assert "at 128 MB (max_slot_wal_keep_size) it is lost" in near["message"]
        pair.write(100)
        until(pair.caught_up)
        over = only(check(pair.up, exclude_checks=["slots_inactive"]), "pg.slots_lost", "critical")
        assert (over["value"], "raise max_slot_wal_keep_size" in over["advice"]) == ("unreserved", True)
        pair.up.execute("CHECKPOINT")
        until(lambda: pair.up.value("SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'slow'") == "lost")
        lost = only(check(pair.up), "pg.slots_lost", "critical")
        assert (lost["subject"], lost["value"]) == ("slow", "lost")
        assert "pg_basebackup" in lost["advice"]
    finally:
        pair.up.execute("SELECT pg_drop_replication_slot('slow')")
        pair.up.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
        pair.up.execute("SELECT pg_reload_conf()")


def test_commits_that_wait_for_nobody(pair):
    pair.up.execute("ALTER SYSTEM SET synchronous_standby_names = 'elsewhere'")
    pair.up.execute("SELECT pg_reload_conf()")
    until(lambda: pair.up.value("SHOW synchronous_standby_names") == "elsewhere")
    # The test servers run with synchronous_commit off, at which nothing would wait.
    assert check(pair.up)["findings"] == []
    pair.up.execute("ALTER ROLE postgres SET synchronous_commit = 'on'")
    try:
        finding = only(check(pair.up), "pg.synchronous_replication", "critical")
        assert "synchronous_standby_names" in finding["advice"]
    finally:
        pair.up.execute("SET synchronous_commit = 'off'")
        pair.up.execute("ALTER ROLE postgres RESET synchronous_commit")
        pair.up.execute("ALTER SYSTEM RESET synchronous_standby_names")
        pair.up.execute("SELECT pg_reload_conf()")
        until(lambda: pair.up.value("SHOW synchronous_standby_names") == "")


def test_cancelled_queries_on_the_standby(pair):
    """Replay of a dropped table waits for no reader here, who is cancelled."""
    pair.down.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    pair.down.execute("SELECT pg_reload_conf()")
    until(lambda: pair.down.value("SHOW max_standby_streaming_delay") == "0")
    before = check(pair.down)
    pair.down.execute("SELECT 1")
    pair.up.execute("CREATE TABLE short_lived AS SELECT 1 AS one")
    until(lambda: pair.down.value("SELECT to_regclass('short_lived')"))
    reader = pair.down.session(autocommit=False)
    reader.set_session(isolation_level="REPEATABLE READ")
    reader.cursor().execute("SELECT * FROM short_lived")
    pair.up.execute("DROP TABLE short_lived")
    until(lambda: pair.down.value("SELECT conflicts FROM pg_stat_database WHERE datname = current_database()"))
    finding = only(check(pair.down, previous=before["measurements"]), "pg.recovery_conflicts")
    assert "1 query was" in finding["message"]
    pair.down.execute("ALTER SYSTEM RESET max_standby_streaming_delay")
    pair.down.execute("SELECT pg_reload_conf()")


def test_the_primary_is_gone_and_comes_back(pair):
    """Each side tells its half: the standby receives nothing; later the primary misses its standby."""
    pair.up.close()
    pair.primary.stop(signal.SIGQUIT)
    until(lambda: pair.down.value("SELECT count(*) FROM pg_stat_wal_receiver") == 0)
    finding = only(check(pair.down), "pg.wal_receiver", "critical")
    assert "pg_hba.conf" in finding["advice"]
    assert only(check(pair.up), "pg.reachable", "critical")

    pair.down.close()
    pair.standby.stop()
    pair.primary.start()
    result = check(pair.up, expected_replicas=1)
    assert names(result) == [("pg.replicas", "critical"), ("pg.slots_inactive", "warning")]
    pair.standby.start()
    until(pair.caught_up)
    assert check(pair.up, expected_replicas=1)["findings"] == []
