# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster itself: which one it is, what was set, who may log in, what runs, its WAL and its queues."""

from __future__ import annotations

import os
import socket

import psycopg2
import pytest

from demo.embedded.postgres import PostgresServer
from tests.support.databases import Database
from tests.support.modules import found
from tests.support.pg_health import HEALTHY_SETTINGS, check, finish, in_background, only
from tests.support.waiting import until

SMALL = {
    **HEALTHY_SETTINGS,
    "pg_stat_statements.max": "100",
    "max_wal_size": "32MB",
    "min_wal_size": "32MB",
    "wal_keep_size": "0",
}


@pytest.fixture(scope="module")
def small_server(healthy_postgres, tmp_path_factory):
    """Whatever has a size is as small as it can be, so that it is soon full."""
    major = int(healthy_postgres.run("pg_config", "--version").stdout.split()[1].split(".")[0])
    settings = {**SMALL, **({"max_notify_queue_pages": "64"} if major >= 17 else {})}
    directory = tmp_path_factory.mktemp("small")
    server = PostgresServer(healthy_postgres.programs, directory, settings=settings).create()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def small(small_server):
    opened = Database(small_server, "postgres")
    opened.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    yield opened
    opened.close()


def test_the_small_server_is_healthy(small):
    assert check(small)["findings"] == []


def test_another_cluster(empty, small):
    """The name or the port leads elsewhere; that settings differ as well is left out."""
    options = {"previous": check(empty)["measurements"], "exclude_checks": ["settings_changed"]}
    assert check(empty, **options)["findings"] == []
    finding = only(check(small, **options), "pg.identity")
    assert (finding["subject"], finding["value"]) == (
        "cluster",
        str(small.value("SELECT system_identifier FROM pg_control_system()")),
    )


def test_a_standby_that_was_promoted(healthy_postgres, tmp_path):
    primary = PostgresServer(healthy_postgres.programs, tmp_path / "primary", settings=HEALTHY_SETTINGS).create()
    primary.start()
    standby = PostgresServer(healthy_postgres.programs, tmp_path / "standby")
    standby.create_replica(primary).start()
    database = Database(standby, "postgres")
    until(lambda: database.value("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
    before = check(database)["measurements"]
    assert check(database, previous=before)["findings"] == []
    database.execute("SELECT pg_promote()")
    result = check(database, previous=before, exclude_checks=["slow_statements"])
    finding = only(result, "pg.identity")
    assert (finding["subject"], finding["value"]) == ("role", "primary")
    database.close()
    standby.stop()
    primary.stop()


def configure(database, statement, name, value):
    database.execute(statement)
    database.execute("SELECT pg_reload_conf()")
    until(lambda: database.value(f"SHOW {name}") == value)


def test_settings_that_changed(small):
    before = check(small)["measurements"]
    assert check(small, previous=before)["findings"] == []
    usual = small.value("SHOW work_mem")
    configure(small, "ALTER SYSTEM SET work_mem = '5MB'", "work_mem", "5MB")
    finding = only(check(small, previous=before), "pg.settings_changed", "info")
    assert (finding["subject"], finding["message"]) == ("work_mem", "work_mem was set to 5120 kB since the last look.")
    changed = check(small)["measurements"]
    configure(small, "ALTER SYSTEM SET work_mem = '6MB'", "work_mem", "6MB")
    finding = only(check(small, previous=changed), "pg.settings_changed", "info")
    assert finding["message"] == "work_mem was changed from 5120 to 6144 kB since the last look."
    configure(small, "ALTER SYSTEM RESET work_mem", "work_mem", usual)
    finding = only(check(small, previous=changed), "pg.settings_changed", "info")
    assert finding["message"] == "work_mem was set back to its default since the last look."
    assert check(small, previous=before)["findings"] == []


def test_a_role_that_ends(small):
    small.execute('CREATE ROLE "re\'porting" LOGIN')
    ends = "SELECT format('ALTER ROLE %%I VALID UNTIL %%L', 're''porting', now() + %s::interval)"
    try:
        for interval, told in (("3 days 1 hour", "ends in 3 d"), ("-2 hours", "ended 2 h")):
            small.execute(small.value(ends, (interval,)))
            finding = only(check(small), "pg.role_expiry")
            assert finding["subject"] == "re'porting"
            assert told in finding["message"]
        for interval in ("20 days", "-8 days", "infinity"):
            small.execute(small.value(ends, (interval,)) if interval != "infinity" else _never())
            assert check(small)["findings"] == []
    finally:
        small.execute('DROP ROLE "re\'porting"')


def _never():
    return "ALTER ROLE \"re'porting\" VALID UNTIL 'infinity'"


def test_roles_of_a_vault_come_and_go(small):
    small.execute('CREATE ROLE "v-token-app-1" LOGIN')
    small.execute(small.value("SELECT format('ALTER ROLE %I VALID UNTIL %L', 'v-token-app-1', now() + '1 hour')"))
    try:
        assert check(small)["findings"] == []
    finally:
        small.execute('DROP ROLE "v-token-app-1"')


def test_notifications_that_nobody_takes(small):
    """Since 17 the queue can be made small; before, it has 8 GB, and the limit is lowered. Read late, the pages have to
    come from disk: the cache of the queue is one of the small ones."""
    listener = small.session()
    listener.cursor().execute("LISTEN news")
    listener.autocommit = False
    listener.cursor().execute("SELECT 1")
    before = check(small)["measurements"]
    for _number in range(60):
        small.execute("SELECT pg_notify('news', repeat('x', 7900))")
    large = small.server.settings.get("max_notify_queue_pages") is None
    limits = {"notify_queue": {"warning": 0.001}} if large else {}
    severity = "warning" if large else "critical"
    finding = only(check(small, thresholds=limits), "pg.notify_queue", severity)
    assert "% of the queue" in finding["message"]
    listener.rollback()
    listener.close()
    _wait_for_reads(small, before)
    limits = {"slru": {"warning": 0.001}}
    finding = only(check(small, previous=before, thresholds=limits), "pg.slru")
    assert finding["subject"].lower() == "notify"
    assert check(small, previous=before)["findings"] == []


def _wait_for_reads(database, before):
    known = {name.lower(): reads for name, reads in before.items()}.get("pg.slru.notify.reads", 0)
    query = "SELECT blks_read FROM pg_stat_slru WHERE lower(name) = 'notify'"
    until(lambda: database.value(query) > known)


def test_statements_that_are_forgotten(small):
    before = check(small)["measurements"]
    for number in range(300):
        small.execute("SELECT " + ", ".join("1" * (number + 1)))
    finding = only(check(small, previous=before), "pg.statements_evicted")
    assert finding["unit"] == "evictions/h"
    assert "made room" in finding["message"]


def test_sessions_whose_clients_vanish(small):
    before = check(small)["measurements"]
    for _number in range(60):
        session = small.session()
        with socket.socket(fileno=os.dup(session.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
        session.close()
    query = "SELECT sessions_abandoned FROM pg_stat_database WHERE datname = current_database()"
    until(lambda: small.value(query) >= 60)
    finding = only(check(small, previous=before), "pg.lost_sessions")
    assert finding["subject"] == "postgres"
    assert "60 lost their client" in finding["message"]


def test_maintenance_that_takes_long(shop):
    """A vacuum that rests more than it works; a day of it is not waited for."""
    shop.execute(f"ALTER DATABASE {shop.name} SET vacuum_cost_delay = 100")
    shop.execute(f"ALTER DATABASE {shop.name} SET vacuum_cost_limit = 1")
    running = in_background(shop.session(), "VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) orders")
    until(lambda: shop.execute("SELECT pid FROM pg_stat_progress_vacuum WHERE heap_blks_total > 0"))
    assert found(check(shop), "pg.maintenance_running") == []
    finding = only(check(shop, thresholds={"maintenance_running": {"warning": 0}}), "pg.maintenance_running")
    assert finding["subject"] == f"VACUUM {running.get_backend_pid()}"
    assert finding["message"].startswith(f"VACUUM of public.orders in database {shop.name} has been running for ")
    shop.execute("SELECT pg_cancel_backend(%s)", (running.get_backend_pid(),))
    with pytest.raises(psycopg2.errors.QueryCanceled):
        finish(running)
    running.close()


def test_more_wal_than_was_meant(small):
    small.execute("SELECT pg_create_physical_replication_slot('keeper', true)")
    try:
        for _number in range(90):
            small.execute("SELECT pg_logical_emit_message(false, 'test', repeat(md5(random()::text), 32768))")
        options = {"exclude_checks": ["slots_inactive"]}
        assert check(small, **options)["findings"] == []
        finding = only(check(small, **options, thresholds={"wal_size": {"wal_bytes": 0}}), "pg.wal_size")
        assert finding["value"] >= 250
    finally:
        small.execute("SELECT pg_drop_replication_slot('keeper')")


def test_a_database_that_outgrows_a_limit_of_ones_own(shop):
    finding = only(check(shop, thresholds={"database_size": {"warning": 1000000}}), "pg.database_size")
    assert (finding["subject"], finding["unit"]) == (shop.name, "bytes")
    assert check(shop, thresholds={"database_size": {"warning": 10**12}})["findings"] == []


@pytest.fixture
def subscribed(shop):
    """``shop`` publishes its customers, and another database of the server has them, too."""
    maintenance = Database(shop.server, "postgres")
    with Database.fresh(shop.server, "subscriber") as copy:
        shop.execute("CREATE PUBLICATION customers FOR TABLE customers")
        shop.execute("SELECT pg_create_logical_replication_slot('copied', 'pgoutput')")
        copy.execute("CREATE TABLE customers (id bigint PRIMARY KEY, name text)")
        source = f"host=127.0.0.1 port={shop.server.port} user=postgres dbname={shop.name} password=demo-postgres"
        copy.execute(
            f"CREATE SUBSCRIPTION copied CONNECTION '{source}' PUBLICATION customers "
            "WITH (slot_name = copied, create_slot = false, copy_data = false)"
        )
        until(lambda: copy.value("SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL"))
        # The worker is there before it has connected.
        until(lambda: copy.value("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"))
        yield copy
        copy.execute("ALTER SUBSCRIPTION copied DISABLE")
        copy.execute("ALTER SUBSCRIPTION copied SET (slot_name = NONE)")
        copy.execute("DROP SUBSCRIPTION copied")
        until(lambda: not maintenance.value("SELECT count(*) FROM pg_replication_slots WHERE active"))
        maintenance.execute("SELECT pg_drop_replication_slot('copied')")
    maintenance.close()


# What the publisher, which is the same server here, has to say of it.
PUBLISHER = ("slots_inactive", "replicas", "replication_lag", "replication_lag_bytes", "xmin_horizon")


def test_a_subscription_that_works(subscribed):
    assert check(subscribed, exclude_checks=["slow_statements"])["findings"] == []


def test_a_subscription_that_cannot_apply_a_row(shop, subscribed):
    """A row that is there already: the worker ends with an error and is started again, for ever."""
    before = check(subscribed)["measurements"]
    subscribed.execute("INSERT INTO customers VALUES (100000, 'mine')")
    shop.execute("INSERT INTO customers OVERRIDING SYSTEM VALUE VALUES (100000, 'yours')")
    options = {"previous": before, "exclude_checks": [*PUBLISHER, "slow_statements"]}

    def failing():
        """The worker is there again for a moment now and then: what was seen counts."""
        result = check(subscribed, **options)
        return result if found(result, "pg.subscriptions") else None

    finding = only(until(failing), "pg.subscriptions")
    assert finding["subject"] == "copied"
    assert "logical replication" in finding["advice"]


def test_a_subscription_that_is_disabled(subscribed):
    subscribed.execute("ALTER SUBSCRIPTION copied DISABLE")
    result = check(subscribed, exclude_checks=[*PUBLISHER, "slow_statements"])
    assert only(result, "pg.subscriptions", "info")["subject"] == "copied"
