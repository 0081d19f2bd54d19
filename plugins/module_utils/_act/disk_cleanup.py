# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Frees space: removes the very files that were chosen, and tells others to let go of what they keep."""

from __future__ import annotations

import contextlib
import os
from typing import Dict, List, Sequence, Tuple

from .._judge.disk_cleanup import DANGLING_IMAGES, JOURNAL, PACKAGE_CACHE, OldFile
from .._judge.disk_findings import Failure
from .._judge.text import printable
from .._observe.disk_files import identity
from .._observe.disk_held import nobody_else_has
from .._observe.program import ask

_SECONDS = 600.0
_CHANGED = "it has changed since it was looked at"
_HELD = "a process has opened it since it was looked at"
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_files(kind: str, files: Sequence[OldFile]) -> Tuple[List[OldFile], List[Failure]]:
    """Those that were removed, and for each reason how many were not. One that is gone already is neither."""
    removed: List[OldFile] = []
    stayed: Dict[str, List[str]] = {}
    for file in files:
        try:
            _remove(file)
            removed.append(file)
        except FileNotFoundError:
            continue
        except OSError as error:
            stayed.setdefault(error.strerror or str(error), []).append(file.path)
    return removed, [Failure(kind, why, len(paths), printable(paths[0])) for why, paths in stayed.items()]


def _remove(file: OldFile) -> None:
    """Step by step from the declared directory on: a link that somebody puts in the way leads nowhere."""
    *folders, name = os.path.relpath(file.path, file.root).split(os.sep)
    with contextlib.ExitStack() as opened:
        descriptor = os.open(file.root, _DIRECTORY)
        opened.callback(os.close, descriptor)
        for folder in folders:
            descriptor = os.open(folder, _DIRECTORY, dir_fd=descriptor)
            opened.callback(os.close, descriptor)
        itself = os.open(name, _FILE, dir_fd=descriptor)
        opened.callback(os.close, itself)  # and with it the lease, that nobody may open the file before it is gone
        if identity(os.fstat(itself)) != file.identity:
            raise OSError(0, _CHANGED)
        if nobody_else_has(itself) is False:
            raise OSError(0, _HELD)
        os.unlink(name, dir_fd=descriptor)


def empty_store(kind: str, keep: int) -> List[Failure]:
    commands = {
        PACKAGE_CACHE: ["apt-get", "clean"],
        JOURNAL: ["journalctl", "--vacuum-size={0}".format(keep)],
        DANGLING_IMAGES: ["docker", "image", "prune", "--force"],
    }
    said = ask(commands[kind], _SECONDS)
    if said.good:
        return []
    words = "it did not end in time" if said.code is None else said.last_words.rstrip(".")
    return [Failure(kind, "{0} says: {1}.".format(" ".join(commands[kind]), words))]
