# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way to PostgreSQL: a connection that never waits longer than it was told.

``psycopg2`` is put into its cooperative mode, where waiting for the server is a function of ours. So every wait, at
connecting and at every statement, ends at a deadline of this side, whatever the server does or no longer does.
"""

from __future__ import annotations

import contextlib
import select
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from .._errors import Unreachable
from .._run import require_driver

APPLICATION_NAME = "analytics.ops"
LOCK_ATTEMPTS = 3
LOCK_NOT_AVAILABLE = "55P03"

Parameters = Union[Sequence[Any], Mapping[str, Any], None]

# What the server (or libpq) says, and what to do about it.
_ADVICE_BY_TEXT = (
    ("password authentication failed", "Check login_user and login_password, and this role's line in pg_hba.conf."),
    ("no pg_hba.conf entry", "Add a line for this user, database and address to pg_hba.conf and reload the server."),
    ("no password supplied", "Give login_password, or a ~/.pgpass on the host the module runs on."),
    ("connection refused", "Is the server running, and does it listen there? Check login_host and login_port."),
    ("no such file or directory", "Is the server running? Check login_unix_socket, or give login_host to use TCP."),
    ("could not translate host name", "The name does not resolve on the host the module runs on. Check login_host."),
    ("is starting up", "Wait: the server is starting or recovering. Look at its log for the progress."),
    ("is shutting down", "Someone is stopping the server. Ask who before starting it again."),
    ("too many clients", "Every connection is in use: look in pg_stat_activity, as a superuser, for who holds them."),
    ("remaining connection slots", "Only reserved connections are left: look in pg_stat_activity, as a superuser."),
    ("does not exist", "Check login_db and login_user."),
    ("permission denied for database", "GRANT CONNECT on this database to the role."),
    ("lock timeout", "Someone rewrites or locks system catalogs: wait for them, or look who does in pg_locks."),
    ("ssl", "Check ssl_mode, ca_cert and the server's certificate."),
)


class PostgresLogin(NamedTuple):
    """Where and as whom to connect; the options of the doc fragment ``analytics.ops.postgres``."""

    login_host: str = ""
    login_port: int = 5432
    login_user: str = "postgres"
    login_password: str = ""
    login_db: str = "postgres"
    login_unix_socket: str = ""
    ssl_mode: str = "prefer"
    ca_cert: Optional[str] = None
    ssl_cert: Optional[str] = None
    ssl_key: Optional[str] = None
    connect_timeout: float = 5.0

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> PostgresLogin:
        return cls(**{name: params[name] for name in cls._fields if params.get(name) is not None})

    @property
    def target(self) -> str:
        """Names the database in results, without user or password: ``postgresql://db1:5432/analytics``."""
        return "postgresql://{0}:{1}/{2}".format(self.host or "local", self.login_port, self.login_db)

    @property
    def host(self) -> str:
        return self.login_host or self.login_unix_socket

    def keywords(self) -> Dict[str, Any]:
        """For ``psycopg2.connect``; what is not given is left to libpq (``PGPASSFILE``, ``~/.pgpass``)."""
        given = {
            "host": self.host,
            "port": self.login_port,
            "user": self.login_user,
            "password": self.login_password,
            "dbname": self.login_db,
            "sslmode": self.ssl_mode,
            "sslrootcert": self.ca_cert,
            "sslcert": self.ssl_cert,
            "sslkey": self.ssl_key,
            "application_name": APPLICATION_NAME,
        }
        return {name: value for name, value in given.items() if value}


class PostgresClient:
    """One session in autocommit mode. Use it as a context manager; statements return rows as dictionaries.

    ``statement_timeout`` and ``lock_timeout`` are seconds; the server ends a statement at ``statement_timeout``, and
    this side gives up two seconds later if the server does not even answer that. ``None``: no limit. An interrupt
    cancels the running statement and closes the connection.
    """

    def __init__(
        self,
        login: PostgresLogin,
        statement_timeout: Optional[float] = 30.0,
        lock_timeout: float = 1.0,
        read_only: bool = False,
    ) -> None:
        self.login = login
        self.statement_timeout = statement_timeout
        self.lock_timeout = lock_timeout
        self.read_only = read_only
        self._connection: Any = None

    def __enter__(self) -> PostgresClient:
        self._psycopg2 = require_driver("psycopg2", "psycopg2-binary", "python3-psycopg2")
        self._connection = self._connect()
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    @property
    def server_version(self) -> int:
        """As ``server_version_num``: ``160003``."""
        return self._connection.server_version

    def rows(self, statement: Any, parameters: Parameters = None) -> List[Dict[str, Any]]:
        """Run one statement: a constant text or one made with ``psycopg2.sql``; values go in ``parameters``.

        Raises what ``table`` raises.
        """
        names, rows = self.table(statement, parameters)
        return [dict(zip(names, row)) for row in rows]

    def table(self, statement: Any, parameters: Parameters = None) -> Tuple[List[str], List[Tuple[Any, ...]]]:
        """As ``rows``, for results whose columns may share a name: the names, and the rows as tuples.

        Raises ``Unreachable`` when the connection is lost or does not answer in time; every other
        ``psycopg2.Error`` passes through, for the caller knows what it asked for.
        """
        connection = self._connection
        connection.deadline = _deadline(self.statement_timeout and self.statement_timeout + 2.0)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                if cursor.description is None:
                    return [], []
                return [column.name for column in cursor.description], cursor.fetchall()
        except _Late as late:
            raise Unreachable(
                "{0} stopped answering within {1:g} seconds.".format(self.login.target, late.seconds),
                "Look at the server's load and log; the connection was given up.",
            ) from late
        except (self._psycopg2.OperationalError, self._psycopg2.InterfaceError) as error:
            if connection.closed:
                raise self._unreachable(error) from error
            raise

    def take_warnings(self) -> List[str]:
        """What the server remarked besides its results, notices left out, since the last time this was asked."""
        notices = self._connection.notices
        texts = [str(notice) for notice in notices if not str(notice).startswith(("NOTICE", "INFO"))]
        del notices[:]
        return texts

    def limit_statements(self, seconds: Optional[float]) -> None:
        """Another ``statement_timeout`` for what follows; ``None``: no limit. Asks nothing when it holds already."""
        if seconds != self.statement_timeout:
            milliseconds = 0 if seconds is None else max(1, int(seconds * 1000))
            self.rows("SET statement_timeout = {0:d}".format(milliseconds))
            self.statement_timeout = seconds

    def limit_locks(self, seconds: float) -> None:
        """Another ``lock_timeout`` for what follows. Asks nothing when it holds already."""
        if seconds != self.lock_timeout:
            self.rows("SET lock_timeout = {0:d}".format(int(seconds * 1000)))
            self.lock_timeout = seconds

    def cancel(self) -> None:
        """End the statement that runs, if any. The only method that another thread may call."""
        with contextlib.suppress(self._psycopg2.Error):  # the connection is gone, and the statement with it
            self._connection.cancel()

    def rows_past_locks(self, statement: Any, parameters: Parameters = None) -> List[Dict[str, Any]]:
        """``rows``, tried again when somebody locked one of the relations asked about just then."""
        attempts = LOCK_ATTEMPTS
        while True:
            try:
                return self.rows(statement, parameters)
            except self._psycopg2.OperationalError as error:
                attempts -= 1
                if error.pgcode != LOCK_NOT_AVAILABLE:
                    raise
                if not attempts:
                    raise Unreachable(
                        "{0} does not answer: a catalog or table stays locked.".format(self.login.target),
                        "Look in pg_locks for an AccessExclusiveLock, and who holds it.",
                    ) from error

    def row(self, statement: Any, parameters: Parameters = None) -> Dict[str, Any]:
        """The only row of a statement that always returns one."""
        return self.rows(statement, parameters)[0]

    def _connect(self) -> Any:
        extensions = require_driver("psycopg2.extensions", "psycopg2-binary", "python3-psycopg2")
        extensions.set_wait_callback(_wait)
        timeout = self.login.connect_timeout

        class Connection(extensions.connection):
            deadline = _deadline(timeout)

        options = "-c lock_timeout={0:d} -c statement_timeout={1:d}{2}".format(
            int(self.lock_timeout * 1000),
            int((self.statement_timeout or 0) * 1000),
            " -c default_transaction_read_only=on" if self.read_only else "",
        )
        try:
            connection = self._psycopg2.connect(connection_factory=Connection, options=options, **self.login.keywords())
        except _Late as late:
            raise Unreachable(
                "{0} did not answer within {1:g} seconds.".format(self.login.target, timeout),
                "The port is open or filtered but nothing speaks PostgreSQL there in time: look at the server's load, "
                "at its log and at firewalls; raise connect_timeout if it is only slow.",
            ) from late
        except self._psycopg2.Error as error:
            raise self._unreachable(error) from error
        connection.autocommit = True
        return connection

    def _unreachable(self, error: Exception) -> Unreachable:
        text = " ".join(str(error).partition("Is the server running")[0].split())
        lower = text.lower()
        advice = next((advice for part, advice in _ADVICE_BY_TEXT if part in lower), "Look at the server's log.")
        return Unreachable("{0} cannot be used: {1}.".format(self.login.target, text.rstrip(".")), advice)


class _Late(Exception):
    def __init__(self, seconds: float) -> None:
        super().__init__("no answer in time")
        self.seconds = seconds


class _Deadline(NamedTuple):
    at: float
    seconds: float


def _deadline(seconds: Optional[float]) -> Optional[_Deadline]:
    return _Deadline(time.monotonic() + seconds, seconds) if seconds else None


def _wait(connection: Any) -> None:
    """Called by psycopg2 whenever it would wait. Short slices, so that an interrupt is seen at once."""
    from psycopg2 import Error
    from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

    while True:
        try:
            state = connection.poll()
            if state == POLL_OK:
                return
            # The callback is the whole process's: somebody else's connections have no deadline.
            deadline = getattr(connection, "deadline", None)
            left = 1.0 if deadline is None else min(1.0, deadline.at - time.monotonic())
            if left <= 0:
                raise _Late(deadline.seconds)
            descriptor = connection.fileno()
            select.select(
                [descriptor] if state == POLL_READ else [], [descriptor] if state == POLL_WRITE else [], [], left
            )
        except KeyboardInterrupt:
            # Closing alone, which psycopg2 does next, would let a VACUUM run on until it next writes to the socket.
            # One that is still being made has nothing to cancel, and its saying so must not take the interrupt's place.
            with contextlib.suppress(Error):
                connection.cancel()
            raise
