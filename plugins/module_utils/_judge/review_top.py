# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The heaviest error patterns, tables and statements of a week, and what they were in the week before.

Two ways of counting come in. An error pattern is counted over a time, and the times of two looks may overlap: then it
counts for the part that no earlier look had covered. A table and a statement are counted up by the server: there the
growth from look to look counts, and after a reset what has been counted since.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .review_facts import TopRow, Weeks
from .top import KINDS, MOST

MOST_TOLD = 50  # of one kind

Where = Tuple[str, str, str]  # host, target, kind


class Amount(NamedTuple):
    """What came in at ``at``."""

    at: int
    times: float
    weight: Optional[float]


def top_of(rows: Sequence[TopRow], weeks: Weeks) -> Dict[str, List[Dict[str, Any]]]:
    """By kind; the same error on several hosts is one entry."""
    looks = _looks(rows)
    by_entry: Dict[Tuple[str, ...], List[TopRow]] = {}
    for row in sorted(rows, key=lambda row: row.at):
        by_entry.setdefault(row[:4], []).append(row)
    merged: Dict[Tuple[str, str, str, str], Dict[str, Any]] = {}
    for (host, target, kind, name), mine in by_entry.items():
        counter = KINDS[kind].counter
        amounts = list(_grown(mine, looks[host, target, kind]) if counter else _counted(mine))
        place = (host, target) if counter else ("", "")
        entry = merged.setdefault((kind, *place, name), _empty(kind, name))
        _add(entry, host, amounts, weeks, _compared(looks[host, target, kind], weeks))
    told: Dict[str, List[Dict[str, Any]]] = {kind: [] for kind in KINDS}
    for (kind, _host, target, _name), entry in merged.items():
        if entry["times"] > 0:
            told[kind].append(dict(entry, target=target, hosts=sorted(entry["hosts"])))
    return {kind: sorted(entries, key=_heaviest)[:MOST_TOLD] for kind, entries in told.items()}


def _empty(kind: str, name: str) -> Dict[str, Any]:
    weight = 0.0 if KINDS[kind].unit else None
    return {"name": name, "times": 0.0, "weight": weight, "times_before": None, "weight_before": None, "hosts": set()}


def _heaviest(entry: Mapping[str, Any]) -> Any:
    return -(entry["weight"] or 0), -entry["times"], entry["name"]


def _add(entry: Dict[str, Any], host: str, amounts: Sequence[Amount], weeks: Weeks, compared: bool) -> None:
    now = [amount for amount in amounts if amount.at >= weeks.begin]
    then = [amount for amount in amounts if weeks.before <= amount.at < weeks.begin]
    if now:
        entry["hosts"].add(host)
    for ending, known, these in (("", True, now), ("_before", compared, then)):
        if known:
            entry["times" + ending] = (entry["times" + ending] or 0) + round(sum(amount.times for amount in these))
            if entry["weight"] is not None:
                grown = sum(amount.weight or 0 for amount in these)
                entry["weight" + ending] = round((entry["weight" + ending] or 0) + grown, 3)


def _looks(rows: Sequence[TopRow]) -> Dict[Where, Dict[int, int]]:
    """How many entries each look had, by when it was."""
    looks: Dict[Where, Dict[int, int]] = {}
    for row in rows:
        at = looks.setdefault(row[:3], {})
        at[row.at] = at.get(row.at, 0) + 1
    return looks


def _compared(looks: Mapping[int, int], weeks: Weeks) -> bool:
    """Whether the week before was looked at, so that what is not there was nothing."""
    return any(weeks.before <= at < weeks.begin for at in looks)


def _counted(rows: Sequence[TopRow]) -> Iterator[Amount]:
    covered = 0
    for row in rows:
        share = 1.0
        if row.first is not None and row.last is not None and row.seconds > 0:
            new = row.last - max(row.first, covered)
            share = max(0.0, min(1.0, new / row.seconds))
            covered = max(covered, row.last)
        yield Amount(row.at, share * row.times, None)


def _grown(rows: Sequence[TopRow], looks: Mapping[int, int]) -> Iterator[Amount]:
    times, weight = _begin(rows[0], looks)
    for row in rows:
        heaviest = row.heaviest or 0.0
        grown = row.most - times, heaviest - weight
        yield Amount(row.at, *(grown if min(grown) >= 0 else (row.most, heaviest)))
        times, weight = row.most, heaviest


def _begin(row: TopRow, looks: Mapping[int, int]) -> Tuple[float, float]:
    """What came into a list that had room for it had been nothing before; of all else the first look is the begin."""
    earlier = [at for at in looks if at < row.at]
    return (0.0, 0.0) if earlier and looks[max(earlier)] < MOST else (row.least, row.lightest or 0.0)
