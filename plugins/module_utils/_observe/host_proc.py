# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of ``/proc`` and ``/sys``: read whole, and as the counters and figures that they hold.

Everything is read by hand and not with psutil: the target needs nothing installed, psutil knows neither pressure nor
control groups, steal per interval or the connection table, and what it would save is a split of a line.
"""

from __future__ import annotations

import os
import time
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from .._judge.host_facts import TOTAL, Load, Memory, Pressure, Process, Processes, Table

NAMED = 3
_SECTOR = 512
_CPU_KINDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


class Files:
    """Files below ``root``. What is not there, or may not be read, is ``None`` or empty: kernels and rights differ."""

    def __init__(self, root: str = "") -> None:
        self.root = root

    def text(self, path: str) -> Optional[str]:
        try:
            with open(self.root + path, "rb") as file:
                return os.fsdecode(file.read())
        except OSError:
            return None

    def number(self, path: str) -> Optional[int]:
        text = (self.text(path) or "").strip()
        return int(text) if text.lstrip("-").isdecimal() else None

    def fields(self, path: str) -> Dict[str, int]:
        """Lines ``name number``, with or without a colon, such as ``meminfo``, ``vmstat`` and ``memory.stat``."""
        found = {}
        for line in (self.text(path) or "").splitlines():
            name, value = [*line.split(), "", ""][:2]
            if value.isdecimal():
                found[name.rstrip(":")] = int(value)
        return found

    def names(self, path: str) -> List[str]:
        try:
            return sorted(os.listdir(self.root + path))
        except OSError:
            return []

    def exists(self, path: str) -> bool:
        return os.path.exists(self.root + path)

    def changed_at(self, path: str) -> Optional[float]:
        """Seconds since the epoch."""
        try:
            return os.stat(self.root + path).st_mtime
        except OSError:
            return None


def ticks_per_second() -> int:
    return os.sysconf("SC_CLK_TCK")


def counters(files: Files, devices: Sequence[str], interfaces: Sequence[str]) -> Dict[str, float]:
    """Everything that only grows until the machine is restarted, as ``host.total.…``."""
    found: Dict[str, float] = {}
    for line in (files.text("/proc/stat") or "").splitlines():
        if line.startswith("cpu "):
            ticks = [int(value) for value in line.split()[1:]]
            found.update(
                ("{0}cpu.{1}_seconds".format(TOTAL, kind), value / ticks_per_second())
                for kind, value in zip(_CPU_KINDS, ticks)
            )
    for name, values in _named_lines(files.text("/proc/diskstats"), 2):
        if name in devices and len(values) >= 10:
            prefix = "{0}device.{1}.".format(TOTAL, name)
            found[prefix + "operations"] = values[0] + values[4]
            found[prefix + "read_bytes"] = values[2] * _SECTOR
            found[prefix + "written_bytes"] = values[6] * _SECTOR
            found[prefix + "waited_seconds"] = (values[3] + values[7]) / 1000.0
            found[prefix + "busy_seconds"] = values[9] / 1000.0
    for name, values in _named_lines((files.text("/proc/net/dev") or "").replace(":", " "), 0):
        if name in interfaces and len(values) >= 16:
            prefix = "{0}network.{1}.".format(TOTAL, name)
            found[prefix + "received_bytes"], found[prefix + "sent_bytes"] = values[0], values[8]
            found[prefix + "packets"] = values[1] + values[9]
            found[prefix + "errors"] = values[2] + values[10]
            found[prefix + "drops"] = values[3] + values[11]
    kills = files.fields("/proc/vmstat").get("oom_kill")
    if kills is not None:
        found[TOTAL + "oom_kills"] = kills
    return found


def _named_lines(text: Optional[str], place: int) -> List[Tuple[str, List[int]]]:
    """Lines of which one word is a name and all after it are numbers; others are headings."""
    found = []
    for line in (text or "").splitlines():
        words = line.split()
        if len(words) > place + 1 and all(word.isdecimal() for word in words[place + 1 :]):
            found.append((words[place], [int(word) for word in words[place + 1 :]]))
    return found


def devices(files: Files) -> List[str]:
    """Disks with hardware, or a hypervisor, behind them: what is stacked on them would only count twice."""
    named = [name for name in files.names("/sys/block") if name.isprintable()]
    return [name for name in named if files.exists("/sys/block/{0}/device".format(name))]


def interfaces(files: Files) -> List[str]:
    return [name for name in files.names("/sys/class/net") if name != "lo" and name.isprintable()]


def cores(files: Files) -> int:
    """Those that are online."""
    lines = (files.text("/proc/stat") or "").splitlines()
    return sum(1 for line in lines if line.startswith("cpu") and line[3:4].isdecimal()) or 1


def load(files: Files, pressure: Mapping[str, Pressure]) -> Optional[Load]:
    words = (files.text("/proc/loadavg") or "").split()
    return Load(float(words[1]), float(words[2]), cores(files), pressure) if len(words) >= 4 else None


def pressure(files: Files, pattern: str = "/proc/pressure/{0}") -> Dict[str, Pressure]:
    """By ``cpu``, ``memory`` and ``io``; empty on kernels that do not tell (before 4.20, or booted without psi=1)."""
    found = {}
    for resource in ("cpu", "memory", "io"):
        averages: Dict[str, Dict[str, float]] = {}
        for line in (files.text(pattern.format(resource)) or "").splitlines():
            kind, *pairs = line.split()
            averages[kind] = {name: float(value) for name, value in (pair.split("=") for pair in pairs)}
        if "some" in averages:
            full = averages.get("full", {})
            found[resource] = Pressure(
                averages["some"]["avg60"],
                averages["some"]["avg300"],
                full.get("avg60", 0.0),
                full.get("avg300", 0.0),
            )
    return found


def memory(files: Files) -> Optional[Memory]:
    kib = files.fields("/proc/meminfo")
    if "MemTotal" not in kib or "MemAvailable" not in kib:
        return None
    names = ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree")
    return Memory(*(1024 * kib.get(name, 0) for name in names))


def process_ticks(files: Files) -> Dict[int, int]:
    """Processor time by process id. With ``hidepid`` only one's own processes are seen."""
    found = {}
    for pid, _name, fields in _processes(files):
        found[pid] = int(fields[11]) + int(fields[12])
    return found


def busiest(files: Files, before: Mapping[int, int], seconds: float) -> Processes:
    """Who used most processor time since ``before``, from 1 % of a core, and who has most memory now, from 1 MB."""
    by_cpu, by_pages = [], []
    for pid, name, fields in _processes(files):
        used = int(fields[11]) + int(fields[12]) - before.get(pid, 0)
        if seconds > 0 and before and used / ticks_per_second() / seconds >= 0.01:
            by_cpu.append(Process(pid, name, used / ticks_per_second() / seconds))
        by_pages.append((int(fields[21]), pid, name))
    # Resident pages count what is shared in each process, so the largest are asked for what is their own.
    by_memory = []
    for _pages, pid, name in sorted(by_pages, reverse=True)[: 10 * NAMED]:
        own = files.fields("/proc/{0}/status".format(pid)).get("RssAnon", 0) * 1024
        if own >= 1024 * 1024:
            by_memory.append(Process(pid, name, own))
    return Processes(_largest(by_cpu), _largest(by_memory))


def _largest(processes: Sequence[Process]) -> Tuple[Process, ...]:
    return tuple(sorted(processes, key=lambda process: -process.amount)[:NAMED])


def _processes(files: Files) -> List[Tuple[int, str, List[str]]]:
    """Process id, name, and the fields after the name. The name may hold anything, also ``)`` and line breaks."""
    found = []
    for entry in files.names("/proc"):
        text = files.text("/proc/{0}/stat".format(entry)) if entry.isdecimal() else None
        if text:  # it may have ended meanwhile
            name, _parenthesis, rest = text.partition("(")[2].rpartition(")")
            found.append((int(entry), name, rest.split()))
    return found


def started_at(files: Files, now: float) -> Tuple[float, float]:
    """Seconds since the start of what we are in, and when that was. The first process of a container starts with it."""
    up = float((files.text("/proc/uptime") or "0").split()[0])
    first = (files.text("/proc/1/stat") or "").rpartition(")")[2].split()
    if len(first) > 19:
        up -= int(first[19]) / ticks_per_second()
    return up, now - up


def conntrack(files: Files) -> Optional[Table]:
    used = files.number("/proc/sys/net/netfilter/nf_conntrack_count")
    limit = files.number("/proc/sys/net/netfilter/nf_conntrack_max")
    return Table(used, limit) if used is not None and limit else None


def open_files(files: Files) -> Optional[Table]:
    words = (files.text("/proc/sys/fs/file-nr") or "").split()
    return Table(int(words[0]) - int(words[1]), int(words[2])) if len(words) == 3 else None


def tasks(files: Files) -> Optional[Table]:
    """Every thread takes a process id, so the lower of both limits counts."""
    words = (files.text("/proc/loadavg") or "").split()
    limits = [files.number("/proc/sys/kernel/" + name) for name in ("pid_max", "threads-max")]
    known = [limit for limit in limits if limit]
    return Table(int(words[3].partition("/")[2]), min(known)) if len(words) >= 4 and known else None


def now() -> float:
    return time.time()
