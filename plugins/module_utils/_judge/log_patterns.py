# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named patterns: in how many lines each is found, as if it were tried on the first 64 KiB of every line alone.

Hardly any line holds what is looked for, so an expression is only tried where one of its words stands: plain text that
must be there wherever the expression is found, as the parser of regular expressions proves.
"""

from __future__ import annotations

import re
from typing import Iterator, List, NamedTuple, Optional, Pattern, Sequence, Tuple

from .log_words import Sample, Words

# What follows in a line that is longer is not looked at, so that one without an end needs no more memory than this.
LINE_LIMIT = 64 * 1024

# To try an expression on one line takes as long as to go on with it through this many bytes of a text.
_WORTH = 1500


class Named(NamedTuple):
    """A pattern with a name. ``words``: every line in which it is found holds one of them; ``plain``: and the other way
    round. ``text`` searches a text of many lines at once, where that finds the same as line by line."""

    name: str
    expression: Pattern[bytes]
    words: Tuple[bytes, ...] = ()
    plain: bool = False
    text: Optional[Pattern[bytes]] = None


def named(name: str, pattern: str) -> Named:
    """Raises ``re.error`` for what is no regular expression."""
    raw = pattern.encode()
    expression = re.compile(raw)
    if re.fullmatch(r"[\w :=,/<>\"'-]+(?:\|[\w :=,/<>\"'-]+)*", pattern):
        return Named(name, expression, tuple(raw.split(b"|")), plain=True)
    from .log_expressions import required, stays_in_line  # not for plain words, as every start compiles it anew

    return Named(
        name, expression, required(expression), text=re.compile(raw, re.M) if stays_in_line(expression) else None
    )


class Search:
    """Finds the lines of a text in which named patterns are found; the ``sample`` shows which bytes are rare."""

    def __init__(self, patterns: Sequence[Named], sample: Sample) -> None:
        self._patterns = [(one, Words(one.words, sample) if one.words else None) for one in patterns]

    def found(self, text: bytes, end: int) -> Iterator[Tuple[str, List[int]]]:
        """The name of each pattern that is found, and where its lines begin, in order.

        ``text[:end]`` holds whole lines, the last one perhaps without its end.
        """
        long = bool(self._patterns) and _has_long_line(text, end)
        for one, words in self._patterns:
            if long or not (words or one.text):
                starts = _each_line(one, text, end)
            elif words is None:
                starts = _found(one.text, text, end)
            else:
                starts = _with_words(one, words, text, end)
            if starts:
                yield one.name, starts


def _with_words(one: Named, words: Words, text: bytes, end: int) -> List[int]:
    lines = set()
    for start, _seen in words.starts(text, end):
        lines.add(start)
        if one.text and len(lines) * _WORTH > end:  # in so many lines that they are no help
            return _found(one.text, text, end)
    return [start for start in sorted(lines) if one.plain or _is_in(one, text, start, end)]


def _is_in(one: Named, text: bytes, start: int, end: int) -> bool:
    stop = text.find(b"\n", start, end)
    line = text[start : end if stop < 0 else stop]
    return one.expression.search(line, 0, LINE_LIMIT) is not None


def _each_line(one: Named, text: bytes, end: int) -> List[int]:
    found, start = [], 0
    while start < end:
        if _is_in(one, text, start, end):
            found.append(start)
        start = text.find(b"\n", start, end) + 1 or end
    return found


def _has_long_line(text: bytes, end: int) -> bool:
    start = 0
    while end - start > LINE_LIMIT:
        start = text.rfind(b"\n", start, start + LINE_LIMIT + 1) + 1
        if not start:
            return True
    return False


def _found(expression: Pattern[bytes], text: bytes, end: int) -> List[int]:
    found: List[int] = []
    position = 0
    while position < end:
        hit = expression.search(text, position, end)
        start = text.rfind(b"\n", 0, hit.start()) + 1 if hit else end
        if start == end:  # behind the last line break no line begins
            break
        found.append(start)
        position = text.find(b"\n", hit.start(), end) + 1 or end
    return found
