# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of rotated files, the place where a time begins, positions, and what programs print."""

from __future__ import annotations

import json

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_files import Head, file_name
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_lines import CONTINUED, Clock
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_positions import checked_positions
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_streams import (
    Container,
    Journal,
    converted,
    first_block,
    lines_of,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_time import entry_after, position_of, reader
from hypothesis import given
from hypothesis import strategies as st

NAMES = [
    ("app.log", ("app.log", None, False)),
    ("app.log.1", ("app.log", None, True)),
    ("app.log.12.gz", ("app.log", "gzip", True)),
    ("app.log-20261125", ("app.log", None, True)),
    ("app.log-20261125.xz", ("app.log", "xz", True)),
    ("app.log-20261125-1795577512.bz2", ("app.log", "bzip2", True)),
    ("app.log.2026-11-25", ("app.log", None, True)),
    ("app-20261125.log", ("app.log", None, True)),
    ("app-2026-11-25.log.zst", ("app.log", "zstd", True)),
    ("app.1.log", ("app.log", None, True)),
    ("app.log.gz", ("app.log", "gzip", True)),
    ("syslog.1", ("syslog", None, True)),
    ("app.log.other", ("app.log.other", None, False)),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_names_of_rotated_files(name, expected):
    assert tuple(file_name(name)) == expected


def test_files_that_begin_alike_are_one():
    assert Head(3, b"abc").same_log(Head(5, b"abcde"))
    assert not Head(3, b"abd").same_log(Head(5, b"abcde"))
    assert not Head(0, b"").same_log(Head(5, b"abcde"))
    assert not Head(5, b"abcde").same_log(Head(0, b""))


CLOCK = Clock(2e9)


def log(seconds, extra=b""):
    return b"".join(b"[%d] x\n%s" % (1700000000 + second, extra) for second in seconds)


@given(st.lists(st.integers(0, 500), max_size=60).map(sorted), st.integers(0, 500), st.sampled_from([b"", b"  more\n"]))
def test_the_place_where_a_time_begins(seconds, since, extra):
    text = log(seconds, extra)
    older = [second for second in seconds if second < since]
    assert position_of(1700000000 + since, reader(text), len(text), CLOCK) == len(log(older, extra))


@pytest.mark.parametrize("extra", [b"", b"  long " + b"y" * 3000 + b"\n"])
@pytest.mark.parametrize("since", [0, 1, 77, 4000, 19999, 30000])
def test_the_place_in_a_log_of_many_blocks(extra, since):
    text = log(range(0, 20000, 4), extra)
    expected = log(range(0, min(20000, since), 4), extra)
    calls = []

    def read(position, size):
        calls.append(size)
        return text[position : position + size]

    assert position_of(1700000000 + since, read, len(text), CLOCK) == len(expected)
    assert sum(calls) < 64 * 1024 * 80


def test_a_log_without_times_is_read_from_its_start():
    text = b"no time here\n" * 200000
    assert position_of(1e9, reader(text), len(text), CLOCK) == 0
    assert entry_after(reader(text), 5, len(text), CLOCK) is None
    assert entry_after(reader(b"x" * 300000), 5, 300000, CLOCK) is None
    assert entry_after(reader(b""), 0, 0, CLOCK) is None
    long = b"x" * 300000 + b"\n"
    assert entry_after(reader(long + log([1])), 0, 400000, CLOCK) == (len(long), 1700000001)


def test_a_place_in_the_middle_of_lines_without_time():
    text = log([1]) + b"much\n" * 300000 + log([9])
    assert position_of(1700000005, reader(text), len(text), CLOCK) in (len(text), len(text) - len(log([9])))


def test_positions_are_checked():
    file = {"head": "ab", "head_bytes": "10", "offset": "-5", "modified": "1.5"}
    assert checked_positions({"a": {"time": "2", "files": [file]}, "b": {"time": 1, "after": 7}}) == {
        "a": {"time": 2.0, "files": [{"head": "ab", "head_bytes": 10, "offset": 0, "modified": 1.5}]},
        "b": {"time": 1.0, "after": "7"},
    }
    for wrong in ("x", {}, {"time": "x", "files": []}, {"time": 1, "files": [{}]}, {"time": 1, "files": 3}):
        with pytest.raises(InputError, match="no position"):
            checked_positions({"a": wrong})


def entry(message, priority="6", micros="1795577512250000", **more):
    return json.dumps({"__REALTIME_TIMESTAMP": micros, "PRIORITY": priority, "MESSAGE": message, **more}).encode()


STAMP = b"2026-11-25T03:31:52.250000Z "
JOURNAL = [
    (entry("started"), STAMP + b"started"),
    (entry("failed", "3"), STAMP + b"ERR failed"),
    (entry("  at x"), b"  at x"),
    (entry("  at x", "2"), STAMP + b"CRIT   at x"),
    (entry("ValueError: bad"), b"ValueError: bad"),
    (entry('{"level":"error"}'), b'{"level":"error"}'),
    (entry("two\nlines\n"), STAMP + b"two\n\tlines"),
    (entry([104, 105, 255]), STAMP + b"hi\xff"),
    (entry(None), STAMP),
    (entry([999]), STAMP),
    (b"no json", None),
    (b"[1]", None),
    (b"{}", None),
    (entry("x", priority="x"), None),
]


@pytest.mark.parametrize(("line", "expected"), JOURNAL)
def test_entries_of_a_journal(line, expected):
    assert Journal().text(line) == expected


def test_a_journal_goes_on_where_it_ended():
    journal = Journal("1795577512250000")
    assert journal.text(entry("old")) is None
    assert journal.text(entry("new", micros="1795577512250001")) is not None
    assert journal.position == "1795577512250001"
    assert Journal(bare=True).text(entry("GET /")) == b"GET /"


D = b"2026-11-25T03:31:52.123456789Z "
CONTAINER = [
    (D + b"started", D + b"started"),
    (D + b"ValueError: bad", b"ValueError: bad"),
    (D + b'{"level":"error"}', b'{"level":"error"}'),
    (D, D),
    (b"Error: No such container: x", b"Error: No such container: x"),
]


@pytest.mark.parametrize(("line", "expected"), CONTAINER)
def test_lines_of_a_container(line, expected):
    assert Container().text(line) == expected


def test_a_container_goes_on_where_it_ended():
    container = Container("2026-11-25T03:31:52.123456789Z")
    assert container.text(D + b"old") is None
    assert container.text(b"2026-11-25T03:31:52.123456790Z new") is not None
    assert container.position == "2026-11-25T03:31:52.123456790Z"
    assert Container(bare=True).text(D + b"GET /") == b"GET /"


@given(st.lists(st.sampled_from([b"a", b"bb\n", b"\n", b"ccc"])), st.integers(1, 5))
def test_lines_do_not_depend_on_blocks(parts, size):
    text = b"".join(parts)
    blocks = [text[start : start + size] for start in range(0, len(text), size)]
    expected = text.split(b"\n")
    assert list(lines_of(blocks)) == (expected if expected[-1] else expected[:-1])


def test_streams_become_blocks_of_whole_lines():
    blocks = [entry("a") + b"\n" + b"x\n", b"\n".join([entry("y" * 1000)] * 600)]
    first, every = first_block(converted(blocks, Journal()))
    whole = b"".join(every)
    assert whole.startswith(first)
    assert first.endswith(b"\n")
    assert whole.count(b"\n") == 601
    assert first_block([])[0] == b""
    assert list(first_block([])[1]) == []
    assert list(converted([b"no json\n"], Journal())) == []
    assert CONTINUED.match(b"  x")
