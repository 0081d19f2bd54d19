# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Space that tables and indexes take without holding anything in it."""

from __future__ import annotations

from typing import Any, Iterator, List, Optional, Tuple

from .bloat import Bloat, Column, btree_bloat
from .bloat import table_bloat as heap_bloat
from .finding import OK, UNKNOWN, Finding
from .postgres_register import CHECKS
from .postgres_words import many
from .rows import Row
from .text import bytes_text, number_text, printable
from .threshold import Threshold

FLOOR = 100.0 * 1024 * 1024

_ALIGNMENTS = {"c": 1, "s": 2, "i": 4, "d": 8}


def _known(relation: Row, is_table: bool) -> Optional[Bloat]:
    """As measured, else as estimated; ``None`` where statistics are missing or hidden from this role."""
    measured: Optional[Bloat] = getattr(relation, "measured", None)
    if measured is not None or not relation.counted:
        return measured
    columns = [
        Column(length, _ALIGNMENTS[alignment], width, nulls or 0.0, distinct)
        for length, alignment, width, nulls, distinct in relation.columns or []
    ]
    if is_table:
        return heap_bloat(relation.bytes, relation.rows, columns, relation.fillfactor, relation.page)
    return btree_bloat(
        relation.bytes,
        relation.rows,
        columns,
        relation.fillfactor,
        relation.deduplicates,
        relation.table_rows,
        relation.page,
    )


def estimates(relations: List[Row], is_table: bool) -> List[Tuple[Row, Bloat]]:
    """The most bytes first."""
    known = [(relation, _known(relation, is_table)) for relation in relations]
    return sorted(((r, b) for r, b in known if b is not None), key=lambda pair: -pair[1].bytes)


@CHECKS.check(
    "table_bloat",
    needs=("server", "table_bloat"),
    procedure="H06",
    question="Are large tables free of empty space?",
    threshold=Threshold(
        "%",
        30,
        None,
        floors={"bloat_bytes": FLOOR},
        source="temBoard 30/50 %, pgFirstAid 20 % over 100 MB, awesome-prometheus-alerts 80 % and 200 MB",
    ),
)
def table_bloat(rule: Any, server: Row, table_bloat: List[Row]) -> Iterator[Finding]:
    for table, empty in estimates(table_bloat, True):
        yield _judged(
            rule,
            table,
            empty,
            "Table {0}".format(table.name),
            "If the space is not about to be filled again: pg_repack -t {0} (online), or VACUUM FULL {0} in a "
            "maintenance window (exclusive lock, needs {1} free).".format(table.name, bytes_text(empty.fresh_bytes)),
        )
    yield from _hidden(rule, server, table_bloat, "table")


@CHECKS.check(
    "index_bloat",
    needs=("server", "index_bloat"),
    procedure="H06",
    question="Are large B-tree indexes free of empty space?",
    threshold=Threshold(
        "%",
        40,
        None,
        floors={"bloat_bytes": FLOOR},
        source="temBoard 30/50 %, pghero 100 MB; 40 because random inserts alone leave a B-tree 25 % below full",
    ),
)
def index_bloat(rule: Any, server: Row, index_bloat: List[Row]) -> Iterator[Finding]:
    for index, empty in estimates(index_bloat, False):
        yield _judged(
            rule,
            index,
            empty,
            "Index {0} on {1}".format(index.name, index.table),
            "REINDEX INDEX CONCURRENTLY {0} (needs {1} free), or the module analytics.ops.pg_reindex.".format(
                index.name, bytes_text(empty.fresh_bytes)
            ),
        )
    yield from _hidden(rule, server, index_bloat, "index", "indexes")


def _judged(rule: Any, relation: Row, empty: Bloat, what: str, advice: str) -> Finding:
    return rule.judge(
        relation.name,
        empty.percent,
        "{0} takes {1}, of which {2} ({3} %) is empty ({4}).".format(
            what,
            bytes_text(empty.size_bytes),
            bytes_text(empty.bytes),
            number_text(round(empty.percent, 1)),
            "measured with pgstattuple" if getattr(relation, "measured", None) else "estimated from statistics",
        ),
        advice,
        bloat_bytes=empty.bytes,
    )


def _hidden(rule: Any, server: Row, relations: List[Row], one: str, more: str = "") -> Iterator[Finding]:
    """Only those that are large enough to matter: bloat below the floor would not be reported anyway."""
    floor = rule.threshold.floors["bloat_bytes"]
    hidden = [r for r in relations if not r.readable and r.bytes >= floor and _known(r, one == "table") is None]
    if hidden:
        yield rule.say(
            UNKNOWN,
            "{0} that cannot be seen".format(more or one + "s"),
            "The bloat of {0} of {1} or more cannot be estimated: role {2} may not read their statistics. "
            "The largest is {3} ({4}).".format(
                many(len(hidden), one, more),
                bytes_text(floor),
                server.role,
                hidden[0].name,
                bytes_text(hidden[0].bytes),
            ),
            "GRANT SELECT ON {0} TO {1} (or GRANT pg_read_all_data TO {1}).".format(
                getattr(hidden[0], "table", hidden[0].name), server.role_quoted
            ),
        )


def suspicious(findings: List[Finding], relations: List[Row]) -> List[Row]:
    """The relations that a look with pgstattuple is worth: those whose estimate is not in order."""
    names = {finding.subject for finding in findings if finding.severity not in (OK, UNKNOWN)}
    return [relation for relation in relations if printable(relation.name) in names]
