# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a regular expression before it is tried: words that it needs, and whether it stays in a line.

Both are read from what Python's own parser makes of it. Parts that are not known say nothing.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any, Iterable, List, Pattern, Sequence, Tuple

_CHOICES = 16  # of more words every one would have to be searched for
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_BREAK = 10  # the line break
_WITH_BREAK = ("CATEGORY_SPACE", "CATEGORY_NOT_DIGIT", "CATEGORY_NOT_WORD")


def required(expression: Pattern[bytes]) -> Tuple[bytes, ...]:
    """Words of which one stands in every text that the expression is found in; none where that is not sure."""
    return () if expression.flags & (re.IGNORECASE | re.LOCALE) else _words(_parsed(expression))


def stays_in_line(expression: Pattern[bytes]) -> bool:
    """Whether no part can match a line break, so that with ``re.M`` a text is searched as its lines are."""
    return not expression.flags & re.DOTALL and _stays(_parsed(expression))


def _parsed(expression: Pattern[bytes]) -> Iterable[Any]:
    parser = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
    return parser.parse(expression.pattern)


def _words(tree: Iterable[Any]) -> Tuple[bytes, ...]:
    found: List[Tuple[bytes, ...]] = [()]
    run = bytearray()
    for operation, argument in tree:
        kind = str(operation)
        if kind == "LITERAL":
            run.append(argument)
            continue
        found.append((bytes(run),))
        run.clear()
        found.append(_words_of(kind, argument))
    found.append((bytes(run),))
    best = max(found, key=_worth)
    return best if _worth(best) > 1 else ()


def _words_of(kind: str, argument: Any) -> Tuple[bytes, ...]:
    if kind == "BRANCH":
        ways = [_words(way) for way in argument[1]]
        return tuple(word for way in ways for word in way) if all(ways) else ()
    if kind == "SUBPATTERN" and not argument[1]:  # without flags of its own
        return _words(argument[3])
    if kind in _REPEATS and argument[0]:
        return _words(argument[2])
    return _words(argument) if kind == "ATOMIC_GROUP" else ()


def _worth(words: Sequence[bytes]) -> int:
    """The longer the shortest word, the fewer lines hold it by chance."""
    return min(map(len, words)) if 0 < len(words) <= _CHOICES else 0


def _stays(tree: Iterable[Any]) -> bool:
    return all(_part_stays(str(operation), argument) for operation, argument in tree)


def _part_stays(kind: str, argument: Any) -> bool:
    if kind == "LITERAL":
        return argument != _BREAK
    if kind == "NOT_LITERAL":
        return argument == _BREAK
    if kind == "IN":
        negated = str(argument[0][0]) == "NEGATE"
        return negated == any(_holds_break(str(what), value) for what, value in argument)
    if kind == "AT":
        return str(argument) in ("AT_BEGINNING", "AT_END", "AT_BOUNDARY")
    if kind == "BRANCH":
        return all(map(_stays, argument[1]))
    if kind == "SUBPATTERN":
        return not (argument[1] or argument[2]) and _stays(argument[3])
    if kind in _REPEATS:
        return _stays(argument[2])
    return kind in ("ANY", "GROUPREF")


def _holds_break(kind: str, value: Any) -> bool:
    if kind == "RANGE":
        return value[0] <= _BREAK <= value[1]
    return value == _BREAK if kind == "LITERAL" else str(value) in _WITH_BREAK
