# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether beat sends and results can be stored.

Beat does not answer to anybody. What can be seen of it is what was declared: the file in which it keeps its schedule,
the lock of RedBeat, or that a periodic task is run.
"""

from __future__ import annotations

from typing import Iterator, Sequence

from .celery_facts import CHECKS, Backend, Beat, Expected, Look, Worker
from .checks import Rule
from .finding import CRITICAL, OK, WARNING, Finding
from .text import number_text, printable, seconds_text
from .threshold import Threshold

_START = "Look at the service of beat and its log, then start it. There must be only one."


@CHECKS.check(
    "beat_schedule",
    needs=("beat",),
    procedure="H13",
    question="Does beat write its schedule file? (needs beat_schedule_file)",
    threshold=Threshold(
        "seconds", 900, 3600, source="ours: beat writes it when it sends a task, at most every 3 minutes; 5 of those"
    ),
)
def beat_schedule(rule: Rule, beat: Beat) -> Iterator[Finding]:
    if beat.schedule_file is None:
        return
    if beat.schedule_age is None:
        message = "There is no schedule file, so beat has never run with it."
        yield rule.say(CRITICAL, beat.schedule_file, message, "Check the path (celery beat -s …). {0}".format(_START))
        return
    yield rule.judge(
        beat.schedule_file,
        beat.schedule_age,
        "Beat wrote its schedule file {0} ago.".format(seconds_text(round(beat.schedule_age, 1))),
        "{0} If its tasks are sent more rarely than that, raise this limit.".format(_START),
    )


@CHECKS.check(
    "beat_lock",
    needs=("beat",),
    procedure="H13",
    question="Does RedBeat hold its lock? (needs redbeat_lock_key)",
)
def beat_lock(rule: Rule, beat: Beat) -> Iterator[Finding]:
    if beat.lock_key is None:
        return
    if beat.lock_seconds is None:
        message = "Nobody holds the lock {0}: no scheduler has renewed it in time.".format(
            printable(beat.lock_key, 120)
        )
        yield rule.say(CRITICAL, "RedBeat", message, _START)
    elif beat.lock_seconds < 0:
        message = "The lock {0} never expires, so it does not show that beat lives.".format(
            printable(beat.lock_key, 120)
        )
        advice = "Set redbeat_lock_timeout; a lock without an end also keeps a second scheduler out for ever."
        yield rule.say(WARNING, "RedBeat", message, advice)
    else:
        yield rule.say(OK, "RedBeat", "Its lock holds for {0} more.".format(seconds_text(round(beat.lock_seconds))))


@CHECKS.check(
    "periodic_tasks",
    needs=("workers", "expected", "look"),
    procedure="H13",
    question="Do periodic tasks run? (needs periodic_tasks and previous)",
    threshold=Threshold("intervals", 2, 3, source="ours: one may be late, two are missing"),
)
def periodic_tasks(rule: Rule, workers: Sequence[Worker], expected: Expected, look: Look) -> Iterator[Finding]:
    if not workers or any(worker.started is None for worker in workers):
        return
    for task in expected.periodic:
        silent = max(0.0, look.now - look.ran_at[task.name])
        yield rule.judge(
            task.name,
            silent / task.every,
            "It is to run every {0}, but no worker has started it for at least {1} ({2} intervals).".format(
                seconds_text(task.every), seconds_text(round(silent)), number_text(round(silent / task.every, 1))
            )
            if silent
            else "It was started since the previous look.",
            "{0} Is the task in its schedule, and does a worker consume its queue?".format(_START),
        )


@CHECKS.check(
    "result_backend",
    needs=("backend",),
    procedure="H13",
    question="Can results be stored? (needs result_backend)",
)
def result_backend(rule: Rule, backend: Backend) -> Iterator[Finding]:
    if backend.problem:
        yield rule.say(CRITICAL, backend.target, backend.problem, backend.advice)
    elif backend.replica:
        message = "The result backend is a replica, which takes no results."
        yield rule.say(CRITICAL, backend.target, message, "Point result_backend of the application at the primary.")
    else:
        yield rule.say(OK, backend.target, "The result backend answers.")
