# SPDX-License-Identifier: GPL-3.0-or-later
"""How DuckDB files are judged from what was seen of them."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.duckdb import (
    ABSENT,
    CHECKS,
    DAMAGED,
    DENIED,
    FAILED,
    GB,
    HELD,
    LATE,
    MB,
    NEWER,
    OPENED,
    Database,
    Limits,
    Owner,
    measurements,
    size_of,
)

PATH = "/srv/analytics.duckdb"


def database(outcome=OPENED, **fields) -> Database:
    return Database(**{"path": PATH, "now": 1000.0, "outcome": outcome, "bytes": GB, "written_at": 900.0, **fields})


def judged(check, *databases, limits=None, thresholds=None):
    selection = CHECKS.select([check], thresholds=thresholds or {})
    snapshot = {"databases": databases, "limits": limits or Limits()}
    return [f for f in selection.findings(snapshot, "all") if f.severity != "ok"]


def told(*given, **options):
    return [(finding.subject, finding.severity) for finding in judged(*given, **options)]


@pytest.mark.parametrize("check", list(CHECKS.checks))
def test_a_sound_file_is_left_in_peace(check):
    assert told(check, database(probe_seconds=0.1)) == []


@pytest.mark.parametrize("check", list(CHECKS.checks))
@pytest.mark.parametrize("outcome", [ABSENT, DENIED])
def test_only_one_check_speaks_of_a_file_that_is_not_there_or_not_ours(check, outcome):
    expected = {ABSENT: "critical", DENIED: "unknown"}[outcome]
    assert told(check, database(outcome, text="why", bytes=0)) == (
        [(PATH, expected)] if check == "duckdb.exists" else []
    )


@pytest.mark.parametrize(
    ("outcome", "severity"),
    [(HELD, "info"), (DAMAGED, "critical"), (NEWER, "unknown"), (LATE, "warning"), (FAILED, "unknown")],
)
def test_opening(outcome, severity):
    (found,) = judged("opens", database(outcome, text="why {0}"))
    assert (found.severity, bool(found.advice)) == (severity, True)
    assert ("why {0}" in found.message) is (outcome != HELD)


def test_who_holds_a_file():
    assert "process 7 (api) holds it" in judged("opens", database(HELD, owner=Owner(7, "api")))[0].message
    assert "another process holds it" in judged("opens", database(HELD))[0].message
    (found,) = judged("owner", database(HELD, owner=Owner(7, stopped=True)))
    assert found.severity == "critical"
    assert found.message.startswith("Process 7 holds the file but is stopped")
    assert told("owner", database(HELD, owner=Owner(7))) == []


def test_tables():
    found = told("tables", database(damaged=(("main.t", "checksum"),), unfinished=2, tables=5))
    assert found == [(PATH + ": main.t", "critical"), (PATH, "unknown")]


@pytest.mark.parametrize(("seconds", "severity"), [(5.0, "warning"), (30.0, "critical")])
def test_a_slow_probe(seconds, severity):
    assert told("probe", database(probe_seconds=seconds)) == [(PATH, severity)]


def test_a_probe_that_fails():
    assert told("probe", database(probe_error="no such table")) == [(PATH, "critical")]


def test_size_has_no_limit_but_ones_own():
    assert told("size", database()) == []
    assert told("size", database(), thresholds={"size": {"warning": MB}}) == [(PATH, "warning")]


def test_free_blocks():
    assert told("free_blocks", database(bytes=4 * GB, free_bytes=3 * GB)) == [(PATH, "warning")]
    assert told("free_blocks", database(bytes=GB, free_bytes=GB - MB)) == []
    assert told("free_blocks", database(bytes=0, free_bytes=0)) == []
    assert told("free_blocks", database(HELD, bytes=4 * GB, free_bytes=3 * GB)) == []


def test_the_log():
    assert told("wal_size", database(HELD, wal_bytes=256 * MB)) == [(PATH, "warning")]
    assert told("wal_size", database(HELD, wal_bytes=GB)) == [(PATH, "critical")]
    old = {"wal_bytes": 2 * MB, "now": 200000.0, "written_at": 1.0}
    assert told("checkpoint_age", database(HELD, **old)) == [(PATH, "warning")]
    assert told("checkpoint_age", database(HELD, **{**old, "now": 700000.0})) == [(PATH, "critical")]
    assert told("checkpoint_age", database(HELD, **{**old, "wal_bytes": 100})) == []
    assert told("checkpoint_age", database(HELD, **{**old, "wal_bytes": 0})) == []


def test_a_log_that_nobody_writes():
    assert told("wal_leftover", database(wal_bytes=100, wal_written_at=2000.0)) == [(PATH, "warning")]
    assert told("wal_leftover", database(HELD, wal_bytes=100)) == []


@pytest.mark.parametrize(
    ("used", "limits", "severity"),
    [
        (74 * MB, Limits(memory_bytes=100 * MB), None),
        (75 * MB, Limits(memory_bytes=100 * MB), "warning"),
        (90 * MB, Limits(memory_bytes=100 * MB), "critical"),
        (64 * MB, Limits(host_memory_bytes=100 * MB), "warning"),
        (64 * MB, Limits(), None),
        (None, Limits(memory_bytes=1), None),
    ],
)
def test_memory(used, limits, severity):
    found = told("memory", database(HELD, owner=Owner(7, "api", used)), limits=limits)
    assert found == ([(PATH, severity)] if severity else [])


def test_memory_says_which_limit():
    owner = Owner(7, "api", 90)
    assert "its limit of 100 B" in judged("memory", database(HELD, owner=owner), limits=Limits(100))[0].message
    assert (
        "DuckDB's default limit"
        in judged("memory", database(HELD, owner=owner), limits=Limits(None, None, 1, 100))[0].message
    )


def test_threads():
    assert told("threads", limits=Limits(threads=4, processors=4)) == []
    assert told("threads", limits=Limits(threads=6, processors=4)) == [("threads", "warning")]
    assert told("threads", limits=Limits(threads=12, processors=4)) == [("threads", "critical")]


def test_temporary_files():
    full = {"temporary_bytes": 10 * GB, "temporary_files": 3}
    assert told("temporary_size", database(HELD, **full)) == [(PATH, "warning")]
    assert told("temporary_leftover", database(HELD, **full)) == []
    assert told("temporary_leftover", database(**full)) == [(PATH, "info")]


def test_measurements():
    one = database(probe_seconds=0.25, tables=3, open_seconds=0.1)
    assert measurements([one]) == {
        "duckdb.analytics.opened": 1,
        "duckdb.analytics.in_use": 0,
        "duckdb.analytics.bytes": GB,
        "duckdb.analytics.wal_bytes": 0,
        "duckdb.analytics.temporary_bytes": 0,
        "duckdb.analytics.tables": 3,
        "duckdb.analytics.free_bytes": 0,
        "duckdb.analytics.open_seconds": 0.1,
        "duckdb.analytics.probe_seconds": 0.25,
    }
    held = measurements([database(HELD, owner=Owner(7, "", 5, 2))])
    assert (held["duckdb.analytics.owner_memory_bytes"], held["duckdb.analytics.owner_threads"]) == (5, 2)
    assert measurements([database(ABSENT, path="a b", owner=Owner(7))]) == {
        "duckdb.a_b.opened": 0,
        "duckdb.a_b.in_use": 0,
    }


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4e9),
        ("512 MiB", 512 * MB),
        ("1.5tb", 1.5e12),
        ("100", 100),
        ("much", None),
        ("4 apples", None),
        ("", None),
    ],
)
def test_sizes_as_duckdb_writes_them(text, size):
    assert size_of(text) == size
