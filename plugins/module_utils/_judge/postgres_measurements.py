# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of a snapshot that are worth keeping: flat, named, and enough to tell rates at the next run."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Union

from .checks import Unavailable
from .postgres_activity import counter
from .postgres_bloat import estimates
from .postgres_counters import EVICTIONS, errors_counter, slru_counter
from .postgres_server import IDENTIFIER, settings_figures
from .rows import Row

Number = Union[int, float]

CLOCK = "pg.observed_at"

_DATABASE_COUNTERS = (
    "commits",
    "rollbacks",
    "deadlocks",
    "conflicts",
    "temporary_files",
    "temporary_bytes",
    "blocks_hit",
    "blocks_read",
    "sessions",
    "sessions_abandoned",
    "sessions_fatal",
)


def measurements(snapshot: Mapping[str, Any]) -> Dict[str, Number]:
    """Only of the parts that were asked for and could be seen."""
    figures: Dict[str, Any] = {}
    for part, measure in _MEASURES.items():
        seen = snapshot.get(part)
        if seen is not None and not isinstance(seen, Unavailable):
            figures.update(measure(seen))
    return {name: value for name, value in figures.items() if value is not None}


def _server(server: Row) -> Dict[str, Any]:
    return {
        CLOCK: server.now,
        "pg.uptime_seconds": server.now - server.started,
        "pg.version": server.version,
        "pg.standby": int(server.standby),
    }


def _connections(connections: Row) -> Dict[str, Any]:
    return {
        "pg.connections.used": connections.used,
        "pg.connections.used_percent": round(connections.used_percent, 2),
        "pg.connections.active": connections.active,
        "pg.connections.idle": connections.idle,
        "pg.connections.idle_in_transaction": connections.idle_in_transaction,
    }


def _sessions(sessions: List[Row]) -> Dict[str, Any]:
    return {
        "pg.sessions.oldest_transaction_seconds": max([s.transaction_seconds or 0 for s in sessions], default=0),
    }


def _blocking(blocking: List[Row]) -> Dict[str, Any]:
    return {"pg.sessions.blocked": sum(1 for session in blocking if session.blockers)}


def _databases(databases: List[Row]) -> Dict[str, Any]:
    figures: Dict[str, Any] = {
        "pg.xid_age": max([d.xid_age or 0 for d in databases], default=0),
        "pg.multixact_age": max([d.multixact_age or 0 for d in databases], default=0),
    }
    for database in databases:
        if database.is_template is not False:
            continue
        figures.update({counter(database, name): getattr(database, name) for name in _DATABASE_COUNTERS})
        figures[counter(database, "size_bytes")] = database.size_bytes
    return figures


def _tables(tables: List[Row]) -> Dict[str, Any]:
    return {"pg.tables.dead_rows": sum(table.dead for table in tables)}


def _table_bloat(relations: List[Row]) -> Dict[str, Any]:
    return {"pg.tables.bloat_bytes": sum(bloat.bytes for table, bloat in estimates(relations, True))}


def _index_bloat(relations: List[Row]) -> Dict[str, Any]:
    return {"pg.indexes.bloat_bytes": sum(bloat.bytes for index, bloat in estimates(relations, False))}


def _replicas(replicas: List[Row]) -> Dict[str, Any]:
    return {
        "pg.replicas": len([r for r in replicas if not r.logical]),
        "pg.replicas.max_lag_bytes": max([r.lag_bytes or 0 for r in replicas], default=0),
    }


def _slots(slots: List[Row]) -> Dict[str, Any]:
    return {"pg.slots": len(slots), "pg.slots.max_kept_bytes": max([s.kept_bytes or 0 for s in slots], default=0)}


def _standby(standby: Row) -> Dict[str, Any]:
    return {"pg.standby.lag_bytes": standby.lag_bytes}


def _archiver(archiver: Row) -> Dict[str, Any]:
    return {
        "pg.archiver.archived": archiver.archived_count,
        "pg.archiver.failed": archiver.failed_count,
        "pg.archiver.waiting": archiver.waiting,
    }


def _checkpoints(checkpoints: Row) -> Dict[str, Any]:
    return {"pg.checkpoints.timed": checkpoints.timed, "pg.checkpoints.requested": checkpoints.requested}


def _identity(identity: Row) -> Dict[str, Any]:
    return {IDENTIFIER: identity.system_identifier}


def _notifications(notifications: Row) -> Dict[str, Any]:
    return {"pg.notifications.used_percent": round(notifications.used_percent, 4)}


def _wal(wal: Row) -> Dict[str, Any]:
    return {"pg.wal.files": wal.files, "pg.wal.size_bytes": wal.bytes}


def _evictions(evictions: Row) -> Dict[str, Any]:
    return {EVICTIONS: evictions.evictions}


def _slru(caches: List[Row]) -> Dict[str, Any]:
    return {slru_counter(cache): cache.reads for cache in caches}


def _subscriptions(subscriptions: List[Row]) -> Dict[str, Any]:
    return {errors_counter(subscription): subscription.errors for subscription in subscriptions}


def _timescale_jobs(jobs: List[Row]) -> Dict[str, Any]:
    return {"pg.timescale.failed_jobs": sum(1 for job in jobs if job.scheduled and job.failed)}


def _hypertables(hypertables: List[Row]) -> Dict[str, Any]:
    return {"pg.timescale.chunks": sum(hypertable.chunks for hypertable in hypertables)}


_MEASURES = {
    "server": _server,
    "identity": _identity,
    "configuration": settings_figures,
    "connections": _connections,
    "sessions": _sessions,
    "blocking": _blocking,
    "databases": _databases,
    "tables": _tables,
    "table_bloat": _table_bloat,
    "index_bloat": _index_bloat,
    "replicas": _replicas,
    "slots": _slots,
    "standby": _standby,
    "archiver": _archiver,
    "checkpoints": _checkpoints,
    "notifications": _notifications,
    "wal": _wal,
    "evictions": _evictions,
    "slru": _slru,
    "subscriptions": _subscriptions,
    "timescale_jobs": _timescale_jobs,
    "timescale_hypertables": _hypertables,
}
