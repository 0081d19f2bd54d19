# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted does not depend on the blocks in which a log is read, nor on what its lines hold."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_lines import LEVELS, Sight, sight_of
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_patterns import LINE_LIMIT, named
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_tally import Counting, Job, Tally
from hypothesis import given
from hypothesis import strategies as st

JOB = Job(frozenset(LEVELS), (named("rate", "RateLimitExceeded|Quota"), named("slow", r"took \d{4,} ms")))


def count(text, size=None, job=JOB, samples=None, sight=None):
    samples = [text[:20000]] if samples is None else samples
    counting = Counting(job, sight or sight_of(samples), samples)
    for start in range(0, len(text), size or max(1, len(text))):
        counting.feed(text[start : start + (size or len(text))])
    counting.close()
    return counting.tally


def figures(tally):
    return (tally.lines, dict(tally.levels), dict(tally.named), tally.groups.top(50), tally.first, tally.last)


T = b"2026-11-25 03:31:52 "
TRACE = b'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    g()\nValueError: bad %d\n'
CHAIN = b"\nDuring handling of the above exception, another exception occurred:\n\n"
PIECES = [
    T + b"INFO fine\n",
    T + b"ERROR Query 7 failed\n",
    T + b"ERROR with trace\n" + TRACE % 1,
    T + b"ERROR with two\n" + TRACE % 1 + CHAIN + TRACE % 2,
    T + b"INFO then trace\n" + TRACE % 3,
    T + b"INFO then a chain\n" + TRACE % 3 + CHAIN + TRACE % 4,
    T + b"WARNING RateLimitExceeded took 12345 ms\n",
    T + b"CRITICAL out of memory\r\n",
    T + b"INFO many\n\n\nmore ERROR lines\n",
    T + b"INFO \x00\xff\xfe ERROR\n",
    b"junk without a time, ERROR\n",
    T + b"INFO long " + b"y" * 900 + b"\n",
    T + b"INFO Quota\n",
]
EXPECTED = [(0, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 1), (1, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 1)]


@pytest.mark.parametrize(("number", "expected"), list(enumerate(EXPECTED)), ids=str)
def test_each_piece_counts_as_it_should(number, expected):
    tally = count(T + b"INFO before\n" + PIECES[number] + T + b"INFO after\n")
    assert (tally.errors, tally.named["rate"]) == expected


@given(st.lists(st.integers(0, len(PIECES) - 1), max_size=30), st.integers(1, 400))
def test_the_size_of_blocks_makes_no_difference(numbers, size):
    text = T + b"INFO start\n" + b"".join(PIECES[number] for number in numbers)
    assert figures(count(text, size)) == figures(count(text))
    assert count(text).errors == sum(EXPECTED[number][0] for number in numbers)
    assert count(text).lines == text.count(b"\n")


@given(
    st.lists(st.sampled_from([*PIECES, b"ERROR", b"\n", b"{", b"Traceback (most recent call last)"])),
    st.integers(1, 99),
)
def test_whatever_a_log_holds_blocks_make_no_difference(pieces, size):
    text = b"".join(pieces)
    sight = Sight(True, frozenset())
    assert figures(count(text, size, sight=sight)) == figures(count(text, sight=sight))


@given(st.lists(st.integers(0, len(PIECES) - 1), min_size=1), st.integers(0, 30))
def test_parts_that_begin_with_an_entry_add_up(numbers, cut):
    pieces = [T + b"INFO start\n" + PIECES[number] for number in numbers]
    whole = b"".join(pieces)
    one = count(b"".join(pieces[:cut]), samples=[whole])
    one.merge(count(b"".join(pieces[cut:]), samples=[whole]))
    assert figures(one) == figures(count(whole))


def test_a_line_without_an_end_needs_little_memory_and_hides_nothing_after_it():
    counting = Counting(JOB, Sight(True, frozenset()), ())
    counting.feed(T + b"ERROR long ")
    for _number in range(100):
        counting.feed(b"ERROR " * 20000)
        assert len(counting._rest) <= 256 * 1024 + 20
    counting.feed(b"\n" + T + b"ERROR next\n")
    counting.close()
    assert (counting.tally.errors, counting.tally.lines) == (2, 2)


@pytest.mark.parametrize("size", [1000, 65536, 400000, 5000000])
def test_entries_and_lines_larger_than_any_limit(size):
    text = (
        T + b"INFO then much\n" + b"  one more line\n" * 40000 + TRACE % 1 + T + b"ERROR x\n" + b"  at y\n" * 90000
        + TRACE % 2 + T + b"INFO " + b"z" * (LINE_LIMIT + 10) + b" RateLimitExceeded took 99999 ms ERROR\n"
        + T + b"ERROR last\n"
    )  # fmt: skip
    tally = count(text, size, samples=[text[:20000]])
    assert (tally.errors, tally.lines, tally.named["rate"], tally.named["slow"]) == (3, text.count(b"\n"), 0, 0)


def test_tracebacks_alone_are_errors_by_what_they_say():
    tally = count(TRACE % 1 + TRACE % 2 + b"starting\n" + TRACE % 3 + CHAIN + TRACE % 4)
    assert tally.errors == 3
    assert [(one.template, one.count) for one in tally.groups.top(5)] == [("ValueError: bad <*>", 3)]
    assert count(b"Traceback (most recent call last)\n").groups.top(1)[0].template.startswith("Traceback")
    deep = b"Traceback (most recent call last):\n" + b"  deep\n" * 300 + b"ValueError: x\n"
    assert count(deep).groups.top(1)[0].template.startswith("Traceback")


def test_many_tracebacks_take_no_time_each():
    assert count(b"Traceback (most recent call last)\n" * 100000).errors == 100000


def test_an_error_without_times_owns_the_traceback_after_it():
    assert count(b"ERROR:root:failed\n" + TRACE % 1).errors == 1
    assert count(b"INFO:root:fine\n" + TRACE % 1).errors == 1


def test_other_ways_to_write_a_level():
    text = b"2026/11/25 03:31:52 [error] 1#1: a [error] b\n2026/11/25 03:31:52 [notice] 1#1: c\n" * 3
    assert count(text).levels == {"error": 3}
    text = b'{"level":"error","message":"failed 1"}\n{"level":"info","message":"\\"error\\""}\n' * 3
    assert count(text).levels == {"error": 3}
    assert count(b"x error: bad\nerror: bad").levels == {"error": 2}
    long = b"2026/11/25 03:31:52 [notice] " + b"z" * LINE_LIMIT + b" [error]\n"
    assert count(long, sight=Sight(True, frozenset(("bracket",)))).errors == 0


def test_what_is_not_asked_for_is_not_counted():
    text = T + b"ERROR x\n" + T + b"CRITICAL y\n" + T + b"INFO z\n" + TRACE % 1
    tally = count(text, job=Job(frozenset(("critical",)), lines=False, groups=False))
    assert (tally.levels, tally.lines, tally.groups.top(5)) == ({"critical": 1}, 0, [])
    tally = count(text, job=Job(frozenset(("error",)), lines=False, groups=False))
    assert (tally.levels, tally.lines, tally.groups.top(5)) == ({"error": 2}, 0, [])


def test_a_last_line_without_an_end_counts():
    tally = count(T + b"INFO x\n" + T + b"ERROR y")
    assert (tally.errors, tally.lines) == (1, 2)
    assert (tally.first, tally.last) == (T + b"INFO x", T + b"ERROR y")
    assert figures(count(b"")) == figures(Tally())
