# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted in access logs, whatever the blocks they are read in."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge import log_access
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_access import (
    AccessCounting,
    Histogram,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_patterns import LINE_LIMIT, named
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_tally import Job, merged
from hypothesis import given
from hypothesis import strategies as st

JOB = Job(frozenset(("error",)), (named("bot", "bot"), named("digits", r"\d{9}")))


def row(client="10.0.0.1", request="GET /a?b=1 HTTP/1.1", status=200, tail=' "-" "agent 1.5"', size="5"):
    return f'{client} - bob [25/Nov/2026:03:31:52 +0000] "{request}" {status} {size}{tail}\n'


def count(text, size=None, **more):
    counting = AccessCounting(JOB, **more)
    data = text.encode() if isinstance(text, str) else text
    start = 0
    while start < len(data):
        start += counting.take(data[start : start + (size or len(data))])
    counting.close()
    return counting.tally


def test_combined_and_common_lines_are_understood():
    text = row() + row(tail="", size="-") + row(request="", status=400) + row(tail=' "-" "a \\" b" 0.250\r')
    summary = count(text).summary(5)
    assert (summary.requests, summary.not_understood) == (4, 0)
    assert (summary.statuses, summary.timed) == ({200: 3, 400: 1}, 1)
    assert summary.seconds["p99"] == pytest.approx(0.25, rel=0.02)
    assert (summary.share(4), summary.of_class(2)) == (25.0, 3)
    assert count("").summary(5).share(4) == 0.0
    assert count("").summary(5).seconds == {}


@pytest.mark.parametrize(
    "tail", [' "-" "x" 0.250', ' "-" "x" rt=0.250 ua="0.1"', ' "-" "x" "0.250"', ' "-" "x" 1 0.250']
)
def test_the_time_of_a_request(tail):
    assert count(row(tail=tail)).summary(5).seconds["p50"] == pytest.approx(0.25, rel=0.02)


ATTACKS = [
    ("GET /.env HTTP/1.1", "scan"),
    ("GET /wp-login.php HTTP/1.1", "scan"),
    ("GET /a/../../etc/passwd HTTP/1.1", "traversal"),
    ("GET /?q=1%27%20or%201=1 HTTP/1.1", "injection"),
    ("GET /?q=1+UNION+SELECT+2 HTTP/1.1", "injection"),
    ("GET /?x=${jndi:ldap://e} HTTP/1.1", "injection"),
    ("GET /order/1 HTTP/1.1", None),
    ("GET /environment?sort=union HTTP/1.1", None),
]


@pytest.mark.parametrize(("request_line", "kind"), ATTACKS)
def test_attacks_are_told_by_their_kind(request_line, kind):
    summary = count(row(request=request_line) * 2).summary(5)
    assert summary.attacks == ({kind: 2} if kind else {})
    assert summary.answered_attacks == ([(request_line.encode(), 2)] if kind else [])
    assert count(row(request=request_line, status=404)).summary(5).answered_attacks == []


def test_who_fails_and_where():
    text = row(status=401) + row(status=403) + row(client="c", status=404) + row(status=502)
    text += row(request="odd", status=500)
    summary = count(text).summary(5)
    assert summary.top_failing == [(b"10.0.0.1", 2), (b"c", 1)]
    assert summary.top_denied == [(b"10.0.0.1", 2)]
    assert summary.failing_paths == [(b"/a", 1), (b"odd", 1)]
    assert summary.clients == 2


def test_json_lines():
    good = {"remote_addr": "c", "request": "GET /", "status": 200, "request_time": "0.5"}
    rows = [good, {**good, "status": "x"}, {"status": 404, "duration": None}, [1], {"status": 200, "latency": True}]
    text = "".join(json.dumps(one) + "\n" for one in rows) + "{broken\n"
    tally = count(text, unit=0.1)
    summary = tally.summary(5)
    assert (summary.statuses, summary.not_understood) == ({200: 2, 404: 1}, 3)
    assert summary.seconds["p50"] >= 0.049


def test_an_expression_of_ones_own():
    expression = re.compile(rb"(?P<status>\d+) (?P<client>\S+) (?P<seconds>\S+)")
    tally = count("200 a 100\n503 b x\n99 c 1\nnothing\n", expression=expression, unit=1e-3)
    summary = tally.summary(5)
    assert (summary.statuses, summary.not_understood) == ({200: 1, 503: 1}, 2)
    assert summary.seconds["p50"] == pytest.approx(0.1, rel=0.02)


PIECES = [
    row(),
    row(status=404),
    row(status=503, tail=' "-" "bot" 3.5'),
    "junk\n",
    "\n",
    row(client="123456789"),
    "x" * 99,
]


@given(st.lists(st.sampled_from(PIECES)), st.integers(1, 200), st.integers(0, 20))
def test_neither_blocks_nor_parts_make_a_difference(pieces, size, cut):
    text = "".join(pieces)
    whole = count(text)
    pieced = count(text, size)
    parts = merged([count("".join(pieces[:cut])), count("".join(pieces[cut:]))])
    assert pieced.summary(9) == whole.summary(9)
    assert (pieced.lines, pieced.named) == (whole.lines, whole.named)
    if "x" * 99 not in pieces[:cut]:
        assert parts.summary(9) == whole.summary(9)


def test_a_line_without_an_end_is_bounded():
    counting = AccessCounting(JOB)
    for _number in range(50):
        counting.feed(b"x" * 100000)
        assert len(counting._rest) <= LINE_LIMIT
    counting.feed(b"\n" + row().encode())
    counting.close()
    assert (counting.tally.lines, counting.tally.summary(5).requests, counting.tally.not_understood) == (2, 1, 1)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(log_access, "_KEEP", 10)
    monkeypatch.setattr(log_access, "_CACHE", 10)
    tally = count("".join(row(client=f"c{n}", request=f"GET /{n}") for n in range(100)) + row(client="c0") * 5, 500)
    assert len(tally.clients) <= 25
    assert tally.summary(1).top_clients[0][0] == b"c0"
    long = row(request="GET /" + "y" * 400)
    assert count(long).summary(5).requests == 1


@given(st.lists(st.floats(0, 1e5), min_size=1))
def test_percentiles_are_near(values):
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    ordered = sorted(values)
    exact = ordered[max(0, -(-len(ordered) * 99 // 100) - 1)]
    assert histogram.percentile(0.99) == pytest.approx(exact, rel=0.03, abs=2e-6)
    assert Histogram().percentile(0.5) == 0.0


def test_long_names_of_clients_are_kept_in_short():
    """40 000 of them are kept, and each may be as long as a line."""
    line = json.dumps({"client": "c" * 60_000, "status": 403, "request": "GET /.env"}) + "\n"
    tally = count(line)
    assert list(tally.clients) == list(tally.denied) == list(tally.attackers) == [b"c" * 300]
