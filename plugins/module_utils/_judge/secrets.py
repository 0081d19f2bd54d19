# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hides what looks like a secret in the words of others: journals, logs, health checks, files of settings.

Only what is named like a secret, stands where one does, or has the form of one can be known for one.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Tuple

MASK = "********"  # as Ansible writes it

# Every repetition that could be tried from many places of the same text is bounded: what is read may have been written
# to keep a reader busy. What stands before a word that tells a secret is not matched at all, for it stays as it is.
_PATTERNS = (
    # password=…, "api_key": "…", Authorization: Bearer …
    r"(?i)((?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credential|session(?:[_-]?id)?|authorization|cookie)[\w.-]{0,40}[\"']?\s{0,3}(?:=>|[=:])\s{0,3}"
    r"(?:(?:bearer|basic|digest|token)\s{1,3})?)(?:\"[^\"]*\"?|'[^']*'?|[^\s\"',;&)]+)",
    r"(?i)(\bbearer\s{1,3})[\w.~+/=-]{8,}",
    # scheme://user:password@host, whatever a password may hold
    r"(://[^\s:/@]{0,64}:)[^\s@]{1,256}(?=@)",
    r"()(?:(?<![\w-])eyJ[\w-]{8,}|(?<=-)eyJ[\w-]{8,500})\.[\w-]{8,}(?:\.[\w-]*)?",
    r"()\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\b(?:ghp|gho|ghs|glpat|sk|xox[abp])[_-][\w-]{16,}",
)


@cache
def _expressions(of: type) -> Tuple[Any, ...]:
    """For texts or for bytes, compiled once they are needed."""
    return tuple(re.compile(pattern if of is str else pattern.encode("ascii")) for pattern in _PATTERNS)


# Without one of these there is nothing to mask; looking for them is quick, and most lines have none.
_HINTS = (b"passw", b"passphrase", b"pwd", b"secret", b"token", b"key", b"credential", b"session", b"authorization")
_HINTS += (b"cookie", b"bearer", b"://", b"eyj", b"akia", b"asia", b"ghp", b"gho", b"ghs", b"glpat")
_HINTS += (b"sk-", b"sk_", b"xox")


def mask(text: str) -> str:
    for secret in _expressions(str):
        text = secret.sub(r"\1" + MASK, text)
    return text


def mask_bytes(line: bytes) -> bytes:
    """The same of a line as it was read; quick where there is nothing to hide."""
    lower = line.lower()
    if any(hint in lower for hint in _HINTS):
        for secret in _expressions(bytes):
            line = secret.sub(rb"\1" + MASK.encode("ascii"), line)
    return line


# Words of a name whose value is a secret, wherever they stand in it; and those that say so only where they end it.
_ANYWHERE = (
    "passw",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "apikey",
    "authorization",
    "cookie",
    "webhook",
)
_AT_THE_END = frozenset(("auth", "dsn", "hmac", "jwt", "key", "keys", "pass", "pat", "pin", "salt", "sas", "session"))
_PAIRS = re.compile(r"(?:api|access|private|secret|session)_(?:key|id)")
_JOINED = re.compile(
    r"(?:require|db|user|root|admin|login|smtp|mail)pass$|masterauth$|(?:account|api|access|shared)key$"
)
# Where a web server passes a request on to.
_PASSED_ON = re.compile(r"(?:^|\.)(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass$")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORDS = re.compile(r"[^a-z0-9]+")
# A number that somebody drew: nothing that people write is so long without a break.
_DRAWN = re.compile(r"[A-Za-z0-9]{20,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9+/_-]{28,}={0,2}")
# Where a file with a secret lies is no secret, as long as its name says that it is a place or might be one.
_PLACE = re.compile(r"/(?:[\w.@-]{1,100}/)+[\w.@-]{0,100};?")
_PLACES = frozenset(("file", "path", "dir", "directory", "key", "keys"))
_LONGEST = 4000  # what is longer nobody reads, and it may have been written to keep a reader busy
_REDIS_USER = re.compile(r"(?:^|\s)>[^\s=]")  # … on >password ~*
_PLAIN = re.compile(r"(?i)true|false|on|off|yes|no|none|null|[-+]?[\d.,]+[a-z%]{0,5}|\$.*|[~.]?/.*|(?:file|https?):.*")


@lru_cache(1000)  # of a list the same name comes with every value
def names_secret(name: str) -> bool:
    """Whether a setting of this name had better not be shown; of a dotted path every part counts."""
    if _PASSED_ON.search(name):
        return False
    for part in name.split("."):
        plain = _WORDS.sub("_", _CAMEL.sub("_", part).lower()).strip("_")
        if any(word in plain for word in _ANYWHERE) or _PAIRS.search(plain) or _JOINED.search(plain):
            return True
        if plain.rpartition("_")[2].rstrip("0123456789") in _AT_THE_END:
            return True
    return False


def looks_drawn(text: str) -> bool:
    """Whether there is something in it that only a machine writes: a key, a hash, a token."""
    for found in _DRAWN.finditer(text):
        run = found.group(0)
        digits = sum(character.isdigit() for character in run)
        cases = any(c.isupper() for c in run) + any(c.islower() for c in run)
        if digits >= 3 and (cases == 2 or (cases == 1 and run.replace("-", "").isalnum())):
            return True
    return False


def is_secret(name: str, value: str) -> bool:
    """Whether the value of a setting had better not be shown. In doubt it is hidden: that costs a look, no more."""
    if (
        len(value) > _LONGEST
        or looks_drawn(value)
        or "PRIVATE KEY-----" in value
        or _REDIS_USER.search(value)
        or mask(value) != value
    ):
        return True
    if names_secret(name):
        return not (_PLACE.fullmatch(value) and _last_word(name) in _PLACES)
    words = re.findall(r"[\w-]{3,40}", value)
    return len(words) > 1 and any(names_secret(word) for word in words[:-1])


def holds_secret(name: str, value: str) -> bool:
    """Whether it really holds one, so that nobody else should read it. In doubt it does not: it would be an alarm."""
    if "PRIVATE KEY-----" in value or re.search(r"://[^\s:/@]{0,64}:[^\s@$]{1,256}@", value):
        return True
    last = _last_word(name)
    if len(value) < 4 or _PLAIN.fullmatch(value) or _PASSED_ON.search(name) or len(value.split()) != 1:
        return False
    if last in ("key", "keys", "salt", "auth"):
        return looks_drawn(value)
    return last in ("passwd", "pwd", "secret", "token", "masterauth") or last.endswith(
        ("password", "passphrase", "pass")
    )


def _last_word(name: str) -> str:
    return _WORDS.split(_CAMEL.sub("_", name.rpartition(".")[2]).lower())[-1]
