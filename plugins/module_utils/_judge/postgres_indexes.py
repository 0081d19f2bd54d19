# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Indexes that do not work, are there twice, serve nobody or are missing."""

from __future__ import annotations

from typing import Any, Iterator, List

from .finding import WARNING, Finding
from .postgres_register import CHECKS
from .postgres_words import many
from .rows import Row
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

MEGABYTE = 1024.0 * 1024.0
DAY = 86400.0


@CHECKS.check(
    "invalid_indexes",
    needs=("invalid_indexes",),
    procedure="H06",
    question="Are all indexes usable?",
)
def invalid_indexes(rule: Any, invalid_indexes: List[Row]) -> Iterator[Finding]:
    """What is being built at this moment is invalid by design; the snapshot leaves that out."""
    for index in invalid_indexes:
        if index.partitioned:
            advice = (
                "Find the partitions without it (\\d+ {0}), create it there and ALTER INDEX {1} ATTACH PARTITION …."
            )
        elif index.leftover:
            advice = "It is the leftover of a failed REINDEX CONCURRENTLY: DROP INDEX CONCURRENTLY {1}."
        else:
            advice = "REINDEX INDEX CONCURRENTLY {1}, or DROP INDEX CONCURRENTLY {1} if nobody wants it."
        yield rule.say(
            WARNING,
            index.name,
            "Index {0} on {1} is invalid: no query uses it{2}.".format(
                index.name, index.table, ", but every write maintains it" if index.ready else ""
            ),
            advice.format(index.table, index.name),
            "invalid",
        )


@CHECKS.check(
    "duplicate_indexes",
    needs=("duplicate_indexes",),
    procedure="H06",
    question="Is every index there only once?",
    threshold=Threshold("bytes", 0, None, source="pghero, pgFirstAid: of any size, for it is never wanted"),
)
def duplicate_indexes(rule: Any, duplicate_indexes: List[Row]) -> Iterator[Finding]:
    for group in duplicate_indexes:
        kept = group.indexes[0]
        for index in group.indexes[1:]:
            if index.constraint:
                drop = "ALTER TABLE {0} DROP CONSTRAINT {1}".format(group.table, index.constraint)
            else:
                drop = "DROP INDEX CONCURRENTLY {0}".format(index.name)
            yield rule.judge(
                index.name,
                index.bytes,
                "Index {0} ({1}) on {2} is the same as {3}: every write maintains both.".format(
                    index.name, bytes_text(index.bytes), group.table, kept.name
                ),
                "{0}; {1} stays.".format(drop, kept.name),
            )


@CHECKS.check(
    "unused_indexes",
    needs=("unused_indexes", "databases", "server"),
    procedure="H06",
    question="Is every large index used?",
    threshold=Threshold(
        "bytes", 10 * MEGABYTE, None, floors={"statistics_days": 35}, source="over 10 MB, 35 days; temBoard, pgFirstAid"
    ),
)
def unused_indexes(rule: Any, unused_indexes: List[Row], databases: List[Row], server: Row) -> Iterator[Finding]:
    """Those that enforce something (unique, constraint, replica identity) or serve a foreign key are never meant."""
    since = next((server.now - d.statistics_since for d in databases if d.is_current), 0.0)
    for index in unused_indexes:
        yield rule.judge(
            index.name,
            index.bytes,
            "Index {0} on {1} ({2}) has not been used once in the {3} that statistics cover.".format(
                index.name, index.table, bytes_text(index.bytes), seconds_text(since)
            ),
            "Make sure that it is not younger than that and that no standby uses it (pg_stat_user_indexes there), then "
            "DROP INDEX CONCURRENTLY {0}.".format(index.name),
            statistics_days=since / DAY,
        )


@CHECKS.check(
    "foreign_keys_without_index",
    needs=("foreign_keys",),
    procedure="H06",
    question="Is there an index behind every foreign key of a large table?",
    threshold=Threshold("bytes", 10 * MEGABYTE, None, source="ours: a scan of less takes milliseconds"),
)
def foreign_keys_without_index(rule: Any, foreign_keys: List[Row]) -> Iterator[Finding]:
    for key in foreign_keys:
        yield rule.judge(
            "{0} ({1})".format(key.table, key.columns),
            key.bytes,
            "Foreign key {0} on {1} ({2}) has no index: each delete or key change in {3} reads all {4} of {1}.".format(
                key.name, key.table, key.columns, key.parent, bytes_text(key.bytes)
            ),
            "CREATE INDEX CONCURRENTLY ON {0} ({1}).".format(key.table, key.columns),
        )


@CHECKS.check(
    "sequences",
    needs=("server", "sequences"),
    procedure="H06",
    question="Do sequences have numbers left?",
    threshold=Threshold("%", 85, 95, source="check_postgres 85/95 %"),
)
def sequences(rule: Any, server: Row, sequences: List[Row]) -> Iterator[Finding]:
    """Against the sequence's own limit and the column's: a bigint sequence may feed an integer column."""
    hidden = []
    for sequence in sequences:
        step, first, last = sequence.increment, sequence.minimum, sequence.maximum
        end = last if step > 0 else first
        if sequence.column_maximum is not None:
            end = min(end, sequence.column_maximum) if step > 0 else max(end, -sequence.column_maximum - 1)
        begin = first if step > 0 else last
        room = abs(end - begin) + 1
        if sequence.last_value is None:
            # No value seen: nothing drawn yet, or no right to look. Then the rows tell whether it could matter.
            if not sequence.readable and (sequence.table is None or sequence.rows >= room / 100.0):
                hidden.append(sequence)
            continue
        used = 100.0 * (abs(sequence.last_value - begin) + 1) / room
        # Where the column is narrower, the sequence may have run past the end already.
        left = max(0, (end - sequence.last_value) // step)
        yield rule.judge(
            sequence.name,
            used,
            "Sequence {0}{1} is at {2}; {3} numbers are left before {4}.".format(
                sequence.name, _column(sequence), number_text(sequence.last_value), number_text(left), number_text(end)
            ),
            _wider(sequence),
        )
    if hidden:
        yield rule.say(
            "unknown",
            "sequences",
            "{0} cannot be read by role {1}, among them {2}.".format(
                many(len(hidden), "sequence"), server.role, hidden[0].name
            ),
            "GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO {0}.".format(server.role_quoted),
        )


def _column(sequence: Row) -> str:
    return " of {0}.{1} ({2})".format(sequence.table, sequence.column, sequence.column_type) if sequence.table else ""


def _wider(sequence: Row) -> str:
    if sequence.column_type in ("smallint", "integer"):
        return (
            "Make the column wider before inserts fail: ALTER TABLE {0} ALTER COLUMN {1} TYPE bigint rewrites the "
            "table under an exclusive lock, so on a large one add a bigint column, fill it in batches and swap; and "
            "ALTER SEQUENCE {2} AS bigint.".format(sequence.table, sequence.column, sequence.name)
        )
    return "ALTER SEQUENCE {0} AS bigint NO MAXVALUE, or let it begin again where numbers are free.".format(
        sequence.name
    )
