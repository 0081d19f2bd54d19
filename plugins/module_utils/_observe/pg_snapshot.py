# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at a PostgreSQL server: the parts that the chosen checks need, in a handful of round trips.

Each part is a subquery that returns its rows as JSON, so that many go in one statement. Should that statement fail,
every part is asked for by itself, and only the one that fails is unavailable.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, List, Tuple

from .._errors import Unreachable
from .._judge.checks import Unavailable
from .._judge.rows import Row
from .._judge.text import printable
from . import (
    pg_snapshot_activity,
    pg_snapshot_bloat,
    pg_snapshot_indexes,
    pg_snapshot_replication,
    pg_snapshot_schema,
    pg_snapshot_server,
    pg_snapshot_sessions,
    pg_snapshot_tables,
    pg_snapshot_timescale,
)
from .pg_snapshot_part import needs_monitor
from .postgres import PostgresClient

# Compiling these statements would take longer than running them, hence no jit.
_SERVER = """
SELECT set_config('jit', 'off', false) AS jit,
       current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,
       pg_is_in_recovery() AS standby, current_database() AS database,
       extract(epoch FROM clock_timestamp())::float8 AS now,
       extract(epoch FROM pg_postmaster_start_time())::float8 AS started,
       current_user AS role, quote_ident(current_user) AS role_quoted,
       pg_has_role('pg_read_all_stats', 'USAGE') AS reads_all_stats,
       has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS lists_archive_status,
       has_function_privilege('pg_ls_waldir()', 'EXECUTE') AS lists_wal,
       current_setting('archive_mode') AS archive_mode,
       current_setting('timescaledb.license', true) AS timescale_licence,
       current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved_connections,
       current_setting('max_locks_per_transaction')::int AS max_locks_per_transaction,
       current_setting('max_prepared_transactions')::int AS max_prepared_transactions,
       current_setting('autovacuum_vacuum_threshold')::int AS vacuum_threshold,
       current_setting('autovacuum_vacuum_scale_factor')::float8 AS vacuum_scale_factor,
       current_setting('autovacuum_vacuum_insert_threshold')::int AS insert_threshold,
       current_setting('autovacuum_vacuum_insert_scale_factor')::float8 AS insert_scale_factor,
       current_setting('autovacuum_analyze_threshold')::int AS analyze_threshold,
       current_setting('autovacuum_analyze_scale_factor')::float8 AS analyze_scale_factor,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
              ) AS has_tables,
       '{"pg_stat_statements": null, "pgstattuple": null, "timescaledb": null}'::jsonb || coalesce((
           SELECT jsonb_object_agg(e.extname, jsonb_build_object('version', e.extversion, 'schema', n.nspname))
           FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
           WHERE e.extname IN ('pg_stat_statements', 'pgstattuple', 'timescaledb')), '{}') AS extensions
"""

# The server's own state first, then what belongs to the database: two statements, for the second may take its time.
_ROUNDS = (
    {
        **pg_snapshot_server.PARTS,
        **pg_snapshot_sessions.PARTS,
        **pg_snapshot_activity.PARTS,
        **pg_snapshot_replication.PARTS,
    },
    {
        **pg_snapshot_schema.PARTS,
        **pg_snapshot_tables.PARTS,
        **pg_snapshot_indexes.PARTS,
        **pg_snapshot_bloat.PARTS,
        **pg_snapshot_timescale.PARTS,
    },
)
PARTS = {name: part for parts in _ROUNDS for name, part in parts.items()}

# So that the statement is recognised in pg_stat_activity and left out among the slow ones.
_MARK = "/* analytics.ops pg_health */ SELECT "

# Statements that may run into the time limit before the rest of the parts is given up.
_PATIENCE = 2


def observe(client: PostgresClient, needs: Iterable[str]) -> Dict[str, Any]:
    """A snapshot: the part ``server`` always, of the others those in ``needs``.

    Rows are ``Row``, or lists of them; what cannot be seen is ``Unavailable``. Raises ``Unreachable``.
    """
    wanted = set(needs)
    server = _ask_server(client)
    snapshot: Dict[str, Any] = {"server": server}
    for parts in _ROUNDS:
        queries = []
        for name, part in parts.items():
            if name in wanted:
                query = part.query(server)
                if isinstance(query, Unavailable):
                    snapshot[name] = query
                else:
                    queries.append((name, query))
        if queries:
            for name, rows in _ask_all(client, server, queries).items():
                one = parts[name].one and not isinstance(rows, Unavailable)
                snapshot[name] = rows[0] if one else rows
    return snapshot


def _ask_server(client: PostgresClient) -> Row:
    import psycopg2

    try:
        return _ask(client, [("server", _SERVER)])["server"][0]
    except psycopg2.Error as error:
        raise Unreachable(
            "{0} lets us in but cannot be asked: {1}.".format(client.login.target, _first_line(error)),
            "If someone rewrites or locks system catalogs, wait for them; otherwise look at the server's log.",
        ) from error


def _ask_all(client: PostgresClient, server: Row, queries: List[Tuple[str, Any]]) -> Dict[str, Any]:
    import psycopg2

    try:
        return _ask(client, queries)
    except psycopg2.Error:
        pass
    answers: Dict[str, Any] = {}
    late = 0
    for name, query in queries:
        if late >= _PATIENCE:
            answers[name] = _unavailable(name, "was not asked for, since others had taken too long", _SLOW)
            continue
        try:
            answers.update(_ask(client, [(name, query)]))
        except psycopg2.errors.InsufficientPrivilege as error:
            answers[name] = needs_monitor(server, "{0} ({1})".format(_words(name), _first_line(error)))
        except psycopg2.errors.QueryCanceled:
            late += 1
            answers[name] = _unavailable(name, "took longer than {0:g} seconds".format(client.statement_timeout), _SLOW)
        except psycopg2.Error as error:
            answers[name] = _unavailable(name, "failed: {0}".format(_first_line(error)), "Look at the server's log.")
    return answers


_SLOW = "Raise statement_timeout, or look at what keeps the server busy."


def _unavailable(name: str, what: str, advice: str) -> Unavailable:
    return Unavailable("Asking for {0} {1}.".format(_words(name), what), advice)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _first_line(error: Exception) -> str:
    return printable((str(error).strip() or type(error).__name__).split("\n")[0])


def _ask(client: PostgresClient, queries: List[Tuple[str, Any]]) -> Dict[str, List[Row]]:
    """One statement, one row, a column of JSON for each query.

    As bytes: statements of sessions in databases of another encoding are shown unconverted, and one of them must not
    make the whole answer unreadable.
    """
    from psycopg2 import sql

    columns = [
        sql.Composed(
            [
                sql.SQL("(SELECT textsend(coalesce(json_agg(row_to_json(r)), '[]')::text) FROM ("),
                query if isinstance(query, sql.Composable) else sql.SQL(query),
                sql.SQL(") AS r) AS "),
                sql.Identifier(name),
            ]
        )
        for name, query in queries
    ]
    row = client.row(sql.Composed([sql.SQL(_MARK), sql.SQL(", ").join(columns)]))
    return {
        name: json.loads(bytes(value).decode("utf-8", "replace"), object_hook=lambda given: Row(**given))
        for name, value in row.items()
    }
