# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts or stops the services of a wave at once, each as soon as those of this host that it waits for are done."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Dict, FrozenSet, List, Mapping, Optional, Set, Tuple

from .._errors import OpsError, Unreachable
from .._judge.service_wave import (
    CLOSE,
    CLOSE_FAILED,
    CLOSED,
    DATABASES,
    DID_NOT_START,
    DRAIN,
    DRAIN_OVER,
    DRAINED,
    ENDED,
    KILL,
    KILLED,
    LEFT,
    NOT_UP,
    OPEN,
    READY,
    START,
    STARTED,
    STILL_RUNS,
    STOP,
    WAS_CLOSED,
    WAS_DOWN,
    WAS_READY,
    Outcome,
    State,
    not_ready,
    skipped,
)
from .._judge.services import NONE, Service
from .._judge.text import seconds_text
from .._observe.connections import open_connections
from .._observe.ready import can_be_asked
from .edge import close_edge, is_closed, open_edge
from .service_control import Control, look
from .service_look import is_running, lacks
from .timeline import Timeline
from .wave_ready import Recovery, wait_until_ready

_POLL_SECONDS = 0.05
# What cannot be asked counts as up when it has stayed up so long: a process that cannot work ends at once.
_SETTLED_SECONDS = 0.5
# What answered before this one was started answers for it, and may keep it from its port: so much longer is looked.
_DOUBTFUL_SECONDS = 3.0
_KILL_SECONDS = 10.0


@dataclass(frozen=True)
class WaveOrder:
    """``waits_for`` names for each service those of the wave that must be done before it, ``not_up`` those elsewhere
    that did not come up. Seconds are from the order to stop until a service is killed."""

    order: str
    services: Mapping[str, Service]
    controls: Mapping[str, Control]
    waits_for: Mapping[str, Set[str]]
    not_up: FrozenSet[str] = frozenset()
    stop_seconds: float = 30.0
    database_stop_seconds: float = 300.0
    kill_databases: bool = False


def run_wave(order: WaveOrder, timeline: Timeline) -> List[Outcome]:
    """An outcome for each service, as they ended. Nothing is raised: what goes wrong with one is its outcome."""
    outcomes: Dict[str, Outcome] = {}
    done = {name: threading.Event() for name in order.services}
    failure = DID_NOT_START if order.order == STARTED else STILL_RUNS

    def handle(service: Service) -> None:
        try:
            for name in order.waits_for[service.name]:
                done[name].wait()
            if order.order == STARTED:
                not_up = order.not_up.union(one.service for one in list(outcomes.values()) if one.outcome in NOT_UP)
                outcomes[service.name] = _start(service, order.controls[service.name], not_up, timeline)
            else:
                outcomes[service.name] = _stop(service, order, timeline)
        except OpsError as error:
            outcomes[service.name] = Outcome(service.name, failure, error.message, error.advice)
        except Exception as error:  # a bug must not keep the others waiting for ever
            outcomes[service.name] = Outcome(
                service.name,
                failure,
                "Unexpected {0}: {1}.".format(type(error).__name__, error),
                "This is a bug in analytics.ops; please report it.",
            )
        finally:
            ended = outcomes[service.name]
            timeline.add(service.name, ended.outcome, ended.message)
            done[service.name].set()

    threads = [threading.Thread(target=handle, args=(one,), daemon=True) for one in order.services.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():  # without a time, no signal would be heard
            thread.join(1.0)
    return list(outcomes.values())


def _start(service: Service, control: Control, not_up: FrozenSet[str], timeline: Timeline) -> Outcome:
    begun = time.monotonic()
    silent = None
    try:
        state = control.state()
    except Unreachable as error:
        state, silent = None, error
    runs = is_running(service, state)
    lacking = not_up.intersection(service.after)
    answers = (runs or not lacking) and not lacks(service)
    closed = is_closed(service)
    if runs and answers and not closed:
        return Outcome(service.name, WAS_READY, "{0} was ready.".format(service.name))
    if lacking:
        return skipped(service.name, lacking, state, closed and runs)
    if silent:
        raise silent
    settled_seconds = 0.0
    if not can_be_asked(service):
        settled_seconds = _SETTLED_SECONDS
    elif answers and not closed:
        settled_seconds = _DOUBTFUL_SECONDS
    complaint = ""
    if closed and service.maintenance_file:
        timeline.add(service.name, OPEN)
        open_edge(service.maintenance_file)
    if not closed or not runs:
        timeline.add(service.name, START)
        complaint = control.start(service.ready.within_seconds)
    recovery = Recovery(service, timeline)
    said = wait_until_ready(service, control, begun + service.ready.within_seconds, settled_seconds, recovery)
    seconds = time.monotonic() - begun
    if said is None:
        message = "{0} is ready after {1}.".format(service.name, seconds_text(seconds))
        return Outcome(service.name, READY, message, seconds=seconds)
    found, unknown = look(control)
    reason = unknown or not_ready(service.name, seconds, found, said + recovery.text)
    if complaint and complaint not in reason:
        reason += " Its manager said: {0}".format(complaint)
    return Outcome(service.name, DID_NOT_START, reason, "", seconds)


def _stop(service: Service, order: WaveOrder, timeline: Timeline) -> Outcome:
    name = service.name
    if service.manager == NONE:
        return Outcome(name, LEFT, "{0} is left: nobody here stops it.".format(name))
    control = order.controls[name]
    state = control.state()
    if state is not None and state.at_rest:
        return Outcome(name, WAS_DOWN, "{0} was down.".format(name))
    begun = time.monotonic()
    if service.maintenance_file:
        closed = _close(service, timeline)
        if closed:
            return closed
    # What is the edge closes by stopping, and finishes by itself what it has begun.
    if service.drain_seconds and not service.edge:
        _drain(service, timeline)
    database = service.kind in DATABASES
    seconds = order.database_stop_seconds if database else order.stop_seconds
    timeline.add(name, STOP)
    complaint = control.stop(max(seconds, service.drain_seconds if service.edge else 0.0))
    killed = False
    found, unknown = look(control)
    if not (found and found.at_rest) and (not database or order.kill_databases):
        timeline.add(name, KILL)
        killed = True
        complaint = control.kill() or complaint
        found, unknown = _wait_until_at_rest(control, _KILL_SECONDS)
    spent = time.monotonic() - begun
    if found is None or not found.at_rest:
        message = "{0} still runs: it is {1}.".format(name, found.text) if found else unknown
        advice = "It keeps data, so it was not killed: look at what it waits for." if database and not killed else ""
        return Outcome(name, STILL_RUNS, " ".join([message, complaint]).strip(), advice, spent)
    if killed or found.was_killed:
        message = "{0} did not end by itself within {1} and was killed.".format(name, seconds_text(seconds))
        return Outcome(name, KILLED, message, "See what it waited for before it is started again.", spent)
    return Outcome(name, ENDED, "{0} ended after {1}.".format(name, seconds_text(spent)), seconds=spent)


def _close(service: Service, timeline: Timeline) -> Optional[Outcome]:
    """An edge with a maintenance page shows it from now on; where that cannot be had, it is stopped like all others."""
    if is_closed(service):
        return Outcome(service.name, WAS_CLOSED, "{0} was closed for maintenance.".format(service.name))
    failure = close_edge(service.maintenance_file or "")
    if failure:
        timeline.add(service.name, CLOSE_FAILED, failure)
        return None
    timeline.add(service.name, CLOSE)
    return Outcome(service.name, CLOSED, "{0} shows its maintenance page.".format(service.name))


def _drain(service: Service, timeline: Timeline) -> None:
    """Until nobody is connected to it, at most its time; what is over already is not waited for."""
    deadline = time.monotonic() + service.drain_seconds
    count = open_connections(service.port)
    if not count:
        return
    timeline.add(service.name, DRAIN, "{0} connections".format(count))
    while count and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        count = open_connections(service.port)
    timeline.add(service.name, DRAIN_OVER if count else DRAINED, "{0} connections".format(count or 0))


def _wait_until_at_rest(control: Control, seconds: float) -> Tuple[Optional[State], str]:
    """What it is in the end, at the latest after this time; a manager that does not answer does not tell."""
    deadline = time.monotonic() + seconds
    while True:
        state, unknown = look(control)
        if (state is not None and state.at_rest) or time.monotonic() >= deadline:
            return state, unknown
        time.sleep(_POLL_SECONDS)
