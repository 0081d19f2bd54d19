# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What answers say: of themselves as most services write it, and what somebody expects them to say.

A JSON object is read with ``status``, with ``components`` that have a status each, and with ``circuit_breakers``.
Anything else is judged by what is expected alone.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, Mapping, Sequence, Tuple

from .checks import Rule
from .finding import CRITICAL, OK, UNKNOWN, WARNING, Finding
from .http_answer import BODY_LIMIT, PARTS_LIMIT, STATUSPAGE, Answer, is_mapping, parts, short
from .http_register import CHECKS
from .text import printable

_SEVERITY_OF = {
    **dict.fromkeys(("healthy", "ok", "up", "pass", "passing", "green", "alive", "ready", "running", "available"), OK),
    **dict.fromkeys(("connected", "operational", "active", "success", "true"), OK),
    **dict.fromkeys(("degraded", "warn", "warning", "yellow", "partial"), WARNING),
    **dict.fromkeys(
        ("unhealthy", "down", "fail", "failed", "failing", "red", "error", "critical", "stopped"), CRITICAL
    ),
    **dict.fromkeys(("unavailable", "disconnected", "out_of_service", "dead", "not_ready", "false"), CRITICAL),
}
_BREAKER_SEVERITY = {"closed": OK, "half_open": WARNING, "open": CRITICAL, "forced_open": CRITICAL}


@CHECKS.check(
    "body",
    needs=("answers",),
    procedure="H01",
    question="Do endpoints, their components and circuit breakers call themselves healthy, and say what they should?",
)
def body(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        if answer.spoke:
            yield from _text(rule, answer)
            yield from _judge_json(rule, answer)


@CHECKS.check(
    "headers",
    needs=("answers",),
    procedure="H01",
    question="Do the answers have the expected headers?",
)
def headers(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    """What the header holds instead stays out of the message: it may be a session's cookie."""
    for answer in answers:
        for name, wanted in answer.expected.header.items() if answer.spoke else ():
            value = answer.headers.get(name.lower())
            good = value is not None and any(one.lower() in value.lower() for one in wanted)
            message = "The answer of {0} has the header {1}.".format(answer.address, name)
            if value is None:
                message = "The answer of {0} has no header {1}.".format(answer.address, name)
            elif not good:
                message = "In the answer of {0} the header {1} does not hold {2}.".format(
                    answer.address, name, " or ".join("'{0}'".format(printable(one, 80)) for one in wanted)
                )
            advice = "Look at the configuration of the web server and of proxies before it."
            yield rule.say(OK if good else CRITICAL, answer.name, message, advice)


def _text(rule: Rule, answer: Answer) -> Iterator[Finding]:
    if not (answer.expected.text or answer.expected.regex):
        return
    text = answer.body.decode("utf-8", "replace")
    for what, wanted, good in (
        ("the expected text", answer.expected.text, answer.expected.text in text),
        ("a match of", answer.expected.regex, re.search(answer.expected.regex, text) is not None),
    ):
        if wanted:
            message = "The body of {0} {1} {2} '{3}'{4}.".format(
                answer.address,
                "holds" if good else "does not hold",
                what,
                printable(wanted, 80),
                " in its first {0} bytes".format(BODY_LIMIT) if answer.truncated else "",
            )
            yield rule.say(OK if good else CRITICAL, answer.name, message, "Ask it yourself, and look at its log.")


def _judge_json(rule: Rule, answer: Answer) -> Iterator[Finding]:
    content, expected = answer.content, answer.expected.json
    if content is None:
        if expected:
            why = "is longer than {0} bytes".format(BODY_LIMIT) if answer.truncated else "is no JSON object"
            message = "The body of {0} {1}, so it cannot be compared.".format(answer.address, why)
            yield rule.say(CRITICAL, answer.name, message, "Check the URL, or remove 'expect_json'.")
        return
    yield from _expected(rule, answer, content)
    if answer.kind == STATUSPAGE:
        return
    if "status" not in expected:
        yield from _own_status(rule, answer.name, content.get("status"))
    for path, part in parts(content):
        if path + ".status" not in expected:
            given = part.get("status") if is_mapping(part) else part
            yield from _own_status(rule, "{0}: {1}".format(answer.name, short(path)), given)
    yield from _breakers(rule, answer.name, content.get("circuit_breakers"))


def _expected(rule: Rule, answer: Answer, content: Mapping[str, Any]) -> Iterator[Finding]:
    for path, allowed in answer.expected.json.items():
        wanted = allowed if isinstance(allowed, (list, tuple)) else [allowed]
        there, value = _look_up(content, path)
        good = there and any(_same(value, one) for one in wanted)
        # Values of the body stay out of the message if they are no plain value: they may be long and full of secrets.
        shown = "something nested" if isinstance(value, (Mapping, list)) else json.dumps(value)
        message = "{0} has {1} = {2}{3}.".format(
            answer.address,
            path,
            printable(shown, 80) if there else "nothing",
            "" if good else "; expected is {0}".format(" or ".join(json.dumps(one) for one in wanted)),
        )
        yield rule.say(OK if good else CRITICAL, answer.name, message, "Look at the log of the service.")


def _look_up(content: Any, path: str) -> Tuple[bool, Any]:
    for key in str(path).split("."):
        if not isinstance(content, Mapping) or key not in content:
            return False, None
        content = content[key]
    return True, content


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.lower() == wanted.lower()
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def calls_itself_ill(content: Any) -> bool:
    """Whether a decoded JSON document says of itself that it does not serve. Degraded serves, an unknown word too."""
    return is_mapping(content) and _severity_of(content.get("status")) == CRITICAL


def _severity_of(given: Any) -> str:
    return _SEVERITY_OF.get(str(given).strip().lower().replace("-", "_").replace(" ", "_"), UNKNOWN)


def _own_status(rule: Rule, subject: str, given: Any) -> Iterator[Finding]:
    if not isinstance(given, (str, bool)):  # a number there is often the HTTP status once more
        return
    severity = _severity_of(given)
    advice = "Look at the log of the service and at what it depends on."
    if severity == UNKNOWN:
        advice = "Say in 'expect_json' which words are good, for example {{status: [{0}]}}.".format(
            printable(given, 40)
        )
    yield rule.say(severity, subject, "It calls itself '{0}'.".format(printable(given, 80)), advice)


def _breakers(rule: Rule, name: str, breakers: Any) -> Iterator[Finding]:
    if not is_mapping(breakers):
        return
    for breaker, given in list(breakers.items())[:PARTS_LIMIT]:
        state = given.get("state", given.get("status")) if is_mapping(given) else given
        severity = _BREAKER_SEVERITY.get(str(state).lower().replace("-", "_"), UNKNOWN)
        yield rule.say(
            severity,
            "{0}: {1}".format(name, breaker),
            "The circuit breaker is '{0}'.".format(printable(state, 80)),
            "The service no longer calls '{0}' because calls failed: look there first.".format(printable(breaker, 80)),
        )
