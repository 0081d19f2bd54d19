# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about a measurement by its name alone: how people call it, its unit, the check that judges it."""

from __future__ import annotations

import fnmatch
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .backup import CHECKS as BACKUP
from .celery import CHECKS as CELERY
from .duckdb import CHECKS as DUCKDB
from .finding import CRITICAL
from .host import CHECKS as HOST
from .http import CHECKS as HTTP
from .logs_access import CHECKS as LOG
from .postgres import CHECKS as POSTGRES
from .redis import CHECKS as REDIS

# What a person asks for first when comparing before and now, by shell pattern; all the rest is in the JSON file.
# None of them is better for being higher.
HEADLINES: Dict[str, Tuple[str, str]] = {
    "pg.tables.dead_rows": ("dead rows", "rows"),
    "pg.tables.bloat_bytes": ("table bloat (estimate)", "bytes"),
    "pg.indexes.bloat_bytes": ("index bloat (estimate)", "bytes"),
    "pg.database.*.size_bytes": ("database size", "bytes"),
    "redis.keys.count": ("keys", ""),
    "redis.keys.without_ttl": ("keys without TTL", ""),
    "redis.memory.used_bytes": ("cache memory", "bytes"),
    "backup.damaged": ("damaged backups", ""),
    "backup.newest_age_seconds": ("age of the newest backup", "seconds"),
}

# Which check judges a measurement, where both have the same unit. The first one that fits counts.
JUDGED_BY: Dict[str, str] = {
    "backup.newest_age_seconds": "backup.age",
    "celery.queue.*.depth": "celery.queue_depth",
    "duckdb.*.probe_seconds": "duckdb.probe",
    "duckdb.*.temporary_bytes": "duckdb.temporary_size",
    "duckdb.*.wal_bytes": "duckdb.wal_size",
    "host.conntrack.used_percent": "host.conntrack",
    "host.cpu.used_percent": "host.cpu",
    "host.disk.*.inodes_used_percent": "host.inodes",
    "host.disk.*.used_percent": "host.disk_space",
    "host.memory.used_percent": "host.memory",
    "host.open_files.used_percent": "host.open_files",
    "host.swap.used_percent": "host.swap",
    "host.tasks.used_percent": "host.tasks",
    "http.*.response_seconds": "http.response_time",
    "log.*.error_percent": "log.error_rate",
    "log.*.client_error_percent": "log.client_errors",
    "log.*.p99_seconds": "log.slow_requests",
    "log.*.server_error_percent": "log.server_errors",
    "pg.connections.used_percent": "pg.connections",
    "pg.notifications.used_percent": "pg.notify_queue",
    "pg.replicas.max_lag_bytes": "pg.replication_lag_bytes",
    "pg.sessions.oldest_transaction_seconds": "pg.old_transactions",
    "pg.slots.max_kept_bytes": "pg.slots_kept_wal",
    "redis.clients.used_percent": "redis.clients",
    "redis.hit_rate.since_start_percent": "redis.hit_rate",
    "redis.hit_rate.window_percent": "redis.hit_rate_window",
    "redis.latency.p50_seconds": "redis.latency",
    "redis.latency.p99_seconds": "redis.latency_peak",
    "redis.memory.used_percent": "redis.memory",
}

# Counters that only grow until the server starts again, clocks and identifiers: a curve of them says nothing.
_NO_GAUGES = (
    "*.observed_at",
    "*.version",
    "*.uptime_seconds",
    "celery.*.oldest_mark",
    "celery.*.oldest_since",
    "celery.*.ran_at",
    "celery.*.started_total",
    "data.*.looks",
    "duckdb.*.in_use",
    "duckdb.*.opened",
    "host.clock.synchronised",
    "host.cpu.cores",
    "host.disk.*.read_only",
    "host.disk.*.size_bytes",
    "host.memory.total_bytes",
    "host.swap.total_bytes",
    "host.total.*",
    "http.*.reachable",
    "http.*.status",
    "pg.archiver.archived",
    "pg.archiver.failed",
    "pg.checkpoints.*",
    "pg.database.*.blocks_hit",
    "pg.database.*.blocks_read",
    "pg.database.*.commits",
    "pg.database.*.conflicts",
    "pg.database.*.deadlocks",
    "pg.database.*.rollbacks",
    "pg.database.*.sessions",
    "pg.database.*.sessions_abandoned",
    "pg.database.*.sessions_fatal",
    "pg.database.*.temporary_bytes",
    "pg.database.*.temporary_files",
    "pg.setting.*",
    "pg.settings.count",
    "pg.slru.*",
    "pg.standby",
    "pg.statements.evictions",
    "pg.subscription.*",
    "pg.system_identifier",
    "redis.keys.sample*",
    "redis.slow.last_number",
    "redis.total.*",
    "redis.window_seconds",
    "service.*.active",
    "service.*.restarts",
)

_COUNTER = re.compile("|".join(map(fnmatch.translate, _NO_GAUGES)))
_UNITS = (("_percent", "%"), ("_bytes", "bytes"), ("_seconds", "seconds"), (".depth", "messages"))


class Limits(NamedTuple):
    """``default`` where nobody has said which limits hold here: those that the check has by itself."""

    check: str
    warning: Optional[float]
    critical: Optional[float]
    higher_is_worse: bool
    default: bool

    def next_one(self, value: float) -> Optional[float]:
        """The limit that ``value`` would pass first; ``None`` when it has passed all."""
        given = [limit for limit in (self.warning, self.critical) if limit is not None]
        ahead = [limit for limit in given if (limit > value if self.higher_is_worse else limit < value)]
        return min(ahead, key=lambda limit: abs(limit - value), default=None)

    @property
    def outer(self) -> Optional[float]:
        """The limit to draw: ``critical`` where there is one."""
        return self.warning if self.critical is None else self.critical


def is_gauge(name: str) -> bool:
    return _COUNTER.match(name) is None


def unit_of(name: str) -> str:
    headline = _headline(name)
    return headline[1] if headline else next((unit for ending, unit in _UNITS if name.endswith(ending)), "")


def title_of(name: str) -> str:
    """``pg.connections.used_percent`` → ``connections used``; the unit stands beside the figure."""
    headline = _headline(name)
    if headline:
        database = name.split(".")[2:-1] if name.startswith("pg.database.") else []
        return " ".join([headline[0], *database])
    ending = next((ending for ending, unit in _UNITS if name.endswith(ending)), "")
    return name[: len(name) - len(ending)].partition(".")[2].replace(".", " ").replace("_", " ") or name


def is_headline(name: str) -> bool:
    return _headline(name) is not None


def limits_of(name: str, findings: Sequence[Mapping[str, Any]]) -> Optional[Limits]:
    """Those that a finding of the same target names, as they hold in this run; otherwise the check's own."""
    check = next((check for pattern, check in JUDGED_BY.items() if fnmatch.fnmatchcase(name, pattern)), None)
    if check is None:
        return None
    threshold = _REGISTERS[check.partition(".")[0]].checks[check].threshold
    for finding in findings:
        if finding["check"] == check and (finding["warning"] is not None or finding["critical"] is not None):
            return Limits(check, finding["warning"], finding["critical"], threshold.higher_is_worse, False)
    return Limits(check, threshold.warning, threshold.critical, threshold.higher_is_worse, True)


def declared_limits(thresholds: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Limits of one's own by check, as findings would tell them. Raises ``InputError`` for numbers that cannot be."""
    told = []
    for check, given in thresholds.items():
        register = _REGISTERS.get(check.partition(".")[0])
        if register and check in register.checks and isinstance(given, Mapping):
            limit = register.checks[check].threshold.with_overrides(check, given)
            told.append({"check": check, "warning": limit.warning, "critical": limit.critical})
    return told


def passed_limit(finding: Mapping[str, Any]) -> Optional[float]:
    """The limit that the value of a finding has passed, or would pass first."""
    limit = finding["critical"] if finding["severity"] == CRITICAL else finding["warning"]
    if limit is None:
        limit = finding["warning"] if finding["warning"] is not None else finding["critical"]
    return limit


def _headline(name: str) -> Optional[Tuple[str, str]]:
    return next((shown for pattern, shown in HEADLINES.items() if fnmatch.fnmatchcase(name, pattern)), None)


_REGISTERS = {register.prefix: register for register in (BACKUP, CELERY, DUCKDB, HOST, HTTP, LOG, POSTGRES, REDIS)}
