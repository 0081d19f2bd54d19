# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What access logs say: failures, latency, who makes the traffic, and who tries what they should not."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Sequence, Tuple

from .checks import Rule
from .finding import Finding
from .log_groups import shown
from .log_summary import Summary
from .logs import CHECKS, Log, of_kind, per_minute
from .text import number_text, seconds_text
from .threshold import Threshold


def _each(logs: Sequence[Log]) -> List[Tuple[Log, Summary]]:
    return [(log, log.summary) for log in of_kind(logs, "access") if log.summary is not None and log.summary.requests]


def _of(part: int, whole: int, what: str, log: Log) -> str:
    return "{0} of {1} requests in {2} in the last {3} {4}.".format(
        number_text(part), number_text(whole), log.source, seconds_text(log.seconds), what
    )


def _listed(counts: Sequence[Tuple[bytes, int]], number: int = 3) -> str:
    return ", ".join("{0} ({1})".format(shown(name, 80), number_text(count)) for name, count in counts[:number])


@CHECKS.check(
    "client_errors",
    needs=("logs",),
    procedure="H12",
    question="Which share of requests is refused with a 4xx status?",
    threshold=Threshold(
        "%",
        warning=5,
        floors={"requests": 120, "requests_per_minute": 2},
        source="the field's alerts for nginx: 5 % of busy traffic; ours: of at least 120 requests, two a minute",
    ),
)
def client_errors(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log, summary in _each(logs):
        text = _of(summary.of_class(4), summary.requests, "were answered with 4xx", log)
        if summary.top_failing:
            text += " Most of them went to: {0}.".format(_listed(summary.top_failing))
        advice = (
            "Did a release move something, or does a client ask for what is not there? See 'top_failing' in 'logs'."
        )
        yield rule.judge(
            log.name, summary.share(4), text, advice, requests=summary.requests, requests_per_minute=per_minute(log)
        )


@CHECKS.check(
    "server_errors",
    needs=("logs",),
    procedure="H12",
    question="Which share of requests fails with a 5xx status?",
    threshold=Threshold(
        "%",
        warning=2,
        critical=5,
        floors={"requests": 120},
        source="the field's alerts for nginx: 2 to 5 %; ours: of at least 120 requests",
    ),
)
def server_errors(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log, summary in _each(logs):
        text = _of(summary.of_class(5), summary.requests, "were answered with 5xx", log)
        if summary.failing_paths:
            text += " Most often: {0}.".format(_listed(summary.failing_paths))
        advice = "Look at the log of the service behind these paths."
        yield rule.judge(log.name, summary.share(5), text, advice, requests=summary.requests)


@CHECKS.check(
    "slow_requests",
    needs=("logs",),
    procedure="H12",
    question="How long do the slowest hundredth of the requests take at least (p99)?",
    threshold=Threshold(
        "seconds",
        warning=3,
        floors={"requests": 120},
        source="the field's alerts for nginx: p99 over 3 s; ours: of at least 120 requests",
    ),
)
def slow_requests(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log, summary in _each(logs):
        if not summary.timed:
            continue
        times = ", ".join("{0} {1}".format(name, seconds_text(value)) for name, value in summary.seconds.items())
        text = "Requests in {0} in the last {1} took: {2}.".format(log.source, seconds_text(log.seconds), times)
        advice = "Look at the load of the service, its database and its cache at that time."
        yield rule.judge(log.name, summary.seconds["p99"], text, advice, requests=summary.timed)


@CHECKS.check(
    "top_client",
    needs=("logs",),
    procedure="H12",
    question="Does one client make most of the traffic?",
    threshold=Threshold(
        "%",
        warning=50,
        floors={"requests": 1000, "clients": 10},
        source="ours: one of many that asks more than all others",
    ),
)
def top_client(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log, summary in _each(logs):
        client, count = summary.top_clients[0]
        text = _of(count, summary.requests, "came from {0}".format(shown(client, 80)), log)
        advice = "Is it a proxy (then log the real client), a job of ours, or someone to be slowed down?"
        share = 100.0 * count / summary.requests
        yield rule.judge(log.name, share, text, advice, requests=summary.requests, clients=summary.clients)


@CHECKS.check(
    "failing_client",
    needs=("logs",),
    procedure="H12",
    question="Does one client cause most of the 4xx answers?",
    threshold=Threshold(
        "%",
        warning=50,
        floors={"client_errors": 100, "clients": 10},
        source="ours: a broken client, or one that tries things",
    ),
)
def failing_client(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log, summary in _each(logs):
        failed = summary.of_class(4)
        if not summary.top_failing:
            continue
        client, count = summary.top_failing[0]
        text = "{0} of {1} answers with 4xx in {2} went to {3}.".format(
            number_text(count), number_text(failed), log.source, shown(client, 80)
        )
        advice = "Look at what it asks for: a client of ours that is broken, or someone who tries what is there."
        yield rule.judge(log.name, 100.0 * count / failed, text, advice, client_errors=failed, clients=summary.clients)


@CHECKS.check(
    "denied_client",
    needs=("logs",),
    procedure="S01",
    question="Is a client refused again and again (401, 403)?",
    threshold=Threshold("requests", warning=50, critical=500, source="ours: more than a person who forgot a password"),
)
def denied_client(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log, summary in _each(logs):
        if summary.top_denied:
            client, count = summary.top_denied[0]
            text = "{0} requests in {1} in the last {2} were refused (401, 403), most of them to: {3}.".format(
                number_text(summary.statuses.get(401, 0) + summary.statuses.get(403, 0)),
                log.source,
                seconds_text(log.seconds),
                _listed(summary.top_denied),
            )
            advice = "A job with an old password, or someone who guesses: find out who, and block or repair it."
            yield rule.judge("{0}: {1}".format(log.name, shown(client, 80)), count, text, advice)


@CHECKS.check(
    "attacks",
    needs=("logs",),
    procedure="S01",
    question="Do requests look like attacks (scanners, path traversal, injection)?",
    threshold=Threshold(
        "requests", warning=100, critical=10000, source="ours: some are usual wherever the internet reaches"
    ),
)
def attacks(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log, summary in _each(logs):
        number = sum(summary.attacks.values())
        kinds = ", ".join("{0} {1}".format(number_text(count), kind) for kind, count in summary.attacks.items())
        text = _of(
            number, summary.requests, "look like attacks{0}".format(" ({0})".format(kinds) if kinds else ""), log
        )
        if summary.top_attackers:
            text += " From: {0}.".format(_listed(summary.top_attackers))
        yield rule.judge(log.name, number, text, "Block the clients in front of the service, or limit their rate.")


@CHECKS.check(
    "answered_attacks",
    needs=("logs",),
    procedure="S01",
    question="Was something that looks like an attack answered with success (2xx)?",
    threshold=Threshold("requests", warning=1, source="ours: each of them has to be looked at"),
)
def answered_attacks(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log, summary in _each(logs):
        if summary.answered_attacks:
            number = sum(count for request, count in summary.answered_attacks)
            text = "Answered with success in {0}: {1}.".format(log.source, _listed(summary.answered_attacks))
            advice = (
                "Ask for it yourself: if something comes that should not, take it away and look for what was taken."
            )
            yield rule.judge(log.name, number, text, advice)


def access_data(log: Log, summary: Summary) -> Dict[str, Any]:
    """The access log for a report, as plain data; texts are harmless."""

    def listed(counts: Sequence[Tuple[bytes, int]]) -> List[Dict[str, Any]]:
        return [{"name": shown(name, 120), "requests": count} for name, count in counts]

    return {
        "requests": summary.requests,
        "requests_per_minute": round(per_minute(log), 2),
        "clients": summary.clients,
        "statuses": {str(status): count for status, count in summary.statuses.items()},
        "seconds": {name: round(value, 4) for name, value in summary.seconds.items()},
        "top_clients": [
            dict(one, percent=round(100.0 * one["requests"] / summary.requests, 2))
            for one in listed(summary.top_clients)
        ],
        "top_failing": listed(summary.top_failing),
        "top_denied": listed(summary.top_denied),
        "top_attackers": listed(summary.top_attackers),
        "attacks": dict(summary.attacks),
        "answered_attacks": listed(summary.answered_attacks),
        "failing_paths": listed(summary.failing_paths),
    }
