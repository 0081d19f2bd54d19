# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP services of the examples: small FastAPI applications over the real stores, under uvicorn.

``python -m tests.support.examples_app CONFIGURATION`` serves every application that the JSON file names, in one
process: ``[{"kind": …, "port": …, …}]``. What tells its health asks the stores each time, so a broken one is seen.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
import psycopg2
import redis
import uvicorn
from fastapi import FastAPI, Response


def component(probe: Callable[[], Any]) -> dict[str, Any]:
    started = time.monotonic()
    try:
        more = probe()
    except (psycopg2.Error, redis.RedisError, duckdb.Error) as error:
        return {"status": "unhealthy", "error": type(error).__name__}
    return {"status": "healthy", "response_time": time.monotonic() - started, **(more or {})}


def ask(dsn: str, statement: str = "SELECT 1") -> Any:
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def probe_of(dsn: str) -> Callable[[], None]:
    def probe() -> None:
        ask(dsn)

    return probe


def ping_of(url: str) -> Callable[[], None]:
    client = redis.Redis.from_url(url, socket_timeout=5)

    def probe() -> None:
        client.ping()

    return probe


def whole(response: Response, components: dict[str, Any], **more: Any) -> dict[str, Any]:
    well = all(part["status"] == "healthy" for part in components.values())
    response.status_code = 200 if well else 503
    return {"status": "healthy" if well else "unhealthy", "components": components, **more}


def service(options: dict[str, Any]) -> FastAPI:
    """``GET /health`` of anything with a database and perhaps a cache; it logs what it is asked."""
    application = FastAPI()
    log = logging.getLogger(options["name"])
    log.setLevel("INFO")
    if "log" in options:
        handler = logging.FileHandler(options["log"])
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        log.addHandler(handler)
    log.info("started")
    probes = {"database": probe_of(options["dsn"])} if "dsn" in options else {}
    probes |= {"cache": ping_of(options["redis"])} if "redis" in options else {}

    @application.get("/health")
    def health(response: Response) -> dict[str, Any]:
        log.info("asked for its health")
        return whole(response, {name: component(probe) for name, probe in probes.items()})

    return application


def backend(options: dict[str, Any]) -> FastAPI:
    """Holds its DuckDB file for writing, as the service of an analytics stack does."""
    application = service(options)
    store = duckdb.connect(options["duckdb"])
    probes = {"postgresql": probe_of(options["dsn"]), "redis_cache": ping_of(options["redis"])}

    def look() -> dict[str, Any]:
        store.cursor().execute("SELECT count(*) FROM pages").fetchone()
        return {"active_connections": 1, "pool_size": 4}

    @application.get("/api/v1/health")
    def health(response: Response) -> dict[str, Any]:
        return whole(response, {name: component(probe) for name, probe in probes.items()})

    @application.get("/api/v1/analytics/health")
    def analytics(response: Response) -> dict[str, Any]:
        components = {name: component(probe) for name, probe in {"duckdb": look, **probes}.items()}
        breakers = {name: "closed" if part["status"] == "healthy" else "open" for name, part in components.items()}
        return whole(response, components, circuit_breakers=breakers)

    @application.get("/api/v1/duckdb/health")
    def file(response: Response) -> dict[str, Any]:
        return whole(response, {"duckdb": component(look)})

    @application.get("/api/v1/data-sync/status")
    def synchronisation() -> dict[str, Any]:
        lag = ask(options["dsn"], "SELECT extract(epoch FROM now() - max(synced_at)) FROM sync_state")
        return {"status": "healthy", "lag_seconds": float(lag)}

    return application


def stand_in(options: dict[str, Any]) -> FastAPI:
    """What is not ours and does not run here: Grafana's own health, and vendors' status pages."""
    application = FastAPI()

    @application.get("/api/health")
    def grafana() -> dict[str, Any]:
        return {"database": "ok", "version": "12.0.0"}

    @application.get("/api/v2/summary.json")
    def page() -> dict[str, Any]:
        parts = [{"id": "1", "name": "API", "status": "operational", "group": False}]
        return {
            "page": {"id": "1", "name": "Vendor", "url": "https://status.example.com"},
            "status": {"indicator": "none", "description": "All Systems Operational"},
            "components": parts,
            "incidents": [],
            "scheduled_maintenances": [],
        }

    return application


KINDS = {"service": service, "backend": backend, "stand-in": stand_in}


async def serve(given: list[dict[str, Any]]) -> None:
    servers = [
        uvicorn.Server(
            uvicorn.Config(KINDS[one["kind"]](one), host="127.0.0.1", port=one["port"], log_level="warning", ws="none")
        )
        for one in given
    ]
    await asyncio.gather(*(server.serve() for server in servers))


if __name__ == "__main__":
    with open(sys.argv[1]) as configuration:
        asyncio.run(serve(json.load(configuration)))
