# SPDX-License-Identifier: GPL-3.0-or-later
"""The morning check on every inventory of ``examples/``, with real programs: well, and with faults of their own.

The programs run as processes of this machine and not under systemd or Compose, so ``overlay`` moves addresses, ports
and paths and says ``manager: none``. Units and containers are the lab's matter.
"""

from __future__ import annotations

import gzip
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo.embedded import process
from demo.embedded.binaries import valkey_server
from demo.embedded.valkey import ValkeyServer
from tests.support import examples_programs as programs
from tests.support.backups import pg_dump, write_checksum
from tests.support.celery_app import Shop
from tests.support.certificates import Authority
from tests.support.databases import Database
from tests.support.duckdb_files import make
from tests.support.examples import FOLDER, Inventory, overlay
from tests.support.playbooks import PlaybookRun, play
from tests.support.waiting import until

PLAYBOOK = "playbooks/daily_health_check.yml"
API, SERVERS, JOBS, BACKEND, TIERS = (
    "systemd-analytics-api",
    "primary-replica-application-servers",
    "systemd-batch-jobs",
    "compose-duckdb-backend",
    "compose-tiers",
)
# A check that speaks now and then where nothing is wrong wakes people up: the stack with most kinds of services is
# looked at again and again.
LOOKS_IN_A_ROW = {BACKEND: 10}
DATABASES = {
    API: (
        "analytics",
        """
        CREATE TABLE measurements AS
            SELECT now() - i * interval '1 minute' AS collected_at FROM generate_series(0, 99) i""",
    ),
    SERVERS: ("application", "CREATE TABLE orders AS SELECT i AS id FROM generate_series(1, 100) i"),
    JOBS: (
        "analytics_db",
        """
        CREATE TABLE users AS
            SELECT i AS id, now() - (i % 300) * interval '1 day' AS created_at FROM generate_series(1, 3000) i;
        CREATE TABLE daily_analytics (date date, user_id int, completion_rate numeric);
        CREATE MATERIALIZED VIEW user_monthly_trends AS
            SELECT user_id, avg(completion_rate) AS rate FROM daily_analytics GROUP BY user_id""",
    ),
    BACKEND: (
        "warehouse",
        """
        CREATE TABLE sync_state AS SELECT now() AS synced_at;
        CREATE TABLE pages AS SELECT i AS id, now() - interval '3 days' AS created_at FROM generate_series(1, 1000) i;
        CREATE TABLE query_log AS SELECT now() AS started_at, 0.5 AS seconds FROM generate_series(1, 10500) i;
        CREATE TABLE exports AS SELECT now() AS ended_at, 'done'::text AS state FROM generate_series(1, 100) i""",
    ),
    TIERS: ("analytics_engine", "CREATE TABLE connector_profiles AS SELECT i AS id FROM generate_series(1, 100) i"),
}
PAGES = "CREATE TABLE pages AS SELECT i AS id, now()::timestamp - interval 3 day AS created_at FROM range(1000) t(i)"
TIER_PORTS = {
    "database_service": 8000,
    "messaging_service": 8001,
    "business_metadata": 8020,
    "calculation_engine": 8021,
    "demo_config": 8022,
    "connector": 8023,
    "api_gateway": 8090,
}


class Ground:
    """What the examples share on this machine: servers, ports, and a folder for each host as its root."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.authority = Authority(home)
        self._ports: dict[str, int] = {}
        self.primary: Any = None
        self.replica: Any = None
        self.databases: dict[str, Database] = {}
        self.caches: dict[str, ValkeyServer] = {}

    def port(self, name: str) -> int:
        return self._ports.setdefault(name, process.free_port())

    def at(self, example: str, host: str, path: str) -> Path:
        """Where a file of that host lies; its folder is made."""
        place = self.home / example / host.partition(".")[0] / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def dsn(self, example: str) -> str:
        login = f"host=127.0.0.1 port={self.primary.port} user=ops password={programs.OPS_PASSWORD}"
        return f"{login} dbname={DATABASES[example][0]}"

    def url(self, example: str) -> str:
        cache = self.caches[example]
        return f"redis://:{cache.password}@127.0.0.1:{cache.port}/0"


@dataclass
class Scene:
    """How one example is moved here, what runs for it alone, what breaks and what is to be found then."""

    addresses: dict[str, dict[str, str]]
    breaks: Callable[[], None]
    finds: set[tuple[str, str, str]]
    around: list[AbstractContextManager] = field(default_factory=list)
    logs: dict[str, Path] = field(default_factory=dict)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    if not programs.nginx_program():
        pytest.skip("no program 'nginx' (Debian: apt install nginx-light)")
    with ExitStack() as running:
        shared = Ground(tmp_path_factory.mktemp("examples"))
        shared.primary, shared.replica = running.enter_context(programs.postgres(shared.home / "postgres"))
        maintenance = Database(shared.primary, "postgres")
        running.callback(maintenance.close)
        maintenance.execute(f"CREATE ROLE ops LOGIN PASSWORD '{programs.OPS_PASSWORD}'")
        maintenance.execute("GRANT pg_monitor, pg_read_all_data TO ops")
        for example, (name, tables) in DATABASES.items():
            maintenance.execute(f"CREATE DATABASE {name}")
            shared.databases[example] = Database(shared.primary, name)
            running.callback(shared.databases[example].close)
            shared.databases[example].execute(f"CREATE EXTENSION pg_stat_statements; {tables}")
        for example in (API, JOBS, BACKEND, TIERS):
            cache = ValkeyServer(valkey_server(), shared.home / f"cache-{example}", password="example-cache")
            cache.settings |= {"maxmemory": "64mb", "maxmemory-policy": "allkeys-lru"}
            shared.caches[example] = cache.start()
            running.callback(cache.stop)
        run_the_nightly_jobs(shared)
        for database in shared.databases.values():
            database.execute("VACUUM ANALYZE")
        running.enter_context(programs.applications(shared.home, applications_of(shared)))
        running.enter_context(programs.streamlit(shared.home, shared.port("dashboard")))
        running.enter_context(programs.nginx(shared.home, shared.authority, *sites_of(shared)))
        yield shared


def run_the_nightly_jobs(ground: Ground) -> None:
    """What cron and timers would have done: the aggregation, the copy of DuckDB, the backups and their copies."""
    ground.databases[JOBS].execute("""
        INSERT INTO daily_analytics SELECT CURRENT_DATE - 1, id, id % 101 FROM users;
        REFRESH MATERIALIZED VIEW user_monthly_trends""")
    for job in ("daily_aggregation", "refresh_views"):
        ground.at(JOBS, "api1", f"/var/log/jobs/{job}.log").write_text("2026-01-01 03:00:00,000 INFO done\n")
        ground.at(JOBS, "api1", f"/var/lib/jobs/{job}.done").touch()
    ground.at(JOBS, "api1", "/var/log/app/error.log").touch()
    for place in ("duckdb", "snapshots"):
        make(ground.at(BACKEND, "docker1", f"/srv/analytics/{place}/analytics.duckdb"), PAGES)
    for example, host, place in (
        (API, "analytics1", "/opt/analytics/backups/analytics-20260101.dump"),
        (SERVERS, "db1", "/var/backups/postgresql/application-20260101.dump"),
        (BACKEND, "docker1", "/srv/analytics/backups/warehouse-20260101.dump"),
        (TIERS, "docker1", "/srv/backups/analytics-engine/analytics_engine-20260101.dump"),
    ):
        write_checksum(pg_dump(ground.databases[example], ground.at(example, host, place), "-Fc"))
    backups = ground.at(SERVERS, "db1", "/var/backups/postgresql")
    shutil.copytree(backups, ground.at(SERVERS, "offsite1", "/srv/offsite/postgresql"))
    plain = pg_dump(ground.databases[JOBS], ground.at(JOBS, "data1", "/backups/analytics_20260101.sql"))
    plain.with_suffix(".sql.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


def applications_of(ground: Ground) -> list[dict[str, Any]]:
    def service(example: str, name: str, log: tuple[str, str] | None = None, **more: Any) -> dict[str, Any]:
        given = {"kind": "service", "name": name, "port": ground.port(f"{example} {name}"), "dsn": ground.dsn(example)}
        cache = {"redis": ground.url(example)} if example in ground.caches else {}
        return {**given, **cache, **({"log": str(ground.at(example, *log))} if log else {}), **more}

    servers = [service(SERVERS, name, (name, "/var/log/application/application.log")) for name in ("app1", "app2")]
    file = str(ground.at(BACKEND, "docker1", "/srv/analytics/duckdb/analytics.duckdb"))
    tiers = [service(TIERS, name, ("docker1", f"/logs/{name}.log")) for name in TIER_PORTS]
    return [
        service(API, "api", ("analytics1", "/opt/analytics/logs/application.log")),
        *servers,
        service(JOBS, "api", ("api1", "/var/log/app/analytics.log")),
        service(BACKEND, "backend", ("docker1", "/logs/backend.log"), kind="backend", duckdb=file),
        *tiers,
        {"kind": "stand-in", "port": ground.port("stand-in")},
    ]


def sites_of(ground: Ground) -> tuple[list[dict[str, Any]], dict[int, int]]:
    def site(example: str, log: Path, **locations: int) -> dict[str, Any]:
        return {"port": ground.port(f"{example} tls"), "log": log, "locations": locations}

    dashboard = {"/": ground.port("dashboard"), "/health": ground.port(f"{API} api")}
    return [
        site(API, ground.at(API, "analytics1", "/var/log/nginx/analytics_access.log"), **dashboard),
        site(JOBS, ground.at(JOBS, "api1", "/var/log/app/access.log"), **{"/": ground.port(f"{JOBS} api")}),
        site(BACKEND, ground.at(BACKEND, "docker1", "/logs/nginx.log"), **{"/": ground.port(f"{BACKEND} backend")}),
    ], {ground.port("redirect"): ground.port(f"{API} tls")}


def local(port: int) -> str:
    return f"127.0.0.1:{port}"


def analytics_api(ground: Ground) -> Scene:
    shop = Shop(ground.caches[API], ground.at(API, "analytics1", "/opt/analytics/run/x").parent, 1)
    worker = shop.worker("worker@analytics1")
    shop_run = Running([worker, shop.beat()])
    return Scene(
        {
            "analytics1.example.com": {
                "127.0.0.1:8000": local(ground.port(f"{API} api")),
                "127.0.0.1:8501": local(ground.port("dashboard")),
                "https://analytics.example.com": f"https://{local(ground.port(f'{API} tls'))}",
                "http://analytics.example.com": f"http://{local(ground.port('redirect'))}",
                "celerybeat-schedule": "schedule",
            }
        },
        lambda: os.killpg(shop_run.started[0].pid, signal.SIGSTOP),
        {("analytics1.example.com", "celery.workers", "critical")},
        [shop_run],
    )


def application_servers(ground: Ground) -> Scene:
    standby = Database(ground.replica, "postgres")
    vendors = dict.fromkeys(
        ("https://status.cloud.example.com", "https://status.payments.example.com"),
        f"http://{local(ground.port('stand-in'))}",
    )

    def pause_and_lose_the_copies() -> None:
        standby.execute("SELECT pg_wal_replay_pause()")
        until(lambda: standby.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
        for copy in ground.at(SERVERS, "offsite1", "/srv/offsite/postgresql").iterdir():
            copy.unlink()

    def go_on() -> None:
        """The other examples have the same primary."""
        standby.execute("SELECT pg_wal_replay_resume()")
        until(lambda: standby.value("SELECT pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn()"))
        standby.close()

    at_the_end = ExitStack()
    at_the_end.callback(go_on)

    return Scene(
        {
            f"{name}.example.com": {"127.0.0.1:8080": local(ground.port(f"{SERVERS} {name}")), **vendors}
            for name in ("app1", "app2")
        },
        pause_and_lose_the_copies,
        {("db2.example.com", "pg.replay_paused", "warning"), ("offsite1.example.com", "backup.exists", "critical")},
        [at_the_end],
    )


def batch_jobs(ground: Ground) -> Scene:
    return Scene(
        {
            "api1.example.com": {
                "127.0.0.1:8000": local(ground.port(f"{JOBS} api")),
                "https://api.example.com": f"https://{local(ground.port(f'{JOBS} tls'))}",
            }
        },
        lambda: ground.databases[JOBS].execute("DELETE FROM daily_analytics"),
        {("data1.example.com", "data.range", "critical")},
    )


def duckdb_backend(ground: Ground) -> Scene:
    def at(path: str) -> Path:
        return ground.at(BACKEND, "docker1", path)

    shop = Shop(ground.caches[BACKEND], at("/srv/analytics/beat/x").parent, 1)
    ground.databases[BACKEND].execute("UPDATE sync_state SET synced_at = now()")
    at("/logs/data-sync.log").write_text("2026-01-01 03:00:00,000 INFO synchronised\n")
    return Scene(
        {
            "docker1.example.com": {
                "127.0.0.1:8000": local(ground.port(f"{BACKEND} backend")),
                "127.0.0.1:3000": local(ground.port("stand-in")),
                "https://analytics.example.com": f"https://{local(ground.port(f'{BACKEND} tls'))}",
                "https://status.crawler.example.com": f"http://{local(ground.port('stand-in'))}",
                "celerybeat-schedule": "schedule",
            }
        },
        lambda: ground.databases[BACKEND].execute("UPDATE sync_state SET synced_at = now() - interval '12 minutes'"),
        {("docker1.example.com", "data.freshness", "critical")},
        [Running([shop.worker("worker@docker1", "-Q", "celery,exports"), shop.beat()])],
        {
            "analytics-backend-1": at("/logs/backend.log"),
            "analytics-celery-worker-1": shop.directory / "celery.log",
            "analytics-data-sync-service-1": at("/logs/data-sync.log"),
        },
    )


def tiers(ground: Ground) -> Scene:
    ports = {f"127.0.0.1:{port}": local(ground.port(f"{TIERS} {name}")) for name, port in TIER_PORTS.items()}

    try:
        programs.azurite_program()
    except RuntimeError as why:
        pytest.skip(str(why))
    azurite = Running([programs.azurite(ground.home, ground.port("azurite"))])

    def end() -> None:
        os.killpg(azurite.started[0].pid, signal.SIGKILL)
        azurite.started[0].wait()

    return Scene(
        {"docker1.example.com": {**ports, "127.0.0.1:10000": local(ground.port("azurite"))}},
        end,
        {("docker1.example.com", "http.reachable", "critical")},
        [azurite],
        {
            "analytics-engine-database_service-1": ground.at(TIERS, "docker1", "/logs/database_service.log"),
            "analytics-engine-calculation_engine_service-1": ground.at(
                TIERS, "docker1", "/logs/calculation_engine.log"
            ),
            "analytics-engine-api_gateway-1": ground.at(TIERS, "docker1", "/logs/api_gateway.log"),
        },
    )


SCENES = {
    API: analytics_api,
    SERVERS: application_servers,
    JOBS: batch_jobs,
    BACKEND: duckdb_backend,
    TIERS: tiers,
}


class Running(AbstractContextManager):
    """Several processes that come and go together; ``started`` are they."""

    def __init__(self, managers: list[AbstractContextManager]) -> None:
        self._managers = managers
        self._stack = ExitStack()
        self.started: list[Any] = []

    def __enter__(self) -> Running:
        self.started = [self._stack.enter_context(one) for one in self._managers]
        return self

    def __exit__(self, *details: Any) -> None:
        self._stack.close()


def alarming(run: PlaybookRun) -> set[tuple[str, str, str]]:
    return {(f["host"], f["check"], f["severity"]) for f in run.report["findings"] if f["severity"] != "info"}


@pytest.mark.parametrize("example", SCENES)
def test_it_is_silent_when_all_is_well_and_finds_the_fault(example: str, ground: Ground) -> None:
    scene = SCENES[example](ground)
    hosts = Inventory(example).hosts
    home = ground.home / example
    moves, laid_over = {}, {}
    for host in hosts:
        root = ground.at(example, host, "x").parent
        paths = {path: f"{root}{path}" for path in ("/opt/", "/var/", "/srv/", "/backups")}
        authority = {"/etc/ssl/certs/example-authority.pem": str(ground.authority.path)}
        moves[host] = {**paths, **authority, **scene.addresses.get(host, {})}
        server = ground.replica if host == "db2.example.com" else ground.primary
        laid_over[host] = {
            "vault_postgresql_password": programs.OPS_PASSWORD,
            "vault_redis_password": "example-cache",
            "analytics_ops_postgresql_login": {"login_port": server.port},
            # Workers of a busy machine take their time.
            "health_check_celery": {"reply_timeout": 4},
            "analytics_ops_postgresql_programs": str(server.programs),
        }
        if example in ground.caches:
            laid_over[host]["analytics_ops_redis_login"] = {"login_port": ground.caches[example].port}
    moved_here = overlay(example, home / "overlay", moves, laid_over, scene.logs)
    command = ["-i", FOLDER / example, "-i", moved_here, PLAYBOOK, "-e", "analytics_ops_fail_on=degraded"]
    with ExitStack() as running:
        for one in scene.around:
            running.enter_context(one)
        for _look in range(LOOKS_IN_A_ROW.get(example, 1)):
            well = play(home, *command)
            assert alarming(well) == set(), well.output
            assert well.report["failures"] == []
            assert {one["host"] for one in well.report["measurements"]} == set(hosts)
        scene.breaks()
        ill = play(home, *command)
    assert alarming(ill) == scene.finds, ill.output
