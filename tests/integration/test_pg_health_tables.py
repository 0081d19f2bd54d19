# SPDX-License-Identifier: GPL-3.0-or-later
"""Dead rows, stale statistics and bloat, made for real."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._observe.pg_indexes import index_statement
from ansible_collections.analytics.ops.plugins.module_utils._observe.pg_snapshot_bloat import INDEX_BLOAT, TABLE_BLOAT

from tests.support.pg_health import check, names, only, tidy
from tests.support.statistics import change, make_table


def test_dead_rows(shop):
    make_table(shop, "events", rows=60000)
    change(shop, "UPDATE events SET number = number + 1 WHERE id % 2 = 0")
    shop.execute("ANALYZE events")
    finding = only(check(shop), "pg.dead_tuples")
    assert (finding["subject"], finding["unit"]) == ("public.events", "%")
    assert finding["value"] == pytest.approx(33.3, abs=1)
    assert "30 000 of 90 000 rows" in finding["message"]
    assert "VACUUM (ANALYZE, VERBOSE) public.events" in finding["advice"]


@pytest.mark.parametrize(("rows", "share"), [(8000, 1), (100000, 10)], ids=["few", "small share"])
def test_dead_rows_that_do_not_matter(shop, rows, share):
    """8 000 of 16 000 are a large share of little, 10 000 of 110 000 a small one of much."""
    make_table(shop, "events", rows=rows)
    change(shop, f"UPDATE events SET number = number + 1 WHERE id % {share} = 0")
    shop.execute("ANALYZE events")
    assert check(shop)["findings"] == []


def test_dead_rows_where_autovacuum_is_off(shop):
    make_table(shop, "events", rows=60000)
    shop.execute("ALTER TABLE events SET (autovacuum_enabled = off)")
    change(shop, "DELETE FROM events WHERE id > 30000")
    shop.execute("ANALYZE events")
    assert "RESET (autovacuum_enabled)" in only(check(shop), "pg.dead_tuples")["advice"]


def test_never_analyzed(shop):
    shop.execute("CREATE TABLE fresh (id int)")
    change(shop, "INSERT INTO fresh SELECT generate_series(1, 20000)")
    finding = only(check(shop), "pg.never_analyzed")
    assert (finding["subject"], finding["value"]) == ("public.fresh", 20000)
    assert "ANALYZE (VERBOSE) public.fresh" in finding["advice"]


def test_a_small_table_need_not_be_analyzed(shop):
    shop.execute("CREATE TABLE fresh (id int)")
    change(shop, "INSERT INTO fresh SELECT generate_series(1, 5000)")
    assert check(shop)["findings"] == []


def test_statistics_are_old_where_rows_changed(shop):
    """A week is too long for a test: the limit is lowered, and only the table with writes is reported."""
    change(shop, "UPDATE orders SET note = 'y' WHERE id % 5 = 0")
    finding = only(
        check(shop, thresholds={"analyze_age": {"warning": 0}, "vacuum_age": {"warning": None}}), "pg.analyze_age"
    )
    assert finding["subject"] == "public.orders"
    assert "4 000 of its 20 000 rows have changed" in finding["message"]


def test_vacuum_is_overdue_where_rows_died(shop):
    """A week is lowered to nothing: then catalogs that other tests wrote to are overdue as well, and untouched tables
    are not."""
    change(shop, "DELETE FROM orders WHERE id % 2 = 0")
    shop.execute("ANALYZE orders")
    result = check(shop, thresholds={"vacuum_age": {"warning": 0}, "dead_tuples": {"dead_rows": 20000}})
    assert {finding["check"] for finding in result["findings"]} == {"pg.vacuum_age"}
    mine = [finding for finding in result["findings"] if not finding["subject"].startswith("pg_catalog.")]
    assert [finding["subject"] for finding in mine] == ["public.orders"]
    assert "VACUUM (ANALYZE, VERBOSE) public.orders" in mine[0]["advice"]


def bloated(shop, **storage):
    """A table of 19 MB whose rows are mostly gone, vacuumed: the space stays, and so it does in its index."""
    make_table(shop, "events", rows=300000)
    change(shop, "DELETE FROM events WHERE id % 10 <> 0")
    tidy(shop, "events")


FLOOR = {"bloat_bytes": 2 * 1024 * 1024}


def test_bloat_below_a_hundred_megabytes_is_no_finding(shop):
    bloated(shop)
    assert check(shop)["findings"] == []


def test_table_bloat(shop):
    bloated(shop)
    finding = only(check(shop, thresholds={"table_bloat": FLOOR}), "pg.table_bloat")
    assert finding["subject"] == "public.events"
    assert finding["value"] == pytest.approx(90, abs=4)
    assert "estimated" in finding["message"]
    assert "VACUUM FULL public.events" in finding["advice"]


def test_index_bloat(shop):
    bloated(shop)
    finding = only(check(shop, thresholds={"index_bloat": FLOOR}), "pg.index_bloat")
    assert finding["subject"] == "public.events_pkey"
    assert finding["value"] == pytest.approx(90, abs=5)
    assert "REINDEX INDEX CONCURRENTLY public.events_pkey" in finding["advice"]


def test_exact_bloat_of_the_suspicious(shop):
    shop.execute("CREATE EXTENSION pgstattuple")
    bloated(shop)
    limits = {"table_bloat": FLOOR, "index_bloat": FLOOR}
    result = check(shop, thresholds=limits, exact_bloat=True)
    assert names(result) == [("pg.index_bloat", "warning"), ("pg.table_bloat", "warning")]
    for finding in result["findings"]:
        assert "measured with pgstattuple" in finding["message"]
        assert finding["value"] == pytest.approx(90, abs=10)


def test_exact_bloat_takes_back_a_wrong_suspicion(shop):
    """Statistics of before a change of content mislead the estimate; the measurement sees what is there."""
    shop.execute("CREATE EXTENSION pgstattuple; CREATE TABLE notes (id int, note text)")
    change(shop, "INSERT INTO notes SELECT i, 'x' FROM generate_series(1, 100) i")
    shop.execute("ANALYZE notes")
    change(shop, "INSERT INTO notes SELECT i, repeat('long ', 30) FROM generate_series(1, 100000) i")
    shop.execute("VACUUM notes")
    limits = {"table_bloat": FLOOR, "analyze_age": {"warning": None}}
    only(check(shop, thresholds=limits), "pg.table_bloat")
    assert check(shop, thresholds=limits, exact_bloat=True)["findings"] == []


def test_without_pgstattuple_the_estimate_stands(shop):
    bloated(shop)
    finding = only(check(shop, thresholds={"table_bloat": FLOOR}, exact_bloat=True), "pg.table_bloat")
    assert "estimated" in finding["message"]


def test_rows_with_much_alignment_are_not_bloat(shop):
    """Small columns between large ones: a third of such a table is padding, which no rewrite gives back."""
    columns = ", ".join(f"f{n} bool, b{n} bigint" for n in range(6))
    values = ", ".join(f"true, i + {n}" for n in range(6))
    shop.execute(f"CREATE TABLE padded ({columns})")
    change(shop, f"INSERT INTO padded SELECT {values} FROM generate_series(1, 100000) i")
    shop.execute("CREATE INDEX ON padded (b0, f0, b1, f1)")
    tidy(shop, "padded")
    floor = {"bloat_bytes": 0}
    assert check(shop, thresholds={"table_bloat": floor, "index_bloat": floor})["findings"] == []


@pytest.mark.parametrize("query", [TABLE_BLOAT, INDEX_BLOAT, index_statement], ids=["tables", "indexes", "reindex"])
def test_statistics_are_looked_up_by_index(database, query):
    """Otherwise the work grows with the square of the relations."""
    for number in range(200):
        database.execute(f"CREATE TABLE t{number} AS SELECT i, i AS j FROM generate_series(1, 20) i")
        database.execute(f"CREATE INDEX ON t{number} (i)")
    database.execute("ANALYZE")
    database.execute("UPDATE pg_class SET relpages = 1000 WHERE relnamespace = 'public'::regnamespace")
    options = None
    if query is index_statement:
        query = index_statement(int(database.value("SHOW server_version_num")))
        options = {"block_size": 8192, "min_size_bytes": 0}
    ((plan,),) = database.execute(f"EXPLAIN (FORMAT JSON) {query}", options)
    scans = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "pg_statistic"]
    assert scans
    assert "Seq Scan" not in {node["Node Type"] for node in scans}


def nodes(plan):
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)
