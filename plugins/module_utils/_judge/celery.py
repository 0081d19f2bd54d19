# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether Celery's workers, queues, beat and results are in order."""

from __future__ import annotations

from typing import Iterator, List, Sequence

from . import celery_beat
from .celery_facts import CHECKS, Expected, Look, Queue, Unacked, Worker, key_of, lane_key
from .checks import Rule
from .finding import CRITICAL, INFO, OK, WARNING, Finding
from .text import printable, seconds_text
from .threshold import Threshold

SUBJECTS = (celery_beat,)

_START = "Look at the workers' service and log: are they started, and with this broker and logical database?"
_HANG = (
    "Look at its process: stopped, out of memory, or of the pool 'solo', which does not answer while it works. "
    "Restart it if it hangs."
)


@CHECKS.check("reachable", needs=("now",), procedure="H13", question="Can the broker be reached and logged in to?")
def reachable(rule: Rule, now: float) -> Iterator[Finding]:
    yield rule.say(OK, "broker", "The broker answers.")


@CHECKS.check(
    "workers", needs=("workers", "expected", "look"), procedure="H13", question="Do all workers answer a ping?"
)
def workers(rule: Rule, workers: Sequence[Worker], expected: Expected, look: Look) -> Iterator[Finding]:
    answering = sum(worker.answers for worker in workers)
    if not workers:
        yield rule.say(CRITICAL, "workers", "No worker answers.", _START, 0)
        return
    names = {worker.name for worker in workers}
    missing = [name for name in expected.names if name not in names]
    for name in missing:
        yield rule.say(CRITICAL, name, "The worker does not answer.", _HANG)
    for worker in workers:
        if worker.answers > 1:
            message = "{0} workers answer by this name, so that what is asked of one may hit another.".format(
                worker.answers
            )
            yield rule.say(WARNING, worker.name, message, "Give each worker a name of its own (celery worker -n …).")
    before = look.interval.previous.get("celery.workers.answering", 0)
    if expected.workers is not None and not missing and answering < expected.workers:
        message = "{0} of {1} workers answer.".format(answering, expected.workers)
        yield rule.say(WARNING, "workers", message, _HANG, answering)
    elif expected.workers is None and not expected.names and answering < before:
        message = "{0} workers answer; at the previous look there were {1:g}.".format(answering, before)
        yield rule.say(INFO, "workers", message, "If that was not wanted: {0}".format(_HANG), answering)
    elif not missing:
        yield rule.say(OK, "workers", "{0} workers answer.".format(answering), value=answering)


@CHECKS.check(
    "queue_depth",
    needs=("queues",),
    procedure="H13",
    question="Do queues stay short?",
    threshold=Threshold("messages", 1000, 10000, source="ours; manual M1: scale workers by the depth of queues"),
)
def queue_depth(rule: Rule, queues: Sequence[Queue]) -> Iterator[Finding]:
    for queue in queues:
        parts = ["{0} of priority {1}".format(lane.depth, lane.priority) for lane in queue.lanes if lane.depth]
        detail = " ({0})".format(", ".join(parts)) if len(parts) > 1 else ""
        yield rule.judge(
            queue.name,
            queue.depth,
            "{0} messages wait in the queue{1}.".format(queue.depth, detail),
            "Start more workers for this queue, or find out who sends so much (celery inspect stats).",
        )


@CHECKS.check(
    "oldest_message",
    needs=("queues", "look"),
    procedure="H13",
    question="Is no message left waiting?",
    threshold=Threshold(
        "seconds", 900, 3600, source="ours: a quarter of an hour is felt by whoever waits for a result"
    ),
)
def oldest_message(rule: Rule, queues: Sequence[Queue], look: Look) -> Iterator[Finding]:
    for queue in queues:
        ages: List[tuple] = []
        for lane in queue.lanes:
            if lane.sent_at is not None:
                ages.append((max(0.0, look.now - lane.sent_at), "{0}, as it says itself", lane))
            elif lane.mark:
                waited = look.now - look.waiting[lane_key(queue, lane)]
                ages.append((waited, "at least {0}: for so long it is known to be the oldest", lane))
        if ages:
            age, words, lane = max(ages, key=lambda one: one[0])
            priority = " of priority {0}".format(lane.priority) if len(ages) > 1 else ""
            yield rule.judge(
                queue.name,
                age,
                "The oldest message{0} waits for {1}.".format(priority, words.format(seconds_text(round(age, 1)))),
                "Look whether workers consume this queue and this priority, and what they are busy with.",
            )


@CHECKS.check(
    "queue_consumers",
    needs=("queues", "workers"),
    procedure="H13",
    question="Does a worker consume every queue?",
)
def queue_consumers(rule: Rule, queues: Sequence[Queue], workers: Sequence[Worker]) -> Iterator[Finding]:
    if not workers or any(worker.queues is None for worker in workers):
        return
    consumed = {name for worker in workers for name in worker.queues or ()}
    for queue in queues:
        if queue.name not in consumed:
            message = "No worker that answers consumes this queue; {0} messages wait in it.".format(queue.depth)
            advice = "Start a worker with -Q {0}, or correct the task's route.".format(printable(queue.name, 60))
            yield rule.say(CRITICAL, queue.name, message, advice, queue.depth)


@CHECKS.check(
    "long_tasks",
    needs=("workers", "look"),
    procedure="H13",
    question="Do tasks end in time?",
    threshold=Threshold(
        "seconds",
        1800,
        3600,
        source="ours: after an hour, by default, a Redis broker hands an unacknowledged task to a second worker",
    ),
)
def long_tasks(rule: Rule, workers: Sequence[Worker], look: Look) -> Iterator[Finding]:
    running = [
        (max(0.0, look.now - task.started_at), worker.name, task)
        for worker in workers
        for task in worker.active
        if task.started_at is not None
    ]
    for age, worker, task in sorted(running, key=lambda one: -one[0]):
        yield rule.judge(
            "{0} {1}".format(printable(task.name, 120), printable(task.id, 40)),
            age,
            "The task runs for {0} on {1}.".format(seconds_text(round(age, 1)), printable(worker, 80)),
            "Look at what it waits for; to end it: celery control terminate SIGTERM {0}. "
            "Set task_time_limit so that it does not come back.".format(printable(task.id, 40)),
        )


@CHECKS.check(
    "progress",
    needs=("queues", "workers", "look"),
    procedure="H13",
    question="Do workers start what waits? (needs previous)",
    threshold=Threshold("seconds", 300, 1800, source="ours: messages waited at both looks, and none was started"),
)
def progress(rule: Rule, queues: Sequence[Queue], workers: Sequence[Worker], look: Look) -> Iterator[Finding]:
    if look.interval.growth("celery.tasks.started_total") != 0 or look.interval.seconds is None:
        return
    consumed = {name for worker in workers for name in worker.queues or ()}
    stuck = [
        queue.name
        for queue in queues
        if queue.depth
        and queue.name in consumed
        and look.interval.previous.get("celery.queue.{0}.depth".format(key_of(queue.name)), 0)
    ]
    for name in stuck:
        yield rule.judge(
            name,
            look.interval.seconds,
            "Messages wait, workers answer, but no task was started in {0}.".format(
                seconds_text(round(look.interval.seconds))
            ),
            "Every process of the pool is busy or stuck: see celery inspect active; restart the workers if they hang.",
        )


@CHECKS.check(
    "unacked",
    needs=("unacked",),
    procedure="H13",
    question="Do workers hold only as many messages as a limit of your own allows?",
    threshold=Threshold("messages", source="none: it depends on the number of workers and their prefetch"),
)
def unacked(rule: Rule, unacked: Unacked) -> Iterator[Finding]:
    message = "Workers hold {0} messages that they have not acknowledged.".format(unacked.count)
    advice = "Lower worker_prefetch_multiplier, or start more workers."
    yield rule.judge("unacknowledged", unacked.count, message, advice)


@CHECKS.check(
    "unacked_age",
    needs=("unacked",),
    procedure="H13",
    question="Are messages acknowledged before they are handed out again?",
    threshold=Threshold("seconds", 3600, 7200, source="the visibility timeout of a Redis broker is 3600 s by default"),
)
def unacked_age(rule: Rule, unacked: Unacked) -> Iterator[Finding]:
    if unacked.count:
        yield rule.judge(
            "unacknowledged",
            unacked.oldest_seconds,
            "A message was handed out {0} ago and is not acknowledged.".format(
                seconds_text(round(unacked.oldest_seconds))
            ),
            "Its worker died, or the task (or its eta) takes longer than the visibility timeout and will run twice: "
            "raise visibility_timeout above the longest task.",
        )
