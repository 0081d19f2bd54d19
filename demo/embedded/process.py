# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and ending server processes that outlive the command that started them."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

NOBODY = 65534

# Below those that the kernel gives to outgoing connections and to whoever asks for any port.
PORTS = range(20000, 32000)
SHARES = 40


class ServerFailed(RuntimeError):
    """A server did not come up or go down; the text holds the end of its log."""


@cache
def unprivileged_prefix() -> tuple[str, ...]:
    """What to put before a PostgreSQL command so that it does not see root, which it refuses.

    Empty for an ordinary user. For root a user namespace where the kernel allows one (files stay root's), else
    ``setpriv`` to nobody (files have to be handed over: see ``hand_over``).
    """
    if os.geteuid() != 0:
        return ()
    namespace = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if (
        shutil.which("unshare")
        and subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0
    ):
        return namespace
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def needs_hand_over() -> bool:
    return unprivileged_prefix()[:1] == ("setpriv",)


def hand_over(path: Path) -> None:
    """Give a file or directory to the user the server runs as, where that is not the present one."""
    if needs_hand_over():
        shutil.chown(path, NOBODY, NOBODY)


def free_port() -> int:
    """A port that nobody listens on, and that no other process that asks here is given as well.

    Until its server listens a data directory has to be made: time enough for somebody else to get the same one.
    """
    for port in _own_ports():
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("the ports never end")


@cache
def _own_ports() -> Iterator[int]:
    """This process's share of the ports, in no order, again and again."""
    share = next(filter(_claimed, range(SHARES)), random.randrange(SHARES))
    ports = list(PORTS[share::SHARES])
    random.shuffle(ports)
    return itertools.cycle(ports)


def _claimed(share: int) -> bool:
    """Whether nobody else has it. The name is of no file, and free again when this process ends."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0analytics.ops ports {share}")
    except OSError:  # taken, or a system without such names, on which any share will do
        claim.close()
        return False
    _claims.append(claim)
    return True


_claims: list[socket.socket] = []


def start(command: list[str | Path], log: Path, **environment: str) -> subprocess.Popen:
    """Start a server in a session of its own; its output goes to ``log``."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C", **environment},
        )


def wait_until(ready: Callable[[], bool], process: subprocess.Popen, log: Path, what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise ServerFailed(f"{what} ended while starting:\n{tail(log)}")
        if time.monotonic() > end:
            raise ServerFailed(f"{what} was not ready within {seconds:g} seconds:\n{tail(log)}")
        time.sleep(0.05)


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def running_pid(file: Path, mark: str) -> int | None:
    """The process whose number ``file`` begins with, if it still runs and its command line holds ``mark``.

    After a crash the number may belong to somebody else's process by now.
    """
    try:
        pid = int(file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    if not is_running(pid):
        return None
    command = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return pid if mark in command.stdout else None


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A child of ours that has ended but was not waited for is no longer running.
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return True


def stop(pid: int, request: signal.Signals = signal.SIGTERM, seconds: float = 60) -> None:
    """Ask the process to end, and end it when it does not."""
    for ask, patience in ((request, seconds), (signal.SIGKILL, 5)):
        try:
            os.kill(pid, ask)
        except ProcessLookupError:
            return
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if not is_running(pid):
                return
            time.sleep(0.02)
