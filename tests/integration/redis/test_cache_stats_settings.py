# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a real server against those that were declared."""

from __future__ import annotations

import pytest

from tests.support.modules import found
from tests.support.redis_servers import PATIENT, reported

# In every notation that the server takes, and as YAML hands it on.
AS_DECLARED = {
    "maxmemory": "256mb",
    "MaxMemory-Policy": ["allkeys-lfu", "Allkeys-LRU"],
    "appendonly": False,
    "appendfsync": "everysec",
    "save": "60 1000 3600 1",
    "client-output-buffer-limit": "pubsub 16mb 8mb 60",
    "notify-keyspace-events": "AKE",
    "bind": "-::1 127.0.0.1",
    "maxclients": 500,
    "timeout": [0, 300],
    "requirepass": True,
    "tls-key-file-pass": False,
    "logfile": "",
}


@pytest.fixture
def server(start):
    return start(
        password="t0p-secret",
        maxmemory="256mb",
        maxmemory_policy="allkeys-lru",
        save="3600 1 60 1000",
        client_output_buffer_limit="pubsub 16mb 8mb 60",
        notify_keyspace_events="KEA",
        bind="127.0.0.1 -::1",
        maxclients="500",
    )


def test_settings_as_declared_are_left_in_peace(server):
    wanted = dict(AS_DECLARED)
    if not server.client.config_get("tls-key-file-pass"):
        del wanted["tls-key-file-pass"]  # built without TLS
    assert reported(server.look(expected_settings=wanted, thresholds=PATIENT)) == {}
    result = server.look(expected_settings=wanted, checks=["settings"], include_ok=True)
    assert {f["subject"] for f in result["findings"]} == {name.lower() for name in wanted}


def test_a_setting_that_somebody_changed(server):
    wanted = {"maxmemory": "256mb", "maxmemory-policy": ["allkeys-lru", "allkeys-lfu"], "timeout": 0}
    assert reported(server.look(expected_settings=wanted, thresholds=PATIENT)) == {}
    server.client.config_set("maxmemory", "100mb")
    server.client.config_set("maxmemory-policy", "noeviction")
    result = server.look(expected_settings=wanted, thresholds=PATIENT)
    assert reported(result) == {("settings", "maxmemory"): "warning", ("settings", "maxmemory-policy"): "warning"}
    assert [f["message"] for f in found(result, "redis.settings")] == [
        "'maxmemory' is 104857600 (100 MB), and should be 256mb.",
        "'maxmemory-policy' is noeviction, and should be allkeys-lru or allkeys-lfu.",
    ]


def test_a_setting_that_no_server_has(server):
    result = server.look(expected_settings={"maxmemroy": "1gb"}, thresholds=PATIENT)
    assert reported(result) == {("settings", "maxmemroy"): "unknown"}


def test_a_password_that_should_be_there_and_is_not(start):
    server = start()
    result = server.look(expected_settings={"requirepass": True, "masterauth": False}, thresholds=PATIENT)
    assert reported(result) == {("settings", "requirepass"): "warning"}
    assert found(result, "redis.settings")[0]["message"] == "'requirepass' is not set, and should be set."


def test_no_secret_is_ever_shown(server):
    server.client.config_set("masterauth", "nobody-gave-th1s")
    result = server.look(expected_settings={"masterauth": False, "requirepass": True}, include_ok=True)
    assert [f["message"] for f in found(result, "redis.settings", "masterauth")] == [
        "'masterauth' is set, and should be not set."
    ]
    assert "nobody-gave-th1s" not in str(result)
    refused = server.look(expected_settings={"requirepass": "an0ther-secret"})
    assert refused["failed"] and "'requirepass' is a secret" in refused["msg"]
    assert "an0ther-secret" not in str(refused)


@pytest.mark.parametrize("settings", [{"max*": 1}, {"maxmemory": {"a": 1}}, {"maxmemory": []}])
def test_what_cannot_be_compared_fails_the_task(server, settings):
    result = server.look(expected_settings=settings)
    assert result["failed"] and result["msg"].startswith("expected_settings: ")
