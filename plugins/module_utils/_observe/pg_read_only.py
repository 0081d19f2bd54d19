# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a server takes writes, what its settings say about that, and what goes round them."""

from __future__ import annotations

from .._errors import Unreachable
from .._judge.pg_read_only import RECORD, SETTING
from .._judge.rows import Row
from .._judge.text import printable
from .postgres import PostgresClient, PostgresLogin

_RIGHTS = """
SELECT pg_is_in_recovery() AS standby, current_user AS role, clock_timestamp()::text AS now, r.rolsuper AS alters,
       has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
           AND has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE') AS reads_files,
       has_function_privilege('pg_catalog.pg_reload_conf()', 'EXECUTE') AS reloads
FROM pg_roles r WHERE rolname = current_user
"""
_ALTERS = "SELECT bool_and(has_parameter_privilege(name, 'ALTER SYSTEM')) AS alters FROM unnest(%s) AS name"

# What stands in the file that ALTER SYSTEM writes, and not what holds: that may come from elsewhere.
_FILE = """
SELECT (SELECT setting FROM file WHERE lower(name) = %(setting)s ORDER BY seqno DESC LIMIT 1) AS setting,
       (SELECT setting FROM file WHERE lower(name) = %(record)s ORDER BY seqno DESC LIMIT 1) AS record
"""
_FILE = (
    "WITH file AS MATERIALIZED (SELECT * FROM pg_file_settings WHERE sourcefile LIKE '%%/postgresql.auto.conf')" + _FILE
)
_OVERRIDES = """
SELECT r.rolname AS role, d.datname AS database
FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS given
    LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
WHERE lower(split_part(given, '=', 1)) = %s AND NOT split_part(given, '=', 2)::bool ORDER BY 1, 2
"""
_PREPARED = """
SELECT gid AS name, owner, database, extract(epoch FROM clock_timestamp() - prepared)::float8 AS seconds
FROM pg_prepared_xacts ORDER BY prepared
"""
_SUBSCRIPTIONS = """
SELECT subname AS name, datname AS database
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE subenabled ORDER BY 1, 2
"""

# Refused before anything else is looked at, rights included, where transactions only read; otherwise it touches no row.
_ATTEMPT = """/* Would a write be refused? It changes no row. */
UPDATE pg_catalog.pg_description SET description = description WHERE false"""

# A connection that sees a new value was made after all older sessions had been told to read it. On a server that has
# been so for longer, its last reading counts, and a second more for those that were just then beginning something.
_SOURCE = """
SELECT source, sourcefile AS file, sourceline AS line,
       extract(epoch FROM least(clock_timestamp(), pg_conf_load_time() + interval '1 second'))::float8 AS cut
FROM pg_settings WHERE name = %s
"""


def observe_rights(client: PostgresClient) -> Row:
    found = client.row(_RIGHTS)
    can_be_granted = client.server_version >= 150000
    if can_be_granted:
        found.update(client.row(_ALTERS, ([SETTING, RECORD],)))
    return Row(can_be_granted=can_be_granted, **found)


def observe_writes(client: PostgresClient, rights: Row) -> Row:
    return Row(
        **vars(rights),
        **client.row(_FILE, {"setting": SETTING, "record": RECORD}),
        overrides=client.rows(_OVERRIDES, (SETTING,)),
        prepared=client.rows(_PREPARED),
        subscriptions=client.rows(_SUBSCRIPTIONS),
    )


def try_write(login: PostgresLogin) -> Row:
    """On a connection of its own, as a client that comes now."""
    from psycopg2 import Error, errorcodes

    refused, problem = False, ""
    found = {"source": "default", "file": None, "line": None, "cut": 0.0}
    try:
        with PostgresClient(login, statement_timeout=10.0) as client:
            found = client.row(_SOURCE, (SETTING,))
            try:
                client.rows(_ATTEMPT)
            except Error as error:
                refused = error.pgcode == errorcodes.READ_ONLY_SQL_TRANSACTION
                # That this role may not change that table is seen only where transactions may write.
                if not refused and error.pgcode != errorcodes.INSUFFICIENT_PRIVILEGE:
                    problem = printable(str(error).strip(), 200)
    except Unreachable as error:
        problem = error.message
    return Row(refused=refused, problem=problem, **found)
