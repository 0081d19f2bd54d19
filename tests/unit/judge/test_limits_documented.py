# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits that ``docs/checks.md`` promises are those that hold, to the last unit and in the right direction."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from docs.generate import REPOSITORY, registers


class Promise(NamedTuple):
    """One row. A limit's text is like ``1 000`` or ``75 or less``, and ``–`` where there is none."""

    check: str
    warning: str
    critical: str
    unit: str
    floors: dict[str, float]


def number(text: str) -> float:
    return float(text.removesuffix(" or less").replace(" ", ""))


def promises() -> list[Promise]:
    rows = re.findall(r"^\| `(\S+)` (\|.*)", (REPOSITORY / "docs" / "checks.md").read_text(), re.MULTILINE)
    found = []
    for check, rest in rows:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", rest)]
        floors = dict(re.findall(r"(\w+) ≥ ([\d. e+]+)", cells[5]))
        found.append(Promise(check, *cells[2:5], {name: number(floor) for name, floor in floors.items()}))
    return found


PROMISES = promises()
CHECKS = {name: check for register in registers().values() for name, check in register.checks.items()}


def test_every_check_is_promised():
    assert [promise.check for promise in PROMISES] == list(CHECKS)


def steps(limit: str) -> tuple[float, float]:
    """The limit, and a value that does not quite reach it."""
    value = number(limit)
    little = max(abs(value), 1) * 1e-9
    return value, value + little if limit.endswith("or less") else value - little


@pytest.mark.parametrize("promise", [p for p in PROMISES if p.warning != "–"], ids=lambda p: p.check)
def test_a_warning_begins_at_its_limit(promise):
    limit = CHECKS[promise.check].threshold
    reached, almost = steps(promise.warning)
    at_once = promise.warning == promise.critical
    assert (limit.severity(reached), limit.severity(almost)) == ("critical" if at_once else "warning", "ok")


@pytest.mark.parametrize("promise", [p for p in PROMISES if p.critical != "–"], ids=lambda p: p.check)
def test_critical_begins_at_its_limit(promise):
    limit = CHECKS[promise.check].threshold
    reached, almost = steps(promise.critical)
    assert limit.severity(reached) == "critical"
    assert limit.severity(almost) == ("ok" if promise.warning in ("–", promise.critical) else "warning")


@pytest.mark.parametrize("promise", [p for p in PROMISES if p.floors], ids=lambda p: p.check)
def test_nothing_is_reported_below_a_further_limit(promise):
    limit = CHECKS[promise.check].threshold
    worst = steps(promise.critical if promise.warning == "–" else promise.warning)[0]
    assert limit.severity(worst, **promise.floors) != "ok"
    for name, floor in promise.floors.items():
        assert limit.severity(worst, **{**promise.floors, name: floor - max(floor, 1) * 1e-9}) == "ok"


@pytest.mark.parametrize("promise", PROMISES, ids=lambda p: p.check)
def test_there_is_no_limit_that_is_not_promised(promise):
    limit = CHECKS[promise.check].threshold
    assert (limit.unit or "–") == promise.unit
    assert [limit.warning is None, limit.critical is None] == [promise.warning == "–", promise.critical == "–"]
    assert set(limit.floors) == set(promise.floors)
