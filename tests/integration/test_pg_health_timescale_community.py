# SPDX-License-Identifier: GPL-3.0-or-later
"""TimescaleDB's community edition: compression, continuous aggregates and their policies, for real.

It runs as WebAssembly, without background workers: policies are run by hand (``run_job``), and the server has no
sessions to see. So the only finding of a stack in order is that nobody starts its jobs, which is true.
"""

from __future__ import annotations

import pytest

from tests.support.modules import found
from tests.support.pg_health import check, only
from tests.support.timescale import community_database

CHECKS = ["timescale_jobs", "timescale_compression", "timescale_chunks", "timescale_chunk_size", "timescale_aggregates"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with community_database(tmp_path_factory.mktemp("pglite")) as opened:
        yield opened


@pytest.fixture
def database(server):
    """Twenty days of readings, a chunk a day, that may be compressed and aggregated; no policy yet."""
    server.execute("CREATE TABLE readings (at timestamptz NOT NULL, device int, value float)")
    server.execute("SELECT create_hypertable('readings', 'at', chunk_time_interval => interval '1 day')")
    server.execute(
        "INSERT INTO readings SELECT now() - i * interval '1 hour', i % 10, 0 FROM generate_series(0, 480) i"
    )
    server.execute("ALTER TABLE readings SET (timescaledb.compress)")
    server.execute("""
        CREATE MATERIALIZED VIEW hourly WITH (timescaledb.continuous) AS
        SELECT time_bucket('1 hour', at) AS hour, avg(value) FROM readings GROUP BY 1 WITH NO DATA""")
    yield server
    for what in (
        "MATERIALIZED VIEW IF EXISTS coarse",
        "TABLE IF EXISTS steps",
        "MATERIALIZED VIEW hourly",
        "TABLE readings",
    ):
        server.execute(f"DROP {what}")


def compress(database):
    return database.value("SELECT add_compression_policy('readings', interval '7 days')")


def aggregate(database):
    return database.value("""
        SELECT add_continuous_aggregate_policy('hourly', start_offset => NULL, end_offset => interval '1 hour',
                                               schedule_interval => interval '1 hour')""")


def look(database, **options):
    """It takes one connection at a time, so the test's own makes room."""
    database.close()
    return check(database, **{"checks": CHECKS, **options})


def test_hypertables_in_order_are_silent(database):
    database.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
    assert look(database)["findings"] == []
    for policy in (compress(database), aggregate(database)):
        database.execute(f"CALL run_job({policy})")
    result = look(database)
    assert [finding["subject"] for finding in result["findings"]] == ["scheduler"]
    assert look(database, exclude_checks=["timescale_jobs"])["findings"] == []


def test_every_check_of_the_module_answers_on_it(database):
    database.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
    result = look(database, checks=[], exclude_checks=["dangerous_settings", "archiving"], include_ok=True)
    assert [f["message"] for f in result["findings"] if f["severity"] == "unknown"] == []


def test_jobs_that_nobody_starts(database):
    compress(database)
    finding = only(look(database, checks=["timescale_jobs"]), "pg.timescale_jobs")
    assert "1 job will not start" in finding["message"]


def test_chunks_that_the_policy_left_uncompressed(database):
    policy = compress(database)
    finding = only(look(database, checks=["timescale_compression"]), "pg.timescale_compression", "critical")
    assert finding["subject"] == "public.readings"
    assert finding["message"].startswith(("12 chunks of public.readings", "13 chunks of public.readings"))
    assert f"run_job({policy})" in finding["advice"]
    database.execute(f"CALL run_job({policy})")
    assert look(database, checks=["timescale_compression"])["findings"] == []


def test_a_policy_of_compression_that_is_paused(database):
    policy = compress(database)
    database.execute(f"SELECT alter_job({policy}, scheduled => false)")
    result = look(database, exclude_checks=["timescale_aggregates"])
    (finding,) = found(result, "pg.timescale_compression")
    assert finding["message"].endswith("; the policy is paused.")
    assert [f["value"] for f in found(result, "pg.timescale_jobs")] == ["paused"]


def test_chunks_of_an_aggregate_that_are_not_compressed(database):
    database.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
    database.execute("ALTER MATERIALIZED VIEW hourly SET (timescaledb.compress)")
    database.execute("""
        SELECT add_continuous_aggregate_policy('hourly', start_offset => interval '12 hours',
            end_offset => interval '1 hour', schedule_interval => interval '1 hour')""")
    policy = database.value(
        "SELECT add_compression_policy('hourly', interval '1 day', schedule_interval => interval '1 hour')"
    )
    (finding,) = found(look(database, thresholds={"timescale_compression": {"warning": 1}}), "pg.timescale_compression")
    assert finding["subject"] == "public.hourly"
    database.execute(f"CALL run_job({policy})")
    result = look(database, thresholds={"timescale_compression": {"warning": 1}})
    assert found(result, "pg.timescale_compression") == []


def test_chunks_without_a_policy_are_nobodys_fault(database):
    assert look(database, checks=["timescale_compression"])["findings"] == []


def test_an_aggregate_that_was_never_materialised(database):
    finding = only(look(database), "pg.timescale_aggregates", "critical")
    assert finding["subject"] == "public.hourly"
    assert "nothing of it is materialised" in finding["message"]
    assert "Nothing refreshes it" in finding["advice"]


def test_an_aggregate_that_does_not_follow_its_data(database):
    """Refreshed up to four days ago; the newest chunks have never been seen."""
    database.execute("CALL refresh_continuous_aggregate('hourly', NULL, now() - interval '4 days')")
    finding = only(look(database), "pg.timescale_aggregates", "critical")
    assert 2.5 * 86400 < finding["value"] < 4.1 * 86400
    database.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
    assert look(database)["findings"] == []


def test_a_quiet_hypertable_is_not_behind(database):
    """Nothing has come in for days, and nothing is missing."""
    database.execute("DELETE FROM readings WHERE at > now() - interval '10 days'")
    database.execute("SELECT drop_chunks('readings', newer_than => now() - interval '10 days')")
    database.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
    assert look(database)["findings"] == []


def test_a_policy_of_refreshing_that_has_not_succeeded_for_long(database):
    """No scheduler writes its diary here: that the last success is five hours ago is written for it."""
    policy = aggregate(database)
    database.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
    database.execute(
        """
        INSERT INTO _timescaledb_internal.bgw_job_stat (job_id, last_start, last_finish, next_start,
            last_successful_finish, last_run_success, total_runs, total_duration, total_duration_failures,
            total_successes, total_failures, total_crashes, consecutive_failures, consecutive_crashes)
        SELECT %s, now(), now(), now() + interval '1 hour', now() - interval '5 hours', false, 9, '0', '0', 8, 1, 0, 1,
               0""",
        (policy,),
    )
    result = look(database)
    (finding,) = found(result, "pg.timescale_aggregates")
    assert finding["severity"] == "warning"
    assert finding["value"] == pytest.approx(4 * 3600, abs=300)
    assert f"job {policy}" in finding["advice"]
    assert {f["value"] for f in found(result, "pg.timescale_jobs")} == {"failed", "none"}


def test_integers_instead_of_time_have_no_clock(database):
    database.execute("CREATE TABLE steps (step bigint NOT NULL, value float)")
    database.execute("SELECT create_hypertable('steps', 'step', chunk_time_interval => 1000)")
    database.execute("INSERT INTO steps SELECT i, i FROM generate_series(1, 5000) i")
    database.execute("CREATE FUNCTION now_step() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 5000::bigint'")
    database.execute("SELECT set_integer_now_func('steps', 'now_step')")
    database.execute("ALTER TABLE steps SET (timescaledb.compress)")
    database.execute("SELECT add_compression_policy('steps', 1000::bigint)")
    database.execute("""
        CREATE MATERIALIZED VIEW coarse WITH (timescaledb.continuous) AS
        SELECT time_bucket(100, step) AS bucket, avg(value) FROM steps GROUP BY 1 WITH NO DATA""")
    database.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
    assert look(database, exclude_checks=["timescale_jobs"])["findings"] == []
