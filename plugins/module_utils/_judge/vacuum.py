# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tables VACUUM and ANALYZE would help, in which order, why, and how long it will take.

Wraparound comes before dead rows, those before statistics. A table for which the work would change nothing is not
planned, for then a second run would do it again: rows that died after the oldest open transaction began cannot be
removed as long as that transaction lives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Container, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from .maintenance import Left, matches
from .plan import Step
from .text import number_text

WRAPAROUND, DEAD_ROWS, INSERTS, STATISTICS = "wraparound", "dead_rows", "inserted_rows", "statistics"
NEEDS = (WRAPAROUND, DEAD_ROWS, INSERTS, STATISTICS)

# A first guess of what one connection does in a second; what the run itself measures corrects it.
BYTES_PER_SECOND = 64 * 1024 * 1024
SECONDS_PER_TABLE = 0.02
ANALYZE_SAMPLE_PAGES = 30000  # 300 × default_statistics_target, a page each at worst
PAGE = 8192
PAGE_DIRTY_COST = 20

# Every CREATE, ALTER and REINDEX writes to the catalogs, so a few dozen rows would make each run find work again.
CATALOG_CHANGED_ROWS = 1000.0
PG_STATISTIC = 2619  # ANALYZE passes over the table that it writes to, without a word

# For holders of the horizon that do not tell since when (slots): VACUUM tries again after a day.
UNKNOWN_BEGIN_SECONDS = 86400.0

# A partition that was analyzed this much later than its parent has changed since; nearer times are of the same run.
SAME_RUN_SECONDS = 3600.0


@dataclass(frozen=True)
class VacuumThresholds:
    """When a table needs it. The percentages and the row counts of a pair must both be reached.

    Half of what autovacuum waits for (20 % dead, 10 % changed where a table is big), so that the maintenance window
    does the work before autovacuum has to during the day; wraparound likewise at three quarters of
    ``autovacuum_freeze_max_age``, where autovacuum would begin a vacuum that does not give way to anyone.
    """

    wraparound_percent: float = 75.0
    dead_rows_percent: float = 10.0
    dead_rows: float = 1000.0
    inserted_rows_percent: float = 20.0
    inserted_rows: float = 1000.0
    changed_rows_percent: float = 10.0
    changed_rows: float = 50.0


@dataclass(frozen=True)
class TableWork:
    """One table to be vacuumed, analyzed or both. Each ``phase`` waits until all of the one before is done."""

    table: Any  # TableStatistics
    need: str
    reason: str
    vacuum: bool
    analyze: bool
    freeze: bool = False
    estimated_seconds: float = 0.0
    phase: int = 0

    def step(self) -> Step:
        action = ("vacuum_analyze" if self.analyze else "vacuum") if self.vacuum else "analyze"
        return Step(
            action,
            self.table.subject,
            self.reason,
            {
                "need": self.need,
                "freeze": self.freeze,
                "dead_rows": self.table.dead_rows + self.table.toast_dead_rows,
                "size_bytes": self.table.size_bytes,
                "estimated_seconds": round(self.estimated_seconds, 3),
            },
        )


def plan_vacuum(
    tables: Sequence[Any],
    server: Any,
    thresholds: VacuumThresholds,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    freeze: bool = False,
    version: int = 180000,
    page_seconds: float = 0.0,
) -> Tuple[List[TableWork], List[Left]]:
    """What to do, the most urgent first, and what should be done but cannot be.

    ``page_seconds`` is what the cost settings make a page cost in waiting.
    """
    chosen = [table for table in tables if matches((table.subject,), include, exclude)]
    works: List[TableWork] = []
    left: List[Left] = []
    for table in chosen:
        if table.kind == "p":
            continue
        work, held = _judge_table(table, server, thresholds, freeze)
        for need, reason in held:
            left.append(Left(TableWork(table, need, reason, vacuum=True, analyze=False).step(), "held_back", reason))
        if work:
            works.append(work)
    works = _with_parents(works, tables, {table.oid for table in chosen}, thresholds, version)
    allowed = []
    for work in works:
        if work.table.permitted:
            allowed.append(replace(work, estimated_seconds=estimate_seconds(work, page_seconds)))
        else:
            right = "the right MAINTAIN on it" if version >= 170000 else "to be its owner or the database's"
            left.append(
                Left(work.step(), "rights", "This role may not vacuum or analyze it: it needs {0}.".format(right))
            )
    return sorted(allowed, key=_urgency), left


def estimate_seconds(work: TableWork, page_seconds: float = 0.0) -> float:
    """From the sizes alone; the run corrects it by what it measures."""
    table, read = work.table, 0.0
    if work.vacuum:
        read += table.toast_bytes + table.heap_bytes * (1.0 if work.freeze else 1.0 - table.all_visible_share)
        if table.dead_rows or work.freeze:
            read += table.index_bytes
    if work.analyze:
        read += min(table.heap_bytes, ANALYZE_SAMPLE_PAGES * PAGE)
    return SECONDS_PER_TABLE + read / BYTES_PER_SECOND + read / PAGE * page_seconds


def throttle_seconds_per_page(cost_delay: Optional[float], cost_limit: Optional[int]) -> float:
    """What ``vacuum_cost_delay`` (milliseconds) makes a page wait, if every page is dirtied."""
    return (cost_delay or 0.0) / 1000.0 * PAGE_DIRTY_COST / (cost_limit or 200)


def _judge_table(
    table: Any, server: Any, limits: VacuumThresholds, freeze: bool
) -> Tuple[Optional[TableWork], List[Tuple[str, str]]]:
    """The work of one table, and what of it would be in vain and why."""
    reasons: List[Tuple[str, str]] = []
    in_vain: List[Tuple[str, str]] = []
    aged = _age(table, server, limits)
    if aged:
        text, obstacle = aged
        (in_vain if obstacle else reasons).append((WRAPAROUND, text + obstacle))
    dead = _dead(table, limits)
    if dead:
        holder = _holder_of_dead_rows(table, server)
        if holder is None:
            reasons.append((DEAD_ROWS, dead))
        else:
            obstacle = ", but they cannot be removed: {0} may still see them.".format(holder.text(server.now))
            in_vain.append((DEAD_ROWS, dead + obstacle))
    if _both(table.inserted_rows, table.known_rows, limits.inserted_rows, limits.inserted_rows_percent):
        reasons.append(
            (INSERTS, "{0} rows were inserted since the last vacuum".format(number_text(table.inserted_rows)))
        )
    statistics = _statistics(table, limits)
    if statistics:
        reasons.append((STATISTICS, statistics))
    if not reasons:
        return None, in_vain
    needs = [need for need, text in reasons]
    work = TableWork(
        table,
        need=needs[0],
        reason=_sentence("; ".join(text for need, text in reasons)),
        vacuum=needs[0] != STATISTICS,
        analyze=STATISTICS in needs,
        # Only FREEZE is sure to bring the age down, whatever the server's own limits for freezing are.
        freeze=needs[0] == WRAPAROUND or (freeze and needs[0] != STATISTICS),
        phase=2 if table.oid == PG_STATISTIC else 0,  # every ANALYZE makes dead rows in it
    )
    return work, in_vain


def _age(table: Any, server: Any, limits: VacuumThresholds) -> Optional[Tuple[str, str]]:
    """How near wraparound protection the table is, and what makes freezing it useless, if anything does."""
    percent, age, name, limit = max(
        (100.0 * age / limit, age, name, limit)
        for age, limit, name in (
            (table.xid_age, server.freeze_max_age, "transactions"),
            (table.mxid_age, server.multixact_freeze_max_age, "multixacts"),
        )
    )
    if percent < limits.wraparound_percent:
        return None
    text = "{0} % of the age at which wraparound protection starts ({1} of {2} {3})".format(
        number_text(percent), number_text(age), number_text(limit), name
    )
    oldest = server.holders[0] if server.holders else None
    # Freezing goes no further than the oldest transaction: for less than a tenth the table need not be read.
    if name == "transactions" and oldest and oldest.xid_age > 0.9 * age:
        return text, ", but it cannot be frozen: {0} is as old.".format(oldest.text(server.now))
    return text, ""


def _dead(table: Any, limits: VacuumThresholds) -> str:
    for dead, live, what in (
        (table.dead_rows, table.live_rows, "dead rows"),
        (table.toast_dead_rows, table.toast_live_rows, "dead rows of its TOAST table"),
    ):
        if _both(dead, dead + live, limits.dead_rows, limits.dead_rows_percent):
            return "{0} {1} ({2} %)".format(number_text(dead), what, number_text(100.0 * dead / (dead + live)))
    return ""


def _holder_of_dead_rows(table: Any, server: Any) -> Any:
    """Who keeps every dead row of this table alive, ``None`` where VACUUM would remove some.

    If the last vacuum came after the oldest transaction began, it removed what that one cannot see; what is dead
    since, or was left then, died in its sight.
    """
    oldest = server.holders[0] if server.holders else None
    if oldest is None or table.last_vacuum is None:
        return None
    begun = server.now - UNKNOWN_BEGIN_SECONDS if oldest.begun is None else oldest.begun
    return oldest if oldest.xid_age > 0 and table.last_vacuum >= begun else None


def _statistics(table: Any, limits: VacuumThresholds) -> str:
    rows = table.known_rows
    if table.oid == PG_STATISTIC:
        return ""
    # Rows that nobody has counted yet, after a crash for example, still take pages.
    rows_exist = rows >= limits.changed_rows or (table.rows < 0 and table.heap_bytes > PAGE)
    if table.last_analyze is None and rows_exist and (not table.catalog or table.rows < 0):
        # Catalogs come with statistics from initdb, whose ANALYZE nobody recorded.
        return "it was never analyzed"
    least = max(limits.changed_rows, CATALOG_CHANGED_ROWS) if table.catalog else limits.changed_rows
    if _both(table.changed_rows, rows, least, limits.changed_rows_percent):
        return "{0} rows changed since the last analyze".format(number_text(table.changed_rows))
    return ""


def _both(count: float, of: float, least: float, percent: float) -> bool:
    return count > 0 and count >= least and (of <= 0 or 100.0 * count / of >= percent)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _urgency(work: TableWork) -> Tuple[Any, ...]:
    table = work.table
    size = {
        WRAPAROUND: max(table.xid_age, table.mxid_age),
        DEAD_ROWS: table.dead_rows + table.toast_dead_rows,
        INSERTS: table.inserted_rows,
        STATISTICS: table.changed_rows,
    }[work.need]
    return (work.phase, NEEDS.index(work.need), -size, table.subject)


def _with_parents(
    works: List[TableWork], tables: Sequence[Any], chosen: Container[int], limits: VacuumThresholds, version: int
) -> List[TableWork]:
    """Adds the partitioned tables whose own statistics, those over all partitions, are missing or old.

    Autovacuum never does that. Before PostgreSQL 18 the ANALYZE of a partitioned table analyzes every partition as
    well, so the partitions are then spared theirs.
    """
    by_oid = {table.oid: table for table in tables}
    by_table = {work.table.oid: work for work in works}
    totals: Dict[int, List[float]] = {}
    for leaf in tables:
        if leaf.kind == "p" or leaf.parent_oid is None:
            continue
        for parent in _ancestors(leaf, by_oid):
            fresh = leaf.oid in by_table and by_table[leaf.oid].analyze
            fresh = fresh or (leaf.last_analyze or 0) > (parent.last_analyze or 0) + SAME_RUN_SECONDS
            total = totals.setdefault(parent.oid, [0.0, 0.0, 0.0])
            total[0] += leaf.known_rows
            total[1] += leaf.known_rows if fresh else leaf.changed_rows
            total[2] += leaf.heap_bytes
    parents = []
    for table in tables:
        rows, changed, heap_bytes = totals.get(table.oid, (0.0, 0.0, 0.0))
        if table.kind != "p" or table.oid not in chosen or rows < limits.changed_rows:
            continue
        if table.last_analyze is None:
            reason = "The partitioned table itself was never analyzed."
        elif _both(changed, rows, limits.changed_rows, limits.changed_rows_percent):
            reason = "Its partitions changed since the last analyze of the partitioned table."
        else:
            continue
        # It has no pages of its own; what ANALYZE reads are those of its partitions.
        sized = replace(table, heap_bytes=int(heap_bytes))
        parents.append(TableWork(sized, STATISTICS, reason, vacuum=False, analyze=True, phase=1))
    if version < 180000:
        covering = {work.table.oid for work in parents if work.table.permitted}
        parents = [work for work in parents if not _covered(work.table, by_oid, covering)]
        works = [replace(work, analyze=False) if _covered(work.table, by_oid, covering) else work for work in works]
    return [work for work in works if work.vacuum or work.analyze] + parents


def _ancestors(table: Any, by_oid: Mapping[int, Any]) -> Iterable[Any]:
    while table.parent_oid in by_oid:
        table = by_oid[table.parent_oid]
        yield table


def _covered(table: Any, by_oid: Mapping[int, Any], covering: Container[int]) -> bool:
    return any(parent.oid in covering for parent in _ancestors(table, by_oid))
