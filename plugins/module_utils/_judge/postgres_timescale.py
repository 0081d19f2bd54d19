# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TimescaleDB: whether jobs run, compression and aggregates keep up, and chunks have a size that serves."""

from __future__ import annotations

from typing import Any, Iterator, List

from .finding import INFO, WARNING, Finding
from .postgres_register import CHECKS
from .postgres_words import literal, many
from .rows import Row
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

DAY = 86400.0


@CHECKS.check(
    "timescale_jobs",
    needs=("timescale_jobs",),
    procedure="H06",
    question="Do the jobs of TimescaleDB run, in time and to their end?",
    threshold=Threshold("seconds", 3600, DAY, source="ours: the scheduler starts a job within seconds"),
)
def timescale_jobs(rule: Any, timescale_jobs: List[Row]) -> Iterator[Finding]:
    """The limits are for how late a job is; that it failed or is paused is a matter of yes or no."""
    waiting = [job for job in timescale_jobs if job.scheduled and not job.internal and job.has_scheduler is False]
    if waiting:
        yield rule.say(
            WARNING,
            "scheduler",
            "No scheduler of TimescaleDB runs in this database: {0} will not start.".format(many(len(waiting), "job")),
            "SELECT _timescaledb_functions.start_background_workers(). If that does not help, the server's log tells "
            "what it lacks: most often max_worker_processes or timescaledb.max_background_workers is too low.",
            "none",
        )
    for job in timescale_jobs:
        subject = "job {0}".format(job.id)
        what = "{0}{1}".format(job.name, " of {0}".format(job.hypertable) if job.hypertable else "")
        if not job.scheduled:
            yield rule.say(
                INFO,
                subject,
                "Job {0} is paused.".format(what),
                "If nobody knows why: SELECT alter_job({0}, scheduled => true).".format(job.id),
                "paused",
            )
        elif job.failed:
            yield rule.say(
                WARNING,
                subject,
                "The last run of job {0} failed ({1} so far; last success: {2}).".format(
                    what,
                    many(job.failures, "failure"),
                    "never" if job.success_seconds is None else seconds_text(job.success_seconds) + " ago",
                ),
                "SELECT * FROM timescaledb_information.job_errors WHERE job_id = {0}, or the server's log, tells why. "
                "Run it by hand: CALL run_job({0}).".format(job.id),
                "failed",
            )
        elif job.late_seconds is not None and not job.running:
            late = max(job.late_seconds, 0.0)
            yield rule.judge(
                subject,
                late,
                "Job {0} {1}.".format(
                    what, "should have started {0} ago".format(seconds_text(late)) if late else "waits for its time"
                ),
                "Are there workers left for it? timescaledb.max_background_workers and max_worker_processes have to "
                "do for all jobs that run at once; the server's log tells of those that could not be started.",
            )


@CHECKS.check(
    "timescale_compression",
    needs=("timescale_compression",),
    procedure="H06",
    question="Have the chunks been compressed that their policy speaks of?",
    threshold=Threshold("seconds", DAY, 7 * DAY, source="ours: what a whole run of the policy and a day left over"),
)
def timescale_compression(rule: Any, timescale_compression: List[Row]) -> Iterator[Finding]:
    for hypertable in timescale_compression:
        yield rule.judge(
            hypertable.name,
            hypertable.seconds,
            "{0} of {1}{2} should be compressed by now, the oldest since {3}{4}.".format(
                many(hypertable.chunks, "chunk"),
                hypertable.name,
                " ({0})".format(bytes_text(hypertable.bytes)) if hypertable.bytes else "",
                seconds_text(hypertable.seconds),
                "" if hypertable.scheduled else "; the policy is paused",
            ),
            "See pg.timescale_jobs for job {0}; CALL run_job({0}) shows what it fails at. A lock or an old transaction "
            "makes it pass over chunks.".format(hypertable.job),
        )


@CHECKS.check(
    "timescale_chunks",
    needs=("server", "timescale_hypertables"),
    procedure="H06",
    question="Can a query over a whole hypertable lock all its chunks?",
    threshold=Threshold(
        "%",
        50,
        None,
        floors={"chunks": 500},
        source="ours: of the shared lock table; at 100 % such a query ends with 'out of shared memory'",
    ),
)
def timescale_chunks(rule: Any, server: Row, timescale_hypertables: List[Row]) -> Iterator[Finding]:
    room = server.max_locks_per_transaction * (server.max_connections + server.max_prepared_transactions)
    for hypertable in timescale_hypertables:
        yield rule.judge(
            hypertable.name,
            100.0 * hypertable.locks / room,
            "{0} has {1} chunks; a query that is not limited in time locks {2} tables and indexes, where there is room "
            "for {3}.".format(
                hypertable.name,
                number_text(hypertable.chunks),
                number_text(hypertable.locks),
                number_text(room),
            ),
            "Make new chunks longer (SELECT set_chunk_time_interval({0}, …)), drop old ones (add_retention_policy), or "
            "raise max_locks_per_transaction (restart).".format(literal(hypertable.name)),
            chunks=hypertable.chunks,
        )


@CHECKS.check(
    "timescale_chunk_size",
    needs=("timescale_hypertables",),
    procedure="H06",
    question="Does a chunk fit into memory?",
    threshold=Threshold(
        "%",
        100,
        None,
        floors={"chunk_bytes": 4.0 * 1024**3},
        source="TimescaleDB: active chunks in a quarter of memory; ours: one in all of effective_cache_size",
    ),
)
def timescale_chunk_size(rule: Any, timescale_hypertables: List[Row]) -> Iterator[Finding]:
    for hypertable in timescale_hypertables:
        yield rule.judge(
            hypertable.name,
            100.0 * hypertable.largest_bytes / hypertable.cache_bytes,
            "The largest chunk of {0} takes {1} with its indexes; effective_cache_size is {2}.".format(
                hypertable.name, bytes_text(hypertable.largest_bytes), bytes_text(hypertable.cache_bytes)
            ),
            "Make new chunks shorter: SELECT set_chunk_time_interval({0}, …). If the server has more memory than that, "
            "say so to the planner: effective_cache_size (reload).".format(literal(hypertable.name)),
            chunk_bytes=hypertable.largest_bytes,
        )


@CHECKS.check(
    "timescale_aggregates",
    needs=("timescale_aggregates",),
    procedure="H06",
    question="Do continuous aggregates keep up with their data?",
    threshold=Threshold("seconds", 7200, DAY, source="ours: two hours over the schedule of the policy, then a day"),
)
def timescale_aggregates(rule: Any, timescale_aggregates: List[Row]) -> Iterator[Finding]:
    """Behind by what its policy missed, or by chunks that it has seen nothing of, whichever is more."""
    for aggregate in timescale_aggregates:
        known = [s for s in (aggregate.unrefreshed_seconds, aggregate.behind_seconds) if s is not None]
        if not known:
            continue
        behind = max(0.0, *known)
        yield rule.judge(
            aggregate.name,
            behind,
            "{0} is {1}{2}.".format(
                aggregate.name,
                "{0} behind its data".format(seconds_text(behind)) if behind else "up to date",
                "" if aggregate.materialised else ": nothing of it is materialised",
            ),
            _refresh(aggregate),
        )


def _refresh(aggregate: Row) -> str:
    by_hand = "CALL refresh_continuous_aggregate({0}, NULL, NULL) brings it up to date.".format(literal(aggregate.name))
    if aggregate.job is None:
        return "Nothing refreshes it: add_continuous_aggregate_policy({0}, …). {1}".format(
            literal(aggregate.name), by_hand
        )
    if not aggregate.scheduled:
        return "Its policy is paused: SELECT alter_job({0}, scheduled => true). {1}".format(aggregate.job, by_hand)
    return "See pg.timescale_jobs for job {0}. {1}".format(aggregate.job, by_hand)
