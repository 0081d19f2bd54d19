# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a run has to fail, from the results of its checking modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence

from .._errors import InputError
from .finding import CRITICAL, DEGRADED, HEALTHY, STATUSES, UNHEALTHY, UNKNOWN, WARNING, status_of, worst_status

NEVER = "never"
FAIL_ON = (UNHEALTHY, DEGRADED, NEVER)
COUNTED = (CRITICAL, WARNING, UNKNOWN)


@dataclass(frozen=True)
class Verdict:
    """``counts`` says how many findings there are of each severity that is not in order."""

    failed: bool
    status: str
    message: str
    counts: Mapping[str, int]


def verdict(results: Sequence[Mapping[str, Any]], fail_on: str = UNHEALTHY, only_checks: Sequence[str] = ()) -> Verdict:
    """Judge the registered ``results`` of checking modules; those of skipped tasks and empty ones do not count.

    A module that failed could not look, which makes the stack ``unhealthy``: nobody knows how it is. ``only_checks``
    restricts the judgement to some checks (the failed modules still count).
    """
    if fail_on not in FAIL_ON:
        raise InputError("fail_on is '{0}'.".format(fail_on), "It may be: {0}.".format(", ".join(FAIL_ON)))
    looked = [result for result in results if result and not result.get("skipped")]
    blind = [str(result.get("msg", "a check failed")) for result in looked if result.get("failed")]
    findings = [
        finding
        for result in looked
        for finding in result.get("findings", ())
        if not only_checks or finding["check"] in only_checks
    ]
    status = worst_status([status_of(f["severity"] for f in findings), UNHEALTHY if blind else STATUSES[0]])
    failed = fail_on != NEVER and STATUSES.index(status) >= STATUSES.index(fail_on)
    severities = [finding["severity"] for finding in findings]
    counts = {severity: severities.count(severity) for severity in COUNTED}
    return Verdict(failed, status, _message(status, blind, findings), counts)


def outcome(verdicts: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """One status and the counts of all hosts; an empty verdict is that of a host which nobody could look at."""
    blind = sum(not one for one in verdicts)
    seen = [one["status"] for one in verdicts if one]
    # As the report has it: what could not be looked at is unknown, and that makes a stack degraded at the least.
    status = worst_status([*seen, status_of([UNKNOWN] if blind else [])])
    counts = {severity: sum(one["counts"][severity] for one in verdicts if one) for severity in COUNTED}
    hosts = {"hosts_total": len(verdicts), "hosts_not_seen": blind, "healthy_hosts": seen.count(HEALTHY)}
    return dict(counts, status=status, **hosts)


def _message(status: str, blind: List[str], findings: Sequence[Mapping[str, Any]]) -> str:
    severities = [finding["severity"] for finding in findings]
    counts = ", ".join(
        "{0} {1}".format(severities.count(severity), severity)
        for severity in ("critical", "warning", "unknown")
        if severity in severities
    )
    texts = ["{0}{1}.".format(status, " ({0})".format(counts) if counts else "")]
    texts += [f["message"] for f in findings if f["severity"] == CRITICAL][:3]
    texts += ["Could not look: {0}".format(text) for text in blind]
    return " ".join(texts)
