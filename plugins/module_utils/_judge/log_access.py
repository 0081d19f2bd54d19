# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts what an access log holds: who asked, what was answered, how soon, and what looks like an attack.

Understood are the combined and the common format of nginx and Apache, with the request's time in seconds (``0.123``,
``rt=0.123``) anywhere behind, JSON lines with the usual keys, and an expression of one's own with named groups.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Pattern, Tuple

from .log_patterns import LINE_LIMIT, Search
from .log_summary import Summary
from .log_tally import Job, Tally
from .log_words import Sample

_KEEP = 20000
_CACHE = 20000
_STEP = math.log(1.02)  # percentiles are exact to two per cent
_TEXT_LIMIT = 300

_COMBINED = re.compile(
    rb"^([^\s\"]{1,100}) [^\n\[]{1,200}\[[^\]\n]{10,40}\] \"([^\"\\\n]*(?:\\.[^\"\\\n]*)*)\" (\d{3}) (?:\d+|-)"
    rb"(?: \"[^\"\\\n]*(?:\\.[^\"\\\n]*)*\" \"[^\"\\\n]*(?:\\.[^\"\\\n]*)*\")?([^\n]*)$",
    re.M,
)
_SECONDS = re.compile(rb"(?:^|[\s=\"])(\d{1,7}\.\d{1,9})(?=[\s\",;]|$)")
_KEYS: Dict[str, Tuple[str, ...]] = {
    "client": ("remote_addr", "client_ip", "client", "remote_ip", "clientip", "remoteAddr", "ip", "client_addr"),
    "request": ("request", "request_uri", "uri", "path", "url", "RequestPath"),
    "status": ("status", "status_code", "code", "response_code", "DownstreamStatus"),
    "seconds": ("request_time", "duration", "response_time", "latency", "rt", "elapsed"),
}
_ATTACKS = re.compile(
    rb"(?i)(?P<traversal>\.\./|\.\.%2f|%2e%2e|/etc/passwd|%00|\.\.\\)"
    rb"|(?P<injection>union[\s+]+(?:all[\s+]+)?select|union%20(?:all%20)?select|(?:'|%27)(?:\s|\+|%20)*or(?:\s|\+|%20)"
    rb"|;(?:\s|\+|%20)*drop(?:\s|\+|%20)|information_schema|sleep\(\d|<script|%3cscript|jndi:|\$%7b|\$\{)"
    rb"|(?P<scan>/\.(?:env|git|aws|ssh|svn|ht(?:access|passwd)|DS_Store)|/wp-(?:login|admin|includes|content)|/xmlrpc\.php"
    rb"|/phpmyadmin|/cgi-bin/|/phpunit|/boaform|/HNAP1|/actuator/|/server-status|/manager/html|/\w{1,40}\.(?:asp|cgi|bak)\b)"
)


class Request(NamedTuple):
    client: bytes
    request: bytes
    status: int
    seconds: Optional[float]


class Histogram:
    """Percentiles of any number of values in bounded memory."""

    def __init__(self) -> None:
        self.buckets: Counter = Counter()

    def add(self, value: float) -> None:
        self.buckets[int(math.log(max(value, 1e-6)) / _STEP) if value > 0 else -1000] += 1

    def percentile(self, share: float) -> float:
        """The value that ``share`` (0 to 1) of all values do not exceed."""
        left = share * sum(self.buckets.values())
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return 0.0 if bucket <= -1000 else math.exp((bucket + 0.5) * _STEP)
        return 0.0


def bounded(counter: Counter) -> None:
    """Keep the most frequent where there are very many."""
    if len(counter) > 2 * _KEEP:
        kept = counter.most_common(_KEEP)
        counter.clear()
        counter.update(dict(kept))


class AccessTally(Tally):
    def __init__(self) -> None:
        super().__init__()
        self.not_understood = 0
        self.statuses: Counter = Counter()
        self.times = Histogram()
        self.clients: Counter = Counter()
        self.failing: Counter = Counter()
        self.denied: Counter = Counter()
        self.attackers: Counter = Counter()
        self.attacks: Counter = Counter()
        self.answered: Counter = Counter()
        self.failing_paths: Counter = Counter()

    def merge(self, later: Tally) -> None:
        super().merge(later)
        self.not_understood += later.not_understood  # type: ignore[attr-defined]
        self.times.buckets.update(later.times.buckets)  # type: ignore[attr-defined]
        for name in self._counters():
            getattr(self, name).update(getattr(later, name))
            bounded(getattr(self, name))

    @staticmethod
    def _counters() -> Tuple[str, ...]:
        names = ("clients", "failing", "denied", "attackers", "answered", "failing_paths")
        return ("statuses", "attacks", *names)

    def summary(self, top: int) -> Summary:
        times = {"p{0:.0f}".format(100 * share): self.times.percentile(share) for share in (0.5, 0.95, 0.99)}
        timed = sum(self.times.buckets.values())
        return Summary(
            requests=sum(self.statuses.values()),
            not_understood=self.not_understood,
            statuses=dict(sorted(self.statuses.items())),
            seconds=times if timed else {},
            timed=timed,
            clients=len(self.clients),
            top_clients=_most(self.clients, top),
            top_failing=_most(self.failing, top),
            top_denied=_most(self.denied, top),
            top_attackers=_most(self.attackers, top),
            attacks=dict(sorted(self.attacks.items())),
            answered_attacks=_most(self.answered, top),
            failing_paths=_most(self.failing_paths, top),
        )


def _most(counter: Counter, top: int) -> List[Tuple[bytes, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:top]


class AccessCounting:
    """Takes the bytes of an access log in order (``feed``, then ``close``) and fills ``tally``."""

    def __init__(self, job: Job, expression: Optional[Pattern[bytes]] = None, unit: float = 1.0) -> None:
        self.tally = AccessTally()
        self._expression, self._unit = expression, unit
        self._named = Search(job.named, Sample(()))
        self._rest = b""
        self._kinds: Dict[bytes, str] = {}

    def take(self, block: bytes) -> int:
        self.feed(block)
        return len(block)

    def feed(self, block: bytes) -> None:
        self.tally.lines += block.count(b"\n")
        text = self._rest + block
        end = text.rfind(b"\n") + 1
        self._count(text[:end])
        self._rest = text[end : end + LINE_LIMIT]

    def close(self) -> None:
        if self._rest:
            self.tally.lines += 1
            self._count(self._rest)
        self._rest = b""

    def _count(self, text: bytes) -> None:
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        lines, understood = len([line for line in text.split(b"\n") if line]), 0
        tally = self.tally
        tally.first = tally.first or text[:_TEXT_LIMIT].split(b"\n")[0]
        last = text.rstrip(b"\n").rfind(b"\n") + 1
        tally.last = text[last : last + _TEXT_LIMIT] or tally.last
        for client, request, status, seconds in self._requests(text):
            understood += 1
            tally.statuses[status] += 1
            tally.clients[client] += 1
            if seconds is not None:
                tally.times.add(seconds)
            if status >= 400:
                self._failed(client, request, status)
            kind = self._kinds.get(request)
            if kind is None:
                kind = self._kind(request)
            if kind:
                tally.attacks[kind] += 1
                tally.attackers[client] += 1
                if 200 <= status < 300:
                    tally.answered[request[:_TEXT_LIMIT]] += 1
        tally.not_understood += lines - understood
        for name, starts in self._named.found(text, len(text)):
            tally.note(name, text, starts)
        for name in AccessTally._counters():
            bounded(getattr(tally, name))

    def _failed(self, client: bytes, request: bytes, status: int) -> None:
        if status < 500:
            self.tally.failing[client] += 1
            if status in (401, 403):
                self.tally.denied[client] += 1
        else:
            parts = request.split(b" ")
            self.tally.failing_paths[parts[len(parts) > 1].split(b"?")[0][:_TEXT_LIMIT]] += 1

    def _kind(self, request: bytes) -> str:
        found = _ATTACKS.search(request, 0, 4096)
        kind = (found.lastgroup or "") if found else ""
        if len(request) <= _TEXT_LIMIT:
            if len(self._kinds) >= _CACHE:
                self._kinds.clear()
            self._kinds[request] = kind
        return kind

    def _requests(self, text: bytes) -> Iterator[Request]:
        if self._expression is not None:
            for line in text.split(b"\n"):
                found = self._expression.search(line)
                one = _request(found.groupdict(), self._unit) if found else None
                if one:
                    yield one
        elif text[:1] == b"{":
            for line in text.split(b"\n"):
                one = _from_json(line, self._unit)
                if one:
                    yield one
        else:
            for client, request, status, rest in _COMBINED.findall(text):
                found = _SECONDS.search(rest) if rest else None
                yield Request(client, request, int(status), float(found.group(1)) * self._unit if found else None)


def _request(given: Mapping[str, Optional[bytes]], unit: float) -> Optional[Request]:
    status = given.get("status") or b""
    if not (len(status) == 3 and status.isdigit()):
        return None
    # Clients are kept by the thousand, and may be as long as a line.
    client = (given.get("client") or b"-")[:_TEXT_LIMIT]
    return Request(client, given.get("request") or b"", int(status), _number(given, unit))


def _number(given: Mapping[str, Any], unit: float) -> Optional[float]:
    try:
        seconds = float(given.get("seconds") or "")
    except (TypeError, ValueError):
        return None
    return seconds * unit if 0 <= seconds < 1e12 else None


def _from_json(line: bytes, unit: float) -> Optional[Request]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    found: Dict[str, bytes] = {}
    for name, keys in _KEYS.items():
        value = next((content[key] for key in keys if key in content), None)
        if isinstance(value, (str, int, float)):
            found[name] = str(value).encode("utf-8", "replace")
    return _request(found, unit)
