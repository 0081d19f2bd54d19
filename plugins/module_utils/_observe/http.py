# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks HTTP endpoints, all at once, each within its time whatever the other side does.

A server may drip a byte a second, send without end, or never resolve: no time-out of a socket ends that. So each
request has a thread of its own, and who waits for it gives up at the deadline; the thread dies with the process.
"""

from __future__ import annotations

import queue
import re
import ssl
import threading
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Sequence, Tuple
from urllib.parse import quote, urljoin, urlsplit

from .._judge.http_answer import BODY_LIMIT, TLS, Answer, Tls
from .._run import require_driver
from .http_endpoint import Endpoint, address_of
from .http_tls import connections, prepare, session, trust

# Of one slow endpoint among many fast ones nothing should be seen but its own slowness.
AT_ONCE = 64
REDIRECTS = 5

_ENDED = "The service ended the connection: look at its log, and whether http:// or https:// is right."
_OUR_CERTIFICATE = "The server wants a certificate of ours: give 'client_cert_file' and 'client_key_file'."
_OPENSSL_NOISE = re.compile(r"^\[[A-Z]+[^]]*\] ?|:? ?\(_ssl\.c:\d+\)$")
# What went wrong underneath, as the operating system and OpenSSL say it, and what to do about it.
_ADVICE_BY_TEXT = (
    ("refused", "Is the service running, and does it listen there? Check the port."),
    ("name or service not known", "The name does not resolve on the host the module runs on. Check the URL."),
    ("name resolution", "The name server does not answer on the host the module runs on."),
    ("nodename nor servname", "The name does not resolve on the host the module runs on. Check the URL."),
    ("no route", "Check the address, the network and the firewalls between."),
    ("unreachable", "Check the address, the network and the firewalls between."),
    ("certificate required", _OUR_CERTIFICATE),
    ("proxy", "Is it the proxy's address, its log-in, and does it let this host through?"),
    ("eof occurred", _ENDED),
    ("broken pipe", _ENDED),
    ("certificate", "Check the certificate's date and names; name your own authority in 'ca_certs'."),
    ("ssl", "Does the port speak TLS, and a version that both sides know? Check https:// against http://."),
    ("timed out", "The port is filtered, or the service is too busy to accept: look at its load."),
    ("reset", _ENDED),
    ("closed connection", _ENDED),
)


@dataclass(eq=False)
class _Attempt:
    """One try at one endpoint. Written by its thread, read by who waits."""

    endpoint: Endpoint
    number: int
    deadline: float
    stage: str = "gave no answer"
    seen: List[Tls] = field(default_factory=list)


def ask(endpoints: Sequence[Endpoint], tries: int = 1) -> List[Answer]:
    """The answers, in the order of ``endpoints``. An endpoint that cannot be reached is tried again."""
    for endpoint in endpoints:
        trust(endpoint)
    prepare()
    requests = require_driver("requests", "requests", "python3-requests")
    _hush(requests)
    answers: Dict[str, List[Answer]] = defaultdict(list)
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
            endpoint = attempt.endpoint
            if not answer.reached and attempt.number < tries:
                waiting.append((endpoint, attempt.number + 1))
                continue
            answers[endpoint.name].append(replace(answer, tries=attempt.number))
            if answer.reached and len(answers[endpoint.name]) < endpoint.samples:
                waiting.append((endpoint, 1))
    return [_together(answers[endpoint.name]) for endpoint in endpoints]


def _together(samples: Sequence[Answer]) -> Answer:
    """One answer for all samples: the last, or before that the first whose status is not as it should be."""
    bad = [one for one in samples if one.reached and one.status not in one.expected.status]
    chosen = bad[0] if bad and samples[-1].reached else samples[-1]
    return replace(chosen, samples=tuple(one.seconds for one in samples if one.reached))


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
        tls=tuple(attempt.seen),
        problem="{0} {1} within {2:g} seconds.".format(
            attempt.endpoint.address, attempt.stage, attempt.endpoint.timeout
        ),
        advice="Look at the load and the log of the service, and at firewalls; raise 'timeout' if it is only slow.",
    )


def _work(requests: Any, attempt: _Attempt, finished: queue.Queue) -> None:
    started, endpoint = time.monotonic(), attempt.endpoint
    try:
        answer = _handshake(requests, attempt) if endpoint.kind == TLS else _answer(requests, attempt)
    except Exception as error:  # whatever a library makes of a hostile answer, it is one about this endpoint alone
        problem, advice = _explained(error)
        if attempt.seen and attempt.seen[-1].code:
            problem = "its certificate is not valid: {0}".format(attempt.seen[-1].problem)
        if advice == _ENDED and attempt.seen and not endpoint.client_cert_file:
            # Its alert that it wants one may be lost when it hangs up.
            advice += " Perhaps: " + _OUR_CERTIFICATE
        text = "{0} cannot be asked: {1}.".format(endpoint.address, endpoint.masked(problem))
        answer = replace(endpoint.blank(), problem=text, advice=advice)
    finished.put((attempt, replace(answer, seconds=time.monotonic() - started, tls=_once_each(attempt.seen))))


def _once_each(seen: Sequence[Tls]) -> Tuple[Tls, ...]:
    """Redirects may lead to the same server again and again."""
    return tuple({(one.name, one.chain): one for one in seen}.values())


def _handshake(requests: Any, attempt: _Attempt) -> Answer:
    endpoint = attempt.endpoint
    encrypted = connections(requests.packages.urllib3, endpoint, attempt.seen)[1]
    if endpoint.proxy:
        proxy = urlsplit(endpoint.proxy)
        connection = encrypted(proxy.hostname, port=proxy.port or 80, timeout=endpoint.timeout + 1)
        login = requests.auth._basic_auth_str(*endpoint.proxy_login) if endpoint.proxy_login[0] else None
        connection.set_tunnel(endpoint.host, endpoint.port, {"Proxy-Authorization": login} if login else None)
    else:
        connection = encrypted(endpoint.host, port=endpoint.port, timeout=endpoint.timeout + 1)
    try:
        connection.connect()
    except ssl.SSLError:
        if not attempt.seen:
            raise
    finally:
        connection.close()
    return endpoint.blank()


def _answer(requests: Any, attempt: _Attempt) -> Answer:
    endpoint = attempt.endpoint
    url, own = endpoint.url, dict(endpoint.headers)
    if endpoint.host_header:
        own.setdefault("Host", endpoint.host_header)
    asking = session(requests, endpoint, attempt.seen)
    hops: List[str] = []
    before = set()
    for _hop in range(REDIRECTS + 1):
        # The same once more is no circle if a cookie was set on the way.
        state = (url, tuple(sorted((cookie.name, cookie.value or "") for cookie in asking.cookies)))
        hops.append(address_of(url))
        if state in before:
            raise requests.TooManyRedirects("it redirects in a circle: {0}".format(" → ".join(hops)))
        before.add(state)
        headers = {
            "User-Agent": "analytics.ops",
            "Accept-Encoding": "identity",
            "Accept": "application/json, */*;q=0.8",
        }
        headers.update(own)
        # Redirects are followed here: the library would read a redirect's body to its end, and hand the headers on.
        with asking.request(
            endpoint.method,
            url,
            headers=headers,
            timeout=endpoint.timeout + 1,  # ends the thread, after the deadline has told everything
            proxies=_proxies(endpoint),
            allow_redirects=False,
            stream=True,
        ) as response:
            target = asking.get_redirect_target(response) if endpoint.follow_redirects else None
            if target is None or response.status_code in endpoint.expected.status:
                attempt.stage = "answered with HTTP status {0} but did not end".format(response.status_code)
                content, truncated = _body(response)
                return replace(
                    endpoint.blank(),
                    status=response.status_code,
                    body=content,
                    truncated=truncated,
                    hops=tuple(hops),
                    headers={
                        name.lower(): response.headers[name]
                        for name in endpoint.expected.header
                        if name in response.headers
                    },
                )
        last, url = url, urljoin(url, target)
        if urlsplit(url).scheme not in ("http", "https"):
            raise requests.exceptions.InvalidSchema("it redirects to what is no web address")
        if asking.should_strip_auth(last, url):
            own = {}
    raise requests.TooManyRedirects("it redirects more than {0} times".format(REDIRECTS))


def _proxies(endpoint: Endpoint) -> Dict[str, str]:
    if not endpoint.proxy:
        return {}
    proxy = urlsplit(endpoint.proxy)
    login = ":".join(quote(one, safe="") for one in endpoint.proxy_login) + "@" if endpoint.proxy_login[0] else ""
    whole = "http://{0}{1}".format(login, proxy.netloc)
    return {"http": whole, "https": whole}


def _body(response: Any) -> Tuple[bytes, bool]:
    """At most ``BODY_LIMIT`` bytes, also of what was packed against our wish, and whether there was more."""
    content = b""
    response.raw.enforce_content_length = True  # so in younger versions of the library anyway
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
        inner = error.__cause__ or error.__context__
        if isinstance(inner, TypeError):  # older versions of the library first ask for what Python no longer has
            break
        error = inner
    text = getattr(error, "strerror", None) or getattr(error, "verify_message", None) or str(error)
    text = " ".join(str(text).split()).rstrip(".") or type(error).__name__
    advice = next((advice for part, advice in _ADVICE_BY_TEXT if part in text.lower()), "Look at the service's log.")
    return _OPENSSL_NOISE.sub("", text), advice


def _hush(requests: Any) -> None:
    """No warning per request that a certificate is not verified: whoever switched that off knows it."""
    requests.packages.urllib3.disable_warnings(requests.packages.urllib3.exceptions.InsecureRequestWarning)
