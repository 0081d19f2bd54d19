# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JUnit XML, which every CI server shows: a suite is a target, a test case is a check."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from .finding import CRITICAL, UNHEALTHY, UNKNOWN, WARNING
from .markup import Markup, element, escaped
from .report import RESOLVED
from .verdict import NEVER

Target = Tuple[str, str]


def junit(report: Mapping[str, Any], fail_on: str) -> str:
    """``fail_on`` as everywhere: ``unhealthy`` lets critical findings fail, ``degraded`` warnings and unknowns too.

    A check whose findings do not fail it passes, with them as its output. A task that failed is an error.
    """
    suites = [_suite(report, target, checks, fail_on) for target, checks in _checks(report).items()]
    failures = [_failure(failure) for failure in report["failures"]]
    if failures:
        suites.append(_suite_element(report, "tasks", failures))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + element("testsuites", *suites, name=report["playbook"]) + "\n"


def _checks(report: Mapping[str, Any]) -> Dict[Target, Dict[str, List[Mapping[str, Any]]]]:
    """Every check that was answered, in the order in which it was asked, with what it found."""
    found: Dict[Target, Dict[str, List[Mapping[str, Any]]]] = {}
    for look in report["measurements"]:
        found[look["host"], look["target"]] = {check: [] for check in look["checks"] or ()}
    for finding in report["findings"]:
        if finding["state"] != RESOLVED:
            checks = found.setdefault((finding["host"], finding["target"]), {})
            checks.setdefault(finding["check"], []).append(finding)
    return found


def _suite(
    report: Mapping[str, Any], target: Target, checks: Mapping[str, Sequence[Mapping[str, Any]]], fail_on: str
) -> Markup:
    name = " · ".join(dict.fromkeys(target))
    cases = [_case(name, check, findings, fail_on) for check, findings in checks.items()]
    return _suite_element(report, name, cases)


def _suite_element(report: Mapping[str, Any], name: str, cases: Sequence[Markup]) -> Markup:
    failed = sum("<failure" in case for case in cases)
    errors = sum("<error" in case for case in cases)
    started = report["started"][:19]
    return element(
        "testsuite", *cases, name=name, tests=len(cases), failures=failed, errors=errors, skipped=0, timestamp=started
    )


def _case(suite: str, check: str, findings: Sequence[Mapping[str, Any]], fail_on: str) -> Markup:
    content: List[Markup] = []
    bad = [finding for finding in findings if _fails(finding["severity"], fail_on)]
    rest = [finding for finding in findings if not _fails(finding["severity"], fail_on)]
    if bad:
        tag = "error" if all(finding["severity"] == UNKNOWN for finding in bad) else "failure"
        content.append(element(tag, _lines(bad), message=bad[0]["message"], type=bad[0]["severity"]))
    if rest:
        content.append(element("system-out", _lines(rest)))
    return element("testcase", *content, name=check, classname=suite, time=0)


def _fails(severity: str, fail_on: str) -> bool:
    failing = {NEVER: (), UNHEALTHY: (CRITICAL,)}.get(fail_on, (CRITICAL, WARNING, UNKNOWN))
    return severity in failing


def _lines(findings: Sequence[Mapping[str, Any]]) -> Markup:
    """One a line; the line breaks are ours, for a finding has none."""
    texts = ("{severity}: {subject}: {message} {advice}".format(**finding).strip() for finding in findings)
    return Markup("\n".join(escaped(text) for text in texts))


def _failure(failure: Mapping[str, Any]) -> Markup:
    error = element("error", failure["message"], message=failure["message"], type="failed")
    return element("testcase", error, name=failure["task"], classname=failure["host"], time=0)
