# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures variants of the same work in turn (A B A B), so that a busy neighbour disturbs all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


class WrongWork(RuntimeError):
    """A variant did not do what it is measured for, so its figure would say nothing."""


@dataclass(frozen=True)
class Variant:
    """``before`` makes the state to start from and is not timed. ``proof`` looks at what ``run`` returned and is true
    when the work was done. ``missing`` says why it cannot be measured here."""

    name: str
    run: Callable[[], Any]
    proof: Callable[[Any], Any]
    before: Callable[[], Any] | None = None
    missing: str = ""


@dataclass(frozen=True)
class Goal:
    """``variant`` needs at most ``limit`` times ``against``, or (``how``: difference) that much more.

    Without a ``limit`` the two are compared and nothing is judged.
    """

    variant: str
    against: str
    limit: float | None = None
    how: str = "ratio"


@dataclass(frozen=True)
class Comparison:
    """``timed``: otherwise the figure is what ``run`` returns, in ``unit``."""

    title: str
    variants: Sequence[Variant]
    goals: Sequence[Goal] = ()
    rounds: int = 5
    warm_up: bool = True
    timed: bool = True
    unit: str = "s"
    about: str = ""


def measure(comparison: Comparison, tell: Callable[[str], None] = print) -> dict[str, list[float]]:
    """The figures of every variant that can be measured, round by round."""
    present = [variant for variant in comparison.variants if not variant.missing]
    figures: dict[str, list[float]] = {variant.name: [] for variant in present}
    for number in range(-int(comparison.warm_up), comparison.rounds):
        for variant in present:
            figure = _once(variant, comparison.timed)
            if number >= 0:
                figures[variant.name].append(figure)
            tell(f"  {variant.name}: {figure:.3f} {comparison.unit}{'' if number >= 0 else ' (warm-up)'}")
    return figures


def _once(variant: Variant, timed: bool) -> float:
    if variant.before:
        variant.before()
    begun = time.perf_counter()
    result = variant.run()
    seconds = time.perf_counter() - begun
    if not variant.proof(result):
        raise WrongWork(f"'{variant.name}' did not do its work: {str(result)[:2000]}")
    return seconds if timed else result


def judged(goal: Goal, figures: dict[str, list[float]]) -> dict[str, Any]:
    """The ratio (or difference) of the medians, its spread over the rounds, and whether the goal is met."""
    mine, other = figures.get(goal.variant), figures.get(goal.against)
    result: dict[str, Any] = {
        "variant": goal.variant,
        "against": goal.against,
        "limit": goal.limit,
        "how": goal.how,
        "value": None,
    }
    if not mine or not other:
        return result

    def compare(a: float, b: float) -> float:
        return a / b if goal.how == "ratio" else a - b

    rounds = [compare(a, b) for a, b in zip(mine, other)]
    value = compare(statistics.median(mine), statistics.median(other))
    return {
        **result,
        "value": value,
        "low": min(rounds),
        "high": max(rounds),
        "met": goal.limit is None or value <= goal.limit,
    }


def summary(comparison: Comparison, figures: dict[str, list[float]]) -> dict[str, Any]:
    """Everything the page shows of one comparison, as plain data."""
    rows = [
        {"name": variant.name, "missing": variant.missing}
        if variant.missing
        else {"name": variant.name, "median": statistics.median(values), "low": min(values), "high": max(values)}
        for variant in comparison.variants
        for values in [figures.get(variant.name, [])]
    ]
    return {
        "title": comparison.title,
        "about": comparison.about,
        "rounds": comparison.rounds,
        "unit": comparison.unit,
        "rows": rows,
        "goals": [judged(goal, figures) for goal in comparison.goals],
        "figures": figures,
    }
