# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files processes hold open, and which of these are deleted and still take their space."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

from .._judge.disk_findings import Holder
from .host_mounts import Mount
from .host_proc import Files
from .regular import allocated_bytes

_DELETED = " (deleted)"


@dataclass
class Held:
    """``identities`` are devices and inodes. ``unseen`` counts the processes that this user may not look into."""

    identities: Set[Tuple[int, int]] = field(default_factory=set)
    holders: List[Holder] = field(default_factory=list)
    unseen: int = 0


def nobody_else_has(descriptor: int) -> Optional[bool]:
    """The kernel gives a lease for writing only where nobody else has the file open, in whatever container.

    It stays until the descriptor is closed: who wants to open the file waits for that. ``None``: no leases here.
    """
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # by which the kernel tells that somebody waits; it would end us
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        return False if error.errno == errno.EAGAIN else None
    return True


def held_files(files: Files, devices: FrozenSet[str], silent: Sequence[str]) -> Held:
    """``devices`` are those on which deleted files count, ``silent`` the mount points that hang: never touched."""
    held = Held()
    deleted: Dict[Tuple[int, int], Tuple[int, str, List[int]]] = {}
    pids = sorted(int(name) for name in files.names("/proc") if name.isdecimal())
    if 1 not in pids:
        held.unseen += 1  # hidden from this user (hidepid), as others are then
    for pid in pids:
        try:
            for path, seen in _open(pid, silent):
                key = (seen.st_dev, seen.st_ino)
                held.identities.add(key)
                if not seen.st_nlink and "{0}:{1}".format(os.major(seen.st_dev), os.minor(seen.st_dev)) in devices:
                    size = allocated_bytes(seen)
                    deleted.setdefault(key, (size, path.removesuffix(_DELETED), []))[2].append(pid)
        except PermissionError:
            held.unseen += 1
        except OSError:
            continue  # it ended meanwhile
    held.holders = _holders(files, list(deleted.values()))
    return held


def _open(pid: int, silent: Sequence[str]) -> Iterator[Tuple[str, os.stat_result]]:
    folder = "/proc/{0}/fd".format(pid)
    for number in os.listdir(folder):
        name = "{0}/{1}".format(folder, number)
        try:
            path = os.readlink(name)
            if not path.startswith("/") or any(path.startswith(point.rstrip("/") + "/") for point in silent):
                continue
            seen = os.stat(name)
        except FileNotFoundError:
            continue  # closed meanwhile
        if stat.S_ISREG(seen.st_mode):
            yield path, seen


def _holders(files: Files, deleted: Sequence[Tuple[int, str, List[int]]]) -> List[Holder]:
    """One for each set of processes that hold the same files, named by the first: workers inherit what they hold."""
    together: Dict[Tuple[int, ...], List[Tuple[int, str]]] = {}
    for size, path, pids in deleted:
        together.setdefault(tuple(sorted(set(pids))), []).append((size, path))
    found = []
    for pids, held in together.items():
        held.sort(reverse=True)
        name = (files.text("/proc/{0}/comm".format(pids[0])) or "").strip()
        size, paths = sum(size for size, path in held), tuple(path for size, path in held)
        found.append(Holder(pids[0], name, size, paths, len(pids) - 1))
    return found


def devices_of(mounts: Sequence[Mount], looked_at: Sequence[Mount], answering: Sequence[str]) -> FrozenSet[str]:
    """Of the file systems that are looked at, and of containers, whose layers lie on one of them."""
    found = {mount.device for mount in looked_at} | {mount.device for mount in mounts if mount.kind == "overlay"}
    for point in answering:
        device = os.stat(point).st_dev  # of btrfs, each volume has a device of its own
        found.add("{0}:{1}".format(os.major(device), os.minor(device)))
    return frozenset(found)
