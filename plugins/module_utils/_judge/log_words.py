# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the lines that hold one of some words, without going through the lines.

A word with a byte that is rare in the log is searched by this byte alone (``bytes.find`` of one byte is ``memchr``).
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

# A hit of a single byte costs as much as a search for a whole word through this many bytes; for a long word, which is
# searched in longer strides, through more.
_WORTH = 600
_LONG = 8
_WORTH_LONG = 3000
_JUDGED = 32 * 1024  # in less text chance decides how often a byte is seen


def searching() -> Callable[[bytes, bytes, int], bool]:
    """``holds(text, word, end)``: whether ``word`` stands in ``text[:end]``.

    libc's ``memmem`` steps over a text in strides of nearly a word's length, which Python's own search does only where
    no byte of the word is frequent.
    """
    try:
        import ctypes

        memmem = ctypes.CDLL(None).memmem
    except (ImportError, OSError, AttributeError):  # a Python without ctypes, a libc without memmem
        return lambda text, word, end: text.find(word, 0, end) >= 0
    memmem.restype = ctypes.c_void_p
    memmem.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    return lambda text, word, end: memmem(text, min(end, len(text)), word, len(word)) is not None


holds = searching()


def line_breaks(text: bytes, end: int) -> int:
    """How many there are in ``text[:end]``, by what is missing where they are taken out: this finds them by ``memchr``
    and takes half the time of ``bytes.count``, which went byte by byte before Python 3.14."""
    return len(text) - len(text.replace(b"\n", b"")) - text.count(b"\n", end)


class Sample:
    """Some of a log, in which it is counted how often a byte is seen: once, whoever asks for it."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._text = b"".join(parts)
        self._counts: Dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._text)

    def count(self, byte: bytes) -> int:
        if byte not in self._counts:
            self._counts[byte] = self._text.count(byte)
        return self._counts[byte]


class Words:
    """Finds the lines that hold one of ``words``; the ``sample`` of the log shows which bytes are rare."""

    def __init__(self, words: Sequence[bytes], sample: Sample) -> None:
        self.whole: List[bytes] = []
        by_byte: Dict[bytes, List[bytes]] = {}
        # Words without any very rare byte come first: the hits of theirs are paid for, whatever else is searched by it.
        for word in sorted(words, key=lambda one: -min(map(sample.count, _bytes(one)))):
            byte = min(_bytes(word), key=lambda one: (one not in by_byte, sample.count(one)))
            if not len(sample) or _too_often(sample.count(byte), len(sample), [word]):
                self.whole.append(word)
            else:
                by_byte.setdefault(byte, []).append(word)
        self.rare = [(byte, words, _around(byte, words)) for byte, words in by_byte.items()]

    def starts(self, text: bytes, end: int) -> Iterator[Tuple[int, int]]:
        """Of each line of ``text[:end]`` that holds a word, its start and where in it a word was seen; a line several
        times where it holds several."""
        for word in self.whole:
            hit = text.find(word, 0, end) if holds(text, word, end) else -1
            while hit >= 0:
                yield text.rfind(b"\n", 0, hit) + 1, hit
                following = text.find(b"\n", hit, end)
                hit = text.find(word, following, end) if following >= 0 else -1
        for one in list(self.rare):
            byte, words, around = one
            missed = 0
            hit = text.find(byte, 0, end)
            while hit >= 0:
                if around(text, hit):
                    yield text.rfind(b"\n", 0, hit) + 1, hit
                    hit = text.find(b"\n", hit, end)
                    if hit < 0:
                        break
                else:
                    missed += 1
                hit = text.find(byte, hit + 1, end)
            if end > _JUDGED and _too_often(missed, end, words):  # the samples were of other lines
                self.rare.remove(one)
                self.whole += words


def _too_often(hits: int, size: int, words: Sequence[bytes]) -> bool:
    return hits * (_WORTH_LONG if min(map(len, words)) >= _LONG else _WORTH) > size


def _around(byte: bytes, words: Sequence[bytes]) -> Callable[[bytes, int], Any]:
    """Whether one of ``words`` stands around a ``byte`` of a text, the first of its kind in the word."""
    if len(words) == 1:
        word, index = words[0], words[0].index(byte)
        return lambda text, hit: hit >= index and text.startswith(word, hit - index)
    # What follows the byte comes first, as it is compared without entering the branch.
    ways = [re.escape(word.partition(byte)[2]) + b"(?<=" + re.escape(word) + b")" for word in words]
    return re.compile(re.escape(byte) + b"(?:" + b"|".join(ways) + b")").match


def _bytes(word: bytes) -> List[bytes]:
    return [word[index : index + 1] for index in range(len(word))]
