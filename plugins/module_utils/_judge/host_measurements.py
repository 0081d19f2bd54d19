# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of a machine that are worth keeping: flat, named, and enough to tell rates at the next run."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional

from .checks import Unavailable
from .host_devices import busy_percent, latency
from .host_facts import CLOCK, TOTAL, processor_shares, processor_use
from .host_memory import memory_use
from .interval import Interval


def measurements(snapshot: Mapping[str, Any]) -> Dict[str, float]:
    """Only of the parts that were asked for and could be seen; ``host.total.…`` are counters since the start."""
    known = {name: part for name, part in snapshot.items() if not isinstance(part, Unavailable)}
    figures: Dict[str, Optional[float]] = {CLOCK: known["observed_at"]}
    figures.update(known["totals"])
    for part, measure in _MEASURES.items():
        if part in known:
            figures.update(measure(known))
    return {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in figures.items()
        if value is not None
    }


def _boot(known: Mapping[str, Any]) -> Dict[str, Any]:
    return {"host.uptime_seconds": known["boot"].uptime_seconds}


def _window(known: Mapping[str, Any]) -> Dict[str, Any]:
    window: Interval = known["window"]
    shares = processor_shares(window)
    figures: Dict[str, Any] = {"host.cpu.{0}_percent".format(kind): shares.get(kind) for kind in ("iowait", "steal")}
    if "container" in known:
        figures["host.cpu.used_percent"] = processor_use(window, known["container"])
    for device in known.get("devices", ()):
        counter, name = "{0}device.{1}.".format(TOTAL, device), "host.device.{0}.".format(device)
        figures[name + "busy_percent"] = busy_percent(window, device)
        figures[name + "latency_seconds"] = latency(window, device)
        for what in ("read", "written"):
            figures[name + what + "_bytes_per_second"] = window.rate(counter + what + "_bytes")
    for interface in known.get("interfaces", ()):
        counter, name = "{0}network.{1}.".format(TOTAL, interface), "host.network.{0}.".format(interface)
        for what in ("received", "sent"):
            figures[name + what + "_bytes_per_second"] = window.rate(counter + what + "_bytes")
    return figures


def _load(known: Mapping[str, Any]) -> Dict[str, Any]:
    load = known["load"]
    figures = {
        "host.load.5_minutes": load.five,
        "host.load.15_minutes": load.fifteen,
        "host.load.per_core": load.per_core,
        "host.cpu.cores": load.cores,
    }
    for resource, pressure in load.pressure.items():
        figures["host.pressure.{0}.some_percent".format(resource)] = pressure.some_60
        figures["host.pressure.{0}.full_percent".format(resource)] = pressure.full_60
    return figures


def _memory(known: Mapping[str, Any]) -> Dict[str, Any]:
    memory = known["memory"]
    figures = {
        "host.memory.used_percent": memory.used_percent,
        "host.memory.total_bytes": memory.total,
        "host.memory.available_bytes": memory.available,
        "host.swap.used_percent": memory.swap_used_percent,
        "host.swap.total_bytes": memory.swap_total,
    }
    container = known.get("container")
    if container is not None and container.memory_limit:
        figures["host.memory.used_percent"] = memory_use(memory, container)
        figures["host.memory.total_bytes"] = container.memory_limit
        figures["host.memory.available_bytes"] = max(container.memory_limit - (container.memory_used or 0), 0)
    return figures


def _disks(known: Mapping[str, Any]) -> Dict[str, Any]:
    figures: Dict[str, Any] = {}
    for disk in known["disks"]:
        if not disk.measured:
            continue
        figures[disk.figure("used_percent")] = disk.used_percent
        figures[disk.figure("used_bytes")] = disk.used
        figures[disk.figure("free_bytes")] = disk.free
        figures[disk.figure("size_bytes")] = disk.size
        figures[disk.figure("read_only")] = int(disk.read_only)
        if disk.inodes:
            figures[disk.figure("inodes_used_percent")] = disk.inodes_used_percent
            figures[disk.figure("inodes_used")] = disk.inodes - disk.inodes_free
    return figures


def _table(part: str) -> Callable[[Mapping[str, Any]], Dict[str, Any]]:
    def measure(known: Mapping[str, Any]) -> Dict[str, Any]:
        table = known[part]
        return {
            "host.{0}.used".format(part): table.used,
            "host.{0}.used_percent".format(part): table.used_percent,
        }

    return measure


def _clock(known: Mapping[str, Any]) -> Dict[str, Any]:
    clock = known["clock"]
    return {"host.clock.synchronised": int(clock.synchronised), "host.clock.offset_seconds": clock.offset}


def _units(known: Mapping[str, Any]) -> Dict[str, Any]:
    return {"host.units.failed": len(known["units"])}


def _reboot(known: Mapping[str, Any]) -> Dict[str, Any]:
    return {"host.reboot_required": int(known["reboot"].required)}


def _updates(known: Mapping[str, Any]) -> Dict[str, Any]:
    updates = known["updates"]
    return {"host.updates.security": len(updates.security), "host.updates.others": len(updates.others)}


def _lists(known: Mapping[str, Any]) -> Dict[str, Any]:
    return {"host.package_lists.age_seconds": known["package_lists_age"]}


_MEASURES = {
    "boot": _boot,
    "window": _window,
    "load": _load,
    "memory": _memory,
    "disks": _disks,
    "conntrack": _table("conntrack"),
    "open_files": _table("open_files"),
    "tasks": _table("tasks"),
    "clock": _clock,
    "units": _units,
    "reboot": _reboot,
    "updates": _updates,
    "package_lists_age": _lists,
}
