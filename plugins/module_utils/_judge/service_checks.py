# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All checks of the services of a host, and the figures worth keeping. Each subject has a file of its own."""

from __future__ import annotations

from typing import Any, Dict, Mapping

# Importing a subject's file registers its checks, in this order.
from . import service_active, service_limits, service_schedule
from .service_facts import CHECKS, CLOCK, figure

__all__ = ["CHECKS", "measurements"]

SUBJECTS = (service_active, service_limits, service_schedule)


def measurements(snapshot: Mapping[str, Any]) -> Dict[str, float]:
    """``service.NAME.active`` (1 or 0), ``.restarts`` and what else is known of it; ``service.observed_at``."""
    host = snapshot["host"]
    figures: Dict[str, Any] = {CLOCK: round(host.now, 3)}
    for unit in snapshot["units"]:
        used, limit, _limit_name = service_limits.memory_of(unit)
        entered = unit.time("ActiveEnterTimestamp") if unit.active else None
        values = {
            "active": int(unit.active),
            "restarts": unit.number("NRestarts"),
            "memory_bytes": used,
            "memory_limit_bytes": limit,
            "tasks": unit.number("TasksCurrent"),
            "uptime_seconds": None if entered is None else max(0.0, round(host.now - entered, 3)),
        }
        figures.update((figure(unit.subject, name), value) for name, value in values.items())
    for service in snapshot["compose"]:
        running = sum(1 for container in service.containers if container.status == "running")
        figures[figure(service.subject, "active")] = int(running > 0)
        figures[figure(service.subject, "replicas")] = running
        for container in service.containers:
            figures[figure(service.named(container), "restarts")] = container.restarts
    for one in snapshot["timers"]:
        last = service_schedule.last_run(one)
        figures[figure(one.name, "age_seconds")] = None if last is None else max(0.0, round(host.now - last, 3))
    for job in snapshot["cron"]:
        age = None if job.modified is None else max(0.0, round(host.now - job.modified, 3))
        figures[figure(job.name, "age_seconds")] = age
    return {name: value for name, value in figures.items() if value is not None}
