# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of an incident: lines that are only ever added, and what follows from them.

A line is a JSON object with the ``event`` ``opened``, ``joined``, ``entry`` or ``closed``. What is written comes from
many hosts, so it is one printable line with secrets masked; what is read may have been damaged, so nothing is taken
unseen.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from .._errors import InputError
from .escalation import LEVELS, Escalation, Rung, next_to_ask
from .finding import CRITICAL, WARNING, Finding
from .markdown_text import plain
from .plan import Step
from .secrets import mask
from .text import is_number, printable

OPENED, JOINED, ENTRY, CLOSED = "opened", "joined", "entry", "closed"
EVENTS = (OPENED, JOINED, ENTRY, CLOSED)

MOST_ENTRIES = 1000  # of one host in one call; more than that is a host that is ill or ill-meaning
_MOST_TEXT = 1000
_MOST_TOLD = 10  # services that a summary names
_LATEST = 4102444800.0  # the year 2100: no clock of ours shows more
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")

Line = Dict[str, Any]


@dataclass(frozen=True)
class Record:
    """``closed_at`` is ``None`` while the incident is open; ``damaged`` counts lines that could not be read."""

    id: str
    severity: str
    title: str
    owner: str
    opened_at: float
    closed_at: Optional[float]
    entries: Tuple[Line, ...]
    damaged: int = 0

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    def last(self, now: float) -> float:
        """When something was added; what a clock that goes ahead says does not count."""
        times = [seconds_of(entry["time"]) for entry in self.entries]
        return max([time for time in times if time <= now], default=self.opened_at)

    def escalation(self, ladder: Sequence[Rung], now: float) -> Escalation:
        if not self.is_open:
            return Escalation()
        worked_on = any(entry["event"] != OPENED for entry in self.entries)
        return next_to_ask(ladder, self.opened_at, now, [one.get("asked", "") for one in self.entries], worked_on)

    def as_dict(self) -> Dict[str, Any]:
        return {
            "id": self.id,
            "severity": self.severity,
            "title": self.title,
            "owner": self.owner,
            "opened_at": time_of(self.opened_at),
            "closed_at": None if self.closed_at is None else time_of(self.closed_at),
            "entries": len(self.entries),
        }


@dataclass(frozen=True)
class Told:
    """What the results of ``service_wave`` on all hosts say together."""

    lines: Tuple[Line, ...]
    summary: str
    is_well: bool


def time_of(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(time: str) -> float:
    """Raises ``ValueError`` for what is no time."""
    moment = datetime.fromisoformat(time.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def clean(text: object, limit: int = _MOST_TEXT) -> str:
    return printable(mask(str(text)[: limit * 4]), limit)


def valid_name(option: str, name: str) -> str:
    """It becomes a part of a file's name."""
    if not _NAME.fullmatch(name):
        raise InputError("{0} is '{1}'.".format(option, printable(name, 80)), "Use letters, digits, _, . and -.")
    return name


def new_id(name: str, now: float, taken: Iterable[str]) -> str:
    """The day and the name; the second one of a day has a number."""
    known = set(taken)
    plain = "{0}-{1}".format(time_of(now)[:10], name)
    number, chosen = 1, plain
    while chosen in known:
        number += 1
        chosen = "{0}-{1}".format(plain, number)
    return chosen


def line(event: str, time: float, who: str, **more: str) -> Line:
    """``more`` are ``host``, ``what``, ``result``, ``asked``, ``severity``, ``title``, ``owner``; empty ones are left
    out."""
    texts = {name: clean(text) for name, text in more.items() if text}
    return dict({"event": event, "time": time_of(time), "who": clean(who, 100)}, **texts)


def as_text(lines: Iterable[Line]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)


def lines_for(state: str, given: Mapping[str, Any], record: Optional[Record], seen: Told, now: float) -> List[Line]:
    """What is to be added. ``given`` are the texts: ``who``, ``severity``, ``title``, ``owner``, ``what``, ``result``,
    ``host``, ``asked``. Whatever is noted of an incident that nobody opened opens it, rather than being lost."""
    who, result = given["who"], " ".join(text for text in (seen.summary, given["result"]) if text)
    said = dict({name: given[name] or "" for name in ("what", "host", "asked")}, result=result)
    if state == OPENED and record:
        return [joining(record, now, who, given["severity"], given["what"] or given["title"] or "")]
    lines = list(seen.lines)
    if record is None and (state == OPENED or lines or any(said.values())):
        owner, what = given["owner"] or who, said["what"] if state == OPENED else ""
        named = {"severity": given["severity"], "title": given["title"] or "", "owner": owner, "what": what}
        lines.insert(0, line(OPENED, now, who, **named))
    if state == CLOSED and seen.is_well and (lines if record is None else record.is_open):
        lines.append(line(CLOSED, now, who, **said))
    elif state != OPENED and any(said.values()):
        lines.append(line(ENTRY, now, who, **said))
    return lines


def steps_of(lines: Sequence[Line], record_id: str) -> List[Step]:
    """A step for each turn of the incident; entries, which may be very many, are one."""
    actions = {OPENED: "open_incident", JOINED: "join_incident", CLOSED: "close_incident"}
    steps = [Step(actions[one["event"]], record_id, _words(one)) for one in lines if one["event"] in actions]
    entries = [one for one in lines if one["event"] == ENTRY]
    if entries:
        more = "{0} entries; the last: ".format(len(entries)) if len(entries) > 1 else ""
        steps.append(Step("note", record_id, more + _words(entries[-1])))
    return steps


def _words(one: Line) -> str:
    return ": ".join(one[name] for name in ("title", "host", "what", "result") if one.get(name))


def joining(record: Record, time: float, who: str, severity: str, what: str) -> Line:
    """Somebody goes on with an open incident, or opens a closed one again. The worse severity holds."""
    worse = min(severity, record.severity, key=LEVELS.index)
    return line(JOINED if record.is_open else OPENED, time, who, severity=worse, what=what)


def read_record(record_id: str, content: bytes) -> Optional[Record]:
    """``None`` where nothing of it tells that an incident was opened."""
    entries: List[Line] = []
    damaged = 0
    for raw in content.decode("utf-8", "replace").splitlines():
        found = _sound(raw)
        if found:
            entries.append(found)
        elif raw.strip():
            damaged += 1
    opening = next((one for one in entries if one["event"] == OPENED), None)
    if not opening:
        return None
    known = {name: opening.get(name, "") for name in ("severity", "title", "owner")}
    closed = None
    for one in entries:
        known.update({name: one[name] for name in known if name in one})
        if one["event"] == CLOSED:
            closed = seconds_of(one["time"])
        elif one["event"] == OPENED:
            closed = None
    if known["severity"] not in LEVELS:
        known["severity"] = LEVELS[0]
    in_time = sorted(entries, key=lambda one: seconds_of(one["time"]))
    return Record(
        record_id,
        opened_at=seconds_of(opening["time"]),
        closed_at=closed,
        entries=tuple(in_time),
        damaged=damaged,
        **known,
    )


def _sound(raw: str) -> Optional[Line]:
    try:
        found = json.loads(raw)
        if found["event"] in EVENTS and 0 <= seconds_of(found["time"]) <= _LATEST:
            return {str(name): printable(value, _MOST_TEXT) for name, value in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    return None


def told(results: Mapping[str, Any], lost: Iterable[str], who: str, now: float) -> Told:
    """The timelines of all hosts in one order, by the clocks of the hosts; then who fell out, then the sum of it."""
    happened: List[Tuple[float, Line]] = []
    counts: Dict[str, int] = {}
    bad: List[str] = []
    missing = sorted(map(str, lost))
    for host, result in results.items():
        if not isinstance(result, dict):
            continue
        happened += _timeline(host, result.get("timeline"), who)
        for outcome in _dicts(_values(result.get("services"))):
            name = clean(outcome.get("outcome", ""), 40)
            counts[name] = counts.get(name, 0) + 1
        for finding in _dicts(result.get("findings")):
            if finding.get("severity") in (CRITICAL, WARNING):
                bad.append("{0}: {1}".format(clean(host, 100), clean(finding.get("message", ""), 300)))
    happened.sort(key=lambda pair: pair[0])
    parts = [", ".join("{0} {1}".format(number, name) for name, number in sorted(counts.items())) or "Nothing was done"]
    parts += bad[:_MOST_TOLD]
    if len(bad) > _MOST_TOLD:
        parts.append("and {0} more".format(len(bad) - _MOST_TOLD))
    if missing:
        parts.append("Failed or out of reach: {0}".format(clean(", ".join(missing), 300)))
    gone = [
        line(ENTRY, now, who, host=host, what="host lost", result="It failed or could not be reached.")
        for host in missing
    ]
    summary = "\n".join(part.rstrip(".") + "." for part in parts)
    if not results and not missing:
        summary = ""
    return Told(tuple([entry for _time, entry in happened] + gone), summary, not bad and not missing)


def _timeline(host: str, timeline: Any, who: str) -> List[Tuple[float, Line]]:
    found = []
    for entry in _dicts(timeline)[:MOST_ENTRIES]:
        time = entry.get("time")
        if is_number(time) and 0 <= time <= _LATEST:
            what = "{0}: {1}".format(entry.get("service", ""), entry.get("event", ""))
            found.append((time, line(ENTRY, time, who, host=host, what=what, result=entry.get("message", ""))))
    return found


def _values(given: Any) -> List[Any]:
    return list(given.values()) if isinstance(given, dict) else []


def _dicts(given: Any) -> List[Dict[str, Any]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def findings(record: Record, escalation: Escalation, trouble: str) -> List[Finding]:
    """``trouble`` is why the record could not be kept; the work goes on all the same."""
    found = []
    if trouble:
        found.append(
            Finding("incident.record", record.id, WARNING, trouble, advice="Keep notes by hand until it is mended.")
        )
    if record.damaged:
        text = "{0} lines of the record cannot be read.".format(record.damaged)
        found.append(Finding("incident.record", record.id, WARNING, text, record.damaged, advice="Look at the file."))
    if escalation.overdue_seconds:
        found.append(
            Finding(
                "incident.escalation",
                record.id,
                WARNING,
                escalation.message,
                escalation.overdue_seconds,
                "seconds",
                advice="Ask them now and note it: 'asked: {0}'.".format(escalation.ask),
            )
        )
    return found


def markdown(record: Record, escalation: Escalation) -> str:
    """For a ticket."""
    state = "open" if record.closed_at is None else "closed at {0}".format(_moment(record.closed_at))
    facts = [
        "# {0}: {1}".format(record.severity, _cell(record.title or record.id)),
        "",
        "- incident: `{0}`".format(record.id),
        "- owner: {0}".format(_cell(record.owner) or "nobody"),
        "- opened at {0}, {1}".format(_moment(record.opened_at), state),
    ]
    if record.is_open:
        facts.append("- {0}".format(_cell(escalation.message)))
    rows = ["| time (UTC) | who | host | what | result |", "|---|---|---|---|---|"]
    for one in record.entries:
        what = one.get("what") or one["event"]
        if one.get("asked"):
            what = "{0} (asked: {1})".format(what, one["asked"])
        cells = [one.get("who", ""), one.get("host", ""), what, one.get("result", "")]
        rows.append("| {0} | {1} |".format(_moment(seconds_of(one["time"])), " | ".join(map(_cell, cells))))
    return "\n".join([*facts, "", *rows]) + "\n"


def _moment(seconds: float) -> str:
    return time_of(seconds)[:23].replace("T", " ")


def _cell(text: str) -> str:
    return plain(text.replace("|", "¦"), _MOST_TEXT)
