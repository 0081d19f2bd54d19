# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the place in a log where a time begins, by halving: a few blocks are read, however large the log is."""

from __future__ import annotations

from typing import Callable, Optional, Tuple

from .log_lines import Clock, time_of

Read = Callable[[int, int], bytes]
"""``read(position, size)``: at most so many bytes, fewer only at the end."""

_BLOCK = 64 * 1024
_LINE = 16 * 1024
_BLOCKS = 16  # how far to look for a line that tells a time


def reader(text: bytes) -> Read:
    return lambda position, size: text[position : position + size]


def entry_after(read: Read, position: int, end: int, clock: Clock) -> Optional[Tuple[int, float]]:
    """The first line that begins at or after ``position`` and tells a time: where, and when."""
    here = max(position - 1, 0)  # a line begins at 'position' if a line break stands before it
    inside = position > 0
    for number in range(_BLOCKS):
        data = read(here, min(_BLOCK if number else _LINE, end - here))
        start = data.find(b"\n") + 1 if inside else 0
        if inside and not start:
            start = len(data)
        while start < len(data):
            stop = data.find(b"\n", start)
            if stop < 0 and here + len(data) < end and len(data) - start < _LINE and start:
                break
            when = time_of(data[start : stop if stop >= 0 else len(data)][:_LINE], clock)
            if when is not None:
                return here + start, when
            if stop < 0:
                start, inside = len(data), True
                break
            start, inside = stop + 1, False
        if not data or here + len(data) >= end:
            return None
        here += start
    return None


def position_of(since: float, read: Read, end: int, clock: Clock) -> int:
    """Where the first line begins that is not older than ``since``; ``end`` if there is none."""
    low, high = 0, end
    first = entry_after(read, 0, end, clock)
    if first is None or first[1] >= since:
        return 0
    while low < high:
        middle = (low + high) // 2
        found = entry_after(read, middle, end, clock)
        if found is None or found[1] >= since:
            high = middle
        else:
            low = found[0] + 1
    found = entry_after(read, low, end, clock)
    return found[0] if found else end
