# SPDX-License-Identifier: GPL-3.0-or-later
"""``pg_health``: every check over one connection."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import psycopg2

from benchmarks.ansible import ansible
from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.module import COLLECTIONS, run_module
from benchmarks.servers import libpq, postgres, run, succeeded
from benchmarks.tools import (
    CHECK_PGACTIVITY,
    CHECK_PGACTIVITY_ALL,
    CHECK_PGACTIVITY_CALLS,
    CHECK_POSTGRES,
    CHECK_POSTGRES_CALLS,
)
from tests.support.databases import Database
from tests.support.pg_health import make_shop


def comparisons(work: Path) -> Iterator[Comparison]:
    with postgres(work) as server, Database.fresh(server, "shop") as database:
        make_shop(database)
        yield _connecting(database)
        yield _in_process(database)
        yield _as_processes(database, work)
        yield _every_service(database, work)
        yield _with_ansible(database)


def _complete(result: dict) -> bool:
    return not result.get("failed") and result["status"] != "unhealthy" and len(result["checks"]) > 60


CONNECT = """
import json, sys
from ansible.module_utils.basic import AnsibleModule
import psycopg2
psycopg2.connect(**json.loads(sys.argv[1])).close()
"""


def _connecting(database: Database) -> Comparison:
    """What a run on a host is: a fresh process, with its imports, either way."""
    command = [sys.executable, "-c", CONNECT, json.dumps(_keywords(database))]
    return Comparison(
        "pg_health against connecting alone, a process each",
        [
            Variant("importing AnsibleModule and psycopg2, connecting", lambda: run(command), succeeded),
            Variant("pg_health, all checks", lambda: run_module("pg_health", database.login), _complete),
        ],
        [Goal("pg_health, all checks", "importing AnsibleModule and psycopg2, connecting", 2.5)],
        rounds=9,
        about="A fresh process each, without Ansible around it: this is what a call costs on a host.",
    )


def _in_process(database: Database) -> Comparison:
    """In one process that has imported everything: only what goes over the connection is left to be seen."""
    sys.path.insert(0, str(COLLECTIONS))
    from ansible_collections.analytics.ops.plugins.modules import pg_health

    defaults = {
        "checks": [],
        "exclude_checks": [],
        "open_findings": [],
        "thresholds": {},
        "previous": {},
        "statement_timeout": 30.0,
    }
    more = {"connect_timeout": 5.0, "max_findings_per_check": 20, "exact_bloat": False, "include_ok": False}
    options = {**defaults, **more, **database.login, "expected_replicas": None, "expected_role": None}

    def connect() -> int:
        connection = psycopg2.connect(**_keywords(database))
        connection.close()
        return connection.closed

    return Comparison(
        "pg_health against connecting alone, inside one process",
        [
            Variant("connecting with psycopg2", connect, lambda closed: closed == 1),
            Variant("pg_health, all checks", lambda: pg_health.run(options), _complete),
        ],
        [Goal("pg_health, all checks", "connecting with psycopg2", 2.5)],
        rounds=15,
        about="Both in one process with everything imported, so that the interpreter's start, which is the same for "
        "both, does not hide the difference.",
    )


def _keywords(database: Database) -> dict:
    login = database.login
    names = {"host": "login_host", "port": "login_port", "user": "login_user", "password": "login_password"}
    return {**{name: login[option] for name, option in names.items()}, "dbname": login["login_db"]}


def _as_processes(database: Database, work: Path) -> Comparison:
    nagios = [[CHECK_POSTGRES, f"--action={call[0]}", *call[1:]] for call in CHECK_POSTGRES_CALLS]
    activity = _services(CHECK_PGACTIVITY_CALLS, work)
    names = {"check_postgres": f"check_postgres, {len(nagios)} checks"}
    names["check_pgactivity"] = f"check_pgactivity, {len(activity)} checks"
    return Comparison(
        "pg_health against check_postgres and check_pgactivity",
        [
            Variant("pg_health, all checks", lambda: run_module("pg_health", database.login), _complete),
            Variant(
                names["check_postgres"],
                lambda: _each(nagios, database),
                _answered,
                missing="" if CHECK_POSTGRES else MISSING.format("check_postgres", "check-postgres"),
            ),
            Variant(
                names["check_pgactivity"],
                lambda: _each(activity, database),
                _answered,
                missing="" if CHECK_PGACTIVITY else MISSING.format("check_pgactivity", "check-pgactivity"),
            ),
        ],
        [
            Goal("pg_health, all checks", names["check_pgactivity"], 0.2),
            Goal("pg_health, all checks", names["check_postgres"]),
        ],
        rounds=5,
        about="Processes from start to end: ours one with all its checks, theirs one a check, as a monitoring system "
        "starts them; only checks that pg_health has as well.",
    )


def _every_service(database: Database, work: Path) -> Comparison:
    services = _services(CHECK_PGACTIVITY_ALL, work)
    theirs = f"check_pgactivity, {len(services)} services"
    return Comparison(
        "pg_health against every service of check_pgactivity",
        [
            Variant("pg_health, all checks", lambda: run_module("pg_health", database.login), _complete),
            Variant(
                theirs,
                lambda: _each(services, database),
                _answered,
                missing="" if CHECK_PGACTIVITY else MISSING.format("check_pgactivity", "check-pgactivity"),
            ),
        ],
        [Goal("pg_health, all checks", theirs, 0.1)],
        rounds=5,
        about="Every service that answers on one local primary, a process each; ours once with all its checks, most of "
        "which theirs have not ([coverage.md](coverage.md)).",
    )


MISSING = "not measured: {0} is not installed (Debian: package {1})"


def _services(calls: Sequence[list[str]], work: Path) -> list[list[str]]:
    status = f"--status-file={work / 'check_pgactivity.data'}"
    return [[CHECK_PGACTIVITY, "-s", call[0], status, *call[1:]] for call in calls]


def _each(commands: list[list[str]], database: Database) -> list[CompletedProcess]:
    environment = libpq(database.server, database.name)
    return [run(command, environment) for command in commands]


def _answered(results: list[CompletedProcess]) -> bool:
    # 3 and above: the check could not be made.
    wrong = [done.args[:3] for done in results if done.returncode > 2 or "ERROR:" in done.stdout]
    if wrong:
        print(f"  without an answer: {wrong}")
    return not wrong


def _with_ansible(database: Database) -> Comparison:
    def complete(done) -> bool:
        return succeeded(done) and "SUCCESS" in done.stdout

    arguments = json.dumps(database.login)
    return Comparison(
        "ansible localhost -m analytics.ops.pg_health",
        [
            Variant("empty module", lambda: ansible("localhost", "-m", "nothing"), complete),
            Variant(
                "pg_health",
                lambda: ansible("localhost", "-m", "analytics.ops.pg_health", "-a", arguments),
                complete,
            ),
        ],
        [Goal("pg_health", "empty module", 1.3)],
        rounds=5,
    )
