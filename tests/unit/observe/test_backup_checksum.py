# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksum files in every form that people write, and in those that attackers would."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._observe.backup_checksum import Checksums, Line, parse

A, B = "a" * 64, "b" * 64
LONG = "c" * 128


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"{A}  x.dump\n", [("x.dump", "sha256", A)]),
        (f"{A} *x.dump\n", [("x.dump", "sha256", A)]),
        (f"{A.upper()}  ./x.dump\r\n", [("x.dump", "sha256", A)]),
        (f"{LONG}  x y.dump", [("x y.dump", "sha512", LONG)]),
        (f"SHA256 (x (1).dump) = {A}\n", [("x (1).dump", "sha256", A)]),
        (f"SHA512 (x) = {LONG}\n", [("x", "sha512", LONG)]),
        (f"SHA512 (x) = {A}\n", []),
        (f"{A}\n", [("", "sha256", A)]),
        (f"\\{A}  two\\nlines\\\\.dump\n", [("two\nlines\\.dump", "sha256", A)]),
        ("# a comment\n\nd41d8cd98f00b204e9800998ecf8427e  md5.dump\n", []),
        (f"{A[:-1]}  short\n{A}0  long\n", []),
    ],
)
def test_parse(text, lines):
    assert parse(text) == [Line(*line) for line in lines]


@pytest.fixture
def dump(tmp_path):
    path = tmp_path / "x.dump"
    path.write_bytes(b"content")
    return path


DIGEST = hashlib.sha256(b"content").hexdigest()


@pytest.mark.parametrize(
    "line",
    ["{0}  x.dump", "{0} *x.dump", "SHA256 (x.dump) = {0}", "{0}", "{0}  /srv/other/x.dump", "{0}  ../../x.dump"],
)
def test_own_file_may_name_the_backup_as_it_likes(dump, line):
    dump.with_name("x.dump.sha256").write_text(line.format(DIGEST) + "\n")
    (stored,) = Checksums().of_file(str(dump))
    assert (stored.file, stored.expected, stored.problem) == ("x.dump.sha256", DIGEST, "")


@pytest.mark.parametrize("line", ["{0}  y.dump", "{0}  ../x.dump", "{0}  /x.dump", "{0}"])
def test_list_must_name_the_file_itself(dump, line):
    dump.with_name("SHA256SUMS").write_text(line.format(DIGEST) + "\n")
    (stored,) = Checksums().of_file(str(dump))
    assert stored.problem == "SHA256SUMS does not mention this file."


def test_list_about_other_files_does_not_matter_beside_an_own_checksum(dump):
    dump.with_name("SHA512SUMS").write_text(f"{LONG}  y.dump\n")
    dump.with_name("x.dump.sha256").write_text(f"{DIGEST}  x.dump\n")
    assert [stored.file for stored in Checksums().of_file(str(dump))] == ["x.dump.sha256"]


def test_several_checksums_are_all_compared(dump):
    dump.with_name("x.dump.sha256").write_text(f"{DIGEST}  x.dump\n")
    dump.with_name("x.dump.sha512").write_text(f"{LONG}  x.dump\n")
    dump.with_name("SHA256SUMS").write_text(f"{B}  x.dump\n")
    assert [stored.expected for stored in Checksums().of_file(str(dump))] == [DIGEST, LONG, B]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds no SHA-256 or SHA-512 checksum"),
        (b"\xff\x00garbage", "holds no SHA-256 or SHA-512 checksum"),
        (f"{A}  x.dump\n{B}  x.dump\n".encode(), "several different checksums"),
        (f"{A}  other\n".encode(), "does not mention this file"),
    ],
)
def test_own_file_of_no_use(dump, content, problem):
    dump.with_name("x.dump.sha256").write_bytes(content)
    (stored,) = Checksums().of_file(str(dump))
    assert problem in stored.problem


def test_checksum_file_that_is_a_pipe_does_not_hang(dump):
    import os

    os.mkfifo(dump.with_name("x.dump.sha256"))
    (stored,) = Checksums().of_file(str(dump))
    assert "no regular file" in stored.problem


def test_files_of_a_directory_inside_and_beside(tmp_path):
    dump = tmp_path / "d.dir"
    dump.mkdir()
    (dump / "SHA256SUMS").write_text(f"{A}  toc.dat\n{A}  ../outside\n{A}  sub/inner\n{A}  ..\n")
    (tmp_path / "d.dir.sha256").write_text(f"{B}  d.dir/1.dat.gz\n{B}  e.dir/2.dat.gz\n{B}  d.dir/../3.dat\n")
    parts, useless = Checksums().of_directory(str(dump))
    assert {name: [one.expected for one in stored] for name, stored in parts.items()} == {
        "toc.dat": [A],
        "1.dat.gz": [B],
    }
    assert useless == []
