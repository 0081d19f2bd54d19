# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that do not stay up, or come near a limit that was set for them."""

from __future__ import annotations

from typing import Iterator, Optional, Sequence, Tuple

from .checks import Rule
from .finding import INFO, OK, Finding
from .interval import Interval
from .service_facts import CHECKS, ComposeService, Container, Host, Unit, figure
from .service_words import times_text
from .text import bytes_text, seconds_text
from .threshold import Threshold

_HOUR = 3600.0


@CHECKS.check(
    "restarts",
    needs=("host", "units", "compose", "interval"),
    procedure="H02",
    question="Do the services stay up?",
    threshold=Threshold(
        "restarts an hour", 6, 60, source="the field's alerts: more than 5 an hour; ours: one a minute is a loop"
    ),
)
def restarts(
    rule: Rule, host: Host, units: Sequence[Unit], compose: Sequence[ComposeService], interval: Interval
) -> Iterator[Finding]:
    """The busiest hour counts. A few restarts are an ``info``: something ended a service, and nobody had to come."""
    for unit in units:
        total = unit.number("NRestarts") or 0
        if total:
            yield from _unit(rule, host, unit, total, interval.growth(figure(unit.subject, "restarts")), interval)
    for service in compose:
        for container in service.containers:
            if container.restarts:
                yield from _container(rule, host, service, container, interval)


def _unit(
    rule: Rule, host: Host, unit: Unit, total: int, grown: Optional[float], interval: Interval
) -> Iterator[Finding]:
    times = sorted(unit.restarts or ())[-total:]  # those before belong to earlier starts by hand
    advice = "Look at its log: journalctl -u {0} -n 50.".format(unit.name)
    if not times and not grown:
        if unit.restarts is None and interval.seconds is None:
            text = "systemd restarted {0} {1} since it was last started by hand; when, is not known here."
            advice = "Let the module read the journal (group systemd-journal), or give it 'previous'."
            yield rule.say(INFO, unit.subject, text.format(unit.name, times_text(total)), advice, total)
        return  # all of them are older than the window
    hourly = max(busiest_hour(times), per_hour(grown, interval.seconds))
    message = "systemd restarted {0} {1} since it was last started by hand".format(unit.name, times_text(total))
    if times:
        message += ", {0} of these in the last {1}; the last was {2} ago".format(
            len(times), seconds_text(host.since), seconds_text(max(0.0, host.now - max(times)))
        )
    # Why it ended, 'active' tells.
    yield _judged(rule, unit.subject, hourly, message + ".", advice)


def _container(
    rule: Rule, host: Host, service: ComposeService, container: Container, interval: Interval
) -> Iterator[Finding]:
    """Docker keeps no times: all restarts lie between the creation of the container and now."""
    if container.started is not None and host.now - container.started > host.since:
        return
    subject = service.named(container)
    age = host.now - container.created if container.created else host.since
    grown = interval.growth(figure(subject, "restarts"))
    hourly = max(per_hour(container.restarts, age), per_hour(grown, interval.seconds))
    message = "Docker restarted {0} {1} in the {2} since it was created.".format(
        container.name, times_text(container.restarts), seconds_text(max(0.0, age))
    )
    yield _judged(rule, subject, hourly, message, "Look at its log: docker logs --tail 50 {0}.".format(container.name))


def _judged(rule: Rule, subject: str, hourly: float, message: str, advice: str) -> Finding:
    own = rule.for_subject(subject)
    severity = own.threshold.severity(hourly)
    return own.say(INFO if severity == OK else severity, subject, message, advice, round(hourly, 1))


def busiest_hour(times: Sequence[float]) -> int:
    """How many of ``times`` lie within one hour, at most."""
    ordered = sorted(times)
    first = most = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] > _HOUR:
            first += 1
        most = max(most, last - first + 1)
    return most


def per_hour(count: Optional[float], seconds: Optional[float]) -> float:
    """At least so many in the busiest hour; what happened within less than an hour happened within one."""
    return count * _HOUR / max(_HOUR, seconds) if count and seconds is not None else 0.0


@CHECKS.check(
    "memory",
    needs=("units",),
    procedure="H02",
    question="Is there room below the memory limit that a unit has?",
    threshold=Threshold(
        "%", 80, 95, source="the field's alerts for containers: 80 %; ours: 95 % is next to being killed"
    ),
)
def memory(rule: Rule, units: Sequence[Unit]) -> Iterator[Finding]:
    """Without the file cache, which the kernel gives back before the limit hurts."""
    for unit in units:
        used, limit, name = memory_of(unit)
        if used is not None and limit:
            yield rule.judge(
                unit.subject,
                100.0 * used / limit,
                "{0} uses {1} of the {2} that {3}= allows, file cache not counted.".format(
                    unit.name, bytes_text(used), bytes_text(limit), name
                ),
                "Find out what it needs the memory for before raising {0}=; a restart only puts it off.".format(name),
            )


def memory_of(unit: Unit) -> Tuple[Optional[int], Optional[int], str]:
    """What it uses, the lower of its limits, and the name of that limit."""
    used = unit.number("MemoryCurrent")
    limits = [(unit.number(name), name) for name in ("MemoryMax", "MemoryHigh")]
    limit, name = min(((value, name) for value, name in limits if value is not None), default=(None, ""))
    return (None if used is None else max(0, used - unit.cache_bytes)), limit, name


@CHECKS.check(
    "tasks",
    needs=("units",),
    procedure="H02",
    question="May every unit still start processes and threads?",
    threshold=Threshold("%", 80, 95, source="ours, as for memory: at 100 % fork() fails"),
)
def tasks(rule: Rule, units: Sequence[Unit]) -> Iterator[Finding]:
    for unit in units:
        used, limit = unit.number("TasksCurrent"), unit.number("TasksMax")
        if used is not None and limit:
            yield rule.judge(
                unit.subject,
                100.0 * used / limit,
                "{0} has {1} of the {2} processes and threads that TasksMax= allows.".format(unit.name, used, limit),
                "See what they are: systemctl status {0}. Raise TasksMax= only if they are meant.".format(unit.name),
            )
