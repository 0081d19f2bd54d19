# SPDX-License-Identifier: GPL-3.0-or-later
"""Real web servers on free ports: proper ones, and ones that misbehave on the wire."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Reply = tuple[int, dict[str, str], bytes]


def posted(request: BaseHTTPRequestHandler) -> Any:
    """What a request holds as JSON."""
    return json.loads(request.rfile.read(int(request.headers["Content-Length"])))


def reply(content: Any = None, status: int = 200, **headers: str) -> Reply:
    """``content`` as JSON, or as it is when it is ``bytes``."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, body


@contextmanager
def web_server(
    answer: Callable[[BaseHTTPRequestHandler], Reply], tls: ssl.SSLContext | None = None, unix: Path | None = None
) -> Iterator[str]:
    """Answers every request with what ``answer`` makes of it; gives its address, ``http://127.0.0.1:PORT``.

    It speaks HTTP/1.0, over ``tls`` if that is given, and over the socket ``unix`` instead of a port.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                with suppress(OSError):  # the client may have had enough
                    self.wfile.write(body)

        do_HEAD = do_POST = do_GET

        def log_message(self, *ignored: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *ignored: Any) -> None:  # clients that go away, or do not trust the certificate
            pass

    class UnixServer(Server):
        address_family = socket.AF_UNIX

        def server_bind(self) -> None:
            self.socket.bind(self.server_address)
            self.server_port = 80

    server = UnixServer(str(unix), Handler) if unix else Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Hands every connection to ``talk``, which may break every rule until the event is set."""
    ending = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(connection, ending)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _address = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ending.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
