# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the tables of the database are made: keys, persistence, triggers. Takes no lock on any of them."""

from __future__ import annotations

from .pg_snapshot_part import on_primary

# A partition, or the chunk of a hypertable, follows its parent. A deferrable key identifies no row to a replica.
# 'published': somebody subscribes to changes that need to name the row.
KEYLESS = """
WITH published AS MATERIALIZED (
    SELECT DISTINCT t.schemaname, t.tablename
    FROM pg_publication_tables t JOIN pg_publication p ON p.pubname = t.pubname
    WHERE p.pubupdate OR p.pubdelete
)
SELECT format('%I.%I', n.nspname, c.relname) AS name,
       c.relpages::bigint * current_setting('block_size')::int AS bytes,
       p.tablename IS NOT NULL AND NOT i.replicates AS published, i.has_key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN published p ON p.schemaname = n.nspname AND p.tablename = c.relname
CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(x.indisprimary), false) AS has_key,
           CASE c.relreplident WHEN 'f' THEN true WHEN 'n' THEN false
                WHEN 'i' THEN coalesce(bool_or(x.indisreplident AND x.indisvalid), false)
                ELSE coalesce(bool_or(x.indisprimary AND x.indisvalid AND x.indimmediate), false) END AS replicates
    FROM pg_index x WHERE x.indrelid = c.oid) i
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND (NOT i.has_key OR (p.tablename IS NOT NULL AND NOT i.replicates))
  AND (p.tablename IS NOT NULL OR (NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                       AND d.deptype = 'e')))
ORDER BY bytes DESC LIMIT 1000
"""

UNLOGGED = """
SELECT format('%I.%I', n.nspname, c.relname) AS name,
       c.relpages::bigint * current_setting('block_size')::int AS bytes,
       greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint AS rows
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'u'
  AND (c.relpages > 0 OR pg_stat_get_live_tuples(c.oid) > 0)
ORDER BY c.relpages DESC LIMIT 1000
"""

# Those of a foreign key are named by the key: off, it is no longer enforced.
TRIGGERS = """
SELECT format('%I.%I', n.nspname, c.relname) AS table, format('%I', coalesce(k.conname, t.tgname)) AS name,
       t.tgisinternal AS constraint
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint AND t.tgisinternal
WHERE t.tgenabled = 'D' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
GROUP BY 1, 2, 3
ORDER BY 3 DESC, 1, 2
"""

PARTS = {
    "keyless": on_primary(KEYLESS),
    "unlogged": on_primary(UNLOGGED),
    "triggers": on_primary(TRIGGERS),
}
