# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of the services of a host, as plain values, and the register of the checks about them.

Times are seconds since the epoch; ``None`` means never, or not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Mapping, Optional, Tuple

from .checks import Register

CHECKS = Register("service")
CLOCK = "service.observed_at"

# Docker counts a start as a success, and systemd forgets a burst of starts, after as long.
_STAYS_UP_SECONDS = 10.0
_UNSET = 1 << 63  # what systemd shows where there is no limit, or no figure, lies above


@dataclass(frozen=True)
class Unit:
    """One systemd unit, as ``systemctl show`` told with ``TZ=UTC``.

    ``subject`` is what findings call it. ``triggers`` are the sockets, timers and paths that start it. ``restarts``
    are the times of the restarts that the journal knows of in the window, ``None`` where it was not asked or could
    not be read. ``lines`` are the last ones of a failure, secrets masked. ``cache_bytes`` is the part of its memory
    that the kernel gives back when it needs it.
    """

    subject: str
    name: str
    properties: Mapping[str, str]
    triggers: Tuple[Unit, ...] = ()
    restarts: Optional[Tuple[float, ...]] = None
    lines: Tuple[str, ...] = ()
    cache_bytes: int = 0

    def text(self, name: str) -> str:
        return self.properties.get(name, "")

    def words(self, name: str) -> Tuple[str, ...]:
        return tuple(self.text(name).split())

    def number(self, name: str) -> Optional[int]:
        """``None`` for ``infinity``, ``[not set]`` and the greatest numbers, which mean the same."""
        text = self.text(name)
        value = int(text) if text.isascii() and text.isdigit() else _UNSET
        return value if value < _UNSET else None

    def time(self, name: str) -> Optional[float]:
        # Without the name of the day, which strptime() wants in the language of the process.
        text = self.text(name).partition(" ")[2]
        try:
            moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S UTC")
        except ValueError:
            return None
        return moment.replace(tzinfo=timezone.utc).timestamp()

    @property
    def there(self) -> bool:
        return self.text("LoadState") == "loaded"

    @property
    def active(self) -> bool:
        return self.text("ActiveState") in ("active", "reloading", "refreshing")

    def loops(self, now: float) -> bool:
        """Whether its manager starts it again and again, though it may run at this very moment."""
        waits = self.text("SubState").startswith("auto-restart")
        return waits or (self.active and _just_again(self.number("NRestarts"), self.time("ActiveEnterTimestamp"), now))


@dataclass(frozen=True)
class Container:
    """``status`` is Docker's word (``running``, ``exited``, …), ``health`` its word or empty without a health check.

    ``lines`` are the last ones of a failure, secrets masked.
    """

    name: str
    status: str = "running"
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    health: str = ""
    health_log: str = ""
    restarts: int = 0
    policy: str = ""
    created: Optional[float] = None
    started: Optional[float] = None
    finished: Optional[float] = None
    lines: Tuple[str, ...] = ()

    def loops(self, now: float) -> bool:
        """Whether Docker starts it again and again, though it may run at this very moment."""
        again = self.status == "running" and _just_again(self.restarts, self.started, now)
        return self.status == "restarting" or again

    def is_ill(self, now: float) -> bool:
        """Whether its log may tell why."""
        return self.status == "exited" or self.health == "unhealthy" or self.loops(now)


@dataclass(frozen=True)
class ComposeService:
    """``wanted`` is the number of replicas in the Compose file, ``None`` where it could not be read.

    ``complaints`` are what Compose itself says about the file.
    """

    subject: str
    project: str
    file: str
    service: str
    containers: Tuple[Container, ...] = ()
    wanted: Optional[int] = None
    complaints: str = ""

    def named(self, container: Container) -> str:
        """How findings call one of its containers."""
        return self.subject if len(self.containers) == 1 else "{0}: {1}".format(self.subject, container.name)


@dataclass(frozen=True)
class Timer:
    """``service`` is what it starts."""

    name: str
    timer: Unit
    service: Unit
    max_age: Optional[float] = None


@dataclass(frozen=True)
class CronJob:
    """``modified`` is the age of the evidence, ``problem`` why there is none (``missing``: there is no
    such file; else nobody may look). ``started`` and ``failed`` are from
    cron's own lines in the journal; ``unseen`` says why these could not be read."""

    name: str
    max_age: float
    evidence: str = ""
    modified: Optional[float] = None
    problem: str = ""
    missing: bool = False
    command: str = ""
    started: Optional[float] = None
    failed: str = ""
    unseen: str = ""


@dataclass(frozen=True)
class Manager:
    """Who runs services; ``problem`` is empty when it answered."""

    name: str
    severity: str
    problem: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Host:
    """``cron`` are the units of the cron daemon that are on this host."""

    now: float
    since: float = 86400.0
    cron: Tuple[Unit, ...] = field(default=())


def figure(subject: str, name: str) -> str:
    """The name of a measurement of one service: ``service.api.restarts``."""
    return "service.{0}.{1}".format("".join(c if c.isalnum() or c in "_-" else "_" for c in subject), name)


def _just_again(restarts: Optional[int], started: Optional[float], now: float) -> bool:
    return (restarts or 0) > 1 and started is not None and now - started < _STAYS_UP_SECONDS
