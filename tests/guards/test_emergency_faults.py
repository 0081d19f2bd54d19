# SPDX-License-Identifier: GPL-3.0-or-later
"""``docs/emergency-faults.md`` names only tests that exist and break something real."""

from __future__ import annotations

import pytest

from tests.support.documents import exists, named_tests, table_rows
from tests.support.sources import REPOSITORY

ROWS = table_rows((REPOSITORY / "docs" / "emergency-faults.md").read_text())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_tests_of_something_real(row: list[str]) -> None:
    *told, tests = row
    assert all(told)
    assert named_tests(tests)
    for test in named_tests(tests):
        assert exists(test), test
        assert test.startswith(("tests/integration/", "molecule/")), test
