# SPDX-License-Identifier: GPL-3.0-or-later
"""``pg_reindex``: only the indexes that are bloated."""

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
FLOOR = "reindexdb --concurrently, told the tables in need"
THRESHOLDS = {"bloat_percent": 30, "bloat_bytes": 256 * 1024}


def comparisons(work: Path) -> Iterator[Comparison]:
    with postgres(work) as server, Database.fresh(server, "tables") as database:
        tables.fill(database)
        small = tables.index_bytes(database)
        before = partial(tables.bloat, database)

        def rebuilt(_result: Any) -> bool:
            return tables.index_bytes(database) < 1.1 * small

        reindexdb = [server.programs / "reindexdb", "--concurrently", "--jobs=2", "--quiet"]
        chosen = [*reindexdb, *(f"--table=public.table_{number:03}" for number in tables.IN_NEED)]
        options = {**database.login, "jobs": 2, "thresholds": THRESHOLDS}
        yield Comparison(
            "pg_reindex against reindexdb",
            [
                Variant(
                    "reindexdb --concurrently", partial(run, reindexdb, libpq(server, database.name)), rebuilt, before
                ),
                Variant(FLOOR, partial(run, chosen, libpq(server, database.name)), rebuilt, before),
                Variant(
                    "pg_reindex",
                    partial(run_module, "pg_reindex", options),
                    lambda result: (
                        not result["failed"] and len(result["done"]) == 2 * len(tables.IN_NEED) and rebuilt(result)
                    ),
                    before,
                ),
            ],
            [Goal("pg_reindex", "reindexdb --concurrently", 0.15), Goal("pg_reindex", FLOOR)],
            rounds=3,
            about=f"{tables.ABOUT} Two indexes a table; the tables in need were four times as large once, so that "
            "three quarters of both indexes are empty. Afterwards they are as small as at first, whoever worked.",
        )
