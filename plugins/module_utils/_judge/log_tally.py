# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts what a log holds, from its bytes in blocks of any size: the figures do not depend on where blocks end.

Only lines that hold a word of the levels asked for are looked at; the rest is passed over with ``bytes.find``, which is
an order of magnitude faster than going through lines. A word is searched by its rarest byte where that is rare enough.
"""

from __future__ import annotations

from collections import Counter
from typing import Dict, FrozenSet, NamedTuple, Sequence, Tuple

from .log_groups import Groups
from .log_heads import Openings, message_behind
from .log_lines import ERROR, TRACEBACK, Sight, expressions, is_chained, level_of, needles
from .log_patterns import LINE_LIMIT, Named, Search
from .log_words import Sample, Words, line_breaks

# An entry is kept together up to this size, for the exception that stands at its end.
_ENTRY_LIMIT = 256 * 1024
_TRACEBACK_LINES = 200
_SHOWN = 600


class Tally:
    """What was counted. Parts of one log, counted one by one, are put together with ``merge``."""

    def __init__(self) -> None:
        self.lines = 0
        self.levels: Counter = Counter()
        self.named: Counter = Counter()
        self.named_samples: dict = {}
        self.first = b""  # the beginnings of the first and of the last entry
        self.last = b""
        self.groups = Groups()

    @property
    def errors(self) -> int:
        return sum(self.levels.values())

    def note(self, name: str, text: bytes, starts: Sequence[int]) -> None:
        """The pattern ``name`` was found in the lines of ``text`` that begin there."""
        self.named[name] += len(starts)
        if name not in self.named_samples:
            self.named_samples[name] = text[starts[0] : starts[0] + _SHOWN].split(b"\n")[0]

    def merge(self, later: Tally) -> None:
        self.lines += later.lines
        self.first = self.first or later.first
        self.last = later.last or self.last
        self.levels += later.levels
        self.named += later.named
        for name, sample in later.named_samples.items():
            self.named_samples.setdefault(name, sample)
        self.groups.merge(later.groups)


def merged(tallies: Sequence[Tally]) -> Tally:
    """One tally of the parts of a log, given in their order."""
    first = tallies[0]
    for later in tallies[1:]:
        first.merge(later)
    return first


class Job(NamedTuple):
    """What to count. ``lines`` and ``groups`` cost time, so they are counted where they are asked for."""

    levels: FrozenSet[str]
    named: Tuple[Named, ...] = ()
    lines: bool = True
    groups: bool = True


class Counting:
    """Takes the bytes of a log in order (``feed``, then ``close``) and fills ``tally``."""

    def __init__(self, job: Job, sight: Sight, samples: Sequence[bytes]) -> None:
        self.job, self.sight, self.tally = job, sight, Tally()
        sample = Sample(samples)
        self._words = Words([*needles(job.levels, sight.styles), TRACEBACK], sample)
        self._expressions = expressions(job.levels, sight.styles)
        self._openings = Openings(sight)
        self._named = Search(job.named, sample)
        self._rest = b""
        self._before = (b"", 0)  # what was counted last: the entry at its end may go on
        self._in_error = False  # whether that entry is an error; only asked where it goes on
        self._known = (0, False)  # up to where this block was walked back, and whether the entry there is an error

    def take(self, text: bytes) -> int:
        """How many bytes at the start of ``text`` are done with; the others are to be given again, with what follows.

        So nothing has to be copied to be put together with what was left over, which takes as long as to read it.
        """
        whole = self._rest + text if self._rest else text
        end = self._end(whole)
        if end:
            self._count(whole, end)
        done = end - len(self._rest)
        if done <= 0:  # an entry that is longer than the text
            done, rest = len(text), whole[end:]
            self._rest = rest if len(rest) <= _ENTRY_LIMIT else _shortened(rest)
        else:
            self._rest = b""
        return done

    def feed(self, block: bytes) -> None:
        """The same for a stream, which gives nothing twice."""
        done = self.take(block)
        if done < len(block):
            self._rest = block[done:]

    def close(self) -> None:
        if self._rest:
            if not self._rest.endswith(b"\n"):
                self.tally.lines += self.job.lines
            self._count(self._rest, len(self._rest))
        self._rest = b""
        self._open_entry(*self._before)
        self.tally.groups.fold()  # here, where two processes do it at the same time and pass less from one to the other

    def _end(self, text: bytes) -> int:
        """Where the last entry begins, which may not be whole yet; of one too long, where its last line does."""
        last = text.rfind(b"\n") + 1
        start = last
        while start > 0:
            if len(text) - start > _ENTRY_LIMIT:
                return last
            if start < len(text) and self.sight.begins(text, start) and (start < last or not _cut(text, start)):
                return start
            start = text.rfind(b"\n", 0, start - 1) + 1
        return 0 if len(text) <= _ENTRY_LIMIT else last

    def _count(self, text: bytes, end: int) -> None:
        found: Dict[int, int] = {}
        if not self.tally.first:
            self.tally.first = self._first_entry(text, end)
        if not self.sight.begins(text, 0):
            self._in_error = self._open_entry(*self._before)
        self._before = text, end
        self._known = (0, self._in_error)
        for start, hit in self._words.starts(text, end):
            if hit - start < LINE_LIMIT:
                found[start] = min(hit, found.get(start, hit))
        for expression in self._expressions:
            hit = expression.search(text, 0, end)
            while hit:
                start = text.rfind(b"\n", 0, hit.start() + 1) + 1
                if hit.start() - start < LINE_LIMIT:
                    found.setdefault(start, hit.start())
                following = text.find(b"\n", hit.start() + 1, end)
                hit = expression.search(text, following, end) if following >= 0 else None
        for start, hit in sorted(found.items()):
            self._entry(text, start, hit, end)
        if self.job.lines:
            self.tally.lines += line_breaks(text, end)
        for name, starts in self._named.found(text, end):
            self.tally.note(name, text, starts)

    def _first_entry(self, text: bytes, end: int) -> bytes:
        start = 0
        while start < end:
            if self.sight.begins(text, start):
                return text[start : min(end, start + _SHOWN)].split(b"\n")[0]
            start = text.find(b"\n", start, end) + 1 or end
        return b""

    def _entry(self, text: bytes, start: int, hit: int, end: int) -> None:
        """Count the line at ``start`` if an error begins with it: a line of a wanted level, or a bare traceback."""
        stop = text.find(b"\n", start, end)
        stop = end if stop < 0 else stop
        begins, level, position = self._openings.of(text, start, stop, hit)
        if begins:
            if level in self.job.levels:
                self.tally.levels[level] += 1
                if self.job.groups:
                    line = text[start : min(stop, start + _SHOWN)]
                    self.tally.groups.add(level, message_behind(line, position), line)
        elif text.startswith(TRACEBACK, start) and ERROR in self.job.levels and self._stands_alone(text, start):
            self.tally.levels[ERROR] += 1
            if self.job.groups:
                line = text[start : min(stop, start + _SHOWN)]
                self.tally.groups.add(ERROR, _exception(self.sight, text, stop, end), line)

    def _stands_alone(self, text: bytes, start: int) -> bool:
        """Whether the traceback at ``start`` neither continues another one nor belongs to an error that is counted."""
        known, in_error = self._known
        line, blank = start, True
        while line > known:
            stop = line - 1
            line = text.rfind(b"\n", 0, stop) + 1
            if blank and text[line:stop].strip():
                blank = False
                if is_chained(text[line : line + 40]):
                    return False
            if self.sight.begins(text, line):
                in_error = level_of(text, line, stop) in self.job.levels
                break
        self._known = (start, in_error)
        return not in_error

    def _open_entry(self, text: bytes, end: int) -> bool:
        """Whether what follows ``text[:end]`` without a start of its own belongs to an error."""
        line = end
        while line > 0:
            stop = line - 1 if text[line - 1 : line] == b"\n" else line
            line = text.rfind(b"\n", 0, stop) + 1
            if self.sight.begins(text, line):
                self.tally.last = text[line : min(stop, line + _SHOWN)]
                return level_of(text, line, stop) in self.job.levels
        return self._in_error


def _cut(text: bytes, start: int) -> bool:
    """Whether the line at ``start`` may be too short yet to show whether an entry begins with it."""
    return len(text) - start < 300 and text.find(b"\n", start) < 0


def _shortened(rest: bytes) -> bytes:
    """Of an unfinished line that is too long, its beginning; it has no line break, or it would have been counted."""
    return rest[:LINE_LIMIT]


def _exception(sight: Sight, text: bytes, position: int, end: int) -> bytes:
    """The line that ends a traceback and says what happened."""
    for _number in range(_TRACEBACK_LINES):
        if position >= end:
            break
        stop = text.find(b"\n", position + 1, end)
        stop = end if stop < 0 else stop
        if sight.begins(text, position + 1):
            break  # the next entry, which may not be in this block
        line = text[position + 1 : min(stop, position + 1 + _SHOWN)]
        if line.strip() and line[:1] not in (b" ", b"\t"):
            return line
        position = stop
    return TRACEBACK
