# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Space that tables and indexes take without holding anything in it."""

from __future__ import annotations

from typing import Any, Iterator, List

from .finding import OK, UNKNOWN, Finding
from .postgres_register import CHECKS
from .postgres_words import many
from .rows import Row
from .text import bytes_text, number_text
from .threshold import Threshold

FLOOR = 100.0 * 1024 * 1024


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
    for table in table_bloat:
        if table.bloat_bytes is None:
            continue
        yield _judged(
            rule,
            table,
            "Table {0}".format(table.name),
            "If the space is not about to be filled again: pg_repack -t {0} (online), or VACUUM FULL {0} in a "
            "maintenance window (exclusive lock, needs {1} free).".format(
                table.name, bytes_text(table.bytes - table.bloat_bytes)
            ),
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
    for index in index_bloat:
        if index.bloat_bytes is None:
            continue
        yield _judged(
            rule,
            index,
            "Index {0} on {1}".format(index.name, index.table),
            "REINDEX INDEX CONCURRENTLY {0} (needs {1} free), or the module analytics.ops.pg_reindex.".format(
                index.name, bytes_text(index.bytes - index.bloat_bytes)
            ),
        )
    yield from _hidden(rule, server, index_bloat, "index", "indexes")


def _judged(rule: Any, relation: Row, what: str, advice: str) -> Finding:
    percent = 100.0 * relation.bloat_bytes / relation.bytes if relation.bytes else 0.0
    return rule.judge(
        relation.name,
        percent,
        "{0} takes {1}, of which {2} ({3} %) is empty ({4}).".format(
            what,
            bytes_text(relation.bytes),
            bytes_text(relation.bloat_bytes),
            number_text(round(percent, 1)),
            "measured with pgstattuple" if relation.exact else "estimated from statistics",
        ),
        advice,
        bloat_bytes=relation.bloat_bytes,
    )


def _hidden(rule: Any, server: Row, relations: List[Row], one: str, more: str = "") -> Iterator[Finding]:
    """Only those that are large enough to matter: bloat below the floor would not be reported anyway."""
    floor = rule.threshold.floors["bloat_bytes"]
    hidden = [r for r in relations if r.bloat_bytes is None and not r.readable and r.bytes >= floor]
    if hidden:
        yield rule.say(
            UNKNOWN,
            "{0} that cannot be seen".format(more or one + "s"),
            "The bloat of {0} of {1} or more cannot be estimated: role {2} may not read their statistics. The largest "
            "is {3} ({4}).".format(
                many(len(hidden), one, more),
                bytes_text(floor),
                server.role,
                hidden[0].name,
                bytes_text(hidden[0].bytes),
            ),
            "GRANT SELECT ON {0} TO {1} (or GRANT pg_read_all_data TO {1}).".format(
                getattr(hidden[0], "table", None) or hidden[0].name, server.role_quoted
            ),
        )


def suspicious(findings: List[Finding], relations: List[Row]) -> List[Row]:
    """The relations that a look with pgstattuple is worth: those whose estimate is not in order."""
    names = {finding.subject for finding in findings if finding.severity not in (OK, UNKNOWN)}
    return [r for r in relations if r.bloat_bytes is not None and Finding("", r.name, OK, "").subject in names]
