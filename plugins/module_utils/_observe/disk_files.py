# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old files below declared directories: on their own file system alone, and through no link."""

from __future__ import annotations

import os
import stat
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from .._errors import InputError
from .._judge.disk_cleanup import (
    DATA_DIRECTORY,
    HEAD_BYTES,
    OldFile,
    above,
    data_refused,
    demand_harmless,
    is_data,
    may_enter,
)
from .._judge.text import printable
from .disk_held import nobody_else_has
from .host_mounts import Mount
from .regular import allocated_bytes, open_regular

Chosen = Callable[[Mapping[str, float]], Sequence[str]]


def mount_of(path: str, mounts: Sequence[Mount]) -> Optional[Mount]:
    """Where it lies, told by its name alone: nobody touches a file system that may hang."""
    holds = [mount for mount in mounts if path == mount.point or path.startswith(mount.point.rstrip("/") + "/")]
    longest = max((len(mount.point) for mount in holds), default=0)
    return next((mount for mount in reversed(holds) if len(mount.point) == longest), None)


def resolved(option: str, directory: str) -> str:
    """The directory itself, whatever links lead to it. ``InputError`` where nothing may be removed."""
    if not os.path.isabs(directory):
        raise InputError("{0}: {1} is no absolute path.".format(option, printable(directory)), "Give one from / on.")
    real = os.path.realpath(directory)
    for name in (os.path.normpath(directory), real):
        demand_harmless(option, name)
        for parent in above(name):
            if os.path.lexists(os.path.join(parent, DATA_DIRECTORY)):
                raise data_refused(option, directory, os.path.join(parent, DATA_DIRECTORY))
    return real


def old_files(root: str, chosen: Chosen, hidden: Dict[str, str]) -> Iterator[OldFile]:
    """What ``chosen`` takes of each directory. ``hidden`` gets what cannot be looked at, and why."""
    try:
        device = os.lstat(root).st_dev
    except OSError as error:
        hidden[root] = _cannot(root, error)
        return
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        try:
            files, folders = _entries(directory, device)
        except FileNotFoundError:
            continue  # it went meanwhile
        except OSError as error:
            hidden[root] = _cannot(directory, error)
            continue
        if not may_enter(os.path.basename(directory), list(files)):
            continue
        waiting += [os.path.join(directory, name) for name in folders]
        for name in chosen({name: seen.st_mtime for name, seen in files.items()}):
            path, seen = os.path.join(directory, name), files[name]
            # Another name of the same file would keep its blocks.
            if seen.st_nlink == 1 and seen.st_blocks:
                free = _may_go(path, name)
                if free is not False:
                    yield OldFile(root, path, allocated_bytes(seen), identity(seen), certain=free is True)


def _entries(directory: str, device: int) -> Tuple[Dict[str, os.stat_result], List[str]]:
    files: Dict[str, os.stat_result] = {}
    folders = []
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                seen = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if seen.st_dev == device and stat.S_ISREG(seen.st_mode):
                files[entry.name] = seen
            elif seen.st_dev == device and stat.S_ISDIR(seen.st_mode):
                folders.append(entry.name)
    return files, folders


def _may_go(path: str, name: str) -> Optional[bool]:
    """Not what is data by its first bytes, whatever its name, nor what somebody has open. ``None``: nobody can tell."""
    try:
        with open_regular(path) as file:
            return not is_data(name, file.read(HEAD_BYTES)) and nobody_else_has(file.fileno())
    except OSError:
        return False


def identity(seen: os.stat_result) -> Tuple[int, int, int]:
    return seen.st_dev, seen.st_ino, seen.st_mtime_ns


def _cannot(path: str, error: OSError) -> str:
    return "{0} cannot be looked at: {1}.".format(printable(path), error.strerror or error)
