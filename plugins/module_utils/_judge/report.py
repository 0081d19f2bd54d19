# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run as data: what was wrong, what was done, what is better. Every view (table, JSON, …) is made from this.

Modules are looked at in the order in which they answered. The first answer about one thing is how it was **before**,
the last one how it is **now**; no task has to say which of the two it is. A thing is one ``target`` on one host.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .finding import HEALTHY, OK, UNHEALTHY, UNKNOWN, Finding, rank, status_of, worst_status

SCHEMA = 1

OPEN, NEW, RESOLVED = "open", "new", "resolved"
DONE, PLANNED, REMAINING = "done", "planned", "remaining"

Key = Tuple[str, str]  # check, subject


@dataclass(frozen=True)
class Look:
    """What one checking module answered about one target."""

    status: str
    findings: Tuple[Mapping[str, Any], ...]
    measurements: Mapping[str, Any]

    def saw(self, check: str) -> bool:
        """Whether this look could answer the check: not when its target could not be reached, or the check not done."""
        unseen = {f["check"] for f in self.findings if f["severity"] == UNKNOWN}
        lost = any(f["check"].endswith(".reachable") and f["severity"] != OK for f in self.findings)
        return not lost and check not in unseen

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Look:
        return cls(result["status"], tuple(result["findings"]), dict(result.get("measurements") or {}))

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
        """Takes the result of a task; those of modules that neither check nor act leave no trace."""
        target = str(result.get("target") or task)
        if is_check_result(result):
            self.looks.setdefault((host, target), []).append(Look.from_result(result))
        elif is_act_result(result):
            self.steps.extend(_steps(host, target, result, self.check_mode))

    def add_failure(self, host: str, task: str, message: str) -> None:
        """A failure that only passes on an earlier one of the same host says nothing new."""
        if any(known["host"] == host and known["message"] in message for known in self.failures):
            return
        self.failures.append({"host": host, "task": task, "message": message})

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
    return [dict(step, host=host, target=target, outcome=outcome) for outcome, steps in outcomes for step in steps]


def _measurements(key: Tuple[str, str], looks: List[Look]) -> Dict[str, Any]:
    before: Optional[Mapping[str, Any]] = looks[0].measurements if len(looks) > 1 else None
    return {"host": key[0], "target": key[1], "before": before, "now": looks[-1].measurements}
