# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads every log that was asked for and says what is in it, as ``_judge.logs`` takes it."""

from __future__ import annotations

import time
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Pattern,
    Sequence,
    Tuple,
)

from .._judge.log_lines import Clock
from .._judge.log_patterns import Named
from .._judge.log_tally import Job
from .._judge.logs import Log
from .._judge.logs import Pattern as Limits
from .log_files import log_names
from .log_read import Read, Task, read_log

LOGS_LIMIT = 200  # of one pattern of paths


class Source(NamedTuple):
    """One entry of the option ``logs``; exactly one of ``path``, ``journal`` and ``container`` is given."""

    name: str
    path: Optional[str] = None
    journal: Optional[str] = None
    container: Optional[str] = None
    kind: str = "application"
    levels: FrozenSet[str] = frozenset()
    expression: Optional[Pattern[bytes]] = None
    unit: float = 1.0
    errors_only: Optional[bool] = None
    max_age: Optional[float] = None


class Wanted(NamedTuple):
    """What holds for all logs. ``deadline`` by ``time.monotonic()``, ``since`` in seconds since the epoch."""

    since: float
    clock: Clock
    deadline: float
    patterns: Sequence[Tuple[Named, Limits]] = ()
    top: int = 10
    lines: bool = True
    workers: int = 2
    journal_directory: Optional[str] = None


def local_time(naive: float) -> float:
    """A wall clock's time on this host, given as if it were UTC, as seconds since the epoch."""
    parts = time.gmtime(naive)
    return time.mktime((*parts[:8], -1)) + naive % 1


def read_logs(
    sources: Sequence[Source], wanted: Wanted, previous: Mapping[str, Any]
) -> Tuple[List[Log], Dict[str, Any]]:
    """The logs, and where reading them ended, by name."""
    logs, positions = [], {}
    for one in _single(sources):
        before = previous.get(one.name) or {}
        read = _read(one, wanted, before)
        positions[one.name] = read.positions or before
        seconds = wanted.clock.now - (before["time"] if before.get("time") else wanted.since)
        logs.append(_log(one, read, wanted, max(1.0, seconds)))
    return logs, {name: position for name, position in positions.items() if position}


def _single(sources: Sequence[Source]) -> Iterator[Source]:
    """A pattern of paths is as many logs as it names; one that names none stays, to be reported."""
    for one in sources:
        paths = log_names(one.path, LOGS_LIMIT) if one.path else []
        if len(paths) <= 1:
            yield one._replace(path=paths[0]) if paths else one
            continue
        for path in paths:
            yield one._replace(path=path, name=path if one.name == one.path else "{0}:{1}".format(one.name, path))


def _read(one: Source, wanted: Wanted, before: Dict[str, Any]) -> Read:
    job = Job(one.levels, tuple(named for named, limits in wanted.patterns), wanted.lines, wanted.top > 0)
    access = _access(job, one) if one.kind == "access" else None
    # A log that was rotated away entirely since the earlier look is at least read from the time of that look.
    task = Task(job, access, before.get("time") or wanted.since, wanted.clock, wanted.deadline, wanted.workers)
    if one.path:
        return read_log(one.path, task, before)
    from .log_streams import read_container, read_journal  # seldom needed, and every start would wait for it

    if one.journal:
        return read_journal(one.journal, wanted.journal_directory, task, before, bare=access is not None)
    return read_container(str(one.container), task, before, bare=access is not None)


def _access(job: Job, one: Source) -> Callable[[], Any]:
    from .._judge.log_access import AccessCounting  # the same

    return lambda: AccessCounting(job, one.expression, one.unit)


def _log(one: Source, read: Read, wanted: Wanted, seconds: float) -> Log:
    tally = read.tally
    errors_only = one.errors_only
    if errors_only is None:
        errors_only = bool(one.path) and "err" in one.path.rpartition("/")[2]
    return Log(
        name=one.name,
        source=one.path or ("the journal of " + one.journal if one.journal else "container " + str(one.container)),
        kind=one.kind,
        found=read.found,
        unreadable=read.unreadable,
        incomplete=read.incomplete,
        timed=read.timed,
        now=wanted.clock.now,
        seconds=seconds,
        first=read.first,
        last=read.last,
        files=read.files,
        bytes=read.bytes,
        lines=tally.lines if wanted.lines or one.kind == "access" else None,
        levels={level: tally.levels.get(level, 0) for level in sorted(one.levels)},
        groups=tally.groups.top(wanted.top),
        patterns=tuple(
            limits._replace(lines=tally.named.get(named.name, 0), sample=tally.named_samples.get(named.name, b""))
            for named, limits in wanted.patterns
        ),
        summary=tally.summary(max(5, wanted.top)) if one.kind == "access" else None,
        errors_only=errors_only,
        max_age=one.max_age,
    )
