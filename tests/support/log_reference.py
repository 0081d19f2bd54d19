# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of all sorts, and what is counted in them line by line, by the plain functions that say what one line is."""

from __future__ import annotations

from collections import Counter

from ansible_collections.analytics.ops.plugins.module_utils._judge.log_groups import key_of, shown, template_of
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_lines import (
    LEVELS,
    TRACEBACK,
    Sight,
    is_chained,
    level_of,
    message_of,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_patterns import LINE_LIMIT, named
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_tally import Job, Tally
from hypothesis import strategies as st

PATTERNS = {
    "plain": "Failed password|rate",
    "needed": r"took\s+\d+ ms",
    "anywhere": r"\d{3},\d",
    "ends": r"^\d.*x\r?$",
}
JOB = Job(frozenset(LEVELS), tuple(named(name, pattern) for name, pattern in PATTERNS.items()))


def lines_with_ends(text: bytes) -> list[bytes]:
    parts = text.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def reference(text: bytes, job: Job, sight: Sight) -> dict:
    """What ``figures`` is to say of the tally of ``text``."""
    lines = lines_with_ends(text)
    levels: Counter = Counter()
    counts: Counter = Counter()
    outer: dict = {}
    begun: list[bytes] = []
    in_error, told = False, b""
    for number, whole in enumerate(lines):
        line = whole.rstrip(b"\n") if whole.endswith(b"\n") else whole
        level, message = None, b""
        if sight.begins(whole, 0):
            begun.append(line[:600])
            found = level_of(line, 0, len(line))
            in_error = found in job.levels
            if in_error:
                level, message = found, message_of(line[:600])
        elif line.startswith(TRACEBACK) and "error" in job.levels and not in_error and not is_chained(told):
            level, message = "error", exception(lines[number + 1 :], sight)
        if level:
            levels[level] += 1
            template = (shown(template_of(key_of(message)), 200), level)
            counts[template] += 1
            outer[template] = (outer.get(template, (line[:600],))[0], line[:600])
        told = line[:40] if line.strip() else told
    return {
        "lines": len(lines),
        "levels": dict(levels),
        "named": {
            one.name: sum(one.expression.search(whole.rstrip(b"\n"), 0, LINE_LIMIT) is not None for whole in lines)
            for one in job.named
        },
        "groups": {template: (count, *outer[template]) for template, count in counts.items()},
        "first": begun[0] if begun else b"",
        "last": begun[-1] if begun else b"",
    }


def exception(following: list[bytes], sight: Sight) -> bytes:
    for whole in following[:200]:
        line = whole.rstrip(b"\n")[:600]
        if sight.begins(whole, 0):
            break
        if line.strip() and line[:1] not in (b" ", b"\t"):
            return line
    return TRACEBACK


def figures(tally: Tally, job: Job) -> dict:
    return {
        "lines": tally.lines,
        "levels": dict(tally.levels),
        "named": {one.name: tally.named[one.name] for one in job.named},
        "groups": {(one.template, one.level): (one.count, one.first, one.last) for one in tally.groups.top(10**6)},
        "first": tally.first,
        "last": tally.last,
    }


TIMES = [
    b"2026-11-25 03:31:52,120 ",
    b"2026-11-25T03:31:59.5Z ",
    b"2026-11-25 03:31:52 WARN ",
    b"[2026-11-25 03:31:52 +0000] [12] ",
    b"Nov 25 03:31:52 host app[7]: ",
    b"1795577512 ",
    b"[1795577513.5] ",
    b"2795577512 ",
    b"12:M 25 Nov 2026 03:31:52.250 ",
    b"Wed Nov 25 03:31:52 2026-11-25 03:31:52 ",
    b"INFO:     2026-11-25 03:31:52 ",
    b"host - - [25/Nov/2026:03:31:52 +0000] ",
    b"",
    b" ",
    b"0000-00-00 00:00:00,000 ",
]
WORDS = [
    b"ERROR ", b"ERROR: ", b"[error] ", b"level=error ", b"error: ", b"INFO ", b"FATAL ", b"[core:crit] ", b"# ",
    b"EMERGENCY ", b"[ERROR:info] ", b"[ERROR:xx] ", b"CRITICAL\t", b"DEBUG1 ", b"ERRORS ", b"x.ERROR ", b"ERROR",
    b"WARNING ", b"PANIC:  ", b"ERR ", b"{\"level\":\"error\",\"message\":\"bad 7\"}", b"{\"level\":50} ",
]  # fmt: skip
TEXTS = [
    b"Query 17 failed", b"took 12 ms", b"took\t99 ms x", b"id 4a63b025", b"Failed password", b"\x00\xff\xfe", b"rate",
    b"\r", b"2026-11-25 03:31:52 late", b"[25/Nov/2026:03:31:52 +0000] y", b"1795577512 z", b"'quoted 1'", b"x\r",
    b"password=hunter2", b"y" * 90, b"ERROR", b"\xc3\x28", b"3,5", b"111,2", b"y" * 700, b"0", b"00:00:00",
]  # fmt: skip
WHOLE = [
    TRACEBACK + b":", b'  File "x.py", line 1, in f', b"ValueError: bad 1", b"", b"  ", b"\r", b"KeyboardInterrupt",
    b"During handling of the above exception, another exception occurred:", b"\tat com.x.Main", b"Caused by: x",
]  # fmt: skip

PARTS = st.tuples(
    st.sampled_from(TIMES),
    st.lists(st.sampled_from(WORDS), max_size=2).map(b"".join),
    st.lists(st.sampled_from(TEXTS), max_size=3).map(b" ".join),
).map(b"".join)
LINES = st.one_of(PARTS, PARTS, st.sampled_from(WHOLE), st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"")))
LOGS = st.tuples(st.lists(LINES, max_size=25), st.sampled_from([b"\n", b"\r\n"]), st.booleans()).map(
    lambda log: log[1].join(log[0]) + (log[1] if log[2] else b"")
)
