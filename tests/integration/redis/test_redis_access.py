# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that cannot be reached, logged in to or asked: one clear message each, and what can be asked is asked."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.analytics.ops.plugins.modules import redis_cache_stats

from demo.embedded import process
from tests.support.modules import found, run_module
from tests.support.redis_servers import Redis, reported, unreachable

# As docs/redis.md gives them.
MONITOR = (
    "+info +ping +time +config|get +slowlog|get +latency|latest +acl|log +cluster|info +scan +ttl +memory|usage "
    "+object|idletime"
)


@pytest.fixture
def guarded(start) -> Redis:
    return start(password="right")


def test_wrong_password(guarded):
    unreachable(guarded.look(login_password="wr0ng"), "login_password")


def test_the_default_user_without_password(guarded):
    unreachable(guarded.look(login_password=""), "authentication required", "give login_password")


def test_password_for_a_server_without_one(empty):
    unreachable(empty.look(login_password="wr0ng"), "leave login_password out")


def test_unknown_acl_user(guarded):
    unreachable(guarded.look(login_user="nobody", login_password="wr0ng"), "login_user")


def test_closed_port():
    unreachable(
        run_module("redis_cache_stats", login_host="127.0.0.1", login_port=process.free_port()),
        "refused",
        "is the server running",
    )


@pytest.mark.parametrize("options", [{}, {"login_password": "wr0ng"}, {"login_db": 3}, {"tls": True}])
def test_a_socket_that_accepts_and_never_answers(options):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        result = run_module(
            "redis_cache_stats", login_port=port, connect_timeout=0.3, login_host="127.0.0.1", **options
        )
    unreachable(result, "did not answer within 0.3 seconds")


def test_missing_unix_socket(tmp_path):
    unreachable(run_module("redis_cache_stats", login_unix_socket=str(tmp_path / "none")), "login_unix_socket")


def test_database_that_does_not_exist(empty):
    unreachable(empty.look(login_db=99), "login_db")


def test_tls_where_none_is_spoken(empty):
    unreachable(empty.look(tls=True, connect_timeout=1), "tls")


def test_wrong_limits_and_names_fail_the_task(empty):
    assert "did you mean" in empty.look(checks=["hit_rat"])["msg"].lower()
    assert "no limit called" in empty.look(thresholds={"memory": {"warn": 1}})["msg"]
    assert "window is -1" in empty.look(window=-1)["msg"]


def test_unix_socket(start, tmp_path):
    path = tmp_path / "redis.sock"
    start(unixsocket=str(path))
    result = run_module("redis_cache_stats", login_unix_socket=str(path), checks=["reachable", "memory"])
    assert result["status"] == "healthy" and result["target"] == f"unix://{path}?db=0"


def acl_user(server: Redis, rights: str) -> dict:
    server.client.execute_command("ACL", "SETUSER", "watcher", "reset", "on", ">watch-secret", *rights.split())
    return {"login_user": "watcher", "login_password": "watch-secret"}


def test_the_documented_rights_are_enough_to_watch(guarded):
    guarded.fill("a:", 10)
    wanted = {"requirepass": True, "appendonly": False, "maxmemory": 0}
    result = guarded.look(
        **acl_user(guarded, "~* " + MONITOR), exclude_checks=["latency", "latency_peak"], expected_settings=wanted
    )
    assert reported(result) == {}
    assert result["sample"]["sampled"] == 10 and result["sample"]["note"] == ""
    assert result["prefixes"][0]["idle_seconds"] is not None and result["commands"]


def test_a_user_with_hardly_any_rights_learns_what_is_missing(guarded):
    guarded.fill("a:", 10)
    result = guarded.look(**acl_user(guarded, "+ping"), exclude_checks=["latency", "latency_peak"])
    assert result["status"] == "degraded"
    severities = reported(result)
    assert set(severities.values()) == {"unknown"}
    expected = {"info": "memory", "config|get": "protection", "slowlog|get": "slow_commands", "acl|log": "acl_denials"}
    expected.update({"latency|latest": "latency_events", "scan": "keys_without_ttl"})
    for right, check in expected.items():
        if check == "keys_without_ttl":
            continue  # INFO, which it needs first, is missing as well
        assert f"ACL SETUSER watcher +{right}" in found(result, f"redis.{check}")[0]["advice"]


@pytest.mark.parametrize(
    ("missing", "check", "right"),
    [
        ("info", "memory", "+info"),
        ("info", "command_time", "+info"),
        ("config|get", "rdb_age", "+config|get"),
        ("config|get", "settings", "+config|get"),
        ("slowlog|get", "slow_commands", "+slowlog|get"),
        ("latency|latest", "latency_events", "+latency|latest"),
        ("acl|log", "acl_denials", "+acl|log"),
        ("scan", "keys_without_ttl", "+scan"),
        ("ttl", "keys_without_ttl", "+ttl"),
        ("ping", "latency", "+ping"),
    ],
)
def test_each_missing_right_is_named(guarded, missing, check, right):
    guarded.fill("a:", 10)
    rights = " ".join(word for word in MONITOR.split() if word != f"+{missing}")
    result = guarded.look(**acl_user(guarded, "~* " + rights), checks=[check], expected_settings={"appendonly": False})
    assert [(f["severity"], right in f["advice"]) for f in result["findings"]] == [("unknown", True)]


@pytest.mark.parametrize(
    ("right", "field", "other"),
    [("+memory|usage", "memory_bytes", "idle_seconds"), ("+object|idletime", "idle_seconds", "memory_bytes")],
)
def test_without_a_right_the_sample_says_so_and_asks_once(guarded, right, field, other):
    guarded.fill("a:", 300)
    result = guarded.look(**acl_user(guarded, "~* " + MONITOR.replace(right, "")), checks=["keys_without_ttl"])
    assert reported(result) == {}
    (group,) = result["prefixes"]
    assert right in result["sample"]["note"] and group[field] is None and group[other] is not None
    # Hundreds of denials would be told as errors of the application by the next look.
    assert guarded.client.info("errorstats")["errorstat_NOPERM"]["count"] == 1


def test_renamed_commands_are_unknown_and_nothing_else(start):
    server = start(rename_command='CONFIG ""\nrename-command SLOWLOG ""')
    result = server.look(exclude_checks=["latency", "latency_peak"])
    unknown = ("rdb_age", "aof_growth", "protection", "slow_commands")
    assert set(reported(result)) == {(name, result["target"]) for name in unknown}
    assert {f["severity"] for f in result["findings"]} == {"unknown"}
    assert "renamed or disabled" in result["findings"][0]["message"]


def test_the_password_is_nowhere_in_the_result(guarded):
    # Called without AnsibleModule, which would hide passwords that the module itself had let through.
    defaults = dict.fromkeys((name for name in redis_cache_stats.redis_spec()), None)
    options = {
        **defaults,
        "checks": [],
        "exclude_checks": [],
        "open_findings": [],
        "thresholds": {},
        "include_ok": True,
        "previous": {},
    }
    options.update(window=0, latency_samples=1, sample_keys=10, sample_seconds=1, prefix_separator=":")
    options.update(expected_role=None, expected_replicas=None, expected_settings={"requirepass": True})
    options.update(guarded.options)
    for password in ("right", "wr0ng"):
        result = redis_cache_stats.run({**options, "login_password": password}, False)
        assert result["findings"] and password not in str(result).replace("rights", "")
