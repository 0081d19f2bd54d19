# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters: as rates where an earlier result is known, since statistics began where it is not."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import SERVER, after, answers, database, run

GIGABYTE = 1024**3


@pytest.mark.parametrize(
    ("check", "counter", "grown", "seconds", "severity"),
    [
        ("deadlocks", "deadlocks", 4, 60, "ok"),
        ("deadlocks", "deadlocks", 5, 60, "warning"),
        ("deadlocks", "deadlocks", 5, 120, "ok"),
        ("temporary_files", "temporary_bytes", 10 * GIGABYTE - 1, 3600, "ok"),
        ("temporary_files", "temporary_bytes", 10 * GIGABYTE, 3600, "warning"),
        ("temporary_files", "temporary_bytes", GIGABYTE, 360, "warning"),
        ("temporary_files", "temporary_bytes", GIGABYTE - 1, 60, "ok"),
        ("recovery_conflicts", "conflicts", 9, 3600, "ok"),
        ("recovery_conflicts", "conflicts", 10, 3600, "warning"),
        ("recovery_conflicts", "conflicts", 5, 1800, "warning"),
    ],
)
def test_rate(check, counter, grown, seconds, severity):
    interval = after(seconds, **{f"pg__database__shop__{counter}": grown})
    found = answers(check, databases=[database()], interval=interval, standby=Row())
    assert [(finding.subject, finding.severity) for finding in found] == [("shop", severity)]


@pytest.mark.parametrize("check", ["deadlocks", "temporary_files", "recovery_conflicts"])
def test_nothing_is_said_of_a_rate_without_an_earlier_result(check):
    found = answers(
        check, databases=[database(deadlocks=10**6, temporary_bytes=10**15, conflicts=10**6)], standby=Row()
    )
    assert [(finding.subject, finding.severity) for finding in found] == [("server", "ok")]


@pytest.mark.parametrize(
    ("check", "counter", "grown", "told"),
    [
        ("deadlocks", "deadlocks", 7, "7 deadlocks in database shop in the last 1 min"),
        ("temporary_files", "temporary_bytes", 2 * GIGABYTE, "wrote 2 GB of temporary files in the last 1 min (120 GB"),
        ("recovery_conflicts", "conflicts", 1, "1 query was in database shop cancelled"),
        ("recovery_conflicts", "conflicts", 2, "2 queries were in database shop cancelled"),
    ],
)
def test_rate_is_told_with_its_growth(check, counter, grown, told):
    interval = after(60, **{f"pg__database__shop__{counter}": grown})
    found = run(check, databases=[database()], interval=interval, standby=Row())
    assert told in found[0].message


@pytest.mark.parametrize(
    ("check", "fields", "severity"),
    [
        ("rollbacks", {"commits": 901, "rollbacks": 99}, "ok"),
        ("rollbacks", {"commits": 900, "rollbacks": 100}, "warning"),
        ("rollbacks", {"commits": 800, "rollbacks": 200}, "critical"),
        ("rollbacks", {"commits": 0, "rollbacks": 999}, "ok"),
        ("cache_hit", {"blocks_hit": 910000, "blocks_read": 90000}, "ok"),
        ("cache_hit", {"blocks_hit": 900000, "blocks_read": 100000}, "warning"),
        ("cache_hit", {"blocks_hit": 0, "blocks_read": 999999}, "ok"),
    ],
)
def test_share_since_statistics_began(check, fields, severity):
    found = answers(check, databases=[database(**fields)])
    assert [(finding.subject, finding.severity) for finding in found] == [("shop", severity)]
    assert "since statistics began" in found[0].message


@pytest.mark.parametrize(
    ("check", "good", "bad"), [("rollbacks", "commits", "rollbacks"), ("cache_hit", "blocks_hit", "blocks_read")]
)
def test_share_in_an_interval(check, good, bad):
    """What was before does not count, however good it was."""
    grown = {f"pg__database__shop__{name}": rows for name, rows in ((good, 600000), (bad, 400000))}
    found = run(check, databases=[database(**{good: 10**9, bad: 1})], interval=after(7200, **grown))
    assert [finding.value for finding in found] == [40.0 if check == "rollbacks" else 60.0]
    assert "in the last 2 h" in found[0].message
    assert "of 1 000 000" in found[0].message


@pytest.mark.parametrize("check", ["rollbacks", "cache_hit"])
def test_nothing_is_said_of_a_database_that_nobody_uses(check):
    assert [finding.subject for finding in answers(check, databases=[database()])] == ["server"]


@pytest.mark.parametrize(
    ("started", "seconds", "found"), [(990.0, 3600, 1), (990.0, 11, 1), (990.0, 10, 0), (0.0, 100, 0)]
)
def test_restart(started, seconds, found):
    told = run("restart", server=SERVER.but(started=started), interval=after(seconds))
    assert [finding.severity for finding in told] == ["warning"] * found
    if told:
        assert "started 10 s ago" in told[0].message


def test_no_restart_is_told_without_an_earlier_result():
    assert run("restart", server=SERVER.but(started=999.0)) == []


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({}, "warning"),
        ({"mean_seconds": 0.99}, "ok"),
        ({"calls": 4}, "ok"),
        ({"total_seconds": 4.9}, "ok"),
    ],
)
def test_slow_statements(fields, severity):
    usual = Row(id=77, user="app", calls=5, mean_seconds=1.0, total_seconds=5.0, query="SELECT   slow")
    found = answers("slow_statements", statements=[usual.but(**fields)])
    assert [(finding.subject, finding.severity) for finding in found] == [("statement 77", severity)]
    assert "5 calls of app" in found[0].message or fields
    assert found[0].message.endswith("SELECT slow")


@pytest.mark.parametrize(
    ("failures", "seconds", "severity", "told"),
    [
        (None, None, None, ""),
        (0, None, "ok", "0 checksum failures in shop."),
        (1, None, "critical", "1 checksum failure in shop: data on disk is damaged."),
        (3, 60.0, "critical", "3 checksum failures in shop: data on disk is damaged, the last 1 min ago."),
    ],
)
def test_checksum_failures(failures, seconds, severity, told):
    part = database(checksum_failures=failures, checksum_failure_seconds=seconds)
    found = [f for f in answers("checksum_failures", databases=[part]) if f.subject == "shop"]
    assert [(finding.severity, finding.message) for finding in found] == ([(severity, told)] if severity else [])
