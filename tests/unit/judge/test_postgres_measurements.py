# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures that are worth keeping."""

from __future__ import annotations

from ansible_collections.analytics.ops.plugins.module_utils._judge.bloat import Bloat
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres_measurements import measurements
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import SERVER, database


def bloated(size, fresh):
    return Row(name="t", measured=Bloat(size, fresh))


SNAPSHOT = {
    "server": SERVER.but(now=1000.0, started=400.0),
    "connections": Row(used=8, used_percent=8.246, active=1, idle=5, idle_in_transaction=2),
    "sessions": [Row(transaction_seconds=5.0), Row(transaction_seconds=None), Row(transaction_seconds=9.0)],
    "blocking": [Row(blockers=[1]), Row(blockers=[]), Row(blockers=[1, 2])],
    "databases": [
        database(commits=1, rollbacks=2, deadlocks=3, conflicts=4, temporary_files=5, temporary_bytes=6, xid_age=70),
        database(name="template1", is_template=True, xid_age=80, multixact_age=3),
        database(name="hidden", is_template=None, xid_age=None, multixact_age=None),
    ],
    "tables": [Row(dead=4), Row(dead=6)],
    "table_bloat": [bloated(100, 70), bloated(50, 60)],
    "index_bloat": [bloated(100, 90), bloated(80, 60)],
    "replicas": [Row(logical=False, lag_bytes=7), Row(logical=True, lag_bytes=9), Row(logical=False, lag_bytes=None)],
    "slots": [Row(kept_bytes=3), Row(kept_bytes=None), Row(kept_bytes=8)],
    "standby": Row(lag_bytes=11),
    "archiver": Row(archived_count=12, failed_count=13, waiting=None),
    "checkpoints": Row(timed=14, requested=15),
    "identity": Row(system_identifier=7561234567890123456),
    "configuration": [Row(name="work_mem", value="4096", type="integer", unit="kB")],
    "notifications": Row(used_percent=1.23456),
    "wal": Row(files=16, bytes=17),
    "evictions": Row(evictions=18),
    "slru": [Row(name="Xact", reads=19)],
    "subscriptions": [Row(name="copy", errors=20), Row(name="old", errors=None)],
    "timescale_jobs": [
        Row(scheduled=True, failed=True),
        Row(scheduled=False, failed=True),
        Row(scheduled=True, failed=None),
    ],
    "timescale_hypertables": [Row(chunks=21), Row(chunks=22)],
}


def test_every_part():
    assert measurements(SNAPSHOT) == {
        "pg.observed_at": 1000.0,
        "pg.uptime_seconds": 600.0,
        "pg.version": 180000,
        "pg.standby": 0,
        "pg.connections.used": 8,
        "pg.connections.used_percent": 8.25,
        "pg.connections.active": 1,
        "pg.connections.idle": 5,
        "pg.connections.idle_in_transaction": 2,
        "pg.sessions.oldest_transaction_seconds": 9.0,
        "pg.sessions.blocked": 2,
        "pg.xid_age": 80,
        "pg.multixact_age": 3,
        "pg.database.shop.commits": 1,
        "pg.database.shop.rollbacks": 2,
        "pg.database.shop.deadlocks": 3,
        "pg.database.shop.conflicts": 4,
        "pg.database.shop.temporary_files": 5,
        "pg.database.shop.temporary_bytes": 6,
        "pg.database.shop.blocks_hit": 0,
        "pg.database.shop.blocks_read": 0,
        "pg.database.shop.sessions": 0,
        "pg.database.shop.sessions_abandoned": 0,
        "pg.database.shop.sessions_fatal": 0,
        "pg.database.shop.size_bytes": 1000,
        "pg.tables.dead_rows": 10,
        "pg.tables.bloat_bytes": 30,
        "pg.indexes.bloat_bytes": 30,
        "pg.replicas": 2,
        "pg.replicas.max_lag_bytes": 9,
        "pg.slots": 3,
        "pg.slots.max_kept_bytes": 8,
        "pg.standby.lag_bytes": 11,
        "pg.archiver.archived": 12,
        "pg.archiver.failed": 13,
        "pg.checkpoints.timed": 14,
        "pg.checkpoints.requested": 15,
        "pg.system_identifier": 7561234567890123456,
        "pg.settings.count": 1,
        "pg.setting.work_mem": 4096.0,
        "pg.notifications.used_percent": 1.2346,
        "pg.wal.files": 16,
        "pg.wal.size_bytes": 17,
        "pg.statements.evictions": 18,
        "pg.slru.Xact.reads": 19,
        "pg.subscription.copy.errors": 20,
        "pg.timescale.failed_jobs": 1,
        "pg.timescale.chunks": 43,
    }


def test_what_was_not_seen_is_not_measured():
    hidden = {part: Unavailable("not for you") for part in SNAPSHOT}
    assert measurements(hidden) == {}
    assert measurements({}) == {}


def test_an_empty_server():
    empty = {part: [] for part in ("sessions", "blocking", "databases", "tables", "replicas", "slots", "table_bloat")}
    assert set(measurements(empty).values()) == {0}
    assert len(measurements(empty)) == 10
