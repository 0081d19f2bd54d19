# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All checks of a Redis or Valkey server, and the figures worth keeping."""

from __future__ import annotations

from typing import Any, Dict, Mapping

# Importing a subject's file registers its checks, in this order.
from . import (
    redis_commands,
    redis_durability,
    redis_keyspace,
    redis_memory,
    redis_replication,
    redis_settings,
    redis_traffic,
)
from .checks import Unavailable
from .redis_facts import CHECKS, TOTAL, Info, KeySample, Pings, Rates, lookups

__all__ = ["CHECKS", "measurements"]

SUBJECTS = (
    redis_durability,
    redis_replication,
    redis_memory,
    redis_traffic,
    redis_commands,
    redis_keyspace,
    redis_settings,
)

_GAUGES = {
    "redis.uptime_seconds": "uptime_in_seconds",
    "redis.memory.used_bytes": "used_memory",
    "redis.memory.peak_bytes": "used_memory_peak",
    "redis.memory.rss_bytes": "used_memory_rss",
    "redis.memory.limit_bytes": "maxmemory",
    "redis.memory.fragmentation_ratio": "mem_fragmentation_ratio",
    "redis.memory.lua_bytes": "used_memory_lua",
    "redis.memory.client_buffers_bytes": "mem_clients_normal",
    "redis.memory.replica_buffers_bytes": "mem_clients_slaves",
    "redis.clients.connected": "connected_clients",
    "redis.clients.blocked": "blocked_clients",
    "redis.clients.pubsub": "pubsub_clients",
    "redis.clients.limit": "maxclients",
    "redis.operations.per_second_now": "instantaneous_ops_per_sec",
    "redis.expired.stale_percent": "expired_stale_perc",
    "redis.persistence.unsaved_changes": "rdb_changes_since_last_save",
    "redis.persistence.fork_seconds": "latest_fork_usec",
    "redis.persistence.aof_bytes": "aof_current_size",
    "redis.replication.replicas": "connected_slaves",
    "redis.replication.backlog_bytes": "repl_backlog_size",
    "redis.replication.offset_bytes": "master_repl_offset",
    "redis.replication.last_heard_seconds": "master_last_io_seconds_ago",
    "redis.lazyfree.pending": "lazyfree_pending_objects",
}
_RATES = {
    "redis.operations.per_second": ("total_commands_processed", 1.0),
    "redis.evictions.per_hour": ("evicted_keys", 3600.0),
    "redis.expiries.per_hour": ("expired_keys", 3600.0),
    "redis.connections.per_second": ("total_connections_received", 1.0),
    "redis.rejected.per_minute": ("rejected_connections", 60.0),
    "redis.errors.per_second": ("total_error_replies", 1.0),
}


def measurements(snapshot: Mapping[str, Any], database: int) -> Dict[str, float]:
    """Flat figures; ``redis.total.…`` and ``redis.observed_at`` are what the next run makes rates from."""
    known = {name: part for name, part in snapshot.items() if not isinstance(part, Unavailable)}
    figures: Dict[str, float] = {}
    info = known.get("info")
    if info is not None:
        figures.update(_of_info(info, database))
    if "clock" in known:
        figures["redis.observed_at"] = known["clock"].now
    if known.get("slow"):
        figures["redis.slow.last_number"] = max(entry.number for entry in known["slow"])
    if known.get("pings") is not None:
        figures.update(_of_pings(known["pings"]))
    if "rates" in known:
        figures.update(_of_rates(known["rates"]))
    if known.get("keys") is not None:
        figures.update(_of_keys(known["keys"]))
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in figures.items()}


def _of_info(info: Info, database: int) -> Dict[str, float]:
    figures = {name: info.number(field) for name, field in _GAUGES.items() if info.has(field)}
    if "redis.persistence.fork_seconds" in figures:
        figures["redis.persistence.fork_seconds"] /= 1e6
    figures.update((TOTAL + name, value) for name, value in info.counters().items())
    if info.has("used_memory"):
        count, lasting = info.keys(database)
        figures.update({"redis.keys.count": count, "redis.keys.without_ttl": lasting})
    if info.memory_used_percent is not None:
        figures["redis.memory.used_percent"] = info.memory_used_percent
    if info.number("maxclients"):
        figures["redis.clients.used_percent"] = 100.0 * info.number("connected_clients") / info.number("maxclients")
    hit_percent = lookups(info.counters()).hit_percent
    if hit_percent is not None:
        figures["redis.hit_rate.since_start_percent"] = hit_percent
    return figures


def _of_rates(rates: Rates) -> Dict[str, float]:
    figures = {name: rates.per(field, seconds) for name, (field, seconds) in _RATES.items() if field in rates.changes}
    figures["redis.window_seconds"] = rates.seconds
    hit_percent = lookups(rates.changes).hit_percent
    if hit_percent is not None:
        figures["redis.hit_rate.window_percent"] = hit_percent
    return figures


def _of_pings(pings: Pings) -> Dict[str, float]:
    return {"redis.latency.p{0}_seconds".format(p): pings.percentile(p) for p in (50, 90, 99)}


def _of_keys(keys: KeySample) -> Dict[str, float]:
    figures = {
        "redis.keys.sampled": keys.sampled,
        "redis.keys.sample_seconds": keys.seconds,
        TOTAL + "own_lookups": keys.lookups,
    }
    sizes = [group.biggest_bytes for group in keys.groups if group.biggest_bytes is not None]
    if sizes:
        figures["redis.keys.biggest_bytes"] = max(sizes)
    return figures
