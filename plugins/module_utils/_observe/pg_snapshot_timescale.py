# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TimescaleDB, where the database has the extension: jobs, chunks, compression, continuous aggregates.

By its views where they tell. Nothing here touches a hypertable, so nothing waits for one or needs rights on it.
"""

from __future__ import annotations

import re
from typing import Callable, Tuple

from .._judge.checks import Unavailable
from .._judge.rows import Row
from .pg_snapshot_part import ON_STANDBY, Part, Query

# The job that reports home fails wherever the internet is out of reach, and nobody misses it. Those below 1000 are the
# extension's own; in the Apache edition they fail by design, for want of a licence. Whether the scheduler runs is only
# seen by whoever sees all sessions.
JOBS = """
SELECT j.job_id AS id, j.application_name AS name, j.scheduled,
       CASE WHEN j.hypertable_name IS NOT NULL THEN format('%I.%I', j.hypertable_schema, j.hypertable_name) END
           AS hypertable,
       j.job_id < 1000 AS internal,
       CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE') THEN EXISTS (
           SELECT FROM pg_stat_activity WHERE datname = current_database()
           AND backend_type = 'TimescaleDB Background Worker Scheduler') END AS has_scheduler,
       s.job_status = 'Running' AS running, s.last_run_status = 'Failed' AS failed, s.total_failures AS failures,
       CASE WHEN isfinite(s.last_successful_finish)
            THEN extract(epoch FROM clock_timestamp() - s.last_successful_finish)::float8 END AS success_seconds,
       CASE WHEN isfinite(j.next_start) THEN extract(epoch FROM clock_timestamp() - j.next_start)::float8 END
           AS late_seconds
FROM timescaledb_information.jobs j LEFT JOIN timescaledb_information.job_stats s USING (job_id)
WHERE j.proc_name <> 'policy_telemetry'
  AND (j.job_id >= 1000 OR current_setting('timescaledb.license', true) IS DISTINCT FROM 'apache')
ORDER BY j.job_id
"""

# A chunk's bytes are those of its table, its TOAST and its indexes, as of the last vacuum or analyze.
HYPERTABLES = """
SELECT format('%I.%I', h.hypertable_schema, h.hypertable_name) AS name, count(*) AS chunks,
       sum(1 + i.indexes) AS locks, max((r.relpages + coalesce(t.relpages, 0) + i.pages)
           * current_setting('block_size')::bigint) AS largest_bytes,
       pg_size_bytes(current_setting('effective_cache_size')) AS cache_bytes
FROM timescaledb_information.chunks h
JOIN pg_namespace n ON n.nspname = h.chunk_schema
JOIN pg_class r ON r.relnamespace = n.oid AND r.relname = h.chunk_name
LEFT JOIN pg_class t ON t.oid = r.reltoastrelid
CROSS JOIN LATERAL (
    SELECT count(*) AS indexes, coalesce(sum(c.relpages), 0)::bigint AS pages
    FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE x.indrelid = r.oid) i
GROUP BY 1 ORDER BY 2 DESC
"""

# Chunks that a policy should have compressed by its last run. Hypertables over integers have no clock to judge by. The
# hypertable behind a continuous aggregate is called by the aggregate's name among jobs, by its own among chunks.
COMPRESSION = """
SELECT format('%I.%I', p.hypertable_schema, p.hypertable_name) AS name, p.job_id AS job, p.scheduled,
       count(*) AS chunks, coalesce(sum(r.relpages), 0) * current_setting('block_size')::bigint AS bytes,
       extract(epoch FROM clock_timestamp() - p.after - p.schedule_interval - min(c.range_end))::float8 AS seconds
FROM (
    SELECT hypertable_schema, hypertable_name, job_id, scheduled, schedule_interval,
           (config ->> 'hypertable_id')::int AS hypertable_id,
           CASE WHEN jsonb_typeof(config -> 'compress_after') = 'string'
                THEN (config ->> 'compress_after')::interval END AS after
    FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression'
) AS p
JOIN _timescaledb_catalog.hypertable h ON h.id = p.hypertable_id
JOIN timescaledb_information.chunks c ON c.hypertable_schema = h.schema_name AND c.hypertable_name = h.table_name
JOIN pg_namespace n ON n.nspname = c.chunk_schema
JOIN pg_class r ON r.relnamespace = n.oid AND r.relname = c.chunk_name
WHERE NOT c.is_compressed AND c.range_end < clock_timestamp() - p.after - p.schedule_interval
GROUP BY p.hypertable_schema, p.hypertable_name, p.job_id, p.scheduled, p.after, p.schedule_interval
ORDER BY seconds DESC
"""

# 'unrefreshed_seconds': how long ago, beyond its schedule, the policy last succeeded. 'behind_seconds': from the end of
# what is materialised to the newest chunk that the policy should have seen; no less than that is missing. A watermark
# counts microseconds since 1970 where time is time; before that nothing was materialised.
AGGREGATES = """
SELECT format('%I.%I', a.view_schema, a.view_name) AS name, p.job_id AS job, p.scheduled,
       CASE WHEN p.scheduled AND isfinite(p.last_successful_finish)
            THEN extract(epoch FROM clock_timestamp() - p.last_successful_finish - p.schedule_interval)::float8
       END AS unrefreshed_seconds,
       extract(epoch FROM c.newest)::float8
           - greatest(w.watermark / 1000000.0, extract(epoch FROM c.oldest))::float8 AS behind_seconds,
       coalesce(w.watermark / 1000000.0 > extract(epoch FROM c.oldest), false) AS materialised
FROM timescaledb_information.continuous_aggregates a
JOIN _timescaledb_catalog.continuous_agg g
  ON g.user_view_schema = a.view_schema AND g.user_view_name = a.view_name
LEFT JOIN _timescaledb_catalog.continuous_aggs_watermark w ON w.mat_hypertable_id = g.mat_hypertable_id
LEFT JOIN LATERAL (
    SELECT j.job_id, j.scheduled, j.schedule_interval, s.last_successful_finish,
           CASE WHEN jsonb_typeof(j.config -> 'end_offset') = 'string'
                THEN (j.config ->> 'end_offset')::interval END AS end_offset
    FROM timescaledb_information.jobs j LEFT JOIN timescaledb_information.job_stats s USING (job_id)
    WHERE j.proc_name = 'policy_refresh_continuous_aggregate'
      AND (j.config ->> 'mat_hypertable_id')::int = g.mat_hypertable_id
    ORDER BY s.last_successful_finish DESC NULLS LAST LIMIT 1) p ON true
LEFT JOIN LATERAL (
    SELECT min(c.range_start) AS oldest,
           max(c.range_start) FILTER (WHERE c.range_start < clock_timestamp() - coalesce(p.end_offset, '0')
                                                            - coalesce(p.schedule_interval, '0')) AS newest
    FROM timescaledb_information.chunks c JOIN _timescaledb_catalog.hypertable h
      ON h.schema_name = c.hypertable_schema AND h.table_name = c.hypertable_name
    WHERE h.id = g.raw_hypertable_id) c ON true
ORDER BY 1
"""

_NOT_THERE = Unavailable("This database does not use TimescaleDB.", severity="ok")


def _where_timescale(text: str, community: str = "", since: Tuple[int, int] = (2, 0)) -> Callable[[Row], Query]:
    """``community`` names what only the community edition has, ``since`` the version from which on we know how."""

    def query(server: Row) -> Query:
        extension = server.extensions.timescaledb
        if extension is None:
            return _NOT_THERE
        if server.standby:
            return ON_STANDBY
        if community and server.timescale_licence == "apache":
            return Unavailable("The Apache edition of TimescaleDB has no {0}.".format(community), severity="ok")
        if tuple(int(number) for number in re.findall(r"\d+", extension.version)[:2]) < since:
            return Unavailable(
                "TimescaleDB {0} is older than {1}.{2}, the first version that tells this.".format(
                    extension.version, *since
                ),
                "Read its notes, then in this database: ALTER EXTENSION timescaledb UPDATE.",
                severity="info",
            )
        return text

    return query


PARTS = {
    "timescale_jobs": Part(_where_timescale(JOBS)),
    "timescale_hypertables": Part(_where_timescale(HYPERTABLES)),
    "timescale_compression": Part(_where_timescale(COMPRESSION, "compression")),
    "timescale_aggregates": Part(_where_timescale(AGGREGATES, "continuous aggregates", since=(2, 11))),
}
