# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps in the directory format: a table of contents and one file for each table and large object."""

from __future__ import annotations

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from .._judge.backup import Backup, Flaw, Reading, Stored
from .backup_archive import Contents, read_contents
from .backup_checksum import Checksums
from .backup_decode import Facts, decoded
from .backup_stream import Bytes, Damage, FileStream, Guard
from .backup_text import DumpText
from .regular import open_regular

_ENDINGS = {"": "none", ".gz": "gzip", ".lz4": "lz4", ".zst": "zstd"}
_SAFE = re.compile(r"^[\w.-]+\Z")
_LISTING = re.compile(r"^blobs(_\d+)?\.toc$")
_SHOWN = 10
_LONGEST_LINE = 4096  # of a list of large objects: a number and the name of a file


class Part(NamedTuple):
    """One file of the dump. ``text`` is there for tables: what is always true of their content."""

    file: str
    codec: str
    name: str
    text: Optional[DumpText] = None


class _Outcome(NamedTuple):
    flaws: Tuple[Flaw, ...] = ()
    stored: Tuple[Stored, ...] = ()
    unprotected: int = 0


def read_directory(backup: Backup, level: str, guard: Guard, checksums: Checksums, jobs: int) -> Reading:
    stored, useless = checksums.of_directory(backup.path)
    reader = _Reader(backup.path, level, guard, stored)
    reader.stored.extend(useless)
    if level == "checksum":
        reader.run((Part(name, "none", name) for name in sorted(stored) if name != "toc.dat"), jobs, decode=False)
        reader.read_toc(parse=False)
        return reader.reading(backup, "checksum" if stored else "present")
    contents = reader.read_toc(parse=True)
    if contents is not None:
        reader.run(_parts(backup.path, contents, reader.flaws), jobs, decode=level == "full")
    return reader.reading(backup, level)


class _Reader:
    """Gathers what the parts show."""

    def __init__(self, path: str, level: str, guard: Guard, stored: Dict[str, List[Stored]]) -> None:
        self.path = path
        self.flaws: List[Flaw] = []
        self.stored: List[Stored] = []
        self._guard = guard
        self._expected = stored
        self._unseen = dict(stored)
        self._unmentioned: List[str] = []
        self._unprotected = 0
        self._toc_size = 0

    def read_toc(self, parse: bool) -> Optional[Contents]:
        if not os.path.exists(os.path.join(self.path, "toc.dat")):
            self.flaws.append(Flaw("complete", "Its table of contents, toc.dat, is missing."))
            self._unseen.pop("toc.dat", None)
            return None
        found: List[Contents] = []

        def parse_toc(stream: FileStream) -> int:
            if parse:
                source = Bytes(stream.blocks(), "toc.dat")
                contents = read_contents(source)
                if contents.format == "custom":
                    raise Damage("structure", "toc.dat belongs to another format.")
                self._toc_size = contents.size
                found.append(contents)
                extra = sum(len(piece) for piece in source.rest())
                if extra:
                    raise Damage("trailing", "{0} bytes follow after the end of toc.dat.".format(extra))
            return 0

        self._add("toc.dat", self._look_at("toc.dat", parse_toc))
        return found[0] if found else None

    def run(self, parts: Iterator[Part], jobs: int, decode: bool) -> None:
        """A few hundred at a time: there may be millions of large objects."""
        with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
            while True:
                some = list(islice(parts, 500))
                if not some:
                    return
                try:
                    for part, outcome in zip(some, pool.map(lambda part: self._read_part(part, decode), some)):
                        self._add(part.file, outcome)
                except BaseException:
                    self._guard.stop()
                    raise

    def reading(self, backup: Backup, level: str) -> Reading:
        if self._unseen:
            text = "{0} files that a stored checksum names are missing or belong to nothing, first {1}."
            self.flaws.append(Flaw("complete", text.format(len(self._unseen), min(self._unseen))))
        if self._unmentioned and self._expected:
            text = "{0} of its files are in no checksum file, first {1}."
            self.stored.append(Stored("", problem=text.format(len(self._unmentioned), self._unmentioned[0])))
        more = len(self.flaws) - _SHOWN
        flaws = self.flaws[:_SHOWN]
        if more > 0:
            flaws.append(Flaw(self.flaws[_SHOWN].kind, "{0} more of its parts are not in order.".format(more)))
        reached = "structure" if any(flaw.kind == "level" for flaw in self.flaws) else level
        return Reading(
            backup,
            level=reached,
            stored=tuple(self.stored),
            flaws=tuple(flaws),
            unprotected_bytes=self._unprotected,
            unprotected_header_bytes=self._toc_size,
        )

    def _read_part(self, part: Part, decode: bool) -> _Outcome:
        if not decode and part.file not in self._expected:
            return _Outcome()

        def drain(stream: FileStream) -> int:
            if not decode:
                return 0
            facts = Facts()
            size = 0
            for piece in decoded(part.codec, stream.blocks(), facts, part.name):
                size += len(piece)
                if part.text:
                    part.text.feed(piece, part.name)
            if facts.trailing:
                text = "{0} bytes follow after the end of {1}.".format(facts.trailing, part.file)
                raise Damage("trailing", text)
            if part.text:
                part.text.end(part.name)
            return 0 if facts.protected else size

        return self._look_at(part.file, drain)

    def _look_at(self, file: str, work: Callable[[FileStream], int]) -> _Outcome:
        expected = self._expected.get(file, [])
        flaws: List[Flaw] = []
        compared: List[Stored] = []
        unprotected = 0
        try:
            with FileStream(
                os.path.join(self.path, file), self._guard, sorted({one.algorithm for one in expected})
            ) as stream:
                try:
                    unprotected = work(stream)
                except Damage as damage:
                    flaws.append(Flaw(damage.kind, damage.text, damage.advice))
                digests = stream.digests()
                compared = [one._replace(actual=digests[one.algorithm]) for one in expected]
                if stream.changed:
                    flaws.append(Flaw("changed", "{0} changed while it was read.".format(file)))
        except Damage as damage:
            flaws.append(Flaw(damage.kind, damage.text, damage.advice))
        except FileNotFoundError:
            flaws.append(Flaw("complete", "{0} is missing.".format(file)))
        except OSError as error:
            flaws.append(Flaw("level", "{0} cannot be read: {1}.".format(file, error.strerror)))
        return _Outcome(tuple(flaws), tuple(compared), unprotected)

    def _add(self, file: str, outcome: _Outcome) -> None:
        # What is true of all parts (no time left, no decoder) is said once.
        self.flaws.extend(flaw for flaw in outcome.flaws if flaw not in self.flaws[:_SHOWN])
        if _LISTING.match(file):
            self._toc_size += outcome.unprotected
        else:
            self._unprotected += outcome.unprotected
        if self._unseen.pop(file, None) is None:
            self._unmentioned.append(file)
        # One that matches stands for all: there may be thousands.
        self.stored.extend(one for one in outcome.stored if one.differs or not self.stored)


def _parts(path: str, contents: Contents, flaws: List[Flaw]) -> Iterator[Part]:
    """Every file that the table of contents speaks of; those that are not there become flaws."""
    for entry in contents.entries.values():
        if entry.is_large_objects:
            yield from _large_objects(path, entry.file, flaws)
            continue
        subject = "The data of '{0}' ({1})".format(entry.name, entry.file)
        found = _find(path, entry.file, subject, flaws)
        if found:
            yield found._replace(text=DumpText(contents.utf8, entry.copies))


def _large_objects(path: str, listing: str, flaws: List[Flaw]) -> Iterator[Part]:
    found = _find(path, listing, "The list of large objects ({0})".format(listing), flaws)
    if not found:
        return
    yield found
    try:
        opened = open_regular(os.path.join(path, found.file))
    except OSError as error:
        kind = "structure" if error.errno == errno.EINVAL else "level"
        text = "The list of large objects, {0}, cannot be read: {1}."
        flaws.append(Flaw(kind, text.format(found.file, error.strerror)))
        return
    with opened as lines:
        for line in iter(lambda: lines.readline(_LONGEST_LINE), b""):
            words = line.decode("ascii", "replace").split()
            if len(words) != 2 or not line.endswith(b"\n"):
                flaws.append(Flaw("structure", "The list of large objects, {0}, is damaged.".format(found.file)))
                return
            part = _find(path, words[1], "Large object {0}".format(words[0]), flaws)
            if part:
                yield part


def _find(path: str, file: str, subject: str, flaws: List[Flaw]) -> Optional[Part]:
    if not _SAFE.match(file) or file in (".", ".."):
        flaws.append(Flaw("structure", "{0} would lie outside of the dump.".format(subject)))
        return None
    for ending, codec in _ENDINGS.items():
        if os.path.exists(os.path.join(path, file + ending)):
            return Part(file + ending, codec, subject)
    flaws.append(Flaw("complete", "{0} is missing.".format(subject)))
    return None
