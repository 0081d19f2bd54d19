# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How close transaction numbers are to running out, and who keeps vacuum from giving them back."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List

from .finding import Finding
from .postgres_register import CHECKS
from .postgres_words import end_session, identifier, literal
from .rows import Row
from .text import number_text, seconds_text
from .threshold import Threshold

# Both counters have 32 bits, half of which lie in the past.
LIMIT = 2**31 - 1


@CHECKS.check(
    "xid_age",
    needs=("databases", "oldest_tables"),
    procedure="H06",
    question="Are transaction numbers far from running out?",
    threshold=Threshold("%", 50, 75, source="pgmonitor 50/75 % of the limit; check_postgres 1.3/1.4e9, netdata 90 %"),
)
def xid_age(rule: Any, databases: List[Row], oldest_tables: List[Row]) -> Iterator[Finding]:
    for database in sorted((d for d in databases if d.xid_age is not None), key=lambda d: -d.xid_age):
        yield rule.judge(
            database.name,
            100.0 * database.xid_age / LIMIT,
            "The oldest transaction number in database {0} is {1} transactions old; the server stops taking writes at "
            "{2}.{3}".format(
                database.name,
                number_text(database.xid_age),
                number_text(LIMIT),
                _oldest(database, oldest_tables, "xid_age"),
            ),
            _freeze(database, oldest_tables),
        )


@CHECKS.check(
    "multixact_age",
    needs=("databases", "oldest_tables"),
    procedure="H06",
    question="Are multixact numbers (shared row locks) far from running out?",
    threshold=Threshold("%", 50, 80, source="pganalyze 50/80 %"),
)
def multixact_age(rule: Any, databases: List[Row], oldest_tables: List[Row]) -> Iterator[Finding]:
    for database in sorted((d for d in databases if d.multixact_age is not None), key=lambda d: -d.multixact_age):
        yield rule.judge(
            database.name,
            100.0 * database.multixact_age / LIMIT,
            "The oldest multixact number in database {0} is {1} old; no new ones are made at {2}.{3}".format(
                database.name,
                number_text(database.multixact_age),
                number_text(LIMIT),
                _oldest(database, oldest_tables, "multixact_age"),
            ),
            _freeze(database, oldest_tables),
        )


def _oldest(database: Row, tables: List[Row], figure: str) -> str:
    if not database.is_current or not tables:
        return ""
    oldest = max(tables, key=lambda table: getattr(table, figure))
    return " Oldest table: {0} ({1}).".format(oldest.name, number_text(getattr(oldest, figure)))


def _freeze(database: Row, tables: List[Row]) -> str:
    first = (
        "First see pg.xmin_horizon, pg.prepared_transactions and pg.slots_inactive: what they name prevents freezing."
    )
    if not database.allows_connections:
        return first + " Then let autovacuum do it: nobody can connect to {0}.".format(database.name)
    which = tables[0].name if database.is_current and tables else "(the oldest tables)"
    return first + " Then in database {0}: VACUUM (FREEZE, VERBOSE) {1}.".format(identifier(database.name), which)


@CHECKS.check(
    "xmin_horizon",
    needs=("horizon",),
    procedure="H06",
    question="Does nobody hold back vacuum?",
    threshold=Threshold(
        "transactions",
        100000000,
        500000000,
        source="ours: half of autovacuum_freeze_max_age; the time limit of 24 h is old_transactions'",
    ),
)
def xmin_horizon(rule: Any, horizon: List[Row]) -> Iterator[Finding]:
    """The oldest of each kind: the next one takes its place when it is gone."""
    oldest: Dict[str, Row] = {}
    for holder in horizon:
        if holder.kind not in oldest or oldest[holder.kind].age < holder.age:
            oldest[holder.kind] = holder
    for holder in oldest.values():
        since = ", open for {0}".format(seconds_text(holder.seconds)) if holder.seconds is not None else ""
        yield rule.judge(
            "{0} {1}".format(holder.kind, holder.name),
            holder.age,
            "{0} {1}{2} holds back vacuum: rows that died in the last {3} transactions cannot be removed.{4}".format(
                holder.kind.capitalize(), holder.name, since, number_text(holder.age), _detail(holder)
            ),
            _release(holder),
        )


def _detail(holder: Row) -> str:
    return " ({0})".format(holder.detail) if holder.detail else ""


def _release(holder: Row) -> str:
    if holder.kind == "session":
        return "Ask its owner, or end it: {0}.".format(end_session(int(holder.name)))
    if holder.kind == "prepared transaction":
        return "Decide it: COMMIT PREPARED {0} or ROLLBACK PREPARED {0}.".format(literal(holder.name))
    if holder.kind == "slot":
        return "Bring its consumer back, or if it is gone for good: SELECT pg_drop_replication_slot({0}).".format(
            literal(holder.name)
        )
    return "End the long query on that standby, or switch its hot_standby_feedback off."
