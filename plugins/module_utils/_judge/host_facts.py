# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about a machine: the shapes that ``_observe`` fills, the register of its checks, and what lasts.

Counters are figures called ``host.total.…``. Two sets of them make an ``Interval``: ``window`` lies between the two
looks of one run, ``interval`` between an earlier run (``previous``) and this one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterator, Mapping, Optional, Sequence, Tuple

from .checks import Register, Rule
from .finding import CRITICAL, INFO, WARNING, Finding
from .interval import Interval
from .text import number_text, printable, seconds_text

CHECKS = Register("host")

CLOCK = "host.observed_at"
TOTAL = "host.total."

MACHINE, CONTAINER = "machine", "container"

# An earlier look tells what lasts when it is at least so long ago: a first sign that it is no spike.
LASTING_SECONDS = 300.0
ONE_MOMENT = "One moment only, so this is no warning yet: look again, or give 'previous' from an earlier run. "


@dataclass(frozen=True)
class Pressure:
    """Percent of time in which some, or all, tasks waited for a resource (PSI), averaged over 60 and 300 seconds."""

    some_60: float
    some_300: float
    full_60: float = 0.0
    full_300: float = 0.0

    @property
    def some(self) -> float:
        """For minutes, and still: the lower of both averages."""
        return min(self.some_60, self.some_300)

    @property
    def full(self) -> float:
        return min(self.full_60, self.full_300)


@dataclass(frozen=True)
class Load:
    """Load averages over 5 and 15 minutes, the number of cores, and the pressure where the kernel tells it."""

    five: float
    fifteen: float
    cores: int
    pressure: Mapping[str, Pressure] = field(default_factory=dict)

    @property
    def per_core(self) -> float:
        return min(self.five, self.fifteen) / self.cores

    def some(self, resource: str) -> Optional[float]:
        return self.pressure[resource].some if resource in self.pressure else None


@dataclass(frozen=True)
class Container:
    """The limits of the container in which the check runs; ``None`` where there is none, as on a machine.

    ``memory_used`` is without the page cache that can be given back at once.
    """

    memory_limit: Optional[int] = None
    memory_used: Optional[int] = None
    cores: Optional[float] = None
    tasks_limit: Optional[int] = None
    tasks: Optional[int] = None


@dataclass(frozen=True)
class Process:
    """``amount``: cores used over the window, or bytes of memory of its own. Never its arguments: they hold secrets."""

    pid: int
    name: str
    amount: float


@dataclass(frozen=True)
class Processes:
    """The few that use most."""

    by_cpu: Tuple[Process, ...] = ()
    by_memory: Tuple[Process, ...] = ()


@dataclass(frozen=True)
class Memory:
    """Bytes. ``available`` is the best of the looks at the window's ends, so that a short peak does not count."""

    total: int
    available: int
    swap_total: int = 0
    swap_free: int = 0

    @property
    def used_percent(self) -> float:
        return 100.0 * (self.total - self.available) / self.total

    @property
    def swap_used_percent(self) -> Optional[float]:
        return 100.0 * (self.swap_total - self.swap_free) / self.swap_total if self.swap_total else None


ANSWERS, SILENT, DENIED, FAILS, MISSING = "answers", "silent", "denied", "fails", "missing"


@dataclass(frozen=True)
class FileSystem:
    """One mounted file system, in bytes. ``free`` is what users without root may still write.

    ``turned`` is set where the mount asks for writing and the file system underneath refuses it, which is what the
    kernel leaves behind after an error. ``errors`` counts what ext4 has met since its last check.
    """

    mount: str
    device: str = ""
    kind: str = ""
    state: str = ANSWERS
    problem: str = ""
    seconds: float = 0.0
    size: int = 0
    used: int = 0
    free: int = 0
    inodes: int = 0
    inodes_free: int = 0
    read_only: bool = False
    turned: bool = False
    errors: int = 0

    @property
    def used_percent(self) -> float:
        """As ``df`` counts: of what users can have, without the share that is kept for root."""
        return 100.0 * self.used / (self.used + self.free) if self.used + self.free else 0.0

    @property
    def inodes_used_percent(self) -> float:
        return 100.0 * (self.inodes - self.inodes_free) / self.inodes if self.inodes else 0.0

    @property
    def measured(self) -> bool:
        return self.state == ANSWERS

    def figure(self, name: str) -> str:
        """The name of a measurement: the mount point is what stands before the last dot."""
        return "host.disk.{0}.{1}".format(printable(self.mount, 200), name)


@dataclass(frozen=True)
class Table:
    """Something of which the kernel has only so many."""

    used: int
    limit: int

    @property
    def used_percent(self) -> float:
        return 100.0 * self.used / self.limit if self.limit else 0.0


@dataclass(frozen=True)
class Clock:
    """``offset`` in seconds as ``source`` estimates it; ``None`` when nobody knows."""

    synchronised: bool
    offset: Optional[float] = None
    source: str = "kernel"


@dataclass(frozen=True)
class Boot:
    uptime_seconds: float
    restarted: bool = False


@dataclass(frozen=True)
class Reboot:
    """Whether a restart is asked for, for what, and for how long already (``None``: not known)."""

    required: bool
    reasons: Sequence[str] = ()
    days: Optional[float] = None


@dataclass(frozen=True)
class Updates:
    """Names of packages with a newer version, as ``program`` knows without asking its servers."""

    program: str
    security: Sequence[str] = ()
    others: Sequence[str] = ()


def since(figures: Mapping[str, float], previous: Mapping[str, object], restarted: bool) -> Interval:
    """From ``previous`` to now. Counters of before a restart are forgotten: they may have been overtaken since."""
    earlier = {name: value for name, value in previous.items() if not (restarted and str(name).startswith(TOTAL))}
    return Interval(figures, earlier, CLOCK)


def lasting(interval: Interval) -> Optional[Interval]:
    return interval if interval.seconds is not None and interval.seconds >= LASTING_SECONDS else None


def longest(window: Interval, interval: Interval) -> Interval:
    """What counters grew by is told best over the longer of the two."""
    return interval if (interval.seconds or 0) >= (window.seconds or 0) else window


def over(interval: Interval) -> str:
    return "over {0}".format(seconds_text(interval.seconds or 0))


def sustained(
    rule: Rule,
    subject: str,
    now: Optional[float],
    before: Sequence[Optional[float]],
    message: str,
    advice: str,
    **beside: float,
) -> Iterator[Finding]:
    """Judge what holds now **and** lasts: the lower of ``now`` and the strongest sign ``before``, in the same unit.

    Without ``now`` the past is judged alone; without any sign from the past a bad value is no more than ``info``.
    """
    signs = [sign for sign in before if sign is not None]
    if now is None and not signs:
        return
    values = ([] if now is None else [now]) + ([max(signs)] if signs else [])
    finding = rule.judge(subject, min(values), message, advice, **beside)
    if not signs and finding.severity in (WARNING, CRITICAL):
        finding = rule.say(INFO, subject, message, ONE_MOMENT + advice, now)
    yield finding


def processor_shares(interval: Interval) -> Dict[str, float]:
    """Percent of all cores' time by what it went to; empty when nothing is known. A counter that shrank counts as 0."""
    spent = {
        kind: interval.growth("{0}cpu.{1}_seconds".format(TOTAL, kind)) or 0.0
        for kind in ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    }
    whole = sum(spent.values())
    return {kind: 100.0 * seconds / whole for kind, seconds in spent.items()} if whole else {}


def processor_use(interval: Optional[Interval], container: Container) -> Optional[float]:
    """Percent of the machine's cores, or of the container's share, that work."""
    if interval is None:
        return None
    if container.cores:
        rate = interval.rate(TOTAL + "container.cpu_seconds")
        return None if rate is None else 100.0 * rate / container.cores
    shares = processor_shares(interval)
    return 100.0 - shares["idle"] - shares["iowait"] - shares["steal"] if shares else None


def percent_text(value: Optional[float]) -> str:
    return "unknown" if value is None else "{0} %".format(number_text(round(value, 1)))
