# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, space and programs of a dump that is to be taken."""

from __future__ import annotations

from collections import namedtuple

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError, Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.backup_plan import (
    Names,
    Place,
    Source,
    choose_program,
    dump_pattern,
    estimated_bytes,
    failure_advice,
    names_of,
    part_pattern,
    plan_dump,
    safe_name,
)

Program = namedtuple("Program", "path major version")
SOURCE = Source("app", "17.5", 17, 1000)
NAMES = names_of("app", "custom", "20261123T020000Z")


@pytest.mark.parametrize(
    ("database", "name"), [("app", "app"), ("a b/c", "a_b_c"), ("../x", "_x"), ("-rf", "rf"), ("...", "database")]
)
def test_name_of_a_database(database, name):
    assert safe_name("", database) == name


@pytest.mark.parametrize("wish", ["app", "7", "_x", "nightly-1.2", "ключ", "x" * 151])
def test_good_names_are_taken_as_they_are(wish):
    assert safe_name(wish, "other") == wish


@pytest.mark.parametrize("wish", ["x" * 152, "../x", "-x", ".x", "a/b", "a\n", "a b", "x" * 200])
def test_bad_names_are_refused(wish):
    with pytest.raises(InputError):
        safe_name(wish, "app")


def test_unfinished_dumps_of_this_name_only():
    part = Names.part(NAMES.dump)
    assert part == ".app-20261123T020000Z.dump.part"
    assert part_pattern("app").match(part).group(1) == "app-20261123T020000Z"
    for other in (NAMES.dump, part[1:], ".app-x-20261123T020000Z.dump.part", ".app-20261123T020000Z.dump.sha256.part"):
        assert not part_pattern("app").match(other)
    assert not part_pattern("a.p").match(part)
    assert dump_pattern("app").match(NAMES.dump)
    assert not dump_pattern("app").match(NAMES.dump + ".sha256")


@pytest.mark.parametrize(("majors", "chosen"), [((18, 17, 16), 17), ((18,), 18), ((16, 15), None), ((), None)])
def test_the_oldest_program_that_is_not_older_than_the_server(majors, chosen):
    programs = [Program(f"/{major}", major, f"{major}.1") for major in majors]
    if chosen:
        assert choose_program(programs, "pg_dump", SOURCE).major == chosen
    else:
        with pytest.raises(Refused) as caught:
            choose_program(programs, "pg_dump", SOURCE)
        assert "postgresql-client-17" in caught.value.text


def test_plan_removes_then_dumps():
    place = Place("/b", 10_000, 20_000, leftovers=("/b/.app-1.dump.part",))
    plan = plan_dump(SOURCE, place, NAMES, True, 5)
    assert [(step.action, step.subject) for step in plan] == [
        ("remove", "/b/.app-1.dump.part"),
        ("dump", "/b/app-20261123T020000Z.dump"),
        ("dump_globals", "/b/app-20261123T020000Z.globals.sql"),
    ]
    assert plan[1].details["estimated_size_bytes"] == 1000


def test_room_counts_what_will_be_removed_first():
    assert estimated_bytes(SOURCE, Place("/b", 0, 0, previous_bytes=300)) == 399
    tight = Place("/b", 1500, 20_000)
    with pytest.raises(Refused) as caught:
        plan_dump(SOURCE, tight, NAMES, True, 5)
    assert "needed" in caught.value.message
    assert plan_dump(SOURCE, tight._replace(leftover_bytes=500), NAMES, False, 5)
    assert plan_dump(SOURCE, tight, NAMES, False, 2.5)


@pytest.mark.parametrize(
    ("said", "code", "advice"),
    [
        ("could not write to file: No space left on device", 1, "disk is full"),
        ("ERROR:  canceling statement due to statement timeout", 1, "lock_timeout"),
        ("permission denied for table pg_authid", 1, "role_passwords"),
        ("permission denied for table x", 1, "pg_read_all_data"),
        ("", -9, "signal"),
        ("what?", 1, "log"),
    ],
)
def test_advice_when_it_fails(said, code, advice):
    assert advice in failure_advice(said, code)
