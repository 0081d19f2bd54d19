# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Indexes of one database with what is needed to judge their bloat and whether they may be rebuilt: one query.

Nothing here waits for a lock: asking for the size of a relation that someone is altering would, so for those the
size is the one that VACUUM or ANALYZE last noted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .._judge.bloat import Bloat, Column, btree_bloat, measured_btree_bloat, statistics_are_stale
from .pg_blockers import LOCKED
from .postgres import PostgresClient

# LIMIT 1 has each column's statistics looked up by itself; see pg_snapshot_bloat.
# equalimage: support function 4 says that equal values are the same bytes, without which nothing is deduplicated.
# original: the valid twin of an index that REINDEX CONCURRENTLY left behind (name_ccnew, name_ccold).
_INDEXES = (
    "WITH "
    + LOCKED
    + """, sized AS MATERIALIZED (
  SELECT x.oid, x.relname, x.reltuples, x.reloptions, x.relnamespace, x.relam,
         CASE WHEN EXISTS (SELECT FROM locked WHERE relation = x.oid) THEN x.relpages * %(block_size)s::bigint
              ELSE coalesce(pg_relation_size(x.oid), 0) END AS size_bytes
  FROM pg_class x WHERE x.relkind = 'i' AND x.relpersistence <> 't'
), chosen AS MATERIALIZED (
  SELECT s.*, i.* FROM sized s JOIN pg_index i ON i.indexrelid = s.oid
  WHERE i.indislive AND (NOT i.indisvalid OR s.size_bytes >= %(min_size_bytes)s)
)
SELECT n.nspname AS schema, t.relname AS "table", c.relname AS name, c.oid, t.oid AS table_oid, am.amname AS method,
       c.size_bytes, c.reltuples AS rows, t.reltuples AS table_rows,
       t.relpages::bigint * %(block_size)s AS table_bytes,
       pg_stat_get_live_tuples(t.oid) + pg_stat_get_dead_tuples(t.oid) AS counted_rows,
       pg_stat_get_mod_since_analyze(t.oid) AS changed_rows,
       coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 90)
         AS fillfactor,
       coalesce((SELECT option_value::bool FROM pg_options_to_table(c.reloptions)
                 WHERE option_name = 'deduplicate_items'), true)
         AND NOT c.indisunique AND c.indnatts = c.indnkeyatts AND detail.equalimage AS deduplicates,
       c.indisunique AS "unique", c.indisexclusion AS "exclusion", c.indisvalid AS valid, c.indisready AS ready,
       c.indpred IS NOT NULL AS partial, t.relkind = 't' AS toast,
       n.nspname = 'pg_catalog' OR (t.relkind = 't' AND c.indrelid < 16384) AS system,
       EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.datname = current_database()
               AND p.relid IN (t.oid, c.oid)) AS building,
       {permitted} AS permitted,
       CASE WHEN NOT c.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' THEN (
         SELECT twin.relname FROM pg_index o JOIN pg_class twin ON twin.oid = o.indexrelid
         WHERE o.indrelid = c.indrelid AND o.indisvalid AND o.indexrelid <> c.indexrelid AND twin.relam = c.relam
           AND starts_with(twin.relname, regexp_replace(c.relname, '_cc(new|old)[0-9]*$', ''))
           AND o.indkey::text = c.indkey::text AND o.indclass = c.indclass AND o.indcollation = c.indcollation
           AND o.indoption::text = c.indoption::text AND o.indisunique = c.indisunique
           AND o.indexprs::text IS NOT DISTINCT FROM c.indexprs::text
           AND o.indpred::text IS NOT DISTINCT FROM c.indpred::text
         ORDER BY length(twin.relname) LIMIT 1) END AS original,
       detail.columns
FROM chosen c
JOIN pg_class t ON t.oid = c.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am am ON am.oid = c.relam
CROSS JOIN LATERAL (
  SELECT bool_and(EXISTS (SELECT FROM pg_opclass oc JOIN pg_amproc f ON f.amprocfamily = oc.opcfamily
                          WHERE oc.oid = c.indclass[a.attnum - 1] AND f.amprocnum = 4
                            AND f.amproclefttype = oc.opcintype AND f.amprocrighttype = oc.opcintype)
                  AND NOT EXISTS (SELECT FROM pg_collation co
                                  WHERE co.oid = a.attcollation AND NOT co.collisdeterministic))
           FILTER (WHERE a.attnum <= c.indnkeyatts) AS equalimage,
         json_agg(json_build_array(a.attlen, a.attalign, s.avg_width, s.null_frac, s.n_distinct) ORDER BY a.attnum)
           AS columns
  FROM pg_attribute a
  LEFT JOIN pg_attribute source ON source.attrelid = c.indrelid AND source.attnum = c.indkey[a.attnum - 1]
                                AND source.attnum > 0
  LEFT JOIN LATERAL (
    SELECT p.avg_width, p.null_frac, p.n_distinct FROM pg_stats p
    WHERE p.schemaname = n.nspname AND p.attname = coalesce(source.attname, a.attname) AND NOT p.inherited
      AND p.tablename = CASE WHEN source.attname IS NULL THEN c.relname ELSE t.relname END
    LIMIT 1) s ON true
  WHERE a.attrelid = c.oid AND a.attnum > 0
) detail
ORDER BY 1, 2, 3
"""
)
# Since 17 a right of its own, before that the owner's alone.
_MAINTAIN = "has_table_privilege(t.oid, 'MAINTAIN')"
_OWNER = "pg_has_role(t.relowner, 'USAGE')"

_SIZES = (
    "WITH "
    + LOCKED
    + """
SELECT n.nspname AS schema, c.relname AS name,
       CASE WHEN EXISTS (SELECT FROM locked WHERE relation = c.oid)
            THEN c.relpages * current_setting('block_size')::bigint
            ELSE coalesce(pg_relation_size(c.oid), 0) END AS bytes
FROM unnest(%s, %s) AS wanted (schema, name)
JOIN pg_namespace n ON n.nspname = wanted.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name AND c.relkind = 'i'
"""
)

_MEASURED = "SELECT leaf_pages, avg_leaf_density, index_size FROM {schema}.pgstatindex({oid}::regclass)"
_MEASURING = """
SELECT n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
JOIN pg_proc f ON f.pronamespace = n.oid AND f.proname = 'pgstatindex' AND f.proargtypes = '2205'::oidvector
WHERE e.extname = 'pgstattuple' AND has_function_privilege(f.oid, 'EXECUTE') AND has_schema_privilege(n.oid, 'USAGE')
"""

_ALIGNMENTS = {"c": 1, "s": 2, "i": 4, "d": 8}


@dataclass(frozen=True)
class IndexStatistics:
    """One index. ``rows`` is -1 where nothing is known; ``permitted``: this role may rebuild it.

    ``counted_rows`` holds the table's dead rows as well, whose entries are there until VACUUM removes them.
    ``original`` names the valid twin that an invalid leftover of ``REINDEX CONCURRENTLY`` belongs to, ``building`` says
    that an index of this table is being built right now. ``deduplicates`` is about an index built today.
    """

    schema: str
    table: str
    name: str
    oid: int
    table_oid: int
    method: str
    size_bytes: int
    rows: float
    table_rows: float
    table_bytes: int
    counted_rows: int
    changed_rows: int
    fillfactor: int
    deduplicates: bool
    unique: bool
    exclusion: bool
    valid: bool
    ready: bool
    partial: bool
    toast: bool
    system: bool
    building: bool
    permitted: bool
    original: Optional[str]
    columns: Tuple[Column, ...]
    block_size: int = 8192

    @property
    def subject(self) -> str:
        return "{0}.{1}".format(self.schema, self.name)

    @property
    def entries(self) -> Optional[float]:
        """Index entries now. ``reltuples`` may be from long before, so the counted rows of the table may raise it."""
        if not self.partial:
            known = max(self.rows, float(self.counted_rows))
            return known if known > 0 or self.rows == 0 else None
        if self.rows < 0:
            return None
        grown = self.counted_rows / self.table_rows if self.table_rows > 0 else 1.0
        return self.rows * max(1.0, grown)

    @property
    def stale(self) -> bool:
        """Whether the statistics are behind. TOAST tables are never analyzed and have nothing that could be."""
        return not self.toast and statistics_are_stale(max(self.table_rows, self.counted_rows), self.changed_rows)

    def bloat(self) -> Optional[Bloat]:
        """The estimate; ``None`` for other than B-trees and where statistics are missing."""
        entries = self.entries
        if self.method != "btree" or entries is None:
            return None
        table_rows = max(self.table_rows, float(self.counted_rows))
        return btree_bloat(
            self.size_bytes, entries, self.columns, self.fillfactor, self.deduplicates, table_rows, self.block_size
        )


def index_statement(server_version: int) -> str:
    return _INDEXES.replace("{permitted}", _MAINTAIN if server_version >= 170000 else _OWNER)


def observe_indexes(client: PostgresClient, min_size_bytes: int = 0) -> List[IndexStatistics]:
    """Every invalid index, and the valid ones of at least ``min_size_bytes``; none of temporary tables."""
    block_size = int(client.row("SELECT current_setting('block_size') AS size")["size"])
    statement = index_statement(client.server_version)
    rows = client.rows_past_locks(statement, {"block_size": block_size, "min_size_bytes": min_size_bytes})
    return [_index(row, block_size) for row in rows]


def index_sizes(client: PostgresClient, indexes: Sequence[IndexStatistics]) -> Dict[Tuple[str, str], int]:
    """Bytes by schema and name, which a rebuilt index keeps; those that are gone are not in it."""
    names = ([index.schema for index in indexes], [index.name for index in indexes])
    rows = client.rows_past_locks(_SIZES, names)
    return {(row["schema"], row["name"]): row["bytes"] for row in rows}


def measuring_schema(client: PostgresClient) -> Optional[str]:
    """Where ``pgstattuple`` is installed and may be used by this role."""
    rows = client.rows(_MEASURING)
    return rows[0]["schema"] if rows else None


def measure_bloat(client: PostgresClient, schema: str, index: IndexStatistics) -> Optional[Bloat]:
    """Exact, by reading the whole index with ``pgstatindex``. ``None`` for other than B-trees."""
    from psycopg2 import sql

    if index.method != "btree":
        return None
    statement = sql.SQL(_MEASURED).format(schema=sql.Identifier(schema), oid=sql.Literal(index.oid))
    row = client.row(statement)
    density = row["avg_leaf_density"]
    if math.isnan(density):  # not a single leaf with content
        density = 0.0
    return measured_btree_bloat(row["index_size"], row["leaf_pages"], density, index.fillfactor, index.block_size)


def _index(row: Mapping[str, Any], block_size: int) -> IndexStatistics:
    columns = tuple(
        Column(length, _ALIGNMENTS[alignment], width, nulls or 0.0, distinct)
        for length, alignment, width, nulls, distinct in row["columns"]
    )
    return IndexStatistics(**dict(row, columns=columns, block_size=block_size))
