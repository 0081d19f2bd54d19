# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may start or stop at the same time, from who needs whom.

``after`` maps a service's name to the names of those that must be up before it. Nothing here knows more of a service.
"""

from __future__ import annotations

import difflib
from graphlib import CycleError, TopologicalSorter
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Set

from .._errors import InputError

UP, DOWN = "up", "down"
DIRECTIONS = (UP, DOWN)

After = Mapping[str, Iterable[str]]


def service_waves(
    after: After,
    direction: str = UP,
    only: Optional[Iterable[str]] = None,
    hosts: Optional[Mapping[str, Sequence[str]]] = None,
) -> List[List[str]]:
    """Every service once, each wave sorted by name, in as few waves as the dependencies allow.

    ``up``: what a service needs stands in an earlier wave. ``down``: the same waves, the last first. With ``only`` the
    waves of just these services; that one needs another by way of a service that is not chosen still counts.

    With ``hosts``, which says where each service runs, a service and what it needs may stand in one wave where both
    run on the same single host: who works there sees for himself when the one is ready, and nobody else has to wait.
    Raises ``InputError`` for an unknown name, an unknown direction and a cycle.
    """
    if direction not in DIRECTIONS:
        raise InputError(
            "There is no direction called '{0}'.".format(direction), "Give one of: {0}.".format(", ".join(DIRECTIONS))
        )
    found = cycles(after)
    if found:
        raise InputError("Services wait for each other: {0}.".format(cycle_text(found[0])), "Break the circle.")
    chosen = set(after) if only is None else {_known(after, name) for name in only}
    needs = {name: _nearest(after, name, chosen) for name in chosen}
    wave_of: Dict[str, int] = {}
    for name in TopologicalSorter(needs).static_order():
        wave_of[name] = max((wave_of[need] + _apart(need, name, hosts) for need in needs[name]), default=0)
    waves: List[List[str]] = [[] for _number in range(max(wave_of.values(), default=-1) + 1)]
    for name in sorted(wave_of):
        waves[wave_of[name]].append(name)
    return waves if direction == UP else waves[::-1]


def needs_within(after: After, names: Iterable[str]) -> Dict[str, Set[str]]:
    """Which of these services each of them needs, directly or by way of others."""
    chosen = set(names)
    return {name: _nearest(after, name, chosen) for name in sorted(chosen)}


def all_needs(after: After, name: str) -> Set[str]:
    """Everything that a service needs, directly or by way of others."""
    seen: Set[str] = set()
    ahead = list(after.get(name, ()))
    while ahead:
        need = ahead.pop()
        if need not in seen:
            seen.add(need)
            ahead.extend(after.get(need, ()))
    return seen


def cycles(after: After) -> List[List[str]]:
    """Circles in which each waits for the next and the last for the first; no service is in two of them.

    Empty means that the whole graph has an order. Each begins with its smallest name, so the answer never varies.
    """
    graph: Dict[str, List[str]] = {name: sorted(set(needs)) for name, needs in sorted(after.items())}
    found = []
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            # graphlib names it in the order of starting, and the first again at the end.
            circle = error.args[1][:0:-1]
            first = circle.index(min(circle))
            found.append(circle[first:] + circle[:first])
            graph = {
                name: [need for need in needs if need not in circle]
                for name, needs in graph.items()
                if name not in circle
            }
        else:
            return found


def cycle_text(circle: List[str]) -> str:
    """``a → b → a``."""
    return " → ".join([*circle, circle[0]])


def did_you_mean(name: object, known: Iterable[str], otherwise: str = "There are") -> str:
    """What to do about a name that does not exist."""
    names = sorted(known)
    alike = difflib.get_close_matches(str(name), names, n=3, cutoff=0.6)
    if alike:
        return "Did you mean {0}?".format(" or ".join("'{0}'".format(one) for one in alike))
    return "{0}: {1}.".format(otherwise, ", ".join(names) or "none")


def _apart(need: str, name: str, hosts: Optional[Mapping[str, Sequence[str]]]) -> int:
    if hosts is None:
        return 1
    one, other = hosts.get(need, ()), hosts.get(name, ())
    return 0 if len(one) == 1 and list(one) == list(other) else 1


def _nearest(after: After, name: str, chosen: Set[str]) -> Set[str]:
    """The chosen services that ``name`` needs, directly or through services that are not chosen."""
    seen: Set[str] = set()
    nearest: Set[str] = set()
    ahead = list(after.get(name, ()))
    while ahead:
        need = ahead.pop()
        if need in seen:
            continue
        seen.add(need)
        if need in chosen:
            nearest.add(need)
        else:
            ahead.extend(after.get(need, ()))
    return nearest


def _known(after: After, name: str) -> str:
    if name not in after:
        raise InputError("There is no service called '{0}'.".format(name), did_you_mean(name, after))
    return name
