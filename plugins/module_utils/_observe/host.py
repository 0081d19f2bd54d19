# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at the machine it runs on: twice, with the window between, and only at what is asked for."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, FrozenSet, Mapping, Sequence

from .._errors import InputError
from .._judge.checks import Unavailable
from .._judge.finding import INFO, OK
from .._judge.host_facts import CLOCK, Boot, Processes
from .._judge.interval import Interval
from .._judge.shell_patterns import matches_any
from . import host_mounts, host_proc, host_system
from .host_cgroup import Groups
from .host_proc import Files

_NO_PRESSURE = Unavailable(
    "This kernel does not tell pressure.", "It is told since Linux 4.20; some systems want psi=1 at boot.", INFO
)
_NO_CONNTRACK = Unavailable("The firewall here does not track connections.", severity=OK)


@dataclass(frozen=True)
class Wishes:
    """``mounts`` empty: every real file system. Seconds: for the window, for file systems, for the package manager."""

    window: float = 1.0
    mounts: Sequence[str] = ()
    exclude_mounts: Sequence[str] = ()
    exclude_units: Sequence[str] = ()
    timeout: float = 5.0
    updates_timeout: float = 30.0


def observe(needs: FrozenSet[str], wishes: Wishes, previous: Mapping[str, Any], files: Files) -> Dict[str, Any]:
    """The parts of the snapshot that checks need, and ``observed_at`` and ``totals`` in any case."""
    if not sys.platform.startswith("linux") or not files.exists("/proc/stat"):
        raise InputError("There is no /proc here.", "This module looks at Linux machines.")
    all_mounts = host_mounts.mounts(files)
    memory = host_proc.memory(files)
    groups = Groups(files, all_mounts)
    container = groups.container(memory.total if memory else 0)
    devices, interfaces = host_proc.devices(files), host_proc.interfaces(files)

    def look() -> Dict[str, float]:
        return {**host_proc.counters(files, devices, interfaces), **groups.counters(container)}

    first = second = look()
    processes, seconds = Processes(), 0.0
    ticks = host_proc.process_ticks(files) if "processes" in needs else {}
    if "window" in needs and wishes.window:
        started = time.monotonic()
        time.sleep(wishes.window)
        second, seconds = look(), time.monotonic() - started
    if "processes" in needs:
        processes = host_proc.busiest(files, ticks, seconds)
    later = host_proc.memory(files)
    used = groups.memory_used()
    if container.memory_used is not None and used is not None:
        container = replace(container, memory_used=min(container.memory_used, used))
    pressure = host_proc.pressure(files, groups.pressure_files(container))
    now = host_proc.now()
    uptime, booted_at = host_proc.started_at(files, now)
    snapshot: Dict[str, Any] = {
        "observed_at": now,
        "totals": second,
        "window": Interval({CLOCK: seconds, **second}, {CLOCK: 0.0, **first}, CLOCK),
        "boot": Boot(uptime, _restarted(uptime, now, previous)),
        "container": container,
        "devices": devices,
        "interfaces": interfaces,
        "processes": processes,
        "pressure": pressure or _NO_PRESSURE,
        "load": _or_unknown(host_proc.load(files, pressure), "/proc/loadavg"),
        "memory": _or_unknown(
            replace(later, available=max(memory.available, later.available)) if memory and later else None,
            "/proc/meminfo",
        ),
        "conntrack": host_proc.conntrack(files) or _NO_CONNTRACK,
        "open_files": _or_unknown(host_proc.open_files(files), "/proc/sys/fs/file-nr"),
        "tasks": _or_unknown(host_proc.tasks(files), "/proc/loadavg and /proc/sys/kernel"),
    }
    # What costs more than reading a small file is asked only where a check needs it, and after the window, which would
    # measure it.
    costly: Dict[str, Callable[[], Any]] = {
        "disks": lambda: _disks(files, all_mounts, wishes),
        "clock": host_system.clock,
        "units": lambda: host_system.units(files, wishes.exclude_units),
        "reboot": lambda: host_system.reboot(files, now, booted_at, os.uname().release),
        "updates": lambda: host_system.updates(wishes.updates_timeout),
        "package_lists_age": lambda: host_system.package_lists_age(files, now),
    }
    snapshot.update((part, ask()) for part, ask in costly.items() if part in needs)
    return snapshot


def _disks(files: Files, all_mounts: Sequence[host_mounts.Mount], wishes: Wishes) -> Any:
    looked_at = host_mounts.chosen(files, all_mounts, wishes.mounts, wishes.exclude_mounts)
    wanted = [point for point in wishes.mounts if not matches_any(point, wishes.exclude_mounts)]
    try:
        return host_mounts.file_systems(files, looked_at, wanted, wishes.timeout)
    except OSError as error:
        return Unavailable(
            "No process can be started to look at file systems: {0}.".format(error.strerror), "See host.tasks."
        )


def _or_unknown(part: Any, path: str) -> Any:
    return part if part is not None else Unavailable("{0} cannot be read.".format(path), "Is /proc mounted whole?")


def _restarted(uptime: float, now: float, previous: Mapping[str, Any]) -> bool:
    """Up for less than the time since the last look, or than it was then: a clock that was set deceives only one."""
    earlier = Interval({CLOCK: now}, previous, CLOCK)
    if earlier.seconds is None:
        return False
    return uptime < earlier.seconds or uptime < earlier.previous.get("host.uptime_seconds", 0.0)
