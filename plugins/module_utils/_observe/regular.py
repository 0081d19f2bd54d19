# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens files where others may have put something else: a pipe would be waited for, and a device has no end."""

from __future__ import annotations

import errno
import os
import stat
from typing import Any

_BLOCK = 512  # the unit of st_blocks, whatever the file system's own is


def open_regular(path: str) -> Any:
    """For reading bytes. Raises ``OSError`` for everything that is no regular file, and never waits."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "it is no regular file", path)


def allocated_bytes(seen: os.stat_result) -> int:
    """What a file takes of its disk, which a hole or compression makes less than its length."""
    return seen.st_blocks * _BLOCK
