# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kind of backup a file or a directory is: by what it holds first, by its name second."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from .backup_archive import MAGIC
from .backup_decode import MAGICS, Facts, decoded
from .backup_stream import BLOCK, Damage
from .backup_text import is_dump_head

_ENDINGS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".lz4": "lz4"}
_CUSTOM = (".dump", ".custom", ".pgdump", ".backup", ".pgc")
_DATA_FILE = re.compile(r"^(blob_)?\d+\.dat(\.gz|\.lz4|\.zst)?$")
_BASE_TAR = re.compile(r"^base\.tar(\.gz|\.lz4|\.zst)?$")


class Kind(NamedTuple):
    format: str
    compression: str = "none"


def file_kind(path: str) -> Kind:
    """``custom``, ``tar`` or ``plain`` for dumps, ``file`` for what is not a dump by content or name."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        head = file.read(BLOCK)
    name = path.lower()
    compression = next((codec for codec, magic in MAGICS.items() if head.startswith(magic)), "none")
    stem, ending = os.path.splitext(name)
    if ending in _ENDINGS:
        name = stem
        # Named so but not begun so: its first bytes are damaged, and decoding will say it.
        compression = _ENDINGS[ending] if compression == "none" else compression
    if compression != "none":
        head = _first_piece(compression, head)
    if head.startswith(MAGIC):
        return Kind("custom", compression)
    if head[257:262] == b"ustar":
        return Kind("tar" if head.startswith(b"toc.dat\0") else "file", compression)
    if is_dump_head(head) or name.endswith(".sql"):
        return Kind("plain", compression)
    return Kind("custom" if name.endswith(_CUSTOM) else "file", compression)


def _first_piece(codec: str, head: bytes) -> bytes:
    pieces = decoded(codec, iter([head]), Facts(), "")
    try:
        return next(pieces, b"")
    except Damage:
        return b""
    finally:
        pieces.close()


def directory_kind(path: str) -> Kind:
    """``directory`` for a dump, ``base_backup``, or nothing for a directory that only holds backups."""
    names = set(os.listdir(path))
    if "backup_manifest" in names or {"PG_VERSION", "global"} <= names or any(map(_BASE_TAR.match, names)):
        return Kind("base_backup")
    if "toc.dat" in names or any(map(_DATA_FILE.match, names)):
        data = [name for name in names if _DATA_FILE.match(name)]
        codecs = {_ENDINGS.get(os.path.splitext(name)[1], "none") for name in data}
        return Kind("directory", codecs.pop() if len(codecs) == 1 else "none")
    return Kind("")
