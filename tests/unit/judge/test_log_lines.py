# SPDX-License-Identifier: GPL-3.0-or-later
"""What one line of a log says of itself."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_lines import (
    CONTINUED,
    LEVELS,
    TIMED,
    Clock,
    Sight,
    expressions,
    level_of,
    message_of,
    needles,
    sight_of,
    time_of,
)


def epoch(*parts):
    return datetime(*parts, tzinfo=timezone.utc).timestamp()


NOW = epoch(2026, 11, 25, 12)
# A host whose clock is two hours ahead of UTC.
CLOCK = Clock(NOW, lambda naive: naive - 7200)
WALL = epoch(2026, 11, 25, 1, 31, 52)
UTC = epoch(2026, 11, 25, 3, 31, 52)

TIMES = [
    (b"2026-11-25 03:31:52,250 INFO x", WALL + 0.25),
    (b"2026-11-25T03:31:52.250Z x", UTC + 0.25),
    (b"2026-11-25T03:31:52+0200 x", UTC - 7200),
    (b"2026-11-25T03:31:52-01:30 x", UTC + 5400),
    (b"2026-11-25 03:31:52.123 UTC [12] ERROR:  x", UTC + 0.123),
    (b"2026-11-25 03:31:52.123 CET [12] ERROR:  x", WALL + 0.123),
    (b"2026/11/25 03:31:52 [error] 12#12: x", WALL),
    (b"[2026-11-25 03:31:52 +0000] [12] [INFO] x", UTC),
    (b"INFO:     2026-11-25 03:31:52 x", WALL),
    (b'time="2026-11-25T03:31:52Z" level=error msg=x', UTC),
    (b"level=info ts=2026-11-25T03:31:52Z x", UTC),
    (b"<34>1 2026-11-25T03:31:52.000Z host app - - x", UTC),
    (b"api-1  | 2026-11-25T03:31:52Z x", UTC),
    (b"Nov 25 03:31:52 host sshd[1]: x", WALL),
    (b"<38>Nov 25 03:31:52 host sshd[1]: x", WALL),
    (b"Nov  5 03:31:52 host x", epoch(2026, 11, 5, 1, 31, 52)),
    (b"Dec 25 03:31:52 host x", epoch(2025, 12, 25, 1, 31, 52)),
    (b"Feb 29 03:31:52 host x", None),
    (b"12:M 25 Nov 2026 03:31:52.250 # x", WALL + 0.25),
    (b"[Wed Nov 25 03:31:52.250000 2026] [core:error] x", WALL + 0.25),
    (b"Wed Nov 25 03:31:52 2026 x", WALL),
    (b"[1795577512.5] x", 1795577512.5),
    (b"1795577512 x", 1795577512.0),
    (b'1.2.3.4 - - [25/Nov/2026:03:31:52 +0200] "GET / HTTP/1.1" 200 1', UTC - 7200),
    (b'{"level": "info", "timestamp": "2026-11-25T03:31:52.250Z"}', UTC + 0.25),
    (b'{"time": 1795577512250, "msg": "x"}', 1795577512.25),
    (b'{"ts":1795577512.25}', 1795577512.25),
    (b'{"ts":1795577512}', 1795577512.0),
    (b'{"message": "no time"}', None),
    (b'{"time":"2026-11-25"}', None),
    (b"2026-02-31 03:31:52 x", None),
    (b"2026-11-25 03:31:60 a leap second", WALL + 7),
    (b"  at 2026-11-25 03:31:52", None),
    (b"no time at all", None),
    (b"", None),
]


@pytest.mark.parametrize(("line", "expected"), TIMES)
def test_the_time_of_a_line(line, expected):
    assert time_of(line, CLOCK) == pytest.approx(expected)


@pytest.mark.parametrize("line", [line for line, when in TIMES if when is not None])
def test_an_entry_begins_with_a_time(line):
    assert TIMED.match(line)
    assert Sight(True, frozenset()).begins(b"x\n" + line, 2)


def test_a_year_that_begins_ahead_of_the_clock_is_the_next():
    assert time_of(b"Jan  1 00:30:00 host x", Clock(epoch(2026, 12, 31, 23))) == epoch(2027, 1, 1, 0, 30)
    assert time_of(b"Feb 29 03:31:52 host x", Clock(epoch(2025, 1, 1))) == epoch(2024, 2, 29, 3, 31, 52)


NO_STARTS = [
    b"Traceback (most recent call last):",
    b'  File "x.py", line 1, in <module>',
    b"ValueError: bad",
    b"psycopg2.OperationalError: gone",
    b"KeyboardInterrupt",
    b"\tat com.example.Main(Main.java:1)",
    b"Caused by: java.lang.IllegalStateException: x",
    b"... 12 more",
    b"During handling of the above exception, another exception occurred:",
    b"",
]


@pytest.mark.parametrize("line", NO_STARTS)
def test_what_goes_on_with_an_entry(line):
    assert CONTINUED.match(line)
    assert not TIMED.match(line)
    assert not Sight(False, frozenset()).begins(line, 0)


LEVEL_CASES = [
    (b"2026-11-25 03:31:52 ERROR x", "error"),
    (b"2026-11-25 03:31:52 INFO after an ERROR", None),
    (b"2026-11-25 03:31:52 [app] CRITICAL x", "critical"),
    (b"2026-11-25 03:31:52 UTC [1] FATAL:  x", "critical"),
    (b"2026-11-25 03:31:52 UTC [1] PANIC:  x", "emergency"),
    (b"2026-11-25 03:31:52 UTC [1] STATEMENT:  SELECT 'ERROR'", None),
    (b"2026-11-25 03:31:52 WARNING x", "warning"),
    (b"SEVERE: x", "critical"),
    (b"2026/11/25 03:31:52 [error] 12#12: x", "error"),
    (b"2026/11/25 03:31:52 [emerg] 12#12: x", "emergency"),
    (b"2026/11/25 03:31:52 [notice] 12#12: error: x", None),
    (b"[Wed Nov 25 03:31:52 2026] [core:crit] x", "critical"),
    (b"time=2026-11-25T03:31:52Z level=error msg=x", "error"),
    (b"time=2026-11-25T03:31:52Z level=info msg=ERROR", None),
    (b"Nov 25 03:31:52 host sshd[1]: error: x", "error"),
    (b"Nov 25 03:31:52 host app: warn: x", "warning"),
    (b"12:M 25 Nov 2026 03:31:52.250 # x", "warning"),
    (b"12:M 25 Nov 2026 03:31:52.250 * x", None),
    (b"java.lang.ERROR is a name", None),
    (b"MIRROR of TERRORS", None),
    (b'{"level": "error", "x": 1}', "error"),
    (b'{"msg": "ERROR", "level": "INFO"}', None),
    (b'{"msg": "ERROR"}', None),
    (b'{"severity":"CRITICAL"}', "critical"),
    (b'{"levelname":"WARNING"}', "warning"),
    (b'{"level":60}', "critical"),
    (b'{"level":50}', "error"),
    (b'{"level":40}', "warning"),
    (b'{"level":30}', None),
    (b'{"PRIORITY":"0"}', "emergency"),
    (b'{"PRIORITY":"3"}', "error"),
    (b'{"PRIORITY":"4"}', "warning"),
    (b'{"PRIORITY":"6"}', None),
    (b'{"log":"2026-11-25 03:31:52 ERROR x\\n","time":"2026-11-25T03:31:52Z"}', "error"),
    (b"2026-11-25 03:31:52 " + b"x" * 400 + b" ERROR", None),
]


@pytest.mark.parametrize(("line", "level"), LEVEL_CASES)
def test_the_level_of_a_line(line, level):
    text = b"before\n" + line + b"\nERROR after\n"
    assert level_of(text, 7, 7 + len(line)) == level


@pytest.mark.parametrize(("line", "level"), [case for case in LEVEL_CASES if case[1]])
@pytest.mark.parametrize("known", [True, False])
def test_what_is_searched_finds_every_line_of_a_level(line, level, known):
    levels = frozenset(LEVELS)
    styles = sight_of([line]).styles if known else frozenset()
    found = any(word in line for word in needles(levels, styles))
    assert found or any(one.search(line) for one in expressions(levels, styles))


def test_what_is_not_asked_for_is_not_searched():
    assert needles(frozenset(("error",)), frozenset()) == [b"ERR"]
    assert needles(frozenset(("error",)), frozenset(("bracket",))) == []
    (bracket,) = expressions(frozenset(("error",)), frozenset(("bracket",)))
    assert bracket.search(b"[error]")
    assert not bracket.search(b"[crit]")
    assert expressions(frozenset(("error",)), frozenset(("upper",))) == []


def test_a_sample_shows_times_and_ways_to_write_a_level():
    assert sight_of([]) == Sight(False, frozenset())
    assert sight_of([b"x\n2026-11-25 03:31:52 INFO x\n", b'{"level":"info"}']) == Sight(
        True, frozenset(("upper", "json"))
    )
    assert sight_of([b"[notice] x\nlevel=info\ninfo: x\n"]) == Sight(False, frozenset(("bracket", "key", "colon")))


def test_the_message_is_what_stands_behind_the_time():
    assert message_of(b"2026-11-25 03:31:52,250 ERROR x") == b"ERROR x"
    assert message_of(b'{"level":"error","message":"bad \\"thing\\"","n":1}') == b'bad \\"thing\\"'
    assert message_of(b'{"level":"error"}') == b'{"level":"error"}'
    assert message_of(b"ERROR x") == b"ERROR x"
