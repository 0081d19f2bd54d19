# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is connected to a port of this host, and who listens on it, as the kernel tells."""

from __future__ import annotations

import glob
import os
from typing import Iterator, List, Optional, Set, Tuple

from .._judge.text import printable

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_ESTABLISHED, _LISTENS = "01", "0A"


def open_connections(port: Optional[int]) -> int:
    """How many connections to it are open. Those that Docker passes on to a container are not seen here."""
    return sum(1 for state, local, _inode in _sockets() if state == _ESTABLISHED and local == port)


def listeners(port: int) -> List[str]:
    """The processes that listen on it (``nginx (process 812)``); whose is not known to this user is left out."""
    return sorted("{0} (process {1})".format(_name("/proc/" + number), number) for number in holders(port))


def holders(port: int) -> Set[str]:
    """Their numbers."""
    wanted = {"socket:[{0}]".format(inode) for state, local, inode in _sockets() if state == _LISTENS and local == port}
    if not wanted:
        return set()
    return {os.path.basename(folder) for folder in glob.glob("/proc/[0-9]*") if wanted & set(_opened(folder))}


def _sockets() -> Iterator[Tuple[str, int, str]]:
    """The state, the port on this side and the number of each socket."""
    for table in _TABLES:
        try:
            with open(table, encoding="ascii") as file:
                next(file, None)
                for line in file:
                    fields = line.split()
                    yield fields[3], int(fields[1].rpartition(":")[2], 16), fields[9]
        except OSError:  # no IPv6
            continue


def _opened(folder: str) -> Iterator[str]:
    try:
        names = os.listdir(folder + "/fd")
    except OSError:
        return
    for name in names:
        try:
            yield os.readlink("{0}/fd/{1}".format(folder, name))
        except OSError:
            continue


def _name(folder: str) -> str:
    try:
        with open(folder + "/comm", encoding="utf-8", errors="replace") as file:
            return printable(file.read().strip(), 40)
    except OSError:
        return "?"
