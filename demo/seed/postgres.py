# SPDX-License-Identifier: GPL-3.0-or-later
"""A month of neglect in a database: a task tracker's analytics, with autovacuum switched off 'for the migration'."""

from __future__ import annotations

import psycopg2

TABLES = """
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);
CREATE TABLE tasks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    title text NOT NULL,
    status text NOT NULL,
    priority int NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (autovacuum_enabled = off);
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    happened_at timestamptz NOT NULL
) WITH (autovacuum_enabled = off);
CREATE TABLE daily_analytics (
    user_id bigint NOT NULL REFERENCES users,
    date date NOT NULL,
    completed int NOT NULL,
    completion_rate numeric NOT NULL,
    PRIMARY KEY (user_id, date)
) WITH (autovacuum_enabled = off);
-- A serial from before anyone thought of bigint: 2.1 of its 2.1 billion numbers will not last the quarter.
CREATE TABLE exports (
    id serial PRIMARY KEY,
    file text NOT NULL,
    created_at timestamptz NOT NULL
);
"""

ROWS = """
INSERT INTO users (email, created_at)
    SELECT format('user%s@example.com', n), now() - n * interval '20 min' FROM generate_series(1, 10000) n;
INSERT INTO tasks (user_id, title, status, priority, updated_at)
    SELECT 1 + n % 10000, 'Task ' || n, (ARRAY['open', 'doing', 'done'])[1 + n % 3], n % 5, now() - n * interval '15 s'
    FROM generate_series(1, 90000) n;
INSERT INTO events (user_id, kind, payload, happened_at)
    SELECT 1 + n % 10000, (ARRAY['view', 'edit', 'login', 'export'])[1 + n % 4],
           jsonb_build_object('page', n % 500, 'ms', n % 900), now() - n * interval '15 s'
    FROM generate_series(1, 120000) n;
INSERT INTO daily_analytics
    SELECT u, current_date - d, (u + d) % 20, (u * d) % 101 FROM generate_series(1, 2000) u, generate_series(1, 30) d;
INSERT INTO exports (file, created_at) SELECT format('export-%s.csv', n), now() - n * interval '1 h'
    FROM generate_series(1, 700) n;
CREATE INDEX tasks_status_updated_idx ON tasks (status, updated_at);
CREATE INDEX events_happened_at_idx ON events (happened_at);
CREATE INDEX events_user_kind_idx ON events (user_id, kind);
CREATE INDEX events_user_kind_again_idx ON events (user_id, kind);
ANALYZE;
"""

NEGLECT = """
UPDATE tasks SET status = 'done', updated_at = now() - (id % 30000) * interval '1 min' WHERE id % 5 < 3;
UPDATE tasks SET priority = priority + 1, updated_at = now() - (id % 20000) * interval '2 min' WHERE id % 2 = 0;
DELETE FROM events WHERE happened_at < now() - interval '7 days';
UPDATE events SET payload = payload || '{"seen": true}', happened_at = happened_at + interval '1 day' WHERE id % 3 = 0;
UPDATE daily_analytics SET completion_rate = (completed * 5) % 101 WHERE date > current_date - 20;
SELECT setval('exports_id_seq', 1900000000);
"""


def seed(dsn: str, password: str) -> None:
    """Fill an empty database."""
    connection = psycopg2.connect(dsn, password=password)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
        for statements in (TABLES, ROWS, NEGLECT):
            cursor.execute(statements)
        _leave_an_invalid_index(cursor, dsn, password)
    connection.close()


def _leave_an_invalid_index(cursor: psycopg2.extensions.cursor, dsn: str, password: str) -> None:
    """What is left when an index is built concurrently, somebody's transaction is in the way, and patience ends."""
    writer = psycopg2.connect(dsn, password=password)
    writer.cursor().execute("UPDATE events SET kind = kind WHERE id = (SELECT min(id) FROM events)")
    cursor.execute("SET statement_timeout = '300ms'")
    try:
        cursor.execute("CREATE INDEX CONCURRENTLY events_kind_happened_at_idx ON events (kind, happened_at)")
    except psycopg2.errors.QueryCanceled:
        return
    finally:
        writer.close()
    raise AssertionError("the index was built although a transaction was in the way")
