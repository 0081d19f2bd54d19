# SPDX-License-Identifier: GPL-3.0-or-later
"""``docs/procedures.md`` names only what exists, and leaves out nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.support.documents import exists, named_tests, table_rows
from tests.support.sources import REPOSITORY, read_yaml

NUMBERS = {"H": 20, "D": 6, "W": 15, "B": 12, "E": 14, "I": 6, "S": 6, "C": 6}
NOT_YET = "not yet"


class Row(NamedTuple):
    id: str
    procedure: str
    playbook: str
    tag: str
    tests: str


def rows(text: str) -> list[Row]:
    return [Row(*(cell.strip("`") for cell in cells)) for cells in table_rows(text)]


ROWS = rows((REPOSITORY / "docs" / "procedures.md").read_text())


def complaints(row: Row) -> list[str]:
    if row.playbook == NOT_YET:
        return [] if (row.tag, row.tests) == ("–", "–") else ["a row that says 'not yet' names nothing else"]
    found = []
    playbook = REPOSITORY / "playbooks" / row.playbook.removeprefix("playbooks/")
    if not playbook.is_file():
        found.append(f"there is no playbook {row.playbook}")
    elif row.tag not in tags_of(read_yaml(playbook)):
        found.append(f"{row.playbook} has no tag '{row.tag}'")
    return found + [f"there is no test {test}" for test in named_tests(row.tests) if not exists(test)]


def tags_of(content: Any) -> set[str]:
    """Every tag of a playbook: its own, and those of the roles it uses, however deep these are."""
    if isinstance(content, list):
        return set().union(*(tags_of(one) for one in content))
    if not isinstance(content, dict):
        return set()
    given = content.get("tags", [])
    found = {given} if isinstance(given, str) else set(given)
    for key, value in content.items():
        if key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers", "roles", "apply"):
            found |= tags_of(value)
        if key.rpartition(".")[2] in ("include_role", "import_role", "include_tasks", "import_tasks"):
            found |= tags_of(value)
        if key.rpartition(".")[2] in ("include_role", "import_role"):
            found |= role_tags(value["name"])
        if key == "role":
            found |= role_tags(value)
    return found


def role_tags(name: str) -> set[str]:
    tasks = REPOSITORY / "roles" / name.rpartition(".")[2] / "tasks"
    return set().union(*(tags_of(read_yaml(path)) for path in sorted(tasks.glob("*.yml"))))


def test_every_procedure_stands_there_once() -> None:
    assert [row.id for row in ROWS] == [
        f"{letter}{n:02d}" for letter, last in NUMBERS.items() for n in range(1, last + 1)
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_names_only_what_exists(row: Row) -> None:
    assert row.procedure
    assert complaints(row) == []


WRONG = [
    ("no_such.yml", "postgresql", "tests/guards/test_procedures.py::test_every_procedure_stands_there_once"),
    (
        "daily_health_check.yml",
        "no_such_tag",
        "tests/guards/test_procedures.py::test_every_procedure_stands_there_once",
    ),
    ("daily_health_check.yml", "postgresql", "–"),
    ("daily_health_check.yml", "postgresql", "tests/guards/test_procedures.py::test_of_nothing"),
    ("daily_health_check.yml", "postgresql", "tests/guards/test_procedures.py"),
    ("not yet", "postgresql", "–"),
]


@pytest.mark.parametrize(("playbook", "tag", "tests"), WRONG)
def test_this_guard_sees_what_does_not_exist(playbook: str, tag: str, tests: str) -> None:
    assert len(complaints(Row("H01", "x", playbook, tag, tests))) == 1


def test_this_guard_sees_what_exists() -> None:
    test = "tests/guards/test_procedures.py::test_this_guard_sees_what_exists"
    assert complaints(Row("H01", "x", "daily_health_check.yml", "postgresql", f"`{test}`, `{test}`")) == []
