# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backups there are: files, directories and patterns, their sizes and ages, and what was there before them."""

from __future__ import annotations

import fnmatch
import glob
import os
import stat
from itertools import islice
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

from .._judge.backup import Backup, Place
from .._judge.backup_names import is_checksum_file, is_unfinished, lies_beside, series_of
from .backup_checksum import Checksums
from .backup_format import Kind, directory_kind, file_kind

_PREDECESSORS = 10


class _Sibling(NamedTuple):
    path: str
    modified: float
    is_directory: bool


class Catalogue:
    """Looks through the places once; ``backups`` and ``places`` are what it found."""

    def __init__(self, now: float, patterns: Sequence[str], excludes: Sequence[str], checksums: Checksums) -> None:
        self.places: List[Place] = []
        self.backups: List[Backup] = []
        self._now = now
        self._patterns = patterns
        self._excludes = excludes
        self._checksums = checksums
        self._unfinished: List[str] = []
        self._seen: Dict[str, bool] = {}
        self._modified: Dict[str, float] = {}
        self._siblings: Dict[str, Dict[Tuple[str, bool], List[_Sibling]]] = {}

    def look(self, given: str) -> None:
        before = len(self._seen)
        self._unfinished = []
        path = os.path.abspath(os.path.expanduser(given))
        problem, again = "", False
        if os.path.lexists(path):
            again = self._take(path, chosen=True)
            problem = "There is no backup in this directory." if os.path.isdir(path) else "This is no backup."
        elif glob.has_magic(path):
            matches = sorted(glob.glob(path, recursive=True))
            for match in matches:
                again = self._take(match, chosen=False) or again
            problem = (
                "Of what matches this pattern, nothing is a backup." if matches else "Nothing matches this pattern."
            )
        else:
            problem = "There is nothing at this path."
        found = len(self._seen) - before
        self.places.append(Place(given, found, "" if found or again else problem, tuple(self._unfinished)))

    def finish(self) -> None:
        """Compare each backup with its series, now that all are known."""
        newest: Dict[Tuple[str, str], float] = {}
        for backup in self.backups:
            key = _series(backup.path)
            newest[key] = max(newest.get(key, 0.0), self._modified[backup.path])
        for index, backup in enumerate(self.backups):
            if self._modified[backup.path] < newest[_series(backup.path)]:
                self.backups[index] = backup._replace(newest=False)
            else:
                self.backups[index] = backup._replace(predecessors=self._predecessors(backup))

    def _take(self, path: str, chosen: bool) -> bool:
        """Add what is at ``path``. ``chosen``: it was named, so its name does not matter. True: it is known already."""
        real = os.path.realpath(path)
        if real in self._seen:
            return True
        name = os.path.basename(path)
        if not chosen and (is_checksum_file(name) or not self._wanted(name)):
            return False
        if not chosen and is_unfinished(name):
            if not name.startswith(".") or is_unfinished(name[1:]):
                self._unfinished.append(path)
            return False
        try:
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                kind = directory_kind(path)
                if not kind.format:
                    return self._scan(path) if chosen else False
                self._add(real, path, kind)
            elif stat.S_ISREG(mode):
                if chosen and is_checksum_file(name):
                    return False
                if not chosen and lies_beside(name) and not self._checksums.mentions(path):
                    return False
                self._add(real, path, file_kind(path))
        except OSError as error:
            self._seen[real] = True
            self._modified[path] = 0.0
            self.backups.append(Backup(path, unreadable=error.strerror or str(error), newest=False))
        return False

    def _scan(self, directory: str) -> bool:
        again = False
        for name in sorted(os.listdir(directory)):
            again = self._take(os.path.join(directory, name), chosen=False) or again
        return again

    def _wanted(self, name: str) -> bool:
        if self._patterns and not any(fnmatch.fnmatch(name, pattern) for pattern in self._patterns):
            return False
        return not any(fnmatch.fnmatch(name, pattern) for pattern in self._excludes)

    def _add(self, real: str, path: str, kind: Kind) -> None:
        size, modified, files = _measure(path)
        self._seen[real] = True
        self._modified[path] = modified
        self.backups.append(Backup(path, kind.format, kind.compression, size, self._now - modified, files))

    def _predecessors(self, backup: Backup) -> Tuple[int, ...]:
        directory, series = _series(backup.path)
        own = self._modified[backup.path]
        kin = self._siblings_in(directory).get((series, os.path.isdir(backup.path)), ())
        older = (sibling for sibling in kin if sibling.path != backup.path and sibling.modified <= own)
        return tuple(_measure(sibling.path)[0] for sibling in islice(older, _PREDECESSORS))

    def _siblings_in(self, directory: str) -> Dict[Tuple[str, bool], List[_Sibling]]:
        """By series and kind, the youngest first: a directory may hold very many of each."""
        if directory not in self._siblings:
            by_series = self._siblings.setdefault(directory, {})
            for sibling in sorted(_list_siblings(directory), key=lambda sibling: -sibling.modified):
                by_series.setdefault((_series(sibling.path)[1], sibling.is_directory), []).append(sibling)
        return self._siblings[directory]


def _list_siblings(directory: str) -> Iterator[_Sibling]:
    try:
        entries = sorted(os.listdir(directory))
    except OSError:
        return
    for name in entries:
        path = os.path.join(directory, name)
        if is_unfinished(name) or is_checksum_file(name) or lies_beside(name):
            continue
        try:
            status = os.stat(path)
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
            yield _Sibling(path, status.st_mtime, stat.S_ISDIR(status.st_mode))


def _series(path: str) -> Tuple[str, str]:
    directory, name = os.path.split(path)
    return directory, series_of(name)


def _measure(path: str) -> Tuple[int, float, int]:
    """Size, time of the last change, and number of files. A directory changes with its youngest file."""
    status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        return status.st_size, status.st_mtime, 1
    size, modified, files = 0, 0.0, 0
    for parent, _directories, names in os.walk(path):
        for name in names:
            try:
                status = os.lstat(os.path.join(parent, name))
            except FileNotFoundError:
                continue
            size, modified, files = size + status.st_size, max(modified, status.st_mtime), files + 1
    return size, modified or os.stat(path).st_mtime, files
