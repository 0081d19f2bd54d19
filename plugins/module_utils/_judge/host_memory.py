# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory and swap: how much is left, whether work waits for it, and whom the kernel killed for want of it."""

from __future__ import annotations

from typing import Iterator, Mapping, Optional

from .checks import Rule
from .finding import INFO, OK, WARNING, Finding
from .host_facts import (
    CHECKS,
    CONTAINER,
    MACHINE,
    TOTAL,
    Boot,
    Container,
    Memory,
    Pressure,
    Processes,
    percent_text,
)
from .interval import Interval
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

GIB, HOUR = 1024.0**3, 3600.0


def _most(processes: Processes) -> str:
    named = [
        "'{0}' (PID {1}) {2}".format(process.name, process.pid, bytes_text(process.amount))
        for process in processes.by_memory
    ]
    return " Most of it: {0}.".format(", ".join(named)) if named else ""


def memory_use(memory: Memory, container: Container) -> float:
    """Percent of the container's limit where there is one, else of the machine."""
    if container.memory_limit:
        return 100.0 * (container.memory_used or 0) / container.memory_limit
    return memory.used_percent


@CHECKS.check(
    "memory",
    needs=("memory", "container", "processes", "interval"),
    procedure="H10",
    question="Is memory left?",
    threshold=Threshold(
        "%",
        85,
        95,
        ceilings={"available_bytes": 4 * GIB},
        source="manuals 80-90 %, awesome-prometheus-alerts < 10 % left; not while 4 GB are left",
    ),
)
def memory(
    rule: Rule, memory: Memory, container: Container, processes: Processes, interval: Interval
) -> Iterator[Finding]:
    """A warning that an earlier look, an hour ago or less, did not see yet is ``info``: one peak wakes nobody."""
    used = memory_use(memory, container)
    total, left, subject = memory.total, memory.available, MACHINE
    if container.memory_limit:
        total, subject = container.memory_limit, CONTAINER
        left = max(total - (container.memory_used or 0), 0)
    message = "{0} of {1} memory is in use, {2} can still be had.{3}".format(
        percent_text(used), bytes_text(total), bytes_text(left), _most(processes)
    )
    advice = (
        "Does one process grow from look to look? Restart its service before the kernel ends one of its own choice. "
        "Otherwise lower what services may take, or add memory."
    )
    finding = rule.judge(subject, used, message, advice, available_bytes=left)
    before = _recent(interval, "host.memory.used_percent")
    if finding.severity == WARNING and before is not None and before < (rule.threshold.warning or 0):
        text = "It was {0} at the last look, so this is no warning yet. ".format(percent_text(before))
        finding = rule.say(INFO, subject, message, text + advice, used)
    yield finding


def _recent(interval: Interval, name: str) -> Optional[float]:
    recent = interval.seconds is not None and interval.seconds <= HOUR
    return interval.previous.get(name) if recent else None


@CHECKS.check(
    "swap",
    needs=("memory",),
    procedure="H10",
    question="Is swap left?",
    threshold=Threshold(
        "%",
        80,
        95,
        floors={"memory_used_percent": 70},
        source="awesome-prometheus-alerts 80 %; only with memory in use, for old pages rest in swap harmlessly",
    ),
)
def swap(rule: Rule, memory: Memory) -> Iterator[Finding]:
    if memory.swap_used_percent is not None:
        yield rule.judge(
            MACHINE,
            memory.swap_used_percent,
            "{0} of {1} swap is in use, and {2} of memory.".format(
                percent_text(memory.swap_used_percent), bytes_text(memory.swap_total), percent_text(memory.used_percent)
            ),
            "When both are full the kernel kills. See host.memory for who uses most; vmstat 5 shows whether pages move "
            "(si, so).",
            memory_used_percent=memory.used_percent,
        )


@CHECKS.check(
    "memory_pressure",
    needs=("pressure", "processes"),
    procedure="H10",
    question="Does work not stand still for want of memory?",
    threshold=Threshold(
        "%", 5, 20, source="ours: everything stood still, over 60 s and over 300 s; systemd-oomd kills at 60 % in 30 s"
    ),
)
def memory_pressure(rule: Rule, pressure: Mapping[str, Pressure], processes: Processes) -> Iterator[Finding]:
    if "memory" in pressure:
        seen = pressure["memory"]
        yield rule.judge(
            MACHINE,
            seen.full,
            "All work waits for memory {0} of the time over 60 s, {1} over 300 s (some of it {2}, {3}).{4}".format(
                percent_text(seen.full_60),
                percent_text(seen.full_300),
                percent_text(seen.some_60),
                percent_text(seen.some_300),
                _most(processes),
            ),
            "The machine reads pages again and again that it had to drop: free memory now, the OOM killer is next.",
        )


@CHECKS.check(
    "oom_kills",
    needs=("totals", "interval", "boot"),
    procedure="H10",
    question="Has the kernel killed no process for want of memory since the last look?",
    threshold=Threshold("processes", 1, None, source="awesome-prometheus-alerts 1; since the start only as info"),
)
def oom_kills(rule: Rule, totals: Mapping[str, float], interval: Interval, boot: Boot) -> Iterator[Finding]:
    count = totals.get(TOTAL + "oom_kills")
    if count is None:
        return
    advice = "journalctl -k -g 'Out of memory|oom-kill' shows whom and when. See host.memory; set limits for the rest."
    grown = count if boot.restarted else interval.growth(TOTAL + "oom_kills")
    if grown is not None:
        yield rule.judge(
            MACHINE,
            grown,
            "The kernel killed {0} processes for want of memory in the {1} since the last look.".format(
                number_text(grown), seconds_text(interval.seconds or boot.uptime_seconds)
            ),
            advice,
        )
    else:
        yield rule.say(
            INFO if count else OK,
            MACHINE,
            "The kernel killed {0} processes for want of memory since the start {1} ago.".format(
                number_text(count), seconds_text(boot.uptime_seconds)
            ),
            advice,
            count,
        )
