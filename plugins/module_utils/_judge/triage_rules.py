# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each check says about an outage: which part of the stack is at fault, how much that can stop, what is next.

The order of ``RULES`` is that of causes before effects: only a rule that stands earlier can explain one that stands
later.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Tuple

DATABASE, CACHE, APPLICATION = "database", "cache", "application"
INFRASTRUCTURE, THIRD_PARTY = "infrastructure", "third_party"
BY_SERVICE = ""  # the class of the service that the finding is about

# What a problem can do to others: nothing, make them slow, make them fail.
HINTS, SLOWS, DISABLES = 0, 1, 2
NOTHING = 3  # more than any problem can do: what needs it is explained by none

# What is to be done next: what the finding itself advises, or something of this collection.
MANUAL, START, TERMINATE = "manual", "start", "terminate"


class Rule(NamedTuple):
    """``critical`` and ``warning`` are what a problem of that severity can do to others; ``needs`` is what another
    problem must be able to do to explain this one."""

    name: str
    category: str
    critical: int
    warning: int
    needs: int
    why: str
    checks: Tuple[str, ...]
    next: str = MANUAL


UNREACHABLE = "host.reachable"
# Of which writes make more, and which is looked at best while nothing is written.
DAMAGES = ("pg.checksum_failures",)

RULES = (
    Rule(
        "host_gone",
        INFRASTRUCTURE,
        DISABLES,
        DISABLES,
        NOTHING,
        "Nobody can log in to this host, so that nothing on it can be relied on.",
        (UNREACHABLE,),
    ),
    Rule(
        "disk",
        INFRASTRUCTURE,
        DISABLES,
        HINTS,
        NOTHING,
        "What cannot write stops or does not start.",
        ("host.disk_space", "host.inodes", "host.disk_read_only", "host.disk_errors", "host.disk_answers"),
    ),
    Rule(
        "memory",
        INFRASTRUCTURE,
        DISABLES,
        SLOWS,
        NOTHING,
        "Without memory the machine swaps, and the kernel kills processes.",
        ("host.memory", "host.swap", "host.memory_pressure", "host.oom_kills"),
    ),
    Rule(
        "limits_of_the_machine",
        INFRASTRUCTURE,
        DISABLES,
        SLOWS,
        NOTHING,
        "Services can open no more files, connections or processes.",
        ("host.open_files", "host.tasks", "host.conntrack"),
    ),
    Rule(
        "certificate",
        INFRASTRUCTURE,
        DISABLES,
        HINTS,
        NOTHING,
        "Clients refuse a certificate that is not valid, whatever stands behind it.",
        ("http.certificate_expiry", "http.tls"),
    ),
    Rule(
        "vendor",
        THIRD_PARTY,
        SLOWS,
        SLOWS,
        NOTHING,
        "The vendor itself says so; nothing here mends it.",
        ("http.vendor",),
    ),
    Rule(
        "down",
        BY_SERVICE,
        DISABLES,
        HINTS,
        DISABLES,
        "It does not run or does not answer, and what needs it cannot work.",
        (
            "service.active",
            "service.healthy",
            "service.replicas",
            "service.restarts",
            "pg.reachable",
            "redis.reachable",
            "redis.loading",
            "celery.reachable",
            "wave.start",
        ),
        START,
    ),
    Rule(
        "damage",
        DATABASE,
        DISABLES,
        HINTS,
        DISABLES,
        "The server refuses work, or should be given none, until this is mended.",
        (
            "pg.checksum_failures",
            "pg.xid_age",
            "pg.multixact_age",
            "pg.sequences",
            "pg.synchronous_replication",
            "duckdb.opens",
        ),
    ),
    Rule(
        "writes_stopped",
        DATABASE,
        DISABLES,
        DISABLES,
        NOTHING,
        "Somebody has stopped all writes on purpose, and whoever writes gets an error.",
        ("pg.writes_stopped",),
    ),
    Rule(
        "sessions_in_the_way",
        DATABASE,
        DISABLES,
        SLOWS,
        NOTHING,
        "Sessions hold locks or connections that others wait for, and do not work themselves.",
        ("pg.blocked_sessions", "pg.idle_in_transaction"),
        TERMINATE,
    ),
    Rule(
        "locks",
        DATABASE,
        DISABLES,
        SLOWS,
        NOTHING,
        "Locks are held, or used up, that other sessions need.",
        ("pg.prepared_transactions", "pg.lock_table"),
    ),
    Rule(
        "connections",
        DATABASE,
        DISABLES,
        SLOWS,
        SLOWS,
        "When no connection is left the server turns the application away.",
        ("pg.connections",),
    ),
    Rule(
        "cache_full",
        CACHE,
        DISABLES,
        SLOWS,
        DISABLES,
        "A full cache refuses writes or throws out what is still needed.",
        ("redis.memory", "redis.host_memory", "redis.write_errors", "redis.evictions_window", "redis.eviction_policy"),
    ),
    Rule(
        "cache_turns_away",
        CACHE,
        DISABLES,
        SLOWS,
        DISABLES,
        "The cache turns clients away.",
        ("redis.clients", "redis.rejected_connections_window", "redis.cluster", "redis.rdb", "redis.aof"),
    ),
    Rule(
        "workers",
        APPLICATION,
        DISABLES,
        SLOWS,
        DISABLES,
        "Without workers nobody takes what is queued.",
        ("celery.workers", "celery.queue_consumers", "celery.result_backend"),
    ),
    Rule(
        "job",
        APPLICATION,
        DISABLES,
        HINTS,
        DISABLES,
        "A job that did not run leaves old data behind it.",
        (
            "service.timer",
            "service.timer_result",
            "service.timer_age",
            "service.timer_overdue",
            "service.cron",
            "service.cron_age",
            "celery.beat_schedule",
            "celery.beat_lock",
            "celery.periodic_tasks",
        ),
    ),
    Rule(
        "flood",
        INFRASTRUCTURE,
        SLOWS,
        SLOWS,
        NOTHING,
        "One client takes what was meant for all of them.",
        ("log.top_client", "log.failing_client", "log.denied_client", "log.attacks"),
    ),
    Rule(
        "slow_database",
        DATABASE,
        SLOWS,
        SLOWS,
        SLOWS,
        "Statements take long, and what waits for them is slow.",
        (
            "pg.long_statements",
            "pg.slow_statements",
            "pg.cache_hit",
            "pg.temporary_files",
            "pg.deadlocks",
            "pg.rollbacks",
            "duckdb.probe",
            "duckdb.memory",
        ),
    ),
    Rule(
        "slow_cache",
        CACHE,
        SLOWS,
        SLOWS,
        SLOWS,
        "A cache that misses or stalls passes its load on to the database.",
        (
            "redis.hit_rate",
            "redis.hit_rate_window",
            "redis.latency",
            "redis.latency_peak",
            "redis.slow_commands",
            "redis.errors",
        ),
    ),
    Rule(
        "busy_machine",
        INFRASTRUCTURE,
        SLOWS,
        SLOWS,
        SLOWS,
        "Everything on a machine that is busy is slow.",
        (
            "host.cpu",
            "host.cpu_steal",
            "host.cpu_iowait",
            "host.cpu_pressure",
            "host.cpu_throttled",
            "host.load",
            "host.io_pressure",
            "host.disk_busy",
            "host.disk_latency",
            "host.network_errors",
            "host.network_drops",
        ),
    ),
    Rule(
        "limits_of_the_unit",
        BY_SERVICE,
        SLOWS,
        SLOWS,
        SLOWS,
        "It is about to be killed, or cannot start what it needs.",
        ("service.memory", "service.tasks"),
    ),
    Rule(
        "failing",
        APPLICATION,
        DISABLES,
        HINTS,
        DISABLES,
        "Nothing that it needs was found to be ill, so the fault is its own, or one that nobody looks at.",
        ("http.reachable", "http.status", "http.body", "http.component_pool"),
    ),
    Rule(
        "queue",
        APPLICATION,
        SLOWS,
        SLOWS,
        SLOWS,
        "More is queued than workers take.",
        ("celery.queue_depth", "celery.oldest_message", "celery.progress", "celery.long_tasks", "celery.unacked_age"),
    ),
    Rule(
        "errors",
        APPLICATION,
        DISABLES,
        HINTS,
        SLOWS,
        "Nothing else explains these errors: their patterns stand in the report.",
        ("log.errors", "log.error_rate", "log.emergencies", "log.patterns", "log.server_errors", "log.client_errors"),
    ),
    Rule(
        "slow",
        APPLICATION,
        HINTS,
        HINTS,
        SLOWS,
        "Nothing that it needs was found to be slow.",
        ("http.response_time", "http.component_response_time", "http.component_hit_rate", "log.slow_requests"),
    ),
    Rule(
        "old_data",
        APPLICATION,
        HINTS,
        HINTS,
        DISABLES,
        "The data is not what it should be, and no job was seen to fail.",
        ("data.reachable", "data.freshness", "data.range", "data.equals", "data.same", "data.usual", "data.no_rows"),
    ),
)

# Everything else may be worth a look and does not stop a stack.
OTHER = Rule("other", BY_SERVICE, HINTS, HINTS, NOTHING, "It is not as it should be.", ())

# Not what is wrong, but what is different: told beside the causes.
CHANGES = (
    "settings.changed",
    "settings.running",
    "pg.settings_changed",
    "pg.restart",
    "pg.identity",
    "redis.restart",
    "host.restart",
)

RULE_OF: Dict[str, Rule] = {check: rule for rule in RULES for check in rule.checks}

CATEGORY_OF = {
    "pg": DATABASE,
    "duckdb": DATABASE,
    "redis": CACHE,
    "host": INFRASTRUCTURE,
    "backup": INFRASTRUCTURE,
}
