# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at the file systems of this machine, and at what could go from them. On one that hangs nothing is touched."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from .._judge.disk_cleanup import (
    OLD_EXPORTS,
    ROTATED_LOGS,
    OldFile,
    Removable,
    files_of,
    not_held,
    old,
    ranked,
    rotated,
)
from .._judge.disk_findings import Wal
from .._judge.host_facts import FileSystem
from .._judge.postgres_words import many
from .._judge.text import printable
from . import host_mounts
from .disk_files import mount_of, old_files, resolved
from .disk_held import Held, devices_of, held_files
from .disk_stores import PACKAGES, STORES, wal
from .host_mounts import Mount
from .host_proc import Files

_DAY = 86400.0
_MEMORY = "/dev/shm"  # noqa: S108
PROCESSES = "{0} cannot be looked into: which deleted files are held open there is not known."
UNSURE = "{0}: who has such a file open cannot be seen."


@dataclass(frozen=True)
class Wishes:
    log_directories: Sequence[str]
    log_days: int
    export_directories: Sequence[str]
    export_days: int
    journal_keep_bytes: int
    postgresql_data_directory: Optional[str]
    timeout: float

    @property
    def directories(self) -> List[str]:
        data = [self.postgresql_data_directory] if self.postgresql_data_directory else []
        return [os.path.normpath(path) for path in (*self.log_directories, *self.export_directories, *data)]


@dataclass(frozen=True)
class DiskLook:
    """``hidden`` has what could not be looked at, and why."""

    disks: Tuple[FileSystem, ...]
    removable: Tuple[Removable, ...]
    held: Held
    wal: Optional[Wal]
    hidden: Dict[str, str]


def without_disk() -> None:
    """What programs say goes to files: not to those of a disk that has no room for them."""
    if os.access(_MEMORY, os.W_OK):
        tempfile.tempdir = _MEMORY


def look_at_disks(wishes: Wishes) -> DiskLook:
    files, hidden = Files(), {}
    mounts = host_mounts.mounts(files)
    looked_at = _looked_at(files, mounts, [PACKAGES, *wishes.directories])
    disks = host_mounts.file_systems(files, looked_at, (), wishes.timeout)
    answering = [disk.mount for disk in disks if disk.measured]
    silent = [disk.mount for disk in disks if not disk.measured]

    def answers(path: str) -> bool:
        mount = mount_of(os.path.normpath(path), mounts)
        if mount is None or mount.point not in silent:
            return True
        hidden[path] = "{0} is not looked at: its file system does not answer.".format(printable(path))
        return False

    log_roots = _roots("log_directories", filter(answers, wishes.log_directories))
    export_roots = _roots("export_directories", filter(answers, wishes.export_directories))
    now = time.time()
    logs: List[OldFile] = []
    for root in log_roots:
        logs += old_files(root, lambda times: rotated(times, now - wishes.log_days * _DAY), hidden)
    exports: List[OldFile] = []
    for root in export_roots:
        exports += old_files(root, lambda times: old(times, now - wishes.export_days * _DAY), hidden)
    stores = [look(wishes.journal_keep_bytes, hidden) for look in STORES.values()]
    data = wishes.postgresql_data_directory
    seen_wal = wal(data, hidden) if data and answers(data) else None
    held = held_files(files, devices_of(mounts, looked_at, answering), silent)
    all_seen = not held.unseen
    if not all_seen:
        hidden["processes"] = PROCESSES.format(many(held.unseen, "process", "processes"))
        unsure = sum(not file.certain for file in (*logs, *exports))
        if unsure:
            hidden["open files"] = UNSURE.format(many(unsure, "old file stays", "old files stay"))
    logs = list(not_held(logs, frozenset(held.identities), all_seen))
    taken = held.identities | {file.identity[:2] for file in logs}
    found = [
        files_of(ROTATED_LOGS, logs, wishes.log_days),
        files_of(OLD_EXPORTS, not_held(exports, frozenset(taken), all_seen), wishes.export_days),
        *stores,
    ]
    return DiskLook(tuple(disks), tuple(ranked(found)), held, seen_wal, hidden)


def _roots(option: str, directories: Iterable[str]) -> List[str]:
    """All of them before anything is looked at: one that may not be named refuses the whole run."""
    return list(dict.fromkeys(resolved(option, directory) for directory in directories))


def _looked_at(files: Files, mounts: Sequence[Mount], directories: Sequence[str]) -> List[Mount]:
    """Every real file system, and those that the directories lie on, whatever they are."""
    chosen = host_mounts.chosen(files, mounts, (), ())
    devices = {mount.device for mount in chosen}
    further = [mount_of(path, mounts) for path in directories]
    points = {mount.point for mount in further if mount is not None and mount.device not in devices}
    return [*chosen, *host_mounts.chosen(files, mounts, sorted(points), ())] if points else chosen
