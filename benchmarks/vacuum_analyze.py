# SPDX-License-Identifier: GPL-3.0-or-later
"""``vacuum_analyze``: only the tables that need it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.module import run_module
from benchmarks.servers import libpq, postgres, run
from tests.support.databases import Database

# What it costs when somebody else has chosen the tables.
FLOOR = "vacuumdb --analyze, told the tables in need"


def comparisons(work: Path) -> Iterator[Comparison]:
    with postgres(work) as server, Database.fresh(server, "tables") as database:
        tables.fill(database)
        before = partial(tables.dirty, database)

        def tidy(_result: Any) -> bool:
            return tables.dead_rows(database) == 0

        vacuumdb = [server.programs / "vacuumdb", "--analyze", "--jobs=2", "--quiet"]
        chosen = [*vacuumdb, *(f"--table=public.table_{number:03}" for number in tables.IN_NEED)]
        options = {**database.login, "jobs": 2}
        yield Comparison(
            "vacuum_analyze against vacuumdb",
            [
                Variant("vacuumdb --analyze", partial(run, vacuumdb, libpq(server, database.name)), tidy, before),
                Variant(FLOOR, partial(run, chosen, libpq(server, database.name)), tidy, before),
                Variant(
                    "vacuum_analyze",
                    partial(run_module, "vacuum_analyze", options),
                    lambda result: not result["failed"] and len(result["done"]) >= len(tables.IN_NEED) and tidy(result),
                    before,
                ),
            ],
            [Goal("vacuum_analyze", "vacuumdb --analyze", 0.2), Goal("vacuum_analyze", FLOOR)],
            rounds=3,
            about=f"{tables.ABOUT} A fifth of the rows of a table in need was updated, as many as autovacuum lets come "
            "together. Before every run the tables are tidied and the need is made anew; afterwards none has dead "
            "rows, whoever worked.",
        )
