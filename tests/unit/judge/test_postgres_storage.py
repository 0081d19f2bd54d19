# SPDX-License-Identifier: GPL-3.0-or-later
"""Archiving, checkpoints, and settings that endanger the data."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import after, answers, run


def archiver(**fields):
    usual = Row(
        archived_count=5,
        failed_count=1200,
        failed_wal="00A",
        archived_seconds=600.0,
        failed_seconds=20.0,
        waiting=3,
        oldest_waiting_seconds=400.0,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("fields", "value", "severity", "told"),
    [
        ({}, 400.0, "critical", "last tried 20 s ago (1 200 failures; last success: 10 min ago); 3 files wait."),
        ({"oldest_waiting_seconds": None}, 20.0, "warning", "3 files wait."),
        ({"waiting": None}, 400.0, "critical", "last success: 10 min ago)."),
        ({"archived_seconds": None}, 400.0, "critical", "last success: never)"),
        ({"oldest_waiting_seconds": 299.0}, 299.0, "warning", "at WAL file 00A"),
        ({"oldest_waiting_seconds": 300.0}, 300.0, "critical", "at WAL file 00A"),
    ],
)
def test_failing_archive(fields, value, severity, told):
    (found,) = run("archiving", archiver=archiver(**fields))
    assert (found.subject, found.value, found.severity) == ("archiver", value, severity)
    assert told in found.message


@pytest.mark.parametrize("fields", [{"failed_seconds": None}, {"archived_seconds": 20.0}, {"archived_seconds": 5.0}])
def test_archiving_that_works_again(fields):
    assert [f.subject for f in answers("archiving", archiver=archiver(**fields))] == ["server"]


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"oldest_waiting_seconds": 599.0}, "ok"),
        ({"oldest_waiting_seconds": 600.0}, "warning"),
        ({"oldest_waiting_seconds": 3600.0}, "critical"),
        ({"oldest_waiting_seconds": 3600.0, "waiting": 2}, "critical"),
        ({"oldest_waiting_seconds": 3600.0, "waiting": 1}, "ok"),
    ],
)
def test_late_archive(fields, severity):
    (found,) = answers("archiving_late", archiver=archiver(archived_seconds=5.0, **fields))
    assert (found.subject, found.severity) == ("archiver", severity)


@pytest.mark.parametrize(
    "fields", [{}, {"archived_seconds": None}, {"archived_seconds": 5.0, "oldest_waiting_seconds": None}]
)
def test_nothing_is_late_that_fails_or_cannot_be_seen(fields):
    assert [f.subject for f in answers("archiving_late", archiver=archiver(**fields))] == ["server"]


def test_checkpoints_of_an_interval():
    part = Row(timed=10**6, requested=0, seconds=10.0**7)
    interval = after(7200, pg__checkpoints__timed=10, pg__checkpoints__requested=30)
    (found,) = run("requested_checkpoints", checkpoints=part, interval=interval)
    assert (found.subject, found.severity, found.value) == ("server", "warning", 75.0)
    assert found.message == "30 of 40 checkpoints in the last 2 h were requested, not timed."


@pytest.mark.parametrize(
    ("timed", "requested", "hours", "severity"),
    [(10, 10, 1, "warning"), (11, 10, 1, "ok"), (9, 10, 1, "ok"), (10, 10, 0.9, "ok")],
    ids=["half", "less", "few", "short"],
)
def test_checkpoints_since_statistics_began(timed, requested, hours, severity):
    part = Row(timed=timed, requested=requested, seconds=hours * 3600.0)
    (found,) = answers("requested_checkpoints", checkpoints=part)
    assert found.severity == severity
    assert "of statistics were requested" in found.message


def setting(name, value="on", pending=False):
    return Row(name=name, value=value, pending_restart=pending, source="postgresql.conf")


def test_pending_restart():
    settings = [setting("b", pending=True), setting("a", pending=True), setting("c")]
    (found,) = run("pending_restart", settings=settings)
    assert (found.subject, found.severity, found.value) == ("settings", "warning", 2)
    assert found.message.endswith("wait for a restart: a, b.")
    assert run("pending_restart", settings=[setting("c")]) == []


@pytest.mark.parametrize(
    ("record", "told"),
    [('{"was": null, "by": "ops", "at": "03:12"}', " since 03:12, by ops:"), ("nonsense", ":"), ("", ":")],
)
def test_writes_stopped(record, told):
    settings = [setting("jit"), setting("analytics_ops.writes_stopped", record)]
    (found,) = run("writes_stopped", settings=settings)
    assert (found.subject, found.severity) == ("server", "warning")
    assert found.message.startswith(f"All writes are stopped{told}")
    assert "--tags allow_writes" in found.advice
    assert run("writes_stopped", settings=[setting("jit")]) == []


@pytest.mark.parametrize(
    ("name", "bad", "takes"),
    [
        ("fsync", "off", "SELECT pg_reload_conf()"),
        ("full_page_writes", "off", "SELECT pg_reload_conf()"),
        ("autovacuum", "off", "SELECT pg_reload_conf()"),
        ("track_counts", "off", "SELECT pg_reload_conf()"),
        ("zero_damaged_pages", "on", "SELECT pg_reload_conf()"),
        ("ignore_checksum_failure", "on", "SELECT pg_reload_conf()"),
        ("ignore_invalid_pages", "on", "restart the server"),
    ],
)
def test_dangerous_settings(name, bad, takes):
    good = {"on": "off", "off": "on"}[bad]
    (found,) = run("dangerous_settings", settings=[setting(name, bad), setting("jit", "off")])
    assert (found.subject, found.severity, found.value) == (name, "warning", bad)
    assert found.advice == f"ALTER SYSTEM RESET {name}; {takes}. It comes from: postgresql.conf."
    assert run("dangerous_settings", settings=[setting(name, good)]) == []


def test_extension_versions():
    part = Row(name="My Ext", name_quoted='"My Ext"', installed="1.0", available="1.2")
    (found,) = run("extension_versions", extensions=[part])
    assert (found.subject, found.severity, found.value) == ("My Ext", "info", "1.0")
    assert found.message == "Extension My Ext is at version 1.0, its installed files are at 1.2."
    assert found.advice.endswith('ALTER EXTENSION "My Ext" UPDATE.')
