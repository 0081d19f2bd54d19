# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a service does not come up: what was found around it, in words, each with what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Iterable, Iterator, List, Optional, Sequence, Tuple

from .finding import CRITICAL, Finding
from .host_facts import FileSystem
from .service_facts import ComposeService
from .service_wave import Outcome
from .service_words import masked
from .text import bytes_text, printable

# What a unit file names.
PROGRAM, INTERPRETER, DIRECTORY, ENVIRONMENT = "program", "interpreter", "working directory", "environment file"
# What is wrong with it.
ABSENT, REFUSED, NOT_EXECUTABLE, NO_DIRECTORY, NOEXEC = "absent", "refused", "not executable", "no directory", "noexec"
_PROBLEMS = {
    ABSENT: "is not there",
    REFUSED: "cannot be reached by {0}",
    NOT_EXECUTABLE: "may not be executed by {0}",
    NO_DIRECTORY: "is no directory",
    NOEXEC: "lies on a file system that is mounted noexec",
}

# A file system has no room when both hold: less cannot take a segment of PostgreSQL's log, and small ones are not full
# with that much left.
_ROOM_BYTES, _ROOM_PERCENT, _ROOM_INODES = 16 << 20, 5.0, 10

_SHOWN = 5
_REQUIRED = re.compile(r"required variable (\w{1,80}) is missing a value")
_UNSET = re.compile(r'The \\?"(\w{1,80})\\?" variable is not set')
_NO_ENV_FILE = re.compile(r"env file (/[^\n\"]{1,200}?) not found")


@dataclass(frozen=True)
class Cause:
    message: str
    advice: str


@dataclass(frozen=True)
class Place:
    """What a unit file names, and what is wrong with it for ``user``."""

    what: str
    path: str
    problem: str
    user: str = "root"


def diagnosed(
    outcome: Outcome, causes: Iterable[Cause], found: Iterable[Finding], holders: Sequence[str], port: Optional[int]
) -> Outcome:
    """With what was found around it, who holds its port instead of it, and last - it may be long - its own words."""
    known = list(causes)
    if holders:
        text = "Its port {0} is held by {1}.".format(port, ", ".join(holders))
        known.insert(0, Cause(text, "End what holds the port, or give one of the two another."))
    advice = [cause.advice for cause in known]
    for one in found:
        if one.subject.split(": ")[0] == outcome.service and one.severity == CRITICAL:
            known.append(Cause(one.message, one.advice))
            # What names the cause says enough; of what was only seen, the first is where to look.
            advice = advice or [outcome.advice or one.advice]
    return replace(
        outcome,
        message=" ".join([outcome.message, *dict.fromkeys(cause.message for cause in known)]),
        advice=" ".join(dict.fromkeys(advice)) or outcome.advice or "Look at its log, and at what it needs.",
    )


def place_cause(unit: str, place: Place) -> Cause:
    problem = _PROBLEMS[place.problem].format(place.user)
    text = "Its {0} {1} {2}.".format(place.what, printable(place.path, 200), problem)
    if place.problem in (REFUSED, NOT_EXECUTABLE):
        return Cause(text, "Give {0} the right, or correct the unit: systemctl cat {1}.".format(place.user, unit))
    return Cause(text, "Put it there, or correct the unit: systemctl cat {0}.".format(unit))


def need_cause(need: str, state: str) -> Cause:
    text = "It requires {0}, which is {1}.".format(need, printable(state, 60))
    return Cause(text, "Mend that first: systemctl status {0}.".format(need))


def condition_cause(condition: str) -> Cause:
    text = "It starts only under a condition, and {0} was not met.".format(printable(condition, 200))
    return Cause(text, "Meet that condition, or take it out of the unit.")


def compose_causes(service: ComposeService) -> Iterator[Cause]:
    """What Compose itself says about variables: one that is required keeps the whole project from starting."""
    said = service.complaints
    advice = "Set what is missing in the environment, or in the file .env beside {0}.".format(service.file)
    required, unset = _names(_REQUIRED, said), _names(_UNSET, said)
    files = [masked(name) for name in dict.fromkeys(_NO_ENV_FILE.findall(said))]
    if required:
        yield Cause("Its Compose file requires variables that are not set: {0}.".format(required), advice)
    if unset:
        yield Cause("Its Compose file uses variables that are not set, and so empty: {0}.".format(unset), advice)
    if files:
        text = "Its environment file {0} is not there.".format(", ".join(files[:_SHOWN]))
        yield Cause(text, "Put it there, or correct env_file in {0}.".format(service.file))


def _names(expression: re.Pattern, text: str) -> str:
    names = sorted(set(expression.findall(text)))
    more = " and {0} more".format(len(names) - _SHOWN) if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def disk_causes(disks: Iterable[FileSystem]) -> List[Cause]:
    """Of a host: whatever a service writes lies on one of its file systems."""
    return [Cause(text, advice) for text, advice in map(_disk, disks) if text]


def _disk(disk: FileSystem) -> Tuple[str, str]:
    if not disk.measured or disk.read_only:
        return "", ""
    if disk.free < _ROOM_BYTES and 100.0 * disk.free < _ROOM_PERCENT * disk.size:
        text = "The file system {0} is full: {1} of {2} are free.".format(
            printable(disk.mount, 120), bytes_text(disk.free), bytes_text(disk.size)
        )
        return text, "Free some space in {0}, never by removing pg_wal.".format(printable(disk.mount, 120))
    if disk.inodes and disk.inodes_free < _ROOM_INODES:
        text = "The file system {0} can take no more files: {1} inodes of {2} are free.".format(
            printable(disk.mount, 120), disk.inodes_free, disk.inodes
        )
        return text, "Find the directory with the many files: du --inodes -x {0}.".format(printable(disk.mount, 120))
    return "", ""
