# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables and sequences of the database that the session is in.

Nothing here takes a lock on a table: a size function would wait behind the very ALTER TABLE that one is called to look
at. Sizes are ``relpages``, as of the last vacuum, analyze or index build.
"""

from __future__ import annotations

from .pg_snapshot_part import constant, on_primary

TABLES = """
SELECT CASE WHEN p.oid IS NULL THEN format('%I.%I', n.nspname, c.relname)
            ELSE format('TOAST of %I.%I', pn.nspname, p.relname) END AS name,
       CASE WHEN p.oid IS NOT NULL THEN format('%I.%I', pn.nspname, p.relname) END AS parent,
       c.relkind <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AS is_user,
       s.n_live_tup AS live, s.n_dead_tup AS dead, s.n_mod_since_analyze AS modified,
       s.n_ins_since_vacuum AS inserted,
       coalesce(c.reloptions::text ~* 'autovacuum_enabled=(off|false|no|0)', false) AS autovacuum_off,
       extract(epoch FROM clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum))::float8 AS vacuum_seconds,
       extract(epoch FROM clock_timestamp() - greatest(s.last_analyze, s.last_autoanalyze))::float8 AS analyze_seconds
FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class p ON c.relkind = 't' AND p.reltoastrelid = c.oid
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE c.relkind IN ('r', 'm', 't') AND c.relpersistence <> 't'
  AND (s.n_dead_tup > 0 OR s.n_mod_since_analyze > 0 OR s.n_ins_since_vacuum > 0)
"""

OLDEST_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) AS name, age(c.relfrozenxid) AS xid_age,
       mxid_age(c.relminmxid) AS multixact_age
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 't') AND c.relfrozenxid <> '0'
ORDER BY greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) DESC LIMIT 3
"""

# The column that a sequence fills: it owns the sequence, or its default draws from it. A narrow column ends first.
SEQUENCES = """
WITH uses AS (
    SELECT DISTINCT ON (sequence) * FROM (
        SELECT d.objid AS sequence, d.refobjid AS tab, d.refobjsubid AS col
        FROM pg_depend d JOIN pg_sequence q ON q.seqrelid = d.objid
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
          AND d.refobjsubid > 0
        UNION ALL
        SELECT d.refobjid, a.adrelid, a.adnum
        FROM pg_depend d JOIN pg_attrdef a ON a.oid = d.objid JOIN pg_sequence q ON q.seqrelid = d.refobjid
        WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
    ) AS found
    JOIN pg_attribute att ON att.attrelid = found.tab AND att.attnum = found.col
    ORDER BY sequence, att.attlen
)
SELECT format('%I.%I', n.nspname, c.relname) AS name, s.seqincrement AS increment, s.seqmin AS minimum,
       s.seqmax AS maximum, CASE WHEN t.oid IS NOT NULL THEN format('%I.%I', tn.nspname, t.relname) END AS table,
       quote_ident(u.attname) AS column, format_type(u.atttypid, NULL) AS column_type,
       CASE u.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
            WHEN 'int8'::regtype THEN 9223372036854775807 END AS column_maximum,
       greatest(t.reltuples, pg_stat_get_tuples_inserted(t.oid), 0)::float8 AS rows,
       has_sequence_privilege(c.oid, 'SELECT, USAGE') AS readable,
       CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(c.oid) END AS last_value
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN uses u ON u.sequence = c.oid
LEFT JOIN pg_class t ON t.oid = u.tab LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE NOT s.seqcycle AND c.relpersistence <> 't'
ORDER BY 1
"""

# Counted up since somebody reset the statistics; a crash does that, too.
SCANS = """
SELECT format('%I.%I', schemaname, relname) AS name, seq_scan AS scans, seq_tup_read AS rows
FROM pg_stat_user_tables WHERE seq_tup_read > 0 ORDER BY seq_tup_read DESC, 1 LIMIT 20
"""

PARTS = {
    "tables": on_primary(TABLES),
    "scans": constant(SCANS),
    "oldest_tables": on_primary(OLDEST_TABLES),
    "sequences": on_primary(SEQUENCES),
}
