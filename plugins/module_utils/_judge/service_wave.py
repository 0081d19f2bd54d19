# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the services of a wave are, what is to be done to them, and what came of it. Nothing here starts or stops.

A wave goes on whatever becomes of one service: what failed is told, what needs it is not started, all the rest is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from .finding import CRITICAL, INFO, OK, WARNING, Finding, check_result, status_of
from .plan import Step, act_result
from .service_facts import Container, Unit
from .services import NONE, POSTGRESQL, REDIS, Service
from .text import printable, seconds_text

STARTED, STOPPED, DIAGNOSED, RECORDED = "started", "stopped", "diagnosed", "recorded"
RECORD_CHECK = "wave.record"
_CHECK = {STARTED: "wave.start", STOPPED: "wave.stop", DIAGNOSED: "wave.up", RECORDED: RECORD_CHECK}

# What a part of a service (a unit, a container) is.
RUNS, STARTING, STOPPING, DOWN, FAILED, MISSING = "runs", "starting", "stopping", "down", "failed", "missing"
_AT_REST = (DOWN, FAILED, MISSING)
_OFF = (DOWN, MISSING)

# What became of a service. LEFT: nobody here starts or stops it. LEFT_DOWN: it was off before the shutdown, too.
READY, WAS_READY, DID_NOT_START, NOT_STARTED, LEFT_DOWN = "ready", "was_ready", "failed", "skipped", "left_down"
ENDED, KILLED, WAS_DOWN, STILL_RUNS, LEFT = "stopped", "killed", "was_down", "still_runs", "left"
CLOSED, WAS_CLOSED = "closed", "was_closed"
_SEVERITY = {DID_NOT_START: CRITICAL, NOT_STARTED: CRITICAL, STILL_RUNS: CRITICAL, KILLED: WARNING, LEFT_DOWN: INFO}
# What happened to it, as the timeline says; the last word is its outcome.
START, STOP, KILL, DRAIN, DRAINED, DRAIN_OVER = "start", "stop", "kill", "drain", "drained", "drain_over"
CLOSE, CLOSE_FAILED, OPEN = "close", "close_failed", "open"
RECOVERS = "recovers"
_ACTS = (START, STOP, KILL, CLOSE, OPEN)
NOT_UP = (DID_NOT_START, NOT_STARTED)
# What ran before the shutdown ran without what was off then.
_UP = (READY, WAS_READY, LEFT_DOWN)

_EXIT_CODE_OF_KILL, _EXIT_CODE_OF_STOP = 137, 143
# Docker starts these again unless somebody has stopped them.
_COMES_BACK = ("always", "unless-stopped")

# What holds data is never killed unless that is asked for: PostgreSQL would recover, Redis lose what it has not saved.
DATABASES = (POSTGRESQL, REDIS)

TARGET = "waves"


@dataclass(frozen=True)
class State:
    """``parts`` are pairs of a phase and its manager's words; ``restarts`` counts those since its last start.
    ``was_killed``: Docker, which kills what does not stop, tells it by the exit code alone."""

    parts: Tuple[Tuple[str, str], ...]
    restarts: int = 0
    was_killed: bool = False

    @property
    def runs(self) -> bool:
        return all(phase == RUNS for phase, _text in self.parts)

    @property
    def at_rest(self) -> bool:
        return all(phase in _AT_REST for phase, _text in self.parts)

    @property
    def off(self) -> bool:
        """At rest because somebody wanted it so: nothing has failed."""
        return all(phase in _OFF for phase, _text in self.parts)

    @property
    def text(self) -> str:
        return printable(", ".join(dict.fromkeys(text for _phase, text in self.parts)), 200)


@dataclass(frozen=True)
class Seen:
    """``state`` is ``None`` where nobody knows it. ``said`` is why it is not known, or what readiness lacks.
    ``closed``: it shows its maintenance page."""

    state: Optional[State]
    ready: bool = False
    said: str = ""
    closed: bool = False


@dataclass(frozen=True)
class Outcome:
    """``seconds`` is the time from the order to the end; ``message`` and ``advice`` are for the person on call."""

    service: str
    outcome: str
    message: str
    advice: str = ""
    seconds: float = 0.0

    def as_dict(self) -> Dict[str, Any]:
        texts = {name: printable(text, 1000) for name, text in asdict(self).items() if isinstance(text, str)}
        return dict(texts, seconds=round(self.seconds, 3))


def unit_state(units: Sequence[Unit]) -> State:
    """Of a unit and, where it only stands for others, of these."""
    return State(tuple(map(_unit_part, units)), sum(unit.number("NRestarts") or 0 for unit in units))


def _unit_part(unit: Unit) -> Tuple[str, str]:
    active, sub = unit.text("ActiveState"), unit.text("SubState")
    if not unit.there:
        return MISSING, "{0}: {1}".format(unit.name, unit.text("LoadState") or "not-found")
    phase = {"activating": STARTING, "deactivating": STOPPING, "failed": FAILED}.get(active, DOWN)
    return RUNS if unit.active else phase, "{0} ({1})".format(active, sub)


def container_state(containers: Sequence[Container]) -> State:
    """A container whose health check has not succeeded yet is starting, however long it runs."""
    if not containers:
        return State(((MISSING, "without a container"),))
    killed = any(one.status == "exited" and one.exit_code == _EXIT_CODE_OF_KILL for one in containers)
    return State(tuple(map(_container_part, containers)), sum(one.restarts for one in containers), killed)


def _container_part(container: Container) -> Tuple[str, str]:
    if container.status == "running":
        if container.health in ("", "healthy"):
            return RUNS, "running"
        return STARTING, "running ({0})".format(container.health)
    if container.status in ("restarting", "paused"):
        return STARTING, container.status
    by_itself = container.status == "exited" and container.policy not in _COMES_BACK
    if by_itself and container.exit_code not in (0, _EXIT_CODE_OF_STOP):
        return FAILED, container.status
    return DOWN, container.status


def plan_wave(order: str, services: Mapping[str, Service], seen: Mapping[str, Seen]) -> List[Step]:
    """A step for each service that is not yet as it is to be."""
    steps = []
    for name, service in services.items():
        state, ready = seen[name].state, seen[name].ready
        if service.manager == NONE:
            continue
        reason = "Its state is not known: {0} does not answer.".format(service.manager)
        if state:
            silent = " and does not answer" if order == STARTED and state.runs else ""
            reason = "It is {0}{1}.".format(state.text, silent)
        closed = seen[name].closed and state is not None and not state.at_rest
        if order == STARTED and closed and state is not None and state.runs:
            steps.append(Step(OPEN, name, "It is closed for maintenance."))
        elif order == STARTED and not ready:
            steps.append(Step(START, name, reason, {"within_seconds": service.ready.within_seconds}))
        if order == STOPPED and not closed and not (state and state.at_rest):
            action = CLOSE if service.maintenance_file else STOP
            steps.append(Step(action, name, reason, {"drain_seconds": service.drain_seconds}))
    return steps


def finding(outcome: Outcome, order: str) -> Finding:
    severity = _SEVERITY.get(outcome.outcome, OK)
    return Finding(
        _CHECK[order],
        outcome.service,
        severity,
        outcome.message,
        round(outcome.seconds, 3),
        "seconds",
        advice=outcome.advice,
    )


def skipped(name: str, lacking: Iterable[str], state: Optional[State], closed: bool = False) -> Outcome:
    had = "runs and does not answer" if state and state.runs else "was not started"
    if closed:
        had = "stays closed for maintenance"
    message = "{0} {1}: what it needs is not up ({2}).".format(name, had, ", ".join(sorted(lacking)))
    return Outcome(name, NOT_STARTED, message, "Mend that first, then run the recovery again.")


def standing(services: Mapping[str, Service], seen: Mapping[str, Seen], not_up: Iterable[str]) -> List[Outcome]:
    """Which of them are up as they are now; ``not_up`` are those elsewhere that are not."""
    lost = {name for name in services if not seen[name].ready}.union(not_up)
    return [_standing(service, seen[name], lost.intersection(service.after)) for name, service in services.items()]


def _standing(service: Service, seen: Seen, lacking: Iterable[str]) -> Outcome:
    if seen.ready:
        return Outcome(service.name, WAS_READY, "{0} is up.".format(service.name))
    if seen.closed and seen.state is not None and seen.state.runs:
        message = "{0} is closed for maintenance: {1} is there.".format(service.name, service.maintenance_file)
    elif seen.state is None:
        message = "{0} is not up: {1}".format(service.name, seen.said)
    elif seen.state.runs:
        message = "{0} runs but does not answer: {1}".format(service.name, seen.said)
    else:
        message = "{0} is not up: it is {1}.".format(service.name, seen.state.text)
    if not lacking:
        return Outcome(service.name, DID_NOT_START, message)
    message += " What it needs is not up ({0}).".format(", ".join(sorted(lacking)))
    return Outcome(service.name, DID_NOT_START, message, "Mend that first.")


def not_ready(name: str, seconds: float, state: Optional[State], said: str) -> str:
    """Why a service is not up, as far as its manager and its readiness tell."""
    if state is not None and not state.runs:
        return "{0} did not come up: it is {1}.".format(name, state.text)
    runs = " runs but" if state else ""
    return "{0}{1} is not ready after {2}: {3}".format(name, runs, seconds_text(seconds), said)


def not_up(
    hosts: Mapping[str, Sequence[str]], results: Mapping[str, Mapping[str, Any]], names: Iterable[str]
) -> List[str]:
    """Those of ``names`` that are up on none of their hosts; ``results`` has each host that takes part.

    What runs on no host that takes part is taken to be up: somebody limited the run to a part of the stack.
    """
    lacking = []
    for name in sorted(set(names)):
        here = [host for host in hosts[name] if host in results]
        outcomes = [((results[host].get("services") or {}).get(name) or {}).get("outcome") for host in here]
        if here and not any(outcome in _UP for outcome in outcomes):
            lacking.append(name)
    return lacking


def wave_result(
    order: str,
    plan: Sequence[Step],
    outcomes: Sequence[Outcome],
    timeline: Sequence[Mapping[str, Any]],
    earlier: Mapping[str, Any],
    noticed: Sequence[Finding] = (),
) -> Dict[str, Any]:
    """``earlier`` is the result of an earlier wave on this host: what the last call returns tells the whole story.

    Of a service that was handled before, the new outcome holds; what was stopped before a start is another story.
    ``noticed`` is what else was found.
    """
    looked = check_result([*(finding(outcome, order) for outcome in outcomes), *noticed], checks=[_CHECK[order]])
    if earlier.get("checks") != looked["checks"]:
        earlier = {}
    handled = {one.service: one.as_dict() for one in outcomes}
    told = {(one["check"], one["subject"]) for one in looked["findings"]}
    old = [
        one
        for one in earlier.get("findings", ())
        if one["subject"] not in handled and (one["check"], one["subject"]) not in told
    ]
    findings = [*old, *looked["findings"]]
    planned = {step.subject: step for step in plan}
    finished = [
        planned[one.service].with_details(outcome=one.outcome, seconds=round(one.seconds, 3))
        for one in outcomes
        if one.service in planned and _SEVERITY.get(one.outcome) != CRITICAL
    ]
    remaining = [step for step in plan if step.subject not in {one.subject for one in finished}]
    changed = any(entry["event"] in _ACTS for entry in timeline)
    return dict(
        looked,
        **act_result(plan, finished, remaining, changed),
        findings=findings,
        status=status_of(one["severity"] for one in findings),
        services=dict(earlier.get("services", {}), **handled),
        timeline=[*earlier.get("timeline", ()), *timeline],
        target=TARGET,
    )
