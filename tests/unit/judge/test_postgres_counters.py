# SPDX-License-Identifier: GPL-3.0-or-later
"""What is only judged as a rate since an earlier look."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import after, answers, database, run


def ended(begun, vanished, fatal):
    return after(
        600,
        pg__database__shop__sessions=begun,
        pg__database__shop__sessions_abandoned=vanished,
        pg__database__shop__sessions_fatal=fatal,
    )


@pytest.mark.parametrize(
    ("begun", "vanished", "fatal", "severity"),
    [
        (500, 50, 50, "warning"),
        (501, 50, 50, "ok"),
        (50, 49, 0, "ok"),
        (50, 50, 0, "warning"),
        (250, 0, 50, "warning"),
    ],
)
def test_sessions_that_ended_badly(begun, vanished, fatal, severity):
    (found,) = answers("lost_sessions", databases=[database()], interval=ended(begun, vanished, fatal))
    assert (found.subject, found.severity, found.value) == (
        "shop",
        severity,
        round(100.0 * (vanished + fatal) / begun, 4),
    )


def test_what_ended_badly_is_told():
    (found,) = run("lost_sessions", databases=[database()], interval=ended(500, 60, 70))
    assert found.message == (
        "Of 500 sessions in database shop in the last 10 min, 60 lost their client and 70 were ended by an error."
    )


@pytest.mark.parametrize("missing", ["sessions", "sessions_abandoned", "sessions_fatal"])
def test_a_database_without_earlier_figures_does_not_hide_the_next(missing):
    names = {"sessions": 500, "sessions_abandoned": 300, "sessions_fatal": 0}
    grown = {f"pg__database__shop__{name}": growth for name, growth in names.items()}
    new = {f"pg__database__new__{name}": growth for name, growth in names.items() if name != missing}
    found = run("lost_sessions", databases=[database(name="new"), database()], interval=after(600, **grown, **new))
    assert [f.subject for f in found] == ["shop"]


@pytest.mark.parametrize(("evictions", "severity"), [(59, "ok"), (60, "warning")])
def test_statements_that_are_forgotten(evictions, severity):
    interval = after(3600, pg__statements__evictions=evictions)
    (found,) = answers("statements_evicted", evictions=Row(evictions=0), interval=interval)
    assert (found.subject, found.severity, found.value) == ("pg_stat_statements", severity, evictions)
    assert f"{evictions} times in the last 1 h" in found.message
    assert run("statements_evicted", evictions=Row(evictions=10**6)) == []


@pytest.mark.parametrize(("reads", "severity"), [(9999, "ok"), (10000, "warning")])
def test_small_caches(reads, severity):
    caches = [Row(name="Subtrans", reads=0), Row(name="Xact", reads=0)]
    (found,) = answers("slru", slru=caches, interval=after(10, pg__slru__Xact__reads=reads))
    assert (found.subject, found.severity, found.value) == ("Xact", severity, reads / 10)
    assert "'Xact' were not in memory in the last 10 s, 1 000 a second" in found.message


def subscription(**fields):
    usual = Row(name="copy", name_quoted="copy", database="shop", enabled=True, works=True, errors=5)
    return usual.but(**fields)


@pytest.mark.parametrize(
    ("fields", "errors", "severity", "told"),
    [
        ({}, 0, None, ""),
        ({}, None, None, ""),
        ({}, 3, "warning", "fails again and again (3 errors since the last look)."),
        ({"works": False}, None, "warning", "is enabled, but no worker runs for it."),
        ({"works": False}, 1, "warning", "is enabled, but no worker runs for it (1 error since the last look)."),
        ({"works": False, "enabled": False}, None, "info", "is disabled: it receives nothing"),
    ],
)
def test_subscriptions(fields, errors, severity, told):
    interval = after(60, **({} if errors is None else {"pg__subscription__copy__errors": errors}))
    found = run("subscriptions", subscriptions=[subscription(name="fine"), subscription(**fields)], interval=interval)
    assert [(f.subject, f.severity) for f in found] == ([("copy", severity)] if severity else [])
    assert told in "".join(f.message for f in found)
