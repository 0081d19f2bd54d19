# SPDX-License-Identifier: GPL-3.0-or-later
"""Which faults are made: by which operators, in which lines, and which of them a sample takes."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

JUDGE = Path("plugins/module_utils/_judge")

# Mistakes that a person makes, each once a place: a limit missed by one, a comparison, condition or sign turned round,
# 'and' for 'or', a decorator or a loop forgotten. Cosmic Ray would also put ten further operators in the place of
# every '+', which fail at once and make a score look better than the tests are, and 'is' in the place of '==',
# which changes nothing with the short words that we compare.
OPERATORS = frozenset(
    f"core/{name}"
    for name in (
        "AddNot",
        "ExceptionReplacer",
        "NumberReplacer",
        "RemoveDecorator",
        "ReplaceAndWithOr",
        "ReplaceOrWithAnd",
        "ReplaceBreakWithContinue",
        "ReplaceContinueWithBreak",
        "ReplaceTrueWithFalse",
        "ReplaceFalseWithTrue",
        "ZeroIterationForLoop",
        "ReplaceUnaryOperator_Delete_Not",
        "ReplaceUnaryOperator_Delete_USub",
        "ReplaceBinaryOperator_Add_Sub",
        "ReplaceBinaryOperator_Sub_Add",
        "ReplaceBinaryOperator_Mul_Div",
        "ReplaceBinaryOperator_Div_Mul",
        "ReplaceBinaryOperator_FloorDiv_Mul",
        "ReplaceBinaryOperator_Mod_Mul",
        "ReplaceBinaryOperator_Pow_Mul",
        "ReplaceBinaryOperator_BitAnd_BitOr",
        "ReplaceBinaryOperator_BitOr_BitAnd",
        "ReplaceComparisonOperator_Eq_NotEq",
        "ReplaceComparisonOperator_NotEq_Eq",
        "ReplaceComparisonOperator_Is_IsNot",
        "ReplaceComparisonOperator_IsNot_Is",
        "ReplaceComparisonOperator_Gt_GtE",
        "ReplaceComparisonOperator_Gt_LtE",
        "ReplaceComparisonOperator_GtE_Gt",
        "ReplaceComparisonOperator_GtE_Lt",
        "ReplaceComparisonOperator_Lt_LtE",
        "ReplaceComparisonOperator_Lt_GtE",
        "ReplaceComparisonOperator_LtE_Lt",
        "ReplaceComparisonOperator_LtE_Gt",
    )
)


@dataclass(frozen=True, order=True)
class Mutant:
    """One fault: the ``occurrence``-th place in ``file`` where ``operator`` finds something to change."""

    file: str
    line: int
    column: int
    operator: str
    occurrence: int


def mutants_of(root: Path, only: str = "") -> list[Mutant]:
    """All of them, in the order of files and lines; ``only`` is a file's name without ``.py``."""
    files = sorted((root / JUDGE).glob(f"{only or '*'}.py"))
    if not files:
        raise SystemExit(f"mutation: there is no file {JUDGE / only}.py")
    found = [mutant for file in files for mutant in _mutants_of_file(file)]
    return sorted(
        found, key=lambda mutant: (mutant.file, mutant.line, mutant.column, mutant.operator, mutant.occurrence)
    )


def _mutants_of_file(file: Path) -> Iterator[Mutant]:
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator

    source = file.read_text()
    silent = unobservable(source)
    nodes = list(ast_nodes(get_ast(source)))
    for name in sorted(OPERATORS):
        operator = get_operator(name)()
        positions = (start for node in nodes for start, _end in operator.mutation_positions(node))
        for occurrence, (line, column) in enumerate(positions):
            if (line, column) not in silent:
                yield Mutant(file.name, line, column, name.removeprefix("core/"), occurrence)


def unobservable(source: str) -> set[tuple[int, int]]:
    """Where a change shows nowhere: ``@dataclass(frozen=True)`` only keeps us from writing to what we do not write to.

    Positions are a line (from 1) and a column (from 0).
    """
    return {
        (keyword.value.lineno, keyword.value.col_offset)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if keyword.arg == "frozen"
    }


def sample_of(mutants: Sequence[Mutant], size: int | None, seed: int) -> list[Mutant]:
    """``size`` of them, each as likely as the other; all where there are no more, or where ``size`` is ``None``."""
    if size is None or size >= len(mutants):
        return list(mutants)
    chosen = sorted(random.Random(seed).sample(range(len(mutants)), size))
    return [mutants[index] for index in chosen]
