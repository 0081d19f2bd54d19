# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that differ in their variable parts are one, and secrets are not shown."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge import log_groups
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_groups import (
    Groups,
    key_of,
    shown,
    template_of,
)
from hypothesis import given
from hypothesis import strategies as st


def template(text):
    return template_of(key_of(text.encode())).decode()


SAME = [
    ("Query {} failed after 12 ms", ("1", "99812"), "Query <*> failed after <*> ms"),
    ("id {}", ("4a63b025", "ffee0011", "0xdeadbeef1"), "id <*>"),
    ("id {}", ("6fa459ea-ee8a-3ca4-894e-db77e160355e", "abcdefab-ee8a-4ca4-894e-db77e1603551"), "id <*>"),
    ("from {}", ("10.0.0.1", "192.168.17.230:5432", "fe80::1:2"), "from <*>"),
    ("cannot open {}", ("'/a/b'", "'x'"), "cannot open '<*>'"),
    ('value "{}" is wrong', ("one", "another value"), 'value "<*>" is wrong'),
    ("write /data/{}/part", ("17", "2026-11-25"), "write /data/<*>/part"),
    ("mail to {}", ("a@example.com", "b.c@example.org"), "mail to <*>"),
    ("GET /x?{}", ("a=1", "b=c&d=e"), "GET /x?<*>"),
    ("token {} expired", ("X7F9K2", "A1B2C3D4"), "token <*> expired"),
]


@pytest.mark.parametrize(("text", "parts", "expected"), SAME)
def test_variable_parts_are_taken_out(text, parts, expected):
    assert {template(text.format(part)) for part in parts} == {expected}


def test_words_are_kept():
    assert template("can't connect, won't retry") == "can't connect, won't retry"
    assert template("connection refused") != template("connection reset")


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_numbers_never_make_a_difference(one, other):
    assert template(f"row {one} of {other} is bad") == "row <*> of <*> is bad"


SECRETS = [
    "password=hunter22secret",
    "password: hunter22secret, x",
    '"api_key": "hunter22secret"',
    "Authorization: Bearer hunter22secret",
    "postgresql://app:hunter22secret@db/x",
    "eyJhbGciOiJIUzI1.hunter22secret.c2lnbmF0dXJl",
    "AKIAHUNTER22SECRETXX",
    "ghp_hunter22secrethunter22secret",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_masked(text):
    assert "hunter22" not in shown(text.encode()).lower()
    assert "***" in shown(text.encode())
    groups = Groups()
    groups.add("error", text.encode(), text.encode())
    assert "hunter" not in groups.top(1)[0].template.lower()


def test_hostile_text_is_one_harmless_short_line():
    text = shown(b"<script>\x1b[31m\x00\r\n\xff\xfe" + b"x" * 100000)
    assert text.isprintable()
    assert len(text) <= 300


def test_groups_count_and_keep_first_and_last():
    groups = Groups()
    for number in range(5):
        groups.add("error", b"failed %d" % number, b"line %d" % number)
    groups.add("emergency", b"failed 1", b"worse")
    first, second = groups.top(10)
    assert (first.template, first.level, first.count, first.first, first.last) == (
        "failed <*>",
        "error",
        5,
        b"line 0",
        b"line 4",
    )
    assert (second.level, second.count) == ("emergency", 1)
    assert groups.top(1) == [first]


@given(st.lists(st.sampled_from([b"a 1", b"a 2", b"b x1", b"'q' c", b"'r' c"])), st.integers(0, 30))
def test_parts_put_together_are_the_whole(messages, cut):
    whole, one, two = Groups(), Groups(), Groups()
    for number, message in enumerate(messages):
        whole.add("error", message, b"%d" % number)
        (one if number < cut else two).add("error", message, b"%d" % number)
    one.merge(two)
    assert one.top(10) == whole.top(10)


def test_memory_is_bounded_and_the_most_frequent_stay(monkeypatch):
    monkeypatch.setattr(log_groups, "_FOLD_AT", 8)
    monkeypatch.setattr(log_groups, "_KEEP", 4)
    groups = Groups()
    for number in range(100):
        groups.add("error", b"often", b"x")
        name = bytes([ord("g") + number % 20, ord("g") + number // 20])
        groups.add("error", name, name)
    assert groups.top(1)[0].template == "often"
    assert len(groups.top(1000)) <= 8
