# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the services run, as their manager says, and would run again after a boot."""

from __future__ import annotations

from typing import Iterator, Sequence, Tuple

from .checks import Rule
from .finding import CRITICAL, OK, WARNING, Finding
from .service_facts import CHECKS, ComposeService, Container, Host, Manager, Unit
from .service_words import again_text, container_text, exit_text, failure_text, masked, said, times_text
from .text import printable, seconds_text
from .threshold import Threshold

# Started by their enabled neighbours, or made anew at every boot: nobody has to enable these.
_NO_NEED = ("enabled", "static", "generated", "indirect", "alias", "masked")
_RUNNING = "running"
# Docker's own documentation: 'on-failure' does not start a container when the daemon starts.
_COMES_BACK = ("always", "unless-stopped")


@CHECKS.check(
    "reachable",
    needs=("managers",),
    procedure="H02",
    question="Do systemd and Docker answer, as far as services are theirs?",
)
def reachable(rule: Rule, managers: Sequence[Manager]) -> Iterator[Finding]:
    for manager in managers:
        message = manager.problem or "{0} answers.".format(manager.name)
        yield rule.say(manager.severity if manager.problem else OK, manager.name, message, manager.advice)


@CHECKS.check(
    "active",
    needs=("host", "units", "compose"),
    procedure="H02",
    question="Does every service run?",
    threshold=Threshold(
        "seconds", 90, 300, source="starting: systemd's DefaultTimeoutStartSec 90 s; ours: 5 min is no start any more"
    ),
)
def active(rule: Rule, host: Host, units: Sequence[Unit], compose: Sequence[ComposeService]) -> Iterator[Finding]:
    for unit in units:
        yield _unit(rule, host, unit)
    for service in compose:
        if not service.containers:
            yield rule.say(
                CRITICAL,
                service.subject,
                "The project {0} has no container of the service {1}.".format(service.project, service.service),
                "Create it: {0}.".format(_up(service)),
            )
        for container in service.containers:
            yield _container(rule, host, service, container)


def _unit(rule: Rule, host: Host, unit: Unit) -> Finding:
    state, sub = unit.text("ActiveState"), unit.text("SubState")
    look = "Look at its log: journalctl -u {0} -n 50.".format(unit.name)
    if not unit.there:
        return rule.say(CRITICAL, unit.subject, *_not_loaded(unit))
    if unit.loops(host.now):
        why = "{0}; systemd waits to start it again".format(failure_text(unit))
        if unit.active:
            why = again_text("systemd", unit.number("NRestarts"), unit.time("ActiveEnterTimestamp"), host.now)
        message = "{0} does not stay up: {1}.{2}".format(unit.name, why, said(unit.lines))
        return rule.say(CRITICAL, unit.subject, message, _failure_advice(unit))
    if unit.active:
        return rule.say(OK, unit.subject, "{0} is {1} ({2}).".format(unit.name, state, sub))
    if state == "failed":
        restarts = unit.number("NRestarts") or 0
        gave_up = "; systemd restarted it {0} and gave up".format(times_text(restarts)) if restarts else ""
        why = failure_text(unit) + gave_up
        message = "{0} has failed: {1}.{2}".format(unit.name, why, said(unit.lines))
        return rule.say(CRITICAL, unit.subject, message, _failure_advice(unit))
    if state == "activating":
        seconds = host.now - (unit.time("InactiveExitTimestamp") or host.now)
        message = "{0} has been starting ({1}) for {2}.".format(unit.name, sub, seconds_text(max(0, seconds)))
        return rule.judge(
            unit.subject, seconds, message, "See what it waits for: systemctl status {0}.".format(unit.name)
        )
    if state == "deactivating":
        return rule.say(WARNING, unit.subject, "{0} is being stopped ({1}).".format(unit.name, sub), look)
    waiting = [trigger.name for trigger in unit.triggers if trigger.active]
    if waiting:
        return rule.say(OK, unit.subject, "{0} is started by {1}.".format(unit.name, ", ".join(waiting)))
    if unit.triggers:
        names = ", ".join(trigger.name for trigger in unit.triggers)
        message = "{0} does not run, and neither does what would start it: {1}.".format(unit.name, names)
        return rule.say(
            CRITICAL, unit.subject, message, "Start that: systemctl start {0}.".format(unit.triggers[0].name)
        )
    why = ""
    if unit.text("ConditionResult") == "no" and unit.time("ConditionTimestamp"):
        why = " A condition in its unit file was not met, so that its last start did nothing."
    message = "{0} does not run ({1}).{2}".format(unit.name, printable(state or "no state", 40), why)
    return rule.say(CRITICAL, unit.subject, message, "Start it: systemctl start {0}. {1}".format(unit.name, look))


def _not_loaded(unit: Unit) -> Tuple[str, str]:
    state = unit.text("LoadState")
    if state == "masked":
        return (
            "{0} is masked: nobody can start it.".format(unit.name),
            "If it should run: systemctl unmask {0}.".format(unit.name),
        )
    if state in ("", "not-found"):
        return (
            "There is no unit {0}.".format(unit.name),
            "Install it, or correct 'unit' in the declared stack: systemctl list-unit-files shows what there is.",
        )
    return (
        "{0} cannot be loaded: {1}.".format(unit.name, printable(unit.text("LoadError") or state, 200)),
        "See what is wrong with its file: systemd-analyze verify {0}.".format(unit.name),
    )


def _failure_advice(unit: Unit) -> str:
    result = unit.text("Result")
    look = "Look at its log: journalctl -u {0} -n 50.".format(unit.name)
    if result == "oom-kill":
        return "Give it more memory (MemoryMax=) or let it use less; journalctl -k shows what the kernel killed."
    if result == "start-limit-hit" or (unit.number("NRestarts") and unit.text("ActiveState") == "failed"):
        return "Mend what ends it, then: systemctl reset-failed {0} && systemctl start {0}. {1}".format(unit.name, look)
    if result == "timeout":
        return "See what it waits for; raise TimeoutStartSec= or TimeoutStopSec= if it is only slow. " + look
    return look


def _container(rule: Rule, host: Host, service: ComposeService, container: Container) -> Finding:
    subject, status = service.named(container), container.status
    log = "Look at its log: docker logs --tail 50 {0}.".format(container.name)
    if container.loops(host.now):
        why = "{0}; Docker starts it again and again".format(container_text(container))
        if status == _RUNNING:
            why = again_text("Docker", container.restarts, container.started, host.now)
        message = "{0} does not stay up: {1}.{2}".format(container.name, why, said(container.lines))
        return rule.say(CRITICAL, subject, message, log)
    if status == _RUNNING:
        return rule.say(OK, subject, "{0} is running.".format(container.name))
    if status == "exited":
        message = "{0} does not run: {1}.{2}".format(container.name, container_text(container), said(container.lines))
        return rule.say(CRITICAL, subject, message, "{0} Start it: {1}.".format(log, _up(service)))
    if status == "paused":
        message = "{0} is paused: it holds its connections and answers nobody.".format(container.name)
        return rule.say(CRITICAL, subject, message, "Let it go on: docker unpause {0}.".format(container.name))
    if status == "created":
        detail = " ({0})".format(masked(container.error)) if container.error else ""
        message = "{0} was created and never started{1}.".format(container.name, detail)
        return rule.say(CRITICAL, subject, message, "Start it: {0}.".format(_up(service)))
    message = "{0} is '{1}'; last exit code: {2}.".format(
        container.name, printable(status, 40), exit_text(container.exit_code)
    )
    return rule.say(CRITICAL, subject, message, "Make it anew: {0} --force-recreate.".format(_up(service)))


def _up(service: ComposeService) -> str:
    return "docker compose --project-name {0} --file {1} up --detach {2}".format(
        service.project, service.file, service.service
    )


@CHECKS.check(
    "healthy",
    needs=("compose",),
    procedure="H02",
    question="Do the health checks of the containers succeed?",
)
def healthy(rule: Rule, compose: Sequence[ComposeService]) -> Iterator[Finding]:
    for service in compose:
        for container in service.containers:
            if container.status == _RUNNING and container.health == "unhealthy":
                message = "The health check of {0} fails.{1}{2}".format(
                    container.name,
                    said([masked(container.health_log)]),
                    said(container.lines, "Its log ends with"),
                )
                advice = "Look at its log: docker logs --tail 50 {0}.".format(container.name)
                yield rule.say(CRITICAL, service.named(container), message, advice)


@CHECKS.check(
    "replicas",
    needs=("compose",),
    procedure="H02",
    question="Are there as many containers as the Compose file wants?",
)
def replicas(rule: Rule, compose: Sequence[ComposeService]) -> Iterator[Finding]:
    for service in compose:
        running = sum(1 for container in service.containers if container.status == _RUNNING)
        # One alone that does not run is told by 'active'.
        if service.containers and service.wanted is not None and running < service.wanted and service.wanted > 1:
            yield rule.say(
                CRITICAL if not running else WARNING,
                service.subject,
                "{0} of {1} wanted containers of {2} run.".format(running, service.wanted, service.service),
                "Start the others: {0}.".format(_up(service)),
                running,
            )


@CHECKS.check(
    "boot",
    needs=("units", "compose"),
    procedure="H02",
    question="Would every service come back after a boot?",
)
def boot(rule: Rule, units: Sequence[Unit], compose: Sequence[ComposeService]) -> Iterator[Finding]:
    """What is wanted or triggered by another unit needs no enabling; whether that one is, is not asked."""
    for unit in units:
        state = unit.text("UnitFileState")
        pulled = unit.words("WantedBy") + unit.words("RequiredBy") + unit.words("TriggeredBy")
        lost = state in ("enabled-runtime", "linked-runtime", "transient")
        if not unit.there or state in _NO_NEED or (pulled and not lost):
            continue
        how = "is {0}".format(printable(state, 40)) if state else "cannot be enabled: it has no unit file"
        yield rule.say(
            WARNING,
            unit.subject,
            "{0} would not be started at the next boot: it {1}.".format(unit.name, how),
            "Enable it: systemctl enable {0}.".format(unit.name),
            state or None,
        )
    for service in compose:
        for container in service.containers:
            if container.policy not in _COMES_BACK:
                yield rule.say(
                    WARNING,
                    service.named(container),
                    "{0} would not be started at the next boot: its restart policy is '{1}'.".format(
                        container.name, printable(container.policy or "no", 40)
                    ),
                    "Set 'restart: unless-stopped' for it in {0}; for now: docker update --restart unless-stopped "
                    "{1}.".format(service.file, container.name),
                    container.policy or "no",
                )


@CHECKS.check(
    "reload",
    needs=("units",),
    procedure="H02",
    question="Does systemd know the unit files as they are now?",
)
def reload(rule: Rule, units: Sequence[Unit]) -> Iterator[Finding]:
    for unit in units:
        if unit.text("NeedDaemonReload") == "yes":
            yield rule.say(
                WARNING,
                unit.subject,
                "The file of {0}, or a drop-in of it, was changed after systemd read it.".format(unit.name),
                "Tell systemd, and restart it when it suits: systemctl daemon-reload.",
            )
