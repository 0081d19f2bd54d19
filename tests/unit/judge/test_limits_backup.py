# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the judgement on a backup, and on a dump that is to be taken, turns."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError, Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup import (
    CHECKS,
    Backup,
    Place,
    Reading,
    Stored,
    measurements,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup_plan import Place as Target
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup_plan import (
    Source,
    choose_program,
    estimated_bytes,
    failure_advice,
    names_of,
    plan_dump,
    safe_name,
)

GOOD = Backup("/b/a.dump", "custom", "none", size_bytes=1000, age_seconds=3600.0)
SOURCE = Source("app", "17.5", 17, 1000)
NAMES = names_of("app", "custom", "20261123T020000Z")


def told(check, *backups, readings=()):
    snapshot = {"places": (), "backups": backups, "readings": readings}
    return [f for f in CHECKS.select([check]).findings(snapshot, "/b") if f.subject != "/b"]


@pytest.mark.parametrize(("age", "severity", "value"), [(-300, "ok", 0), (-300.5, "unknown", -300.5), (0, "ok", 0)])
def test_five_minutes_of_clocks_that_differ_are_forgiven(age, severity, value):
    (found,) = told("age", GOOD._replace(age_seconds=age))
    assert (found.severity, found.value) == (severity, value)


@pytest.mark.parametrize(
    ("size", "before", "severity"),
    [(750, (1000,), "warning"), (751, (1000,), "ok"), (400, (1000,), "critical"), (401, (1000,), "warning")],
)
def test_size(size, before, severity):
    (found,) = told("size", GOOD._replace(size_bytes=size, predecessors=before))
    assert (found.severity, found.value) == (severity, size / 10)


@pytest.mark.parametrize(
    "fields", [{"newest": False}, {"size_bytes": 0}, {"predecessors": ()}, {"predecessors": (0, 0, 9)}]
)
def test_what_cannot_be_compared_does_not_keep_the_next_from_being_compared(fields):
    usual = GOOD._replace(predecessors=(1000,))
    assert [f.subject for f in told("size", usual._replace(**fields), usual._replace(path="/b/c"))] == ["/b/c"]


def test_the_smallest_size_is_one_to_compare_with():
    assert told("size", GOOD._replace(size_bytes=1, predecessors=(1,)))[0].value == 100


@pytest.mark.parametrize("fields", [{"newest": False}, {"age_seconds": -9000}])
def test_every_series_has_its_age(fields):
    found = told("age", GOOD._replace(**fields), GOOD._replace(path="/b/c", age_seconds=99 * 3600))
    assert found[-1].subject == "/b/c" and found[-1].severity == "critical"


def test_an_empty_backup_has_the_value_nothing():
    (found,) = told("empty", GOOD._replace(size_bytes=0), GOOD._replace(size_bytes=1))
    assert found.value == 0


@pytest.mark.parametrize(
    ("expected", "actual", "differs", "compared"),
    [("aa", "bb", True, False), ("aa", "aa", False, True), ("aa", "", False, False), ("", "aa", False, True)],
)
def test_only_what_was_stored_and_read_can_differ(expected, actual, differs, compared):
    stored = Stored("a.sha256", "sha256", expected, actual)
    assert (stored.differs, Reading(GOOD, stored=(stored,)).compared) == (differs, compared)


def test_one_checksum_of_several_that_is_no_good_proves_nothing():
    right = Stored("a.sha256", "sha256", "aa", "aa")
    assert not Reading(GOOD, stored=(right, Stored("b", problem="odd"))).compared
    assert not Reading(GOOD, stored=(right, Stored("b", "sha512", "aa", "bb"))).compared


def test_checksums_are_told_by_their_first_twelve_characters():
    stored = Stored("a.sha256", "sha256", "0123456789abcdef", "fedcba9876543210")
    (found,) = told("checksum", readings=(Reading(GOOD, stored=(stored,)),))
    assert "0123456789ab… is stored, fedcba987654… was read" in found.message


def test_a_backup_that_proves_nothing_says_how_much():
    (found,) = told("provable", readings=(Reading(GOOD, level="full", unprotected_bytes=9),))
    assert (found.value, found.severity) == (9, "warning")
    (found,) = told("provable", readings=(Reading(GOOD, level="full", unprotected_header_bytes=1),))
    assert (found.value, found.severity) == (1, "info")
    readings = (Reading(GOOD), Reading(GOOD._replace(path="/b/c"), level="full", unprotected_bytes=1))
    assert [f.subject for f in told("provable", readings=readings)] == ["/b/c"]


def test_what_nothing_is_known_of_is_nothing():
    assert Backup("/b")[3:6] == (0, 0.0, 1)
    assert Reading(GOOD)[-2:] == (0, 0)
    assert Place("/b", 0).unfinished == ()
    assert Target("/b", 5, 9)[3:5] == (0, 0)


def test_the_age_of_the_newest_is_kept_to_a_tenth_of_a_second():
    figures = measurements([GOOD._replace(age_seconds=12.3456)], [])
    assert figures["backup.newest_age_seconds"] == 12.3


def test_length_of_a_name():
    assert safe_name("x" * 151, "app") == "x" * 151
    with pytest.raises(InputError):
        safe_name("x" * 152, "app")


@pytest.mark.parametrize(("previous", "needed"), [(0, 1000), (1, 1), (100, 133), (1000, 1330)])
def test_a_third_more_than_last_time(previous, needed):
    assert estimated_bytes(SOURCE, Target("/b", 0, 0, previous_bytes=previous)) == needed


def test_room_that_is_just_enough():
    just = Target("/b", 2000, 10_000)
    assert plan_dump(SOURCE, just, NAMES, False, 10)
    with pytest.raises(Refused) as caught:
        plan_dump(SOURCE, just._replace(free_bytes=1999), NAMES, False, 10)
    assert caught.value.message == "/b has 1.95 kB free; about 1 000 B are needed, and 10 % (1 000 B) are to stay free."


def test_the_oldest_program_is_named_when_none_is_new_enough():
    class Program:
        def __init__(self, major):
            self.major, self.version = major, f"{major}.1"

    with pytest.raises(Refused, match=r"pg_dump 16.1 is older than the server \(17.5\)"):
        choose_program([Program(16), Program(15)], "pg_dump", SOURCE)


@pytest.mark.parametrize(("code", "signal"), [(None, False), (0, False), (1, False), (-1, True), (-9, True)])
def test_a_signal_is_a_return_code_below_zero(code, signal):
    assert ("signal" in failure_advice("?", code)) is signal
