# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What logs say: errors and their share, named patterns, silence. What access logs say is judged in ``logs_access``."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .checks import Register, Rule
from .finding import INFO, OK, UNKNOWN, WARNING, Finding
from .log_groups import Group, shown
from .log_lines import EMERGENCY, LEVELS
from .log_summary import Summary
from .text import number_text, seconds_text
from .threshold import Threshold

CHECKS = Register("log")

_PAGE_PERCENT = 10.0  # manuals M3, M4: from here on someone is woken


class Pattern(NamedTuple):
    """A pattern with limits of its own, and in how many lines it was found."""

    name: str
    warning: Optional[float]
    critical: Optional[float]
    lines: int = 0
    sample: bytes = b""


class Log(NamedTuple):
    """What was read of one log since a time. Times are in seconds since the epoch.

    ``seconds`` is how long ago the time lies since which it was read, ``lines`` is ``None`` where nobody asked for
    their number. ``summary`` is there for access logs alone, ``errors_only`` says that it is a log to which nothing
    but errors is written. ``unreadable`` and ``incomplete`` are sentences, empty if all went well.
    """

    name: str
    source: str
    kind: str = "application"
    found: bool = True
    unreadable: str = ""
    incomplete: str = ""
    timed: bool = True
    now: float = 0.0
    seconds: float = 86400.0
    first: Optional[float] = None
    last: Optional[float] = None
    files: int = 0
    bytes: int = 0
    lines: Optional[int] = None
    levels: Mapping[str, int] = None  # type: ignore[assignment]
    groups: Sequence[Group] = ()
    patterns: Sequence[Pattern] = ()
    summary: Optional[Summary] = None
    errors_only: bool = False
    max_age: Optional[float] = None

    @property
    def read(self) -> bool:
        return self.found and not (self.unreadable and not self.bytes)

    @property
    def errors(self) -> int:
        return sum((self.levels or {}).values())


def of_kind(logs: Sequence[Log], kind: str) -> List[Log]:
    return [log for log in logs if log.read and log.kind == kind]


@CHECKS.check(
    "readable", needs=("logs",), procedure="H11", question="Is every log there, and can it be read to its end?"
)
def readable(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log in logs:
        if log.unreadable:
            advice = "Let the user that the module runs as read it (on Debian often the group adm), or set 'become'."
            yield rule.say(UNKNOWN, log.name, log.unreadable, advice)
        elif not log.found:
            advice = "Check the path; does the service run, and does it write there?"
            yield rule.say(WARNING, log.name, "There is no log {0}.".format(log.source), advice)
        elif log.incomplete:
            yield rule.say(UNKNOWN, log.name, log.incomplete, "Raise 'timeout', or look at less with 'since'.")
        else:
            yield rule.say(OK, log.name, "{0} was read.".format(log.source))


@CHECKS.check(
    "understood",
    needs=("logs",),
    procedure="H11",
    question="Do its lines tell the time, and are those of an access log understood?",
    threshold=Threshold(
        "%", warning=10, floors={"lines": 20}, source="ours: then figures no longer stand for the whole"
    ),
)
def understood(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log in of_kind(logs, "application"):
        if not log.timed:
            text = (
                "No line tells a time that is understood, so everything in {0} was counted, whatever its age.".format(
                    log.source
                )
            )
            yield rule.say(INFO, log.name, text, "Let the service write the time in front, as in 2026-11-25T03:31:52Z.")
    for log, summary in _summaries(logs):
        lines = summary.requests + summary.not_understood
        share = 100.0 * summary.not_understood / lines if lines else 0.0
        text = "{0} of {1} lines of {2} are not understood.".format(
            number_text(summary.not_understood), number_text(lines), log.source
        )
        yield rule.judge(log.name, share, text, "Describe its format in 'regex', with named groups.", lines=lines)


def _summaries(logs: Sequence[Log]) -> List[Tuple[Log, Summary]]:
    return [(log, log.summary) for log in of_kind(logs, "access") if log.summary is not None]


@CHECKS.check("silent", needs=("logs",), procedure="H11", question="Does a log that should never be silent still grow?")
def silent(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log in logs:
        if not log.read or log.max_age is None:
            continue
        age = None if log.last is None else max(0.0, log.now - log.last)
        limit = seconds_text(log.max_age)
        if age is None:
            text = "Nothing was written to {0} in {1}; {2} at most is expected.".format(
                log.source, seconds_text(log.seconds), limit
            )
        else:
            text = "The last line of {0} is {1} old; {2} at most is expected.".format(
                log.source, seconds_text(age), limit
            )
        quiet = age is None or age > log.max_age
        own = Rule(rule.check, Threshold("seconds", warning=log.max_age))
        advice = "Does the service run and work? Is the disk full, or the log written elsewhere since it was rotated?"
        yield own.say(WARNING if quiet else OK, log.name, text, advice, age)


@CHECKS.check(
    "errors",
    needs=("logs",),
    procedure="H11",
    question="How many errors were written since then?",
    threshold=Threshold("errors", source="none: how many are usual differs from service to service; set your own"),
)
def errors(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log in of_kind(logs, "application"):
        text = "{0} errors in {1}{2}.{3}".format(number_text(log.errors), _span(log), _by_level(log), _most(log))
        yield rule.judge(log.name, log.errors, text, "Look at the patterns in 'logs', the most frequent first.")


@CHECKS.check(
    "error_rate",
    needs=("logs", "lines"),
    procedure="H11",
    question="Which share of all lines are errors?",
    threshold=Threshold(
        "%",
        warning=1,
        critical=5,
        floors={"errors": 5},
        source="manual M2: 1 % warns, 5 % is critical; manuals M3, M4: 10 % pages",
    ),
)
def error_rate(rule: Rule, logs: Sequence[Log], lines: bool) -> Iterator[Finding]:
    for log in of_kind(logs, "application"):
        if log.errors_only or not log.lines:
            continue
        share = 100.0 * log.errors / log.lines
        text = "{0} of {1} lines in {2} are errors{3}.{4}".format(
            number_text(log.errors), number_text(log.lines), _span(log), _by_level(log), _most(log)
        )
        advice = "Look at the patterns in 'logs', the most frequent first."
        if share >= _PAGE_PERCENT:
            advice = "This is worth waking someone. " + advice
        yield rule.judge(log.name, share, text, advice, errors=log.errors)


@CHECKS.check(
    "emergencies",
    needs=("logs",),
    procedure="H11",
    question="Did a service say that it cannot go on at all?",
    threshold=Threshold("errors", critical=1, source="syslog: emerg and alert ask for action at once; so does a PANIC"),
)
def emergencies(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log in of_kind(logs, "application"):
        number = (log.levels or {}).get(EMERGENCY, 0)
        sample = next((" The first: {0}".format(shown(one.first)) for one in log.groups if one.level == EMERGENCY), "")
        text = "{0} entries of the level emergency, alert or panic in {1}.{2}".format(
            number_text(number), _span(log), sample
        )
        yield rule.judge(log.name, number, text, "Look at the service now, and at what it wrote just before.")


@CHECKS.check(
    "patterns", needs=("logs",), procedure="H11", question="Are named patterns found more often than allowed?"
)
def patterns(rule: Rule, logs: Sequence[Log]) -> Iterator[Finding]:
    for log in logs:
        for one in log.patterns if log.read else ():
            own = Rule(rule.check, Threshold("lines", one.warning, one.critical))
            text = "'{0}' is found in {1} lines in {2}.{3}".format(
                one.name,
                number_text(one.lines),
                _span(log),
                " The first: {0}".format(shown(one.sample)) if one.sample else "",
            )
            advice = "Look at these lines; the limits of a pattern stand beside it in 'patterns'."
            yield own.judge("{0}: {1}".format(log.name, one.name), one.lines, text, advice)


def _span(log: Log) -> str:
    return "{0} in the last {1}".format(log.source, seconds_text(log.seconds)) if log.timed else log.source


def _by_level(log: Log) -> str:
    counts = [(level, (log.levels or {}).get(level, 0)) for level in LEVELS]
    told = ", ".join("{0} {1}".format(number_text(count), level) for level, count in counts if count)
    return " ({0})".format(told) if told else ""


def _most(log: Log) -> str:
    if not log.groups:
        return ""
    most = log.groups[0]
    return " Most often, {0} times: {1}".format(number_text(most.count), most.template)


def measurements(logs: Sequence[Log]) -> Dict[str, Any]:
    """``log.NAME.errors``, ``.error_percent``, ``.lines``, ``.bytes``, one a level and a pattern; of an access log
    ``.requests``, ``.requests_per_minute``, ``.client_error_percent``, ``.server_error_percent``, ``.p50_seconds`` …"""
    found: Dict[str, Any] = {}
    for log in logs:
        if not log.read:
            continue
        prefix = "log.{0}.".format(_plain(log.name))
        found[prefix + "bytes"] = log.bytes
        if log.lines is not None:
            found[prefix + "lines"] = log.lines
        for one in log.patterns:
            found[prefix + "pattern.{0}".format(_plain(one.name))] = one.lines
        if log.summary is not None:
            _access_measurements(found, prefix, log, log.summary)
            continue
        found[prefix + "errors"] = log.errors
        for level, count in (log.levels or {}).items():
            found[prefix + level] = count
        if log.lines:
            found[prefix + "error_percent"] = round(100.0 * log.errors / log.lines, 4)
    return found


def _access_measurements(found: Dict[str, Any], prefix: str, log: Log, summary: Summary) -> None:
    found[prefix + "requests"] = summary.requests
    found[prefix + "clients"] = summary.clients
    found[prefix + "requests_per_minute"] = round(per_minute(log), 2)
    found[prefix + "client_error_percent"] = round(summary.share(4), 4)
    found[prefix + "server_error_percent"] = round(summary.share(5), 4)
    for name, seconds in summary.seconds.items():
        found["{0}{1}_seconds".format(prefix, name)] = round(seconds, 4)


def per_minute(log: Log) -> float:
    """Requests a minute between the first and the last one, which is what traffic is while there is any."""
    if log.summary is None or log.first is None or log.last is None:
        return 0.0
    return log.summary.requests * 60.0 / max(60.0, log.last - log.first)


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in name).strip("_")
