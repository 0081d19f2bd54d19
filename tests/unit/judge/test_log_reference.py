# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted in haste equals what is counted line by line, whatever a log holds and wherever its blocks end."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge import log_heads
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_groups import key_of
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_lines import (
    LEVELS,
    Sight,
    level_of,
    message_of,
    sight_of,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_tally import Counting, Job
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.log_reference import JOB, LOGS, PARTS, figures, reference


def counted(text: bytes, job: Job, sight: Sight, sizes: list[int], samples: list[bytes], again: bool) -> dict:
    """``again`` as a file is read, which gives again what could not be counted yet; otherwise as a stream is."""
    counting = Counting(job, sight, samples)
    position, turn = 0, 0
    while position < len(text):
        block = text[position : position + sizes[turn % len(sizes)]]
        turn += 1
        if again:
            done = counting.take(block)
            assert 0 < done <= len(block)
            position += done
        else:
            counting.feed(block)
            position += len(block)
    counting.close()
    return figures(counting.tally, job)


SIZES = st.lists(st.integers(1, 300), min_size=1, max_size=5)


@settings(max_examples=400, deadline=None)
@given(LOGS, st.booleans(), SIZES, st.sampled_from([b"", b"x" * 3000, b"ERROR INFO took rate " * 200]), st.booleans())
@example(b"2026-11-25 03:31:52 ERROR a\n2026-11-25 03:31:52 ERROR a 2026-11-25 03:31:52 b\n", True, [300], b"", True)
@example(b"[ERROR:info] 1\n[ERROR:i x] 1\n", False, [300], b"", True)
def test_haste_counts_what_patience_counts(
    text: bytes, timed: bool, sizes: list[int], sample: bytes, again: bool
) -> None:
    sight = Sight(timed, frozenset())
    assert counted(text, JOB, sight, sizes, [sample], again) == reference(text, JOB, sight)


@settings(max_examples=150, deadline=None)
@given(LOGS, SIZES, st.frozensets(st.sampled_from(LEVELS), min_size=1), st.booleans())
def test_the_same_with_what_samples_show(text: bytes, sizes: list[int], levels: frozenset[str], again: bool) -> None:
    sight, job = sight_of([text]), JOB._replace(levels=levels)
    assert counted(text, job, sight, sizes, [text], again) == reference(text, job, sight)


T = b"2026-11-25 03:31:52 "
TWINS = [
    (T + b"[ERROR.of.a.long.name.of x] y", T + b"[ERROR.of.a.long.name.of:info] y"),
    (b"1795577512 ERROR that tells a time", b"2795577512 ERROR that tells none"),
    (T + b"ERROR failed after 2026-11-25 of", T + b"ERROR failed after 2026-11-25 03:31:52 of"),
    (T + b"ERROR x", b"2026-11-25 03:31:52Z ERROR x"),
    (T + b"INFO ERROR and so on", T + b"ERROR and so on"),
]


@pytest.mark.parametrize("lines", [*TWINS, *(twin[::-1] for twin in TWINS)])
def test_what_begins_alike_is_told_apart(lines: tuple[bytes, bytes]) -> None:
    text = b"\n".join(lines * 2)
    sight = Sight(True, frozenset())
    assert counted(text, JOB, sight, [1000], [b""], True) == reference(text, JOB, sight)


@given(st.lists(PARTS, min_size=1, max_size=12))
def test_beginnings_that_are_remembered_say_what_they_say_themselves(lines: list[bytes]) -> None:
    """Each line again and again among the others, so that what another one left is what is found."""
    sight = Sight(True, frozenset())
    openings = log_heads.Openings(sight)
    for line in lines * 3:
        for seen in range(0, len(line), 5):
            begins, level, message = openings.of(line, 0, len(line), seen)
            assert begins == sight.begins(line, 0)
            assert level == (level_of(line, 0, len(line)) if begins else None)
            assert key_of(log_heads.message_behind(line, message)) == key_of(message_of(line))


@given(LOGS)
def test_samples_show_what_their_lines_show(text: bytes) -> None:
    each = [sight_of([line]) for line in text.split(b"\n")]
    assert sight_of([text]) == Sight(any(one.timed for one in each), frozenset().union(*(one.styles for one in each)))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_heads, "_KEEP", 4)
    openings = log_heads.Openings(Sight(True, frozenset()))
    for letter in b"abcdefghijkl":
        line = b"2026-11-25 03:31:52 [%c] ERROR x                 " % letter
        assert openings.of(line, 0, len(line), 24) == (True, "error", 20)
        assert len(openings._known) <= 4
    assert openings._known
