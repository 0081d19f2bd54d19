# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away database on a test server, with short words for what tests do to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2 import sql

from demo.embedded.postgres import PostgresServer


@dataclass
class Database:
    server: PostgresServer
    name: str
    _sessions: list[Any] = field(default_factory=list)

    @classmethod
    @contextmanager
    def fresh(cls, server: PostgresServer, wish: str) -> Iterator[Database]:
        name = re.sub(r"\W+", "_", wish).strip("_").lower()[:60]
        maintenance = cls(server, "postgres")
        maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        maintenance.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        database = cls(server, name)
        try:
            yield database
        finally:
            database.close()
            maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            maintenance.close()

    @property
    def login(self) -> dict[str, Any]:
        """The connection options of a module."""
        return {
            "login_host": "127.0.0.1",
            "login_port": self.server.port,
            "login_user": "postgres",
            "login_password": self.server.password,
            "login_db": self.name,
        }

    def session(self, *, autocommit: bool = True, **keywords: Any) -> Any:
        """A psycopg2 connection that ends with the test; ``keywords`` override the connection parameters."""
        given = {"host": "127.0.0.1", "port": self.server.port, "user": "postgres", "dbname": self.name}
        connection = psycopg2.connect(**{**given, "password": self.server.password, **keywords})
        connection.autocommit = autocommit
        self._sessions.append(connection)
        return connection

    def execute(self, statement: Any, parameters: Any = None) -> list[tuple]:
        """Run ``statement`` in the first session, which is kept. Several statements must not return rows."""
        connection = self._sessions[0] if self._sessions else self.session()
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: Any, parameters: Any = None) -> Any:
        return self.execute(statement, parameters)[0][0]

    def close(self) -> None:
        for connection in self._sessions:
            connection.close()
        self._sessions.clear()
