# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a service answers, asked once and quickly, as often as somebody waits for it.

Nothing has to be installed or logged in for it: at a start the drivers and passwords of a dozen services may be
anywhere, and each server says before any login whether it takes connections.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import struct
from urllib.parse import urlsplit

from .._judge.http_body import calls_itself_ill
from .._judge.service_words import masked
from .._judge.services import POSTGRESQL, REDIS, Service
from .._judge.text import printable
from .program import ask

_MOST_BYTES = 1024 * 1024
_HERE = "127.0.0.1"
_PROTOCOL_3 = 196608
_SOCKETS = ("/var/run/postgresql", "/tmp")  # noqa: S108 - where PostgreSQL itself puts them


def can_be_asked(service: Service) -> bool:
    """Without this, that its process stays up is all that can be known."""
    ready = service.ready
    return bool(ready.http or ready.tcp or ready.command or service.port)


def why_not_ready(service: Service, seconds: float) -> str:
    """Empty when it is ready, else the reason in words."""
    ready = service.ready
    try:
        if ready.command:
            program = printable(ready.command[0], 80)
            said = ask(ready.command, max(seconds, 10.0))
            if said.missing:
                return "there is no program '{0}'.".format(program)
            return "" if said.good else "'{0}' says: {1}".format(program, masked(said.last_words))
        if ready.http:
            return _http(ready.http, seconds)
        host, port = _HERE, service.port or 0
        if ready.tcp:
            name, _colon, number = ready.tcp.rpartition(":")
            host, port = name.strip("[]") or _HERE, int(number)
        if service.kind == POSTGRESQL:
            return _postgresql(host, port, seconds)
        if service.kind == REDIS:
            return _redis(host, port, seconds)
        socket.create_connection((host, port), seconds).close()
        return ""
    except (OSError, http.client.HTTPException, ValueError) as error:
        return printable("{0}.".format(getattr(error, "strerror", None) or error or type(error).__name__), 200)


def _http(address: str, seconds: float) -> str:
    """A redirect is an answer. Certificates are judged by http_health: here they are mostly for another name."""
    url = urlsplit(address)
    if url.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=seconds)
    try:
        path = (url.path or "/") + ("?" + url.query if url.query else "")
        connection.request("GET", path, headers={"Connection": "close", "User-Agent": "analytics.ops"})
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES)
    finally:
        connection.close()
    if answer.status >= 400:
        return "it answers with the status {0}.".format(answer.status)
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return "it calls itself '{0}'.".format(printable(said["status"], 80)) if calls_itself_ill(said) else ""


def _postgresql(host: str, port: int, seconds: float) -> str:
    """As pg_isready: any answer but 'starting up' or 'shutting down' means that connections are taken."""
    with _postgresql_socket(host, port, seconds) as connection:
        words = b"user\0analytics_ops_ready\0database\0postgres\0application_name\0analytics.ops\0\0"
        connection.sendall(struct.pack("!ii", len(words) + 8, _PROTOCOL_3) + words)
        kind = connection.recv(1)
        if kind == b"R":
            return ""
        if kind != b"E":
            return "what listens there is no PostgreSQL."
        fields = {part[:1]: part[1:] for part in connection.recv(8192)[4:].split(b"\0") if part}
    if fields.get(b"C", b"").startswith(b"57P"):
        return fields.get(b"M", b"").decode("utf-8", "replace") + "."
    return ""


def _postgresql_socket(host: str, port: int, seconds: float) -> socket.socket:
    try:
        return socket.create_connection((host, port), seconds)
    except ConnectionRefusedError:
        # One that listens on no address, or on others, has a socket here.
        for folder in _SOCKETS:
            path = "{0}/.s.PGSQL.{1}".format(folder, port)
            if os.path.exists(path):
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(seconds)
                connection.connect(path)
                return connection
        raise


def _redis(host: str, port: int, seconds: float) -> str:
    """One that wants a password, or TLS, takes connections; one that loads its data does not serve yet."""
    with socket.create_connection((host, port), seconds) as connection:
        connection.sendall(b"PING\r\n")
        try:
            said = connection.recv(512)
        except ConnectionResetError:
            return ""
    if said.startswith((b"-LOADING", b"-MASTERDOWN", b"-BUSY")):
        return printable(said[1:].decode("utf-8", "replace").strip(), 200)
    return ""
