# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys put together by how they begin, and what is said of those that live for ever."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import Group, KeySample, Wishes
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_keyspace import Seen, brief, grouped, prefix_of

from tests.support.redis_info import MB, answers, info


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        (b"plain", b"(no prefix)"),
        (b"user:17", b"user:*"),
        (b"user:17:cart", b"user:*"),
        (b"user:u123:cart", b"user:*"),
        (b"user:6f9619ff-8b86-d011-b42d-00cf4fc964ff:cart", b"user:*"),
        (b"analytics:overview:17", b"analytics:overview:*"),
        (b"analytics:v2:17", b"analytics:v2:*"),
        (b":::", b"::*"),
        (b"", b"(no prefix)"),
        (b"\xff\x00:a", b"\xff\x00:*"),
        (b"s:" + b"t" * 64 + b":a", b"s:" + b"t" * 64 + b":*"),
        (b"s:" + b"t" * 65 + b":a", b"s:*"),
        (b"t" * 200 + b":a", b"t" * 200 + b":*"),
        (b"t" * 201 + b":a", b"t" * 200 + b"*"),
        (b"s:" + b"1" * 10_000_000 + b"x:a", b"s:*"),
    ],
)
def test_prefix_of(key, prefix):
    assert prefix_of(brief(key, b":"), b":") == prefix_of(key, b":")
    assert len(brief(key, b":")) <= 268
    assert brief(b"k" * 1000, b"") == b"k" * 201
    assert prefix_of(key, b":") == prefix


def test_a_partial_sample_is_scaled_to_the_whole():
    seen = [Seen(b"a:1", False, 100), Seen(b"a:2", True), Seen(b"b:1", False, 50), Seen(b"b:2", False)]
    first, second = grouped(seen, b":", 400, complete=False)
    assert (first.pattern, first.keys, first.without_ttl, first.memory_bytes) == ("a:*", 200, 100, 20000)
    assert (second.pattern, second.keys, second.without_ttl, second.memory_bytes) == ("b:*", 200, 200, 10000)
    assert grouped(seen, b":", 400, complete=True)[0].keys == 2
    assert grouped([], b":", 0, complete=True) == ()


def test_very_many_prefixes_become_others_without_losing_a_key():
    seen = [Seen(b"%d-%s:x" % (number, b"p"), True) for number in range(300)]
    groups = grouped(seen, b":", 300, complete=True)
    assert len(groups) == 51 and groups[-1].pattern == "(others)"
    assert sum(group.keys for group in groups) == 300


def test_idle_times_are_those_of_the_keys_that_were_asked():
    seen = [Seen(b"a:1", True, 10, 100), Seen(b"a:2", True, 20, 201), Seen(b"a:3", True), Seen(b"b:1", True, 5)]
    first, second = grouped(seen, b":", 4, complete=True)
    assert (first.idle_seconds, second.idle_seconds) == (150, None)
    many = [Seen(b"%dx:y" % number, True, 1, 0) for number in range(50)] * 2
    rest = [Seen(b"z1:x", True, 1, 30), Seen(b"z2:x", True, None, 50), Seen(b"z3:x", True, 7)]
    assert grouped([*many, *rest], b":", 103, complete=True)[-1].idle_seconds == 40


def test_big_keys_are_told_by_how_they_begin():
    groups = (Group("a:*", 9, 0, 900 * MB, 64 * MB), Group("b:*", 9, 0, 900 * MB, 64 * MB - 1), Group("c:*", 9, 0))
    found = answers("big_keys", keys=sample(*groups))
    assert [(f.subject, f.severity, f.value) for f in found] == [
        ("a:*", "warning", 64 * MB),
        ("b:*", "ok", 64 * MB - 1),
    ]
    assert found[0].message == "The biggest key 'a:*' that was looked at takes 64 MB."
    assert [f.value for f in answers("big_keys", keys=None)] == [None]


def sample(*groups: Group, complete: bool = False) -> KeySample:
    return KeySample(groups, sampled=1000, total=50000, complete=complete, seconds=0.1, lookups=0)


CARTS = Group("cart:*", 30000, 10000, memory_bytes=5 * MB)


def test_a_group_that_lives_for_ever_is_named_with_its_share_of_all_keys():
    (found,) = answers("keys_without_ttl", info=info(db0="keys=50000,expires=30000"), keys=sample(CARTS))
    assert (found.subject, found.severity, found.value, found.unit) == ("cart:*", "warning", 20, "%")
    assert found.message == "About 10 000 keys 'cart:*' have no TTL, 20 % of all 50 000 keys, about 5 MB."
    assert "redis_keys (state expire, pattern 'cart:*')" in found.advice


def test_a_complete_sample_counts_and_says_nothing_of_memory_it_did_not_ask_for():
    whole = sample(Group("cart:*", 30000, 20000), complete=True)
    (found,) = answers("keys_without_ttl", info=info(db0="keys=50000,expires=30000"), keys=whole)
    assert found.message == "All told 20 000 keys 'cart:*' have no TTL, 40 % of all 50 000 keys."


def test_only_groups_beyond_the_limits_are_named():
    few = Group("few:*", 9999, 9999)
    little = Group("little:*", 10000, 9500)
    (found,) = answers("keys_without_ttl", info=info(db0="keys=50000,expires=20000"), keys=sample(few, CARTS, little))
    assert found.subject == "cart:*"


@pytest.mark.parametrize(
    ("counted", "severity", "value", "told"),
    [
        ("keys=50000,expires=40000", "warning", 20, "10 000 of 50 000 keys have no TTL (20 %)."),
        ("keys=50000,expires=40001", "ok", 19.998, "9 999 of 50 000 keys have no TTL (20 %)."),
        ("keys=9999,expires=0", "ok", 100, "9 999 of 9 999 keys have no TTL (100 %)."),
        ("", "ok", 0, "0 of 0 keys have no TTL (0 %)."),
    ],
)
@pytest.mark.parametrize("keys", [None, sample(), sample(Group("cart:*", 900, 900))], ids=["none", "empty", "small"])
def test_where_no_group_stands_out_the_database_is_judged(counted, severity, value, told, keys):
    part = info(db3=counted, db0="keys=90000,expires=0")
    (found,) = answers("keys_without_ttl", info=part, wishes=Wishes(database=3), keys=keys)
    assert (found.subject, found.severity, found.value, found.message) == ("db3", severity, value, told)
