# SPDX-License-Identifier: GPL-3.0-or-later
"""TimescaleDB's Apache edition, as Debian ships it: a real scheduler, hypertables and their chunks; no policies."""

from __future__ import annotations

import psycopg2
import pytest

from tests.support.databases import Database
from tests.support.modules import found
from tests.support.pg_health import HEALTHY_SETTINGS, check, only
from tests.support.timescale import apache_server
from tests.support.waiting import until

# Small on purpose: a thousand chunks with an index each are more than there is room for.
SETTINGS = {
    **HEALTHY_SETTINGS,
    "shared_preload_libraries": "timescaledb,pg_stat_statements",
    "max_locks_per_transaction": "10",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with apache_server(tmp_path_factory.mktemp("timescale"), **SETTINGS) as started:
        yield started


@pytest.fixture
def database(server, request):
    """With a hypertable of 21 chunks, a day each."""
    with Database.fresh(server, request.node.name) as fresh:
        fresh.execute("CREATE EXTENSION timescaledb; CREATE EXTENSION pg_stat_statements")
        fresh.execute("CREATE TABLE readings (at timestamptz NOT NULL, device int, value float)")
        fresh.execute("SELECT create_hypertable('readings', 'at', chunk_time_interval => interval '1 day')")
        fresh.execute("""
            INSERT INTO readings SELECT now() - i * interval '1 hour', i % 10, 0 FROM generate_series(0, 480) i""")
        fresh.execute("ANALYZE readings")
        yield fresh


def test_a_healthy_hypertable_is_silent(database):
    """Also the extension's own job, which the licence keeps from ever succeeding here."""
    result = check(database)
    assert (result["status"], result["findings"]) == ("healthy", [])
    assert result["measurements"]["pg.timescale.chunks"] >= 21


def test_what_the_edition_lacks_is_said_and_is_no_fault(database):
    result = check(database, include_ok=True)
    assert {finding["severity"] for finding in result["findings"]} == {"ok"}
    told = {check: found(result, f"pg.timescale_{check}")[0]["message"] for check in ("compression", "aggregates")}
    assert told == {
        "compression": "The Apache edition of TimescaleDB has no compression.",
        "aggregates": "The Apache edition of TimescaleDB has no continuous aggregates.",
    }


def test_a_monitoring_role_sees_the_same(database):
    database.execute("CREATE ROLE watcher LOGIN PASSWORD 'watcher-secret' IN ROLE pg_monitor")
    try:
        job = add_job(database)
        result = check(database, login_user="watcher", login_password="watcher-secret")
        finding = only(result, "pg.timescale_jobs")
        assert finding["subject"] == f"job {job}"
    finally:
        database.execute("DROP ROLE watcher")


def add_job(database):
    """A job whose procedure does not exist. This edition has no function to add one, hence its table is written to."""
    job = database.value("""
        INSERT INTO _timescaledb_config.bgw_job (application_name, schedule_interval, max_runtime, max_retries,
            retry_period, proc_schema, proc_name, owner, scheduled, fixed_schedule)
        VALUES ('broken', '1 second', '1 minute', -1, '1 second', 'public', 'no_such_procedure', 'postgres'::regrole,
                true, false)
        RETURNING id""")
    database.execute("SELECT _timescaledb_functions.restart_background_workers()")
    status = "SELECT count(*) FROM timescaledb_information.job_stats WHERE job_id = %s AND last_run_status = 'Failed'"
    until(lambda: database.value(status, (job,)))
    return job


def test_a_job_that_fails(database):
    job = add_job(database)
    finding = only(check(database), "pg.timescale_jobs")
    assert (finding["subject"], finding["value"]) == (f"job {job}", "failed")
    assert "last success: never" in finding["message"]
    assert f"CALL run_job({job})" in finding["advice"]


def test_a_job_that_is_paused(database):
    job = add_job(database)
    database.execute("UPDATE _timescaledb_config.bgw_job SET scheduled = false WHERE id = %s", (job,))
    assert only(check(database), "pg.timescale_jobs", "info")["value"] == "paused"


def test_a_scheduler_that_was_stopped(database):
    """What has failed is said of a job first; had it succeeded, it would be late. An hour of that is too long."""
    job = add_job(database)
    database.execute("SELECT _timescaledb_functions.stop_background_workers()")
    schedulers = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type LIKE 'Time%%'"
    )
    until(lambda: database.value(schedulers) == 0)
    database.execute("UPDATE _timescaledb_internal.bgw_job_stat SET last_run_success = true WHERE job_id = %s", (job,))
    finding = only(check(database), "pg.timescale_jobs")
    assert finding["subject"] == "scheduler"
    assert "start_background_workers" in finding["advice"]

    def late():
        result = check(database, thresholds={"timescale_jobs": {"warning": 0.5, "critical": None}})
        return [f for f in found(result, "pg.timescale_jobs", f"job {job}") if f["severity"] == "warning"]

    (finding,) = until(late)
    assert "should have started" in finding["message"]


def test_more_chunks_than_locks(database):
    for start in range(0, 1000, 50):
        database.execute(
            "INSERT INTO readings SELECT now() - interval '30 days' - i * interval '1 day', 1, 1 "
            f"FROM generate_series({start}, {start + 49}) i"
        )
    finding = only(check(database), "pg.timescale_chunks")
    assert finding["subject"] == "public.readings"
    assert finding["value"] > 100
    assert "set_chunk_time_interval('public.readings', …)" in finding["advice"]
    with pytest.raises(psycopg2.errors.OutOfMemory):
        database.execute("SELECT count(*) FROM readings")


def test_a_chunk_that_is_larger_than_memory(database):
    """Memory is said to be 64 kB; the least size of a chunk that matters is lowered."""
    database.execute(f"ALTER DATABASE {database.name} SET effective_cache_size = '64kB'")
    database.execute("INSERT INTO readings SELECT now(), i, i FROM generate_series(1, 5000) i")
    database.execute("ANALYZE readings")
    assert check(database)["findings"] == []
    finding = only(check(database, thresholds={"timescale_chunk_size": {"chunk_bytes": 0}}), "pg.timescale_chunk_size")
    assert finding["subject"] == "public.readings"
    assert "effective_cache_size is 64 kB" in finding["message"]
