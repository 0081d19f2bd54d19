# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis: whether the server runs with the settings that were declared, compared as the server itself reads them."""

from __future__ import annotations

import re
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional, Set, Tuple

from .._errors import InputError
from .checks import Rule
from .finding import OK, UNKNOWN, WARNING, Finding
from .redis_facts import CHECKS, Wishes
from .text import bytes_text
from .threshold import Threshold

YES, NO = "yes", "no"
_SPOKEN = {"yes": YES, "true": YES, "no": NO, "false": NO}
# No pattern, as CONFIG GET would take; modules put a dot into their settings' names.
_NAME = re.compile("[a-z0-9][a-z0-9._-]*")
# requirepass, masterauth, primaryauth, tls-key-file-pass; tls-auth-clients is none.
_SECRET = re.compile("pass|secret|token|auth$")
_SIZE = re.compile("(-?[0-9]+)(b|k|kb|m|mb|g|gb)?")
_UNITS = {"k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3}
_WORD = re.compile("[a-z]+(-[a-z]+)*")
# Words whose order says nothing.
_IN_ANY_ORDER = frozenset(("bind", "tls-protocols", "shutdown-on-sigterm", "shutdown-on-sigint"))
# What 'A' stands for in notify-keyspace-events.
_ALL_EVENTS = frozenset("g$lshzxetd")


def is_secret(name: str) -> bool:
    """Of such settings only whether they are set is looked at, told and compared."""
    return _SECRET.search(name) is not None


def declared(given: Mapping[str, Any]) -> Dict[str, Tuple[str, ...]]:
    """``{'maxmemory': '1gb', 'appendonly': True}`` → ``{'maxmemory': ('1gb',), 'appendonly': ('yes',)}``.

    Every setting with the values it may have. Raises ``InputError`` for what cannot be compared.
    """
    wanted = {}
    for key, value in given.items():
        name = str(key).strip().lower()
        if not _NAME.fullmatch(name):
            raise InputError(
                "expected_settings: {0!r} is no setting's name.".format(key), "Give names as CONFIG GET shows them."
            )
        texts = _texts(name, value)
        if is_secret(name) and not set(texts) <= {YES, NO}:
            raise InputError(
                "expected_settings: '{0}' is a secret, whose value is not compared.".format(name),
                "Give true (it must be set) or false (it must not).",
            )
        wanted[name] = texts
    return wanted


def given_secrets(given: Mapping[str, Any]) -> Set[str]:
    """Values that were given for secrets all the same, to be hidden wherever the options are shown."""
    return {
        text
        for name, value in given.items()
        if is_secret(str(name).lower())
        for text in (str(one) for one in (value if isinstance(value, list) else [value]))
        if text and text.lower() not in _SPOKEN
    }


def _texts(name: str, value: Any) -> Tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or any(isinstance(one, (dict, list)) for one in values):
        raise InputError(
            "expected_settings: '{0}' has no value that could be compared.".format(name),
            "Give one value, or a list of those that are allowed.",
        )
    return tuple(_text(name, one) for one in values)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    text = " ".join(str(value).split())
    return _SPOKEN.get(text.lower(), text) if is_secret(name) else text


@CHECKS.check(
    "settings",
    needs=("declared", "wishes"),
    procedure="S05",
    question="Does the server run with the settings that were declared?",
    threshold=Threshold(source="expected_settings; compared as the server reads them"),
)
def settings(rule: Rule, declared: Mapping[str, Optional[str]], wishes: Wishes) -> Iterator[Finding]:
    for name, wanted in wishes.expected_settings.items():
        found = declared[name]
        if found is None:
            yield rule.say(
                UNKNOWN,
                name,
                "The server has no setting called '{0}'.".format(name),
                "Check its name in expected_settings; this version may not have it, or not show it.",
            )
        elif any(same(name, one, found) for one in wanted):
            yield rule.say(OK, name, "'{0}' is as declared.".format(name), value=_shown(name, found))
        else:
            yield rule.say(
                WARNING,
                name,
                "'{0}' is {1}, and should be {2}.".format(
                    name, _spoken(name, found, wanted), " or ".join(_shown(name, one) for one in wanted)
                ),
                "Put it right with CONFIG SET and in the configuration file (CONFIG REWRITE), so that it outlives a "
                "restart; or put expected_settings right.",
                _shown(name, found),
            )


def _shown(name: str, value: str) -> str:
    if is_secret(name):
        return "set" if value == YES else "not set"
    return value or "empty"


def _spoken(name: str, found: str, wanted: Tuple[str, ...]) -> str:
    """A size that was declared with a unit is told with one."""
    in_units = any(_size(one) is not None and not one.lstrip("-").isdigit() for one in wanted)
    size = _size(found) if in_units else None
    return _shown(name, found) if size is None else "{0} ({1})".format(found, bytes_text(size))


def same(name: str, wanted: str, found: str) -> bool:
    """Whether the server, given ``wanted`` for the setting, would show ``found``."""
    if name == "save":
        return _pairs(wanted) == _pairs(found)
    if name == "client-output-buffer-limit":
        limits = _limits(found)
        return bool(wanted) and all(limits.get(kind) == values for kind, values in _limits(wanted).items())
    if name == "notify-keyspace-events":
        return _events(wanted) == _events(found)
    if name in _IN_ANY_ORDER:
        return set(wanted.lower().split()) == set(found.lower().split())
    if found in (YES, NO):
        return _SPOKEN.get(wanted.lower()) == found
    size = _size(wanted)
    if size is not None and size == _size(found):
        return True
    # Fixed words may be given in any case; names of users and files may not.
    if _WORD.fullmatch(found) and not name.endswith("user"):
        return wanted.lower() == found
    return wanted.split() == found.split()


def _size(text: str) -> Optional[int]:
    match = _SIZE.fullmatch(text.lower())
    return int(match.group(1)) * _UNITS.get(match.group(2), 1) if match else None


def _pairs(text: str) -> List[Tuple[str, ...]]:
    """``3600 1 60 100``: the save points, in whatever order."""
    words = text.replace('"', "").split()
    return sorted(tuple(words[n : n + 2]) for n in range(0, len(words), 2))


def _limits(text: str) -> Dict[str, Tuple[Optional[int], ...]]:
    """``replica 256mb 64mb 60 pubsub …`` → ``{'replica': (268435456, 67108864, 60), …}``."""
    words = text.lower().split()
    return {
        words[n].replace("slave", "replica"): tuple(_size(word) for word in words[n + 1 : n + 4])
        for n in range(0, len(words), 4)
    }


def _events(text: str) -> FrozenSet[str]:
    flags = frozenset(text)
    return (flags - {"A"}) | _ALL_EVENTS if "A" in flags else flags
