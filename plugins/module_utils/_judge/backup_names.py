# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What file names say about backups: which are unfinished, which belong to one series, which are no backups."""

from __future__ import annotations

import re

_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".incomplete", ".inprogress", ".swp", "~")
_CHECKSUM_ENDINGS = (".sha256", ".sha512", ".sha256sum", ".sha512sum")
_CHECKSUM_LISTS = frozenset(("sha256sums", "sha512sums", "sha256sums.txt", "sha512sums.txt"))
# Lies beside backups and is none, unless a stored checksum speaks of it or it is named on its own.
_BESIDE = re.compile(
    r"\.(json|ya?ml|txt|md|rst|log|html?|sh|py|cfg|conf|ini|lock|asc|sig|md5|sha1|pid)$", re.IGNORECASE
)

_DATE_WORDS = re.compile(
    r"(?<![a-z])(mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(day|sday|nesday|rsday|urday|uary|ruary|ch|il|e|y|ust|tember|ober|ember)?(?![a-z])",
    re.IGNORECASE,
)


def is_unfinished(name: str) -> bool:
    """Whether a file looks as if somebody were still writing it."""
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)


def is_checksum_list(name: str) -> bool:
    return name.lower() in _CHECKSUM_LISTS


def is_checksum_file(name: str) -> bool:
    return is_checksum_list(name) or name.lower().endswith(_CHECKSUM_ENDINGS)


def lies_beside(name: str) -> bool:
    """Whether the name is that of a note, a log or a script rather than of a backup."""
    return _BESIDE.search(name) is not None


def series_of(name: str) -> str:
    """What is left of a name without its dates and numbers: ``app-2026-11-23T0400Z.dump`` → ``app-#-#-#T#Z.dump``.

    Backups of one series are made by the same job, so they can be compared with each other.
    """
    return re.sub(r"\d+", "#", _DATE_WORDS.sub("#", name))
