# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decoders for compressed backups: gzip, zlib, zstd and lz4, each by the library or program that this host has.

Output comes in pieces of bounded size, whatever the input promises: a few bytes may stand for gigabytes.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import subprocess
import threading
import zlib
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Optional, Tuple

from .backup_stream import Damage

PIECE = 1024 * 1024
MAGICS = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18"}
_HEADER = 6  # bytes that tell whether a frame carries a checksum


@dataclass
class Facts:
    """What decoding showed besides the content. ``protected``: the content carries a checksum, and it was right."""

    protected: bool = True
    trailing: int = 0


def decoded(codec: str, blocks: Iterator[bytes], facts: Facts, name: str) -> Iterator[bytes]:
    """The content of ``blocks``, which hold one or more whole streams of ``codec``. ``name`` is for messages."""
    if codec == "none":
        facts.protected = False
        yield from blocks
        return
    make = _decoder_for(codec)
    if isinstance(make, str):
        yield from _through_program(codec, make, blocks, facts, name)
        return
    decoder: Optional[_Decoder] = None
    begun = False
    read = 0
    for block in blocks:
        data = block
        while data:
            if decoder is None:
                while len(data) < _HEADER:
                    more = next(blocks, b"")
                    if not more:
                        break
                    data += more
                if begun and not data.startswith(MAGICS.get(codec, b"no more")):
                    facts.trailing = len(data) + sum(len(more) for more in blocks)
                    return
                facts.protected = facts.protected and _carries_checksum(codec, data)
                decoder, begun = make(), True
            try:
                for piece in decoder.feed(data):
                    if piece:
                        yield piece
            except decoder.errors as error:
                raise Damage(
                    "content",
                    "{0} cannot be decoded ({1}): {2}, at byte {3} or before.".format(
                        name, codec, error or "broken block", read + len(data)
                    ),
                ) from error
            read += len(data) - len(decoder.unused)
            data = decoder.unused
            if decoder.ended:
                decoder = None
    if decoder is not None or not begun:
        raise Damage("complete", "{0} ends early: its {1} stream has no end.".format(name, codec))


def _carries_checksum(codec: str, header: bytes) -> bool:
    """zstd and lz4 streams may come without; those that ``pg_dump`` writes do."""
    if codec == "zstd":
        return len(header) > 4 and bool(header[4] & 0x04)
    if codec == "lz4":
        return len(header) > 4 and bool(header[4] & 0x14)
    return True


class _Decoder:
    """One stream. ``unused`` holds what was fed beyond its end."""

    errors: Tuple[type, ...] = ()
    ended = False
    unused = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        raise NotImplementedError


class _Zlib(_Decoder):
    def __init__(self, library: Any, wbits: int) -> None:
        self._stream = library.decompressobj(wbits=wbits)
        self.errors = (library.error, zlib.error)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            piece = self._stream.decompress(data, PIECE)
            yield piece
            if self._stream.eof:
                self.ended, self.unused = True, self._stream.unused_data
                return
            data = self._stream.unconsumed_tail
            if not data and len(piece) < PIECE:
                return


class _Pausing(_Decoder):
    """Decoders that stop at a size and say when they want more: lz4, and zstd of Python 3.14."""

    def __init__(self, stream: Any, *errors: type) -> None:
        self._stream = stream
        self.errors = errors

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            yield self._stream.decompress(data, PIECE)
            if self._stream.eof:
                self.ended, self.unused = True, self._stream.unused_data or b""
                return
            if self._stream.needs_input:
                return
            data = b""


class _Zstandard(_Decoder):
    """The ``zstandard`` library cannot stop at a size, so it gets little at a time: 1 kB stands for 32 MB at most."""

    SLICE = 1024

    def __init__(self, library: Any) -> None:
        self._stream = library.ZstdDecompressor().decompressobj()
        self.errors = (library.ZstdError,)

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), self.SLICE):
            yield self._stream.decompress(data[start : start + self.SLICE])
            if self._stream.eof:
                self.ended, self.unused = True, self._stream.unused_data + data[start + self.SLICE :]
                return


def _decoder_for(codec: str) -> Any:
    """A function that makes decoders, or the path of a program; ``Damage`` of kind ``level`` if there is neither."""
    if codec in ("gzip", "zlib"):
        library = _import("isal.isal_zlib") or zlib
        return lambda: _Zlib(library, 31 if codec == "gzip" else 15)
    library_decoder = (_zstd_library if codec == "zstd" else _lz4_library)()
    if library_decoder:
        return library_decoder
    program = shutil.which(codec)
    if program:
        return program
    package = {"zstd": "zstandard", "lz4": "lz4"}[codec]
    raise Damage(
        "level",
        "It is compressed with {0}, and this host can not decode that.".format(codec),
        "Install the program {0} or the Python library {1} ('pip install {1}', package python3-{1} on Debian and "
        "Ubuntu).".format(codec, package),
    )


def _zstd_library() -> Optional[Callable[[], _Decoder]]:
    library = _import("compression.zstd")
    if library:
        return lambda: _Pausing(library.ZstdDecompressor(), library.ZstdError)
    other = _import("zstandard")
    if other and hasattr(other.ZstdDecompressor().decompressobj(), "eof"):
        return lambda: _Zstandard(other)
    return None


def _lz4_library() -> Optional[Callable[[], _Decoder]]:
    library = _import("lz4.frame")
    return (lambda: _Pausing(library.LZ4FrameDecompressor(), RuntimeError, EOFError)) if library else None


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _through_program(codec: str, program: str, blocks: Iterator[bytes], facts: Facts, name: str) -> Iterator[bytes]:
    """Decode with ``program -dc``; a thread feeds it."""
    first = next(blocks, b"")
    facts.protected = _carries_checksum(codec, first)
    failures = []
    # A library has no module whose run_command it could call.
    process = subprocess.Popen(  # pylint: disable=ansible-bad-function
        [program, "-dc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, close_fds=True
    )

    def feed() -> None:
        try:
            process.stdin.write(first)
            for block in blocks:
                process.stdin.write(block)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has seen enough; its exit code says why
        except BaseException as error:
            failures.append(error)
            process.kill()

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        while True:
            piece = process.stdout.read(PIECE)
            if not piece:
                break
            yield piece
        said = process.stderr.read(2000).decode(errors="replace").strip()
        feeder.join()
        if failures:
            raise failures[0]
        if process.wait() != 0:
            raise Damage("content", "{0} cannot be decoded ({1}): {2}.".format(name, codec, said or "broken block"))
    finally:
        process.kill()
        process.wait()
        feeder.join()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):  # nothing is left to be written
                pipe.close()
