# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked: one checked endpoint of ``http_health``, and what of it must not be shown."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit, urlunsplit

from .._errors import InputError
from .._judge.http_answer import STATUSPAGE, TLS, Answer, Expected
from .._judge.text import printable

_SUMMARY = "/api/v2/summary.json"
_SECRETS = ("query", "bearer_token", "login_password", "proxy_password")


@dataclass(frozen=True)
class Endpoint:
    """``url`` may hold a secret query. ``headers`` (with the log-in) go to the host of ``url`` and to no other."""

    name: str
    url: str = field(repr=False)
    kind: str
    method: str
    expected: Expected
    headers: Mapping[str, str] = field(repr=False)
    follow_redirects: bool
    validate_certs: bool
    ca_certs: Optional[str]
    client_cert_file: Optional[str]
    client_key_file: Optional[str]
    server_name: Optional[str]
    unix_socket: Optional[str]
    proxy: Optional[str]
    proxy_login: Tuple[str, str] = field(repr=False)
    timeout: float
    samples: int
    secrets: Tuple[str, ...] = field(repr=False)

    @property
    def address(self) -> str:
        return address_of(self.url)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        url = urlsplit(self.url)
        return url.port or (80 if url.scheme == "http" else 443)

    @property
    def host_header(self) -> Optional[str]:
        """For a service that is asked by its address but has to be called by its name."""
        if not self.server_name:
            return None
        port = urlsplit(self.url).port
        return "{0}:{1}".format(self.server_name, port) if port else self.server_name

    def blank(self) -> Answer:
        return Answer(self.name, self.address, self.kind, self.expected)

    def masked(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "********")
        return text


def address_of(url: str) -> str:
    """Without the query, the user and the password, each of which may be secret."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def without_secrets(url: str) -> str:
    """The same for what may be no URL at all."""
    try:
        return address_of(url)
    except ValueError:
        return "********"


def endpoint(given: Mapping[str, Any], timeout: float, samples: int) -> Endpoint:
    """From the options of the module. Raises ``InputError``; what is wrong is not repeated where it may be secret."""
    for name in _SECRETS:
        _require_long(name, given[name])
    url = _url(given)
    tls = url.startswith("tls:")
    chosen = {
        "timeout": timeout if given["timeout"] is None else given["timeout"],
        "samples": samples if given["samples"] is None else given["samples"],
    }
    if not 0 < chosen["timeout"] <= 600:
        raise InputError("timeout: is {0:g}.".format(chosen["timeout"]), "Give seconds, more than 0 and at most 600.")
    if not 1 <= chosen["samples"] <= 100:
        raise InputError("samples: is {0}.".format(chosen["samples"]), "Give a number from 1 to 100.")
    if tls and (given["kind"] == STATUSPAGE or given["unix_socket"]):
        raise InputError("endpoints: a tls:// address goes with no 'kind' and no 'unix_socket'.", "Remove them.")
    headers = _headers(given)
    if tls:
        chosen["samples"] = 1
    same = ("method", "follow_redirects", "validate_certs", "ca_certs", "server_name", "unix_socket", "proxy")
    return Endpoint(
        name=printable(given["name"] or address_of(url), 120),
        url=url,
        kind=TLS if tls else given["kind"],
        expected=_expected(given),
        headers=headers,
        client_cert_file=given["client_cert_file"],
        client_key_file=given["client_key_file"],
        proxy_login=_proxy_login(given),
        secrets=tuple(_secrets(given, url, headers)),
        **{name: given[name] for name in same},
        **chosen,
    )


def _url(given: Mapping[str, Any]) -> str:
    try:
        url = urlsplit(given["url"])
        usable = url.scheme in ("http", "https", "tls") and url.hostname and url.port != 0
        usable = usable and given["url"].isprintable() and " " not in given["url"]
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            "endpoints: there is a 'url' that is none.", "Give http:// or https:// (or tls://) with a host."
        )
    if "@" in url.netloc:
        raise InputError(
            "endpoints: the 'url' for {0} has a user or a password in it.".format(url.hostname),
            "Give 'login_user' and 'login_password', which is kept secret.",
        )
    more = (given["query"] or "").lstrip("?").replace("#", "%23")
    query = "&".join(part for part in (url.query, more) if part)
    path = _SUMMARY if given["kind"] == STATUSPAGE and url.path in ("", "/") else url.path
    return urlunsplit((url.scheme, url.netloc, path, query, ""))


def _headers(given: Mapping[str, Any]) -> Dict[str, str]:
    headers = {str(name): str(value) for name, value in given["headers"].items()}
    for name, value in headers.items():
        _require_long("headers: the value of '{0}'".format(printable(name)), value)
        if not (name + value).isprintable():
            raise InputError("headers: '{0}' holds a line break or the like.".format(printable(name)), "Remove it.")
    user, password, token = given["login_user"], given["login_password"], given["bearer_token"]
    ways = [bool(user or password), bool(token), any(name.lower() == "authorization" for name in headers)]
    if sum(ways) > 1:
        raise InputError(
            "endpoints: there are two ways to log in to one endpoint.",
            "Give 'login_user' with 'login_password', or 'bearer_token', or an Authorization header.",
        )
    if bool(user) != bool(password):
        raise InputError("endpoints: 'login_user' and 'login_password' go together.", "Give both, or neither.")
    if token and not token.isprintable():
        raise InputError("endpoints: a 'bearer_token' holds a line break or the like.", "Remove it.")
    if token:
        headers["Authorization"] = "Bearer " + token
    if user:
        login = "{0}:{1}".format(user, password).encode()
        headers["Authorization"] = "Basic " + base64.b64encode(login).decode()
    return headers


def _proxy_login(given: Mapping[str, Any]) -> Tuple[str, str]:
    try:
        proxy = urlsplit(given["proxy"] or "http://none")
        usable = proxy.scheme == "http" and proxy.hostname and proxy.port != 0 and "@" not in proxy.netloc
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            "endpoints: there is a 'proxy' that is none.",
            "Give http:// with a host and a port; its log-in goes into 'proxy_user' and 'proxy_password'.",
        )
    if bool(given["proxy_user"]) != bool(given["proxy_password"]):
        raise InputError("endpoints: 'proxy_user' and 'proxy_password' go together.", "Give both, or neither.")
    if given["proxy"] and given["unix_socket"]:
        raise InputError("endpoints: there is a 'proxy' and a 'unix_socket' for one endpoint.", "Keep one.")
    return given["proxy_user"] or "", given["proxy_password"] or ""


def _expected(given: Mapping[str, Any]) -> Expected:
    try:
        re.compile(given["expect_regex"] or "")
    except re.error as error:
        raise InputError("expect_regex: is no regular expression: {0}.".format(error), "Correct it.") from error
    if given["method"] == "HEAD" and (given["expect_text"] or given["expect_regex"] or given["expect_json"]):
        raise InputError("endpoints: something is expected of a body, but HEAD returns none.", "Use GET.")
    return Expected(
        status=tuple(given["expect_status"]),
        json=dict(given["expect_json"]),
        text=given["expect_text"] or "",
        regex=given["expect_regex"] or "",
        header={
            str(name): tuple(str(one) for one in (wanted if isinstance(wanted, list) else [wanted or ""]))
            for name, wanted in given["expect_header"].items()
        },
        components=tuple(given["components"]),
    )


def _require_long(what: str, value: Optional[str]) -> None:
    if value and len(value) < 4:
        raise InputError(
            "{0} is shorter than four characters.".format(what),
            "It is kept secret, and something so short would be hidden in every figure of the result.",
        )


def _secrets(given: Mapping[str, Any], url: str, headers: Mapping[str, str]) -> list:
    """The longest first, so that none is left in part."""
    found = {urlsplit(url).query, *headers.values(), *(given[name] for name in _SECRETS)}
    return sorted((secret for secret in found if secret), key=len, reverse=True)
