# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps in the tar format, read as a stream: the table of contents, one file for each table, an end marker."""

from __future__ import annotations

import re
import tarfile
from typing import Iterator, List, Tuple

from .backup_archive import Contents, Totals, read_contents
from .backup_stream import BLOCK, Bytes, Damage
from .backup_text import DumpText

_RECORD = 512
_END = bytes(_RECORD)
_LARGE_OBJECT = re.compile(r"^blob_\d+\.dat$")
_LARGE_OBJECT_LIST = re.compile(r"^blobs(_\d+)?\.toc$")


def members(source: Bytes) -> Iterator[Tuple[str, Bytes]]:
    """Name and content of each member. What is not taken of a content is passed over.

    Only the headers are left to ``tarfile``: it would hold a hostile member's extended header in memory whole.
    """
    while True:
        at = source.position
        raw = source.take(_RECORD)
        if raw == _END:
            break
        try:
            member = tarfile.TarInfo.frombuf(raw, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise Damage(
                "structure", "The header at byte {0} of {1} is damaged: {2}.".format(at, source.name, error)
            ) from error
        content = Bytes(source.pieces(member.size), "'{0}' in {1}".format(member.name, source.name))
        yield member.name, content
        for piece in content.rest():
            del piece
        padding = source.take(-member.size % _RECORD)
        if padding.strip(b"\0"):
            raise Damage("content", "'{0}' in {1} is not followed by padding.".format(member.name, source.name))
    if source.take(_RECORD) != _END:
        raise Damage("structure", "The end marker of {0} is damaged.".format(source.name))
    # tar fills up to its block size with zeros.
    extra = sum(len(piece) for piece in source.rest() if piece.strip(b"\0"))
    if extra:
        raise Damage("trailing", "About {0} bytes follow after the end of the archive.".format(extra))


def read_tar_dump(source: Bytes, whole: bool, totals: Totals) -> int:
    """Returns the size of the table of contents. Not ``whole``: nothing behind it is read."""
    contents = None
    large_objects = listed = listings = 0
    seen = set()
    for name, content in members(source):
        if contents is None:
            if name != "toc.dat":
                raise Damage("structure", "{0} does not begin with a table of contents.".format(source.name))
            contents = read_contents(content)
            expected = {entry.file: entry for entry in contents.entries.values() if not entry.is_large_objects}
            listings = len(contents.entries) - len(expected)
            if not whole:
                return contents.size
        elif _LARGE_OBJECT.match(name):
            large_objects += 1
            totals.unprotected += sum(len(piece) for piece in content.rest())
        elif _LARGE_OBJECT_LIST.match(name):
            listings -= 1
            listed += sum(piece.count(b"\n") for piece in content.rest())
        elif name in expected:
            seen.add(name)
            totals.unprotected += _read_table(content, contents, expected[name].name, expected[name].copies)
    if contents is None:
        raise Damage("structure", "{0} holds nothing.".format(source.name))
    missing: List[str] = [entry.name for file, entry in expected.items() if file not in seen]
    if missing:
        raise Damage(
            "complete",
            "The data of {0} of {1} entries is missing, first that of '{2}'.".format(
                len(missing), len(expected), missing[0]
            ),
        )
    if listings > 0:
        raise Damage("complete", "A list of its large objects is missing.")
    if large_objects != listed:
        raise Damage("complete", "It holds {0} large objects and lists {1}.".format(large_objects, listed))
    return contents.size


def _read_table(content: Bytes, contents: Contents, name: str, copies: bool) -> int:
    text = DumpText(contents.utf8, copies)
    subject = "The data of '{0}'".format(name)
    size = 0
    while True:
        piece = content.some(BLOCK)
        if not piece:
            break
        size += len(piece)
        text.feed(piece, subject)
    text.end(subject)
    return size
