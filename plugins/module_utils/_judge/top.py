# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The heaviest of a kind: error patterns, tables and statements that a look names, so that weeks can be compared.

An entry is a dictionary: ``kind``, ``name``, ``times``, ``weight``, and with ``first`` and ``last`` the time that it
was counted over (seconds since the epoch, ``None`` where that is not known). Names are harmless and hold no secret.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .postgres_words import statement_text
from .text import is_number, printable

MOST = 20  # of one kind in one look; of those that only count up, what is heavy this week is among them for long
NAME_LENGTH = 200
_MOST_LOOKED_AT = 1000  # of what one result says
_YEAR_2106 = 2**32

LOG_PATTERNS, SEQUENTIAL_SCANS, STATEMENTS = "log.patterns", "pg.sequential_scans", "pg.statements"


class Kind(NamedTuple):
    """``times`` says what is counted, ``unit`` in what ``weight`` is; ``counter`` grows until somebody resets it."""

    title: str
    times: str
    unit: str
    counter: bool


KINDS: Dict[str, Kind] = {
    LOG_PATTERNS: Kind("Most frequent errors", "times", "", False),
    SEQUENTIAL_SCANS: Kind("Tables read sequentially", "scans", "rows", True),
    STATEMENTS: Kind("Statements that took the most time", "calls", "seconds", True),
}


def top_of_postgres(snapshot: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Of the parts ``scans`` and ``statements``, where they were asked for and could be seen."""
    scans, statements = snapshot.get("scans"), snapshot.get("statements")
    found: List[Dict[str, Any]] = []
    if isinstance(scans, list):
        found += [_entry(SEQUENTIAL_SCANS, table.name, table.scans, table.rows) for table in scans]
    if isinstance(statements, list):
        # The same statement of several roles is one: the week asks what was done, not by whom.
        by_name: Dict[str, Dict[str, Any]] = {}
        for one in statements:
            name = "{0} (query {1})".format(statement_text(one.query, 150), one.id)
            known = by_name.setdefault(name, _entry(STATEMENTS, name, 0, 0.0))
            known["times"] += one.calls
            known["weight"] = round(known["weight"] + one.total_seconds, 6)
        found += sorted(by_name.values(), key=lambda entry: -entry["weight"])[:MOST]
    return found


def top_of_logs(logs: Sequence[Any]) -> List[Dict[str, Any]]:
    """The most frequent patterns of all logs of one look."""
    found = [
        _entry(
            LOG_PATTERNS,
            "{0}: {1}".format(log.name, group.template),
            group.count,
            None,
            log.now - log.seconds,
            log.now,
        )
        for log in logs
        for group in log.groups
    ]
    return sorted(found, key=lambda entry: (-entry["times"], entry["name"]))[:MOST]


def sound_top(given: Any) -> Tuple[Dict[str, Any], ...]:
    """What a result says of it, or would like to: bounded, harmless, and each name of a kind once."""
    found: Dict[Tuple[str, str], Dict[str, Any]] = {}
    sizes = dict.fromkeys(KINDS, 0)
    for one in given[:_MOST_LOOKED_AT] if isinstance(given, (list, tuple)) else ():
        if not isinstance(one, Mapping) or not is_number(one.get("times")):
            continue
        kind = str(one.get("kind"))
        weight = one.get("weight") if is_number(one.get("weight")) else None
        entry = _entry(kind, one.get("name", ""), one["times"], weight, _moment(one, "first"), _moment(one, "last"))
        key = (kind, entry["name"])
        if sizes.get(kind, MOST) < MOST and key not in found:
            sizes[kind] += 1
            found[key] = entry
    return tuple(found.values())


def _entry(
    kind: str, name: str, times: float, weight: Optional[float], first: Any = None, last: Any = None
) -> Dict[str, Any]:
    return {
        "kind": kind,
        "name": printable(name, NAME_LENGTH),
        "times": times,
        "weight": weight,
        "first": None if first is None else int(first),
        "last": None if last is None else int(last),
    }


def _moment(entry: Mapping[str, Any], name: str) -> Optional[float]:
    value = entry.get(name)
    return value if is_number(value) and 0 <= value < _YEAR_2106 else None
