# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of files of settings and of processes that were started with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .secrets import holds_secret, is_secret
from .settings_read import UNNAMED, Entry
from .shell_patterns import matches_any

PRESENT, MISSING, UNREADABLE, MALFORMED = "present", "missing", "unreadable", "malformed"

# What people write where a value is still to come, and what a template leaves that nobody rendered.
_PLACEHOLDER = re.compile(
    r"(?i)change[-_ ]?(?:this|it)\b.*|(?:.*[^a-z])?change[-_ ]?me.*|replace[-_ ]?(?:me|this|with)\b.*|to[-_ ]?do"
    r"|must[-_ ]?set|tbd|fix[-_ ]?me|x{3,}|\*{3,}|\.{3}|placeholder|dummy|your[-_ ].*|<[^<>]*>|undefined"
    r"|(?:my|enter|insert|put)[-_ ].*(?:here|key|token|password|secret|value)|.*\{\{.*\}\}.*|.*<%.*%>.*"
)
_NOTHING = ("", "null", "~", "nil", '""', "''")


class Wish(NamedTuple):
    """What is expected of the files of one path or pattern. ``masked`` and ``ignore`` are patterns of names."""

    path: str
    format: str = ""
    required: Tuple[str, ...] = ()
    masked: Tuple[str, ...] = ()
    ignore: Tuple[str, ...] = ()
    optional: bool = False
    owner: str = ""
    group: str = ""
    mode: Optional[int] = None


class Setting(NamedTuple):
    """``raws`` are the values as they stand there, one for each time that the name comes; ``secret`` hides them."""

    name: str
    values: Tuple[str, ...]
    raws: Tuple[str, ...]
    secret: bool


class Rights(NamedTuple):
    owner: str
    group: str
    mode: int


@dataclass(frozen=True)
class File:
    """``target`` is where a symbolic link leads to, else empty; ``wish.path`` the path or pattern it was found by."""

    path: str
    state: str
    wish: Wish
    text: str = ""
    advice: str = ""
    target: str = ""
    rights: Optional[Rights] = None
    settings: Tuple[Setting, ...] = ()

    @property
    def read(self) -> bool:
        return self.state == PRESENT

    @property
    def kept(self) -> List[Setting]:
        """Those whose change matters."""
        return [one for one in self.settings if not matches_any(one.name, self.wish.ignore)]

    @property
    def secrets(self) -> List[str]:
        """Names of those that really hold a secret: an address of a file or a placeholder is none."""
        return [
            one.name
            for one in self.settings
            if any(holds_secret(one.name, value) and not is_placeholder(value) for value in one.values)
        ]


@dataclass(frozen=True)
class Process:
    """``declared`` is what its next start would give it, each with all ways to read it; ``environment`` what it has.

    ``environment`` is ``None`` where it could not be seen or there is no process; ``text`` says which, ``severity``
    how bad that is. ``overwritten``: the process has put something else there, as those do that change their title.
    """

    name: str
    pid: int = 0
    required: Tuple[str, ...] = ()
    ignore: Tuple[str, ...] = ()
    declared: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    environment: Optional[Mapping[str, str]] = None
    overwritten: bool = False
    severity: str = ""
    text: str = ""
    advice: str = ""


def settings_of(entries: Sequence[Entry], masked: Sequence[str] = ()) -> Tuple[Setting, ...]:
    """Values of the same name together, in the order of the file."""
    by_name: Dict[str, List[Entry]] = {}
    for entry in entries:
        by_name.setdefault(entry.name, []).append(entry)
    return tuple(
        Setting(
            name,
            tuple(entry.value for entry in group),
            tuple(entry.raw for entry in group),
            name.endswith(UNNAMED)
            or matches_any(name, masked)
            or any(is_secret(name, text) for text in {text for entry in group for text in (entry.raw, entry.value)}),
        )
        for name, group in by_name.items()
    )


def is_placeholder(value: str) -> bool:
    return len(value) < 300 and _PLACEHOLDER.fullmatch(value.strip()) is not None


def shortcoming(value: Optional[str]) -> str:
    """What is wrong with the value of a variable that must be there; empty if nothing is. Never shows the value."""
    if value is None:
        return "is missing"
    if value.strip().lower() in _NOTHING:
        return "is empty"
    return "is a placeholder" if is_placeholder(value) else ""


def parse_mode(given: object) -> Optional[int]:
    """As Ansible's own modules take it: a number as it is, a text in octal. ``ValueError`` for anything else."""
    if given is None or given == "":
        return None
    mode = given if isinstance(given, int) and not isinstance(given, bool) else int(str(given), 8)
    if not 0 <= mode <= 0o7777:
        raise ValueError(given)
    return mode


def mode_text(mode: int) -> str:
    return "{0:04o}".format(mode)
