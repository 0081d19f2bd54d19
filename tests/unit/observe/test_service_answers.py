# SPDX-License-Identifier: GPL-3.0-or-later
"""Odd answers of ``journalctl`` and ``docker`` that a healthy machine does not give on demand."""

from __future__ import annotations

import json

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_facts import Container, CronJob
from ansible_collections.analytics.ops.plugins.module_utils._observe import compose, services, systemd


@pytest.mark.parametrize(
    ("value", "text"),
    [("plain", "plain"), ([104, 228, 105], "h\ufffdi"), (["first", "last"], "last"), (None, ""), (3, ""), ([], "")],
)
def test_fields_of_the_journal(value, text):
    assert systemd._field({"MESSAGE": value}, "MESSAGE") == text


def test_lines_that_are_no_entries_are_passed_over():
    lines = ["-- No entries --", "[1]", json.dumps({"__REALTIME_TIMESTAMP": "1500000"}), '{"cut']
    (entry,) = systemd._entries("\n".join(lines))
    assert systemd._time(entry) == 1.5
    assert systemd._time({}) == 0.0


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("nginx", "nginx.service"),
        ("nginx.service", "nginx.service"),
        ("api.socket", "api.socket"),
        ("postgresql@16-main", "postgresql@16-main.service"),
        ("v1.2", "v1.2.service"),
        ("service", "service.service"),
    ],
)
def test_names_are_completed_as_systemctl_does(name, full):
    assert systemd.unit_name(name) == full


@pytest.mark.parametrize("group", ["", "relative", "/../../etc", "/no/such/group"])
def test_no_file_cache_where_there_is_no_group(group):
    assert systemd.file_cache(group) == 0


def test_what_docker_leaves_out_is_not_known():
    assert compose._container({"state": {}}) == Container("", status="")
    log = [{"Output": "old"}, {"Output": "two\nlines\n"}]
    answer = {"name": "/w", "state": {"Health": {"Status": "unhealthy", "Log": log}, "ExitCode": "x", "OOMKilled": 1}}
    assert compose._container(answer) == Container("w", status="", health="unhealthy", health_log="two lines")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01T00:00:00.123456789Z", 1767225600.123456),
        ("2026-01-01T00:00:00Z", 1767225600.0),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_times_of_docker(text, moment):
    assert compose._time(text) == moment


def test_only_the_last_start_of_a_cron_job_counts():
    asked = CronJob("warm", 100.0, command="bin/warm")
    lines = [
        (1.0, "7", "(root) CMD (bin/warm)"),
        (950.0, "8", "(root) CMD (bin/warm)"),
        (951.0, "8", "(CRON) error (grandchild #8 failed with exit status 2)"),
        (960.0, "9", "(root) CMD (bin/other)"),
        (961.0, "9", "(CRON) error (grandchild #9 failed with exit status 3)"),
    ]
    failed = services._with_lines(asked, lines, 1000.0)
    assert (failed.started, failed.failed) == (950.0, "Its last start by cron ended with exit status 2.")
    good = services._with_lines(asked, [*lines, (990.0, "10", "(root) CMD (bin/warm)")], 1000.0)
    assert (good.started, good.failed) == (990.0, "")
    assert services._with_lines(asked, lines[:1], 1000.0).started is None
