# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one line of a log says of itself: when it was written, and how bad it is.

Understood are ISO dates (also with ``/``, in brackets, after a level or a key such as ``time=``), syslog (RFC 3164,
which has no year, and RFC 5424), Redis, ``asctime``, access logs, seconds since the epoch, and JSON lines with a key
such as ``timestamp``. A time without a zone is local time of the host, or UTC, as the ``Clock`` says.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Callable, FrozenSet, List, NamedTuple, Optional, Pattern

from .log_groups import FIGURES

EMERGENCY, CRITICAL, ERROR, WARNING = "emergency", "critical", "error", "warning"
LEVELS = (EMERGENCY, CRITICAL, ERROR, WARNING)

# A level stands near the start of its line; further on, words such as ERROR are part of what is told.
HEAD, _JSON_HEAD = 400, 16384
# Behind one of these a level is the first one for sure: no way to write one reaches over it.
BLANK = (b" ", b"\t")

_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
# What may stand before an ISO date: '[', '"', 'INFO:', 'time="', '<34>1 ', 'api-1 | '; never white space at the start.
_BEFORE = rb"(?![ \t])[A-Za-z_@\[\]=\"<>:(|.\- \d]{0,32}?"
_ISO = rb"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d"
_AFTER = rb"(?:[.,]\d{1,9})?(?: ?(?:Z\b|[+-]\d\d:?\d\d|[A-Z]{3,4}\b(?=[ \]])))?[\])\"]*[ \t]*"
_SYSLOG = rb"(?:<\d{1,3}>)?" + _MONTH + rb" [ \d]\d \d\d:\d\d:\d\d"
_REDIS = rb"\d{1,8}:[XCSM] \d\d " + _MONTH + rb" \d{4} \d\d:\d\d:\d\d"
_ASCTIME = rb"\[?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) " + _MONTH + rb" [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? \d{4}"
_EPOCH = rb"\[?1\d{9}(?:\.\d{1,9})?(?=[\]\s])"
_CLF = rb"[^\[\n\"]{1,200}\[\d\d/" + _MONTH + rb"/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"

_TEXT_TIME = rb"(?:" + _BEFORE + _ISO + b"|" + b"|".join((_SYSLOG, _REDIS, _ASCTIME, _EPOCH, _CLF)) + b")" + _AFTER
TIMED = re.compile(rb"(?:" + _TEXT_TIME + rb"|\{\s?\")")  # where an entry begins, in a log that tells times
CONTINUED = re.compile(  # and where none does, in one that tells none
    rb"[ \t\r\n]|\Z|Traceback \(most|During handling of|The above exception|Caused by: |\.\.\. \d+ more|\}"
    rb"|(?:[A-Za-z_][\w]{0,60}\.){0,8}[A-Za-z_]\w{0,60}(?:Error|Exception|Exit|Interrupt|Warning)\b(?:[:\r\n]|\Z)"
)

_ISO_PARTS = re.compile(
    rb"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:]))?"
)
_SYSLOG_PARTS = re.compile(rb"(?:<\d{1,3}>)?(" + _MONTH + rb") ([ \d]\d) (\d\d):(\d\d):(\d\d)")
_REDIS_PARTS = re.compile(rb"\d{1,8}:[XCSM] (\d\d) (" + _MONTH + rb") (\d{4}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")
_ASCTIME_PARTS = re.compile(
    rb"\[?[MTWFS][a-z]{2} (" + _MONTH + rb") ([ \d]\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? (\d{4})"
)
_EPOCH_PARTS = re.compile(rb"\[?(1\d{9}(?:\.\d{1,9})?)(?=[\]\s])")
_CLF_PARTS = re.compile(rb"[^\[\n\"]{1,200}\[(\d\d)/(" + _MONTH + rb")/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]")
_JSON_TIME = re.compile(
    rb"\"(?:@?timestamp|time|ts|@t|asctime|date|datetime|eventTime|time_local|time_iso8601|t)\"\s*:\s*"
    rb"(?:\"(?=\d{4}[-/])|\"?(1\d{9})(\d{3})?(?:\.(\d{1,9}))?\b)"
)

_BAD = rb"emerg(?:ency)?|alert|panic|fatal|crit(?:ical)?|severe|err(?:or)?|warn(?:ing)?"
_OTHER = rb"notice|info(?:rmation)?|debug\d?|trace|log|statement|detail|hint|context|query|verbose|fine"
_WORDS = _BAD + b"|" + _OTHER
LEVEL = re.compile(
    rb"(?<![\w.])(" + _WORDS.upper().replace(rb"\D", rb"\d") + rb")(?![\w])"
    rb"|\[(?:[\w.]{1,40}:)?((?i:" + _WORDS + rb"))\]"
    rb"|(?<![\w.])(?i:level|lvl|severity|levelname)=[\"']?((?i:" + _WORDS + rb"))\b"
    rb"|(?:\A|(?<=[\]:|\s]))((?i:" + _WORDS + rb")):(?!\S)"
    rb"|(?<=\d )(#) "
)
_STYLES = (None, "upper", "bracket", "key", "colon", "redis")
_JSON_LEVEL = re.compile(
    rb"(?i)\"(?:log\.)?(level|severity|levelname|lvl|loglevel|level_name|log_level|severity_text|priority|@l)\"\s*:\s*"
    rb"(?:\"([a-z]{1,20})\"|\"?(\d{1,2})\b)"
)
_CANONICAL = {
    **dict.fromkeys((b"emerg", b"emergency", b"alert", b"panic"), EMERGENCY),
    **dict.fromkeys((b"fatal", b"crit", b"critical", b"severe"), CRITICAL),
    **dict.fromkeys((b"err", b"error"), ERROR),
    **dict.fromkeys((b"warn", b"warning", b"#"), WARNING),
}
_MESSAGE = re.compile(rb"\"(?:message|msg|event|@m|@mt|log|error)\"\s*:\s*\"((?:[^\"\\\n]|\\.){1,400})")

TRACEBACK = b"Traceback (most recent call last)"
_CHAINED = (b"During handling of", b"The above exception")


class Clock(NamedTuple):
    """``now`` in seconds since the epoch; ``local`` turns a wall clock's time, read as if it were UTC, into the real
    one."""

    now: float
    local: Callable[[float], float] = float


class Sight(NamedTuple):
    """What samples of a log show: whether its entries tell the time, and how they write their level."""

    timed: bool
    styles: FrozenSet[str]

    def begins(self, text: bytes, position: int) -> bool:
        """Whether an entry begins with the line at ``position``."""
        if self.timed:
            return TIMED.match(text, position) is not None
        return CONTINUED.match(text, position) is None


def sight_of(samples: List[bytes]) -> Sight:
    timed, styles = False, set()
    known, length = set(), 0  # beginnings that tell a level, with figures as 0: most lines have one of a few
    for sample in samples:
        for line in sample.split(b"\n")[:2000]:
            timed = timed or TIMED.match(line) is not None
            if line[:1] == b"{":
                styles.add("json")
            elif line[:length].translate(FIGURES) not in known:
                found = LEVEL.search(line, 0, HEAD)
                if found:
                    styles.add(_STYLES[found.lastindex])
                    if line[found.start() - 1 : found.start()] in BLANK:  # nothing behind it could change that
                        length = max(length, found.end() + 1)
                        known.add(line[:length].translate(FIGURES))
    return Sight(timed, frozenset(styles))


def time_of(line: bytes, clock: Clock) -> Optional[float]:
    """When the entry that begins with ``line`` was written, in seconds since the epoch; ``None`` if it does not say."""
    try:
        return _time_of(line, clock)
    except ValueError:  # the 31st of February
        return None


def _time_of(line: bytes, clock: Clock) -> Optional[float]:
    if line[:1] == b"{":
        return _json_time(line, clock)
    if not TIMED.match(line):
        return None
    found = _SYSLOG_PARTS.match(line)
    if found:
        return _without_year(found, clock)
    found = _REDIS_PARTS.match(line)
    if found:
        day, month, year, hour, minute, second, part = found.groups()
        return clock.local(_seconds(year, _MONTHS[month], day, hour, minute, second, part))
    found = _ASCTIME_PARTS.match(line)
    if found:
        month, day, hour, minute, second, part, year = found.groups()
        return clock.local(_seconds(year, _MONTHS[month], day, hour, minute, second, part))
    found = _EPOCH_PARTS.match(line)
    if found:
        return float(found.group(1))
    found = _CLF_PARTS.match(line)
    if found:
        day, month, year, hour, minute, second, zone = found.groups()
        return _seconds(year, _MONTHS[month], day, hour, minute, second, None) - _offset(zone)
    return _iso_time(line, 0, clock)


def _json_time(line: bytes, clock: Clock) -> Optional[float]:
    found = _JSON_TIME.search(line, 0, _JSON_HEAD)
    if not found:
        return None
    if found.group(1):
        part = found.group(2) or found.group(3) or b"0"
        return int(found.group(1)) + float(b"0." + part)
    return _iso_time(line, found.end(), clock)


def _iso_time(line: bytes, position: int, clock: Clock) -> Optional[float]:
    found = _ISO_PARTS.search(line, position, position + 120)
    if not found:
        return None
    year, month, day, hour, minute, second, part, zone = found.groups()
    seconds = _seconds(year, int(month), day, hour, minute, second, part)
    return clock.local(seconds) if zone is None else seconds - _offset(zone)


def _without_year(found: re.Match[bytes], clock: Clock) -> float:
    """Of this year, or of the last one where it would lie more than a day ahead."""
    month, day, hour, minute, second = found.groups()
    year = datetime.fromtimestamp(clock.now + 86400, timezone.utc).year
    for candidate in (year, year - 1):
        try:
            told = clock.local(_seconds(candidate, _MONTHS[month], day, hour, minute, second, None))
        except ValueError:  # the 29th of February of another year
            continue
        if told <= clock.now + 86400:
            return told
    raise ValueError("no year fits")


def _seconds(year, month, day, hour, minute, second, part) -> float:  # type: ignore[no-untyped-def]
    whole = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=timezone.utc)
    return whole.timestamp() + (float(b"0." + part) if part else 0.0)


def _offset(zone: bytes) -> float:
    if zone[:1] not in (b"+", b"-"):
        return 0.0
    digits = zone[1:].replace(b":", b"")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:])).total_seconds()
    return -size if zone[:1] == b"-" else size


def level_of(text: bytes, start: int, end: int) -> Optional[str]:
    """The level of the entry whose first line is ``text[start:end]``, if it is ``warning`` or worse."""
    if text[start : start + 1] == b"{":
        found = _JSON_LEVEL.search(text, start, min(end, start + _JSON_HEAD))
        if found:
            key, word, number = found.groups()
            return _CANONICAL.get(word.lower()) if word else _numbered(key.lower(), int(number))
        if not text.startswith(b'{"log":"', start):  # as Docker keeps what a container prints
            return None
        start += 8
    found = LEVEL.search(text, start, min(end, start + HEAD))
    return _CANONICAL.get(found.group(found.lastindex).lower()) if found else None


def _numbered(key: bytes, number: int) -> Optional[str]:
    """Syslog's priorities count down to 0, the levels of pino and bunyan up to 60."""
    if key == b"priority":
        return (EMERGENCY, EMERGENCY, CRITICAL, ERROR, WARNING)[number] if number < 5 else None
    if number >= 60:
        return CRITICAL
    return ERROR if number >= 50 else WARNING if number >= 40 else None


def message_of(line: bytes) -> bytes:
    """The entry's first line without its time; of a JSON line its message."""
    if line[:1] == b"{":
        found = _MESSAGE.search(line, 0, _JSON_HEAD)
        return found.group(1) if found else line
    position = 0
    for _time in range(2):  # a journal or a container puts its own time before that of the service
        found = None if line.startswith(b"{", position) else TIMED.match(line, position)
        position = found.end() if found else position
    return line[position:]


def is_chained(line: bytes) -> bool:
    """Whether the traceback after ``line`` belongs to the one before it."""
    return line.startswith(_CHAINED)


def needles(levels: FrozenSet[str], styles: FrozenSet[str]) -> List[bytes]:
    """Words of which every line of these levels, written in upper case, has one."""
    if styles and "upper" not in styles and "json" not in styles:
        return []
    words = {
        EMERGENCY: (b"EMERG", b"ALERT", b"PANIC"),
        CRITICAL: (b"FATAL", b"CRIT", b"SEVERE"),
        ERROR: (b"ERR",),
        WARNING: (b"WARN",),
    }
    return [word for level in LEVELS if level in levels for word in words[level]]


def expressions(levels: FrozenSet[str], styles: FrozenSet[str]) -> List[Pattern[bytes]]:
    """The same for levels that are written in other ways: what no single word gives away."""
    words = {
        EMERGENCY: rb"emerg(?:ency)?|alert|panic",
        CRITICAL: rb"fatal|crit(?:ical)?|severe",
        ERROR: rb"err(?:or)?",
        WARNING: rb"warn(?:ing)?",
    }
    wanted = b"(?i:" + b"|".join(words[level] for level in LEVELS if level in levels) + b")"
    ways = {
        "bracket": rb"\[(?:[\w.]{1,40}:)?" + wanted + rb"\]",
        "key": rb"=(?:(?<=level=)|(?<=lvl=)|(?<=severity=)|(?<=levelname=)|(?<=LEVEL=)|(?<=Level=))[\"']?" + wanted,
        "colon": rb"(?:^|(?<=[\]:|\s]))" + wanted + rb":(?!\S)",
        "json": rb":\s?(?:\"" + wanted + rb"\"|\"?[4-6]0\b|\"?[0-4]\b)",
    }
    chosen = [re.compile(way, re.M) for style, way in ways.items() if style in styles or not styles]
    if WARNING in levels and (not styles or "redis" in styles):
        chosen.append(re.compile(rb"#(?<=\d #) "))
    return chosen
