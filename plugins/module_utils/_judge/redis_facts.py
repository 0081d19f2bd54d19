# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a Redis or Valkey server, as plain values, and the register of the checks about it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from .checks import Register

CHECKS = Register("redis")

# Counters of INFO that rates are made from. A later run finds them in ``previous`` under ``redis.total.<name>``.
COUNTERS = (
    "keyspace_hits",
    "keyspace_misses",
    "evicted_keys",
    "expired_keys",
    "total_commands_processed",
    "total_connections_received",
    "rejected_connections",
    "total_error_replies",
    "sync_full",
    "sync_partial_ok",
    "sync_partial_err",
    "master_repl_offset",
    "aof_delayed_fsync",
    "client_output_buffer_limit_disconnections",
    "client_query_buffer_limit_disconnections",
    "evicted_clients",
    "write_errors",
    "usual_errors",
    "queue_misses",
)
TOTAL = "redis.total."
# Counters that may also go back, where a replica is given another primary.
POSITIONS = ("master_repl_offset",)

# Commands of those who wait for work in a queue.
WAITING = ("blpop", "brpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop")

# Subjects of checks on counters.
SINCE_START, WINDOW = "since the start", "window"


def finite(text: Optional[str], default: float = 0.0) -> float:
    """What a server sent as a number. Some send ``-nan`` for a ratio of nothing, and nobody can judge by that."""
    try:
        number = float((text or "").rstrip("%"))
    except ValueError:
        return default
    return number if math.isfinite(number) else default


class Lookups(NamedTuple):
    """What a cache was asked. ``of_queues``: at most how many further misses are those of queues and their results."""

    hits: float
    misses: float
    of_queues: float

    @property
    def total(self) -> float:
        return self.hits + self.misses

    @property
    def hit_percent(self) -> Optional[float]:
        return 100.0 * self.hits / self.total if self.total > 0 else None


def lookups(counters: Mapping[str, float]) -> Lookups:
    """From counters since the start, or from how far they went on."""
    misses, queues = counters.get("keyspace_misses", 0.0), counters.get("queue_misses", 0.0)
    return Lookups(counters.get("keyspace_hits", 0.0), max(0.0, misses - queues), min(misses, queues))


@dataclass(frozen=True)
class Info:
    """The fields of ``INFO`` and its command statistics. What a version does not have counts as absent, not as zero."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.fields.get(name, "")

    def number(self, name: str, default: float = 0.0) -> float:
        return finite(self.fields.get(name), default)

    def has(self, name: str) -> bool:
        return name in self.fields

    def parts(self, name: str) -> Dict[str, str]:
        """``db0:keys=3,expires=1`` → ``{"keys": "3", "expires": "1"}``."""
        return dict(pair.partition("=")[::2] for pair in self.text(name).split(",") if "=" in pair)

    def errors(self, *kinds: str) -> float:
        """How many error replies of these kinds the server counted since its start."""
        return sum(finite(self.parts("errorstat_" + kind).get("count")) for kind in kinds)

    @property
    def knows_setinfo(self) -> bool:
        """Since Redis 7.2, which every Valkey claims to be at least."""
        return self._is_at_least(7, 2)

    @property
    def counts_object_questions(self) -> bool:
        """Since Redis 7.0 a question for a key's idle time counts as a hit."""
        return self._is_at_least(7, 0)

    def _is_at_least(self, wanted_major: int, wanted_minor: int) -> bool:
        major, minor = [*self.text("redis_version").split("."), "0", "0"][:2]
        return (finite(major), finite(minor)) >= (wanted_major, wanted_minor)

    @property
    def is_primary(self) -> bool:
        return self.text("role") == "master"

    @property
    def memory_limit(self) -> float:
        return self.number("maxmemory")

    @property
    def memory_judged(self) -> float:
        """What the server itself compares with ``maxmemory``: replica and AOF buffers do not count."""
        return max(0.0, self.number("used_memory") - self.number("mem_not_counted_for_evict"))

    @property
    def memory_used_percent(self) -> Optional[float]:
        """Of ``maxmemory``, or of the host's memory where there is no limit. ``None``: neither is known."""
        whole = self.memory_limit or self.number("total_system_memory")
        return 100.0 * self.memory_judged / whole if whole else None

    def keys(self, database: int) -> Tuple[int, int]:
        """Of one logical database: how many keys there are, and how many of them have no TTL. Both exact."""
        return self._keys("db{0}".format(database))

    def _keys(self, name: str) -> Tuple[int, int]:
        parts = self.parts(name)
        count = int(finite(parts.get("keys")))
        return count, count - int(finite(parts.get("expires")))

    @property
    def all_keys(self) -> Tuple[int, int]:
        """The same over all logical databases."""
        each = [self._keys(name) for name in self.fields if name[:2] == "db" and name[2:].isdigit()]
        return sum(count for count, lasting in each), sum(lasting for count, lasting in each)

    @property
    def queue_misses(self) -> float:
        """At most how many look-ups that found nothing were no look-ups in a cache; 0 where nobody waits at a queue.

        An empty queue is a key that is not there, whose length workers and monitoring ask for all the time. Celery asks
        for every result (GET) before it stores (SETEX) and publishes it.
        """
        if not any(self.calls(name) for name in WAITING):
            return 0.0
        return self.calls("llen") + self.calls("lindex") + min(self.calls("setex"), self.calls("publish"))

    def calls(self, command: str) -> float:
        return finite(self.parts("cmdstat_" + command).get("calls"))

    def counters(self) -> Dict[str, float]:
        """The counters that rates are made from; made-up ones are sums over several fields."""
        found = {name: self.number(name) for name in COUNTERS if self.has(name)}
        found["queue_misses"] = self.queue_misses
        found["write_errors"] = self.errors("OOM", "MISCONF", "NOREPLICAS")
        # Part of ordinary work: redirections of a cluster, a script that is not cached yet, a server that starts.
        found["usual_errors"] = self.errors("MOVED", "ASK", "NOSCRIPT", "LOADING", "BUSYGROUP")
        return found


@dataclass(frozen=True)
class Rates:
    """How far the counters went on in ``seconds``. ``period`` says in words which time that was."""

    seconds: float
    period: str
    changes: Mapping[str, float]

    def change(self, name: str) -> float:
        return self.changes.get(name, 0.0)

    def per(self, name: str, seconds: float) -> float:
        return self.change(name) * seconds / self.seconds


@dataclass(frozen=True)
class SlowCommand:
    """An entry of the slow log without what the caller passed: arguments may hold secrets and hostile bytes."""

    number: int
    at: float
    seconds: float
    name: str
    arguments: int


@dataclass(frozen=True)
class Command:
    """A line of ``INFO commandstats``: ``seconds`` of work in all, ``errors`` while it ran or before it could."""

    name: str
    calls: int
    seconds: float
    errors: int = 0

    @property
    def mean_seconds(self) -> float:
        return self.seconds / self.calls if self.calls else 0.0


@dataclass(frozen=True)
class Denial:
    """An entry of ACL LOG: who was denied (``reason``: auth, command, key or channel), how often, how long ago."""

    user: str
    reason: str
    count: int
    seconds_ago: float


@dataclass(frozen=True)
class Pings:
    """Round-trip times in seconds, sorted."""

    seconds: Tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """The smallest measured time that at least ``percent`` of all did not exceed."""
        position = -(-len(self.seconds) * percent // 100) - 1
        return self.seconds[max(0, int(position))]


@dataclass(frozen=True)
class LatencyEvent:
    name: str
    at: float
    latest_seconds: float
    maximum_seconds: float


@dataclass(frozen=True)
class Group:
    """Keys that begin alike; figures are for the whole database. ``idle_seconds`` is how long a key is not used."""

    pattern: str
    keys: int = 0
    without_ttl: int = 0
    memory_bytes: Optional[int] = None
    biggest_bytes: Optional[int] = None
    idle_seconds: Optional[int] = None


@dataclass(frozen=True)
class KeySample:
    """``groups`` hold estimates for the whole database, the largest first. ``sampled`` of ``total`` keys were seen."""

    groups: Tuple[Group, ...]
    sampled: int
    total: int
    complete: bool
    seconds: float
    lookups: int
    note: str = ""


@dataclass(frozen=True)
class Wishes:
    """What the inventory says the server should be."""

    database: int = 0
    expected_role: Optional[str] = None
    expected_replicas: Optional[int] = None
    has_password: bool = True
    expected_settings: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Clock:
    """The server's own time, and how long ago the previous look was (``None``: there was none)."""

    now: float
    previous_seconds: Optional[float] = None
    previous_slow_number: Optional[int] = None


Snapshot = Dict[str, Any]
Settings = Mapping[str, str]
