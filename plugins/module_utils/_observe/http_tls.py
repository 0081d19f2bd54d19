# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How connections to web endpoints are made, and what the other side shows when they are encrypted.

The certificate is read from the very connection that the request uses. Only where the handshake fails is there a
second one, which trusts everybody, says nothing, and is closed when it has seen the certificate.
"""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any, List, Optional, Tuple

from .._errors import InputError
from .._judge.http_answer import Tls
from .._run import require_driver
from .http_endpoint import Endpoint


def trust(endpoint: Endpoint) -> ssl.SSLContext:
    """Whom to trust, and by which certificate to be known; raises ``InputError`` for files that cannot be used."""
    for option in ("ca_certs", "client_cert_file", "client_key_file"):
        path = getattr(endpoint, option)
        if path and not os.path.exists(path):
            raise InputError(
                "{0}: there is no file {1}.".format(endpoint.name, path), "Check '{0}' on this host.".format(option)
            )
    given = endpoint.ca_certs, endpoint.client_cert_file, endpoint.client_key_file
    try:
        return _context(endpoint.validate_certs, *given)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise InputError(
            "{0}: {1} cannot be used: {2}.".format(
                endpoint.name, " or ".join(path for path in given if path) or "the system's authorities", error
            ),
            "They have to be PEM files that this user may read, the key without a password.",
        ) from error


@cache
def _context(validate: bool, authorities: Optional[str], certificate: Optional[str], key: Optional[str]) -> Any:
    """Made once for all endpoints that are alike: reading the system's authorities takes some 20 ms."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not validate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif authorities:
        folder = os.path.isdir(authorities)
        context.load_verify_locations(None if folder else authorities, authorities if folder else None)
    else:
        context.load_default_certs()
        spare = _spare_authorities()
        if spare:
            context.load_verify_locations(spare)
    if certificate:
        # A key with a password would ask for it at a terminal that is not there.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    return context


def _spare_authorities() -> Optional[str]:
    """The list that the library brings along, for a system (a slim container) that has none."""
    system = ssl.get_default_verify_paths()
    if system.cafile or (system.capath and os.listdir(system.capath)):
        return None
    brought = require_driver("requests", "requests", "python3-requests").certs.where()
    return brought if os.path.exists(brought) else None


@cache
def _looking() -> ssl.SSLContext:
    """For a look at what the server has: any certificate, any version, any cipher. Nothing is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with suppress(ssl.SSLError):  # LibreSSL knows no levels, and needs none for this
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def prepare() -> None:
    """Makes what threads share."""
    _looking()


def connections(urllib3: Any, endpoint: Endpoint, seen: List[Tls]) -> Tuple[Any, Any]:
    """Classes of connections, without and with TLS, for the requests to one endpoint; ``seen`` is added to."""

    def new_socket(self: Any, usual: Any) -> Any:
        if not endpoint.unix_socket or self.host.lower() != endpoint.host:  # redirected to elsewhere
            return usual()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(endpoint.timeout)
        try:
            connection.connect(endpoint.unix_socket)
        except OSError:
            connection.close()
            raise
        return connection

    class Plain(urllib3.connection.HTTPConnection):
        def _new_conn(self) -> Any:
            return new_socket(self, super()._new_conn)

    class Encrypted(urllib3.connection.HTTPSConnection):
        def _new_conn(self) -> Any:
            return new_socket(self, super()._new_conn)

        def connect(self) -> None:
            """Instead of the library's, whose versions differ in what they make of a context and of addresses."""
            host, port = (self._tunnel_host, self._tunnel_port) if self._tunnel_host else (self.host, self.port)
            name, label = host.strip("[]"), "{0}:{1}".format(host, port)
            if endpoint.server_name and name.lower() == endpoint.host:
                name = endpoint.server_name
                label += " (as {0})".format(name)
            try:
                self._shake_hands(trust(endpoint), name)
            except ssl.SSLError as error:
                seen.extend(self._look(label, name, error))
                raise
            self.is_verified = endpoint.validate_certs
            seen.append(_shown(self.sock, label, endpoint.validate_certs))

        def _shake_hands(self, context: ssl.SSLContext, name: str) -> None:
            self.sock = self._new_conn()
            try:
                if self._tunnel_host:
                    self._tunnel()
                self.sock = context.wrap_socket(self.sock, server_hostname=name)
            except BaseException:
                self._hang_up()
                raise

        def _hang_up(self) -> None:
            """Unlike ``close``, which also forgets which host the proxy was to connect us to."""
            if self.sock is not None:
                self.sock.close()
                self.sock = None

        def _look(self, label: str, name: str, error: ssl.SSLError) -> List[Tls]:
            try:
                self._shake_hands(_looking(), name)
            except Exception:  # then there is nothing to see, and the first error says why
                return []
            shown = _shown(self.sock, label, False)
            self._hang_up()
            problem = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
            return [replace(shown, code=getattr(error, "verify_code", 0), problem=problem)]

    return Plain, Encrypted


def session(requests: Any, endpoint: Endpoint, seen: List[Tls]) -> Any:
    """A session whose connections are those above."""
    urllib3 = requests.packages.urllib3
    plain, encrypted = connections(urllib3, endpoint, seen)
    pools = {
        "http": type("PlainPool", (urllib3.connectionpool.HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("EncryptedPool", (urllib3.connectionpool.HTTPSConnectionPool,), {"ConnectionCls": encrypted}),
    }

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
            super().init_poolmanager(*arguments, **keywords)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **keywords)
            manager.pool_classes_by_scheme = pools
            return manager

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            """The connections know whom to trust; the library would look for authorities of its own."""

    made = requests.Session()
    made.trust_env = False  # no proxy of the environment between the check and the service, no ~/.netrc
    made.mount("http://", Adapter())
    made.mount("https://", Adapter())
    return made


def _shown(connection: ssl.SSLSocket, label: str, verified: bool) -> Tls:
    chain, whole = _chain(connection, verified)
    return Tls(label, connection.version() or "", chain, verified, whole)


def _chain(connection: ssl.SSLSocket, verified: bool) -> Tuple[Tuple[bytes, ...], bool]:
    """The certificates, and whether they are all.

    The methods are public from Python 3.13 on; from 3.10 on they are there, but not for everybody.
    """
    name = "get_verified_chain" if verified else "get_unverified_chain"
    reader = getattr(connection, name, None) or getattr(getattr(connection, "_sslobj", None), name, None)
    certificates = (reader() if reader else None) or [connection.getpeercert(binary_form=True)]
    chain = [one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in certificates]
    return tuple(one for one in chain if one), reader is not None
