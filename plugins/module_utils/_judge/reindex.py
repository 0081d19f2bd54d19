# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which indexes are rebuilt, which leftovers are dropped, in which order and why.

What a failed ``REINDEX CONCURRENTLY`` leaves is an invalid twin, called like the index with ``_ccnew`` or ``_ccold``
behind. Such a twin serves nobody and is dropped, but only one of our own making: a journal that each run leaves until
it has cleaned up after itself says which. An invalid index of any other name is somebody's failed
``CREATE INDEX CONCURRENTLY``: it is rebuilt, for then it is what was asked for, and never dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple

from .bloat import Bloat
from .maintenance import Left, matches
from .plan import Step
from .text import bytes_text, number_text, seconds_text

LEFTOVER, INVALID, BLOAT = "leftover", "invalid", "bloat"
NEEDS = (LEFTOVER, INVALID, BLOAT)

# A first guess; what the run itself measures corrects it. A concurrent build reads the table twice.
BYTES_PER_SECOND = 32 * 1024 * 1024
SECONDS_PER_INDEX = 0.05

APPLICATION_NAME = "analytics.ops"

_LEFTOVER_NAME = re.compile(r"^(.*)_cc(?:new|old)[0-9]*$", re.DOTALL)


@dataclass(frozen=True)
class ReindexThresholds:
    """Both must be reached. 40 %, because random inserts alone leave a B-tree 25 % below full (temBoard warns at 30,
    is critical at 50); 100 MB as pghero, since rebuilding less seldom pays."""

    bloat_percent: float = 40.0
    bloat_bytes: float = 100.0 * 1024 * 1024


@dataclass(frozen=True)
class IndexWork:
    """``drop``: a leftover is dropped, otherwise the index is rebuilt. ``bloat`` is an estimate unless ``measured``."""

    index: Any  # IndexStatistics
    need: str
    reason: str
    bloat: Optional[Bloat] = None
    measured: bool = False
    estimated_seconds: float = 0.0

    @property
    def drop(self) -> bool:
        return self.need == LEFTOVER

    def step(self) -> Step:
        details = {
            "need": self.need,
            "table": "{0}.{1}".format(self.index.schema, self.index.table),
            "size_bytes": self.index.size_bytes,
            "bloat_percent": self.bloat and round(self.bloat.percent, 1),
            "measured": self.measured,
            "estimated_seconds": round(self.estimated_seconds, 3),
        }
        return Step("drop" if self.drop else "reindex", self.index.subject, self.reason, details)


@dataclass(frozen=True)
class JournalEntry:
    """An index that a run was about to rebuild, and the invalid indexes that its table had already."""

    table_oid: int
    name: str
    before: Tuple[int, ...] = ()


def plan_reindex(
    indexes: Sequence[Any],
    thresholds: ReindexThresholds,
    journal: Sequence[JournalEntry] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    concurrently: bool = True,
    rebuild_invalid: bool = True,
    leftovers: str = "own",
    max_index_size: Optional[int] = None,
) -> Tuple[List[IndexWork], List[Left]]:
    """What to do, the most urgent first, and what should be done but cannot be."""
    works: List[IndexWork] = []
    left: List[Left] = []
    for index in indexes:
        if not matches((index.subject, "{0}.{1}".format(index.schema, index.table)), include, exclude):
            continue
        if index.system:
            continue  # catalogs cannot be rebuilt concurrently, and must not be locked
        work = _judge_invalid(index) if not index.valid else _judge_bloat(index, thresholds)
        if work is None:
            continue
        work = replace(work, estimated_seconds=estimate_seconds(work, concurrently))
        cause, reason = _obstacle(work, journal, concurrently, rebuild_invalid, leftovers, max_index_size)
        if cause:
            left.append(Left(work.step(), cause, reason))
        else:
            works.append(work)
    works.sort(key=lambda work: (NEEDS.index(work.need), -(work.bloat.bytes if work.bloat else 0), work.index.subject))
    return works, left


def is_own_leftover(index: Any, journal: Iterable[JournalEntry]) -> bool:
    """Whether a run of ours made this invalid index: it was not there before that run, which rebuilt its twin."""
    name = _LEFTOVER_NAME.match(index.name)
    if index.valid or not name:
        return False
    # PostgreSQL shortens the front part of names that would be too long.
    return any(
        entry.table_oid == index.table_oid and entry.name.startswith(name.group(1)) and index.oid not in entry.before
        for entry in journal
    )


def journal_of(works: Sequence[IndexWork], indexes: Sequence[Any]) -> List[JournalEntry]:
    invalid = [index for index in indexes if not index.valid]
    return [
        JournalEntry(
            work.index.table_oid,
            work.index.name,
            tuple(index.oid for index in invalid if index.table_oid == work.index.table_oid),
        )
        for work in works
        if not work.drop
    ]


def estimate_seconds(work: IndexWork, concurrently: bool) -> float:
    if work.drop:
        return SECONDS_PER_INDEX
    written = work.bloat.fresh_bytes if work.bloat else work.index.size_bytes
    read = work.index.table_bytes * (2 if concurrently else 1)
    return SECONDS_PER_INDEX + (read + written) / BYTES_PER_SECOND


def confirmed(work: IndexWork, measured: Optional[Bloat], thresholds: ReindexThresholds) -> Optional[IndexWork]:
    """The work with what ``pgstatindex`` measured, ``None`` where the estimate was wrong."""
    if measured is None:
        return work
    if not _is_bloated(measured, thresholds):
        return None
    return replace(work, bloat=measured, measured=True, reason=_bloat_text(measured, "measured"))


def transaction_obstacle(server: Any, max_age: float) -> str:
    """Who would make every concurrent rebuild wait, in words."""
    for holder in server.holders:
        if holder.application == APPLICATION_NAME:
            continue  # a rebuild of this very run, which PostgreSQL mostly does not wait for
        if holder.kind in ("session", "prepared transaction") and holder.begun is not None:
            age = server.now - holder.begun
            if age > max_age:
                return "{0} is open for longer than {1}, and a concurrent rebuild waits for its end.".format(
                    holder.text(server.now), seconds_text(max_age)
                )
    return ""


def _judge_invalid(index: Any) -> IndexWork:
    if _LEFTOVER_NAME.match(index.name):
        return IndexWork(index, LEFTOVER, "A concurrent rebuild that failed left it behind.")
    return IndexWork(index, INVALID, "It is invalid: it is kept up to date perhaps, but no query uses it.")


def _judge_bloat(index: Any, thresholds: ReindexThresholds) -> Optional[IndexWork]:
    bloat = index.bloat()
    if bloat is None or not _is_bloated(bloat, thresholds):
        return None
    return IndexWork(index, BLOAT, _bloat_text(bloat, "estimated"), bloat)


def _is_bloated(bloat: Bloat, thresholds: ReindexThresholds) -> bool:
    return bloat.bytes > 0 and bloat.percent >= thresholds.bloat_percent and bloat.bytes >= thresholds.bloat_bytes


def _bloat_text(bloat: Bloat, how: str) -> str:
    return "{0} of {1} are bloat ({2} %, {3}).".format(
        bytes_text(bloat.bytes), bytes_text(bloat.size_bytes), number_text(round(bloat.percent, 1)), how
    )


def _obstacle(
    work: IndexWork,
    journal: Sequence[JournalEntry],
    concurrently: bool,
    rebuild_invalid: bool,
    leftovers: str,
    max_index_size: Optional[int],
) -> Tuple[str, str]:
    """Why a work cannot be done: its cause in a word and the reason."""
    index = work.index
    if index.building:
        return "busy", "An index of this table is being built right now."
    if not index.permitted:
        return (
            "rights",
            "This role may not rebuild it: it must own the table (since 17 the right MAINTAIN is enough).",
        )
    if work.need == LEFTOVER and not is_own_leftover(index, journal):
        if leftovers != "all":
            return "foreign", "No run of this module left it. Look what it is, and drop it with leftovers=all."
        if not index.original:
            return "foreign", "There is no valid index of the same definition that it would be a leftover of."
    if work.need == INVALID and not rebuild_invalid:
        return "foreign", "rebuild_invalid is false."
    if work.need != LEFTOVER and index.exclusion and concurrently:
        return "unsupported", "An exclusion constraint's index cannot be rebuilt concurrently."
    if work.need == BLOAT and index.stale:
        return (
            "stale",
            "Too much of its table changed since the last ANALYZE to trust the estimate: analyze first.",
        )
    if max_index_size is not None and not work.drop and index.size_bytes > max_index_size:
        return "size", "It is larger than max_index_size ({0}).".format(bytes_text(max_index_size))
    return "", ""


def entries_from(data: Any) -> List[JournalEntry]:
    """A journal as it was stored; what is not one says nothing."""
    entries = data.get("indexes") if isinstance(data, Mapping) else None
    found = []
    for entry in entries if isinstance(entries, list) else []:
        try:
            found.append(JournalEntry(int(entry["table_oid"]), str(entry["name"]), tuple(map(int, entry["before"]))))
        except (TypeError, KeyError, ValueError):
            continue
    return found
