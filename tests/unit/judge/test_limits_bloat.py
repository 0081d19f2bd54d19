# SPDX-License-Identifier: GPL-3.0-or-later
"""The bloat estimates to the page, worked out by hand from the page layout that PostgreSQL documents.

A page of 8 192 bytes loses 24 to its header and, in a B-tree, 16 to the links at its end: 8 152 are left. Leaves are
filled to 90 % of a page and hold a copy of the neighbour's first key: with entries of 20 bytes (8 header, 8 value,
4 line pointer) 8 152 - 819.2 - 20 = 7 312.8 bytes hold entries.
"""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.bloat import (
    Bloat,
    Column,
    btree_bloat,
    measured_btree_bloat,
    statistics_are_stale,
    table_bloat,
)

BIGINT = Column(8, 8)
PAGE = 8192


def btree_pages(rows, columns, *more, **options):
    return btree_bloat(0, rows, columns, *more, **options).fresh_bytes // PAGE


@pytest.mark.parametrize(
    ("rows", "pages"),
    [
        (365, 2),  # 7 300 bytes fit into the root; with the meta page two
        (366, 4),  # 7 320 do not: two leaves, a root above them, and the meta page
        (200_000, 551),  # as a real server has
        (10_000_000, 27448),  # 27 350 leaves, 96 pages of 285 entries above them, the root, the meta page
    ],
)
def test_pages_of_an_index(rows, pages):
    assert btree_pages(rows, [BIGINT]) == pages


@pytest.mark.parametrize(
    ("columns", "options", "pages"),
    [
        ([Column(8, 8, distinct_values=20)], {"deduplicates": True}, 171),
        ([Column(4, 4, distinct_values=20)], {"deduplicates": True}, 171),
        ([Column(-1, 4, 33, distinct_values=-1)], {"deduplicates": True}, 1445),
        ([BIGINT], {"fillfactor": 50}, 998),
        ([BIGINT], {"fillfactor": 100}, 496),
        ([BIGINT, BIGINT], {}, 773),
        ([Column(8, 8, null_share=0.5)], {}, 662),
    ],
)
def test_pages_of_200_000_entries(columns, options, pages):
    assert btree_pages(200_000, columns, **options) == pages


def test_a_partial_index_has_the_values_of_its_table():
    columns = [Column(8, 8, distinct_values=-0.0001)]
    few = btree_pages(100_000, columns, deduplicates=True, table_rows=100_000)
    many = btree_pages(100_000, columns, deduplicates=True, table_rows=100_000_000)
    assert (few, many) == (87, 276)


@pytest.mark.parametrize(
    ("columns", "rows", "pages"),
    [
        ([BIGINT], 226, 1),  # 24 header, 8 value, 4 line pointer: 8 168 // 36 = 226
        ([BIGINT], 227, 2),
        ([BIGINT], 0, 0),
        ([BIGINT] * 8, 88, 1),  # 88 + 4: the bitmap of eight nulls fits before the alignment
        ([BIGINT] * 8, 89, 2),
        ([Column(8, 8, null_share=1.0)] * 9, 226, 1),  # nine do not: 24 + 8 + 4 = 36
        ([Column(8, 8, null_share=1.0)] * 9, 227, 2),
        ([Column(8, 8, null_share=1.0)] * 8, 291, 1),  # 24 + 0 + 4 = 28
        ([Column(8, 8, null_share=1.0)] * 8, 292, 2),
        ([Column(4, 4), BIGINT], 185, 1),  # the second is aligned: 24 + 16 + 4 = 44
        ([Column(4, 4), Column(4, 4)], 226, 1),
        ([Column(1, 1)] * 8, 226, 1),
    ],
)
def test_pages_of_a_table(columns, rows, pages):
    assert table_bloat(0, rows, columns).fresh_bytes // PAGE == pages


@pytest.mark.parametrize(
    ("width", "per_page"),
    [
        (33, 120),  # 33 + 3.5 for padding that varies are less than the 40 it is padded to: 8 168 // (24 + 40 + 4)
        (126, 51),  # one byte of header and no alignment
        (127, 51),
        (40, 113),  # already aligned, but other rows are not: 43.5
    ],
)
def test_texts(width, per_page):
    column = Column(-1, 4, width)
    assert table_bloat(0, per_page, [column]).fresh_bytes == PAGE
    assert table_bloat(0, per_page + 3, [column]).fresh_bytes == 2 * PAGE


def test_long_texts_are_aligned_and_short_ones_are_not():
    def pages(width):
        return table_bloat(0, 100_000, [Column(1, 1), Column(-1, 4, width), Column(1, 1)]).fresh_bytes // PAGE

    assert pages(127) > pages(126)


def test_half_a_page_is_filled_where_the_fillfactor_says_so():
    assert table_bloat(0, 113, [BIGINT], fillfactor=50).fresh_bytes == PAGE
    assert table_bloat(0, 114, [BIGINT], fillfactor=50).fresh_bytes == 2 * PAGE


def test_a_row_that_fills_more_than_a_page_has_one():
    assert table_bloat(0, 3, [Column(9000, 1)]).fresh_bytes == 3 * PAGE


def test_rows_that_are_not_known_are_not_none():
    assert table_bloat(PAGE, -1, [BIGINT]) is None
    assert table_bloat(PAGE, 0, [BIGINT]) == Bloat(PAGE, 0)
    assert btree_bloat(PAGE, -0.5, [BIGINT]) is None


@pytest.mark.parametrize(
    ("rows", "changed", "stale"),
    [(100_000, 21_000, False), (100_000, 21_001, True), (-1, 1000, False), (-1, 1001, True), (0, 1001, True)],
)
def test_when_statistics_are_stale(rows, changed, stale):
    assert statistics_are_stale(rows, changed) is stale


@pytest.mark.parametrize(
    ("leaves", "density", "pages"),
    [
        (990, 45.0, 501),
        (990, 90.0, 1001),
        (990, 99.0, 1001),
        (0, 0.0, 2),
        (100, -1.0, 2),
        (98, 90.0, 100),
        (99, 90.0, 101),
    ],
)
def test_pages_of_a_measured_index(leaves, density, pages):
    assert measured_btree_bloat(0, leaves, density).fresh_bytes == pages * PAGE


def test_bloat_is_never_less_than_nothing():
    assert (Bloat(10, 20).bytes, Bloat(10, 20).percent, Bloat(0, 20).percent) == (0, 0, 0)
    assert (Bloat(20, 15).bytes, Bloat(20, 15).percent) == (5, 25)
