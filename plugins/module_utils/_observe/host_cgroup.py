# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of the container we are in.

What is mounted as the root of the control groups is, seen from inside a container, the container's own group, and seen
from a machine the group of everything, which has no limits. So the root is read, whatever group this process is in: the
limits of a login session are not those of the machine. Versions 1 and 2 of control groups say the same in other words.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from .._judge.host_facts import TOTAL, Container
from .host_mounts import Mount
from .host_proc import Files, cores

_NO_LIMIT_V1 = 2**60


class Groups:
    """Where the groups are mounted: ``unified`` (version 2), and by controller (version 1). ``None``: nowhere."""

    def __init__(self, files: Files, mounts: Sequence[Mount]) -> None:
        self.files = files
        self.unified: Optional[str] = None
        self.by_controller: Dict[str, str] = {}
        for mount in mounts:
            if mount.kind == "cgroup2":
                self.unified = mount.point
            elif mount.kind == "cgroup":
                self.by_controller.update((option, mount.point) for option in mount.super_options)

    def path(self, controller: str, version_2: str, version_1: str) -> Tuple[str, bool]:
        """The file that exists, and whether it speaks version 2."""
        path = "{0}/{1}".format(self.unified, version_2)
        if self.unified is not None and self.files.exists(path):
            return path, True
        return "{0}/{1}".format(self.by_controller.get(controller, "/nowhere"), version_1), False

    def container(self, memory_total: int) -> Container:
        return Container(
            memory_limit=self._memory_limit(memory_total),
            memory_used=self.memory_used(),
            cores=self._cores(),
            tasks_limit=self.files.number(self.path("pids", "pids.max", "pids.max")[0]),
            tasks=self.files.number(self.path("pids", "pids.current", "pids.current")[0]),
        )

    def _memory_limit(self, memory_total: int) -> Optional[int]:
        """``None`` also for a limit that the machine does not have."""
        limit = self.files.number(self.path("memory", "memory.max", "memory.limit_in_bytes")[0])
        return limit if limit is not None and 0 < limit < min(memory_total, _NO_LIMIT_V1) else None

    def memory_used(self) -> Optional[int]:
        """Without the page cache that can be given back at once."""
        path, second = self.path("memory", "memory.current", "memory.usage_in_bytes")
        used = self.files.number(path)
        if used is None:
            return None
        statistics = self.files.fields(path.rpartition("/")[0] + "/memory.stat")
        return max(used - statistics.get("inactive_file" if second else "total_inactive_file", 0), 0)

    def _cores(self) -> Optional[float]:
        """``None`` also for a limit that the machine does not have."""
        path, second = self.path("cpu", "cpu.max", "cpu.cfs_quota_us")
        words: List[str] = (self.files.text(path) or "").split()
        if not second:
            words += (self.files.text(path.rpartition("/")[0] + "/cpu.cfs_period_us") or "").split()
        if len(words) != 2 or not all(word.isdecimal() and int(word) for word in words):
            return None  # 'max' in version 2, -1 in version 1
        limit = int(words[0]) / int(words[1])
        return limit if limit < cores(self.files) else None

    def counters(self, container: Container) -> Dict[str, float]:
        """Like those of the machine, where a limit makes the container's own matter."""
        found: Dict[str, float] = {}
        if container.cores:
            path, second = self.path("cpu", "cpu.max", "cpu.stat")
            statistics = self.files.fields(path.rpartition("/")[0] + "/cpu.stat")
            used = self.files.number(self.by_controller.get("cpuacct", "/nowhere") + "/cpuacct.usage")
            seconds = statistics.get("usage_usec", 0) / 1e6 if second else (used or 0) / 1e9
            found = {
                TOTAL + "container.cpu_seconds": seconds,
                TOTAL + "container.periods": statistics.get("nr_periods", 0),
                TOTAL + "container.throttled_periods": statistics.get("nr_throttled", 0),
            }
        if container.memory_limit:
            kills = self.files.fields(self.path("memory", "memory.events", "memory.oom_control")[0]).get("oom_kill")
            if kills is not None:
                found[TOTAL + "oom_kills"] = kills
        return found

    def pressure_files(self, container: Container) -> str:
        """A container waits for its own limits, so its own pressure counts, where version 2 tells it."""
        own = "{0}/{{0}}.pressure".format(self.unified)
        limited = container.cores or container.memory_limit
        return own if limited and self.files.exists(own.format("memory")) else "/proc/pressure/{0}"
