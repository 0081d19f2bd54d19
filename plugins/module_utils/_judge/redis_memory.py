# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis: memory, what is thrown out of it, and how well it is used."""

from __future__ import annotations

from typing import Iterator

from .checks import Rule
from .finding import INFO, WARNING, Finding
from .redis_facts import CHECKS, SINCE_START, WINDOW, Info, Rates
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

MB = 1024 * 1024
HOUR = 3600.0

# MEMORY DOCTOR says nothing about a server that holds less: ratios of next to nothing mean nothing.
EMPTY = 5 * MB
# MEMORY DOCTOR's own limits (object.c); each fragmentation rule also asks for 10 MB.
PEAK_RATIO, INNER_RATIO, WASTE = 1.5, 1.1, 10 * MB
# Of the whole process, the program itself counts too, which would make every server of 6 MB a fragmented one.
PROCESS_WASTE = 2 * WASTE


@CHECKS.check(
    "memory",
    needs=("info",),
    procedure="H08",
    question="Is there memory left below maxmemory, or on the host where there is no limit?",
    threshold=Threshold("%", 75, 90, source="manuals 75 % and 80-90 %; awesome-prometheus-alerts 90 %"),
)
def memory(rule: Rule, info: Info) -> Iterator[Finding]:
    percent = info.memory_used_percent
    if percent is None:
        return
    used = bytes_text(info.memory_judged)
    if not info.memory_limit:
        yield rule.judge(
            "host memory",
            percent,
            "{0} in use without a limit, {1} % of the host's {2}.".format(
                used, number_text(round(percent, 1)), bytes_text(info.number("total_system_memory"))
            ),
            "Set maxmemory before the operating system ends the server (in a container the host's memory is shown, "
            "not the container's limit).",
        )
        return
    evicting = info.text("maxmemory_policy") != "noeviction"
    yield rule.judge(
        "maxmemory",
        percent,
        "{0} of {1} in use ({2} %).".format(used, bytes_text(info.memory_limit), number_text(round(percent, 1))),
        "At the limit keys are evicted: look at the hit rate and at keys without TTL, or raise maxmemory."
        if evicting
        else "At the limit every write fails (policy noeviction): free memory, raise maxmemory, or for a pure cache "
        "choose an evicting maxmemory-policy.",
    )


@CHECKS.check(
    "memory_limit",
    needs=("info",),
    procedure="H08",
    question="Is there a limit to the memory it may take, and one that the host can bear?",
    threshold=Threshold(
        "%", source="ours: that there is none is told only when a tenth of the host's memory is in use"
    ),
)
def memory_limit(rule: Rule, info: Info) -> Iterator[Finding]:
    percent, host = info.memory_used_percent, info.number("total_system_memory")
    if info.memory_limit > host > 0:
        yield rule.say(
            WARNING,
            "maxmemory",
            "maxmemory is {0}, more than the {1} that the host has: it is no limit.".format(
                bytes_text(info.memory_limit), bytes_text(host)
            ),
            "Set maxmemory so that fork and buffers keep room (at most three quarters of the host's memory).",
            round(100.0 * info.memory_limit / host, 1),
        )
    elif not info.memory_limit and percent is not None and percent >= 10:
        yield rule.say(
            INFO,
            "maxmemory",
            "No maxmemory is set, and {0} % of the host's memory is in use.".format(number_text(round(percent, 1))),
            "Set maxmemory so that fork and buffers keep room (at most three quarters of the host's memory).",
            round(percent, 1),
        )


@CHECKS.check(
    "host_memory",
    needs=("info",),
    procedure="H08",
    question="Does the process leave the host enough, whatever its maxmemory?",
    threshold=Threshold("%", 90, source="awesome-prometheus-alerts 90 % of the host's memory"),
)
def host_memory(rule: Rule, info: Info) -> Iterator[Finding]:
    taken, host = info.number("used_memory_rss"), info.number("total_system_memory")
    # Without a limit the check on memory itself compares with the host.
    if info.memory_limit and host:
        yield rule.judge(
            "process",
            100.0 * taken / host,
            "The process takes {0} of the host's {1}.".format(bytes_text(taken), bytes_text(host)),
            "Lower maxmemory, or look for what comes on top of the data: buffers, fragmentation, copies during saves.",
        )


@CHECKS.check(
    "client_memory",
    needs=("info",),
    procedure="H08",
    question="Do buffers of clients take the room of the data?",
    threshold=Threshold(
        "%", 20, floors={"buffer_bytes": 64 * MB}, source="ours: a fifth of maxmemory, for which keys are evicted"
    ),
)
def client_memory(rule: Rule, info: Info) -> Iterator[Finding]:
    # Valkey counts a long value for every client that waits for it, although they share it.
    buffers = min(info.number("mem_clients_normal"), info.number("used_memory"))
    if info.memory_limit:
        yield rule.judge(
            "client buffers",
            100.0 * buffers / info.memory_limit,
            "Buffers of {0} clients take {1} of the {2} of maxmemory.".format(
                number_text(info.number("connected_clients")), bytes_text(buffers), bytes_text(info.memory_limit)
            ),
            "CLIENT LIST shows whose (tot-mem, omem, qbuf): a client that does not read, pipelines too much, or huge "
            "values; maxmemory-clients sets a bound.",
            buffer_bytes=buffers,
        )


@CHECKS.check(
    "eviction_policy",
    needs=("info",),
    procedure="W09",
    question="Can room be made when the memory is full?",
    threshold=Threshold("%", 75, source="ours: the memory check's warning; below that the policy changes nothing"),
)
def eviction_policy(rule: Rule, info: Info) -> Iterator[Finding]:
    percent = info.memory_used_percent
    if not info.memory_limit or percent is None:
        return
    policy = info.text("maxmemory_policy")
    keys, lasting = info.all_keys
    # A queue or a store rightly has noeviction: only where some keys have a TTL does it look like a cache.
    if policy == "noeviction" and keys > lasting:
        message = "maxmemory-policy is noeviction: writes will fail at the limit although {0} keys have a TTL."
        advice = "For a cache set maxmemory-policy allkeys-lru or allkeys-lfu; for a queue or a store raise maxmemory."
        yield rule.judge(policy, percent, message.format(number_text(keys - lasting)), advice)
    elif policy.startswith("volatile-") and keys and keys == lasting:
        message = "maxmemory-policy is {0}, but none of the {1} keys has a TTL: nothing can be evicted."
        advice = "Give keys a TTL (redis_keys with state expire), or set maxmemory-policy allkeys-lru."
        yield rule.judge(policy, percent, message.format(policy, number_text(keys)), advice)


EVICTION_ADVICE = "Raise maxmemory, shorten TTLs, or find keys without TTL: what is evicted has to be computed again."
EVICTION_LIMIT = Threshold("keys/h", 1000, floors={"evicted_keys": 10}, source="manuals 1000 an hour")


@CHECKS.check(
    "evictions",
    needs=("info",),
    procedure="H08",
    question="Have keys been thrown out for want of memory since the start?",
    threshold=EVICTION_LIMIT,
)
def evictions(rule: Rule, info: Info) -> Iterator[Finding]:
    total = info.number("evicted_keys")
    uptime = info.number("uptime_in_seconds")
    # The average of the whole time, never made larger by a start that is less than an hour ago.
    yield rule.judge(
        SINCE_START,
        total * HOUR / max(uptime, HOUR),
        "{0} keys were evicted in {1}.".format(number_text(total), seconds_text(max(uptime, 1))),
        EVICTION_ADVICE,
        evicted_keys=total,
    )


@CHECKS.check(
    "evictions_window",
    needs=("rates",),
    procedure="H08",
    question="Are keys thrown out for want of memory at present?",
    threshold=EVICTION_LIMIT,
)
def evictions_window(rule: Rule, rates: Rates) -> Iterator[Finding]:
    evicted = rates.change("evicted_keys")
    per_hour = rates.per("evicted_keys", HOUR)
    yield rule.judge(
        WINDOW,
        per_hour,
        "{0} keys were evicted {1} ({2} an hour).".format(number_text(evicted), rates.period, number_text(per_hour)),
        EVICTION_ADVICE,
        evicted_keys=evicted,
    )


@CHECKS.check(
    "expired_stale",
    needs=("info",),
    procedure="H08",
    question="Does the server keep up with removing what has expired?",
    threshold=Threshold(
        "%", 10, 25, floors={"keys": 10000}, source="Redis: its expire cycle tolerates 10 % stale keys"
    ),
)
def expired_stale(rule: Rule, info: Info) -> Iterator[Finding]:
    if not info.has("expired_stale_perc"):
        return
    percent = info.number("expired_stale_perc")
    keys, lasting = info.all_keys
    yield rule.judge(
        "expired keys",
        percent,
        "{0} % of the keys with a TTL have probably expired and still take memory; the cycle ran out of its time {1} "
        "times.".format(number_text(percent), number_text(info.number("expired_time_cap_reached_count"))),
        "Spread TTLs so that keys do not expire together (ttl_jitter of redis_keys), or raise active-expire-effort.",
        keys=keys - lasting,
    )


@CHECKS.check(
    "fragmentation",
    needs=("info",),
    procedure="H08",
    question="Does the server take much more memory than its data needs?",
    threshold=Threshold(
        "ratio",
        1.4,
        floors={"used_bytes": EMPTY, "wasted_bytes": PROCESS_WASTE},
        source="MEMORY DOCTOR: 1.4 and 10 MB, silent under 5 MB; ours: 20 MB",
    ),
)
def fragmentation(rule: Rule, info: Info) -> Iterator[Finding]:
    used = info.number("used_memory")
    if _past_peak(info):
        # The allocator keeps the pages of the peak; the ratio says nothing then, as MEMORY DOCTOR knows too.
        return
    ratio = info.number("mem_fragmentation_ratio")
    wasted = info.number("mem_fragmentation_bytes")
    yield rule.judge(
        "process",
        ratio,
        "The process takes {0} for {1} of data (ratio {2}).".format(
            bytes_text(info.number("used_memory_rss")), bytes_text(used), number_text(ratio)
        ),
        "Try MEMORY PURGE; where the server was built with jemalloc set activedefrag yes; otherwise restart it in a "
        "maintenance window.",
        used_bytes=used,
        wasted_bytes=wasted,
    )


@CHECKS.check(
    "memory_doctor",
    needs=("info",),
    procedure="H08",
    question="Would MEMORY DOCTOR find anything else?",
    threshold=Threshold(source="MEMORY DOCTOR's rules; silent under 5 MB"),
)
def memory_doctor(rule: Rule, info: Info) -> Iterator[Finding]:
    if info.number("used_memory") < EMPTY:
        return
    if _past_peak(info):
        yield rule.say(
            INFO,
            "peak",
            "{0} were in use at the peak, {1} now; the system may still count the difference as taken.".format(
                bytes_text(info.number("used_memory_peak")), bytes_text(info.number("used_memory"))
            ),
            "Harmless if the peak was a one-off; MEMORY PURGE gives pages back.",
            info.number("used_memory_peak"),
        )
    else:
        for field, subject in (
            ("allocator_frag", "allocator fragmentation"),
            ("allocator_rss", "allocator"),
            ("rss_overhead", "process overhead"),
        ):
            ratio, wasted = info.number(field + "_ratio"), info.number(field + "_bytes")
            if ratio > INNER_RATIO and wasted > WASTE and wasted > 0.1 * info.number("used_memory"):
                yield rule.say(
                    INFO,
                    subject,
                    "{0} are lost here (ratio {1}).".format(bytes_text(wasted), number_text(ratio)),
                    "Nothing to do while memory is not short; activedefrag or a restart would give it back.",
                    ratio,
                )
    yield from _buffers(rule, info)


def _buffers(rule: Rule, info: Info) -> Iterator[Finding]:
    clients = max(1.0, info.number("connected_clients"))
    each = info.number("mem_clients_normal") / clients
    if each > 200 * 1024:
        yield rule.say(
            WARNING,
            "client buffers",
            "Client buffers take {0} each on average.".format(bytes_text(each)),
            "CLIENT LIST shows who reads slowly (omem) or sends huge commands (qbuf).",
            each,
        )
    replicas = info.number("mem_clients_slaves")
    if replicas > WASTE:
        yield rule.say(
            WARNING,
            "replica buffers",
            "Buffers for replicas take {0}: a replica does not keep up.".format(bytes_text(replicas)),
            "Look at the replica's load and network; see client-output-buffer-limit replica.",
            replicas,
        )
    scripts = info.number("number_of_cached_scripts")
    if scripts > 1000:
        yield rule.say(
            WARNING,
            "scripts",
            "{0} Lua scripts are cached.".format(number_text(scripts)),
            "Some client writes values into script texts instead of passing arguments; SCRIPT FLUSH frees them.",
            scripts,
        )


def _past_peak(info: Info) -> bool:
    return info.number("used_memory_peak") > PEAK_RATIO * info.number("used_memory", 1.0)
