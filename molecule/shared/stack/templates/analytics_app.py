# SPDX-License-Identifier: GPL-3.0-or-later
"""The application of the lab: a FastAPI service and a Celery worker over PostgreSQL and Redis."""

import os
import ssl
import time

import psycopg2
import redis
from celery import Celery
from fastapi import FastAPI, Response

DSN, CACHE_URL = os.environ["DATABASE_DSN"], os.environ["CACHE_URL"]
AUTHORITY = {"ssl_ca_certs": os.environ["AUTHORITY"]} if CACHE_URL.startswith("rediss:") else {}
TLS = {"ssl_cert_reqs": ssl.CERT_REQUIRED, **AUTHORITY} if AUTHORITY else None

app = FastAPI()
cache = redis.Redis.from_url(CACHE_URL, socket_timeout=2, socket_connect_timeout=2, **AUTHORITY)
worker = Celery("analytics", broker=CACHE_URL, backend=CACHE_URL, broker_use_ssl=TLS, redis_backend_use_ssl=TLS)
worker.conf.broker_connection_retry_on_startup = True
worker.conf.result_expires = 600


def query(statement):
    connection = psycopg2.connect(DSN, connect_timeout=2)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def component(probe):
    started = time.monotonic()
    try:
        probe()
    except (psycopg2.Error, redis.RedisError) as error:
        return {"status": "unhealthy", "error": type(error).__name__}
    return {"status": "healthy", "response_time_ms": round(1000 * (time.monotonic() - started), 2)}


@app.get("/health")
def health(response: Response):
    components = {"database": component(lambda: query("SELECT 1")), "cache": component(cache.ping)}
    healthy = all(part["status"] == "healthy" for part in components.values())
    response.status_code = 200 if healthy else 503
    return {"status": "healthy" if healthy else "unhealthy", "components": components}


@worker.task
def write_report():
    return query("INSERT INTO reports (events) SELECT count(*) FROM events RETURNING id")


@app.post("/api/v1/reports")
def report():
    """Asks the worker for a report and waits for it: proves the way through broker, worker and database."""
    return {"report": write_report.delay().get(timeout=20)}
