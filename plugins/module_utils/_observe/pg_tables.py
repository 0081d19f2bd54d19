# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of one database with what is needed to decide which of them VACUUM and ANALYZE would help: one query.

Nothing here waits for a lock: asking for the size of a table that someone is altering would, so for those the size is
the one that VACUUM or ANALYZE last noted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

from .pg_blockers import LOCKED
from .postgres import PostgresClient

_TABLES = (
    "WITH "
    + LOCKED
    + """, index_sizes AS MATERIALIZED (
  SELECT i.indrelid, sum(x.relpages) AS pages FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid GROUP BY 1
)
SELECT n.nspname AS schema, c.relname AS name, c.oid, c.relkind AS kind, c.oid < 16384 AS catalog,
       CASE WHEN c.relkind = 'p' THEN 0
            WHEN EXISTS (SELECT FROM locked WHERE relation = c.oid) THEN c.relpages * b.size
            ELSE coalesce(pg_relation_size(c.oid), 0) END AS heap_bytes,
       CASE WHEN t.oid IS NULL THEN 0
            WHEN EXISTS (SELECT FROM locked WHERE relation IN (c.oid, t.oid)) THEN t.relpages * b.size
            ELSE coalesce(pg_relation_size(t.oid), 0) END AS toast_bytes,
       coalesce(x.pages, 0)::bigint * b.size AS index_bytes,
       CASE WHEN c.relpages > 0 THEN least(1.0, c.relallvisible::float8 / c.relpages) ELSE 0.0 END AS all_visible_share,
       c.reltuples::float8 AS rows,
       pg_stat_get_live_tuples(c.oid) AS live_rows,
       pg_stat_get_dead_tuples(c.oid) AS dead_rows,
       coalesce(pg_stat_get_live_tuples(t.oid), 0) AS toast_live_rows,
       coalesce(pg_stat_get_dead_tuples(t.oid), 0) AS toast_dead_rows,
       pg_stat_get_ins_since_vacuum(c.oid) AS inserted_rows,
       pg_stat_get_mod_since_analyze(c.oid) AS changed_rows,
       CASE WHEN c.relkind = 'p' THEN 0 ELSE greatest(age(c.relfrozenxid), age(t.relfrozenxid)) END AS xid_age,
       CASE WHEN c.relkind = 'p' THEN 0 ELSE greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) END AS mxid_age,
       extract(epoch FROM greatest(pg_stat_get_last_vacuum_time(c.oid),
                                   pg_stat_get_last_autovacuum_time(c.oid)))::float8 AS last_vacuum,
       extract(epoch FROM greatest(pg_stat_get_last_analyze_time(c.oid),
                                   pg_stat_get_last_autoanalyze_time(c.oid)))::float8 AS last_analyze,
       pg_stat_get_vacuum_count(c.oid) AS vacuum_count,
       pg_stat_get_analyze_count(c.oid) AS analyze_count,
       (SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid AND c.relispartition) AS parent_oid,
       {permitted} AS permitted
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN index_sizes x ON x.indrelid = c.oid
CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) b
WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
ORDER BY 1, 2
"""
)
# Who may: the owner of the table and, except for tables that all databases share, of the database. Since 17 whoever
# has the right MAINTAIN.
_DATABASE_OWNER = """(NOT c.relisshared AND (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database
                                             WHERE datname = current_database()))"""
_MAINTAIN = _DATABASE_OWNER + " OR has_table_privilege(c.oid, 'MAINTAIN')"
_OWNER = _DATABASE_OWNER + " OR pg_has_role(c.relowner, 'USAGE')"


@dataclass(frozen=True)
class TableStatistics:
    """One table, materialized view (``kind`` m) or partitioned table (p, which itself holds no rows).

    ``rows`` is from the last VACUUM or ANALYZE, -1 before the first. Times are seconds since 1970. ``xid_age`` and
    ``mxid_age`` are the older of the table's and of its TOAST table's. ``permitted``: this role may vacuum it.
    """

    schema: str
    name: str
    oid: int
    kind: str = "r"
    catalog: bool = False
    heap_bytes: int = 0
    toast_bytes: int = 0
    index_bytes: int = 0
    all_visible_share: float = 0.0
    rows: float = -1.0
    live_rows: int = 0
    dead_rows: int = 0
    toast_live_rows: int = 0
    toast_dead_rows: int = 0
    inserted_rows: int = 0
    changed_rows: int = 0
    xid_age: int = 0
    mxid_age: int = 0
    last_vacuum: Optional[float] = None
    last_analyze: Optional[float] = None
    vacuum_count: int = 0
    analyze_count: int = 0
    parent_oid: Optional[int] = None
    permitted: bool = True

    @property
    def subject(self) -> str:
        return "{0}.{1}".format(self.schema, self.name)

    @property
    def size_bytes(self) -> int:
        return self.heap_bytes + self.toast_bytes

    @property
    def known_rows(self) -> float:
        return max(self.rows, float(self.live_rows), 0.0)


def observe_tables(client: PostgresClient) -> List[TableStatistics]:
    """Every table of the database, catalogs included, temporary ones not."""
    permitted = _MAINTAIN if client.server_version >= 170000 else _OWNER
    return [TableStatistics(**row) for row in client.rows_past_locks(_TABLES.replace("{permitted}", permitted))]
