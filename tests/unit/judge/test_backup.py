# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about backups, given what was seen of them."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup import (
    CHECKS,
    Backup,
    Flaw,
    Place,
    Reading,
    Stored,
    measurements,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup_names import (
    is_checksum_file,
    is_unfinished,
    lies_beside,
    series_of,
)

HOUR = 3600.0
GOOD = Backup("/b/a.dump", "custom", "none", size_bytes=1000, age_seconds=HOUR)


def judged(*readings: Reading, places: tuple[Place, ...] = (), **limits: dict) -> list[tuple[str, str]]:
    snapshot = {"places": places, "backups": [reading.backup for reading in readings], "readings": readings}
    findings = CHECKS.select(thresholds=limits).findings(snapshot, "/b")
    return [(finding.check, finding.severity) for finding in findings if finding.severity != "ok"]


def test_silent_about_a_good_backup():
    assert judged(Reading(GOOD, level="full")) == []


def test_only_places_without_a_backup_are_told():
    places = (Place("/b", 1), Place("/c", 0, "Nothing is there."), Place("/d", 2))
    assert judged(Reading(GOOD), places=places) == [("backup.exists", "critical")]


@pytest.mark.parametrize(
    ("hours", "severity"),
    [(25.9, None), (26, "warning"), (49.9, "warning"), (50, "critical"), (-0.05, None), (-1, "unknown")],
)
def test_age(hours, severity):
    found = judged(Reading(GOOD._replace(age_seconds=hours * HOUR)))
    assert found == ([("backup.age", severity)] if severity else [])


def test_age_of_older_ones_of_a_series_does_not_matter():
    assert judged(Reading(GOOD._replace(age_seconds=99 * 24 * HOUR, newest=False))) == []


def test_age_limits_can_be_set():
    assert judged(Reading(GOOD), **{"backup.age": {"warning": 60, "critical": 3000}}) == [("backup.age", "critical")]


@pytest.mark.parametrize(
    ("size", "before", "severity"),
    [
        (1000, (), None),
        (1000, (1000, 1100, 900), None),
        (760, (1000,), None),
        (740, (1000,), "warning"),
        (390, (1000, 1000, 10), "critical"),
        (5000, (1000,), None),
        (1000, (0, 0, 0), None),
    ],
)
def test_size_against_the_median_of_predecessors(size, before, severity):
    found = judged(Reading(GOOD._replace(size_bytes=size, predecessors=before)))
    assert found == ([("backup.size", severity)] if severity else [])


def test_empty_is_critical_and_nothing_else_is_said_about_its_size():
    assert judged(Reading(GOOD._replace(size_bytes=0, predecessors=(1000,)))) == [("backup.empty", "critical")]


def test_unreadable_is_unknown():
    assert judged(Reading(GOOD._replace(size_bytes=0, newest=False, unreadable="Permission denied"))) == [
        ("backup.readable", "unknown")
    ]


def test_nothing_there_is_critical_and_unfinished_is_mentioned():
    place = Place("/b", 0, "There is nothing at this path.", ("/b/x.part",))
    assert judged(places=(place,)) == [("backup.exists", "critical"), ("backup.unfinished", "info")]


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("structure", "critical"),
        ("complete", "critical"),
        ("content", "critical"),
        ("trailing", "warning"),
        ("changed", "warning"),
        ("level", "unknown"),
    ],
)
def test_every_kind_of_flaw_has_its_check(kind, severity):
    assert judged(Reading(GOOD, flaws=(Flaw(kind, "x"),))) == [("backup." + kind, severity)]


def test_stored_checksum_that_differs_is_critical_and_one_that_is_of_no_use_unknown():
    wrong = Stored("a.dump.sha256", "sha256", "aa", "bb")
    assert judged(Reading(GOOD, level="full", stored=(wrong,), unprotected_bytes=5)) == [
        ("backup.checksum", "critical")
    ]
    useless = Stored("a.dump.sha256", problem="It does not mention this file.")
    assert judged(Reading(GOOD, level="full", stored=(useless,))) == [("backup.checksum", "unknown")]


@pytest.mark.parametrize(
    ("reading", "severity"),
    [
        (Reading(GOOD, asked="checksum"), "unknown"),
        (Reading(GOOD, asked="full", required=True), "warning"),
        (Reading(GOOD, asked="full"), None),
        (Reading(GOOD._replace(format="base_backup"), asked="checksum"), None),
    ],
)
def test_no_stored_checksum(reading, severity):
    assert judged(reading) == ([("backup.checksum", severity)] if severity else [])


def test_content_without_a_checksum_is_degraded_a_table_of_contents_only_mentioned():
    assert judged(Reading(GOOD, level="full", unprotected_bytes=9)) == [("backup.provable", "warning")]
    assert judged(Reading(GOOD, level="full", unprotected_header_bytes=9)) == [("backup.provable", "info")]
    right = Stored("a.dump.sha256", "sha256", "aa", "aa")
    assert judged(Reading(GOOD, level="full", unprotected_bytes=9, stored=(right,))) == []
    assert judged(Reading(GOOD, level="structure", unprotected_bytes=9)) == []


def test_measurements_count_what_is_damaged():
    damaged = Reading(GOOD._replace(age_seconds=60.0, size_bytes=5), flaws=(Flaw("complete", "x"),))
    figures = measurements([GOOD, damaged.backup], [Reading(GOOD), damaged])
    assert figures == {
        "backup.count": 2,
        "backup.damaged": 1,
        "backup.size_bytes": 1005,
        "backup.newest_age_seconds": 60.0,
        "backup.newest_size_bytes": 5,
    }
    assert measurements([], []) == {"backup.count": 0, "backup.damaged": 0, "backup.size_bytes": 0}


@pytest.mark.parametrize(
    "names",
    [
        ("app-2026-11-22T0400Z.dump", "app-2026-11-23T0400Z.dump"),
        ("app.1.sql.gz", "app.12.sql.gz"),
        ("app-monday.dump", "app-Sun.dump"),
        ("app_Nov-3.dump", "app_december-14.dump"),
    ],
)
def test_one_series(names):
    assert len({series_of(name) for name in names}) == 1


@pytest.mark.parametrize(
    "names", [("app-1.dump", "users-1.dump"), ("app-1.dump", "app-1.dump.gz"), ("monitor.dump", "sunset.dump")]
)
def test_different_series(names):
    assert len({series_of(name) for name in names}) == 2


def test_names_that_are_no_backups():
    assert all(map(is_unfinished, (".a.dump", "a.dump.part", "a.TMP", "a.sql~")))
    assert not is_unfinished("party.dump")
    assert all(map(is_checksum_file, ("SHA256SUMS", "a.dump.sha512", "sha512sums.txt")))
    assert all(map(lies_beside, ("a.dump.json", "backup.log", "README.md")))
    assert not any(map(lies_beside, ("a.sql", "a.dump", "a", "data.csv.gz")))
