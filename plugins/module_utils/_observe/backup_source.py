# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``backup_create`` has to know: the database, the directory, and what interrupted runs have left there."""

from __future__ import annotations

import fcntl
import os
from typing import List, Optional

from .._errors import InputError
from .._judge.backup_plan import Place, Source, dump_pattern, part_pattern
from .postgres import PostgresClient, PostgresLogin

# relpages instead of pg_relation_size(): it waits for no lock.
_SOURCE = """
SELECT current_database() AS database,
       current_setting('server_version') AS version,
       current_setting('server_version_num')::int / 10000 AS major,
       greatest(0, pg_database_size(current_database()) - (
         SELECT coalesce(sum(relpages::bigint), 0) * current_setting('block_size')::bigint
         FROM pg_class WHERE relkind = 'i'))::bigint AS data_bytes
"""


def observe_source(login: PostgresLogin) -> Source:
    with PostgresClient(login, read_only=True) as client:
        row = client.row(_SOURCE)
    return Source(row["database"], row["version"].split()[0], row["major"], row["data_bytes"])


def observe_place(directory: str, name: str) -> Place:
    if not os.path.isdir(directory):
        raise InputError(
            "directory: there is no directory {0}.".format(directory), "Create it, with mode 0700, before backups."
        )
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise InputError("directory: {0} is not writable for this user.".format(directory), "Check owner and mode.")
    room = os.statvfs(directory)
    names = os.listdir(directory)
    dumps = sorted(entry for entry in names if dump_pattern(name).match(entry))
    leftovers = _leftovers(directory, name, names)
    return Place(
        directory,
        room.f_bavail * room.f_frsize,
        room.f_blocks * room.f_frsize,
        size_of(os.path.join(directory, dumps[-1])) if dumps else 0,
        sum(size_of(path) for path in leftovers),
        leftovers,
    )


def _leftovers(directory: str, name: str, names: List[str]) -> List[str]:
    """Dumps of runs that ended without removing them. That of a run that goes on is locked by it."""
    parts = [os.path.join(directory, entry) for entry in sorted(names) if part_pattern(name).match(entry)]
    return [path for path in parts if _is_abandoned(path)]


def _is_abandoned(path: str) -> bool:
    """Whether no process holds the lock that every run takes on what it writes, and its ``pg_dump`` inherits."""
    lock = lock_part(path)
    if lock is None:
        return False
    os.close(lock)
    return True


def lock_part(path: str) -> Optional[int]:
    """A descriptor that holds the lock on a file or directory; ``None`` when another process has it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def size_of(path: str) -> int:
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(parent, name)) for parent, _inner, names in os.walk(path) for name in names)
