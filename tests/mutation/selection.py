# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests can notice a change in a line: those that execute its statement."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

# Of one file: line -> names of the tests that executed it; the empty name stands for importing.
Executed = Mapping[int, frozenset[str]]

JUDGEMENT = "tests/unit/judge"


@dataclass(frozen=True)
class Selection:
    """``executed`` and ``sources`` are by file name."""

    executed: Mapping[str, Executed]
    sources: Mapping[str, str]

    def tests_for(self, file: str, line: int) -> list[str]:
        """In the order of the files; none where no test gets there.

        What is executed on import (limits, constants, defaults) has its effect elsewhere and later, even in a test
        that executes no line here: there it is the tests of this file, then all of the judgement.
        """
        lines = statement_lines(self.sources[file], line)
        tests = {test for number in lines for test in self.executed.get(file, {}).get(number, ())}
        if "" not in tests:
            return sorted(tests)
        return [*sorted(self._tests_of(file)), JUDGEMENT]

    def _tests_of(self, file: str) -> set[str]:
        return {test for tests in self.executed.get(file, {}).values() for test in tests} - {""}


def statement_lines(source: str, line: int) -> range:
    """The lines of the innermost statement around ``line``; of a compound one its head, down to the body."""
    best = range(line, line + 1)
    size = None
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.stmt):
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        body = getattr(node, "body", None)
        last = max(first, body[0].lineno - 1) if body else node.end_lineno or node.lineno
        if first <= line <= last and (size is None or last - first < size):
            best, size = range(first, last + 1), last - first
    return best
