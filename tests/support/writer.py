# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that writes until its server lets it no more, and knows what was acknowledged."""

from __future__ import annotations

import threading

import psycopg2

from demo.embedded.postgres import PostgresServer


class Writer(threading.Thread):
    """Writes ``first``, then every ``step``-th number, each in a transaction of its own, into the table ``written``."""

    def __init__(self, server: PostgresServer, first: int = 1, step: int = 1) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[int] = []
        self._number, self._step = first, step
        login = {"host": "127.0.0.1", "port": server.port, "user": "postgres", "password": server.password}
        self._session = psycopg2.connect(**login, dbname="postgres")
        self._session.autocommit = True

    def run(self) -> None:
        try:
            with self._session.cursor() as cursor:
                cursor.execute("SET synchronous_commit = on")
                while True:
                    cursor.execute("INSERT INTO written VALUES (%s)", (self._number,))
                    self.acknowledged.append(self._number)
                    self._number += self._step
        except psycopg2.Error:
            self._session.close()
