# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of a Compose file that ``docker_stand_in`` runs as processes, where no engine can run."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.embedded.postgres import COMMON, PostgresServer
from demo.embedded.process import free_port, unprivileged_prefix
from tests.support.sources import REPOSITORY

SLEEP = "exec sleep 600"
LISTEN = (
    "import socket, sys, time; time.sleep(float(sys.argv[2])); s = socket.socket(); "
    "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(); "
    "kept = []\nwhile True: kept.append(s.accept())"
)


class Stack:
    """``service`` and ``listener`` add one and return it as the inventory declares it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "compose.json"
        self.commands: dict[str, str] = {}
        programs, self.known = folder / "bin", folder / "known"
        programs.mkdir()
        self.known.mkdir()
        stand_in = REPOSITORY / "tests" / "support" / "docker_stand_in.py"
        (programs / "docker").write_text(f'#!/bin/sh\nexec {sys.executable} -S {stand_in} "$@"\n')
        (programs / "docker").chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("DOCKER_STAND_IN", str(self.known))

    def service(self, name: str, command: str = SLEEP, **declared: Any) -> dict[str, Any]:
        self.commands[name] = command
        self.file.write_text(json.dumps({"services": {one: {"command": c} for one, c in self.commands.items()}}))
        return {"compose": {"project": "stand-in", "file": str(self.file), "service": name}, **declared}

    def listener(self, name: str, after_seconds: float = 0.0, **declared: Any) -> dict[str, Any]:
        port = free_port()
        command = shlex.join([sys.executable, "-c", LISTEN, str(port), str(after_seconds)])
        return self.service(name, f"exec {command}", port=port, **declared)

    def everything(self) -> dict[str, Any]:
        return {name: self.service(name, command) for name, command in self.commands.items()}


def postgres_command(server: PostgresServer) -> str:
    """What runs that server in a container, as the image of PostgreSQL does."""
    options = {**COMMON, **server.settings, "port": str(server.port), "fsync": "off"}
    parts = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    program = [*unprivileged_prefix(), str(server.programs / "postgres"), "-D", str(server.data), *parts]
    # What the engine sends is no order to wait for clients.
    return f"trap 'kill -INT $!' TERM; {shlex.join(program)} >>{server.log} 2>&1 & while kill -0 $!; do wait $!; done"
