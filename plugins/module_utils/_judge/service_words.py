# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd's and Docker's results mean in words, and what a service said before it failed."""

from __future__ import annotations

import signal
from typing import Iterable, List, Optional

from .secrets import mask
from .service_facts import Container, Unit
from .text import printable, seconds_text

_LINE_READ, _LINE_SHOWN = 4000, 110

_RESULTS = {
    "watchdog": "it no longer reported to systemd's watchdog",
    "start-limit-hit": "it was started too often in a short time, so systemd gave up",
    "oom-kill": "one of its processes was killed for want of memory",
    "timeout": "starting or stopping it took too long",
    "resources": "systemd could not get what it needs to start it",
    "protocol": "it did not do what its Type= promises, for example write its PID file or say that it is ready",
    "exec-condition": "its ExecCondition= said no",
}
_EXIT_CODES = {
    126: "the program could not be executed",
    127: "the program was not found",
    137: "killed, as by the OOM killer or after a stop that took too long",
    139: "a segmentation fault",
    143: "ended by a stop",
    200: "its WorkingDirectory= cannot be entered",
    203: "its program is missing or cannot be executed",
    205: "one of its limits (Limit…=) cannot be set",
    208: "its input cannot be set up",
    209: "its output cannot be set up",
    216: "its Group= does not exist or cannot be taken",
    217: "its User= does not exist or cannot be taken",
    218: "its capabilities cannot be set",
    219: "its control group cannot be set up",
    224: "PAM refuses it a session",
    225: "its network namespace cannot be set up",
    226: "its file system namespace cannot be set up",
    228: "its system call filter cannot be set up",
    233: "its RuntimeDirectory= cannot be set up",
    238: "its StateDirectory= cannot be set up",
    239: "its CacheDirectory= cannot be set up",
    240: "its LogsDirectory= cannot be set up",
    241: "its ConfigurationDirectory= cannot be set up",
    243: "its credentials cannot be set up",
}
_KILLED, _DUMPED = 2, 3


def masked(text: str) -> str:
    """One harmless line in which whatever looks like a secret is hidden."""
    if len(text) > _LINE_READ:
        # The word that was cut might be a secret whose end would have told.
        text = text[:_LINE_READ].rpartition(" ")[0]
    return printable(mask(text), _LINE_SHOWN)


def said(lines: Iterable[str], opening: str = "It last said") -> str:
    """The end of a message; empty without lines."""
    shown = [line for line in lines if line]
    return " {0}: {1}".format(opening, " / ".join(shown)) if shown else ""


def failure_text(unit: Unit) -> str:
    """Why it ended: ``its process ended with exit code 203 (its program is missing …)``."""
    result = unit.text("Result")
    texts: List[str] = []
    if result in _RESULTS:
        texts.append(_RESULTS[result])
    elif result not in ("", "success", "exit-code", "signal", "core-dump"):
        texts.append("systemd says '{0}'".format(printable(result, 40)))
    status, code = unit.number("ExecMainStatus"), unit.number("ExecMainCode")
    if code in (_KILLED, _DUMPED):
        dumped = " and left a core dump" if code == _DUMPED else ""
        texts.append("its process was killed by signal {0}{1}".format(_signal(status or 0), dumped))
    elif status:
        texts.append("its process ended with {0}".format(exit_text(status)))
    return "; ".join(texts) or "its process ended"


def exit_text(code: int) -> str:
    meaning = _EXIT_CODES.get(code)
    return "exit code {0}{1}".format(code, " ({0})".format(meaning) if meaning else "")


def container_text(container: Container) -> str:
    """Why a container does not run."""
    text = "it ended with {0}".format(exit_text(container.exit_code))
    if container.oom_killed:
        text = "it was killed for want of memory, with {0}".format(exit_text(container.exit_code))
    return "{0}; {1}".format(text, masked(container.error)) if container.error else text


def again_text(manager: str, restarts: Optional[int], started: Optional[float], now: float) -> str:
    """What is known of one that runs at this moment, and did not before."""
    ago = seconds_text(max(0.0, now - (started or now)))
    return "{0} restarted it {1}, the last time {2} ago".format(manager, times_text(restarts or 0), ago)


def times_text(count: int) -> str:
    return "once" if count == 1 else "{0} times".format(count)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name[3:]
    except ValueError:
        return str(number)
