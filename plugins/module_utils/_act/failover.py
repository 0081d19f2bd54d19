# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a standby the primary, and proves that it takes writes."""

from __future__ import annotations

import time

from .._errors import OpsError, Refused, Unreachable
from .._judge.rows import Row
from .._judge.text import printable, seconds_text
from .._observe.postgres import PostgresClient, PostgresLogin

_POLL_SECONDS = 0.02

# A message in the WAL is a write like any other, which is flushed and waited for, and leaves nothing to clean up.
_WRITE = """
SELECT pg_logical_emit_message(true, 'analytics.ops', 'failover') AS lsn, pg_current_xact_id()::text AS xid,
       current_setting('default_transaction_read_only')::bool AS read_only
"""
_STATUS = "SELECT pg_xact_status(%s::xid8) AS status, pg_current_wal_flush_lsn() >= %s::pg_lsn AS flushed"


def promote(client: PostgresClient, seconds: float) -> None:
    """Returns when it takes writes. Once asked for, a promotion cannot be taken back: it comes when it comes."""
    from psycopg2.errors import InsufficientPrivilege

    deadline = time.monotonic() + seconds
    try:
        client.rows("SELECT pg_promote(false)")
    except InsufficientPrivilege as error:
        raise Refused(
            "The role '{0}' may not promote.".format(printable(client.login.login_user, 80)),
            "Log in as a superuser, or GRANT EXECUTE ON FUNCTION pg_promote TO this role on the primary in good time.",
        ) from error
    while client.row("SELECT pg_is_in_recovery() AS standby")["standby"]:
        if time.monotonic() >= deadline:
            raise OpsError(
                "The promotion was asked for and is not over after {0}.".format(seconds_text(seconds)),
                "It still comes. Promote no other replica. Look at this server's log and at what replay waits for, "
                "then run this again.",
            )
        time.sleep(_POLL_SECONDS)


def prove_writes(login: PostgresLogin, seconds: float) -> Row:
    """Commits a transaction as a careful client does: flushed, and received by whom commits wait for.

    On a connection of its own: no timeout of the server ends a commit that waits, and giving up costs the connection.
    """
    from psycopg2 import Error

    try:
        with PostgresClient(login, statement_timeout=seconds) as client:
            client.rows("SET synchronous_commit = on")
            written = client.row(_WRITE)
            status = client.row(_STATUS, (written["xid"], written["lsn"]))
    except Unreachable as error:
        return Row(problem=error.message, read_only=False)
    except Error as error:
        return Row(problem=printable(str(error).strip()), read_only=False)
    problem = ""
    if status["status"] != "committed" or not status["flushed"]:
        problem = "it is '{0}'{1}.".format(status["status"], "" if status["flushed"] else ", and not flushed")
    return Row(problem=problem, read_only=written["read_only"])
