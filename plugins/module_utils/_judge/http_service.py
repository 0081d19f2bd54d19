# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether web endpoints answer, with what status, how soon, and over which detours."""

from __future__ import annotations

from typing import Iterator, Sequence

from .checks import Rule
from .finding import CRITICAL, OK, WARNING, Finding
from .http_answer import Answer
from .http_register import CHECKS
from .text import printable, seconds_text
from .threshold import Threshold


@CHECKS.check(
    "reachable",
    needs=("answers",),
    procedure="H01",
    question="Does every endpoint answer in time?",
)
def reachable(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        if answer.reached:
            yield rule.say(OK, answer.name, "{0} answers.".format(answer.address))
        else:
            yield rule.say(CRITICAL, answer.name, answer.problem, answer.advice)


@CHECKS.check(
    "status",
    needs=("answers",),
    procedure="H01",
    question="Is the HTTP status the expected one?",
)
def status(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        if not answer.spoke:
            continue
        expected = " or ".join(str(code) for code in answer.expected.status)
        good = answer.status in answer.expected.status
        message = "{0} answers with HTTP status {1}; {2} is expected.".format(answer.address, answer.status, expected)
        if good:
            message = "{0} answers with HTTP status {1}.".format(answer.address, answer.status)
        yield rule.say(OK if good else CRITICAL, answer.name, message, _status_advice(answer.status), answer.status)


@CHECKS.check(
    "response_time",
    needs=("answers",),
    procedure="H01",
    question="Does every endpoint answer soon enough (at the 95th percentile, if asked several times)?",
    threshold=Threshold(
        "seconds",
        warning=1,
        critical=2,
        source="manual M5: slow over 1 s at p95, as blackbox probes; manuals M2, M4: users get answers within 2 s",
    ),
)
def response_time(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        if not answer.spoke:
            continue
        message = "{0} answered after {1}.".format(answer.address, seconds_text(answer.seconds))
        if len(answer.samples) > 1:
            message = "{0} answered {1} times: half of them within {2}, 95 % within {3}, the slowest after {4}.".format(
                answer.address,
                len(answer.samples),
                *(seconds_text(answer.percentile(share)) for share in (0.5, 0.95, 1)),
            )
        yield rule.judge(
            answer.name,
            answer.percentile(0.95),
            message,
            "Ask again to see whether it lasts; then look at the load of the service and of what it depends on.",
        )


@CHECKS.check(
    "redirects",
    needs=("answers",),
    procedure="H01",
    question="Does no redirect lead from https to http?",
)
def redirects(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        for before, after in zip(answer.hops, answer.hops[1:]):
            if before.startswith("https:") and after.startswith("http:"):
                message = "{0} redirects to {1}, which is not encrypted.".format(before, printable(after, 200))
                yield rule.say(WARNING, answer.name, message, "Redirect to https://; do proxies say X-Forwarded-Proto?")


def _status_advice(code: int) -> str:
    if code in (401, 403):
        return "Give the endpoint's credentials, or ask a health endpoint that needs none."
    if code == 404:
        return "Check the path of the URL; did a release move the endpoint?"
    if code in (502, 503, 504):
        return "The service itself or what it depends on is down or overloaded: look at the service behind it first."
    if code >= 500:
        return "Look at the service's log at the time of this check."
    return "Check the URL; if this status is right, add it to 'expect_status'."
