# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives of ``pg_dump``: their header and table of contents, and the data of the custom format.

Own reading instead of ``pg_restore``: one pass that also hashes, memory that does not grow with the archive, the place
of the damage by table, and no need for programs that are at least as new as the archive. The layout is that of
``pg_backup_archiver.c`` and ``pg_backup_custom.c``, versions 1.12 (PostgreSQL 9.0) to 1.16 (PostgreSQL 17 and 18).
"""

from __future__ import annotations

import re
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

from .backup_decode import Facts, decoded
from .backup_stream import BLOCK, Bytes, Damage
from .backup_text import DumpText

MAGIC = b"PGDMP"
_FORMATS = {1: "custom", 3: "tar", 5: "directory"}
_CODECS = {0: "none", 1: "zlib", 2: "lz4", 3: "zstd"}
_KNOWN = ((1, 12), (1, 16))
_NO_DATA = 3
_TABLE_BLOCK, _LARGE_OBJECTS_BLOCK = 1, 3
_KEPT = 4096  # of a text in the table of contents; the rest is read, but not held
# Of each part with data its name and file are held: a packed table of contents of some megabytes may name gigabytes.
_MOST_ENTRIES, _NAME_KEPT, _LONGEST_FILE = 2_000_000, 200, 255


class Entry(NamedTuple):
    """One entry of the table of contents that has data. ``file`` holds it in the directory and tar formats."""

    number: int
    kind: str
    name: str
    file: str
    offset: Optional[int]
    copies: bool

    @property
    def is_large_objects(self) -> bool:
        return self.kind == "BLOBS"


class Contents(NamedTuple):
    format: str
    codec: str
    utf8: bool
    database: str
    entries: Dict[int, Entry]
    size: int
    version: Tuple[int, int]
    integer_size: int
    offset_size: int


class _Fields:
    """The archive's own way to write numbers and texts."""

    def __init__(self, source: Bytes) -> None:
        self.source = source
        self.integer_size = 4

    def byte(self) -> int:
        return self.source.take(1)[0]

    def integer(self) -> int:
        raw = self.source.take(1 + self.integer_size)
        value = int.from_bytes(raw[1:], "little")
        if raw[0] > 1:
            raise self.broken("a number has the sign {0}".format(raw[0]))
        return -value if raw[0] else value

    def text(self) -> Optional[str]:
        length = self.integer()
        if length < 0:
            return None
        kept = self.source.take(min(length, _KEPT))
        for piece in self.source.pieces(length - len(kept)):
            del piece
        if b"\0" in kept:
            raise self.broken("a text holds a zero byte")
        return kept.decode("utf-8", "replace")

    def broken(self, why: str) -> Damage:
        return Damage(
            "structure",
            "The table of contents of {0} is damaged at byte {1}: {2}.".format(
                self.source.name, self.source.position, why
            ),
        )


def read_contents(source: Bytes) -> Contents:
    """Header and table of contents; ``source`` stands behind them afterwards."""
    fields = _Fields(source)
    if source.take(len(MAGIC)) != MAGIC:
        raise Damage("structure", "{0} does not begin as an archive of pg_dump does.".format(source.name))
    major, minor, revision = source.take(3)
    version = (major, minor)
    if not _KNOWN[0] <= version <= _KNOWN[1]:
        raise Damage(
            "level" if (1, 16) < version < (2, 0) else "structure",
            "{0} says it is an archive of version {1}.{2}.{3}; known are 1.12 to 1.16.".format(
                source.name, major, minor, revision
            ),
            "If it was made by a newer PostgreSQL, update this collection, and until then restore it as a test. "
            "Otherwise its header is damaged: take a new backup now.",
        )
    fields.integer_size, offset_size, format_number = source.take(3)
    if not (1 <= fields.integer_size <= 8 and 1 <= offset_size <= 8) or format_number not in _FORMATS:
        raise fields.broken("the header makes no sense")
    codec = fields.byte() if version >= (1, 15) else int(fields.integer() != 0)
    if codec not in _CODECS:
        raise fields.broken("unknown compression {0}".format(codec))
    for _number in range(7):  # the time it was made
        fields.integer()
    database = fields.text() or ""
    fields.text()  # version of the server
    fields.text()  # version of pg_dump
    kind = _FORMATS[format_number]
    utf8, entries = _read_entries(fields, version, kind, offset_size)
    return Contents(
        kind, _CODECS[codec], utf8, database, entries, source.position, version, fields.integer_size, offset_size
    )


def _read_entries(
    fields: _Fields, version: Tuple[int, int], kind: str, offset_size: int
) -> Tuple[bool, Dict[int, Entry]]:
    utf8, entries = False, {}
    count = fields.integer()
    if count < 0:
        raise fields.broken("it counts {0} entries".format(count))
    for _entry in range(count):
        number = fields.integer()
        fields.integer()  # whether there was a dumper
        fields.text()  # object identifiers: of the catalogue,
        fields.text()  # and in it
        name, description = fields.text() or "", fields.text() or ""
        fields.integer()  # section
        definition = fields.text() or ""
        fields.text()  # DROP statement
        copies = bool(fields.text())
        fields.text()  # schema
        fields.text()  # tablespace
        if version >= (1, 14):
            fields.text()  # access method
        if version >= (1, 16):
            fields.integer()  # kind of relation
        fields.text()  # owner
        if fields.text() not in ("true", "false"):
            raise fields.broken("the entry '{0}' is not as it should be".format(name[:80]))
        while fields.text() is not None:  # what it depends on
            pass
        file, offset, has_data = "", None, False
        if kind == "custom":
            state = fields.byte()
            where = int.from_bytes(fields.source.take(offset_size), "little")
            if state not in (1, 2, 3):
                raise fields.broken("the entry '{0}' has the state {1}".format(name[:80], state))
            has_data, offset = state != _NO_DATA, where if state == 2 else None
        else:
            file = fields.text() or ""
            if len(file) > _LONGEST_FILE:
                raise fields.broken("the entry '{0}' has a file with a name that no file can have".format(name[:80]))
            has_data = bool(file)
        if has_data:
            entries[number] = Entry(number, description[:_NAME_KEPT], name[:_NAME_KEPT], file, offset, copies)
            if len(entries) > _MOST_ENTRIES:
                text = "{0} lists more than {1} parts with data, which are too many to be held."
                raise Damage("level", text.format(fields.source.name, _MOST_ENTRIES))
        if description == "ENCODING":
            utf8 = bool(re.search(r"'UTF-?8'", definition))
    return utf8, entries


class Totals:
    """How many bytes carry no checksum of their own: of content, and of the table of contents."""

    def __init__(self) -> None:
        self.unprotected = 0
        self.header = 0


def read_custom_data(source: Bytes, contents: Contents, totals: Totals) -> None:
    """Decode every block of data behind the table of contents. ``totals`` is filled on the way."""
    fields = _Fields(source)
    fields.integer_size = contents.integer_size
    missing = dict(contents.entries)
    while missing:
        start = source.position
        if not source.peek(1):
            raise Damage(
                "complete",
                "{0} ends early, after {1} bytes: {2} of {3} entries have no data, first '{4}'.".format(
                    source.name, start, len(missing), len(contents.entries), next(iter(missing.values())).name
                ),
            )
        kind, number = fields.byte(), fields.integer()
        entry = missing.pop(number, None)
        if entry is None or kind != (_LARGE_OBJECTS_BLOCK if entry.is_large_objects else _TABLE_BLOCK):
            raise Damage("content", "No block of data begins at byte {0} of {1}.".format(start, source.name))
        if entry.offset is not None and entry.offset != start:
            raise Damage(
                "structure",
                "The data of '{0}' begins at byte {1}, its table of contents says {2}.".format(
                    entry.name, start, entry.offset
                ),
            )
        if entry.is_large_objects:
            while fields.integer() != 0:
                _read_stream(fields, contents, "A large object", None, totals)
        else:
            text = DumpText(contents.utf8, copies=entry.copies)
            _read_stream(fields, contents, "The data of '{0}'".format(entry.name), text, totals)
    end = source.position
    if source.peek(1) and not _is_second_contents(fields, contents):
        extra = source.position - end + sum(len(piece) for piece in source.rest())
        raise Damage("trailing", "{0} bytes follow after the end of the archive.".format(extra))


def _is_second_contents(fields: _Fields, contents: Contents) -> bool:
    """Whether just the table of contents follows once more. ``pg_dump -Fc > file`` leaves it there, since PostgreSQL
    16: it goes back to write it anew with the places of the data, but appends it. ``pg_restore`` never looks at it.
    """
    try:
        again = _read_entries(fields, contents.version, contents.format, contents.offset_size)[1]
    except Damage:
        return False
    names = {number: entry.name for number, entry in again.items()}
    return names == {number: entry.name for number, entry in contents.entries.items()} and not fields.source.peek(1)


def _read_stream(fields: _Fields, contents: Contents, name: str, text: Optional[DumpText], totals: Totals) -> None:
    """One compressed stream, written in chunks that carry their length; a chunk of length 0 ends it."""
    facts = Facts()
    for piece in decoded(contents.codec, _chunks(fields, name), facts, name):
        if not facts.protected:
            totals.unprotected += len(piece)
        if text:
            text.feed(piece, name)
    if facts.trailing:
        raise Damage("content", "{0} is followed by bytes that do not belong to it.".format(name))
    if text:
        text.end(name)


def _chunks(fields: _Fields, name: str) -> Iterator[bytes]:
    while True:
        length = fields.integer()
        if length == 0:
            return
        if length < 0:
            raise Damage("content", "{0} is damaged at byte {1}.".format(name, fields.source.position))
        if length <= BLOCK:
            yield fields.source.take(length)
        else:
            yield from fields.source.pieces(length)
