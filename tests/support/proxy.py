# SPDX-License-Identifier: GPL-3.0-or-later
"""A real, small forward proxy on a free port: forwards what it is asked for, and tunnels."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Asked = list[tuple[str, str]]


@contextmanager
def forward_proxy(login: str | None = None) -> Iterator[tuple[str, Asked]]:
    """Its address, and what it was asked for so far (method, target). ``login``: the Proxy-Authorization it wants."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            with suppress(OSError):
                super().handle_one_request()

        def _lets_in(self) -> bool:
            asked.append((self.command, self.path))
            if login is None or self.headers["Proxy-Authorization"] == login:
                return True
            self.send_error(407)
            return False

        def do_CONNECT(self) -> None:
            if not self._lets_in():
                return
            host, _colon, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=60) as other:
                self.send_response(200)
                self.end_headers()
                ends = {self.connection: other, other: self.connection}
                while ready := select.select(list(ends), [], [], 60)[0]:
                    for one in ready:
                        data = one.recv(65536)
                        if not data:
                            return
                        ends[one].sendall(data)

        def do_GET(self) -> None:
            if not self._lets_in():
                return
            url = urlsplit(self.path)
            connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
            connection.request("GET", url.path or "/", headers={"Host": url.netloc})
            answer = connection.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            connection.close()

        def log_message(self, *ignored: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *ignored: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
