# SPDX-License-Identifier: GPL-3.0-or-later
"""The application of the demo: a small, real HTTP API over PostgreSQL and Redis.

``GET /health`` says how it and its two components are; ``GET /api/v1/summary`` counts open tasks, from the cache when
it can. Configured by environment: ``API_PORT``, ``DATABASE_DSN`` (without password: ``PGPASSWORD``), ``REDIS_PORT``,
``REDIS_PASSWORD``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import redis

_sessions = threading.local()


def database() -> psycopg2.extensions.connection:
    """One connection a thread, made anew after a failure."""
    connection = getattr(_sessions, "connection", None)
    if connection is None or connection.closed:
        connection = psycopg2.connect(os.environ["DATABASE_DSN"], application_name="analytics-api", connect_timeout=2)
        connection.autocommit = True
        _sessions.connection = connection
    return connection


cache = redis.Redis(
    port=int(os.environ["REDIS_PORT"]), password=os.environ["REDIS_PASSWORD"], socket_timeout=2, decode_responses=True
)


def query(statement: str) -> object:
    with database().cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def component(probe) -> dict[str, object]:
    started = time.monotonic()
    try:
        probe()
    except (psycopg2.Error, redis.RedisError) as error:
        return {"status": "unhealthy", "error": type(error).__name__}
    return {"status": "healthy", "response_time_ms": round(1000 * (time.monotonic() - started), 2)}


def health() -> tuple[int, dict[str, object]]:
    components = {"database": component(lambda: query("SELECT 1")), "cache": component(cache.ping)}
    healthy = all(part["status"] == "healthy" for part in components.values())
    return (200 if healthy else 503), {"status": "healthy" if healthy else "unhealthy", "components": components}


def summary() -> tuple[int, dict[str, object]]:
    cached = cache.get("cache:summary")
    if cached is None:
        cached = str(query("SELECT count(*) FROM tasks WHERE status = 'open'"))
        cache.set("cache:summary", cached, ex=60)
    return 200, {"open_tasks": int(cached)}


ROUTES = {"/health": health, "/api/v1/summary": summary}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        route = ROUTES.get(self.path)
        try:
            code, body = route() if route else (404, {"error": "not found"})
        except (psycopg2.Error, redis.RedisError) as error:
            code, body = 503, {"error": type(error).__name__}
        answer = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["API_PORT"])), Handler).serve_forever()
