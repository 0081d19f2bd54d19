# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is needed to estimate how much of tables and B-trees is empty, and its measurement by pgstattuple.

Of ``pg_stats`` only the columns that are used: the others hold samples of every table and take ten times as long. Each
is looked up by itself (``LIMIT 1`` keeps the planner from doing otherwise): joined to all of them, a thousand tables of
ten columns took 17 s instead of 0.3.
Only relations of more than a megabyte, the largest first. ``readable`` says whether this role sees the statistics.
"""

from __future__ import annotations

from typing import Any, List, Optional

from .._judge.bloat import Bloat, measured_btree_bloat
from .._judge.rows import Row
from .pg_snapshot_part import on_primary

TABLE_BLOAT = """
WITH chosen AS MATERIALIZED (
    SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_am m ON m.oid = c.relam AND m.amname = 'heap'
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND c.relpages > 128
    ORDER BY c.relpages DESC LIMIT 1000
)
SELECT c.oid::bigint AS oid, format('%I.%I', c.nspname, c.relname) AS name,
       c.relpages::bigint * current_setting('block_size')::int AS bytes, current_setting('block_size')::int AS page,
       greatest(c.reltuples, pg_stat_get_live_tuples(c.oid)) + pg_stat_get_dead_tuples(c.oid) AS rows,
       c.reltuples >= 0 AS counted,
       coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100)
           AS fillfactor,
       has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) AS readable, detail.columns
FROM chosen c CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(a.attlen, a.attalign, s.avg_width, s.null_frac, s.n_distinct) ORDER BY a.attnum)
        AS columns
    FROM pg_attribute a LEFT JOIN LATERAL (
        SELECT p.avg_width, p.null_frac, p.n_distinct FROM pg_stats p
        WHERE p.schemaname = c.nspname AND p.tablename = c.relname AND p.attname = a.attname AND NOT p.inherited
        LIMIT 1) s ON true
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) detail
ORDER BY bytes DESC
"""

# Equal values share an entry where support function 4 says that they are the same bytes.
INDEX_BLOAT = """
WITH chosen AS MATERIALIZED (
    SELECT x.oid, x.relname, x.relpages, x.reltuples, x.reloptions, i.*
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
    WHERE x.relkind = 'i' AND x.relpersistence <> 't' AND x.relpages > 128 AND i.indisvalid
    ORDER BY x.relpages DESC LIMIT 1000
)
SELECT c.oid::bigint AS oid, format('%I.%I', n.nspname, c.relname) AS name,
       format('%I.%I', n.nspname, t.relname) AS "table",
       c.relpages::bigint * current_setting('block_size')::int AS bytes, current_setting('block_size')::int AS page,
       -- of a partial index only its own count, grown as its table has since
       CASE WHEN c.indpred IS NULL THEN greatest(c.reltuples, pg_stat_get_live_tuples(t.oid))
            ELSE c.reltuples * greatest(1, pg_stat_get_live_tuples(t.oid) / greatest(t.reltuples, 1)) END
           + pg_stat_get_dead_tuples(t.oid) AS rows,
       greatest(t.reltuples, pg_stat_get_live_tuples(t.oid)) AS table_rows, c.reltuples >= 0 AS counted,
       coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 90)
           AS fillfactor,
       coalesce((SELECT option_value::bool FROM pg_options_to_table(c.reloptions)
                 WHERE option_name = 'deduplicate_items'), true)
           AND NOT c.indisunique AND c.indnatts = c.indnkeyatts AND detail.equalimage AS deduplicates,
       has_table_privilege(t.oid, 'SELECT') AND NOT row_security_active(t.oid) AS readable, detail.columns
FROM chosen c JOIN pg_class t ON t.oid = c.indrelid AND t.relkind <> 't' JOIN pg_namespace n ON n.oid = t.relnamespace
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(a.attlen, a.attalign, s.avg_width, s.null_frac, s.n_distinct) ORDER BY a.attnum)
               AS columns,
           bool_and(EXISTS (SELECT FROM pg_opclass o JOIN pg_amproc f ON f.amprocfamily = o.opcfamily
                            WHERE o.oid = c.indclass[a.attnum - 1] AND f.amprocnum = 4
                              AND f.amproclefttype = o.opcintype AND f.amprocrighttype = o.opcintype)
                    AND NOT EXISTS (SELECT FROM pg_collation l
                                    WHERE l.oid = a.attcollation AND NOT l.collisdeterministic))
               FILTER (WHERE a.attnum <= c.indnkeyatts) AS equalimage
    FROM pg_attribute a
    LEFT JOIN pg_attribute source ON source.attrelid = c.indrelid AND source.attnum > 0
      AND source.attnum = c.indkey[a.attnum - 1]
    LEFT JOIN LATERAL (
        SELECT p.avg_width, p.null_frac, p.n_distinct FROM pg_stats p
        WHERE p.schemaname = n.nspname AND p.attname = coalesce(source.attname, a.attname) AND NOT p.inherited
          AND p.tablename = CASE WHEN source.attname IS NULL THEN c.relname ELSE t.relname END
        LIMIT 1) s ON true
    WHERE a.attrelid = c.oid AND a.attnum > 0) detail
ORDER BY bytes DESC
"""

PARTS = {"table_bloat": on_primary(TABLE_BLOAT), "index_bloat": on_primary(INDEX_BLOAT)}

# The approximate form passes over pages that are known to hold nothing dead and asks the free space map about them.
_EXACT_TABLE = """
SELECT table_len AS bytes, approx_free_space::bigint AS empty FROM {schema}.pgstattuple_approx(%s::oid::regclass)
"""
_EXACT_INDEX = """
SELECT index_size AS bytes, leaf_pages, nullif(avg_leaf_density, 'NaN') AS density
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
        seen = client.row(query, (relation.oid,))
    except psycopg2.Error:
        return None
    if kind == "table_bloat":
        bloat = Bloat(seen["bytes"], seen["bytes"] - seen["empty"])
    else:
        bloat = measured_btree_bloat(
            seen["bytes"], seen["leaf_pages"], seen["density"] or 0.0, relation.fillfactor, relation.page
        )
    return relation.but(measured=bloat)


def measure_all(client: Any, kind: str, schema: str, relations: List[Row], chosen: List[Row]) -> List[Row]:
    """``relations`` with those ``chosen`` measured."""
    wanted = {relation.oid for relation in chosen}
    return [(measured(client, kind, schema, r) or r) if r.oid in wanted else r for r in relations]
