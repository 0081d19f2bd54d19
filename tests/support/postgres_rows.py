# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a PostgreSQL server made by hand, for what a server does not show on demand."""

from __future__ import annotations

from ansible_collections.analytics.ops.plugins.module_utils._judge.interval import Interval
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres import CHECKS
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

CLOCK = "pg.observed_at"
NOTHING_BEFORE = Interval({}, {}, CLOCK)

SERVER = Row(
    role="monitor",
    role_quoted='"monitor"',
    standby=False,
    version=180000,
    now=1000.0,
    started=0.0,
    max_connections=100,
    reserved_connections=3,
    max_locks_per_transaction=64,
    max_prepared_transactions=0,
    vacuum_threshold=50,
    vacuum_scale_factor=0.2,
    insert_threshold=1000,
    insert_scale_factor=0.2,
    analyze_threshold=50,
    analyze_scale_factor=0.1,
)

# Idle in a transaction, and nobody waits for it.
SESSION = Row(
    pid=1,
    own=False,
    backend_start="09:00",
    transaction_start="10:00",
    database="shop",
    user="app",
    application="api",
    client=None,
    backend_type="client backend",
    state="idle in transaction",
    wait_event_type=None,
    query="UPDATE orders SET note = 'secret'",
    state_seconds=60.0,
    statement_seconds=60.0,
    blockers=[],
    waited_seconds=None,
    superuser=False,
    may_signal=True,
)


def answers(name, limits=None, **parts):
    """What one check says of the snapshot's ``parts``; its ``interval`` is of no earlier result."""
    selection = CHECKS.select([name], thresholds={name: limits} if limits else {})
    return selection.findings({"interval": NOTHING_BEFORE, "server": SERVER, **parts}, "server")


def run(name, limits=None, **parts):
    """The same without what is in order."""
    return [finding for finding in answers(name, limits, **parts) if finding.severity != "ok"]


def after(seconds, **grown):
    """An interval in which counters grew from 100; dots in their names are written as two underscores."""
    names = {name.replace("__", "."): growth for name, growth in grown.items()}
    before = {CLOCK: 5000.0, **dict.fromkeys(names, 100)}
    return Interval({CLOCK: 5000.0 + seconds, **{n: 100 + g for n, g in names.items()}}, before, CLOCK)


def database(**fields):
    usual = Row(
        name="shop",
        is_current=True,
        is_template=False,
        allows_connections=True,
        commits=0,
        rollbacks=0,
        deadlocks=0,
        conflicts=0,
        temporary_files=0,
        temporary_bytes=0,
        blocks_hit=0,
        blocks_read=0,
        size_bytes=1000,
        checksum_failures=0,
        checksum_failure_seconds=None,
        sessions=0,
        sessions_abandoned=0,
        sessions_fatal=0,
        statistics_since=0.0,
        xid_age=0,
        multixact_age=0,
    )
    return usual.but(**fields)
