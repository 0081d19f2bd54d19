# SPDX-License-Identifier: GPL-3.0-or-later
"""The bloat estimates against sizes that real servers gave to freshly built relations (PostgreSQL 18, 200 000 rows)."""

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
from hypothesis import given
from hypothesis import strategies as st

BIGINT, INT = Column(8, 8, distinct_values=-1), Column(4, 4, distinct_values=20)
HASH = Column(-1, 4, 33, distinct_values=-1)
PAGE = 8192

# name: columns, fillfactor, deduplicates, pages of the index when just built
FRESH = {
    "bigint": ([BIGINT], 90, False, 551),
    "twenty values": ([INT], 90, True, 171),
    "twenty values, not deduplicated": ([INT], 90, False, 551),
    "md5": ([HASH], 90, True, 1444),
    "fillfactor 50": ([BIGINT], 50, False, 997),
    "two columns": ([Column(8, 8, distinct_values=-1), BIGINT], 90, True, 772),
}


@pytest.mark.parametrize(("columns", "fillfactor", "deduplicates", "pages"), FRESH.values(), ids=FRESH)
def test_a_fresh_btree_is_estimated_within_two_percent(columns, fillfactor, deduplicates, pages):
    bloat = btree_bloat(pages * PAGE, 200_000, columns, fillfactor, deduplicates)
    assert bloat.fresh_bytes == pytest.approx(pages * PAGE, rel=0.02)
    assert bloat.percent < 2


def test_a_btree_that_lost_four_rows_of_five_is_bloated_by_as_much():
    assert btree_bloat(551 * PAGE, 40_000, [BIGINT]).percent == pytest.approx(79.7, abs=0.5)
    assert btree_bloat(171 * PAGE, 40_000, [INT], deduplicates=True).percent == pytest.approx(78.9, abs=1)


def test_without_statistics_nothing_is_claimed_about_texts_but_fixed_widths_are_known():
    assert btree_bloat(PAGE, 1000, [Column(-1, 4)]) is None
    assert btree_bloat(PAGE, -1, [BIGINT]) is None
    assert btree_bloat(551 * PAGE, 200_000, [Column(8, 8)]).percent < 1
    assert table_bloat(PAGE, 1000, [Column(-1, 4)]) is None


def test_an_unknown_number_of_values_counts_as_all_different():
    assert btree_bloat(0, 1000, [Column(4, 4)], deduplicates=True) == btree_bloat(0, 1000, [Column(4, 4)])


def test_an_empty_index_needs_the_meta_page_and_a_root():
    assert btree_bloat(100 * PAGE, 0, [BIGINT]) == Bloat(100 * PAGE, 2 * PAGE)


def test_a_fresh_table_is_estimated_well():
    # CREATE TABLE (a bigint, b int, c text) AS 200 000 rows of md5: 65 bytes and a line pointer, 8 kB pages.
    columns = [Column(8, 8), Column(4, 4), Column(-1, 4, 33)]
    assert table_bloat(1887 * PAGE, 200_000, columns).fresh_bytes == pytest.approx(1887 * PAGE, rel=0.05)
    assert table_bloat(2 * 1887 * PAGE, 200_000, columns).percent == pytest.approx(50, abs=3)


def test_a_measured_index_is_judged_by_its_own_fillfactor():
    assert measured_btree_bloat(1000 * PAGE, 990, 50.0, fillfactor=50).percent < 1
    assert measured_btree_bloat(1000 * PAGE, 990, 45.0, fillfactor=90).percent == pytest.approx(50, abs=1)


def test_statistics_are_stale_after_a_fifth_of_the_rows():
    assert statistics_are_stale(100_000, 30_000)
    assert not statistics_are_stale(100_000, 15_000)
    assert not statistics_are_stale(10, 500)  # what is tiny does not matter


@given(
    rows=st.floats(0, 1e9),
    width=st.floats(0, 2000),
    nulls=st.floats(0, 1),
    distinct=st.one_of(st.none(), st.floats(-1, 1e9)),
    fillfactor=st.integers(10, 100),
    deduplicates=st.booleans(),
)
def test_no_statistics_lead_to_nonsense(rows, width, nulls, distinct, fillfactor, deduplicates):
    columns = [Column(-1, 4, width, nulls, distinct), BIGINT]
    bloat = btree_bloat(1_000_000, rows, columns, fillfactor, deduplicates)
    assert bloat.fresh_bytes >= 2 * PAGE
    assert 0 <= bloat.percent <= 100
    assert bloat.fresh_bytes <= btree_bloat(1_000_000, rows, columns, fillfactor, False).fresh_bytes
