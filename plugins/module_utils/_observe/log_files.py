# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a log, opened while they are rotated: each entry is there once, whatever the rotation does meanwhile."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from .._errors import OpsError
from .._judge.log_files import Head, file_name

HEAD_BYTES = 1024
SAMPLE = 32 * 1024
# What fits into the cache of a processor and, with what is put before it, into memory that the C library gives again
# instead of asking the kernel for new pages each time (from 128 KiB on): larger blocks take up to twice the time.
BLOCK = 120 * 1024
_ATTEMPTS = 5
_MAGIC = frozenset("*?[")
# A line without its end that was written to so lately is still being written; it is left to the next look.
UNFINISHED_SECONDS = 10
_POSITIONS = 3
# Of one log, all of which are open at once, and compared with each other.
MOST_FILES = 1000


class Rotated(OpsError):
    """The files changed under our hands; what was read so far may be wrong, and another attempt is needed."""


@dataclass
class LogFile:
    """An open file of a log. ``head`` holds its first bytes, decompressed, and so does ``sample``, more of them."""

    path: str
    handle: Any
    size: int
    modified: float
    identity: Tuple[int, int]
    compression: Optional[str]
    rotated: bool
    head: Head
    sample: bytes = b""

    def read(self, position: int, size: int) -> bytes:
        """Of a plain file."""
        return os.pread(self.handle.fileno(), size, position)

    def block(self, position: int, end: int) -> bytes:
        """As much of ``position`` to ``end`` as is read at once, of a plain file; at least one byte."""
        block = self.read(position, min(BLOCK, end - position))
        if not block:
            raise Rotated("{0} became shorter while it was read.".format(self.path))
        return block

    def blocks(self, start: int) -> Iterator[bytes]:
        """What a compressed file holds from ``start`` on; of what comes before it, blocks of nothing."""
        from .log_packed import decompressed  # most logs are read without

        for block in decompressed(self.handle, str(self.compression), BLOCK):
            yield block[start:] if start else block
            start = max(0, start - len(block))

    def unchanged(self) -> bool:
        """Whether it still is what it was when it was opened, or has only grown."""
        if self.compression is not None:
            return True
        return (
            os.fstat(self.handle.fileno()).st_size >= self.size
            and self.read(0, len(self.head.content)) == self.head.content
        )

    def whole_lines(self, now: float) -> int:
        """Its size without a last line that is still being written."""
        if self.compression is not None or now - self.modified > UNFINISHED_SECONDS or not self.size:
            return self.size
        tail = self.read(max(0, self.size - 65536), min(65536, self.size))
        return self.size if tail.endswith(b"\n") or b"\n" not in tail else self.size - len(tail) + tail.rfind(b"\n") + 1


def log_names(path: str, limit: int) -> List[str]:
    """The logs that a path or a pattern names, rotated files taken for the log they belong to."""
    if not _MAGIC & set(path):
        return [path]
    import glob  # here, as most logs are named by a path

    bases = set()
    for found in glob.iglob(path):
        if os.path.isfile(found):
            directory, name = os.path.split(found)
            bases.add(os.path.join(directory, file_name(name).base))
        if len(bases) > limit:
            break
    return sorted(bases)


@dataclass
class Series:
    """The open files of one log, the oldest first, and from where each is read."""

    files: List[LogFile] = field(default_factory=list)
    starts: Dict[int, int] = field(default_factory=dict)  # by index, where an earlier look ended
    unreadable: str = ""
    found: bool = False

    def __enter__(self) -> Series:
        return self

    def __exit__(self, *details: Any) -> None:
        for file in self.files:
            file.handle.close()


def open_series(path: str, since: float, previous: Mapping[str, Any]) -> Series:
    """Opens what may hold entries since then, or since ``previous``; again if it is rotated meanwhile."""
    for _attempt in range(_ATTEMPTS):
        before = _listed(path)
        series = _opened(path, before, _oldest(previous, since))
        if _listed(path) == before:
            series.files = _without_copies(series)
            _place(series, previous)
            return series
        series.__exit__()
    raise Rotated("{0} was rotated again and again while it was opened.".format(path))


def _listed(path: str) -> Dict[str, Tuple[int, int]]:
    """Path and identity of the log and of what rotation made of it."""
    directory, base = os.path.split(path)
    found = {}
    try:
        with os.scandir(directory or ".") as entries:
            for entry in entries:
                if (entry.name == base or file_name(entry.name).base == base) and entry.is_file():
                    status = entry.stat()
                    found[os.path.join(directory, entry.name)] = (status.st_dev, status.st_ino)
    except FileNotFoundError:
        return {}
    return found


def _oldest(previous: Mapping[str, Any], since: float) -> float:
    """Files that were last written to before that are not opened."""
    known = [one["modified"] for one in previous.get("files", ())]
    return min(known) - 1 if known else since


def _young(listed: Mapping[str, Tuple[int, int]], oldest: float) -> List[str]:
    """What may hold something new, each file once, the youngest first."""
    by_identity = {identity: path for path, identity in reversed(list(listed.items()))}
    aged = []
    for path in by_identity.values():
        try:
            modified = os.stat(path).st_mtime
        except FileNotFoundError:
            continue  # the list will differ, and all of it is opened again
        except OSError:
            modified = oldest  # opening it says why
        if modified >= oldest or not file_name(os.path.basename(path)).rotated:
            aged.append((modified, path))
    return [path for _modified, path in sorted(aged, reverse=True)]


def _opened(log: str, listed: Mapping[str, Tuple[int, int]], oldest: float) -> Series:
    series = Series(found=bool(listed))
    paths = _young(listed, oldest)
    if len(paths) > MOST_FILES:
        series.unreadable = "{0} has more than {1} files, of which the oldest were not read.".format(log, MOST_FILES)
    for path in paths[:MOST_FILES]:
        name = file_name(os.path.basename(path))
        try:
            handle = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by the series
        except FileNotFoundError:
            continue  # the list will differ, and all of it is opened again
        except OSError as error:
            series.unreadable = "{0} cannot be read: {1}.".format(path, error.strerror)
            continue
        status = os.fstat(handle.fileno())
        file = LogFile(
            path,
            handle,
            status.st_size,
            status.st_mtime,
            (status.st_dev, status.st_ino),
            name.compression,
            name.rotated,
            Head(0, b""),
        )
        try:
            sample = (file.read(0, SAMPLE) if name.compression is None else next(file.blocks(0), b""))[:SAMPLE]
        except (OSError, OpsError) as error:
            series.unreadable = "{0} cannot be read: {1}".format(path, error)
            handle.close()
            continue
        if name.compression is not None and not sample:
            handle.close()  # a compressor has only begun it: what it is made of is still there, and is read itself
            continue
        file.head, file.sample = Head(file.size, sample[:HEAD_BYTES]), sample
        series.files.append(file)
    series.files.sort(key=lambda one: (not one.rotated, one.modified, one.path))
    return series


def _without_copies(series: Series) -> List[LogFile]:
    """Without files that copytruncate or a compressor is just making of another one."""
    kept: List[LogFile] = []
    by_worth = sorted(series.files, key=lambda one: (one.compression is not None, -one.size, one.rotated))
    for file in by_worth:
        if any(_is_copy(file, other) for other in kept):
            file.handle.close()
        else:
            kept.append(file)
    return [file for file in series.files if file in kept]


def _is_copy(file: LogFile, of: LogFile) -> bool:
    if not file.head.same_log(of.head):
        return False
    if file.compression or of.compression:
        return True
    size = min(file.size, of.size, HEAD_BYTES)
    position = min(file.size, of.size) - size
    return file.read(position, size) == of.read(position, size)


def _place(series: Series, previous: Mapping[str, Any]) -> None:
    """Known files go on where the earlier look ended; older ones were read then."""
    oldest = None
    for index, file in enumerate(series.files):
        for one in previous.get("files", ()):
            content = file.head.content[: one["head_bytes"]]
            if one["head_bytes"] and len(content) == one["head_bytes"] and _digest(content) == one["head"]:
                series.starts[index] = one["offset"]
                oldest = index if oldest is None else oldest
    if oldest:
        for file in series.files[:oldest]:
            file.handle.close()
        series.files = series.files[oldest:]
        series.starts = {index - oldest: offset for index, offset in series.starts.items()}


def positions(series: Series, ends: Mapping[int, int]) -> List[Dict[str, Any]]:
    """Where this look ended, to be given back at the next one."""
    return [
        {
            "head": _digest(file.head.content),
            "head_bytes": len(file.head.content),
            "offset": ends[index],
            "modified": file.modified,
        }
        for index, file in enumerate(series.files)
        if file.head.content and index in ends
    ][-_POSITIONS:]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
