# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis: what clients ask, what they are answered, and how fast."""

from __future__ import annotations

from typing import Dict, Iterator, List, Sequence

from .checks import Rule
from .finding import INFO, OK, Finding
from .redis_commands import most_failed
from .redis_facts import (
    CHECKS,
    SINCE_START,
    WINDOW,
    Clock,
    Command,
    Denial,
    Info,
    LatencyEvent,
    Lookups,
    Pings,
    Rates,
    SlowCommand,
    lookups,
)
from .text import number_text, seconds_text
from .threshold import Threshold

HOUR = 3600.0
HIT_ADVICE = (
    "Look for TTLs that are too short, evictions, keys that changed their names with a release, and a cache that is "
    "still warming up."
)


@CHECKS.check(
    "hit_rate",
    needs=("info",),
    procedure="H08",
    question="Do look-ups since the start find what they look for?",
    threshold=Threshold(
        "%", 70, 60, higher_is_worse=False, floors={"lookups": 1000}, source="manuals: target 80 %, 70 %, 60 %"
    ),
)
def hit_rate(rule: Rule, info: Info) -> Iterator[Finding]:
    yield from _hit_rate(rule, SINCE_START, "since the start", lookups(info.counters()))


@CHECKS.check(
    "hit_rate_window",
    needs=("rates",),
    procedure="H08",
    question="Do look-ups find what they look for at present?",
    threshold=Threshold(
        "%", 70, 60, higher_is_worse=False, floors={"lookups": 100}, source="manuals: target 80 %, 70 %, 60 %"
    ),
)
def hit_rate_window(rule: Rule, rates: Rates) -> Iterator[Finding]:
    yield from _hit_rate(rule, WINDOW, rates.period, lookups(rates.changes))


def _hit_rate(rule: Rule, subject: str, period: str, asked: Lookups) -> Iterator[Finding]:
    percent = asked.hit_percent
    if percent is None:
        return
    text = "{0} % of {1} look-ups {2} were hits{3}."
    queues = ", without up to {0} of queues and results".format(number_text(asked.of_queues)) if asked.of_queues else ""
    finding = rule.judge(
        subject,
        percent,
        text.format(number_text(round(percent, 1)), number_text(asked.total), period, queues),
        HIT_ADVICE,
        lookups=asked.total,
    )
    wanted = rule.threshold.warning
    if finding.severity == OK and wanted is not None and wanted < percent < wanted + 10:
        enough = asked.total >= rule.threshold.floors["lookups"]
        if enough:
            finding = rule.say(INFO, subject, finding.message, HIT_ADVICE, percent)
    yield finding


@CHECKS.check(
    "clients",
    needs=("info",),
    procedure="H08",
    question="Are connections left for the application?",
    threshold=Threshold("%", 80, 90, source="awesome-prometheus-alerts 90 %; manuals 80 % of a limit"),
)
def clients(rule: Rule, info: Info) -> Iterator[Finding]:
    limit = info.number("maxclients")
    if not limit:
        return
    connected = info.number("connected_clients")
    yield rule.judge(
        "maxclients",
        100.0 * connected / limit,
        "{0} of {1} connections are in use.".format(number_text(connected), number_text(limit)),
        "CLIENT LIST shows who holds them and how long they are idle; use a pool, set timeout, or raise maxclients.",
    )


REJECTED_ADVICE = "The server was full: see maxclients and, on its host, the limit of open files (ulimit -n)."
REJECTED_LIMIT = Threshold("connections/min", 5, source="awesome-prometheus-alerts 5 a minute")


@CHECKS.check(
    "rejected_connections",
    needs=("info",),
    procedure="H08",
    question="Have clients been turned away since the start?",
    threshold=REJECTED_LIMIT,
)
def rejected_connections(rule: Rule, info: Info) -> Iterator[Finding]:
    total = info.number("rejected_connections")
    uptime = max(info.number("uptime_in_seconds"), 1)
    message = "{0} connections were rejected in {1}.".format(number_text(total), seconds_text(uptime))
    per_minute = total * 60.0 / max(uptime, 60.0)
    finding = rule.judge(SINCE_START, per_minute, message, REJECTED_ADVICE)
    if total and finding.severity == OK:
        finding = rule.say(INFO, SINCE_START, message, REJECTED_ADVICE, per_minute)
    yield finding


@CHECKS.check(
    "rejected_connections_window",
    needs=("rates",),
    procedure="H08",
    question="Are clients turned away at present?",
    threshold=REJECTED_LIMIT,
)
def rejected_connections_window(rule: Rule, rates: Rates) -> Iterator[Finding]:
    rejected = rates.change("rejected_connections")
    yield rule.judge(
        WINDOW,
        rejected * 60.0 / max(rates.seconds, 60.0),
        "{0} connections were rejected {1}.".format(number_text(rejected), rates.period),
        REJECTED_ADVICE,
    )


@CHECKS.check(
    "blocked_clients",
    needs=("info",),
    procedure="H08",
    question="How many clients wait in blocking commands?",
    threshold=Threshold("clients", source="none: workers of a queue wait by design; set a limit of your own"),
)
def blocked_clients(rule: Rule, info: Info) -> Iterator[Finding]:
    blocked = info.number("blocked_clients")
    yield rule.judge(
        "blocked clients",
        blocked,
        "{0} of {1} clients wait in a blocking command.".format(
            number_text(blocked), number_text(info.number("connected_clients"))
        ),
        "CLIENT LIST shows them (flag b); more waiting consumers than usual means that nothing is produced.",
    )


CUT_OFF = (
    "client_output_buffer_limit_disconnections",
    "client_query_buffer_limit_disconnections",
    "evicted_clients",
)


@CHECKS.check(
    "dropped_clients",
    needs=("rates",),
    procedure="H08",
    question="Does the server cut off clients that read too slowly or take too much memory?",
    threshold=Threshold("clients", 1, source="ours: it should never happen"),
)
def dropped_clients(rule: Rule, rates: Rates) -> Iterator[Finding]:
    dropped = sum(map(rates.change, CUT_OFF))
    yield rule.judge(
        WINDOW,
        dropped,
        "{0} clients were cut off for their buffers {1}.".format(number_text(dropped), rates.period),
        "A subscriber, a replica or a client with huge replies does not keep up, or sends too much at once: see "
        "client-output-buffer-limit, client-query-buffer-limit and maxmemory-clients.",
    )


@CHECKS.check(
    "errors",
    needs=("info", "rates", "commands"),
    procedure="H11",
    question="Are commands answered with errors?",
    threshold=Threshold("%", 1, 5, floors={"error_replies": 20}, source="manuals: error rate 1 % and 5 %"),
)
def errors(rule: Rule, info: Info, rates: Rates, commands: Sequence[Command]) -> Iterator[Finding]:
    # Client libraries introduce themselves at every connection by up to three commands, of which Redis before 7.2 knows
    # none (CLIENT SETINFO twice), and hardly any server the last (CLIENT MAINT_NOTIFICATIONS).
    introductions = (1 if info.knows_setinfo else 3) * rates.change("total_connections_received")
    wrong = max(0.0, rates.change("total_error_replies") - rates.change("usual_errors") - introductions)
    answered = max(rates.change("total_commands_processed"), wrong, 1.0)
    most = most_failed(commands)
    yield rule.judge(
        WINDOW,
        100.0 * wrong / answered,
        "{0} of {1} commands {2} were answered with an error.".format(
            number_text(wrong), number_text(answered), rates.period
        ),
        "INFO errorstats counts them by kind{0}.".format(
            "; since the start most were answers to {0}".format(most) if most else ""
        ),
        error_replies=wrong,
    )


@CHECKS.check(
    "write_errors",
    needs=("rates",),
    procedure="H08",
    question="Are writes refused (out of memory, cannot save, too few replicas)?",
    threshold=Threshold("errors", 1, 1, source="ours: data is being lost"),
)
def write_errors(rule: Rule, rates: Rates) -> Iterator[Finding]:
    refused = rates.change("write_errors")
    yield rule.judge(
        WINDOW,
        refused,
        "{0} writes were refused {1} (OOM, MISCONF or NOREPLICAS).".format(number_text(refused), rates.period),
        "See the findings on memory, persistence and replicas: until that is mended the application cannot write.",
    )


@CHECKS.check(
    "acl_denials",
    needs=("denials",),
    procedure="S01",
    question="Are clients denied by the access rules?",
    threshold=Threshold("denials", 60, source="ours: one a minute is no slip of the hand"),
)
def acl_denials(rule: Rule, denials: Sequence[Denial]) -> Iterator[Finding]:
    by_user: Dict[str, List[Denial]] = {}
    for denial in denials:
        if denial.seconds_ago <= HOUR:
            by_user.setdefault(denial.user, []).append(denial)
    for user, entries in by_user.items():
        count = sum(entry.count for entry in entries)
        yield rule.judge(
            user,
            count,
            "The user was denied {0} times in the last hour ({1}).".format(
                number_text(count), ", ".join(sorted({entry.reason for entry in entries}))
            ),
            "ACL LOG shows who tried what from where.",
        )


@CHECKS.check(
    "latency",
    needs=("pings",),
    procedure="H08",
    question="Does the server answer quickly?",
    threshold=Threshold("seconds", 0.02, 0.1, source="ours: median of the pings; a local answer takes 0.1 ms"),
)
def latency(rule: Rule, pings: Pings) -> Iterator[Finding]:
    yield from _latency(rule, pings, 50, "median")


@CHECKS.check(
    "latency_peak",
    needs=("pings",),
    procedure="H08",
    question="Does the server stall now and then?",
    threshold=Threshold("seconds", 0.25, 1.0, source="ours: 99th percentile of the pings"),
)
def latency_peak(rule: Rule, pings: Pings) -> Iterator[Finding]:
    yield from _latency(rule, pings, 99, "99th percentile")


def _latency(rule: Rule, pings: Pings, percent: float, name: str) -> Iterator[Finding]:
    seconds = pings.percentile(percent)
    yield rule.judge(
        name,
        seconds,
        "The {0} of {1} pings took {2}.".format(name, len(pings.seconds), seconds_text(seconds)),
        "Look at slow commands, forks and swapping on the server, then at the network: redis-cli --latency on the "
        "server itself tells the two apart.",
    )


@CHECKS.check(
    "latency_events",
    needs=("events", "clock"),
    procedure="H08",
    question="Did the server's own latency monitor see anything in the last hour?",
    threshold=Threshold(
        "seconds", 0.25, 1.0, source="ours; the monitor is off unless latency-monitor-threshold is set"
    ),
)
def latency_events(rule: Rule, events: Sequence[LatencyEvent], clock: Clock) -> Iterator[Finding]:
    for event in events:
        if clock.now - event.at <= HOUR:
            yield rule.judge(
                event.name,
                event.latest_seconds,
                "The latest '{0}' stalled the server for {1}, the worst so far for {2}.".format(
                    event.name, seconds_text(event.latest_seconds), seconds_text(event.maximum_seconds)
                ),
                "LATENCY DOCTOR explains the event and what helps.",
            )


@CHECKS.check(
    "fork",
    needs=("info",),
    procedure="H08",
    question="Does a save stall the server while it forks?",
    threshold=Threshold("seconds", 0.5, 2.0, source="ours; Redis: 10 to 20 ms a GB on good hardware"),
)
def fork(rule: Rule, info: Info) -> Iterator[Finding]:
    seconds = info.number("latest_fork_usec") / 1e6
    if seconds:
        yield rule.judge(
            "latest fork",
            seconds,
            "The latest fork took {0}.".format(seconds_text(seconds)),
            "Switch off transparent huge pages, save on a replica instead, or split the data over several servers.",
        )


@CHECKS.check(
    "slow_commands",
    needs=("slow", "clock"),
    procedure="H08",
    question="Do single commands hold everybody up?",
    threshold=Threshold("seconds", 0.1, 1.0, source="ours: while one command runs every client waits"),
)
def slow_commands(rule: Rule, slow: Sequence[SlowCommand], clock: Clock) -> Iterator[Finding]:
    known = clock.previous_slow_number
    if known is not None and slow and max(entry.number for entry in slow) < known:
        known = None  # the numbers began anew: the server was restarted
    by_name: Dict[str, List[SlowCommand]] = {}
    for entry in slow:
        if entry.number > known if known is not None else clock.now - entry.at <= HOUR:
            by_name.setdefault(entry.name, []).append(entry)
    for name, entries in by_name.items():
        slowest = max(entries, key=lambda entry: entry.seconds)
        yield rule.judge(
            name,
            slowest.seconds,
            "{0} is in the slow log {1} times {2}; the slowest took {3} with {4} arguments.".format(
                name,
                len(entries),
                "in the last hour" if known is None else "since the previous look",
                seconds_text(slowest.seconds),
                slowest.arguments,
            ),
            "SLOWLOG GET shows the arguments. Read big values in parts (SCAN, HSCAN, ranges), never KEYS.",
        )
