# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is always true of the text that ``pg_dump`` writes, so that damage shows even without a checksum.

It never holds a zero byte, it is valid in its encoding, and it has a known beginning and end.
"""

from __future__ import annotations

import codecs
import re
from typing import Iterator, NamedTuple

from .backup_stream import Damage

# Enough for the end of a table; a whole dump keeps more, to tell appended bytes from a missing end.
_TABLE_TAIL, _DUMP_TAIL = 64, 64 * 1024
_BEGIN = re.compile(rb"^-- PostgreSQL database (cluster )?dump\r?$", re.MULTILINE)
_UTF8 = re.compile(rb"^SET client_encoding = 'UTF-?8';", re.MULTILINE)
_KEY = re.compile(rb"^\\restrict (\w+)\r?$", re.MULTILINE)
# After the closing line newer releases of pg_dump lift the restriction that they began with.
_END = re.compile(rb"\n-- PostgreSQL database (cluster )?dump complete\r?\n--\r?\n((\s|\\unrestrict \w+)*)")


class DumpText:
    """Looks at the text of a dump, or of one table of it, as it passes by."""

    def __init__(self, utf8: bool, copies: bool = False, keep: int = _TABLE_TAIL) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")() if utf8 else None
        self._copies = copies
        self._keep = keep
        self.tail = b""
        self._position = 0

    def feed(self, piece: bytes, name: str) -> None:
        if b"\0" in piece:
            at = self._position + piece.index(b"\0")
            raise Damage("content", "{0} holds a zero byte at byte {1} of its text.".format(name, at))
        if self._decoder and not (piece.isascii() and not self._decoder.getstate()[0]):
            try:
                self._decoder.decode(piece)
            except UnicodeDecodeError as error:
                at = self._position + error.start
                raise Damage("content", "{0} is not valid UTF-8 at byte {1} of its text.".format(name, at)) from error
        self._position += len(piece)
        self.tail = piece[-self._keep :] if len(piece) >= self._keep else (self.tail + piece)[-self._keep :]

    def end(self, name: str) -> None:
        if self._copies and not self.tail.endswith(b"\\.\n\n\n"):
            raise Damage("complete", "{0} ends early: the line that closes a COPY is missing.".format(name))


class Begin(NamedTuple):
    """How a dump begins, which says how it must end."""

    cluster: bool
    key: bytes


def read_plain(head: bytes, pieces: Iterator[bytes], name: str) -> None:
    """A whole plain dump, decoded. ``head`` is its beginning, which ``pieces`` brings again."""
    begin = check_head(head, name)
    # A cluster dump changes its encoding from database to database.
    text = DumpText(utf8=bool(_UTF8.search(head)) and not begin.cluster, keep=_DUMP_TAIL)
    for piece in pieces:
        text.feed(piece, name)
    check_tail(text.tail, begin, name)


def check_head(head: bytes, name: str) -> Begin:
    begin = _BEGIN.search(head)
    if not begin:
        raise Damage("structure", "{0} does not begin as pg_dump and pg_dumpall begin.".format(name))
    key = _KEY.search(head)
    return Begin(bool(begin.group(1)), key.group(1) if key else b"")


def check_tail(tail: bytes, begin: Begin, name: str) -> None:
    ends = [found for found in _END.finditer(tail) if bool(found.group(1)) == begin.cluster]
    if not ends:
        raise Damage("complete", "{0} lacks the line 'PostgreSQL database dump complete' at its end.".format(name))
    lifted = re.compile(rb"^\\unrestrict " + begin.key + rb"\r?$", re.MULTILINE)
    if begin.key and not begin.cluster and not lifted.search(tail, ends[-1].start()):
        raise Damage("complete", "{0} ends early: the line that lifts its restriction is missing.".format(name))
    extra = len(tail) - ends[-1].end()
    if extra:
        raise Damage("trailing", "At least {0} bytes follow after the closing line.".format(extra))


def is_dump_head(head: bytes) -> bool:
    return _BEGIN.search(head, 0, 4096) is not None
