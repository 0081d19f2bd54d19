# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster it is, what was set, who may log in, what runs, and how much WAL there is."""

from __future__ import annotations

import zlib

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.interval import Interval
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres_server import settings_figures
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import CLOCK, NOTHING_BEFORE, SERVER, answers, database, run

DAY = 86400.0
IDENTIFIER = 7561234567890123456


def before(**figures):
    """An interval whose earlier result had these figures; dots in their names are written as two underscores."""
    named = {name.replace("__", "."): figure for name, figure in figures.items()}
    return Interval({CLOCK: 2000.0}, {CLOCK: 1000.0, **named}, CLOCK)


@pytest.mark.parametrize(
    ("interval", "standby", "told"),
    [
        (NOTHING_BEFORE, False, []),
        (before(pg__system_identifier=IDENTIFIER, pg__standby=0), False, []),
        (before(pg__system_identifier=float(IDENTIFIER)), True, []),
        (before(pg__system_identifier=str(IDENTIFIER), pg__standby="1"), True, []),
        (before(pg__system_identifier=IDENTIFIER - 10**6), False, [("cluster", str(IDENTIFIER))]),
        (before(pg__system_identifier=IDENTIFIER - 10**6, pg__standby=1), False, [("cluster", str(IDENTIFIER))]),
        (before(pg__system_identifier=IDENTIFIER, pg__standby=1), False, [("role", "primary")]),
        (before(pg__standby=0), True, [("role", "standby")]),
    ],
)
def test_identity(interval, standby, told):
    found = run(
        "identity",
        identity=Row(system_identifier=IDENTIFIER),
        server=SERVER.but(standby=standby),
        interval=interval,
    )
    assert [(f.subject, f.value) for f in found] == told
    assert {f.severity for f in found} <= {"warning"}


def test_a_promotion_is_told():
    (found,) = run(
        "identity",
        identity=Row(system_identifier=IDENTIFIER),
        server=SERVER,
        interval=before(pg__standby=1),
    )
    assert found.message == "This server was a standby at the last look and is a primary now."
    (found,) = run(
        "identity",
        identity=Row(system_identifier=IDENTIFIER),
        server=SERVER.but(standby=True),
        interval=before(pg__standby=0),
    )
    assert found.message == "This server was a primary at the last look and is a standby now."


def setting(name, value, kind="string", unit=""):
    return Row(name=name, value=value, type=kind, unit=unit)


SETTINGS = [
    setting("work_mem", "65536", "integer", "kB"),
    setting("random_page_cost", "1.1", "real"),
    setting("jit", "off", "bool"),
    setting("fsync", "on", "bool"),
    setting("wal_level", "logical", "enum"),
    setting("listen_addresses", "*"),
    setting("primary_conninfo", "password=hunter2"),
    setting("ssl_passphrase_command", "echo hunter2"),
    setting("vendor.token", "hunter2"),
    setting("vendor.mode", "fast", "enum"),
]


def test_figures_of_settings_hold_no_secret():
    assert settings_figures(SETTINGS) == {
        "pg.settings.count": 10,
        "pg.setting.work_mem": 65536.0,
        "pg.setting.random_page_cost": 1.1,
        "pg.setting.jit": 0,
        "pg.setting.fsync": 1,
        "pg.setting.wal_level": zlib.crc32(b"logical"),
        "pg.setting.listen_addresses": zlib.crc32(b"*"),
        "pg.setting.vendor.mode": zlib.crc32(b"fast"),
    }


def changed(old, new):
    figures = {name.replace(".", "__"): figure for name, figure in settings_figures(old).items()}
    return run("settings_changed", configuration=new, interval=before(**figures))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ([], [], None),
        (SETTINGS, SETTINGS, None),
        (
            [setting("work_mem", "4096", "integer", "kB")],
            [setting("work_mem", "65536", "integer", "kB")],
            "work_mem was changed from 4096 to 65536 kB since the last look.",
        ),
        (
            [setting("random_page_cost", "4", "real")],
            [setting("random_page_cost", "1.1", "real")],
            "random_page_cost was changed from 4 to 1.1 since the last look.",
        ),
        (
            [setting("jit", "on", "bool")],
            [setting("jit", "off", "bool")],
            "jit was changed to off since the last look.",
        ),
        ([], [setting("jit", "off", "bool")], "jit was set to off since the last look."),
        ([], [setting("listen_addresses", "*")], "listen_addresses was set since the last look."),
        ([setting("jit", "off", "bool")], [], "jit was set back to its default since the last look."),
        (
            [setting("wal_level", "replica", "enum")],
            [setting("wal_level", "logical", "enum")],
            "wal_level was changed since the last look.",
        ),
        ([setting("vendor.token", "old")], [setting("vendor.token", "new")], None),
    ],
)
def test_settings_that_changed(old, new, told):
    assert [(f.severity, f.message) for f in changed(old, new)] == ([("info", told)] if told else [])


def test_several_settings_are_told_by_name_and_what_is_the_same_hides_none():
    found = changed([SETTINGS[3], SETTINGS[4]], [SETTINGS[4], SETTINGS[0], SETTINGS[2]])
    assert [f.subject for f in found] == ["fsync", "jit", "work_mem"]


def test_settings_say_nothing_after_a_look_that_left_them_out():
    assert run("settings_changed", configuration=SETTINGS, interval=before(pg__standby=0)) == []
    assert run("settings_changed", configuration=SETTINGS) == []


def role(days, name="app"):
    return Row(name=name, name_quoted=name, left_seconds=days * DAY)


@pytest.mark.parametrize(
    ("days", "severity", "told"),
    [
        (15, "ok", "ends in 15 d."),
        (14, "warning", "ends in 14 d."),
        (-0.5, "warning", "ended 12 h ago: it can no longer log in with it."),
        (-7, "warning", "ended 7 d ago"),
    ],
)
def test_roles_that_end(days, severity, told):
    (found,) = answers("role_expiry", roles=[role(days)])
    assert (found.subject, found.severity, found.value) == ("app", severity, days)
    assert f"The password of role app {told}" in found.message


def test_a_role_that_ended_long_ago_was_meant_to_and_hides_no_other():
    assert [f.subject for f in run("role_expiry", roles=[role(-7.1, "gone"), role(1)])] == ["app"]


@pytest.mark.parametrize(
    ("used", "severity"), [(0.0, "ok"), (24.9, "ok"), (25.0, "warning"), (74.9, "warning"), (75.0, "critical")]
)
def test_queue_of_notifications(used, severity):
    (found,) = answers("notify_queue", notifications=Row(used_percent=used))
    assert (found.subject, found.severity, found.value) == ("server", severity, used)


def running(seconds, **fields):
    usual = Row(
        pid=7,
        kind="VACUUM",
        phase="scanning heap",
        done=50,
        total=200,
        database="shop",
        relation="public.orders",
        seconds=seconds,
    )
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("seconds", "severity"),
    [(599.0, "ok"), (600.0, "info"), (DAY - 1, "info"), (DAY, "warning")],
)
def test_maintenance_that_runs(seconds, severity):
    (found,) = answers("maintenance_running", progress=[running(seconds)])
    assert (found.subject, found.severity, found.value) == ("VACUUM 7", severity, seconds)
    assert found.message.startswith("VACUUM of public.orders in database shop has been running for ")
    assert found.message.endswith(": scanning heap, 25 %.")


def test_the_longest_maintenance_first_and_what_cannot_be_told_left_out():
    backup = running(9000.0, pid=8, kind="base backup", database=None, relation=None, total=None, done=5)
    copy = running(10000.0, pid=9, kind="COPY FROM", relation=None, total=0, done=5, phase="copying")
    found = run("maintenance_running", progress=[backup, copy])
    assert [f.message for f in found] == [
        "COPY FROM in database shop has been running for 2 h 46 min: copying.",
        "base backup has been running for 2 h 30 min: scanning heap.",
    ]


@pytest.mark.parametrize(
    ("gigabytes", "meant", "severity"), [(8, 4, "warning"), (7.9, 4, "ok"), (4, 1, "warning"), (3.9, 1, "ok")]
)
def test_size_of_wal(gigabytes, meant, severity):
    (found,) = answers("wal_size", wal=Row(files=512, bytes=gigabytes * 1024**3, expected_bytes=meant * 1024**3))
    assert (found.subject, found.severity, found.value) == ("pg_wal", severity, 100.0 * gigabytes / meant)
    assert "512 files of WAL take" in found.message


@pytest.mark.parametrize(("limits", "severity"), [(None, "ok"), ({"warning": 1000}, "warning")])
def test_size_of_the_database(limits, severity):
    found = answers("database_size", limits, databases=[database(name="other", size_bytes=None), database()])
    assert [(f.subject, f.severity, f.value) for f in found] == [("shop", severity, 1000)]
