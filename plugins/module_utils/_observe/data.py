# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the statements of assertions: read-only, one at a time, each within its time, of each only the first rows."""

from __future__ import annotations

import datetime
import math
import time
from decimal import Decimal
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from .._errors import InputError, Refused, Unreachable
from .._judge.data_facts import FLAG, NOTHING, NULL, NUMBER, TEXT, TIME, Cell, Outcome
from .._judge.duckdb import HELD
from .._judge.text import printable
from .duckdb import ChildFailed, connect, error_text, in_child, interrupted, limited, single_select
from .duckdb_file import outcome_of
from .postgres import PostgresClient

COLUMNS_LIMIT, TEXT_LIMIT = 50, 200


class Question(NamedTuple):
    """``rows`` is how many rows to fetch at most; one more is asked for, to know whether there are more."""

    sql: str
    rows: int = 1
    timeout: float = 30.0
    show_errors: bool = True


# The server itself sees to it that it is one statement, and one that returns rows: it is opened as a cursor.
_OPEN = """
DO $$
DECLARE analytics_ops refcursor := 'analytics_ops';
BEGIN
    OPEN analytics_ops NO SCROLL FOR EXECUTE current_setting('analytics_ops.statement');
END $$
"""
_BY_CODE = {
    "57014": ("it did not end within {0:g} seconds.", "Raise statement_timeout, or give the statement an index."),
    "55P03": ("a table that it needs stays locked.", "Look in pg_locks for who holds the lock; raise lock_timeout."),
    "25006": ("it would change something.", "Give a statement that only reads."),
    "42501": ("{1}.", "GRANT SELECT on what it reads to this role."),
    "42P11": ("it is not one single query (SELECT).", "Give one statement that returns rows, and only that."),
}


def ask_postgres(client: PostgresClient, questions: Sequence[Question], zone: datetime.tzinfo) -> List[Outcome]:
    """Raises ``Unreachable`` when the server is gone; an error of one statement is the outcome of that one."""
    import psycopg2

    try:
        client.rows("SELECT set_config('TimeZone', %s, false)", [str(zone)])
    except psycopg2.DataError as error:
        raise InputError(
            "time_zone: the server knows none called '{0}'.".format(printable(zone, 60)),
            "Give one of pg_timezone_names.",
        ) from error
    return [_ask_one(client, question, zone) for question in questions]


def _ask_one(client: PostgresClient, question: Question, zone: datetime.tzinfo) -> Outcome:
    import psycopg2

    began = time.monotonic()
    client.limit_statements(question.timeout)
    client.rows("BEGIN TRANSACTION READ ONLY")
    try:
        now = client.row(
            "SELECT set_config('analytics_ops.statement', %s, true),"
            " extract(epoch FROM clock_timestamp())::float8 AS now",
            [question.sql],
        )["now"]
        client.rows(_OPEN)
        names, rows = client.table("FETCH FORWARD {0:d} FROM analytics_ops".format(question.rows + 1))
        outcome = _outcome(names, rows, question, zone, now, time.monotonic() - began)
    except (psycopg2.Error, ValueError, OverflowError, RecursionError) as error:  # a value may be odd in any way
        text = printable((str(error).strip() or type(error).__name__).split("\n")[0].rstrip("."), 300)
        code = getattr(error, "pgcode", None) or ""
        if not question.show_errors:  # messages quote the value they are about
            text = "error {0}".format(code or type(error).__name__)
        message, advice = _BY_CODE.get(code, ("{1}.", "Run it by hand with this role."))
        outcome = Outcome(error=message.format(question.timeout, text), advice=advice)
    client.rows("ROLLBACK")
    return outcome


def ask_duckdb(path: str, questions: Sequence[Question], zone: datetime.tzinfo) -> List[Outcome]:
    """Raises ``Unreachable`` when the file cannot be opened or the library does not come back, ``Refused`` when a
    process holds it for writing."""
    patience = sum(question.timeout for question in questions) + 30
    try:
        answers = in_child(lambda: _ask_all(path, questions, zone), patience)
    except ChildFailed as failure:
        text = "{0} cannot be used: {1}.".format(path, printable(failure).rstrip("."))
        if outcome_of(str(failure), path) == HELD:
            raise Refused(text, "The service holds it for writing: check a copy, or let it publish one.") from failure
        raise Unreachable(text, "Look at the file with duckdb_health.") from failure
    return [_restored(answer) for answer in answers]


def _ask_all(path: str, questions: Sequence[Question], zone: datetime.tzinfo) -> List[Dict[str, Any]]:
    """Runs in the child."""
    connection = connect(path)
    try:
        connection.execute("SET TimeZone = '{0}'".format(str(zone).replace("'", "")))
    except Exception as error:  # without the extension icu there is none, and statements have to do without
        if "catalog" not in type(error).__name__.lower():
            raise
    return [_plain(_ask_file(connection, question, zone)) for question in questions]


def _ask_file(connection: Any, question: Question, zone: datetime.tzinfo) -> Outcome:
    began = time.monotonic()
    try:
        single_select(connection, question.sql)
        bounded = "SELECT * FROM (\n{0}\n) LIMIT {1:d}".format(question.sql.strip().rstrip("; \n\t"), question.rows + 1)
        with limited(connection, question.timeout):
            result = connection.execute(bounded)
            names, rows = [column[0] for column in result.description], result.fetchmany(question.rows + 1)
    except Exception as error:
        if interrupted(error):
            message, advice = _BY_CODE["57014"]
            return Outcome(error=message.format(question.timeout), advice=advice)
        text = printable(error_text(error), 300) if question.show_errors else type(error).__name__
        return Outcome(error=text.rstrip(".") + ".", advice="Run it by hand on a read-only connection.")
    return _outcome(names, rows, question, zone, time.time(), time.monotonic() - began)


def _outcome(
    names: Sequence[str],
    rows: Sequence[Tuple[Any, ...]],
    question: Question,
    zone: datetime.tzinfo,
    now: float,
    seconds: float,
) -> Outcome:
    return Outcome(
        columns=tuple(printable(name, 100) for name in names[:COLUMNS_LIMIT]),
        rows=tuple(tuple(cell(value, zone) for value in row[:COLUMNS_LIMIT]) for row in rows[: question.rows]),
        more=len(rows) > question.rows,
        now=now,
        seconds=seconds,
    )


def cell(value: Any, zone: datetime.tzinfo) -> Cell:
    """A value of any store, as rules judge it. Times without a zone are in ``zone``, a day begins at its midnight."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return Cell(FLAG, float(value), str(value).lower())
    if isinstance(value, (int, float, Decimal)):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        return Cell(NUMBER if math.isfinite(number) else TEXT, number if math.isfinite(number) else 0.0, str(value))
    if isinstance(value, datetime.date):
        moment = value if isinstance(value, datetime.datetime) else datetime.datetime.combine(value, datetime.time())
        try:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
            return Cell(TIME, aware.timestamp(), value.isoformat())
        except (OverflowError, ValueError):  # infinity, and days before the first one
            return Cell(TEXT, 0.0, value.isoformat())
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Cell(TEXT, 0.0, "{0} bytes".format(len(value)))
    return Cell(TEXT, 0.0, printable(value, TEXT_LIMIT))


def _plain(outcome: Outcome) -> Dict[str, Any]:
    return dict(vars(outcome), rows=[[[one.kind, one.number, one.text] for one in row] for row in outcome.rows])


def _restored(given: Dict[str, Any]) -> Outcome:
    rows = tuple(tuple(NOTHING if one[0] == NULL else Cell(*one) for one in row) for row in given["rows"])
    return Outcome(**dict(given, rows=rows, columns=tuple(given["columns"])))
