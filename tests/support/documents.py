# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables in documents whose rows guard tests hold true, and the tests that they name."""

from __future__ import annotations

import ast

from tests.support.sources import REPOSITORY, tree


def table_rows(text: str) -> list[list[str]]:
    """The cells of every row of the tables in a Markdown text, headings left out."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("|")]
    rules = {number for number, line in enumerate(lines) if line.startswith("|---")}
    rows = [line for number, line in enumerate(lines) if not {number, number + 1} & rules]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def named_tests(cell: str) -> list[str]:
    """What stands in a cell as ``FILE::test_NAME``, one or several."""
    return [test.strip("`,") for test in cell.split()]


def exists(test: str) -> bool:
    file, _colons, name = test.partition("::")
    path = REPOSITORY / file
    if not (file.startswith(("tests/", "molecule/")) and path.is_file() and name.startswith("test_")):
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in ast.walk(tree(path)))
