# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis: how long each command takes, and which ones are answered with errors."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Sequence

from .checks import Rule
from .finding import OK, Finding
from .redis_facts import CHECKS, Command
from .text import number_text, seconds_text
from .threshold import Threshold

MOST_SHOWN = 20


@CHECKS.check(
    "command_time",
    needs=("commands",),
    procedure="H08",
    question="Does every command do its work quickly, on average since the start?",
    threshold=Threshold(
        "seconds", 0.02, floors={"calls": 100}, source="ours: as for pings; while one command runs every client waits"
    ),
)
def command_time(rule: Rule, commands: Sequence[Command]) -> Iterator[Finding]:
    for command in commands:
        # Commands of modules have a dot in their names, and may work in threads of their own.
        if not command.calls or "." in command.name:
            continue
        finding = rule.judge(
            command.name,
            command.mean_seconds,
            "{0} took {1} on average of {2} calls.".format(
                command.name, seconds_text(command.mean_seconds), number_text(command.calls)
            ),
            "SLOWLOG GET shows some of them: read big values in parts (SCAN, HSCAN, ranges), shorten scripts. "
            "CONFIG RESETSTAT starts the average anew.",
            calls=command.calls,
        )
        if finding.severity != OK:
            yield finding


def most_failed(commands: Sequence[Command], most: int = 3) -> str:
    """``LPUSH (100), EVAL (7)``: those that were answered with an error most often; empty where none was."""
    failed = sorted((command for command in commands if command.errors), key=lambda c: (-c.errors, c.name))
    return ", ".join("{0} ({1})".format(command.name, number_text(command.errors)) for command in failed[:most])


def report(commands: Sequence[Command]) -> List[Dict[str, Any]]:
    """Those that took the most time, as they are returned; figures since the start of the server."""
    whole = sum(command.seconds for command in commands)
    longest = sorted(commands, key=lambda command: (-command.seconds, command.name))
    return [
        {
            "command": command.name,
            "calls": command.calls,
            "mean_seconds": round(command.mean_seconds, 6),
            "time_percent": round(100.0 * command.seconds / whole, 1) if whole else 0.0,
            "errors": command.errors,
        }
        for command in longest[:MOST_SHOWN]
    ]
