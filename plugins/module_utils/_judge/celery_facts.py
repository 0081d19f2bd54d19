# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of Celery from its Redis broker and from its workers' answers, and the register of the checks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, Mapping, Optional, Sequence, Tuple, Union

from .checks import Register, Unavailable
from .interval import Interval

CHECKS = Register("celery")
CLOCK = "celery.observed_at"


@dataclass(frozen=True)
class Lane:
    """The messages of one priority of a queue. ``mark`` tells the oldest from others, 0 if there is none.

    ``sent_at`` is when the oldest was sent, in seconds since the epoch, where the message says it.
    """

    priority: int
    depth: int
    mark: int = 0
    sent_at: Optional[float] = None


@dataclass(frozen=True)
class Queue:
    name: str
    lanes: Tuple[Lane, ...] = ()

    @property
    def depth(self) -> int:
        return sum(lane.depth for lane in self.lanes)


@dataclass(frozen=True)
class Unacked:
    """Messages that workers hold and have not acknowledged; the oldest was handed out ``oldest_seconds`` ago."""

    count: int
    oldest_seconds: float = 0.0


@dataclass(frozen=True)
class Task:
    """``started_at`` is in seconds since the epoch; ``None`` where the worker does not say it so."""

    name: str
    id: str
    worker: str
    started_at: Optional[float] = None


@dataclass(frozen=True)
class Worker:
    """``queues`` is ``None``, where the worker answered the ping but not the question. ``started`` counts by task."""

    name: str
    active: Tuple[Task, ...] = ()
    reserved: int = 0
    queues: Optional[Tuple[str, ...]] = None
    started: Optional[Mapping[str, int]] = None
    answers: int = 1


@dataclass(frozen=True)
class Periodic:
    """A task that beat is to send every ``every`` seconds."""

    name: str
    every: float


@dataclass(frozen=True)
class Beat:
    """What was declared as evidence of beat, and what it shows. ``None``: not declared, or for an age, not there."""

    schedule_file: Optional[str] = None
    schedule_age: Optional[float] = None
    lock_key: Optional[str] = None
    lock_seconds: Optional[float] = None


@dataclass(frozen=True)
class Backend:
    """The result backend: ``problem`` is empty when it answers and takes results."""

    target: str
    problem: str = ""
    advice: str = ""
    replica: bool = False


@dataclass(frozen=True)
class Expected:
    workers: Optional[int] = None
    names: Tuple[str, ...] = ()
    periodic: Tuple[Periodic, ...] = ()


@dataclass(frozen=True)
class Look:
    """This look beside the previous one. ``waiting``: since when each oldest message is known to be the oldest, by the
    key of its lane. ``ran_at``: when each periodic task was last known to have run.
    """

    now: float
    interval: Interval
    waiting: Mapping[str, float]
    ran_at: Mapping[str, float]


def key_of(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-@" else "_" for c in name)


def lane_key(queue: Queue, lane: Lane) -> str:
    return "celery.queue.{0}.p{1}.".format(key_of(queue.name), lane.priority)


def task_key(name: str) -> str:
    return "celery.task.{0}.".format(key_of(name))


def look_of(
    now: float,
    queues: Union[Sequence[Queue], Unavailable],
    workers: Union[Sequence[Worker], Unavailable],
    unacked: Union[Unacked, Unavailable],
    periodic: Iterable[Periodic],
    previous: Mapping[str, Any],
) -> Tuple[Look, Dict[str, float]]:
    """This look, and its measurements. Raises ``InputError`` for a ``previous`` of something else."""
    figures: Dict[str, float] = {CLOCK: round(now, 3)}
    if not isinstance(workers, Unavailable):
        figures["celery.workers.answering"] = sum(worker.answers for worker in workers)
        figures["celery.tasks.active"] = sum(len(worker.active) for worker in workers)
        figures["celery.tasks.reserved"] = sum(worker.reserved for worker in workers)
        if workers and all(worker.started is not None for worker in workers):
            figures["celery.tasks.started_total"] = sum(sum((w.started or {}).values()) for w in workers)
            for task in periodic:
                started = sum((worker.started or {}).get(task.name, 0) for worker in workers)
                figures[task_key(task.name) + "started_total"] = started
    if not isinstance(unacked, Unavailable):
        figures["celery.unacked.count"] = unacked.count
        figures["celery.unacked.oldest_seconds"] = round(unacked.oldest_seconds, 1)
    lanes = []
    if not isinstance(queues, Unavailable):
        for queue in queues:
            figures["celery.queue.{0}.depth".format(key_of(queue.name))] = queue.depth
            lanes += [(lane_key(queue, lane), lane) for lane in queue.lanes if lane.mark]
    interval = Interval(figures, previous, CLOCK)
    waiting = {}
    for key, lane in lanes:
        same = interval.previous.get(key + "oldest_mark") == lane.mark
        waiting[key] = interval.previous.get(key + "oldest_since", now) if same else now
        figures.update({key + "oldest_mark": lane.mark, key + "oldest_since": round(waiting[key], 3)})
    ran_at = {task.name: _ran_at(task_key(task.name), interval, now) for task in periodic}
    figures.update((task_key(name) + "ran_at", round(moment, 3)) for name, moment in ran_at.items())
    return Look(now, interval, waiting, ran_at), figures


def _ran_at(key: str, interval: Interval, now: float) -> float:
    """Watching begins now. A count that shrank began anew with a worker, and what it holds ran since then."""
    known = interval.previous.get(key + "ran_at")
    before, after = interval.previous.get(key + "started_total"), interval.now.get(key + "started_total")
    if known is None or (before is not None and after is not None and (after > before or 0 < after < before)):
        return now
    return known


def lane_of(priority: int, depth: int, message: bytes, age_fields: Sequence[str]) -> Lane:
    """From the oldest message of a lane, as kombu writes it. What cannot be read is only told from others."""
    try:
        content = json.loads(message)
        headers, properties = content.get("headers") or {}, content.get("properties") or {}
        name = headers.get("id") or properties.get("correlation_id") or properties.get("delivery_tag")
        said = [part[header] for part in (headers, properties) for header in age_fields if header in part]
    except (ValueError, AttributeError, TypeError, RecursionError):
        name, said = None, []
    identity = str(name).encode("utf-8", "replace") if name else message
    mark = int(hashlib.sha256(identity).hexdigest()[:12], 16) if message else 0
    return Lane(priority, depth, mark, next((moment for moment in map(_moment, said) if moment), None))


def _moment(given: Any) -> Optional[float]:
    """Seconds since the epoch from a number of seconds or milliseconds, or from a date and time (else UTC)."""
    if isinstance(given, str):
        try:
            moment = datetime.fromisoformat(given.strip().replace("Z", "+00:00"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
        except (ValueError, OverflowError):
            pass
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):  # JSON has whole numbers of any size
        return None
    if 1e11 < number < 1e14:
        number /= 1000.0
    return number if 1e9 < number < 1e11 else None
