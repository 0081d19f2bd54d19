# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups messages that differ only in their variable parts.

What varies is what holds a digit (numbers, hexadecimal identifiers, UUIDs, addresses, parts of paths), what is
quoted, and the query of a URL; it becomes ``<*>``. Words without a digit are kept: they are what the program's author
wrote.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple

from .secrets import mask_bytes
from .text import printable

MESSAGE_LIMIT = 300
_FOLD_AT, _KEEP = 4096, 2000

FIGURES = bytes.maketrans(b"123456789", b"0" * 9)
# At once for every message, so it is plain: whatever follows a digit in a number, an address or a hexadecimal word.
_COLLAPSE = re.compile(rb"0[0a-fA-Fx]*(?:[.:\-]{1,2}[0a-fA-F]+)*")
_QUOTED = re.compile(rb"\"[^\"]*\"?|(?<!\w)'[^']*'?(?!\w)|`[^`]*`?")
_WORDY = (
    (re.compile(rb"(?i)(?<![\w.+-])[\w.+-]{1,64}@[\w.-]{1,80}"), b"0"),
    (re.compile(rb"\?[^\s\"']*=[^\s\"']*"), b"?0"),
    (re.compile(rb"(?<!\w)[a-fA-F][a-fA-F\-]{0,40}0"), b"0"),
    (re.compile(rb"(?<!\w)\w*0\w*0\w*"), b"0"),
    (re.compile(rb"0(?:[.,:/\-]?0)*"), b"<*>"),
)


class Group(NamedTuple):
    """Messages of one template, with the beginnings of the first and of the last line."""

    template: str
    level: str
    count: int
    first: bytes
    last: bytes


def shown(text: bytes, limit: int = 300) -> str:
    """One harmless line without secrets, at most ``limit`` characters."""
    line = printable(mask_bytes(text[: limit * 4]).decode("utf-8", "replace"), limit)
    return line if len(line) <= limit else line[: limit - 1] + "…"  # escapes are longer than what they stand for


def key_of(message: bytes) -> bytes:
    """Equal for messages that differ in figures alone; quick, so there may be several of one template."""
    return _COLLAPSE.sub(b"0", message[:MESSAGE_LIMIT].translate(FIGURES))


def template_of(key: bytes) -> bytes:
    text = _QUOTED.sub(lambda found: found.group()[:1] + b"0" + found.group()[:1], mask_bytes(key))
    for expression, replacement in _WORDY:
        text = expression.sub(replacement, text)
    return b" ".join(text.split())


class Groups:
    """Counts messages by template in bounded memory: of very many templates those seen most are kept."""

    def __init__(self) -> None:
        # level, count, first line, last line, number of the last one
        self._by_key: Dict[bytes, list] = {}
        self._by_template: Dict[bytes, list] = {}
        self._number = 0

    def add(self, level: str, message: bytes, line: bytes) -> None:
        key = level[:2].encode() + key_of(message)
        entry = self._by_key.get(key)
        self._number += 1
        if entry is None:
            if len(self._by_key) >= _FOLD_AT:
                self.fold()
            self._by_key[key] = [level, 1, line, line, self._number]
        else:
            entry[1] += 1
            entry[3:] = line, self._number

    def fold(self) -> None:
        """Put together what is one once everything variable is taken out, which is a small part of it."""
        for key, entry in self._by_key.items():
            template = key[:2] + template_of(key[2:])
            known = self._by_template.get(template)
            if known is None:
                self._by_template[template] = entry
            else:
                known[1] += entry[1]
                known[3:] = max(known[3:], entry[3:], key=lambda last: last[1])
        self._by_key = {}
        if len(self._by_template) > 2 * _KEEP:
            most = sorted(self._by_template.items(), key=lambda item: -item[1][1])[:_KEEP]
            self._by_template = dict(most)

    def merge(self, later: Groups) -> None:
        """Take in what a later part of the same log holds."""
        self.fold()
        later.fold()
        for template, entry in later._by_template.items():
            known = self._by_template.setdefault(template, [entry[0], 0, entry[2], entry[3], 0])
            known[1] += entry[1]
            known[3:] = entry[3], self._number + entry[4]
        self._number += later._number

    def top(self, number: int) -> List[Group]:
        """Those seen most, the most frequent first."""
        self.fold()
        most = sorted(self._by_template.items(), key=lambda item: (-item[1][1], item[0]))[:number]
        return [
            Group(shown(template[2:], 200), level, count, first, last)
            for template, (level, count, first, last, _number) in most
        ]
