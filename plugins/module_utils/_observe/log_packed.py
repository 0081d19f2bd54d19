# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decompresses a file of a log, in blocks of bounded size."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any, Iterator

from .._errors import OpsError
from .._run import require_driver

_PACKED = 32 * 1024  # in most logs a block or more, so that little is left over and copied


class Damaged(OpsError):
    """A compressed file cannot be decompressed any further."""


def decompressed(handle: Any, compression: str, size: int) -> Iterator[bytes]:
    """Blocks of at most ``size`` bytes, from the beginning of the file."""
    handle.seek(0)
    if compression == "gzip":
        yield from _inflated(handle, size)
    elif compression == "zstd":
        library = require_driver("zstandard", "zstandard", "python3-zstandard")
        with library.ZstdDecompressor().stream_reader(handle, closefd=False, read_across_frames=True) as stream:
            yield from _until_empty(stream, size)
    else:
        opened = (lzma.LZMAFile if compression == "xz" else bz2.BZ2File)(handle)
        try:
            yield from _until_empty(opened, size)
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise Damaged("it is damaged or cut off ({0}).".format(error))


def _until_empty(stream: Any, size: int) -> Iterator[bytes]:
    while True:
        block = stream.read(size)
        if not block:
            return
        yield block


def _inflated(handle: Any, size: int) -> Iterator[bytes]:
    """Of all members; with isal's faster decompressor where that is installed."""
    try:
        from isal import isal_zlib as library
    except ImportError:
        library = zlib
    packed = handle.read(_PACKED)
    while packed:
        one = library.decompressobj(wbits=31)
        while not one.eof:
            try:
                block = one.decompress(packed, size)
            except library.error as error:
                raise Damaged("it is damaged ({0}).".format(error))
            if block:
                yield block
            packed = one.unconsumed_tail or (b"" if one.eof else handle.read(_PACKED))
            if not packed and not one.eof and not block:
                return  # it is cut off, or still being written: what is there has been given
        packed = (one.unused_data or handle.read(_PACKED)).lstrip(b"\0")
