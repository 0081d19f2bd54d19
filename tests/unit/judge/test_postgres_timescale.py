# SPDX-License-Identifier: GPL-3.0-or-later
"""TimescaleDB where its checks turn; that its views look like that is for tests on the real extension."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import SERVER, answers, run

HOUR, DAY = 3600.0, 86400.0


def job(**fields):
    usual = Row(
        id=1001,
        name="Columnstore Policy [1001]",
        hypertable="public.readings",
        internal=False,
        has_scheduler=True,
        scheduled=True,
        running=False,
        failed=False,
        failures=0,
        success_seconds=None,
        late_seconds=-60.0,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("fields", "severity", "value"),
    [
        ({}, "ok", 0.0),
        ({"late_seconds": HOUR - 1}, "ok", HOUR - 1),
        ({"late_seconds": HOUR}, "warning", HOUR),
        ({"late_seconds": DAY}, "critical", DAY),
        ({"failed": True}, "warning", "failed"),
        ({"failed": True, "late_seconds": DAY}, "warning", "failed"),
        ({"scheduled": False, "failed": True}, "info", "paused"),
        ({"scheduled": False, "late_seconds": DAY}, "info", "paused"),
    ],
)
def test_jobs(fields, severity, value):
    (found,) = answers("timescale_jobs", timescale_jobs=[job(**fields)])
    assert (found.subject, found.severity, found.value) == ("job 1001", severity, value)


def test_what_is_said_of_jobs():
    def message(**fields):
        (found,) = answers("timescale_jobs", timescale_jobs=[job(**fields)])
        return found.message

    name = "Columnstore Policy [1001] of public.readings"
    assert message() == f"Job {name} waits for its time."
    assert message(late_seconds=7200.0, hypertable=None) == (
        "Job Columnstore Policy [1001] should have started 2 h ago."
    )
    failed = f"The last run of job {name} failed (3 failures so far; last success: "
    assert message(failed=True, failures=3) == failed + "never)."
    assert message(failed=True, failures=3, success_seconds=DAY) == failed + "1 d ago)."


def test_a_job_that_runs_or_was_never_planned_hides_no_other():
    jobs = [job(running=True, late_seconds=DAY), job(late_seconds=None), job(id=7, failed=True)]
    assert [f.subject for f in run("timescale_jobs", timescale_jobs=jobs)] == ["job 7"]


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        ([{}], []),
        ([{"has_scheduler": None}], []),
        ([{"has_scheduler": False, "internal": True}], []),
        ([{"has_scheduler": False, "scheduled": False}], []),
        ([{"has_scheduler": False}], ["1 job will not start."]),
        ([{"has_scheduler": False}, {"has_scheduler": False, "id": 7}], ["2 jobs will not start."]),
    ],
)
def test_the_scheduler(jobs, told):
    found = run("timescale_jobs", timescale_jobs=[job(**fields) for fields in jobs])
    warnings = [f for f in found if f.subject == "scheduler"]
    assert [f.message for f in warnings] == [f"No scheduler of TimescaleDB runs in this database: {t}" for t in told]
    assert {f.severity for f in warnings} <= {"warning"}


@pytest.mark.parametrize(
    ("seconds", "severity"), [(DAY - 1, "ok"), (DAY, "warning"), (7 * DAY - 1, "warning"), (7 * DAY, "critical")]
)
@pytest.mark.parametrize("scheduled", [True, False])
def test_chunks_that_are_not_compressed(seconds, severity, scheduled):
    table = Row(name="public.readings", job=1001, scheduled=scheduled, chunks=3, bytes=2**30, seconds=seconds)
    (found,) = answers("timescale_compression", timescale_compression=[table])
    assert (found.subject, found.severity, found.value) == ("public.readings", severity, seconds)
    assert found.message.startswith("3 chunks of public.readings (1 GB) should be compressed by now, the oldest since ")
    assert found.message.endswith("; the policy is paused.") is not scheduled


def test_a_size_that_nobody_has_counted_is_left_out():
    table = Row(name="public.readings", job=1001, scheduled=True, chunks=1, bytes=0, seconds=2 * DAY)
    (found,) = run("timescale_compression", timescale_compression=[table])
    assert found.message == "1 chunk of public.readings should be compressed by now, the oldest since 2 d."


def hypertable(**fields):
    usual = Row(name="public.readings", chunks=1000, locks=3000, largest_bytes=2**30, cache_bytes=2**32)
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("chunks", "locks", "severity"),
    [(500, 3200, "warning"), (499, 6400, "ok"), (500, 3199, "ok"), (500, 9000, "warning")],
)
def test_how_many_chunks(chunks, locks, severity):
    """64 locks for each of 100 connections."""
    (found,) = answers("timescale_chunks", timescale_hypertables=[hypertable(chunks=chunks, locks=locks)])
    assert (found.subject, found.severity, found.value) == ("public.readings", severity, round(locks / 64, 4))
    assert "where there is room for 6 400." in found.message


def test_prepared_transactions_make_room_for_locks():
    server = SERVER.but(max_prepared_transactions=100)
    (found,) = answers("timescale_chunks", timescale_hypertables=[hypertable(locks=6400)], server=server)
    assert found.value == 50.0


@pytest.mark.parametrize(
    ("largest", "cache", "severity"),
    [(4, 4, "warning"), (4, 4.1, "ok"), (3.9, 1, "ok"), (40, 4, "warning")],
)
def test_how_large_a_chunk_is(largest, cache, severity):
    table = hypertable(largest_bytes=largest * 2**30, cache_bytes=cache * 2**30)
    (found,) = answers("timescale_chunk_size", timescale_hypertables=[table])
    assert (found.subject, found.severity) == ("public.readings", severity)
    assert found.value == pytest.approx(100 * largest / cache, abs=1e-4)


def aggregate(**fields):
    usual = Row(
        name="public.hourly",
        job=1002,
        scheduled=True,
        unrefreshed_seconds=None,
        behind_seconds=None,
        materialised=True,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("fields", "severity", "value"),
    [
        ({"behind_seconds": -5.0}, "ok", 0.0),
        ({"unrefreshed_seconds": 2 * HOUR - 1}, "ok", 2 * HOUR - 1),
        ({"unrefreshed_seconds": 2 * HOUR}, "warning", 2 * HOUR),
        ({"unrefreshed_seconds": -9.0, "behind_seconds": 2 * HOUR}, "warning", 2 * HOUR),
        ({"unrefreshed_seconds": DAY, "behind_seconds": 2 * HOUR}, "critical", DAY),
    ],
)
def test_aggregates(fields, severity, value):
    found = answers("timescale_aggregates", timescale_aggregates=[aggregate(name="new"), aggregate(**fields)])
    assert [(f.subject, f.severity, f.value) for f in found] == [("public.hourly", severity, value)]


@pytest.mark.parametrize(
    ("fields", "told", "advice"),
    [
        ({}, "is 1 d behind its data.", "See pg.timescale_jobs for job 1002."),
        ({"materialised": False}, "behind its data: nothing of it is materialised.", "job 1002"),
        ({"scheduled": False}, "is 1 d behind", "Its policy is paused: SELECT alter_job(1002, scheduled => true)."),
        ({"job": None, "scheduled": None}, "is 1 d behind", "add_continuous_aggregate_policy('public.hourly', …)"),
    ],
)
def test_what_is_said_of_aggregates(fields, told, advice):
    (found,) = run("timescale_aggregates", timescale_aggregates=[aggregate(behind_seconds=DAY, **fields)])
    assert told in found.message
    assert advice in found.advice
    assert "CALL refresh_continuous_aggregate('public.hourly', NULL, NULL)" in found.advice
    (found,) = answers("timescale_aggregates", timescale_aggregates=[aggregate(behind_seconds=0.0)])
    assert found.message == "public.hourly is up to date."
