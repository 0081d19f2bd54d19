# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processors: use, what they wait for, what others take away, and how long the queue is. Only what lasts counts."""

from __future__ import annotations

from typing import Iterator, Mapping, Optional

from .checks import Rule
from .finding import Finding
from .host_facts import (
    CHECKS,
    CONTAINER,
    MACHINE,
    TOTAL,
    Container,
    Load,
    Pressure,
    Processes,
    lasting,
    over,
    percent_text,
    processor_shares,
    processor_use,
    sustained,
)
from .interval import Interval
from .text import number_text, seconds_text
from .threshold import Threshold


def _most(processes: Processes) -> str:
    named = [
        "'{0}' (PID {1}) {2} of a core".format(process.name, process.pid, percent_text(100 * process.amount))
        for process in processes.by_cpu
    ]
    return " Most of it: {0}.".format(", ".join(named)) if named else ""


def _told(now: Optional[float], window: Interval, earlier: Optional[float], interval: Interval) -> str:
    parts = ["{0} {1}".format(percent_text(now), over(window))] if now is not None else []
    if earlier is not None:
        parts.append("{0} in the {1} since the last look".format(percent_text(earlier), seconds_text(interval.seconds)))
    return ", ".join(parts)


@CHECKS.check(
    "cpu",
    needs=("window", "interval", "load", "container", "processes"),
    procedure="H10",
    question="Are processors left for more work, now and for minutes already?",
    threshold=Threshold(
        "%",
        80,
        95,
        source="manuals M3, M4: 80 % for 15 min; awesome-prometheus-alerts 80 %. What lasts: the use since previous "
        "(5 min ago or more), the load of 5 min per core, or the pressure, whichever is higher",
    ),
)
def cpu(
    rule: Rule, window: Interval, interval: Interval, load: Load, container: Container, processes: Processes
) -> Iterator[Finding]:
    now, earlier = processor_use(window, container), processor_use(lasting(interval), container)
    if now is None and earlier is None:
        return
    whose = (
        "The container's {0} cores are".format(number_text(container.cores))
        if container.cores
        else ("The {0} cores are".format(load.cores))
    )
    yield from sustained(
        rule,
        CONTAINER if container.cores else MACHINE,
        now,
        (earlier, 100.0 * load.five / load.cores, load.some("cpu")),
        "{0} in use: {1}; load {2} over 5 min.{3}".format(
            whose, _told(now, window, earlier, interval), number_text(load.five), _most(processes)
        ),
        "Is it work that belongs there at this hour? If not, ask its owner or restart its service; if so, move it to "
        "another time or give it more cores.",
    )


@CHECKS.check(
    "cpu_steal",
    needs=("window", "interval"),
    procedure="H10",
    question="Does the hypervisor give this machine its processors?",
    threshold=Threshold("%", 10, 30, source="awesome-prometheus-alerts 10 %, for minutes; see previous"),
)
def cpu_steal(rule: Rule, window: Interval, interval: Interval) -> Iterator[Finding]:
    now, earlier = _share(window, "steal"), _share(lasting(interval), "steal")
    yield from sustained(
        rule,
        MACHINE,
        now,
        (earlier,),
        "The hypervisor gave processor time to others: {0}.".format(_told(now, window, earlier, interval)),
        "The host of this virtual machine is overcommitted, or its credits are used up: ask the provider, move it, or "
        "take a size with cores of its own.",
    )


@CHECKS.check(
    "cpu_iowait",
    needs=("window", "interval", "load"),
    procedure="H10",
    question="Do processors work instead of waiting for disks?",
    threshold=Threshold(
        "%",
        20,
        None,
        source="awesome-prometheus-alerts 10 %; 20, for one backup alone makes a machine of two cores wait more",
    ),
)
def cpu_iowait(rule: Rule, window: Interval, interval: Interval, load: Load) -> Iterator[Finding]:
    now, earlier = _share(window, "iowait"), _share(lasting(interval), "iowait")
    if now is None and earlier is None:
        return
    yield from sustained(
        rule,
        MACHINE,
        now,
        (earlier, load.some("io")),
        "Cores were idle because of disk I/O: {0}.".format(_told(now, window, earlier, interval)),
        "iostat -x 5 shows which disk, pidstat -d 5 which process. A backup or a large scan ends by itself.",
    )


def _share(interval: Optional[Interval], kind: str) -> Optional[float]:
    return processor_shares(interval).get(kind) if interval is not None else None


@CHECKS.check(
    "load",
    needs=("load",),
    procedure="H10",
    question="Is the queue for processors and disks short, for 5 and for 15 minutes?",
    threshold=Threshold("load per core", 2, 5, source="node-exporter mixin: 2 per core for 15 min"),
)
def load(rule: Rule, load: Load) -> Iterator[Finding]:
    yield rule.judge(
        MACHINE,
        load.per_core,
        "Load is {0} over 5 min and {1} over 15 min on {2} cores.".format(
            number_text(load.five), number_text(load.fifteen), load.cores
        ),
        "High with idle processors means tasks that wait for a disk or a network file system: ps -eo state,pid,comm | "
        "grep ^D. Otherwise see host.cpu.",
    )


@CHECKS.check(
    "cpu_pressure",
    needs=("pressure", "processes"),
    procedure="H10",
    question="Do tasks seldom wait for a processor?",
    threshold=Threshold("%", 75, None, source="ours: some task waits most of the time, over 60 s and over 300 s"),
)
def cpu_pressure(rule: Rule, pressure: Mapping[str, Pressure], processes: Processes) -> Iterator[Finding]:
    if "cpu" in pressure:
        seen = pressure["cpu"]
        yield rule.judge(
            MACHINE,
            seen.some,
            "Some task waits for a processor {0} of the time over 60 s, {1} over 300 s.{2}".format(
                percent_text(seen.some_60), percent_text(seen.some_300), _most(processes)
            ),
            "Answers get slower before anything fails: move batch work to another time, lower its priority, or add "
            "cores.",
        )


@CHECKS.check(
    "cpu_throttled",
    needs=("window", "interval", "container"),
    procedure="H10",
    question="May the container work when it has work?",
    threshold=Threshold("%", 25, 75, source="awesome-prometheus-alerts: throttled in more than 25 % of periods"),
)
def cpu_throttled(rule: Rule, window: Interval, interval: Interval, container: Container) -> Iterator[Finding]:
    if not container.cores:
        return
    now, earlier = _throttled(window), _throttled(lasting(interval))
    since_start = None
    if window.now.get(TOTAL + "container.periods"):
        totals = window.now[TOTAL + "container.throttled_periods"], window.now[TOTAL + "container.periods"]
        since_start = 100.0 * totals[0] / totals[1]
    yield from sustained(
        rule,
        CONTAINER,
        now,
        (earlier, since_start),
        "The limit of {0} cores stops the container in {1} of periods since its start; {2}.".format(
            number_text(container.cores), percent_text(since_start), _told(now, window, earlier, interval) or "now idle"
        ),
        "Raise the container's CPU limit, or give it fewer threads and workers than that.",
    )


def _throttled(interval: Optional[Interval]) -> Optional[float]:
    periods = interval.growth(TOTAL + "container.periods") if interval is not None else None
    return 100.0 * (interval.growth(TOTAL + "container.throttled_periods") or 0) / periods if periods else None
