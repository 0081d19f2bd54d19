# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoders: the same answers from every library and program, bounded memory, damage in one class of error."""

from __future__ import annotations

import contextlib
import gzip
import random
import shutil
import tracemalloc
import zlib

import lz4.frame
import pytest
import zstandard
from ansible_collections.analytics.ops.plugins.module_utils._observe import backup_decode
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_decode import PIECE, Facts, decoded
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_stream import Damage

TEXT = b"".join(b"%d\tline %d of the text\n" % (i, i * 7919 % 1000) for i in range(60000))
ENCODED = {
    "gzip": gzip.compress(TEXT),
    "zlib": zlib.compress(TEXT),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress(TEXT),
    "lz4": lz4.frame.compress(TEXT, content_checksum=True),
}
# Debian's programs are not everywhere; the libraries are in requirements/test.txt.
PROGRAMS = [codec for codec in ("zstd", "lz4") if shutil.which(codec)]


def blocks(data: bytes, size: int = 10000):
    return (data[start : start + size] for start in range(0, len(data), size))


def decode(codec: str, data: bytes, size: int = 10000) -> tuple[bytes, Facts]:
    facts = Facts()
    return b"".join(decoded(codec, blocks(data, size), facts, "It")), facts


@pytest.mark.parametrize("codec", ENCODED)
@pytest.mark.parametrize("size", [1, 10000, 10**7])
def test_decodes_whatever_the_size_of_the_blocks(codec, size):
    data, text = ENCODED[codec], TEXT
    if size == 1:
        text = TEXT[:5000]
        data = {"gzip": gzip.compress, "zlib": zlib.compress, "lz4": lz4.frame.compress}.get(
            codec, zstandard.ZstdCompressor(write_checksum=True).compress
        )(text)
    assert decode(codec, data, size)[0] == text


@pytest.mark.parametrize("codec", PROGRAMS)
def test_programs_stand_in_for_libraries(codec, monkeypatch):
    monkeypatch.setattr(backup_decode, "_import", lambda name: None)
    text, facts = decode(codec, ENCODED[codec])
    assert text == TEXT
    assert facts.protected
    damaged = bytearray(ENCODED[codec])
    damaged[len(damaged) // 2] ^= 4
    with pytest.raises(Damage) as caught:
        decode(codec, bytes(damaged))
    assert caught.value.kind == "content"


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_without_library_and_program_it_says_what_to_install(codec, monkeypatch):
    monkeypatch.setattr(backup_decode, "_import", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Damage) as caught:
        decode(codec, ENCODED[codec])
    assert caught.value.kind == "level"
    assert "Install" in caught.value.advice
    assert codec in caught.value.advice


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4"])
def test_several_streams_in_a_row_are_one_content(codec):
    assert decode(codec, ENCODED[codec] * 3)[0] == TEXT * 3


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4"])
def test_bytes_behind_the_end_are_counted(codec):
    text, facts = decode(codec, ENCODED[codec] + b"rubbish " * 5000)
    assert text == TEXT
    assert facts.trailing == 40000


@pytest.mark.parametrize("codec", ENCODED)
def test_every_flipped_bit_is_seen_where_there_is_a_checksum(codec):
    chosen = random.Random(5)
    missed = 0
    for _round in range(40):
        damaged = bytearray(ENCODED[codec])
        damaged[chosen.randrange(10, len(damaged))] ^= 1 << chosen.randrange(8)
        with contextlib.suppress(Damage):
            missed += decode(codec, bytes(damaged))[0] != TEXT
    assert missed == 0


@pytest.mark.parametrize("codec", ENCODED)
@pytest.mark.parametrize("kept", [0, 3, 9, 0.5, -1])
def test_early_end(codec, kept):
    data = ENCODED[codec]
    cut = data[: int(len(data) * kept)] if isinstance(kept, float) else data[:kept]
    with pytest.raises(Damage) as caught:
        decode(codec, cut)
    assert caught.value.kind == "complete"


def test_protection_is_that_of_the_stream():
    bare = zstandard.ZstdCompressor(write_checksum=False).compress(TEXT)
    assert decode("zstd", bare)[1].protected is False
    assert decode("zstd", ENCODED["zstd"] + bare)[1].protected is False
    assert decode("lz4", lz4.frame.compress(TEXT))[1].protected is False
    assert decode("lz4", lz4.frame.compress(TEXT, block_checksum=True))[1].protected is True
    assert decode("none", TEXT)[1].protected is False
    assert all(decode(codec, data)[1].protected for codec, data in ENCODED.items())


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4"])
def test_bomb_is_decoded_in_bounded_memory(codec):
    size = 600 * 1024 * 1024
    if codec == "gzip":
        compressor = zlib.compressobj(9, wbits=31)
        bomb = b"".join(compressor.compress(bytes(PIECE)) for _round in range(size // PIECE)) + compressor.flush()
    elif codec == "zstd":
        compressor = zstandard.ZstdCompressor().compressobj()
        bomb = b"".join(compressor.compress(bytes(PIECE)) for _round in range(size // PIECE)) + compressor.flush()
    else:
        compressor = lz4.frame.LZ4FrameCompressor()
        bomb = compressor.begin() + b"".join(compressor.compress(bytes(PIECE)) for _round in range(size // PIECE))
        bomb += compressor.flush()
    assert len(bomb) < size / 100
    tracemalloc.start()
    try:
        assert sum(len(piece) for piece in decoded(codec, blocks(bomb, 262144), Facts(), "It")) == size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * 1024 * 1024
