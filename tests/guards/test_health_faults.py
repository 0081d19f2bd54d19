# SPDX-License-Identifier: GPL-3.0-or-later
"""``docs/health-faults.md`` names only checks and tests that exist, and leaves out no check."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from docs.generate import registers
from tests.support.documents import exists, named_tests, table_rows
from tests.support.sources import REPOSITORY, read_yaml

REGISTERS = registers()
CHECKS = {name for register in REGISTERS.values() for name in register.checks}
SECTIONS = {
    section.partition("\n")[0]: table_rows(section)
    for section in (REPOSITORY / "docs" / "health-faults.md").read_text().split("\n## ")[1:]
}
# What the lab breaks is data, and so is what has to be found then.
LAB = "molecule/shared/tests/broken/test_faults.py::test_the_fault_is_found"
SCENARIOS = sorted((REPOSITORY / "molecule").glob("*/inventory/group_vars/all/faults.yml"))
AT_LEAST = 60


class Row(NamedTuple):
    check: str
    fault: str
    on: str
    tests: str


ROWS = [Row(cells[0].strip("`"), *cells[1:]) for cells in SECTIONS["Faults"]]
MISSING = {check.strip("`"): why for check, why in SECTIONS["Not yet injected"]}
SILENT = {prefix.strip("`"): tests for prefix, _system, tests in SECTIONS["Silence"]}


def found_in_the_lab() -> set[str]:
    faults = [fault for path in SCENARIOS for fault in read_yaml(path)["lab_faults"]]
    return {finding["check"] for fault in faults for finding in fault["finds"]}


def complaints(row: Row) -> list[str]:
    found = [] if row.check in CHECKS else [f"there is no check {row.check}"]
    found += [] if row.fault and row.on else ["what is broken, and on what?"]
    found += [] if named_tests(row.tests) else ["no test is named"]
    for test in named_tests(row.tests):
        if not exists(test):
            found.append(f"there is no test {test}")
        elif not test.startswith(("tests/integration/", "molecule/")):
            found.append(f"{test} has no real system")
        elif row.check in CHECKS and not speaks_of(test, row.check):
            found.append(f"{test} does not speak of {row.check}")
    return found


def speaks_of(test: str, check: str) -> bool:
    """By the check's name in the test's file, with or without its prefix; it may stand in a table above the test."""
    if test == LAB:
        return check in found_in_the_lab()
    text = (REPOSITORY / test.partition("::")[0]).read_text()
    return re.search(rf"\b{check.partition('.')[2]}\b", text) is not None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.check}: {row.fault}")
def test_a_row_names_only_what_exists(row: Row) -> None:
    assert complaints(row) == []


def test_every_check_is_either_broken_for_real_or_said_not_to_be() -> None:
    injected = {row.check for row in ROWS}
    assert injected & set(MISSING) == set()
    assert injected | set(MISSING) == CHECKS
    assert all(MISSING.values())


def test_there_are_many_faults_and_no_two_are_the_same() -> None:
    told = [(row.check, row.fault) for row in ROWS]
    assert len(set(told)) == len(told) >= AT_LEAST


def test_what_the_lab_breaks_stands_in_the_matrix() -> None:
    assert {row.check for row in ROWS if LAB in named_tests(row.tests)} == found_in_the_lab()


def test_silence_is_proven_for_every_module() -> None:
    assert sorted(prefix.strip("`") for prefix, _system, _tests in SECTIONS["Silence"]) == sorted(REGISTERS)
    assert [test for tests in SILENT.values() for test in named_tests(tests) or ["none"] if not exists(test)] == []


REAL = "`tests/integration/test_pg_health_indexes.py::test_invalid_index`"
WRONG = [
    ("pg.no_such_check", "broken", "a server", REAL),
    ("pg.invalid_indexes", "", "a server", REAL),
    ("pg.invalid_indexes", "broken", "a server", ""),
    ("pg.invalid_indexes", "broken", "a server", REAL.replace("test_invalid_index", "test_of_nothing")),
    ("pg.invalid_indexes", "broken", "a server", "`tests/unit/judge/test_text.py::test_printable`"),
    ("pg.replay_paused", "broken", "a server", REAL),
    ("pg.replay_paused", "broken", "a server", f"`{LAB}`"),
]


@pytest.mark.parametrize("cells", WRONG)
def test_this_guard_sees_what_is_wrong(cells: tuple[str, str, str, str]) -> None:
    assert len(complaints(Row(*cells))) == 1


def test_this_guard_sees_what_is_right() -> None:
    assert complaints(Row("pg.invalid_indexes", "broken", "a server", REAL)) == []
