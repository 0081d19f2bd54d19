# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at everything that is declared to run on a host: units, containers, timers, cron jobs."""

from __future__ import annotations

import errno
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from .._errors import Unreachable
from .._judge.finding import UNKNOWN
from .._judge.service_facts import ComposeService, Container, CronJob, Host, Manager, Timer, Unit
from .._judge.service_words import masked
from .._judge.services import COMPOSE, SYSTEMD, Services
from .._judge.text import printable
from . import compose, systemd

_CRON_UNITS = ("cron.service", "crond.service")
_LINES = 3
_LOGS = 24
_GONE = re.compile(r"grandchild #(\d+) failed with exit status (\d+)")


@dataclass(frozen=True)
class Wishes:
    """``timers`` are pairs of a name and its ``max_age``; of ``cron_jobs`` only what was wished is filled in."""

    services: Services
    timers: Tuple[Tuple[str, Any], ...] = ()
    cron_jobs: Tuple[CronJob, ...] = ()
    since: float = 86400.0
    timeout: float = 10.0


def observe(wishes: Wishes) -> Dict[str, Any]:
    """The snapshot. A manager that does not answer leaves its services out and says why; nothing is raised."""
    now = time.time()
    managers: List[Manager] = []
    shown: Dict[str, systemd.Properties] = {}
    declared = {
        name: systemd.unit_name(one.unit or name) for name, one in wishes.services.items() if one.manager == SYSTEMD
    }
    asked = [*declared.values(), *_timer_names(wishes)]
    # Where only cron jobs are declared, and systemd does not run, cron is somebody else's.
    if asked or (wishes.cron_jobs and systemd.runs()):
        try:
            shown = _show(asked, _CRON_UNITS if wishes.cron_jobs else (), wishes.timeout)
            managers.append(Manager("systemd", UNKNOWN))
        except Unreachable as error:
            managers.append(Manager("systemd", UNKNOWN, error.message, error.advice))
    units = _units(declared, shown)
    timers = _timers(wishes, shown)
    units, timers = _with_journal(units, timers, wishes, now)
    stacks, docker = _compose(wishes, now)
    return {
        "managers": managers + docker,
        "host": Host(now, wishes.since, tuple(Unit(n, n, shown[n]) for n in _CRON_UNITS if _is_there(shown, n))),
        "units": units,
        "compose": stacks,
        "timers": timers,
        "cron": _cron_jobs(wishes, now),
    }


def _timer_names(wishes: Wishes) -> List[str]:
    names = []
    for name, _max_age in wishes.timers:
        names += [name, name[: -len("timer")] + "service"]
    return names


def _is_there(shown: Mapping[str, systemd.Properties], name: str) -> bool:
    return shown.get(name, {}).get("LoadState") not in (None, "not-found")


def _show(names: Sequence[str], beside: Sequence[str], seconds: float) -> Dict[str, systemd.Properties]:
    """One call; a second one only for what the first has named: triggers, parts, and services called otherwise."""
    systemd.require(names)
    shown = systemd.show(list(dict.fromkeys([*names, *beside])), seconds)
    more: List[str] = []
    for name, properties in shown.items():
        more += _parts(properties)
        if name.endswith(".timer"):
            more += properties.get("Unit", "").split()
        elif properties.get("ActiveState") == "inactive":
            more += properties.get("TriggeredBy", "").split()
    more = [name for name in dict.fromkeys(more) if name not in shown]
    return dict(systemd.show(more, seconds), **shown)


def _parts(properties: Mapping[str, str]) -> List[str]:
    """Of a unit that is active whatever those are that it stands for; of any other its own state tells."""
    return systemd.members(properties) if properties.get("ActiveState") == "active" else []


def _units(declared: Mapping[str, str], shown: Mapping[str, systemd.Properties]) -> List[Unit]:
    units = []
    for subject, name in declared.items():
        if name in shown:
            units.append(_unit(subject, name, shown))
            parts = [part for part in _parts(shown[name]) if part not in declared.values()]
            units += [_unit("{0}: {1}".format(subject, part), part, shown) for part in parts]
    return units


def _unit(subject: str, name: str, shown: Mapping[str, systemd.Properties]) -> Unit:
    properties = shown[name]
    triggers = tuple(Unit(n, n, shown[n]) for n in properties.get("TriggeredBy", "").split() if n in shown)
    return Unit(
        subject,
        properties.get("Id") or name,  # the journal knows no alias
        properties,
        triggers=triggers,
        cache_bytes=systemd.file_cache(properties.get("ControlGroup", "")),
    )


def _timers(wishes: Wishes, shown: Mapping[str, systemd.Properties]) -> List[Timer]:
    timers = []
    for name, max_age in wishes.timers:
        if name in shown:
            started = shown[name].get("Unit") or name[: -len("timer")] + "service"
            service = Unit(name, started, shown[started])
            timers.append(Timer(name, Unit(name, name, shown[name]), service, max_age))
    return timers


def _with_journal(units: List[Unit], timers: List[Timer], wishes: Wishes, now: float) -> Tuple[List[Unit], List[Timer]]:
    """What the journal adds, asked only where something is wrong. Who may not read it learns the rest all the same."""
    restarted = [unit.name for unit in units if unit.number("NRestarts")]
    ill = [unit for unit in [*units, *(one.service for one in timers)] if _is_ill(unit, now)]
    times: Mapping[str, Any] = {}
    lines: Mapping[str, Tuple[str, ...]] = {}
    try:
        if restarted:
            times = systemd.restarts(restarted, now - wishes.since, wishes.timeout)
        if ill:
            lines = systemd.last_lines({unit.name: _last_run(unit) for unit in ill}, _LINES, wishes.timeout)
    except Unreachable:
        pass  # the check on restarts says so where it matters
    units = [
        replace(unit, restarts=times.get(unit.name), lines=tuple(map(masked, lines.get(unit.name, ()))))
        for unit in units
    ]
    timers = [
        replace(one, service=replace(one.service, lines=tuple(map(masked, lines.get(one.service.name, ())))))
        for one in timers
    ]
    return units, timers


def _last_run(unit: Unit) -> systemd.LastRun:
    since = unit.time("ExecMainStartTimestamp") or 0.0
    return systemd.LastRun(unit.text("InvocationID"), unit.number("ExecMainPID") or None, since)


def _is_ill(unit: Unit, now: float) -> bool:
    failed = unit.text("ActiveState") == "failed" or unit.text("Result") not in ("", "success")
    return unit.there and (failed or unit.loops(now))


def _compose(wishes: Wishes, now: float) -> Tuple[List[ComposeService], List[Manager]]:
    places = {
        name: one.compose for name, one in wishes.services.items() if one.manager == COMPOSE and one.compose is not None
    }
    if not places:
        return [], []
    try:
        found = compose.containers(places.values(), wishes.timeout)
    except compose.DockerSilent as error:
        message = "{0} It runs: {1}.".format(error.message, ", ".join(places))
        return [], [Manager("Docker", error.severity, message, error.advice)]
    declared = compose.declared(places.values(), wishes.timeout)
    said = _last_lines([one for them in found.values() for one in them if one.is_ill(now)], wishes.timeout)
    stacks = []
    for name, place in places.items():
        containers = tuple(replace(one, lines=said.get(one.name, ())) for one in found[place.project, place.service])
        file = declared[place.project, place.file]
        wanted = file.replicas.get(place.service)
        stacks.append(
            ComposeService(name, place.project, place.file, place.service, containers, wanted, file.complaints)
        )
    return stacks, [Manager("Docker", UNKNOWN)]


def _last_lines(ill: Sequence[Container], seconds: float) -> Dict[str, Tuple[str, ...]]:
    """By container; of some at once, and not of more than anybody would read."""
    ill = ill[:_LOGS]
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(lambda one: compose.last_lines(one, _LINES, seconds), ill)
        return {one.name: tuple(map(masked, lines)) for one, lines in zip(ill, found)}


def _cron_jobs(wishes: Wishes, now: float) -> List[CronJob]:
    jobs = [_with_evidence(job) for job in wishes.cron_jobs]
    longest = max([job.max_age for job in jobs if job.command], default=0.0)
    if not longest:
        return jobs
    try:
        lines = systemd.cron_lines(now - longest, wishes.timeout)
    except Unreachable as error:
        return [replace(job, unseen=error.message) if job.command else job for job in jobs]
    return [_with_lines(job, lines, now) if job.command else job for job in jobs]


def _with_evidence(job: CronJob) -> CronJob:
    if not job.evidence:
        return job
    try:
        return replace(job, modified=os.stat(job.evidence).st_mtime)
    except OSError as error:
        return replace(
            job, problem="{0}: {1}.".format(job.evidence, error.strerror), missing=error.errno == errno.ENOENT
        )


def _with_lines(job: CronJob, lines: Sequence[Tuple[float, str, str]], now: float) -> CronJob:
    """Cron names the process that it started for a command, and later, if it logs failures, the same number again."""
    started, number, failed = None, "", ""
    for moment, process, text in lines:
        if moment < now - job.max_age:
            continue
        if " CMD (" in text and job.command in text:
            started, number, failed = moment, process, ""
        gone = _GONE.search(text)
        if gone and number and gone.group(1) == number:
            failed = "Its last start by cron ended with exit status {0}.".format(gone.group(2))
    return replace(job, started=started, failed=printable(failed))
