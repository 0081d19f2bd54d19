# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history of runs, as SQLite or PostgreSQL keeps it: where it is, how it is asked, what it knows.

Both are asked with the same statements; ``?`` stands for a value. Every error of theirs becomes an ``OpsError`` that
names the place without user and password.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Dict, Iterator, List, Sequence, Tuple
from urllib.parse import parse_qsl, unquote, urlsplit

from .._errors import DriverMissing, InputError, OpsError, Unreachable
from .._judge.figures import is_gauge
from .._judge.finding import SEVERITIES, UNKNOWN
from .._judge.history import LastRun, Past, SeriesKey, Slot, State
from .postgres import PostgresClient, PostgresLogin

BUSY_SECONDS = 10.0  # how long another run's transaction is waited for; it takes milliseconds
STATEMENT_SECONDS = 30.0
CONNECT_SECONDS = 5.0
_ROWS_A_STATEMENT = 150  # SQLite before 3.32 takes 999 values a statement
_LAST_RUNS = 100
_FOR_EVER = 2**62
_URL_OPTIONS = {"sslmode": "ssl_mode", "sslrootcert": "ca_cert", "sslcert": "ssl_cert", "sslkey": "ssl_key"}


class Store:
    """An open history. A subclass says how a statement is run."""

    place: str  # names it in messages
    last_id: str  # asks for the number that the last row was given
    has_tables: str  # asks whether there are any

    def rows(self, statement: str, values: Sequence[Any] = ()) -> List[Tuple[Any, ...]]:
        raise NotImplementedError

    def many(self, head: str, rows: Sequence[Sequence[Any]], tail: str = "") -> None:
        """``head VALUES (…), (…) tail``, in as many statements as it takes."""
        for start in range(0, len(rows), _ROWS_A_STATEMENT):
            part = rows[start : start + _ROWS_A_STATEMENT]
            marks = ", ".join("({0})".format(", ".join("?" * len(row))) for row in part)
            self.rows("{0} VALUES {1} {2}".format(head, marks, tail), [value for row in part for value in row])

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.rows("BEGIN")
        try:
            yield
        except BaseException:
            with contextlib.suppress(OpsError):  # a lost connection has rolled back by itself
                self.rows("ROLLBACK")
            raise
        self.rows("COMMIT")


class SqliteStore(Store):
    last_id = "SELECT last_insert_rowid()"
    has_tables = "SELECT count(*) FROM sqlite_master WHERE name = 'analytics_ops_schema'"

    def __init__(self, path: str) -> None:
        self.path = path
        self.place = path

    def __enter__(self) -> SqliteStore:
        try:
            os.makedirs(os.path.dirname(self.path) or ".", mode=0o700, exist_ok=True)
            # Made here, because SQLite would let everybody read it; its side files take the mode from it.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise OpsError(
                "The history {0} cannot be opened: {1}.".format(self.path, error.strerror),
                "Name another file in the option 'history', or switch it off with 'none'.",
            ) from error
        with self._explained():
            self._connection = _sqlite3().connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def rows(self, statement: str, values: Sequence[Any] = ()) -> List[Tuple[Any, ...]]:
        # A reader that turns writer in the middle could be refused; one that begins as a writer waits.
        with self._explained():
            return self._connection.execute("BEGIN IMMEDIATE" if statement == "BEGIN" else statement, values).fetchall()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except _sqlite3().Error as error:
            text = str(error)
            if "locked" in text:
                advice = "Another process has kept it locked for {0:g} seconds: find it with 'fuser {1}'.".format(
                    BUSY_SECONDS, self.path
                )
            elif "malformed" in text or "not a database" in text:
                advice = "Move the file away: the next run begins a new history."
            else:
                advice = "Look at the disk's free space and at the owner and mode of the file and its folder."
            raise OpsError("The history {0} cannot be used: {1}.".format(self.path, text), advice) from error


class PostgresStore(Store):
    last_id = "SELECT lastval()"
    has_tables = "SELECT to_regclass('analytics_ops_schema') IS NOT NULL"

    def __init__(self, login: PostgresLogin) -> None:
        self.place = login.target
        self._client = PostgresClient(login, STATEMENT_SECONDS, lock_timeout=BUSY_SECONDS)

    def __enter__(self) -> PostgresStore:
        with self._explained():
            self._client.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._client.__exit__(*error)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> List[Tuple[Any, ...]]:
        with self._explained():
            found = self._client.rows(statement.replace("?", "%s"), tuple(values) or None)
            return [tuple(row.values()) for row in found]

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Unreachable as error:
            raise OpsError("The history cannot be used: {0}".format(error.message), error.advice) from error
        except Exception as error:
            if not hasattr(error, "pgcode"):
                raise
            text = str(error).partition("\n")[0]
            advice = "The role needs CREATE on its schema once, and its own tables afterwards."
            raise OpsError("The history {0} cannot be used: {1}.".format(self.place, text), advice) from error


def _sqlite3() -> Any:
    """Late, because some builds of Python are without it."""
    try:
        import sqlite3
    except ImportError as error:
        raise DriverMissing(
            "This Python ({0}) was built without SQLite.".format(sys.executable),
            "Use one that has it, or give a PostgreSQL database or 'none' in the option 'history'.",
        ) from error
    return sqlite3


def open_store(url: str) -> Any:
    """``sqlite:////path/to/file`` or ``postgresql://user:password@host:port/database?sslmode=…``; a context manager.

    Raises ``InputError`` for anything else, without repeating it: it may hold a password.
    """
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme == "sqlite":
        path = os.path.expanduser(url[len("sqlite://") :][1:])
        if path:
            return SqliteStore(path)
    elif scheme in ("postgresql", "postgres"):
        with contextlib.suppress(ValueError):
            return PostgresStore(_login(url))
    raise InputError(
        "history: this is no URL of a history.",
        "Give sqlite:////path/to/file, postgresql://user:password@host:5432/database, or 'none'.",
    )


def _login(url: str) -> PostgresLogin:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    given: Dict[str, Any] = {_URL_OPTIONS[name]: value for name, value in options.items() if name in _URL_OPTIONS}
    # libpq's own way to name a folder of sockets, which no host name can be.
    host = unquote(parts.hostname or "") or options.get("host", "")
    given.update(login_host=host, login_port=parts.port, login_db=unquote(parts.path.lstrip("/")) or None)
    given.update(login_user=unquote(parts.username or "") or None, login_password=unquote(parts.password or ""))
    return PostgresLogin.from_params(
        dict(given, connect_timeout=float(options.get("connect_timeout", CONNECT_SECONDS)))
    )


def version_of(store: Store) -> int:
    """Of the tables; 0 where there are none yet."""
    there = store.rows(store.has_tables)[0][0]
    return (store.rows("SELECT max(version) FROM analytics_ops_schema")[0][0] or 0) if there else 0


def last_measurements(url: str, host: str, prefix: str, before: float) -> Dict[str, float]:
    """What the newest run before that time measured on ``host`` under ``prefix``.

    Empty where nothing is known or several targets were measured. Raises ``OpsError``.
    """
    store = open_store(url)
    if isinstance(store, SqliteStore) and not os.path.exists(store.path):
        return {}
    with store:
        if not version_of(store):
            return {}
        clocks = store.rows(
            "SELECT id, target FROM analytics_ops_series WHERE host = ? AND name = ?", [host, prefix + ".observed_at"]
        )
        # Points are kept by run: the last runs are looked through, and not the points of years.
        runs = store.rows(
            "SELECT points.run, points.series FROM analytics_ops_points AS points WHERE points.run IN "
            "(SELECT id FROM analytics_ops_runs WHERE started <= ? ORDER BY id DESC LIMIT {0}) "
            "AND points.series IN (0{1})".format(_LAST_RUNS, ", ?" * len(clocks)),
            [int(before), *(number for number, target in clocks)],
        )
        newest = max((run for run, number in runs), default=None)
        measured = [number for run, number in runs if run == newest]
        if len(measured) != 1:
            return {}
        values = store.rows(
            "SELECT series.name, points.value FROM analytics_ops_points AS points "
            "JOIN analytics_ops_series AS series ON series.id = points.series "
            "WHERE points.run = ? AND series.host = ? AND series.target = ?",
            [newest, host, dict(clocks)[measured[0]]],
        )
    return {name: value for name, value in values if name.startswith(prefix + ".")}


def open_on(url: str, host: str) -> List[Dict[str, str]]:
    """``check`` and ``subject`` of what was open on ``host`` when it was last looked at. Raises ``OpsError``."""
    store = open_store(url)
    if isinstance(store, SqliteStore) and not os.path.exists(store.path):
        return []
    with store:
        if not version_of(store):
            return []
        rows = store.rows(
            "SELECT DISTINCT check_name, subject FROM analytics_ops_findings WHERE host = ? AND gone IS NULL "
            "ORDER BY check_name, subject",
            [host],
        )
    return [{"check": check, "subject": subject} for check, subject in rows]


def known_before(store: Store, playbook: str) -> Past:
    """The last run of ``playbook``, and what is open; without series."""
    last = store.rows(
        "SELECT started, status FROM analytics_ops_runs WHERE playbook = ? ORDER BY id DESC LIMIT 1", [playbook]
    )
    states = store.rows(
        "SELECT host, target, check_name, subject, severity, since, last_seen FROM analytics_ops_findings "
        "WHERE gone IS NULL"
    )
    known = (State(*row) for row in states)
    # A severity of a newer release, or of somebody who wrote there by hand, is none that can be compared.
    sound = (state if state.severity in SEVERITIES else state._replace(severity=UNKNOWN) for state in known)
    return Past(LastRun(*last[0]) if last else None, tuple(sound))


def series_since(store: Store, begin: int, width: int, end: int = _FOR_EVER) -> Dict[SeriesKey, List[Slot]]:
    """What every gauge has measured from ``begin`` up to and with ``end``, in slices of ``width`` seconds."""
    names = store.rows("SELECT id, host, target, name FROM analytics_ops_series")
    gauges = {row[0]: (row[1], row[2], row[3]) for row in names if is_gauge(row[3])}
    found: Dict[SeriesKey, List[Slot]] = {}
    # Without the names: they are long, and there are many points.
    for number, at, mean, low, high in store.rows(
        "SELECT points.series, max(runs.started) AS at, avg(points.value) AS mean, min(points.value) AS low, "
        "max(points.value) AS high FROM analytics_ops_runs AS runs "
        "JOIN analytics_ops_points AS points ON points.run = runs.id WHERE runs.started >= ? "
        "AND runs.started <= ? GROUP BY points.series, (runs.started - ?) / ? ORDER BY points.series, at",
        [begin, end, begin, width],
    ):
        if number in gauges:
            found.setdefault(gauges[number], []).append(Slot(at, mean, low, high))
    return found
