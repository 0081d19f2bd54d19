# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why services do not come up: one look at all of them, their logs, ports, disks, files and variables."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Sequence

from .._errors import Unreachable
from .._judge.diagnosis import (
    Cause,
    compose_causes,
    condition_cause,
    diagnosed,
    disk_causes,
    need_cause,
    place_cause,
)
from .._judge.finding import CRITICAL
from .._judge.host_facts import FileSystem
from .._judge.service_checks import CHECKS
from .._judge.service_facts import Unit
from .._judge.service_wave import Outcome
from .._judge.services import Services
from . import host_mounts, systemd, unit_files
from .connections import listeners
from .host_proc import Files
from .program import ask
from .services import Wishes, observe

_SYNC_SECONDS = 5.0
_ASK_SECONDS = 10.0
_DISK_SECONDS = 2.0
_CHECKS = ["active", "healthy", "reachable"]
_NOT_MET = re.compile(r"(\w+=.*) was not met")


def diagnose(outcomes: Sequence[Outcome], services: Services) -> List[Outcome]:
    """The outcomes of services that did not come up, with the reasons that can be seen from outside."""
    if systemd.runs():
        systemd.sync_journal(_SYNC_SECONDS)  # what failed a moment ago may have said why a moment ago
    snapshot = observe(Wishes({one.service: services[one.service] for one in outcomes}))
    found = CHECKS.select(_CHECKS).findings(snapshot, "services")
    # One that runs listens itself: whoever reads that it holds its own port would end it.
    down = {one.subject.split(": ")[0] for one in found if one.check == "service.active" and one.severity == CRITICAL}
    causes = _causes(snapshot)
    full = disk_causes(_disks())
    told = []
    for one in outcomes:
        port = services[one.service].port
        holders = listeners(port) if port and one.service in down else []
        told.append(diagnosed(one, [*causes.get(one.service, ()), *full], found, holders, port))
    return told


def _causes(snapshot: Mapping[str, Any]) -> Dict[str, List[Cause]]:
    """By service."""
    causes: Dict[str, List[Cause]] = {}
    for stack in snapshot["compose"]:
        causes[stack.subject] = list(compose_causes(stack))
    units = [unit for unit in snapshot["units"] if unit.there and not unit.active]
    try:
        shown = systemd.show([unit.name for unit in units], _ASK_SECONDS, unit_files.PROPERTIES) if units else {}
        needs = _needs(shown)
        states = systemd.show(needs, _ASK_SECONDS) if needs else {}
    except Unreachable:
        return causes
    for unit in units:
        causes.setdefault(unit.subject.split(": ")[0], []).extend(_of_unit(unit, shown[unit.name], states))
    return causes


def _needs(shown: Mapping[str, systemd.Properties]) -> List[str]:
    return list(dict.fromkeys(need for properties in shown.values() for need in _needed(properties)))


def _needed(properties: systemd.Properties) -> List[str]:
    return " ".join(properties.get(name, "") for name in ("Requires", "Requisite", "BindsTo")).split()


def _of_unit(unit: Unit, properties: systemd.Properties, states: Mapping[str, systemd.Properties]) -> List[Cause]:
    causes = []
    for need in _needed(properties):
        state = Unit(need, need, states[need])
        if not state.there or state.text("ActiveState") == "failed":
            causes.append(need_cause(need, "failed" if state.there else state.text("LoadState")))
    if unit.text("ConditionResult") == "no" and unit.text("ActiveState") == "inactive":
        said = ask(["systemctl", "status", "--no-pager", "--full", "--lines=0", "--", unit.name], _ASK_SECONDS)
        causes += [condition_cause(condition) for condition in _NOT_MET.findall(said.output)]
    try:
        wrong = unit_files.wrong_places(properties, unit.number("ExecMainStatus"))
    except OSError:  # it went away, or came back, while somebody looked
        wrong = []
    return causes + [place_cause(unit.name, place) for place in wrong]


def _disks() -> List[FileSystem]:
    """All that a service may write to, what lies in memory included."""
    files = Files()
    mounts = host_mounts.mounts(files)
    real = host_mounts.chosen(files, mounts, (), ())
    memory = [one for one in mounts if one.kind == "tmpfs" and "rw" in one.options and one not in real]
    return host_mounts.file_systems(files, [*real, *memory], (), _DISK_SECONDS)
