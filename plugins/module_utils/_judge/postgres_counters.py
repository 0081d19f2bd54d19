# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters that only say something as a rate: sessions that ended badly, evicted statements, reads of small caches."""

from __future__ import annotations

from typing import Any, Iterator, List

from .finding import INFO, WARNING, Finding
from .interval import Interval
from .postgres_activity import HOUR, counter
from .postgres_register import CHECKS
from .postgres_words import literal, many
from .rows import Row
from .text import number_text, seconds_text
from .threshold import Threshold

EVICTIONS = "pg.statements.evictions"


def slru_counter(cache: Row) -> str:
    return "pg.slru.{0}.reads".format(cache.name)


def errors_counter(subscription: Row) -> str:
    return "pg.subscription.{0}.errors".format(subscription.name)


@CHECKS.check(
    "lost_sessions",
    needs=("databases", "interval"),
    procedure="H04",
    question="Do sessions end as they should? (needs previous)",
    threshold=Threshold("%", 20, None, floors={"lost": 50}, source="ours: a fifth, and more than single programs"),
)
def lost_sessions(rule: Any, databases: List[Row], interval: Interval) -> Iterator[Finding]:
    """Those that an operator ended are left out: that was meant."""
    for database in databases:
        begun = interval.growth(counter(database, "sessions"))
        vanished = interval.growth(counter(database, "sessions_abandoned"))
        fatal = interval.growth(counter(database, "sessions_fatal"))
        if not begun or vanished is None or fatal is None:
            continue
        yield rule.judge(
            database.name,
            100.0 * (vanished + fatal) / begun,
            "Of {0} in database {1} in the last {2}, {3} lost their client and {4} were ended by an error.".format(
                many(int(begun), "session"),
                database.name,
                seconds_text(interval.seconds or 0),
                number_text(vanished),
                number_text(fatal),
            ),
            "Search the server's log for 'unexpected EOF', 'could not receive data' and FATAL. Clients that are killed "
            "(memory, deploys, timeouts), proxies and firewalls that cut idle connections are the usual reasons.",
            lost=vanished + fatal,
        )


@CHECKS.check(
    "statements_evicted",
    needs=("evictions", "interval"),
    procedure="H05",
    question="Does pg_stat_statements remember all statements? (needs previous)",
    threshold=Threshold("evictions/h", 60, None, source="ours: each forgets a twentieth of all statements"),
)
def statements_evicted(rule: Any, evictions: Row, interval: Interval) -> Iterator[Finding]:
    rate = interval.rate(EVICTIONS, HOUR)
    if rate is not None:
        yield rule.judge(
            "pg_stat_statements",
            rate,
            "pg_stat_statements made room {0} in the last {1}: statements that were forgotten are missing in "
            "pg.slow_statements.".format(
                many(int(interval.growth(EVICTIONS) or 0), "time"), seconds_text(interval.seconds or 0)
            ),
            "Raise pg_stat_statements.max (restart), or find who writes values into the text of statements instead of "
            "parameters: SELECT left(query, 40), count(*) FROM pg_stat_statements GROUP BY 1 ORDER BY 2 DESC.",
        )


@CHECKS.check(
    "slru",
    needs=("slru", "interval"),
    procedure="H05",
    question="Do the small caches of transaction states hold what is asked for? (needs previous)",
    threshold=Threshold("reads/s", 1000, None, source="ours: thousands a second are felt in every statement"),
)
def slru(rule: Any, slru: List[Row], interval: Interval) -> Iterator[Finding]:
    """A hit ratio would say nothing of an idle server; what hurts is how often a page has to be read."""
    for cache in slru:
        rate = interval.rate(slru_counter(cache))
        if rate is not None:
            yield rule.judge(
                cache.name,
                rate,
                "{0} pages of '{1}' were not in memory in the last {2}, {3} a second.".format(
                    number_text(interval.growth(slru_counter(cache)) or 0),
                    cache.name,
                    seconds_text(interval.seconds or 0),
                    number_text(round(rate, 1)),
                ),
                "Subtransactions: fewer savepoints and exception blocks in one transaction, shorter transactions. "
                "Multixacts: fewer sessions that lock the same rows. Since 17 each cache has a setting (…_buffers).",
            )


@CHECKS.check(
    "subscriptions",
    needs=("subscriptions", "interval"),
    procedure="H07",
    question="Does every logical subscription receive and apply changes?",
)
def subscriptions(rule: Any, subscriptions: List[Row], interval: Interval) -> Iterator[Finding]:
    for subscription in subscriptions:
        errors = interval.growth(errors_counter(subscription))
        if not subscription.enabled:
            yield rule.say(
                INFO,
                subscription.name,
                "Subscription {0} in database {1} is disabled: it receives nothing, and its slot keeps WAL at the "
                "publisher.".format(subscription.name, subscription.database),
                "If an error disabled it, the server's log names the error. ALTER SUBSCRIPTION {0} ENABLE, or drop "
                "it.".format(subscription.name_quoted),
                "disabled",
            )
        elif not subscription.works or errors:
            failed = " ({0})".format(many(int(errors), "error") + " since the last look") if errors else ""
            yield rule.say(
                WARNING,
                subscription.name,
                "Subscription {0} in database {1} {2}{3}.".format(
                    subscription.name,
                    subscription.database,
                    "fails again and again" if subscription.works else "is enabled, but no worker runs for it",
                    failed,
                ),
                "Read this server's log for 'logical replication': a row that is there twice or missing, a column that "
                "differs, a publisher that is gone or refuses. Then: SELECT * FROM pg_stat_subscription WHERE subname "
                "= {0}.".format(literal(subscription.name)),
                "failing",
            )
