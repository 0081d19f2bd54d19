# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent to a channel, who wants it, and what an answer means. Nothing here sends.

The texts come from many hosts: secrets are masked, and in no channel do they become a link, a mention or markup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from .._errors import InputError
from .escalation import LEVELS
from .finding import OK, WARNING, Finding
from .secrets import MASK, mask
from .text import printable

SLACK, TEAMS, EMAIL, PAGERDUTY, WEBHOOK = "slack", "teams", "email", "pagerduty", "webhook"
KINDS = (SLACK, TEAMS, EMAIL, PAGERDUTY, WEBHOOK)
NEVER, TRY, STARTTLS, ALWAYS = "never", "try", "starttls", "always"
SECURE = (ALWAYS, NEVER, STARTTLS, TRY)

OPENED, UPDATED, CLOSED = "opened", "updated", "closed"

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
_PAGERDUTY_SEVERITY = dict(zip(LEVELS, ("critical", "error", "warning", "info")))

# What the channels show or take at most; all count characters but Teams, whose 28 kB hold this with room to spare.
_TITLE = 150
_TEXT = {SLACK: 3500, TEAMS: 5000, EMAIL: 100000, PAGERDUTY: 5000, WEBHOOK: 20000}
_SUMMARY = 1000  # of PagerDuty: 1024
_KEY = 255
_LEAST_SECRET = 8  # characters of a part of an address; a shorter one may be any word

# The answer may be another in a moment.
_TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
_MOST_WAIT = 3600.0


@dataclass(frozen=True)
class Message:
    """``incident`` ties messages together, ``event`` says whether it begins, goes on or is over."""

    incident: str
    event: str
    severity: str
    title: str
    text: str = ""
    link: str = ""
    source: str = ""

    @property
    def heading(self) -> str:
        state = {CLOSED: "closed: ", UPDATED: "update: "}.get(self.event, "")
        return printable("[{0}] {1}{2}".format(self.severity, state, mask(self.title)), _TITLE)

    def lines(self, limit: int) -> List[str]:
        """Printable ones; of what is too long the beginning."""
        whole = mask(self.text[: limit * 4])
        if len(whole) > limit:
            whole = whole[: limit - 1] + "…"
        return [printable(line, limit) for line in whole.splitlines() if line.strip()]


@dataclass(frozen=True)
class Channel:
    """``url`` and ``token`` are secrets: who has the address of a webhook can write there."""

    name: str
    kind: str
    min_severity: str
    url: str = ""
    token: str = ""
    host: str = ""
    port: int = 0
    secure: str = TRY
    username: str = ""
    password: str = ""
    sender: str = ""
    to: Tuple[str, ...] = ()
    ca_certs: str = ""

    def wants(self, severity: str) -> bool:
        return LEVELS.index(severity) <= LEVELS.index(self.min_severity)

    def hushed(self, text: object) -> str:
        """What somebody else says, without the secrets of this channel and without any other."""
        told = str(text)
        parts = urlsplit(self.url)
        pieces = [piece for piece in re.split(r"[/&=]", parts.path + "/" + parts.query) if len(piece) >= _LEAST_SECRET]
        for secret in (self.url, parts.path if len(parts.path) > 1 else "", *pieces, self.token, self.password):
            if secret:
                told = told.replace(secret, MASK)
        return printable(mask(told), 200)


def parse_channel(given: Mapping[str, Any]) -> Channel:
    """Raises ``InputError`` where nothing could be sent."""
    place = "The channel '{0}'".format(printable(given["name"], 80))
    kind, least = given["kind"], given["min_severity"]
    if kind not in KINDS:
        raise InputError("{0} is of no known kind.".format(place), "Use one of {0}.".format(", ".join(KINDS)))
    if least not in LEVELS:
        raise InputError("{0} has no such min_severity.".format(place), "Use one of {0}.".format(", ".join(LEVELS)))
    url = given["url"] or (PAGERDUTY_URL if kind == PAGERDUTY else "")
    if kind == EMAIL:
        _require_mail(place, given)
    elif not re.match(r"(?i)https?://[^/\s]+", url):
        raise InputError("{0} has no url.".format(place), "Give the whole address, with https://.")
    if kind == PAGERDUTY and not given["token"]:
        raise InputError("{0} has no token.".format(place), "Give the routing key of an Events API v2 integration.")
    texts = ("token", "host", "username", "password", "sender", "ca_certs")
    return Channel(
        name=printable(given["name"], 80),
        kind=kind,
        min_severity=least,
        url=url,
        port=given["port"] or (465 if given["secure"] == ALWAYS else 25),
        secure=given["secure"],
        to=tuple(given["to"] or ()),
        **{name: given[name] or "" for name in texts},
    )


def _require_mail(place: str, given: Mapping[str, Any]) -> None:
    if given["secure"] not in SECURE:
        raise InputError("{0} has no such 'secure'.".format(place), "Use one of {0}.".format(", ".join(SECURE)))
    addresses = [given["sender"] or "", *(given["to"] or [])]
    if len(addresses) < 2 or not all(map(_is_address, addresses)):
        raise InputError("{0} has no sender or nobody to write to.".format(place), "Give 'sender' and a list 'to'.")
    if not given["host"]:
        raise InputError("{0} has no mail server.".format(place), "Give 'host'.")


def _is_address(text: str) -> bool:
    address = parseaddr(text)[1]
    return "@" in address and text.isprintable() and not re.search(r"\s", address)


def split_channels(given: Iterable[Mapping[str, Any]], severity: str) -> Tuple[List[Channel], Dict[str, str]]:
    """The channels that want it, and why others that may have wanted it cannot have it, by name."""
    usable: List[Channel] = []
    wrong: Dict[str, str] = {}
    for one in given:
        try:
            channel = parse_channel(one)
        except InputError as error:
            wrong[printable(one["name"], 80)] = error.text
        else:
            if channel.wants(severity):
                usable.append(channel)
    return usable, wrong


def body_of(channel: Channel, message: Message) -> Dict[str, Any]:
    """What is posted, as JSON."""
    made = {SLACK: _slack, TEAMS: _teams, PAGERDUTY: _pagerduty, WEBHOOK: _webhook}
    return made[channel.kind](channel, message)


def _slack(channel: Channel, message: Message) -> Dict[str, Any]:
    """``text`` alone is understood by everything that calls itself compatible with Slack."""
    lines = ["*{0}*".format(_slack_text(message.heading)), *map(_slack_text, message.lines(_TEXT[SLACK]))]
    if message.link:
        lines.append("<{0}>".format(_slack_text(printable(message.link)).replace("|", "%7C")))
    return {"text": "\n".join(lines)}


def _slack_text(text: str) -> str:
    """Slack's own three characters; and nobody is called by ``@here`` where a name suffices for that."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u2060")


def _teams(channel: Channel, message: Message) -> Dict[str, Any]:
    """An Adaptive Card, the only thing that the webhooks of Workflows take. A rich text block knows no Markdown."""
    body: List[Dict[str, Any]] = [_rich(message.heading, weight="Bolder", size="Medium")]
    body += [_rich(line) for line in message.lines(_TEXT[TEAMS])]
    card: Dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Look at it", "url": message.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _rich(text: str, **style: str) -> Dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [dict(style, type="TextRun", text=text)]}


def _pagerduty(channel: Channel, message: Message) -> Dict[str, Any]:
    """Events API v2. The incident is the key, so that its end resolves what its beginning triggered."""
    lines = message.lines(_TEXT[PAGERDUTY])
    event: Dict[str, Any] = {
        "routing_key": channel.token,
        "event_action": "resolve" if message.event == CLOSED else "trigger",
        "dedup_key": message.incident[:_KEY],
        "payload": {
            "summary": printable(" ".join([message.heading, *lines[:1]]), _SUMMARY),
            "source": printable(message.source or "analytics.ops", _KEY),
            "severity": _PAGERDUTY_SEVERITY[message.severity],
            "custom_details": {"text": "\n".join(lines)},
        },
        "client": "analytics.ops",
    }
    if message.link:
        event["links"] = [{"href": message.link, "text": "Look at it"}]
    return event


def _webhook(channel: Channel, message: Message) -> Dict[str, Any]:
    return {
        "incident": message.incident,
        "event": message.event,
        "severity": message.severity,
        "title": printable(mask(message.title), _TITLE),
        "text": "\n".join(message.lines(_TEXT[WEBHOOK])),
        "link": message.link,
        "source": message.source,
    }


def mail_of(channel: Channel, message: Message) -> Tuple[Dict[str, str], str]:
    """The headers and the body. All mails of one incident are one thread."""
    thread = "<{0}@analytics-ops>".format(re.sub(r"[^\w.-]", "_", message.incident))
    headers = {
        "From": channel.sender,
        "To": ", ".join(channel.to),
        "Subject": message.heading,
        "References": thread,
        "In-Reply-To": thread,
        "Auto-Submitted": "auto-generated",
    }
    return headers, "\n".join([*message.lines(_TEXT[EMAIL]), *([message.link] if message.link else [])]) + "\n"


@dataclass(frozen=True)
class Answer:
    """``reason`` is empty when it was taken. ``wait`` is what the other side asks for before it is tried again."""

    reason: str = ""
    again: bool = False
    wait: float = 0.0


def judge_answer(status: int, retry_after: Optional[str], said: str) -> Answer:
    if 200 <= status < 300:
        return Answer()
    text = "HTTP status {0}{1}".format(status, ": " + said if said else "")
    return Answer(text, status in _TRANSIENT, _seconds(retry_after))


def _seconds(text: Optional[str]) -> float:
    """A date instead of a number, which the standard allows, is taken for no wish."""
    return min(float(text), _MOST_WAIT) if text and re.fullmatch(r"[0-9]{1,6}", text.strip()) else 0.0


@dataclass(frozen=True)
class Delivery:
    channel: str
    reason: str = ""
    tries: int = 1

    @property
    def sent(self) -> bool:
        return not self.reason

    def as_dict(self) -> Dict[str, Any]:
        return {"sent": self.sent, "reason": self.reason, "tries": self.tries}


def findings(deliveries: Iterable[Delivery]) -> List[Finding]:
    return [
        Finding(
            "incident.channel",
            one.channel,
            OK if one.sent else WARNING,
            "It was told." if one.sent else "It was not told: {0}".format(one.reason),
            advice="" if one.sent else "Tell them by another way, and mend the channel.",
        )
        for one in deliveries
    ]
