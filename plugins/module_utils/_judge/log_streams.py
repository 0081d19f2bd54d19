# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what ``journalctl -o json`` and ``docker logs --timestamps`` print into the lines of an ordinary log.

Both give every line of a stack trace a time of its own. Lines that look like the middle of an entry lose it here, so
that they belong to the entry before, as in a file.
"""

from __future__ import annotations

import json
import time
from typing import Any, Iterable, Iterator, List, Optional, Tuple

from .log_lines import CONTINUED

_WORDS = ("EMERG", "ALERT", "CRIT", "ERR", "WARNING")
# A line without an end is given in pieces of this size, so that it needs no more memory.
_LINE = 256 * 1024


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines without their end; what is longer than a limit is cut off."""
    rest = b""
    for block in blocks:
        parts = (rest + block).split(b"\n")
        rest = parts.pop()[:_LINE]
        yield from parts
    if rest:
        yield rest


class Journal:
    """``position`` is the time of the newest entry, in microseconds; entries up to ``after`` are passed over."""

    def __init__(self, after: str = "", bare: bool = False) -> None:
        self.position = after
        self._after = int(after) if after.isdigit() else 0
        self._bare = bare

    def text(self, line: bytes) -> Optional[bytes]:
        try:
            entry = json.loads(line)
            micros = int(entry["__REALTIME_TIMESTAMP"])
            priority = int(entry.get("PRIORITY", 6))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        if micros <= self._after:
            return None
        self.position = str(max(micros, int(self.position or 0)))
        message = _message(entry.get("MESSAGE")).rstrip(b"\r\n").replace(b"\n", b"\n\t")
        if self._bare or (priority > 4 and message and (message[:1] == b"{" or CONTINUED.match(message))):
            return message
        level = _WORDS[priority].encode() + b" " if 0 <= priority <= 4 else b""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(micros // 1000000)).encode()
        return b"%s.%06dZ %s%s" % (when, micros % 1000000, level, message)


def _message(given: Any) -> bytes:
    """What is no text is an array of its bytes; what is too long, or nothing, is ``null``."""
    if isinstance(given, str):
        return given.encode("utf-8", "replace")
    if isinstance(given, list) and all(isinstance(one, int) and 0 <= one < 256 for one in given):
        return bytes(given)
    return b""


class Container:
    """``position`` is the time of the newest line, as Docker writes it; lines up to ``after`` are passed over."""

    def __init__(self, after: str = "", bare: bool = False) -> None:
        self.position = self._after = after
        self._bare = bare

    def text(self, line: bytes) -> Optional[bytes]:
        stamp, _space, rest = line.partition(b" ")
        when = stamp.decode("ascii", "replace")
        if not (stamp[:2] == b"20" and stamp.endswith(b"Z")):
            return line
        if when <= self._after:
            return None
        self.position = max(self.position, when)
        if self._bare or (rest and (rest[:1] == b"{" or CONTINUED.match(rest))):
            return rest
        return line


def converted(blocks: Iterable[bytes], source: Any) -> Iterator[bytes]:
    """Blocks of whole lines, as ``Counting`` takes them."""
    kept: List[bytes] = []
    size = 0
    for line in lines_of(blocks):
        text = source.text(line)
        if text is None:
            continue
        kept.append(text)
        size += len(text)
        if size > _LINE:
            yield b"\n".join(kept) + b"\n"
            kept, size = [], 0
    if kept:
        yield b"\n".join(kept) + b"\n"


def first_block(blocks: Iterable[bytes]) -> Tuple[bytes, Iterator[bytes]]:
    """The first block, and all of them."""
    iterator = iter(blocks)
    first = next(iterator, b"")

    def every() -> Iterator[bytes]:
        if first:
            yield first
        yield from iterator

    return first, every()
