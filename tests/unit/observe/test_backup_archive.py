# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of contents that were written to fill the memory of who reads them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._observe import backup_archive
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_archive import read_contents
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_stream import Bytes, Damage

CUSTOM, DIRECTORY = 1, 5


def number(value: int) -> bytes:
    return bytes([value < 0]) + struct.pack("<I", abs(value))


def text(value: str | None) -> bytes:
    return number(-1) if value is None else number(len(value)) + value.encode()


def table_of_contents(count: int, kind: int = CUSTOM, name: str = "orders", file: str = "1.dat") -> Iterator[bytes]:
    """Of version 1.16, without compression, with the data of so many tables."""
    yield b"PGDMP" + bytes([1, 16, 0, 4, 8, kind, 0]) + number(0) * 7 + text("shop") + text("18") * 2 + number(count)
    for one in range(count):
        yield number(one) + number(1) + text("") * 2 + text(name) + text("TABLE DATA") + number(1) + text("") * 2
        yield text("COPY") + text("") * 3 + number(0) + text("") + text("false") + text(None)
        yield b"\1" + bytes(8) if kind == CUSTOM else text(file)


def test_of_long_names_the_beginning_is_kept() -> None:
    contents = read_contents(Bytes(table_of_contents(3, name="t" * 4000)))
    assert [len(entry.name) for entry in contents.entries.values()] == [200] * 3
    files = read_contents(Bytes(table_of_contents(3, DIRECTORY, file="f" * 255))).entries
    assert [entry.file for entry in files.values()] == ["f" * 255] * 3
    with pytest.raises(Damage, match="no file can have"):
        read_contents(Bytes(table_of_contents(3, DIRECTORY, file="f" * 256)))


def test_more_parts_than_can_be_held_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_archive, "_MOST_ENTRIES", 1000)
    assert len(read_contents(Bytes(table_of_contents(1000))).entries) == 1000
    with pytest.raises(Damage, match="more than 1000 parts") as damage:
        read_contents(Bytes(table_of_contents(1001)))
    assert damage.value.kind == "level"
