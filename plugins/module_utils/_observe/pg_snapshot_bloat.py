# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of tables and B-trees is empty: estimated from statistics, or measured by pgstattuple where wanted.

The estimate is the usual one: rows times their average width, alignment included, at the fill factor, against the
pages there are. Only relations of more than a megabyte are looked at. NULL where statistics are missing or hidden.
"""

from __future__ import annotations

from typing import Any, List, Optional

from .._judge.rows import Row
from .pg_snapshot_part import on_primary

# Widths: 23 bytes of row header and the null bitmap, aligned; each column, and what aligns it to the one before it;
# 4 bytes of line pointer. Dead rows are no empty space yet: they are counted as rows.
TABLE_BLOAT = """
WITH candidates AS (
    SELECT c.oid, n.nspname, c.relname, c.relpages, c.reltuples, current_setting('block_size')::int AS page,
           coalesce(substring(c.reloptions::text FROM 'fillfactor=([0-9]+)')::int, 100) / 100.0 AS filled,
           has_table_privilege(c.oid, 'SELECT') AND NOT c.relrowsecurity AS readable,
           coalesce(s.n_dead_tup, 0) AS dead
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
    JOIN pg_am m ON m.oid = c.relam AND m.amname = 'heap'
    WHERE c.relkind IN ('r', 'm') AND c.relpages > 128 AND c.relpersistence <> 't'
), columns AS (
    SELECT a.attrelid, count(*) AS columns, count(s.avg_width) AS known, max(s.null_frac) AS nulls,
           sum((1 - s.null_frac) * (s.avg_width + CASE
               WHEN a.boundary = 1 OR a.before IS NULL THEN 0
               WHEN a.before > 0 THEN (a.boundary - a.before % a.boundary) % a.boundary
               ELSE (a.boundary - 1) / 2.0 END)) AS width
    FROM (
        SELECT t.*, c.nspname, c.relname,
               CASE WHEN t.attlen = -1 THEN 1
                    ELSE CASE t.attalign WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END END AS boundary,
               lag(t.attlen) OVER (PARTITION BY t.attrelid ORDER BY t.attnum) AS before
        FROM pg_attribute t JOIN candidates c ON c.oid = t.attrelid WHERE t.attnum > 0 AND NOT t.attisdropped
    ) a
    LEFT JOIN pg_stats s
      ON s.schemaname = a.nspname AND s.tablename = a.relname AND s.attname = a.attname AND NOT s.inherited
    GROUP BY a.attrelid
), expected AS (
    SELECT c.*, k.columns = k.known AND c.reltuples >= 0 AS known,
           ceil((c.reltuples + c.dead) * (4 + 8 * ceil((23 + CASE WHEN k.nulls > 0 THEN (k.columns + 7) / 8 ELSE 0 END)
               / 8.0) + 8 * ceil(k.width / 8.0)) / ((c.page - 24) * c.filled)) AS pages
    FROM candidates c JOIN columns k ON k.attrelid = c.oid
)
SELECT oid::bigint AS oid, format('%I.%I', nspname, relname) AS name, relpages::bigint * page AS bytes, readable,
       false AS exact,
       CASE WHEN known THEN greatest(0, (relpages - pages) * page)::bigint END AS bloat_bytes
FROM expected
ORDER BY bloat_bytes DESC NULLS FIRST, bytes DESC LIMIT 1000
"""

# An entry has 8 bytes of header, more where there are NULLs, and 4 bytes of line pointer. Deduplication (since 13)
# makes an index smaller than this estimate, which is then clamped at nothing: such bloat only pgstattuple sees.
INDEX_BLOAT = """
WITH candidates AS (
    SELECT c.oid, n.nspname, c.relname, t.relname AS table, tn.nspname AS table_schema, c.relpages,
           c.reltuples + coalesce(s.n_dead_tup, 0) * CASE WHEN t.reltuples > 0 THEN least(1, c.reltuples / t.reltuples)
               ELSE 1 END AS entries,
           c.reltuples >= 0 AS counted, current_setting('block_size')::int AS page, i.indrelid, i.indkey,
           coalesce(substring(c.reloptions::text FROM 'fillfactor=([0-9]+)')::int, 90) / 100.0 AS filled,
           has_table_privilege(t.oid, 'SELECT') AND NOT t.relrowsecurity AS readable
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
    LEFT JOIN pg_stat_all_tables s ON s.relid = t.oid
    WHERE c.relkind = 'i' AND c.relpages > 128 AND c.relpersistence <> 't' AND i.indisvalid AND t.relkind <> 't'
), columns AS (
    SELECT c.oid, count(*) AS columns, count(s.avg_width) AS known, max(s.null_frac) AS nulls,
           sum((1 - s.null_frac) * s.avg_width) AS width
    FROM candidates c
    JOIN pg_attribute x ON x.attrelid = c.oid
    LEFT JOIN pg_attribute a ON a.attrelid = c.indrelid AND a.attnum = c.indkey[x.attnum - 1]
    LEFT JOIN pg_stats s ON NOT s.inherited AND (
        (a.attnum > 0 AND s.schemaname = c.table_schema AND s.tablename = c.table AND s.attname = a.attname)
        OR (c.indkey[x.attnum - 1] = 0 AND s.schemaname = c.nspname AND s.tablename = c.relname
            AND s.attname = x.attname))
    GROUP BY c.oid
), expected AS (
    SELECT c.*, k.columns = k.known AND c.counted AS known,
           2 + ceil(1.01 * c.entries * (4 + 8 * ceil((8 + CASE WHEN k.nulls > 0 THEN 4 ELSE 0 END + k.width) / 8.0))
               / ((c.page - 40) * c.filled)) AS pages
    FROM candidates c JOIN columns k ON k.oid = c.oid
)
SELECT oid::bigint AS oid, format('%I.%I', nspname, relname) AS name,
       format('%I.%I', table_schema, "table") AS "table", relpages::bigint * page AS bytes, readable, false AS exact,
       CASE WHEN known THEN greatest(0, (relpages - pages) * page)::bigint END AS bloat_bytes
FROM expected
ORDER BY bloat_bytes DESC NULLS FIRST, bytes DESC LIMIT 1000
"""

PARTS = {"table_bloat": on_primary(TABLE_BLOAT), "index_bloat": on_primary(INDEX_BLOAT)}

# The approximate form skips pages that are known to hold nothing dead; free space is read from the free space map.
_EXACT_TABLE = """
SELECT table_len AS bytes, approx_free_space + dead_tuple_len AS bloat_bytes
FROM {schema}.pgstattuple_approx(%s::oid::regclass)
"""
_EXACT_INDEX = """
SELECT index_size AS bytes,
       (deleted_pages + empty_pages) * current_setting('block_size')::bigint + (leaf_pages
           * current_setting('block_size')::bigint * greatest(0, 1 - avg_leaf_density / 90.0))::bigint AS bloat_bytes
FROM {schema}.pgstatindex(%s::oid::regclass)
"""


def measured(client: Any, kind: str, schema: str, relation: Row) -> Optional[Row]:
    """``relation`` with exact figures, or ``None`` when they could not be had: then the estimate stands.

    Reads the relation once, within the client's time limits.
    """
    import psycopg2
    from psycopg2 import sql

    query = sql.SQL(_EXACT_TABLE if kind == "table_bloat" else _EXACT_INDEX).format(schema=sql.Identifier(schema))
    try:
        figures = client.row(query, (relation.oid,))
    except psycopg2.Error:
        return None
    return relation.but(bytes=int(figures["bytes"]), bloat_bytes=int(figures["bloat_bytes"]), exact=True)


def measure_all(client: Any, kind: str, schema: str, relations: List[Row], chosen: List[Row]) -> List[Row]:
    """``relations`` with those ``chosen`` measured."""
    wanted = {relation.oid for relation in chosen}
    return [(measured(client, kind, schema, r) or r) if r.oid in wanted else r for r in relations]
