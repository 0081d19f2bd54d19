# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks HTTP endpoints, all at once, each within its time whatever the other side does.

A server may drip a byte a second, send without end, or never resolve: no time-out of a socket ends that. So each
request has a thread of its own, and who waits for it gives up at the deadline; the thread dies with the process.
"""

from __future__ import annotations

import os
import queue
import ssl
import threading
import time
import zlib
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union
from urllib.parse import urljoin, urlsplit

from .._errors import InputError
from .._judge.http import BODY_LIMIT, Answer
from .._run import require_driver

AT_ONCE = 16
REDIRECTS = 5

# What went wrong underneath, as the operating system and OpenSSL say it, and what to do about it.
_ADVICE_BY_TEXT = (
    ("refused", "Is the service running, and does it listen there? Check the port."),
    ("name or service not known", "The name does not resolve on the host the module runs on. Check the URL."),
    ("name resolution", "The name server does not answer on the host the module runs on."),
    ("nodename nor servname", "The name does not resolve on the host the module runs on. Check the URL."),
    ("no route", "Check the address, the network and the firewalls between."),
    ("unreachable", "Check the address, the network and the firewalls between."),
    ("certificate", "Check the certificate's date and names; name your own authority in 'ca_cert'."),
    ("ssl", "Does the port speak TLS, and a version that both sides know? Check https:// against http://."),
    ("timed out", "The port is filtered, or the service is too busy to accept: look at its load."),
    ("reset", "The service ended the connection: look at its log, and whether http:// or https:// is right."),
    (
        "closed connection",
        "The service ended the connection: look at its log, and whether http:// or https:// is right.",
    ),
)


@dataclass(frozen=True)
class Endpoint:
    """``headers`` may hold secrets; they go to the host of ``url`` and to no other."""

    name: str
    url: str
    method: str = "GET"
    expect_status: Tuple[int, ...] = (200,)
    expect_json: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    validate_certs: bool = True
    ca_cert: Optional[str] = None
    timeout: float = 5.0

    @property
    def address(self) -> str:
        url = urlsplit(self.url)
        return "{0}://{1}{2}".format(url.scheme, url.netloc, url.path)

    def blank(self) -> Answer:
        return Answer(self.name, self.address, tuple(self.expect_status), dict(self.expect_json or {}))


@dataclass(eq=False)
class _Attempt:
    """One try at one endpoint. Written by its thread, read by who waits."""

    endpoint: Endpoint
    number: int
    deadline: float
    stage: str = "gave no answer"


def ask(endpoints: Sequence[Endpoint], tries: int = 1) -> List[Answer]:
    """The answers, in the order of ``endpoints``. An endpoint that cannot be reached is tried again."""
    for endpoint in endpoints:
        if endpoint.ca_cert and not os.path.exists(endpoint.ca_cert):
            raise InputError(
                "{0}: there is no file {1}.".format(endpoint.name, endpoint.ca_cert), "Check 'ca_cert' on this host."
            )
    requests = require_driver("requests", "requests", "python3-requests")
    _hush(requests)
    answers: Dict[str, Answer] = {}
    waiting = [(endpoint, 1) for endpoint in endpoints][::-1]
    running: List[_Attempt] = []
    finished: queue.Queue = queue.Queue()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            endpoint, number = waiting.pop()
            attempt = _Attempt(endpoint, number, time.monotonic() + endpoint.timeout)
            running.append(attempt)
            threading.Thread(target=_work, args=(requests, attempt, finished), daemon=True).start()
        for attempt, answer in _next(running, finished):
            running.remove(attempt)
            answers[attempt.endpoint.name] = replace(answer, tries=attempt.number)
            if not answer.reached and attempt.number < tries:
                waiting.append((attempt.endpoint, attempt.number + 1))
    return [answers[endpoint.name] for endpoint in endpoints]


def _next(running: Sequence[_Attempt], finished: queue.Queue) -> List[Tuple[_Attempt, Answer]]:
    """What has ended by now: by an answer, or by its deadline."""
    try:
        attempt, answer = finished.get(timeout=max(0.0, min(one.deadline for one in running) - time.monotonic()))
        return [(attempt, answer)] if attempt in running else []
    except queue.Empty:
        now = time.monotonic()
        return [(one, _late(one)) for one in running if one.deadline <= now]


def _late(attempt: _Attempt) -> Answer:
    return replace(
        attempt.endpoint.blank(),
        problem="{0} {1} within {2:g} seconds.".format(
            attempt.endpoint.address, attempt.stage, attempt.endpoint.timeout
        ),
        advice="Look at the load and the log of the service, and at firewalls; raise 'timeout' if it is only slow.",
    )


def _work(requests: Any, attempt: _Attempt, finished: queue.Queue) -> None:
    started = time.monotonic()
    try:
        answer = _answer(requests, attempt)
    except Exception as error:  # whatever a library makes of a hostile answer, it is one about this endpoint alone
        problem, advice = _explained(error)
        text = "{0} cannot be asked: {1}.".format(attempt.endpoint.address, problem)
        answer = replace(attempt.endpoint.blank(), problem=text, advice=advice)
    finished.put((attempt, replace(answer, seconds=time.monotonic() - started)))


def _answer(requests: Any, attempt: _Attempt) -> Answer:
    endpoint = attempt.endpoint
    url, own = endpoint.url, dict(endpoint.headers)
    session = requests.Session()
    session.trust_env = False  # no proxy between the check and the service, no ~/.netrc
    for _hop in range(REDIRECTS + 1):
        headers = {
            "User-Agent": "analytics.ops",
            "Accept-Encoding": "identity",
            "Accept": "application/json, */*;q=0.8",
        }
        headers.update(own)
        # Redirects are followed here: the library would read a redirect's body to its end, and hand the headers on.
        with session.request(
            endpoint.method,
            url,
            headers=headers,
            timeout=endpoint.timeout + 1,  # ends the thread, after the deadline has told everything
            verify=_trusted(endpoint),
            allow_redirects=False,
            stream=True,
        ) as response:
            target = session.get_redirect_target(response)
            if target is None or response.status_code in endpoint.expect_status:
                attempt.stage = "answered with HTTP status {0} but did not end".format(response.status_code)
                content, truncated = _body(response)
                return replace(endpoint.blank(), status=response.status_code, body=content, truncated=truncated)
        before, url = url, urljoin(url, target)
        if session.should_strip_auth(before, url):
            own = {}
    raise requests.TooManyRedirects("it redirects more than {0} times".format(REDIRECTS))


def _trusted(endpoint: Endpoint) -> Union[bool, str]:
    """The given authorities, else the system's; a library installed by pip would bring its own list."""
    if not endpoint.validate_certs:
        return False
    return endpoint.ca_cert or ssl.get_default_verify_paths().cafile or True


def _body(response: Any) -> Tuple[bytes, bool]:
    """At most ``BODY_LIMIT`` bytes, also of what was packed against our wish, and whether there was more."""
    content = b""
    while len(content) <= BODY_LIMIT:
        part = response.raw.read(BODY_LIMIT + 1 - len(content), decode_content=False)
        if not part:  # only this read tells that a body ended too early
            break
        content += part
    if response.headers.get("Content-Encoding", "").lower() in ("gzip", "deflate"):
        try:
            content = zlib.decompressobj(wbits=47).decompress(content, BODY_LIMIT + 1)
        except zlib.error:
            return b"", False
    return content[:BODY_LIMIT], len(content) > BODY_LIMIT


def _explained(error: BaseException) -> Tuple[str, str]:
    """The innermost cause says it in few words; the outer ones repeat the whole URL, query included."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    text = getattr(error, "strerror", None) or getattr(error, "verify_message", None) or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        text = "its certificate is not valid: {0}".format(error.verify_message)
    text = " ".join(str(text).split()).rstrip(".") or type(error).__name__
    advice = next((advice for part, advice in _ADVICE_BY_TEXT if part in text.lower()), "Look at the service's log.")
    return text, advice


def _hush(requests: Any) -> None:
    """No warning per request that a certificate is not verified: whoever switched that off knows it."""
    requests.packages.urllib3.disable_warnings(requests.packages.urllib3.exceptions.InsecureRequestWarning)
