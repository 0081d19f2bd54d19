# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checksums that lie beside backups, as ``sha256sum``, ``sha512sum`` and the BSDs write them.

What a checksum file names is only ever compared with the names of backups that were found otherwise; nothing is
opened because a checksum file names it.
"""

from __future__ import annotations

import os
import re
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .._judge.backup import Stored
from .._judge.backup_names import is_checksum_list

_ALGORITHMS = {64: "sha256", 128: "sha512"}
_BESIDE = (".sha256", ".sha512", ".sha256sum", ".sha512sum")
_GNU = re.compile(r"^(\\?)([0-9A-Fa-f]+)(?:[ \t][ *](.+))?$")
_BSD = re.compile(r"^(\\?)(SHA256|SHA512) \((.+)\) = ([0-9A-Fa-f]+)$", re.IGNORECASE)
_LARGEST = 64 * 1024 * 1024


class Line(NamedTuple):
    """One line of a checksum file; ``name`` is empty where only the checksum stands."""

    name: str
    algorithm: str
    digest: str


class ChecksumFile(NamedTuple):
    """``by_name`` finds the lines of a file, ``by_directory`` those of all files right in a directory; ``None`` is that
    of the checksum file itself. A list may speak of very many files, each of which asks it."""

    path: str
    lines: Tuple[Line, ...] = ()
    problem: str = ""
    by_name: Mapping[str, Sequence[Line]] = {}
    by_directory: Mapping[Optional[str], Sequence[Line]] = {}


def parse(text: str) -> List[Line]:
    """The usable lines of a checksum file; others (comments, other algorithms) are passed over."""
    lines = []
    for raw in text.splitlines():
        line = raw.strip("\r\n")
        gnu, bsd = _GNU.match(line), _BSD.match(line)
        if gnu:
            escaped, digest, name = gnu.groups()
        elif bsd:
            escaped, name, digest = bsd.group(1), bsd.group(3), bsd.group(4)
        else:
            continue
        algorithm = _ALGORITHMS.get(len(digest))
        if algorithm is None or (bsd and bsd.group(2).lower() != algorithm):
            continue
        name = name or ""
        if escaped:  # names with line breaks or backslashes
            name = name.replace("\\n", "\n").replace("\\r", "\r").replace("\\\\", "\\")
        lines.append(Line(name[2:] if name.startswith("./") else name, algorithm, digest.lower()))
    return lines


class Checksums:
    """Finds what is stored about a backup; every checksum file is read once."""

    def __init__(self) -> None:
        self._files: Dict[str, ChecksumFile] = {}
        self._lists: Dict[str, List[str]] = {}

    def of_file(self, path: str) -> List[Stored]:
        """What is stored about one file: in files of its own beside it, and in lists of its directory."""
        directory, name = os.path.split(path)
        found: List[Stored] = []
        for ending in _BESIDE:
            file = self._read(path + ending)
            if file is not None:
                found.append(_match(file, name, own=True))
        for checksum_list in self._lists_in(directory):
            file = self._read(checksum_list)
            if file is not None:
                found.append(_match(file, name, own=False))
        # A list that is about other files says nothing where the backup has a checksum of its own.
        usable = [stored for stored in found if stored.expected]
        return usable or found

    def of_directory(self, path: str) -> Tuple[Dict[str, List[Stored]], List[Stored]]:
        """What is stored about the files of a directory, by their name in it, and files that are of no use."""
        parts: Dict[str, List[Stored]] = {}
        useless: List[Stored] = []
        name = os.path.basename(path)
        places: List[Tuple[str, Optional[str]]] = [(inside, None) for inside in self._lists_in(path)]
        places += [(path + ending, name) for ending in _BESIDE]
        places += [(beside, name) for beside in self._lists_in(os.path.dirname(path))]
        for place, directory in places:
            file = self._read(place)
            if file is None:
                continue
            if file.problem:
                useless.append(Stored(file.path, problem=file.problem))
            for line in file.by_directory.get(directory, ()):
                part = line.name.rpartition("/")[2]
                if part not in ("", ".", ".."):
                    stored = Stored(os.path.basename(place), line.algorithm, line.digest, subject=part)
                    parts.setdefault(part, []).append(stored)
        return parts, useless

    def mentions(self, path: str) -> bool:
        return any(stored.expected for stored in self.of_file(path))

    def _lists_in(self, directory: str) -> List[str]:
        if directory not in self._lists:
            try:
                names = sorted(name for name in os.listdir(directory or ".") if is_checksum_list(name))
            except OSError:
                names = []
            self._lists[directory] = [os.path.join(directory, name) for name in names]
        return self._lists[directory]

    def _read(self, path: str) -> Optional[ChecksumFile]:
        if path not in self._files:
            if not os.path.lexists(path):
                return None
            self._files[path] = _read(path)
        return self._files[path]


def _read(path: str) -> ChecksumFile:
    name = os.path.basename(path)
    if not os.path.isfile(path):
        return ChecksumFile(path, problem="{0} is no regular file, so nothing could be compared.".format(name))
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(_LARGEST)
    except OSError as error:
        return ChecksumFile(path, problem="{0} cannot be read: {1}.".format(name, error.strerror))
    lines = tuple(parse(text))
    if not lines:
        return ChecksumFile(path, problem="{0} holds no SHA-256 or SHA-512 checksum.".format(name))
    by_name: Dict[str, List[Line]] = {}
    by_directory: Dict[Optional[str], List[Line]] = {}
    for line in lines:
        by_name.setdefault(line.name, []).append(line)
        by_directory.setdefault(line.name.rpartition("/")[0] if "/" in line.name else None, []).append(line)
    return ChecksumFile(path, lines, "", by_name, by_directory)


def _match(file: ChecksumFile, name: str, own: bool) -> Stored:
    """``own``: the file belongs to this backup, so it may name it with another directory, or not at all."""
    base = os.path.basename(file.path)
    if file.problem:
        return Stored(base, problem=file.problem)
    lines = list(file.by_name.get(name, ()))
    if not lines and own:
        lines = [line for line in file.lines if line.name.endswith("/" + name)]
        if not lines and len(file.lines) == 1 and not file.lines[0].name:
            lines = list(file.lines)
    if not lines:
        return Stored(base, problem="{0} does not mention this file.".format(base))
    if len({(line.algorithm, line.digest) for line in lines}) > 1:
        return Stored(base, problem="{0} holds several different checksums of this file.".format(base))
    return Stored(base, lines[0].algorithm, lines[0].digest)
