# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts, stops and kills one service by its manager's own command. Each call ends within its time."""

from __future__ import annotations

import time
from typing import Dict, List, Optional, Tuple

from .._errors import Unreachable
from .._judge.service_facts import Unit
from .._judge.service_wave import State, container_state, unit_state
from .._judge.service_words import masked
from .._judge.services import COMPOSE, SYSTEMD, Compose, Service, Services
from .._observe import systemd
from .._observe.container_looks import ContainerLooks
from .._observe.program import Said, ask

_LOOK_SECONDS = 10.0
# Whoever waits looks as often as that: what another saw so long ago is as good.
_FRESH_SECONDS = 0.05


class Control:
    """Of a service that something else starts: nobody here knows its state, and nothing is done to it."""

    def state(self) -> Optional[State]:
        """Raises ``Unreachable`` when the manager does not answer."""
        return None

    def start(self, seconds: float) -> str:
        """Returns when the manager is done or the time is over; what it complained about, or nothing."""
        return ""

    def stop(self, seconds: float) -> str:
        return ""

    def kill(self) -> str:
        return ""


class SystemdControl(Control):
    def __init__(self, unit: str) -> None:
        self.unit = systemd.unit_name(unit)

    def state(self) -> Optional[State]:
        return unit_state(self._units())

    def _units(self) -> List[Unit]:
        """The unit, or those that it stands for, as Debian's postgresql.service does."""
        systemd.require([self.unit])
        shown = systemd.show([self.unit], _LOOK_SECONDS)
        members = systemd.members(shown[self.unit])
        parts = systemd.show(members, _LOOK_SECONDS) if members else shown
        return [Unit(name, name, properties) for name, properties in parts.items()]

    def start(self, seconds: float) -> str:
        units = self._units()
        failed = [unit.name for unit in units if unit.text("ActiveState") == "failed"]
        if failed:  # else a unit that was started too often is not started at all
            ask(["systemctl", "reset-failed", "--", *failed], _LOOK_SECONDS)
        # What stands for others is active already, whatever these are.
        names = dict.fromkeys([self.unit, *(unit.name for unit in units if unit.there)])
        return _complaint(ask(["systemctl", "start", "--", *names], seconds))

    def stop(self, seconds: float) -> str:
        names = dict.fromkeys([self.unit, *(unit.name for unit in self._units() if unit.there)])
        return _complaint(ask(["systemctl", "stop", "--", *names], seconds))

    def kill(self) -> str:
        names = [unit.name for unit in self._units() if unit.there]
        said = ask(["systemctl", "kill", "--signal=SIGKILL", "--", *names], _LOOK_SECONDS)
        return _complaint(said)


class ComposeControl(Control):
    def __init__(self, place: Compose, looks: ContainerLooks) -> None:
        self.place, self.looks = place, looks
        self._paused, self._acted = False, 0.0

    def state(self) -> Optional[State]:
        # Never as it was before something was done to it.
        found = self.looks.of(self.place, max(self._acted, time.monotonic() - _FRESH_SECONDS))
        self._paused = any(container.status == "paused" for container in found)
        return container_state(found)

    def start(self, seconds: float) -> str:
        """Makes containers that are not there; never makes others anew: what comes up is what went down."""
        if self._paused:
            self._do(_LOOK_SECONDS, "unpause")
        said = self._do(seconds, "up", "--detach", "--no-deps", "--no-recreate", "--pull", "never")
        return _complaint(said)

    def stop(self, seconds: float) -> str:
        # Docker itself kills when this is over; it gets a little longer to say so.
        return _complaint(self._do(seconds + _LOOK_SECONDS, "stop", "--timeout", str(max(1, round(seconds)))))

    def kill(self) -> str:
        return _complaint(self._do(_LOOK_SECONDS, "kill"))

    def _do(self, seconds: float, verb: str, *options: str) -> Said:
        place = self.place
        command: Tuple[str, ...] = ("docker", "compose", "--project-name", place.project, "--file", place.file, verb)
        said = ask([*command, *options, place.service], seconds)
        self._acted = time.monotonic()
        return said


def controls_of(services: Services) -> Dict[str, Control]:
    looks = ContainerLooks([one.compose for one in services.values() if one.compose is not None], _LOOK_SECONDS)
    return {name: _control(service, looks) for name, service in services.items()}


def _control(service: Service, looks: ContainerLooks) -> Control:
    if service.manager == SYSTEMD:
        return SystemdControl(service.unit or service.name)
    if service.manager == COMPOSE and service.compose is not None:
        return ComposeControl(service.compose, looks)
    return Control()


def look(control: Control) -> Tuple[Optional[State], str]:
    """The state, or why nobody knows it."""
    try:
        return control.state(), ""
    except Unreachable as error:
        return None, error.text


def _complaint(said: Said) -> str:
    if said.good or said.code is None:
        return ""
    return masked(said.last_words)
