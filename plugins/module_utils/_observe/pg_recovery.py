# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a PostgreSQL that starts up has come, as the title of its startup process tells; nobody can log in yet."""

from __future__ import annotations

import glob
import os
import re
from typing import Optional

from .connections import holders

_TITLE = re.compile(rb"startup (?:recovering|waiting for) ([0-9A-F]{24})")


def recovered_segment(port: Optional[int]) -> str:
    """The segment of the write-ahead log that it is at; empty where that cannot be seen."""
    servers = holders(port) if port else set()
    for path in glob.glob("/proc/[0-9]*/cmdline") if servers else ():
        try:
            with open(path, "rb") as file:
                title = _TITLE.search(file.read(400))
            if title and _parent(os.path.dirname(path)) in servers:
                return title.group(1).decode("ascii")
        except OSError:
            continue
    return ""


def _parent(folder: str) -> str:
    with open(folder + "/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[1]
