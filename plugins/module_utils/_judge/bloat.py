# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much smaller a table or a B-tree would be if it were written anew, estimated from statistics.

Bloat is what the relation has on disk beyond that size, the relation's own fillfactor granted. Wherever the
statistics leave a choice the larger fresh size is taken: an estimate that says 'bloated' should rarely be wrong, and
a freshly built index must never look bloated. What cannot be estimated is ``None``, which is not the same as zero.

B-trees know about deduplication (PostgreSQL 13), which the usual queries of the field do not: there, every index with
repeated values comes out with negative bloat, and real bloat in it is never seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

PAGE_HEADER = 24
BTREE_PAGE_END = 16  # the links to the neighbours, at the end of every B-tree page
LINE_POINTER = 4
TUPLE_ID = 6
INDEX_TUPLE_HEADER = 8
HEAP_TUPLE_HEADER = 24
ALIGNMENT = 8
INNER_FILLFACTOR = 70  # fixed in PostgreSQL (BTREE_NONLEAF_FILLFACTOR)
POSTING_LIST_SHARE = 0.1  # of a page: what a posting list may take when an index is built

# ANALYZE underestimates the number of distinct values, sometimes tenfold, when equal values lie together.
DISTINCT_VALUES_DOUBT = 10.0

# Statistics that are behind by more than this share of the rows say too little about the present content.
STALE_SHARE = 0.2


@dataclass(frozen=True)
class Column:
    """A column with what ANALYZE knows. ``length`` and ``alignment`` as in ``pg_attribute``, -1: variable."""

    length: int
    alignment: int = 1
    average_width: Optional[float] = None
    null_share: float = 0.0
    distinct_values: Optional[float] = None  # as n_distinct: a count, or negative a share of the rows


@dataclass(frozen=True)
class Bloat:
    size_bytes: int
    fresh_bytes: int

    @property
    def bytes(self) -> int:
        return max(0, self.size_bytes - self.fresh_bytes)

    @property
    def percent(self) -> float:
        return 100.0 * self.bytes / self.size_bytes if self.size_bytes else 0.0


def btree_bloat(
    size_bytes: int,
    rows: float,
    columns: Sequence[Column],
    fillfactor: int = 90,
    deduplicates: bool = False,
    table_rows: Optional[float] = None,
    block_size: int = 8192,
) -> Optional[Bloat]:
    """``rows`` are the index's entries, ``table_rows`` those of its table (the same unless the index is partial)."""
    width = _index_tuple_bytes(columns)
    if width is None or rows < 0:
        return None
    item = width + LINE_POINTER
    leaf_bytes = rows * item
    if deduplicates:
        leaf_bytes = min(leaf_bytes, _deduplicated_bytes(rows, width, columns, table_rows or rows, block_size))
    usable = block_size - PAGE_HEADER - BTREE_PAGE_END
    # Every page but the rightmost also holds a copy of its neighbour's first key.
    leaf_room = max(item, usable - block_size * (100 - fillfactor) / 100.0 - item)
    pages = leaves = int(leaf_bytes // leaf_room) + 1
    fanout = max(2.0, usable * INNER_FILLFACTOR / 100.0 / item)
    while leaves > 1:
        leaves = int(leaves // fanout) + 1
        pages += leaves
    return Bloat(size_bytes, (pages + 1) * block_size)


def table_bloat(
    size_bytes: int, rows: float, columns: Sequence[Column], fillfactor: int = 100, block_size: int = 8192
) -> Optional[Bloat]:
    """The heap alone, without TOAST and indexes. Dead rows count as bloat."""
    data = _data_bytes(columns)
    if data is None or rows < 0:
        return None
    width, nulls = data
    bitmap = _aligned(HEAP_TUPLE_HEADER - 1 + (len(columns) + 7) // 8, ALIGNMENT) - HEAP_TUPLE_HEADER
    tuple_bytes = HEAP_TUPLE_HEADER + nulls * bitmap + width
    room = (block_size - PAGE_HEADER) * fillfactor / 100.0
    per_page = max(1, int(room // (tuple_bytes + LINE_POINTER)))
    pages = -(-int(rows) // per_page)
    return Bloat(size_bytes, pages * block_size)


def statistics_are_stale(rows: float, changed_rows: float) -> bool:
    """Whether so much changed since the last ANALYZE that widths and counts may be of another content."""
    return changed_rows > STALE_SHARE * max(rows, 0) + 1000


def measured_btree_bloat(
    size_bytes: int, leaf_pages: int, leaf_density: float, fillfactor: int = 90, block_size: int = 8192
) -> Bloat:
    """From ``pgstatindex``: leaves packed up to the fillfactor; empty and deleted pages given back."""
    needed = leaf_pages * min(1.0, max(0.0, leaf_density) / fillfactor)
    inner = needed / 100.0
    return Bloat(size_bytes, int(needed + inner + 2) * block_size)


def _index_tuple_bytes(columns: Sequence[Column]) -> Optional[float]:
    data = _data_bytes(columns, before=INDEX_TUPLE_HEADER)
    if data is None:
        return None
    width, nulls = data
    return INDEX_TUPLE_HEADER + width + ALIGNMENT * nulls


def _data_bytes(columns: Sequence[Column], before: int = 0) -> Optional[Tuple[float, float]]:
    """The average width of the columns' values, padded to the end, and the share of rows that hold a null."""
    width, without_null, varies = 0.0, 1.0, False
    for column in columns:
        if column.length > 0:
            own, step = float(column.length), column.alignment
        elif column.average_width is not None:
            # Short values carry a header of one byte and are not aligned; ANALYZE counts that byte.
            own, step, varies = column.average_width, 1 if column.average_width < 127 else column.alignment, True
        else:
            return None
        width = _aligned(width, step) if step > 1 else width
        width += own * (1.0 - column.null_share)
        without_null *= 1.0 - column.null_share
    padded = _aligned(before + width, ALIGNMENT) - before
    return (max(padded, width + (ALIGNMENT - 1) / 2.0) if varies else padded), 1.0 - without_null


def _deduplicated_bytes(
    rows: float, width: float, columns: Sequence[Column], table_rows: float, block_size: int
) -> float:
    distinct = 1.0
    for column in columns:
        count = column.distinct_values
        if not count:
            return rows * (width + LINE_POINTER)
        distinct *= count if count > 0 else -count * table_rows
    keys = min(rows, distinct * DISTINCT_VALUES_DOUBT)
    in_a_list = max(1.0, (block_size * POSTING_LIST_SHARE - width) / TUPLE_ID)
    return (keys + rows / in_a_list) * (width + LINE_POINTER) + rows * TUPLE_ID


def _aligned(width: float, step: int) -> float:
    return float(-(-width // step) * step)
