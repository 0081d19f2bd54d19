# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits that operations manuals give, as profiles to choose from instead of the defaults.

Each is what one manual says and nothing else: a check that it does not speak of keeps its default, and so does a level
that it does not name. A manual that knows one level only, an alert, means a warning. Where a manual says a bare
percentage ("disk over 80 %"), what holds our default back while much is left is switched off (``free_bytes``,
``available_bytes``), for the manual would have raised the alarm. Floors against noise of too small figures stay.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from .._errors import InputError
from .inventory import shown
from .waves import did_you_mean


@dataclass(frozen=True)
class Limit:
    """What one manual says about one check. ``levels`` are in the unit of the check; ``None`` switches a limit off."""

    check: str
    source: str
    levels: Mapping[str, Optional[float]]


@dataclass(frozen=True)
class Profile:
    """``stack`` says for whom the manual was written."""

    manual: str
    stack: str
    limits: Tuple[Limit, ...] = field(default_factory=tuple)

    def thresholds(self) -> Dict[str, Dict[str, Optional[float]]]:
        """As ``thresholds`` of a checking module takes them."""
        return {limit.check: dict(limit.levels) for limit in self.limits}


def with_profile(own: Any, name: Any) -> Dict[str, Any]:
    """The limits of the profile with one's own laid over them, level by level; without a name just one's own.

    Raises ``InputError`` for a profile that does not exist and for limits that are no mapping. What is wrong with a
    single limit is left to the module that knows its check.
    """
    if not isinstance(own, Mapping):
        raise InputError(
            "thresholds: is {0}.".format(shown(own)),
            "Give a mapping of checks, for example {pg.connections: {warning: 70}}.",
        )
    if not name:
        return dict(own)
    if not isinstance(name, str) or name not in PROFILES:
        raise InputError(
            "analytics_ops_threshold_profile: there is no profile {0}.".format(shown(name)),
            did_you_mean(name, PROFILES),
        )
    merged: Dict[str, Any] = dict(PROFILES[name].thresholds())
    for check, given in own.items():
        merged[check] = {**merged.get(check, {}), **given} if isinstance(given, Mapping) else given
    return merged


def _limit(check: str, source: str, **levels: Optional[float]) -> Limit:
    return Limit(check, source, levels)


PROFILES: Mapping[str, Profile] = {
    "systemd-analytics-api": Profile(
        "M1",
        "API, Celery worker and beat, dashboard, nginx, PostgreSQL and Redis under systemd",
        (
            _limit("host.cpu", "daily check and scaling: CPU under 70 %, sustained", warning=70),
            _limit("host.memory", "daily check and scaling: memory under 80 %", warning=80, available_bytes=None),
            _limit("host.disk_space", "daily check and scaling: disk under 85 %", warning=85, free_bytes=None),
            _limit("pg.archiving_late", "recovery point objective of 1 hour", critical=3600),
        ),
    ),
    "primary-replica-application-servers": Profile(
        "M2",
        "application servers, a database with a read replica, offsite backups, vendors",
        (
            _limit(
                "http.response_time",
                "users get answers within 2 s; alert when it is over 5 s consistently",
                warning=2,
                critical=5,
            ),
            _limit(
                "log.error_rate",
                "under 1 % for critical flows; critical alert over 5 %",
                warning=1,
                critical=5,
            ),
            _limit(
                "log.server_errors",
                "as error rate: under 1 % for critical flows; critical alert over 5 %",
                warning=1,
                critical=5,
            ),
            _limit("pg.connections", "under 80 % of the pool's capacity", warning=80),
            _limit("http.component_pool", "under 80 % of the pool's capacity", warning=80),
            _limit(
                "host.disk_space",
                "daily check: under 80 % on all servers; alert over 90 %",
                warning=80,
                critical=90,
                free_bytes=None,
            ),
            _limit("host.memory", "alert over 90 %", warning=90, available_bytes=None),
            _limit("host.cpu", "scaling: over 70 % sustained", warning=70),
        ),
    ),
    "systemd-batch-jobs": Profile(
        "M3",
        "API, PostgreSQL and Redis under systemd, batch jobs by cron and timers, materialized views",
        (
            _limit("pg.connections", "daily check: under 80 % of the maximum", warning=80),
            _limit("pg.slow_statements", "weekly check: a mean over 1 s", warning=1),
            _limit("redis.memory", "daily check: under 75 %; alert over 80 %", warning=75, critical=80),
            _limit("redis.hit_rate", "alert under 70 %", warning=70),
            _limit("redis.hit_rate_window", "alert under 70 % for 30 minutes", warning=70),
            _limit("redis.evictions", "alert over 1000 an hour", warning=1000),
            _limit("redis.evictions_window", "alert over 1000 an hour", warning=1000),
            _limit(
                "http.response_time",
                "alert over 5 s at p95; P1 over 10 s",
                warning=5,
                critical=10,
            ),
            _limit("log.error_rate", "P0 alert over 10 %", critical=10),
            _limit("log.server_errors", "as error rate: P0 alert over 10 %", critical=10),
            _limit("host.cpu", "alert over 80 % for 15 minutes", warning=80),
            _limit("host.disk_space", "alert and weekly check: over 80 %", warning=80, free_bytes=None),
        ),
    ),
    "compose-duckdb-backend": Profile(
        "M4",
        "backend with DuckDB, Celery worker and beat, PostgreSQL, Redis and nginx in Compose",
        (
            _limit("http.response_time", "target under 2 s; critical over 5 s", warning=2, critical=5),
            _limit(
                "http.component_response_time",
                "under 0.5 s is good, over 1 s poor",
                warning=0.5,
                critical=1,
            ),
            _limit("http.component_pool", "under 0.8 is good, over 0.9 to investigate", warning=80, critical=90),
            _limit("http.component_hit_rate", "alert under 70 %; under 60 % poor", warning=70, critical=60),
            _limit("redis.hit_rate", "alert under 70 %; under 60 % poor", warning=70, critical=60),
            _limit("redis.hit_rate_window", "alert under 70 %; under 60 % poor", warning=70, critical=60),
            _limit("log.error_rate", "alert over 5 %; critical over 10 %", warning=5, critical=10),
            _limit("log.server_errors", "as error rate: alert over 5 %; critical over 10 %", warning=5, critical=10),
            _limit("log.errors", "morning check: more than 50 in 24 hours; of each log here", warning=50),
            _limit("pg.slow_statements", "a mean over 1 s", warning=1),
            _limit("duckdb.memory", "over 75 % of the limit", warning=75),
            _limit("duckdb.probe", "queries over 5 s are slow", warning=5),
            _limit("host.cpu", "alert and scaling: over 80 % for 15 minutes", warning=80),
            _limit(
                "host.memory",
                "scaling: over 85 % for 30 minutes; critical over 90 %",
                warning=85,
                critical=90,
                available_bytes=None,
            ),
            _limit(
                "host.disk_space",
                "morning check and scaling: over 90 %; critical over 95 %",
                warning=90,
                critical=95,
                free_bytes=None,
            ),
        ),
    ),
    "compose-tiers": Profile(
        "M5",
        "infrastructure, backend services, business services and a gateway in Compose, started in tiers",
        (
            _limit("http.response_time", "alert over 1 s at p95", warning=1),
            _limit("log.error_rate", "alert over 5 %", warning=5),
            _limit("log.server_errors", "as error rate: alert over 5 %", warning=5),
            _limit("host.disk_space", "alert under 10 % left", warning=90, free_bytes=None),
            _limit("host.memory", "alert over 90 %", warning=90, available_bytes=None),
        ),
    ),
}
