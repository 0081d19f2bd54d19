# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices, interfaces, and the tables of the kernel that can run full."""

from __future__ import annotations

from typing import Iterator, Mapping, Optional, Sequence

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
    Table,
    lasting,
    longest,
    over,
    percent_text,
    sustained,
)
from .interval import Interval
from .text import number_text, seconds_text
from .threshold import Threshold

DISK_ADVICE = (
    "iostat -x 5 shows the queue, pidstat -d 5 who reads and writes. If nothing large runs, look for a failing device "
    "or a slow storage network: dmesg, smartctl -a."
)


def busy_percent(interval: Optional[Interval], device: str) -> Optional[float]:
    rate = interval.rate("{0}device.{1}.busy_seconds".format(TOTAL, device)) if interval is not None else None
    return None if rate is None else min(100.0 * rate, 100.0)


def latency(interval: Optional[Interval], device: str) -> Optional[float]:
    """Mean seconds of one read or write; ``None`` when there was none."""
    if interval is None:
        return None
    operations = interval.growth("{0}device.{1}.operations".format(TOTAL, device))
    waited = interval.growth("{0}device.{1}.waited_seconds".format(TOTAL, device))
    return waited / operations if operations and waited is not None else None


@CHECKS.check(
    "disk_busy",
    needs=("devices", "window", "interval", "load"),
    procedure="H10",
    question="Have disks time for more, now and for minutes already?",
    threshold=Threshold(
        "%",
        80,
        None,
        floors={"latency_seconds": 0.02},
        source="awesome-prometheus-alerts 80 %; with 20 ms a request, for disks that do many things at once are busy "
        "long before they are full",
    ),
)
def disk_busy(
    rule: Rule, devices: Sequence[str], window: Interval, interval: Interval, load: Load
) -> Iterator[Finding]:
    for device in devices:
        now, earlier = busy_percent(window, device), busy_percent(lasting(interval), device)
        if now is None and earlier is None:
            continue
        each = latency(window, device) or latency(interval, device) or 0.0
        share, seen = (earlier, interval) if now is None else (now, window)
        yield from sustained(
            rule,
            device,
            now,
            (earlier, load.some("io")),
            "Disk {0} was busy for {1} of the time {2}; a request takes {3}.".format(
                device, percent_text(share), over(seen), seconds_text(each)
            ),
            DISK_ADVICE,
            latency_seconds=each,
        )


@CHECKS.check(
    "disk_latency",
    needs=("devices", "window", "interval"),
    procedure="H10",
    question="Do disks answer soon, now and for minutes already?",
    threshold=Threshold(
        "seconds", 0.1, 1, floors={"operations_per_second": 5}, source="awesome-prometheus-alerts 0.1 s a request"
    ),
)
def disk_latency(rule: Rule, devices: Sequence[str], window: Interval, interval: Interval) -> Iterator[Finding]:
    for device in devices:
        now, earlier = latency(window, device), latency(lasting(interval), device)
        seen = window if now is not None else interval
        yield from sustained(
            rule,
            device,
            now,
            (earlier,),
            "A request to disk {0} takes {1} on average {2}.".format(
                device, seconds_text(now if now is not None else earlier or 0.0), over(seen)
            ),
            DISK_ADVICE,
            operations_per_second=seen.rate("{0}device.{1}.operations".format(TOTAL, device)) or 0.0,
        )


@CHECKS.check(
    "io_pressure",
    needs=("pressure",),
    procedure="H10",
    question="Does work not stand still because of disks?",
    threshold=Threshold("%", 25, 60, source="ours: everything stood still, over 60 s and over 300 s"),
)
def io_pressure(rule: Rule, pressure: Mapping[str, Pressure]) -> Iterator[Finding]:
    if "io" in pressure:
        seen = pressure["io"]
        yield rule.judge(
            MACHINE,
            seen.full,
            "All work waits for disks {0} of the time over 60 s, {1} over 300 s (some of it {2}, {3}).".format(
                *(percent_text(value) for value in (seen.full_60, seen.full_300, seen.some_60, seen.some_300))
            ),
            DISK_ADVICE,
        )


@CHECKS.check(
    "network_errors",
    needs=("interfaces", "window", "interval"),
    procedure="H10",
    question="Do packets arrive and leave undamaged?",
    threshold=Threshold("%", 1, 10, floors={"errors": 10}, source="awesome-prometheus-alerts 1 % of packets"),
)
def network_errors(rule: Rule, interfaces: Sequence[str], window: Interval, interval: Interval) -> Iterator[Finding]:
    yield from _lost(
        rule,
        interfaces,
        longest(window, interval),
        "errors",
        "damaged",
        "Cable, port, transceiver or driver: ethtool -S names the kind of error; compare with the switch's counters.",
    )


@CHECKS.check(
    "network_drops",
    needs=("interfaces", "window", "interval"),
    procedure="H10",
    question="Does the machine take in the packets that arrive?",
    threshold=Threshold(
        "%",
        1,
        None,
        floors={"drops": 1000},
        source="awesome-prometheus-alerts 1 % of packets; not a few, for frames of unknown protocols count as dropped",
    ),
)
def network_drops(rule: Rule, interfaces: Sequence[str], window: Interval, interval: Interval) -> Iterator[Finding]:
    yield from _lost(
        rule,
        interfaces,
        longest(window, interval),
        "drops",
        "dropped",
        "The machine was too slow to take them, or its buffers are too small: see host.cpu, ethtool -S and -g, "
        "/proc/net/softnet_stat.",
    )


def _lost(
    rule: Rule, interfaces: Sequence[str], seen: Interval, kind: str, word: str, advice: str
) -> Iterator[Finding]:
    for interface in interfaces:
        prefix = "{0}network.{1}.".format(TOTAL, interface)
        packets, lost = seen.growth(prefix + "packets"), seen.growth(prefix + kind)
        if lost is not None and packets is not None and packets + lost:
            yield rule.judge(
                interface,
                100.0 * lost / (packets + lost),
                "{0} of {1} packets of {2} were {3} {4}.".format(
                    number_text(lost), number_text(packets + lost), interface, word, over(seen)
                ),
                advice,
                **{kind: lost},
            )


@CHECKS.check(
    "conntrack",
    needs=("conntrack",),
    procedure="H10",
    question="Can the firewall remember more connections?",
    threshold=Threshold("%", 80, 95, source="awesome-prometheus-alerts 80 %"),
)
def conntrack(rule: Rule, conntrack: Table) -> Iterator[Finding]:
    yield rule.judge(
        MACHINE,
        conntrack.used_percent,
        "The firewall's table holds {0} of {1} connections.".format(
            number_text(conntrack.used), number_text(conntrack.limit)
        ),
        "A full table drops new connections without a word. Who opens so many (conntrack -L, ss -s)? Then raise "
        "net.netfilter.nf_conntrack_max.",
    )


@CHECKS.check(
    "open_files",
    needs=("open_files",),
    procedure="H10",
    question="Can more files be opened?",
    threshold=Threshold("%", 80, 90, source="node-exporter mixin 70/90 %"),
)
def open_files(rule: Rule, open_files: Table) -> Iterator[Finding]:
    yield rule.judge(
        MACHINE,
        open_files.used_percent,
        "{0} of {1} file handles are in use.".format(number_text(open_files.used), number_text(open_files.limit)),
        "Something does not close what it opens: count /proc/PID/fd of each process. Then raise fs.file-max.",
    )


@CHECKS.check(
    "tasks",
    needs=("tasks", "container"),
    procedure="H10",
    question="Can more processes and threads be started?",
    threshold=Threshold("%", 80, 90, source="node-exporter mixin: as file handles"),
)
def tasks(rule: Rule, tasks: Table, container: Container) -> Iterator[Finding]:
    contained = container.tasks_limit and container.tasks is not None
    table = Table(container.tasks, container.tasks_limit) if contained else tasks
    yield rule.judge(
        CONTAINER if contained else MACHINE,
        table.used_percent,
        "{0} of {1} processes and threads are running.".format(number_text(table.used), number_text(table.limit)),
        "At the limit nothing can be started, no login either. ps -eo comm= | sort | uniq -c | sort -n shows of what "
        "there are most, ps -eo nlwp,pid,comm --sort nlwp who has most threads.",
    )
