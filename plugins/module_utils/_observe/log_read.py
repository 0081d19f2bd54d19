# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts what the files of a log hold, in bounded memory; a large log by two processes, each with one half of it.

Two, because looking for words holds the interpreter's lock, and no more, because the host has other work to do.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from .._errors import OpsError
from .._judge.log_lines import Clock, Sight, sight_of, time_of
from .._judge.log_tally import Counting, Job, Tally, merged
from .._judge.log_time import entry_after, position_of, reader
from .log_files import SAMPLE, LogFile, Rotated, Series, open_series, positions

ATTEMPTS = 4
_SAMPLES = 9
_ALONE = 48 * 1024 * 1024  # less is not worth a second process


class Span(NamedTuple):
    """Bytes of one file; ``since`` where it cannot be halved, so that what is older has to be read and left out."""

    index: int
    start: int
    end: int
    since: Optional[float] = None


class Task(NamedTuple):
    """``counting`` makes what takes the bytes; ``deadline`` by ``time.monotonic()``."""

    job: Job
    access: Optional[Callable[[], Any]]
    since: float
    clock: Clock
    deadline: float
    workers: int = 2


class Read(NamedTuple):
    """``first`` and ``last`` in seconds since the epoch, where entries tell them."""

    tally: Tally
    timed: bool
    first: Optional[float]
    last: Optional[float]
    files: int
    bytes: int
    incomplete: str
    unreadable: str
    found: bool
    positions: Dict[str, Any]


class Late(OpsError):
    """The time for reading is over."""


def read_log(path: str, task: Task, previous: Dict[str, Any]) -> Read:
    """Everything since then, once. Begins anew when the log is rotated meanwhile in a way that moves its content."""
    text = ""
    for attempt in range(ATTEMPTS):
        try:
            with open_series(path, task.since, previous) as series:
                return _read(series, task, last_attempt=attempt == ATTEMPTS - 1)
        except Rotated as error:
            text = error.text
    return Read(_counting(task, Sight(True, frozenset()), ()).tally, True, None, None, 0, 0, text, "", True, {})


def _read(series: Series, task: Task, last_attempt: bool) -> Read:
    samples = _samples(series)
    sight = sight_of(samples)
    ends = {index: file.whole_lines(task.clock.now) for index, file in enumerate(series.files)}
    incomplete = ""
    try:
        spans = [_span(series, index, ends[index], sight, task) for index in range(len(series.files))]
    except Late as error:
        spans, incomplete = [], error.text
    spans = [span for span in spans if span.end > span.start or series.files[span.index].compression]
    work = _Work(series.files, task, sight, samples)
    first, second = work.halves(spans)
    with _Second(work, second) as other:
        part = work.count(first)
        parts = [part] + ([other.result()] if second else [])
    for one in parts:
        incomplete = incomplete or one.incomplete
        ends.update(one.ends)
    if not all(file.unchanged() for file in series.files) and not last_attempt:
        raise Rotated("It was truncated while it was read.")
    tally = merged([one.tally for one in parts])
    known = {"time": task.clock.now, "files": positions(series, ends)} if not incomplete else {}
    return Read(
        tally=tally,
        timed=sight.timed or not samples,
        first=time_of(tally.first, task.clock) if tally.first else None,
        last=time_of(tally.last, task.clock) if tally.last else _modified(series),
        files=len(spans),
        bytes=sum(one.bytes for one in parts),
        incomplete=incomplete,
        unreadable=series.unreadable,
        found=series.found,
        positions=known,
    )


def _modified(series: Series) -> Optional[float]:
    return max((file.modified for file in series.files if file.size), default=None)


def _samples(series: Series) -> List[bytes]:
    """From several places, the newest files first; a rare way of writing is seen in more than one place."""
    found: List[bytes] = []
    for file in reversed(series.files):
        found.append(file.sample)
        if file.compression is None:
            for place in sorted({max(0, file.size // 2 - SAMPLE), max(0, file.size - SAMPLE)} - {0}):
                text = file.read(place, SAMPLE)
                found.append(text[text.find(b"\n") + 1 :])
        if len(found) >= _SAMPLES:
            break
    return [one for one in found if one]


def _span(series: Series, index: int, end: int, sight: Sight, task: Task) -> Span:
    file = series.files[index]
    if index in series.starts:
        return Span(
            index, min(series.starts[index], max(end, 0)) if not file.compression else series.starts[index], end
        )
    if series.starts or not sight.timed:
        return Span(index, 0, end)
    if file.compression is None:
        return Span(index, position_of(task.since, _in_time(file, task), end, task.clock), end)
    return Span(index, 0, end, task.since)


def _in_time(file: LogFile, task: Task) -> Callable[[int, int], bytes]:
    """Reads of the file until the time is over: where lines are short, looking for one that tells a time takes long."""

    def read(position: int, size: int) -> bytes:
        _require_time(file, task)
        return file.read(position, size)

    return read


def _require_time(file: LogFile, task: Task) -> None:
    if time.monotonic() > task.deadline:
        raise Late("The time for reading was over before the end of {0}.".format(file.path))


def _counting(task: Task, sight: Sight, samples: Sequence[bytes]) -> Any:
    return task.access() if task.access else Counting(task.job, sight, samples)


class _Part(NamedTuple):
    tally: Tally
    bytes: int
    ends: Dict[int, int]
    incomplete: str


class _Work:
    def __init__(self, files: Sequence[LogFile], task: Task, sight: Sight, samples: Sequence[bytes]) -> None:
        self.files, self.task, self.sight, self.samples = files, task, sight, samples

    def halves(self, spans: Sequence[Span]) -> Any:
        """Two lists of spans with about as much work in each; the second is empty where that is not worth it."""
        weights = [(span.end - span.start) * (6 if self.files[span.index].compression else 1) for span in spans]
        total = sum(weights)
        if self.task.workers < 2 or total < _ALONE:
            return list(spans), []
        before, number = 0, 0
        while before + weights[number] < total // 2:
            before += weights[number]
            number += 1
        span, weight = spans[number], weights[number]
        file = self.files[span.index]
        if file.compression is None and self.sight.timed:
            found = entry_after(file.read, span.start + total // 2 - before, span.end, self.task.clock)
            if found:
                first, second = span._replace(end=found[0]), span._replace(start=found[0])
                return [*spans[:number], first], [second, *spans[number + 1 :]]
        cut = number if number and before > total - before - weight else number + 1
        return list(spans[:cut]), list(spans[cut:])

    def count(self, spans: Sequence[Span]) -> _Part:
        counting = _counting(self.task, self.sight, self.samples)
        size, ends, incomplete = 0, {}, ""
        for span in spans:
            file = self.files[span.index]
            seen = span.start
            try:
                for done in self._steps(counting, file, span):
                    size += done
                    seen += done
                    _require_time(file, self.task)
            except Late as error:
                incomplete = error.text
                break
            except Rotated:
                raise
            except (OSError, OpsError) as error:
                incomplete = "{0} cannot be read to its end: {1}".format(file.path, error)
            # Where a compressed file ends is only known of one that was read from its start.
            ends[span.index] = span.end if file.compression is None else seen
        counting.close()
        return _Part(counting.tally, size, ends, incomplete)

    def _steps(self, counting: Any, file: LogFile, span: Span) -> Iterator[int]:
        """Counts what a span holds, step by step, and says each time how many bytes that were."""
        if file.compression is None:
            position = span.start
            while position < span.end:
                done = counting.take(file.block(position, span.end))
                position += done
                yield done
            return
        blocks = file.blocks(span.start)
        for block in blocks if span.since is None else _newer(blocks, span.since, self.task.clock):
            if block:
                counting.feed(block)
            yield len(block)


def _newer(blocks: Any, since: float, clock: Clock) -> Any:
    """What is not older than ``since``, of a stream that cannot be halved; for all that is passed over ``b""``."""
    rest = b""
    passing = False
    for block in blocks:
        if passing:
            yield block
            continue
        text = rest + block
        found = entry_after(reader(text), max(0, len(text) - 65536), len(text), clock)
        if found and found[1] < since:
            rest = text[found[0] :]
            yield b""
            continue
        start = position_of(since, reader(text), len(text), clock)
        if start < len(text):
            passing, rest = True, b""
            yield text[start:]
        else:
            rest = text[-65536:]
            yield b""
    if not passing and rest:
        yield rest[position_of(since, reader(rest), len(rest), clock) :]


class _Second:
    """Counts in a process of its own; what it found comes through a pipe. If it dies, its work is done here."""

    def __init__(self, work: _Work, spans: Sequence[Span]) -> None:
        self._work, self._spans = work, spans
        self._child = 0

    def __enter__(self) -> _Second:
        if not self._spans:
            return self
        import pickle

        receive, send = os.pipe()
        self._child = os.fork()
        if not self._child:
            status = 1
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.close(receive)
                with os.fdopen(send, "wb") as target:
                    pickle.dump(self._work.count(self._spans), target, pickle.HIGHEST_PROTOCOL)
                status = 0
            finally:
                os._exit(status)  # whatever happened: nothing of the parent is finished here
        os.close(send)
        self._receive = os.fdopen(receive, "rb")
        return self

    def result(self) -> _Part:
        import pickle

        try:
            return pickle.load(self._receive)  # noqa: S301 - from our own child
        except (EOFError, pickle.UnpicklingError):
            return self._work.count(self._spans)

    def __exit__(self, *details: Any) -> None:
        if self._child:
            if details[0] is not None:
                os.kill(self._child, signal.SIGKILL)
            self._receive.close()
            os.waitpid(self._child, 0)
            self._child = 0
