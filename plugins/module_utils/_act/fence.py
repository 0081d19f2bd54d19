# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a server start as a standby, which takes no writes."""

from __future__ import annotations

import contextlib
import os

from .._errors import OpsError
from .._observe.pg_control import STANDBY_SIGNAL


def fence(directory: str) -> None:
    """The directory is its owner's, who may have put a link there: nothing is followed, and nothing is overwritten."""
    path = os.path.join(directory, STANDBY_SIGNAL)
    try:
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(FileExistsError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                file = os.open(STANDBY_SIGNAL, flags, 0o600, dir_fd=folder)
                try:
                    _give_to_owner(file, os.fstat(folder))
                    os.fsync(file)
                finally:
                    os.close(file)
            os.fsync(folder)  # a machine that loses its power now must not come back as a primary
        finally:
            os.close(folder)
    except OSError as error:
        raise OpsError(
            "{0} cannot be written: {1}. The server is not fenced.".format(path, error.strerror or error),
            "Run this as the owner of the directory or as root, and see that its disk has room.",
        ) from error


def _give_to_owner(file: int, owner: os.stat_result) -> None:
    if owner.st_uid != os.geteuid():
        os.fchown(file, owner.st_uid, owner.st_gid)
