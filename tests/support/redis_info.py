# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a Redis server made by hand, for what real ones cannot be made to show at will."""

from __future__ import annotations

from ansible_collections.analytics.ops.plugins.module_utils._judge.redis import CHECKS
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import Clock, Info, Rates, Wishes

MB = 1024 * 1024
SOUND = {
    "redis_version": "7.2.4",
    "role": "master",
    "uptime_in_seconds": 864000,
    "used_memory": 100 * MB,
    "used_memory_peak": 110 * MB,
    "used_memory_rss": 120 * MB,
    "mem_fragmentation_ratio": 1.2,
    "mem_fragmentation_bytes": 20 * MB,
    "maxmemory": 1000 * MB,
    "maxmemory_policy": "allkeys-lru",
    "total_system_memory": 8000 * MB,
    "connected_clients": 10,
    "maxclients": 10000,
    "rdb_last_bgsave_status": "ok",
    "keyspace_hits": 90000,
    "keyspace_misses": 5000,
}


def info(**changes) -> Info:
    return Info({name: str(value) for name, value in {**SOUND, **changes}.items()})


def rates(seconds: float = 3600, **changes) -> Rates:
    return Rates(seconds, "in the last hour", changes)


def answers(check: str, thresholds=None, **parts):
    """What one check says of the snapshot's ``parts``."""
    sound = {"info": info(), "wishes": Wishes(), "clock": Clock(1000.0), "settings": {}, "keys": None, "commands": ()}
    snapshot = {**sound, **parts}
    return CHECKS.select([check], thresholds=thresholds or {}).findings(snapshot, "server")


def told(check: str, thresholds=None, **parts):
    """The same without what is in order."""
    return [finding for finding in answers(check, thresholds, **parts) if finding.severity != "ok"]


def judged(check: str, thresholds=None, **parts) -> dict[str, str]:
    """``{subject: severity}`` of what is not in order."""
    return {finding.subject: finding.severity for finding in told(check, thresholds, **parts)}
