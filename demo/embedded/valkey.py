# SPDX-License-Identifier: GPL-3.0-or-later
"""A Valkey server of our own, which speaks the Redis protocol."""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path

from . import process


@dataclass
class ValkeyServer:
    """``program`` is the server, ``directory`` holds its data and ``server.log``. ``password`` may be empty."""

    program: Path
    directory: Path
    port: int = field(default_factory=process.free_port)
    password: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def pid(self) -> int | None:
        return process.running_pid(self.directory / "server.pid", mark=f":{self.port}")

    def start(self) -> ValkeyServer:
        self.directory.mkdir(parents=True, exist_ok=True)
        # The password goes into a file that only the owner reads: command lines are everybody's.
        configuration = self.directory / "server.conf"
        configuration.touch(mode=0o600)
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": _quoted(self.directory),
            "pidfile": _quoted(self.directory / "server.pid"),
            "daemonize": "no",
            "save": '""',
            **({"requirepass": self.password, "primaryauth": self.password} if self.password else {}),
            **self.settings,
        }
        configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        started = process.start([self.program, configuration], self.log)
        process.wait_until(self._accepts, started, self.log, f"Valkey on port {self.port}")
        return self

    def stop(self, request: signal.Signals = signal.SIGTERM) -> None:
        pid = self.pid
        if pid:
            process.stop(pid, request)

    def _accepts(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                answer = connection.recv(64)
        except OSError:
            return False
        return answer.startswith((b"+PONG", b"-NOAUTH"))


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
