# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remembers what the beginnings of lines say, as nearly all lines of a log begin alike but for the figures.

Expressions that understand every way to write a time and a level take several microseconds a line, a look into a
dictionary a fraction of one. A beginning is only kept where nothing behind it could change what it says.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional

from .log_groups import FIGURES
from .log_lines import BLANK, HEAD, LEVEL, TIMED, Sight, level_of, message_of

_KEEP = 4096
# So many bytes behind the place where a word of a level was seen hold the rest of the word and what ends it.
_BEHIND = 12
# So many bytes behind a time decide what of them still belongs to it, such as a zone.
_ZONE = 8


class Opening(NamedTuple):
    """Whether an entry begins with a line, its level, and where its message begins, seen from the line's start; 0
    where that is not known."""

    begins: bool
    level: Optional[str] = None
    message: int = 0


class Openings:
    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._known: Dict[bytes, Opening] = {}

    def of(self, text: bytes, start: int, stop: int, seen: int) -> Opening:
        """Of the line ``text[start:stop]``, where a word of a level was seen at ``seen``."""
        if text.startswith(b"{", start):  # JSON may tell its level anywhere
            return self._plain(text, start, stop)
        # The first two bytes stay as they are: a time in seconds since the epoch begins with a 1.
        until = min(seen, start + HEAD) + _BEHIND
        key = text[start : start + 2] + text[start + 2 : until].translate(FIGURES)
        return self._known.get(key) or self._look(text, start, stop, key)

    def _plain(self, text: bytes, start: int, stop: int) -> Opening:
        begins = self._sight.begins(text, start)
        return Opening(begins, level_of(text, start, stop) if begins else None)

    def _look(self, text: bytes, start: int, stop: int, key: bytes) -> Opening:
        opening = self._plain(text, start, stop)
        if not (opening.begins and self._sight.timed):
            return opening
        time, word = TIMED.match(text, start), LEVEL.search(text, start, min(stop, start + HEAD))
        if not word or text[word.start() - 1 : word.start()] not in BLANK:
            return opening
        if max(time.end() + _ZONE, word.end() + 1) > start + len(key):
            return opening
        if len(self._known) >= _KEEP:
            self._known.clear()
        self._known[key] = opening._replace(message=time.end() - start)
        return self._known[key]


def message_behind(line: bytes, position: int) -> bytes:
    """The message of an entry as ``message_of`` finds it, perhaps with every figure as 0; ``position`` is where it
    begins if no second time stands there."""
    if position:
        message = line[position:].translate(FIGURES)
        if b"00:00:00" not in message and not message.startswith((b"0000000000", b"[0000000000")):
            return message
    return message_of(line)
