# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files belong to one log: itself, and what rotation made of it."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

COMPRESSED = {".gz": "gzip", ".xz": "xz", ".bz2": "bzip2", ".zst": "zstd"}

_DATE = r"\d{4}-?\d\d-?\d\d(?:[-_T.]?\d{2,6}|-\d{10})?"
_ROTATED = (
    re.compile(
        r"(?P<base>.+?)[.-](?:\d{1,4}|" + _DATE + r"|\d{10})"
    ),  # app.log.1, app.log-20261125, app.log.2026-11-25
    re.compile(
        r"(?P<stem>.+?)[.-](?:\d{1,4}|" + _DATE + r")(?P<extension>\.[a-z]{1,5})"
    ),  # app-20261125.log, app.1.log
)


class FileName(NamedTuple):
    """``base`` is the name of the log that a file belongs to, its own if it was not rotated."""

    base: str
    compression: Optional[str]
    rotated: bool


def file_name(name: str) -> FileName:
    compression = None
    for ending, kind in COMPRESSED.items():
        if name.endswith(ending):
            name, compression = name[: -len(ending)], kind
            break
    for expression in _ROTATED:
        found = expression.fullmatch(name)
        if found:
            parts = found.groupdict()
            return FileName(parts.get("base") or parts["stem"] + parts["extension"], compression, True)
    return FileName(name, compression, compression is not None)


class Head(NamedTuple):
    """The first bytes of a file, by which it is known again under another name."""

    size: int
    content: bytes

    def same_log(self, other: Head) -> bool:
        """Whether one of the two files begins as the other does."""
        if not self.content or not other.content:
            return False
        shorter = min(len(self.content), len(other.content))
        return self.content[:shorter] == other.content[:shorter]
