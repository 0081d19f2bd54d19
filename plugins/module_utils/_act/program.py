# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one of PostgreSQL's programs to its end, within its time, and never leaves it behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import tempfile
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

from .._errors import OpsError
from .._judge.text import printable

_PR_SET_PDEATHSIG = 1


def run_program(
    command: Sequence[str],
    environment: Dict[str, str],
    descriptors: Sequence[int],
    output: Any,
    deadline: Optional[float],
    secret: str,
    advice: Callable[[str, Optional[int]], str],
) -> List[str]:
    """Returns the warnings; raises ``OpsError`` with what the program said when it failed.

    ``output`` is where its standard output goes, ``deadline`` a time of ``time.monotonic()``. An interruption, and
    the death of this process, end the program.
    """
    name = os.path.basename(command[0])
    with tempfile.TemporaryFile() as errors:
        # A library has no module whose run_command it could call.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=environment,
            pass_fds=descriptors,
            umask=0o077,
            preexec_fn=_die_with_parent(),
        )
        try:
            code = _wait(process, deadline)
        finally:
            if process.poll() is None:
                _end(process)
        errors.seek(0)
        said = errors.read(20000).decode("utf-8", "replace")
    if secret:
        said = said.replace(secret, "********")
    lines = [printable(line) for line in said.splitlines() if line.strip()]
    if code is None:
        raise OpsError("{0} was ended: the timeout was over.".format(name), "Give a longer timeout, or more jobs.")
    if code != 0:
        told = [line for line in lines if "error: " in line] or lines
        text = " ".join(line.split("error: ", 1)[-1] for line in told[:3]) or _signal_text(code)
        raise OpsError("{0} failed: {1}.".format(name, text.rstrip(".")), advice(said or text, code))
    return lines


def _wait(process: subprocess.Popen, deadline: Optional[float]) -> Optional[int]:
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            if deadline is not None and time.monotonic() > deadline:
                return None


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _signal_text(code: int) -> str:
    if code == -signal.SIGXFSZ:
        return "file too large"
    return "signal {0}".format(-code) if code < 0 else "exit code {0}".format(code)


def _die_with_parent() -> Optional[Callable[[], None]]:
    """Linux can end a program with its parent, even one that is killed; a dump nobody waits for would hold locks."""
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return None
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) and None
