# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Redis as they are declared, compared as the server reads them, and told without secrets."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import Wishes
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_settings import (
    declared,
    given_secrets,
    is_secret,
    same,
)

from tests.support.redis_info import answers, told

LIMITS = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"


@pytest.mark.parametrize(
    ("name", "wanted", "found", "equal"),
    [
        ("maxmemory", "256mb", "268435456", True),
        ("maxmemory", "256MB", "268435456", True),
        ("maxmemory", "256m", "256000000", True),
        ("maxmemory", "256m", "268435456", False),
        ("maxmemory", "1gb", "1073741824", True),
        ("maxmemory", "1g", "1000000000", True),
        ("maxmemory", "2k", "2000", True),
        ("maxmemory", "2kb", "2048", True),
        ("maxmemory", "100b", "100", True),
        ("maxmemory", "100", "100", True),
        ("maxmemory", "100", "101", False),
        ("maxmemory", "1tb", "1099511627776", False),
        ("maxmemory-clients", "5%", "5%", True),
        ("maxmemory-clients", "5%", "5", False),
        ("slowlog-log-slower-than", "-1", "-1", True),
        ("list-max-listpack-size", "-2", "2", False),
        ("appendonly", "yes", "yes", True),
        ("appendonly", "True", "yes", True),
        ("appendonly", "false", "no", True),
        ("appendonly", "NO", "no", True),
        ("appendonly", "no", "yes", False),
        ("appendonly", "1", "yes", False),
        ("appendfsync", "no", "no", True),
        ("appendfsync", "everysec", "no", False),
        ("maxmemory-policy", "AllKeys-LRU", "allkeys-lru", True),
        ("maxmemory-policy", "noeviction", "allkeys-lru", False),
        ("masteruser", "Admin", "admin", False),
        ("masteruser", "admin", "admin", True),
        ("logfile", "/var/log/Redis.log", "/var/log/redis.log", False),
        ("logfile", "/var/log/redis.log", "/var/log/redis.log", True),
        ("logfile", "", "", True),
        ("logfile", "", "x", False),
        ("oom-score-adj-values", "0  200 800", "0 200 800", True),
        ("oom-score-adj-values", "200 0 800", "0 200 800", False),
        ("save", "3600 1 300 100", "300 100 3600 1", True),
        ("save", "3600 1", "300 100 3600 1", False),
        ("save", "3600 300 1 100", "3600 1 300 100", False),
        ("save", "", "", True),
        ("save", '""', "", True),
        ("save", "", "3600 1", False),
        ("save", "3600", "3600 1", False),
        ("bind", "::1 127.0.0.1", "127.0.0.1 ::1", True),
        ("bind", "127.0.0.1", "127.0.0.1 ::1", False),
        ("tls-protocols", "TLSv1.3 TLSv1.2", "tlsv1.2 tlsv1.3", True),
        ("notify-keyspace-events", "AKE", "AKE", True),
        ("notify-keyspace-events", "KEg$lshzxetd", "AKE", True),
        ("notify-keyspace-events", "KEA", "AK", False),
        ("notify-keyspace-events", "Ex", "xE", True),
        ("notify-keyspace-events", "KEAn", "AKEn", True),
        ("notify-keyspace-events", "", "", True),
        ("client-output-buffer-limit", "replica 256mb 64mb 60", LIMITS, True),
        ("client-output-buffer-limit", "slave 256mb 64mb 60 normal 0 0 0", LIMITS, True),
        ("client-output-buffer-limit", LIMITS, LIMITS, True),
        ("client-output-buffer-limit", "pubsub 32mb 8mb 30", LIMITS, False),
        ("client-output-buffer-limit", "pubsub 32mb", LIMITS, False),
        ("client-output-buffer-limit", "others 1 1 1", LIMITS, False),
        ("client-output-buffer-limit", "", LIMITS, False),
    ],
)
def test_values_are_compared_as_the_server_reads_them(name, wanted, found, equal):
    assert same(name, wanted, found) is equal


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("requirepass", True),
        ("masterauth", True),
        ("primaryauth", True),
        ("tls-key-file-pass", True),
        ("tls-auth-clients", False),
        ("masteruser", False),
        ("maxmemory", False),
    ],
)
def test_which_settings_are_secrets(name, secret):
    assert is_secret(name) is secret


def test_what_was_declared_as_text():
    given = {
        " MaxMemory ": "1gb",
        "appendonly": True,
        "appendfsync": False,
        "timeout": [0, 300],
        "logfile": None,
        "save": "3600  1\n60 100",
        "requirepass": "True",
        "masterauth": [False],
        "search.threads": 4,
    }
    assert declared(given) == {
        "maxmemory": ("1gb",),
        "appendonly": ("yes",),
        "appendfsync": ("no",),
        "timeout": ("0", "300"),
        "logfile": ("",),
        "save": ("3600 1 60 100",),
        "requirepass": ("yes",),
        "masterauth": ("no",),
        "search.threads": ("4",),
    }
    assert declared({}) == {}


@pytest.mark.parametrize("name", ["max*", "", "[a]", "a b", "-a", "a?"])
def test_no_name_of_a_setting(name):
    with pytest.raises(InputError, match="no setting's name"):
        declared({name: 1})


@pytest.mark.parametrize("value", [{}, {"a": 1}, [], [[1]], [{"a": 1}, 2]])
def test_no_value_to_compare_with(value):
    with pytest.raises(InputError, match="'maxmemory' has no value that could be compared"):
        declared({"maxmemory": value})


@pytest.mark.parametrize("value", ["hunter2", ["hunter2", True], 7])
def test_a_secret_is_not_taken_and_not_repeated(value):
    with pytest.raises(InputError, match="'requirepass' is a secret") as refused:
        declared({"RequirePass": value})
    assert "hunter2" not in refused.value.text and "true" in refused.value.text


def test_secrets_that_were_given_all_the_same_are_known():
    given = {"RequirePass": "hunter2", "masterauth": ["a1b2", True, "no", ""], "maxmemory": "1gb", 7: "seven"}
    assert given_secrets(given) == {"hunter2", "a1b2"}
    assert given_secrets({}) == set()


def settings(wanted, found, only=told):
    return only("settings", declared=found, wishes=Wishes(expected_settings=declared(wanted)))


def test_a_difference_is_told_with_both_values():
    (found,) = settings({"maxmemory-policy": ["allkeys-lru", "allkeys-lfu"]}, {"maxmemory-policy": "noeviction"})
    assert (found.subject, found.severity, found.value) == ("maxmemory-policy", "warning", "noeviction")
    assert found.message == "'maxmemory-policy' is noeviction, and should be allkeys-lru or allkeys-lfu."


@pytest.mark.parametrize(
    ("wanted", "found", "spoken"),
    [
        ("1gb", "1048576", "1048576 (1 MB), and should be 1gb."),
        ("2097152", "1048576", "1048576, and should be 2097152."),
        ("-1", "1048576", "1048576, and should be -1."),
        ("1gb", "5%", "5%, and should be 1gb."),
        ("5%", "1048576", "1048576, and should be 5%."),
        ("", "1048576", "1048576, and should be empty."),
        ("1gb", "", "empty, and should be 1gb."),
    ],
)
def test_sizes_are_told_in_units_where_they_were_declared_so(wanted, found, spoken):
    (told_of,) = settings({"maxmemory": wanted}, {"maxmemory": found})
    assert told_of.message == "'maxmemory' is " + spoken


def test_a_secret_is_told_as_set_or_not():
    (found,) = settings({"requirepass": False}, {"requirepass": "yes"})
    assert (found.message, found.value) == ("'requirepass' is set, and should be not set.", "set")
    (found,) = settings({"requirepass": True}, {"requirepass": "no"})
    assert (found.message, found.value) == ("'requirepass' is not set, and should be set.", "not set")


def test_a_setting_that_the_server_does_not_have_is_unknown():
    found = settings({"maxmemroy": 1, "timeout": 0}, {"maxmemroy": None, "timeout": "5"})
    assert [(f.subject, f.severity) for f in found] == [("maxmemroy", "unknown"), ("timeout", "warning")]


def test_what_is_as_declared_answers_too():
    (found,) = settings({"timeout": [0, 300]}, {"timeout": "300"}, only=answers)
    assert (found.subject, found.severity, found.value) == ("timeout", "ok", "300")
    assert found.message == "'timeout' is as declared."
    assert [f.severity for f in settings({}, {}, only=answers)] == ["ok"]
