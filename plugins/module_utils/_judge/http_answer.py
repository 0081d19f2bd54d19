# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was observed of one endpoint, and what was expected of it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Iterator, Mapping, Optional, Tuple

BODY_LIMIT = 1024 * 1024
SERVICE, STATUSPAGE, TLS = "service", "statuspage", "tls"
_DEPTH_LIMIT, PARTS_LIMIT = 5, 200
_NAME_LIMIT = 200  # a long name comes again with every part below it: a body of a megabyte could fill the memory


@dataclass(frozen=True)
class Expected:
    """What an answer must be like. ``header`` maps names to texts of which one must be contained in the value.

    ``components`` are those of a vendor's status page that count; none means the page as a whole.
    """

    status: Tuple[int, ...] = (200,)
    json: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    regex: str = ""
    header: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    components: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Tls:
    """What one server showed when the connection was encrypted.

    ``name`` is the name that the certificate has to be made out to, ``version`` as OpenSSL calls it (``TLSv1.3``).
    ``chain`` holds certificates (DER), the server's own first: up to the authority where the chain was ``verified``,
    otherwise those that the server sent, of which Python 3.9 gives away the first alone (it is not ``whole`` then).
    ``problem`` is why an encrypted connection that is as safe as it should be could not be made; ``code`` is OpenSSL's
    number for it if that is the certificate, otherwise 0.
    """

    name: str
    version: str = ""
    chain: Tuple[bytes, ...] = ()
    verified: bool = False
    whole: bool = True
    code: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Answer:
    """What one endpoint said. ``problem`` is empty if it answered; then ``status`` is its HTTP status.

    ``address`` is the URL without its query, which may hold a secret; ``hops`` are the addresses that were asked, the
    first and each that it redirected to. ``seconds`` count from looking the name up to the last byte of the body that
    was read, redirects included, in the last try; ``samples`` are those of every time it was asked and answered.
    ``headers`` holds those that something is expected of, their names in lower case.
    """

    name: str
    address: str
    kind: str = SERVICE
    expected: Expected = Expected()
    problem: str = ""
    advice: str = ""
    status: int = 0
    seconds: float = 0.0
    samples: Tuple[float, ...] = ()
    tries: int = 1
    body: bytes = b""
    truncated: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    hops: Tuple[str, ...] = ()
    tls: Tuple[Tls, ...] = ()

    @property
    def reached(self) -> bool:
        return not self.problem

    @property
    def spoke(self) -> bool:
        """Whether there is an HTTP answer to judge."""
        return self.reached and self.kind != TLS

    def percentile(self, share: float) -> float:
        """By nearest rank: with fewer than twenty samples the 95th percentile is the slowest."""
        ordered = sorted(self.samples or (self.seconds,))
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    @cached_property
    def content(self) -> Optional[Mapping[str, Any]]:
        """The body as a JSON object, if it is one and complete."""
        if self.truncated:
            return None
        try:
            # Python 3.9 takes minutes for a whole number of a megabyte of digits.
            content = json.loads(self.body, parse_int=_whole)
        except (ValueError, RecursionError):
            return None
        return content if is_mapping(content) else None


def _whole(digits: str) -> float:
    return int(digits) if len(digits) < 40 else float(digits)


def parts(content: Mapping[str, Any], path: str = "", depth: int = 0) -> Iterator[Tuple[str, Any]]:
    """The components, however deep, by their dotted path; bounded, for the answer may be hostile."""
    components = content.get("components")
    if isinstance(components, list):
        components = {str(one.get("name", number)): one for number, one in enumerate(components) if is_mapping(one)}
    if not is_mapping(components) or depth == _DEPTH_LIMIT:
        return
    for name, part in list(components.items())[:PARTS_LIMIT]:
        here = "{0}components.{1}".format(path, name[:_NAME_LIMIT])
        yield here, part
        if is_mapping(part):
            yield from parts(part, here + ".", depth + 1)


def short(path: str) -> str:
    """``components.database.components.pool`` as findings call it: ``database.components.pool``."""
    return path.split(".", 1)[-1]


def is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)
