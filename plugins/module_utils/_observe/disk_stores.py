# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What package manager, journal and Docker keep that they can do without, and the WAL that PostgreSQL keeps."""

from __future__ import annotations

import os
import re
from typing import Callable, Dict, List, Optional

from .._judge.disk_cleanup import DANGLING_IMAGES, DATA_DIRECTORY, JOURNAL, PACKAGE_CACHE, Removable, size_of
from .._judge.disk_findings import Wal
from .._judge.postgres_words import many
from .._judge.text import bytes_text, printable
from .program import ask
from .regular import allocated_bytes

PACKAGES = "/var/cache/apt/archives"
_SEGMENT = re.compile(r"[0-9A-F]{24}(?:\.partial)?")
_SECONDS = 30.0

Hidden = Dict[str, str]


def package_cache(keep: int, hidden: Hidden) -> Optional[Removable]:
    packages = [name for folder in ("", "partial") for name in _packages(os.path.join(PACKAGES, folder), hidden)]
    size = sum(_allocated(path) for path in packages)
    return Removable(PACKAGE_CACHE, size, "{0} in {1}.".format(many(len(packages), "package"), PACKAGES))


def _packages(folder: str, hidden: Hidden) -> List[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder) if ".deb" in name]
    except FileNotFoundError:
        return []
    except OSError:  # 'partial' belongs to the user of apt
        if folder.rstrip("/") == PACKAGES:
            hidden[PACKAGE_CACHE] = "{0} cannot be looked at.".format(PACKAGES)
        return []


def journal(keep: int, hidden: Hidden) -> Optional[Removable]:
    said = ask(["journalctl", "--disk-usage"], _SECONDS)
    used = size_of(said.output, 1024) if said.good else None
    if used is None:
        if not said.missing:
            hidden[JOURNAL] = "journalctl --disk-usage says: {0}.".format(said.last_words.rstrip("."))
        return None
    reason = "The journal holds {0}, of which {1} stay.".format(bytes_text(used), bytes_text(keep))
    return Removable(JOURNAL, used - keep, reason)


def dangling_images(keep: int, hidden: Hidden) -> Optional[Removable]:
    """Their sizes count layers that other images may share: it is at most that."""
    command = ["docker", "image", "ls", "--filter", "dangling=true", "--no-trunc", "--format", "{{.ID}} {{.Size}}"]
    said = ask(command, _SECONDS)
    if not said.good:
        if not said.missing:
            hidden[DANGLING_IMAGES] = "docker image ls says: {0}.".format(said.last_words.rstrip("."))
        return None
    images = dict(line.split(" ", 1) for line in said.output.splitlines() if " " in line)
    size = sum(size_of(text, 1000) or 0 for text in images.values())
    return Removable(DANGLING_IMAGES, size, "{0} without a name.".format(many(len(images), "image")))


STORES: Dict[str, Callable[[int, Hidden], Optional[Removable]]] = {
    PACKAGE_CACHE: package_cache,
    JOURNAL: journal,
    DANGLING_IMAGES: dangling_images,
}


def wal(directory: str, hidden: Hidden) -> Optional[Wal]:
    """Told from outside, without a login: sizes, what waits for archiving, and how the slots are called."""
    try:
        names = os.listdir(directory)
        if DATA_DIRECTORY not in names:
            hidden[directory] = "{0} is no data directory of PostgreSQL.".format(printable(directory))
            return None
        folder = os.path.join(directory, "pg_wal")
        segments = [name for name in os.listdir(folder) if _SEGMENT.fullmatch(name)]
        waiting = [name for name in os.listdir(os.path.join(folder, "archive_status")) if name.endswith(".ready")]
        slots = sorted(printable(name, 70) for name in os.listdir(os.path.join(directory, "pg_replslot")))
    except OSError as error:
        hidden[directory] = "{0} cannot be looked at: {1}.".format(printable(directory), error.strerror or error)
        return None
    size = sum(_allocated(os.path.join(folder, name)) for name in segments)
    return Wal(directory, size, len(waiting), tuple(slots))


def _allocated(path: str) -> int:
    try:
        return allocated_bytes(os.lstat(path))
    except OSError:  # it went meanwhile
        return 0
