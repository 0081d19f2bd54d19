# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run adds to the history, and what the history adds to the report of a run.

A finding is **known since** the first of the runs that saw it without one in between that looked and did not see it.
A run that could not look (the host is down, the check was not asked) neither sees it nor ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .figures import is_gauge, limits_of, unit_of
from .finding import OK, rank
from .report import NEW, RESOLVED
from .shortlist import is_closing
from .text import printable
from .trend import Point, days_until, trend, weeks

Target = Tuple[str, str]  # host, target
Key = Tuple[str, str, str, str]  # host, target, check, subject
SeriesKey = Tuple[str, str, str]  # host, target, name of the measurement

_TOP_FIGURES = ("times", "weight", "first", "last")
_NAME_LENGTH = 200  # of hosts, targets, names; a subject may be as long as a finding allows


class State(NamedTuple):
    """A finding that was open when its target was last looked at. Times are seconds since the epoch."""

    host: str
    target: str
    check: str
    subject: str
    severity: str
    since: int
    last: int

    @property
    def key(self) -> Key:
        return self[:4]


class Slot(NamedTuple):
    """What a series measured within one slice of time: the time of its last point, mean, lowest and highest value."""

    at: int
    value: float
    low: float
    high: float


class LastRun(NamedTuple):
    """The run of the same playbook before this one."""

    started: int
    status: str


def url_of(option: Optional[str], home: str) -> str:
    """The URL that the option ``history`` stands for; empty where none is kept."""
    if option == "sqlite":
        return "sqlite:///{0}/analytics_ops/history.sqlite3".format(home)
    return "" if not option or option == "none" else option


@dataclass(frozen=True)
class Past:
    """What the history knew before this run."""

    last_run: Optional[LastRun] = None
    states: Tuple[State, ...] = ()
    series: Mapping[SeriesKey, Sequence[Slot]] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """What one run adds. ``seen`` names the checks that were answered of each target, ``None``: all that there are."""

    playbook: str
    started: int
    finished: int
    check_mode: bool
    status: str
    points: Tuple[Tuple[str, str, str, float], ...]
    open: Tuple[Tuple[str, str, str, str, str], ...]
    seen: Mapping[Target, Optional[frozenset]]
    cut_short: frozenset = frozenset()  # host, target and check where not every finding was told
    failures: int = 0  # tasks that failed
    top: Tuple[Tuple[Any, ...], ...] = ()  # host, target, kind, name, times, weight, first, last

    def ended(self, states: Sequence[State]) -> List[State]:
        """Of the known ``states`` those that this run looked for and did not find."""
        still = {row[:4] for row in self.open}
        return [state for state in states if state.key not in still and self._looked_for(state)]

    def _looked_for(self, state: State) -> bool:
        target = (state.host, state.target)
        checks = self.seen.get(target, frozenset())
        return (checks is None or state.check in checks) and (*target, state.check) not in self.cut_short


def record(report: Mapping[str, Any]) -> Record:
    """The rows of a finished report (``started`` and ``finished`` included), harmless and in a steady order."""
    points = {
        series_key(look, name): float(value) for look in report["measurements"] for name, value in look["now"].items()
    }
    top = {
        (*_target(look), entry["kind"], entry["name"]): tuple(entry[name] for name in _TOP_FIGURES)
        for look in report["measurements"]
        for entry in look["top"]
    }
    opened = {_key(finding): finding["severity"] for finding in _open(report)}
    return Record(
        playbook=printable(report["playbook"], _NAME_LENGTH),
        started=seconds_of(report["started"]),
        finished=seconds_of(report["finished"]),
        check_mode=bool(report["check_mode"]),
        status=report["status"],
        points=tuple((*key, value) for key, value in sorted(points.items())),
        open=tuple((*key, severity) for key, severity in sorted(opened.items())),
        seen=_seen(report),
        cut_short=frozenset((*_target(f), f["check"]) for f in report["findings"] if is_closing(f)),
        failures=len(report["failures"]),
        top=tuple((*key, *figures) for key, figures in sorted(top.items())),
    )


def with_history(report: Mapping[str, Any], past: Optional[Past]) -> Dict[str, Any]:
    """The report with ``since`` at each finding, ``changes`` and ``trends``; all empty where there is no history."""
    if past is None:
        findings = [dict(finding, since=None) for finding in report["findings"]]
        return dict(report, findings=findings, changes=None, trends=[])
    known = {state.key: state for state in past.states}
    findings = [dict(finding, since=_since(report, finding, known)) for finding in report["findings"]]
    seen = dict(report, findings=findings)
    return dict(seen, changes=_changes(seen, past, known), trends=_trends(seen, past.series))


def is_new(report: Mapping[str, Any], finding: Mapping[str, Any]) -> bool:
    """Whether it came up during this run, or since the last one of this playbook."""
    if finding["state"] == NEW:
        return True
    changes = report.get("changes") or {}
    return bool(changes.get("last_run")) and finding["state"] != RESOLVED and finding["since"] == report["started"]


def age_text(report: Mapping[str, Any], finding: Mapping[str, Any]) -> str:
    """``since 3 days``; nothing where it was not known before this run."""
    since = finding.get("since")
    if not since or since == report["started"]:
        return ""
    seconds = max(0, seconds_of(report["started"]) - seconds_of(since))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        amount = seconds // length
        if amount:
            return "since {0} {1}{2}".format(amount, unit, "" if amount == 1 else "s")
    return "since a moment ago"


def seconds_of(text: str) -> int:
    """``2026-01-01T00:00:00+00:00`` → seconds since the epoch."""
    return int(datetime.fromisoformat(text).timestamp())


def time_of(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def series_key(look: Mapping[str, Any], name: str) -> SeriesKey:
    """Under which the history keeps a measurement of ``look``."""
    return (*_target(look), printable(name, _NAME_LENGTH))


def _open(report: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    return [f for f in report["findings"] if _is_open(f)]


def _is_open(finding: Mapping[str, Any]) -> bool:
    return finding["state"] != RESOLVED and finding["severity"] != OK and not is_closing(finding)


def _target(of: Mapping[str, Any]) -> Target:
    return printable(of["host"], _NAME_LENGTH), printable(of["target"], _NAME_LENGTH)


def _key(finding: Mapping[str, Any]) -> Key:
    return (*_target(finding), finding["check"], finding["subject"])


def _seen(report: Mapping[str, Any]) -> Dict[Target, Optional[frozenset]]:
    seen: Dict[Target, Optional[frozenset]] = {}
    for look in report["measurements"]:
        host, target = _target(look)
        seen[host, target] = None if look["checks"] is None else frozenset(look["checks"])
        # A host that answered at all is reachable again.
        seen.setdefault((host, host), frozenset(["host.reachable"]))
    return seen


def _since(report: Mapping[str, Any], finding: Mapping[str, Any], known: Mapping[Key, State]) -> Optional[str]:
    state = known.get(_key(finding))
    if state:
        return time_of(min(state.since, seconds_of(report["started"])))
    return report["started"] if _is_open(finding) else None


def _changes(report: Mapping[str, Any], past: Past, known: Mapping[Key, State]) -> Dict[str, Any]:
    """Against what was open before; empty lists at the first run, when there is nothing to compare with."""
    changes: Dict[str, Any] = {"last_run": None, "status_then": None, "new": [], "gone": [], "worse": [], "better": []}
    if past.last_run is None:
        return changes
    changes.update(last_run=time_of(past.last_run.started), status_then=past.last_run.status)
    for finding in _open(report):
        state = known.get(_key(finding))
        if state is None:
            changes["new"].append(_brief(finding, None))
        elif state.severity != finding["severity"]:
            worse = rank(finding["severity"]) > rank(state.severity)
            changes["worse" if worse else "better"].append(_brief(finding, state))
    for state in record(report).ended(past.states):
        changes["gone"].append(dict(_brief(state._asdict(), state), severity=OK))
    return changes


def _brief(finding: Mapping[str, Any], state: Optional[State]) -> Dict[str, Any]:
    brief = {name: finding[name] for name in ("host", "target", "check", "subject", "severity")}
    brief["severity_before"] = state.severity if state else None
    brief["since"] = time_of(state.since) if state else finding["since"]
    return brief


def _trends(report: Mapping[str, Any], series: Mapping[SeriesKey, Sequence[Slot]]) -> List[Dict[str, Any]]:
    """Of every gauge that has a past; those that meet their limit soonest come first."""
    now = seconds_of(report["started"])
    by_target: Dict[Target, List[Mapping[str, Any]]] = {}
    for finding in report["findings"]:
        by_target.setdefault(_target(finding), []).append(finding)
    answer = []
    for look in report["measurements"]:
        host, target = _target(look)
        for name, value in look["now"].items():
            slots = series.get(series_key(look, name), ())
            if slots and is_gauge(name):
                points = [(slot.at, slot.value) for slot in slots] + [(now, value)]
                judged = _trend(name, value, points, by_target.get((host, target), ()), now)
                answer.append(dict(judged, host=look["host"], target=look["target"]))
    answer.sort(key=lambda t: (t["days_left"] is None, t["days_left"] or 0, t["host"], t["target"], t["name"]))
    return answer


def _trend(
    name: str, value: float, points: Sequence[Point], findings: Sequence[Mapping[str, Any]], now: float
) -> Dict[str, Any]:
    line = trend(points)
    limits = limits_of(name, findings)
    limit = limits.next_one(value) if limits else None
    week, week_before = weeks(points, now)
    return {
        "name": name,
        "unit": unit_of(name),
        "now": value,
        "per_day": line.per_day if line else None,
        "limit": limit,
        "limit_is_default": limits.default if limits and limit is not None else None,
        "days_left": days_until(line, limit, limits.higher_is_worse) if limits else None,
        "week": week,
        "week_before": week_before,
    }
