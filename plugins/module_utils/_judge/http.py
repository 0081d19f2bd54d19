# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the HTTP endpoints of the stack answer, with what, and how soon.

What an answer says about itself is read as most services write it: a JSON object with ``status``, with ``components``
that have a status each, and with ``circuit_breakers``. Anything else is judged by ``expect_json`` alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from .checks import Register, Rule
from .finding import CRITICAL, OK, UNKNOWN, WARNING, Finding
from .text import printable, seconds_text
from .threshold import Threshold

CHECKS = Register("http")

BODY_LIMIT = 1024 * 1024
_DEPTH_LIMIT, _PARTS_LIMIT = 5, 200

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


@dataclass(frozen=True)
class Answer:
    """What one endpoint said. ``problem`` is empty if it answered; then ``status`` is its HTTP status.

    ``address`` is the URL without its query, which may hold a secret. ``seconds`` count from looking
    the name up to the last byte of the body that was read, redirects included, in the last try.
    """

    name: str
    address: str
    expect_status: Tuple[int, ...] = (200,)
    expect_json: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    advice: str = ""
    status: int = 0
    seconds: float = 0.0
    tries: int = 1
    body: bytes = b""
    truncated: bool = False

    @property
    def reached(self) -> bool:
        return not self.problem


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
        if not answer.reached:
            continue
        expected = " or ".join(str(code) for code in answer.expect_status)
        good = answer.status in answer.expect_status
        message = "{0} answers with HTTP status {1}; {2} is expected.".format(answer.address, answer.status, expected)
        if good:
            message = "{0} answers with HTTP status {1}.".format(answer.address, answer.status)
        yield rule.say(OK if good else CRITICAL, answer.name, message, _status_advice(answer.status), answer.status)


@CHECKS.check(
    "response_time",
    needs=("answers",),
    procedure="H01",
    question="Does every endpoint answer soon enough?",
    threshold=Threshold(
        "seconds",
        warning=1,
        critical=2,
        source="manual M5: slow over 1 s at p95, as blackbox probes; manuals M2, M4: users get answers within 2 s",
    ),
)
def response_time(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        if answer.reached:
            yield rule.judge(
                answer.name,
                answer.seconds,
                "{0} answered after {1}.".format(answer.address, seconds_text(answer.seconds)),
                "Ask again to see whether it lasts; then look at the load of the service and of what it depends on.",
            )


@CHECKS.check(
    "body",
    needs=("answers",),
    procedure="H01",
    question="Do the endpoints, their components and circuit breakers call themselves healthy?",
)
def body(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        if answer.reached:
            yield from _judge_body(rule, answer)


def measurements(answers: Sequence[Answer]) -> Dict[str, float]:
    """``http.NAME.reachable`` (1 or 0) and, of those that answered, ``.status`` and ``.response_seconds``."""
    found: Dict[str, float] = {}
    for answer in answers:
        prefix = "http.{0}.".format("".join(c if c.isalnum() or c in "_-" else "_" for c in answer.name))
        found[prefix + "reachable"] = int(answer.reached)
        if answer.reached:
            found[prefix + "status"] = answer.status
            found[prefix + "response_seconds"] = round(answer.seconds, 4)
    return found


def _status_advice(code: int) -> str:
    if code in (401, 403):
        return "Give the endpoint's credentials in 'headers', or ask a health endpoint that needs none."
    if code == 404:
        return "Check the path of the URL; did a release move the endpoint?"
    if code in (502, 503, 504):
        return "The service itself or what it depends on is down or overloaded: look at the service behind it first."
    if code >= 500:
        return "Look at the service's log at the time of this check."
    return "Check the URL; if this status is right, add it to 'expect_status'."


def _judge_body(rule: Rule, answer: Answer) -> Iterator[Finding]:
    content = _json_of(answer)
    if content is None:
        if answer.expect_json:
            why = "is longer than {0} bytes".format(BODY_LIMIT) if answer.truncated else "is no JSON object"
            message = "The body of {0} {1}, so it cannot be compared.".format(answer.address, why)
            yield rule.say(CRITICAL, answer.name, message, "Check the URL, or remove 'expect_json'.")
        return
    yield from _expected(rule, answer, content)
    if "status" not in answer.expect_json:
        yield from _own_status(rule, answer.name, content.get("status"))
    for path, part in _parts(content, ""):
        if path + ".status" not in answer.expect_json:
            yield from _own_status(rule, "{0}: {1}".format(answer.name, path.split(".", 1)[-1]), part)
    yield from _breakers(rule, answer.name, content.get("circuit_breakers"))


def _json_of(answer: Answer) -> Optional[Mapping[str, Any]]:
    if answer.truncated:
        return None
    try:
        # Python 3.9 takes minutes for a whole number of a megabyte of digits.
        content = json.loads(answer.body, parse_int=lambda digits: int(digits) if len(digits) < 40 else float(digits))
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, Mapping) else None


def _expected(rule: Rule, answer: Answer, content: Mapping[str, Any]) -> Iterator[Finding]:
    for path, allowed in answer.expect_json.items():
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


def _own_status(rule: Rule, subject: str, given: Any) -> Iterator[Finding]:
    if not isinstance(given, (str, bool)):  # a number there is often the HTTP status once more
        return
    word = str(given).strip().lower().replace("-", "_").replace(" ", "_")
    severity = _SEVERITY_OF.get(word, UNKNOWN)
    advice = "Look at the log of the service and at what it depends on."
    if severity == UNKNOWN:
        advice = "Say in 'expect_json' which words are good, for example {{status: [{0}]}}.".format(
            printable(given, 40)
        )
    yield rule.say(severity, subject, "It calls itself '{0}'.".format(printable(given, 80)), advice)


def _parts(content: Mapping[str, Any], path: str, depth: int = 0) -> Iterator[Tuple[str, Any]]:
    """The components, however deep, with what each calls itself; bounded, for the answer may be hostile."""
    components = content.get("components")
    if isinstance(components, list):
        components = {str(one.get("name", number)): one for number, one in enumerate(components) if _is_mapping(one)}
    if not _is_mapping(components) or depth == _DEPTH_LIMIT:
        return
    for name, part in list(components.items())[:_PARTS_LIMIT]:
        here = "{0}components.{1}".format(path, name)
        if _is_mapping(part):
            yield here, part.get("status")
            yield from _parts(part, here + ".", depth + 1)
        else:
            yield here, part


def _breakers(rule: Rule, name: str, breakers: Any) -> Iterator[Finding]:
    if not _is_mapping(breakers):
        return
    for breaker, given in list(breakers.items())[:_PARTS_LIMIT]:
        state = given.get("state", given.get("status")) if _is_mapping(given) else given
        severity = _BREAKER_SEVERITY.get(str(state).lower().replace("-", "_"), UNKNOWN)
        yield rule.say(
            severity,
            "{0}: {1}".format(name, breaker),
            "The circuit breaker is '{0}'.".format(printable(state, 80)),
            "The service no longer calls '{0}' because calls failed: look there first.".format(printable(breaker, 80)),
        )


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)
