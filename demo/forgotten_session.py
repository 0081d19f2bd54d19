# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody's report that opened a transaction, read one row and never came back. ``DATABASE_DSN``, ``PGPASSWORD``."""

from __future__ import annotations

import os
import signal
import sys

import psycopg2

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
connection = psycopg2.connect(os.environ["DATABASE_DSN"], application_name="monthly-report")
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM exports")
print("transaction open", flush=True)
signal.pause()
