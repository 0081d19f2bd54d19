# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports and histories of stacks that do not exist, for the views: made by the same functions as real ones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import Finding, check_result
from ansible_collections.analytics.ops.plugins.module_utils._judge.history import (
    LastRun,
    Past,
    Slot,
    State,
    time_of,
    with_history,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.plan import Step, act_result
from ansible_collections.analytics.ops.plugins.module_utils._judge.report import Run

NOW = 1_790_000_000
DAY = 86400
TARGET = "postgresql://127.0.0.1:5432/analytics"
CHECKS = ("pg.reachable", "pg.connections", "pg.table_bloat", "pg.idle_in_transaction")

BLOAT = Finding("pg.table_bloat", "public.tasks", "warning", "It is 40 % air.", 40.0, "%", 30, 50, "Run VACUUM.")
IDLE = Finding(
    "pg.idle_in_transaction",
    "session 4711",
    "critical",
    "Session 4711 (application 'importer', user app, from 10.0.0.7) has been idle in a transaction for 2 h 5 min.",
    7500,
    "seconds",
    300,
    900,
    "Ask the owner, or end it: SELECT pg_terminate_backend(4711). Set idle_in_transaction_session_timeout.",
)
CONNECTIONS = Finding(
    "pg.connections", "server", "warning", "86 of 100 connections are in use.", 86.0, "%", 80, 90, "Lower the pools."
)
HOSTILE = "<script>alert(1)</script> \x1b[31mred\x1b[0m\r\nline two \u202e\x00\ufffe ]]> | `code` @all [x](http://evil)"

# What no view may let through: control characters but the line break, and what turns the direction of writing.
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def timed(report: dict[str, Any], started: int = NOW) -> dict[str, Any]:
    """As the callback does it."""
    return dict(report, started=time_of(started), finished=time_of(started + 95))


def looked(*findings: Finding, target: str = TARGET, checks: Sequence[str] | None = CHECKS, **figures: float) -> Any:
    named = {name.replace("__", "."): value for name, value in figures.items()}
    more = {} if checks is None else {"checks": checks}
    return check_result(findings, target=target, measurements=named, **more)


def report_of(*results: Any, host: str = "db1", started: int = NOW, playbook: str = "daily_health_check") -> Any:
    run = Run(playbook=playbook)
    for result in results:
        run.add_result(host, "some task", result)
    return timed(run.report(), started)


FIGURES = {
    "pg.connections.used_percent": (55, 12),
    "pg.connections.active": (20, 9),
    "pg.database.analytics.size_bytes": (40e9, 4e9),
    "pg.tables.bloat_bytes": (2e9, 1e9),
    "pg.tables.dead_rows": (40_000, 30_000),
    "pg.indexes.bloat_bytes": (5e8, 1e8),
    "pg.slots.max_kept_bytes": (16e6, 8e6),
    "pg.sessions.oldest_transaction_seconds": (120, 110),
    "pg.replicas.max_lag_bytes": (2e6, 1.9e6),
    "pg.xid_age": (90e6, 20e6),
    "redis.memory.used_percent": (60, 8),
    "redis.keys.count": (120_000, 9_000),
    "redis.hit_rate.window_percent": (91, 3),
    "redis.latency.p99_seconds": (0.004, 0.002),
    "backup.newest_age_seconds": (43_000, 30_000),
    "backup.size_bytes": (200e9, 9e9),
    "http.api.response_seconds": (0.2, 0.1),
}
COUNTERS = {f"redis.total.counter_{n}": 10_000.0 * n for n in range(25)}


def wave(name: str, day: float, host: int) -> float:
    """A figure with a daily rhythm; the one of connections also grows."""
    middle, swing = FIGURES[name]
    growth = 0.9 * day if name == "pg.connections.used_percent" else 0.0
    return middle + swing * math.sin(day * 1.7 + host) * 0.5 + growth


def fleet(hosts: int, days: int, extra: str = "") -> tuple[dict[str, Any], Past]:
    """The report of a run over ``hosts`` hosts, and a past of ``days`` days; every third host has a finding."""
    run = Run(playbook="weekly_maintenance")
    series, states = {}, []
    for number in range(hosts):
        host = f"db{number + 1}"
        figures = {name: wave(name, days, number) for name in FIGURES}
        found = [finding for finding, every in ((IDLE, 9), (BLOAT, 3), (CONNECTIONS, 5)) if number % every == 0]
        found = [replace(finding, message=finding.message + extra) for finding in found]
        result = check_result(found, target=TARGET, measurements={**figures, **COUNTERS}, checks=CHECKS)
        run.add_result(host, "Check PostgreSQL", result)
        for name in FIGURES:
            series[host, TARGET, name] = [
                Slot(NOW - (days - day) * DAY, value, value * 0.95, value * 1.05)
                for day in range(days)
                for value in [wave(name, day, number)]
            ]
        states += [State(host, TARGET, f.check, f.subject, "warning", NOW - 3 * DAY, NOW - DAY) for f in found[:1]]
        states += [State(host, TARGET, "pg.table_bloat", "public.old", "warning", NOW - 9 * DAY, NOW - DAY)] * (
            number % 7 == 0
        )
    steps = [Step("vacuum", f"public.t{n}", "40 % dead rows", {"seconds": 1.5 * n}) for n in range(1, 15)]
    run.add_result("db1", "Vacuum", act_result(steps, steps, [], changed=True, target=TARGET))
    run.add_unreachable("app3", "ssh: connect to host app3 port 22: No route to host" + extra)
    run.add_failure("db2", "Write the backup", "The disk is full: 12 MB left in /var/backups." + extra)
    past = Past(LastRun(NOW - DAY, "degraded"), tuple(states), series)
    return with_history(timed(run.report()), past), past


def each_view(report: dict[str, Any], past: Past) -> Iterator[tuple[str, str]]:
    """Every text view of a report by the name of its option."""
    from ansible_collections.analytics.ops.plugins.module_utils._judge import (
        report_text,
        view_html,
        view_junit,
        view_markdown,
        view_nagios,
        view_prometheus,
    )

    yield "text", report_text.render(report, 120)
    yield "html_file", view_html.page(report, past.series, 30)
    yield "markdown_file", view_markdown.markdown(report)
    yield "junit_file", view_junit.junit(report, "degraded")
    yield "prometheus_file", view_prometheus.prometheus(report)
    yield "nagios_file", view_nagios.nagios(report)
