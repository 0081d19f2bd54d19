# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes files in one piece, and waits for others who want to write them, too."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time

from .._errors import OpsError

_POLL_SECONDS = 0.01


def flock_within(descriptor: int, seconds: float) -> bool:
    """Whether it was locked before that time was over. The kernel releases it when the process dies."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > end:
                return False
        time.sleep(_POLL_SECONDS)


def replace_file(path: str, content: bytes, mode: int) -> None:
    """There is never half of it: written beside it, flushed, renamed. For one who has kept others away.

    What a process left that was killed here is nobody's, and a link that somebody put there is not followed.
    """
    new = path + ".new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(new, flags, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def sync_directory(path: str) -> None:
    """So that a name that was given or taken there outlives a machine that loses its power."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(file: str, text: str, check_mode: bool) -> bool:
    """Whether it has changed, or would. Only its owner may read it: it names tables, roles and machines."""
    content = text.encode("utf-8")
    with contextlib.suppress(OSError), open(file, "rb") as stream:
        if stream.read() == content:
            return False
    if check_mode:
        return True
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".review-", dir=os.path.dirname(os.path.abspath(file)))
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.replace(temporary, file)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise OpsError(
            "{0} cannot be written: {1}.".format(file, error.strerror),
            "Its folder must exist and be writable for the user that runs this.",
        ) from error
    return True
