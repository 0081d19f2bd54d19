# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own tests: pure logic, the rules of the house, real servers, playbooks."""

from __future__ import annotations

import os

from tests.parts.coverage import measured, modules_measured
from tests.parts.part import Part, pytest_part
from tests.parts.timescale import FILES as TIMESCALE
from tests.support.versions import WHEELS, postgres_programs

# A test of a real server waits for it as often as it computes: with a worker a core, two cores were idle for 38 %.
WORKERS = str((os.cpu_count() or 1) + 1)


def unit() -> list[Part]:
    return [measured(pytest_part("unit", "tests/unit"))]


def guards() -> list[Part]:
    return [pytest_part("guards", "tests/guards")]


def integration() -> list[Part]:
    """All tests on the newest PostgreSQL; those that talk to one are repeated on the older ones."""
    older = sorted(WHEELS, reverse=True)[1:]
    return [*newest(), *(_on_postgres(major, "-k", f"pg{major}") for major in older)]


def newest() -> list[Part]:
    """Measured here alone: the repetitions go the same ways."""
    return [modules_measured(_on_postgres(max(WHEELS)))]


def playbooks() -> list[Part]:
    """In the order of their files: by their number of tests, the examples, half of the time, would be begun last."""
    return [pytest_part("playbooks", "tests/integration/playbooks", "--no-loadscope-reorder")]


def _on_postgres(major: int, *selection: str) -> Part:
    def obstacle() -> str:
        try:
            postgres_programs(major)
        except RuntimeError as error:
            return str(error)
        return ""

    elsewhere = [f"--ignore={path}" for path in ("tests/integration/playbooks", *TIMESCALE.values())]
    targets = ["tests/integration", *elsewhere, *selection]
    return pytest_part(f"integration pg{major}", *targets, workers=WORKERS, obstacle=obstacle, PG_VERSIONS=str(major))
