# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a run has to fail, from the results of its checking modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Sequence

from .._errors import InputError
from .finding import CRITICAL, DEGRADED, STATUSES, UNHEALTHY, status_of, worst_status

NEVER = "never"
FAIL_ON = (UNHEALTHY, DEGRADED, NEVER)


@dataclass(frozen=True)
class Verdict:
    failed: bool
    status: str
    message: str


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
    return Verdict(failed, status, _message(status, blind, findings))


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
