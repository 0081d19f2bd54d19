# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run as data: what was wrong, what was done, what is better. Every view (table, JSON, …) is made from this.

Modules are looked at in the order in which they answered. The first answer about one thing is how it was **before**,
the last one how it is **now**; no task has to say which of the two it is. A thing is one ``target`` on one host.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

from .finding import HEALTHY, OK, SEVERITIES, STATUSES, UNHEALTHY, UNKNOWN, Finding, rank, status_of, worst_status
from .text import is_number, printable
from .top import sound_top

SCHEMA = 1

OPEN, NEW, RESOLVED = "open", "new", "resolved"
DONE, PLANNED, REMAINING = "done", "planned", "remaining"

MOST_CHARACTERS = 10000  # of a failure's message, which may be a whole log
MOST_FIGURES = 2000  # of one target; a host that answers with more is ill or ill-meaning
_STEP_FIGURES = ("keys", "seconds", "size_bytes_before", "size_bytes_after")  # that views make texts of

Key = Tuple[str, str]  # check, subject


@dataclass(frozen=True)
class Look:
    """What one checking module answered about one target.

    ``checks`` are those that were asked; ``None`` where the module does not say, which is taken for all of them.
    ``top`` are the heaviest error patterns, tables and statements, see ``top.py``.
    """

    status: str
    findings: Tuple[Mapping[str, Any], ...]
    measurements: Mapping[str, Any]
    checks: Optional[Tuple[str, ...]] = None
    top: Tuple[Mapping[str, Any], ...] = ()

    def saw(self, check: str) -> bool:
        """Whether this look answered the check: not when its target was not reached, or the check not asked or done."""
        # Whether the target answers is seen by every look, asked or not.
        asked = self.checks is None or check in self._asked or check.endswith(".reachable")
        return asked and not self._lost and check not in self._unseen

    # Made once: this is asked of each of very many findings.
    @cached_property
    def _asked(self) -> FrozenSet[str]:
        return frozenset(self.checks or ())

    @cached_property
    def _unseen(self) -> FrozenSet[str]:
        return frozenset(f["check"] for f in self.findings if f["severity"] == UNKNOWN)

    @cached_property
    def _lost(self) -> bool:
        return any(f["check"].endswith(".reachable") and f["severity"] != OK for f in self.findings)

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Look:
        """Nothing is taken from a result unseen: it may come from a host that fell into wrong hands."""
        findings = tuple(_sound(finding) for finding in result["findings"] if isinstance(finding, Mapping))
        status = result["status"] if result["status"] in STATUSES else status_of(f["severity"] for f in findings)
        checks = result.get("checks")
        asked = tuple(printable(name) for name in checks) if isinstance(checks, (list, tuple)) else None
        return cls(status, findings, _figures(result.get("measurements")), asked, sound_top(result.get("top")))

    def by_key(self) -> Dict[Key, Mapping[str, Any]]:
        return {(finding["check"], finding["subject"]): finding for finding in self.findings}


@dataclass
class Run:
    """Collects the results of one run, in order; ``report()`` may be asked for at any time."""

    playbook: str = ""
    check_mode: bool = False
    looks: Dict[Tuple[str, str], List[Look]] = field(default_factory=dict)
    steps: List[Dict[str, Any]] = field(default_factory=list)
    failures: List[Dict[str, Any]] = field(default_factory=list)
    unreachable: Dict[str, str] = field(default_factory=dict)

    def add_result(self, host: str, task: str, result: Mapping[str, Any]) -> None:
        """Takes the result of a task, which may have looked, acted, or both; what did neither leaves no trace."""
        target = str(result.get("target") or task)
        if is_check_result(result):
            self.looks.setdefault((host, target), []).append(Look.from_result(result))
        if is_act_result(result):
            steps = _steps(host, target, result, self.check_mode)
            done = {_what(step) for step in steps if step["outcome"] == DONE}
            # A look before the work leaves what the work then does.
            self.steps = [one for one in self.steps if one["outcome"] != REMAINING or _what(one) not in done]
            self.steps.extend(steps)

    def add_failure(self, host: str, task: str, message: str) -> None:
        """A failure that only passes on an earlier one of the same host says nothing new."""
        if any(known["host"] == host and known["message"] in message for known in self.failures):
            return
        self.failures.append({"host": host, "task": task, "message": message[:MOST_CHARACTERS]})

    def add_unreachable(self, host: str, message: str) -> None:
        self.unreachable[host] = message

    @property
    def is_empty(self) -> bool:
        return not (self.looks or self.steps or self.failures or self.unreachable)

    def report(self) -> Dict[str, Any]:
        """The run as plain data; the shape is documented in ``docs/report.md``."""
        findings = [finding for key, looks in self.looks.items() for finding in _findings(key, looks)]
        findings += [_unreachable(host, message) for host, message in self.unreachable.items()]
        findings.sort(key=lambda f: (f["state"] == RESOLVED, -rank(f["severity"]), f["host"], f["check"], f["subject"]))
        return {
            "schema": SCHEMA,
            "playbook": self.playbook,
            "check_mode": self.check_mode,
            "status_before": self._status(0),
            "status": self._status(-1),
            "findings": findings,
            "steps": self.steps,
            "failures": self.failures,
            "measurements": [_measurements(key, looks) for key, looks in self.looks.items()],
        }

    def _status(self, position: int) -> str:
        seen = [looks[position].status for looks in self.looks.values()]
        # What failed could not look, or left work half done: nobody knows how that part of the stack is.
        blind = UNHEALTHY if self.failures and position else HEALTHY
        return worst_status([*seen, status_of([UNKNOWN] if self.unreachable else []), blind])


def _sound(given: Mapping[str, Any]) -> Dict[str, Any]:
    severity, value = given.get("severity"), given.get("value")
    limits = {name: given.get(name) if is_number(given.get(name)) else None for name in ("warning", "critical")}
    finding = Finding(
        check=printable(given.get("check", "")),
        subject=given.get("subject", ""),
        severity=severity if severity in SEVERITIES else UNKNOWN,
        message=given.get("message", ""),
        value=value if value is None or is_number(value) else str(value),
        unit=printable(given.get("unit", ""), 40),
        advice=given.get("advice", ""),
        **limits,
    )
    return finding.as_dict()


def _figures(given: Any) -> Dict[str, Any]:
    figures = list(given.items())[:MOST_FIGURES] if isinstance(given, Mapping) else []
    return {printable(name, 200): value for name, value in figures if is_number(value)}


def is_check_result(result: Mapping[str, Any]) -> bool:
    return "status" in result and isinstance(result.get("findings"), (list, tuple))


def is_act_result(result: Mapping[str, Any]) -> bool:
    return all(isinstance(result.get(name), (list, tuple)) for name in ("plan", "done", "remaining"))


def _findings(key: Tuple[str, str], looks: List[Look]) -> List[Dict[str, Any]]:
    """Gone is only what the last look would have seen; what it could not see again is still open."""
    host, target = key
    before, now = looks[0].by_key(), looks[-1].by_key()
    answer = []
    for name, finding in now.items():
        state = OPEN if name in before else NEW
        was = before.get(name, {}).get("value") if len(looks) > 1 else None
        answer.append(dict(finding, host=host, target=target, state=state, value_before=was))
    for name, was in before.items():
        if name not in now:
            state = RESOLVED if looks[-1].saw(was["check"]) else OPEN
            answer.append(dict(was, host=host, target=target, state=state, value_before=was["value"]))
    return answer


def _unreachable(host: str, message: str) -> Dict[str, Any]:
    finding = Finding(
        check="host.reachable",
        subject=host,
        severity=UNKNOWN,
        message=message,
        advice="Look whether the machine runs and whether Ansible can log in: ansible {0} -m ping".format(host),
    )
    return dict(finding.as_dict(), host=host, target=host, state=OPEN, value_before=None)


def _steps(host: str, target: str, result: Mapping[str, Any], check_mode: bool) -> List[Dict[str, Any]]:
    """What was done and what remains; in check mode what was planned."""
    tried = ((DONE, result["done"]), (REMAINING, result["remaining"]))
    outcomes = ((PLANNED, result["plan"]),) if check_mode else tried
    return [
        dict(_sound_step(step), host=host, target=target, outcome=outcome)
        for outcome, steps in outcomes
        for step in steps
        if isinstance(step, Mapping)
    ]


def _what(step: Mapping[str, Any]) -> Tuple[Any, ...]:
    return tuple(step[name] for name in ("host", "target", "action", "subject"))


def _sound_step(step: Mapping[str, Any]) -> Dict[str, Any]:
    sound = {name: value for name, value in step.items() if name not in _STEP_FIGURES or _is_figure(value)}
    return dict(sound, **{name: printable(step.get(name, "")) for name in ("action", "subject", "reason")})


def _is_figure(value: Any) -> bool:
    return value is None or is_number(value)


def _measurements(key: Tuple[str, str], looks: List[Look]) -> Dict[str, Any]:
    before: Optional[Mapping[str, Any]] = looks[0].measurements if len(looks) > 1 else None
    last = looks[-1]
    answered = None if last.checks is None else [check for check in last.checks if last.saw(check)]
    top = next((list(look.top) for look in reversed(looks) if look.top), [])
    return {
        "host": key[0],
        "target": key[1],
        "before": before,
        "now": last.measurements,
        "checks": answered,
        "top": top,
    }
