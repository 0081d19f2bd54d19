# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to happen to which keys: wishes checked before anything is touched, and the pace at which it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional

from .._errors import InputError, Refused
from .plan import Step
from .text import number_text, seconds_text

ABSENT, EXPIRE = "absent", "expire"
ACTIONS = {ABSENT: "delete", EXPIRE: "expire"}

# What has to be written out by hand before everything goes.
CONFIRMATION = "delete-every-key-that-matches"
# A TTL shorter than this is a deletion by another name.
SHORT_TTL = 60
SMALLEST_SLICE = 10
CALM_SLICES = 20


@dataclass(frozen=True)
class KeyWork:
    """The wishes of one run. ``ttl`` and ``idle_seconds`` are seconds; ``limit`` is how many keys may be changed."""

    pattern: str
    state: str
    ttl: int = 0
    ttl_jitter: int = 0
    only_without_ttl: bool = True
    type: str = ""
    idle_seconds: int = 0
    limit: Optional[int] = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> KeyWork:
        """Raises ``InputError`` for what cannot be, ``Refused`` for what has not been confirmed."""
        if not params["pattern"]:
            raise InputError("pattern is empty.", "Give the keys' names with wildcards, for example 'session:*'.")
        for name in ("ttl", "limit"):
            if params[name] is not None and params[name] < 1:
                raise InputError("{0} is {1}.".format(name, params[name]), "Give 1 or more, or leave it out.")
        for name in ("ttl_jitter", "idle_seconds", "time_budget", "pause"):
            if params[name] is not None and params[name] < 0:
                raise InputError("{0} is {1:g}.".format(name, params[name]), "Give 0 or more.")
        if params["state"] == EXPIRE and params["ttl"] is None:
            raise InputError("state is expire, but ttl is missing.", "Give ttl, the seconds the keys shall still live.")
        work = cls(
            pattern=params["pattern"],
            state=params["state"],
            ttl=params["ttl"] or 0,
            ttl_jitter=params["ttl_jitter"] or 0,
            only_without_ttl=params["only_without_ttl"],
            type=params["type"] or "",
            idle_seconds=params["idle_seconds"] or 0,
            limit=params["limit"],
        )
        work._require_confirmation(params["confirm"])
        return work

    def _require_confirmation(self, confirm: Optional[str]) -> None:
        if confirm not in (None, "", CONFIRMATION):
            raise InputError(
                "confirm is '{0}'.".format(confirm), "The only confirmation is '{0}'.".format(CONFIRMATION)
            )
        deletes = self.state == ABSENT or self.ttl < SHORT_TTL
        if deletes and not confirm and names_nothing(self.pattern):
            raise Refused(
                "The pattern '{0}' names no key in particular: it would delete every key{1} of this database.".format(
                    self.pattern, " without TTL" if self.only_without_ttl else ""
                ),
                "Give a narrower pattern. If everything shall really go, set confirm: {0}.".format(CONFIRMATION),
            )

    @property
    def reason(self) -> str:
        """In words, which of the matching keys are meant."""
        if self.only_without_ttl:
            conditions = ["no TTL"]
        elif self.state == EXPIRE:
            conditions = ["no TTL or one over {0}".format(seconds_text(self.ttl + self.ttl_jitter))]
        else:
            conditions = ["with or without TTL"]
        if self.type:
            conditions.append("type {0}".format(self.type))
        if self.idle_seconds:
            conditions.append("idle for {0}".format(seconds_text(self.idle_seconds)))
        return ", ".join(conditions)

    def step(self, **details: Any) -> Step:
        if self.state == EXPIRE:
            details.update(ttl_seconds=self.ttl, ttl_jitter_seconds=self.ttl_jitter)
        return Step(ACTIONS[self.state], self.pattern, self.reason, details)

    def steps(self, keys: int, **details: Any) -> List[Step]:
        """What was or would be done to ``keys`` keys; nothing, where there are none."""
        return [self.step(keys=keys, **details)] if keys else []


def names_nothing(pattern: str) -> bool:
    """Whether a glob holds no single character that a key must have: ``*``, ``?*``, ``[a-z]*``."""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\" and position + 1 < len(pattern):
            return False
        if character == "[":
            # As the server reads it: to the first closing bracket, an escaped one does not count.
            position += 1
            while position < len(pattern) and pattern[position] != "]":
                position += 2 if pattern[position] == "\\" else 1
        elif character not in "*?":
            return False
        position += 1
    return True


class Pace:
    """How much at a time, and how long between: less as soon as the server becomes slow, more when it is calm again."""

    def __init__(self, slice_keys: int, pause: float, max_latency: float) -> None:
        self.wanted_slice = self.slice = slice_keys
        self.wanted_pause = self.pause = pause
        self.max_latency = max_latency
        self.slow = 0
        self._calm = 0

    def note(self, seconds: float) -> None:
        """Tell how long the latest round trip took."""
        if seconds > self.max_latency:
            self.slow += 1
            self._calm = 0
            self.slice = min(self.slice, max(SMALLEST_SLICE, self.slice // 2))
            self.pause = min(1.0, max(2 * self.pause, self.max_latency))
            return
        self._calm += 1
        if self._calm % CALM_SLICES == 0:
            self.slice = min(self.wanted_slice, self.slice * 2)
            halved = self.pause / 2
            self.pause = max(self.wanted_pause, halved if halved > self.max_latency / 2 else 0.0)


def summary(work: KeyWork, keys: int, stopped: str, cursor: str, would: bool) -> str:
    """One sentence for the task's output."""
    verb = {ABSENT: "deleted", EXPIRE: "given a TTL"}[work.state]
    text = "{0} keys {1} {2}.".format(number_text(keys), "would be" if would else "were", verb)
    if stopped:
        text += " Stopped ({0}); run again with cursor '{1}' to go on.".format(stopped, cursor)
    return text
