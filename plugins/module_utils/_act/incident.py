# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of incidents, one each, to which lines are added and from which none is taken.

Finding the open incident, choosing a name and adding lines is one step for everybody else: it happens under ``flock``
on the directory, which the kernel releases when a process dies. What is added is there whole or not at all: a write
that the disk cuts short is taken back.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Iterator, List, Optional

from .._errors import OpsError
from .._judge.incident import Record, read_record
from .files import flock_within, sync_directory

GUARD_SECONDS = 5.0  # an emergency waits behind it
_SUFFIX = ".jsonl"
_SIZE_LIMIT = 16 << 20
_LOOKED_AT = 50  # of the youngest files, for one that is open


class Incidents:
    def __init__(self, directory: str) -> None:
        self.directory = directory

    def path(self, record_id: str) -> str:
        return os.path.join(self.directory, record_id + _SUFFIX)

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Keeps others away; makes the directory if it is not there."""
        with self._explained("used"):
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.directory, 0o750)
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with self._explained("locked"):
                is_mine = flock_within(descriptor, GUARD_SECONDS)
            if not is_mine:
                raise OpsError(
                    "Another process has kept {0} locked for {1:g} seconds.".format(self.directory, GUARD_SECONDS),
                    "Find it with 'lslocks' or 'lsof'; adding to a record takes a moment.",
                )
            yield
        finally:
            os.close(descriptor)

    def ids(self) -> List[str]:
        """The youngest first; none where there is no directory yet."""
        with self._explained("read"):
            try:
                with os.scandir(self.directory) as entries:
                    found = [(one.stat(follow_symlinks=False).st_mtime, one.name) for one in entries]
            except FileNotFoundError:
                return []
            return [name[: -len(_SUFFIX)] for _time, name in sorted(found, reverse=True) if name.endswith(_SUFFIX)]

    def read(self, record_id: str) -> Optional[Record]:
        with self._explained("read"):
            try:
                descriptor = os.open(self.path(record_id), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OpsError("{0} is no file.".format(self.path(record_id)), "Look who made it, and remove it.")
                return read_record(record_id, file.read(_SIZE_LIMIT))

    def youngest_open(self, now: float, within_seconds: float) -> Optional[Record]:
        """An open incident to which something was added not longer ago than that."""
        if within_seconds <= 0:
            return None
        for record_id in self.ids()[:_LOOKED_AT]:
            record = self.read(record_id)
            if record and record.is_open and now - record.last(now) <= within_seconds:
                return record
        return None

    def append(self, record_id: str, text: str) -> None:
        """Under the guard only."""
        path = self.path(record_id)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with self._explained("written"):
            is_new = not os.path.lexists(path)
            descriptor = os.open(path, flags, 0o640)
            try:
                if is_new:
                    os.fchmod(descriptor, 0o640)
                _add(descriptor, text.encode("utf-8"))
            except OSError:
                if is_new:
                    os.unlink(path)
                raise
            finally:
                os.close(descriptor)
            if is_new:
                sync_directory(self.directory)

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OpsError(
                "The incident record in {0} cannot be {1}: {2}.".format(self.directory, what, error.strerror),
                "Check that the directory above it is there, its rights and the space.",
            ) from error


def _add(descriptor: int, content: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        content = b"\n" + content  # what a machine that went down left half written spoils its own line alone
    try:
        if os.write(descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise
