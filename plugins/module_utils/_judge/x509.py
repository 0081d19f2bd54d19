# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the few fields of a certificate (X.509, DER) that operators ask for, without a library.

The standard library tells them only of certificates that it found valid; the interesting ones are not.
"""

from __future__ import annotations

import calendar
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Iterator, List, Tuple

_COMMON_NAME, _ALTERNATIVE_NAMES = b"\x55\x04\x03", b"\x55\x1d\x11"
_OID, _UTC_TIME, _VERSION, _EXTENSIONS = 0x06, 0x17, 0xA0, 0xA3
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87

Value = Tuple[int, bytes]


@dataclass(frozen=True)
class Certificate:
    """``subject`` and ``issuer`` are common names (or whatever stands last in the name), ``names`` the hosts it is
    made out to, ``not_before`` and ``not_after`` seconds since 1970."""

    subject: str
    issuer: str
    not_before: float
    not_after: float
    names: Tuple[str, ...]
    self_issued: bool


def read_certificate(der: bytes) -> Certificate:
    """Raises ``ValueError`` for what is no certificate."""
    try:
        fields = _inner(_inner(_inner(der)[0][1])[0][1])
        if fields[0][0] == _VERSION:
            fields = fields[1:]
        issuer, validity, subject = fields[2][1], _inner(fields[3][1]), fields[4][1]
        names = tuple(name for tag, value in fields[6:] if tag == _EXTENSIONS for name in _names(value))
        common = _common_name(subject)
        return Certificate(
            common or (names[0] if names else ""),
            _common_name(issuer),
            _seconds(*validity[0]),
            _seconds(*validity[1]),
            names or ((common,) if common else ()),
            issuer == subject,
        )
    except IndexError:
        raise ValueError("no certificate") from None


def _inner(content: bytes) -> List[Value]:
    """The values, each with its tag, that stand one after the other in ``content``."""
    found, at = [], 0
    while at < len(content):
        tag, length, at = content[at], content[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(content[at : at + size], "big"), at + size
        if at + length > len(content):
            raise ValueError("a value is longer than what it stands in")
        found.append((tag, content[at : at + length]))
        at += length
    return found


def _common_name(name: bytes) -> str:
    """Of a distinguished name, which is a sequence of sets of (attribute, value)."""
    pairs = [_inner(pair) for _set, content in _inner(name) for _sequence, pair in _inner(content)]
    texts = [(pair[0][1], pair[1][1].decode("utf-8", "replace")) for pair in pairs]
    return next((text for attribute, text in texts if attribute == _COMMON_NAME), texts[-1][1] if texts else "")


def _names(extensions: bytes) -> Iterator[str]:
    for _sequence, extension in _inner(_inner(extensions)[0][1]):
        values = _inner(extension)
        if values[0] == (_OID, _ALTERNATIVE_NAMES):
            for tag, value in _inner(_inner(values[-1][1])[0][1]):
                if tag == _DNS_NAME:
                    yield value.decode("ascii", "replace")
                elif tag == _IP_ADDRESS:
                    yield str(ip_address(value))


def _seconds(tag: int, value: bytes) -> float:
    text = value.decode("ascii", "replace")
    if tag == _UTC_TIME:  # two digits of the year: 50 to 99 are of the last century
        text = ("19" if text >= "50" else "20") + text
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))
