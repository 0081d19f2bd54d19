# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Indexes of the database that the session is in, and foreign keys. Takes no lock on any of them."""

from __future__ import annotations

from .pg_snapshot_part import on_primary

# Whoever builds an index concurrently holds this lock on the table until the end, which even a role that may not see
# the progress of others can see.
INVALID_INDEXES = """
SELECT format('%I.%I', n.nspname, c.relname) AS name, format('%I.%I', tn.nspname, t.relname) AS table,
       i.indisready AS ready, c.relkind = 'I' AS partitioned, c.relname ~ '_cc(new|old)[0-9]*$' AS leftover
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)
  AND NOT EXISTS (
    SELECT FROM pg_stat_progress_create_index p
    JOIN pg_locks l ON l.pid = p.pid AND l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted
    WHERE coalesce(p.index_relid, 0) IN (0, i.indexrelid) OR c.relname ~ '_cc(new|old)[0-9]*$')
ORDER BY c.relpages DESC
"""

# What makes two indexes the same. Expressions are compared as trees, without the places they had in the text. The
# first of a group is the one to keep. Indexes of partitions follow those of their parent.
DUPLICATE_INDEXES = """
WITH valid AS (
    SELECT i.*, c.relam, c.relname, c.relnamespace, c.relpages, k.conname,
           concat_ws(' ', c.relam, i.indkey, i.indnkeyatts, i.indclass, i.indcollation, i.indoption,
               to_jsonb(i) ->> 'indnullsnotdistinct',
               regexp_replace(i.indexprs::text, ':location -?[0-9]+', '', 'g'), '|',
               regexp_replace(i.indpred::text, ':location -?[0-9]+', '', 'g')) AS signature
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
    WHERE i.indisvalid AND NOT i.indisexclusion AND NOT c.relispartition AND c.relpersistence <> 't'
      AND (i.indrelid, i.indkey::text) IN (
          SELECT indrelid, indkey::text FROM pg_index GROUP BY 1, 2 HAVING count(*) > 1)
)
SELECT format('%I.%I', n.nspname, t.relname) AS table, (
           SELECT json_agg(json_build_object('name', format('%I.%I', vn.nspname, v.relname),
                                             'bytes', v.relpages::bigint * current_setting('block_size')::int,
                                             'constraint', quote_ident(v.conname))
                           ORDER BY v.indisprimary DESC, v.conname IS NOT NULL DESC, v.indisunique DESC,
                                    v.indisreplident DESC, v.indisclustered DESC, v.indexrelid)
           FROM valid v JOIN pg_namespace vn ON vn.oid = v.relnamespace
           WHERE v.indrelid = g.indrelid AND v.signature = g.signature) AS indexes
FROM (SELECT indrelid, signature, sum(relpages) AS pages FROM valid GROUP BY 1, 2 HAVING count(*) > 1) g
JOIN pg_class t ON t.oid = g.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY g.pages DESC
"""

UNUSED_INDEXES = """
SELECT format('%I.%I', s.schemaname, s.indexrelname) AS name, format('%I.%I', s.schemaname, s.relname) AS table,
       c.relpages::bigint * current_setting('block_size')::int AS bytes
FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid JOIN pg_class c ON c.oid = s.indexrelid
WHERE s.idx_scan = 0 AND i.indisvalid AND NOT i.indisunique AND NOT i.indisexclusion AND NOT i.indisreplident
  AND NOT c.relispartition AND c.relpages > 1
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = i.indrelid AND k.contype = 'f'
                  AND i.indkey[0] = ANY (k.conkey))
ORDER BY c.relpages DESC LIMIT 500
"""

# A row takes 28 bytes at least, which tells something about the size of a table that was never vacuumed or analyzed.
FOREIGN_KEYS = """
WITH RECURSIVE keys AS (
    SELECT k.* FROM pg_constraint k
    WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT EXISTS (
        SELECT FROM pg_index i
        WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
          AND i.indnkeyatts >= cardinality(k.conkey)
          AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
), parts AS (
    SELECT DISTINCT conrelid AS root, conrelid AS part FROM keys
    UNION ALL
    SELECT p.root, h.inhrelid FROM parts p JOIN pg_inherits h ON h.inhparent = p.part
), sizes AS (
    SELECT p.root, sum(greatest(c.relpages::bigint * current_setting('block_size')::int,
                                pg_stat_get_live_tuples(c.oid) * 28)) AS bytes
    FROM parts p JOIN pg_class c ON c.oid = p.part
    GROUP BY 1
)
SELECT format('%I', k.conname) AS name, format('%I.%I', n.nspname, c.relname) AS table,
       format('%I.%I', pn.nspname, p.relname) AS parent, z.bytes,
       (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY o.position)
        FROM unnest(k.conkey) WITH ORDINALITY AS o(attnum, position)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.attnum) AS columns
FROM keys k JOIN sizes z ON z.root = k.conrelid
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
ORDER BY z.bytes DESC
"""

PARTS = {
    "invalid_indexes": on_primary(INVALID_INDEXES),
    "duplicate_indexes": on_primary(DUPLICATE_INDEXES),
    "unused_indexes": on_primary(UNUSED_INDEXES),
    "foreign_keys": on_primary(FOREIGN_KEYS),
}
