# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several backups at once; one verdict each, in the order in which they were found."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Dict, List, Optional, Sequence

from .._judge.backup import LEVELS, Backup, Reading
from .._judge.backup_names import series_of
from .backup_checksum import Checksums
from .backup_reader import Request, read_backup
from .backup_stream import Guard

_SLICE_SECONDS = 0.2


def read_backups(
    backups: Sequence[Backup],
    request: Request,
    newest: int,
    jobs: int,
    time_budget: Optional[float],
    checksums: Checksums,
) -> List[Reading]:
    """``newest`` of each series (0: all) as closely as asked, the others not at all; the youngest are read first."""
    if not backups:
        return []
    guard = Guard(time_budget)
    workers = min(jobs, len(backups))
    # What is left of the jobs goes to the files inside of directory dumps.
    request = request._replace(jobs=max(1, jobs // workers))
    counted: Counter = Counter()
    pool = ThreadPoolExecutor(max_workers=workers)
    futures: Dict[str, Future] = {}
    try:
        for backup in sorted(backups, key=lambda backup: backup.age_seconds):
            series = (os.path.dirname(backup.path), series_of(os.path.basename(backup.path)))
            counted[series] += 1
            asked = request if not newest or counted[series] <= newest else request._replace(level=LEVELS[0])
            futures[backup.path] = pool.submit(read_backup, backup, asked, guard, checksums)
        return [_awaited(futures[backup.path]) for backup in backups]
    finally:
        # Nothing is left to stop after a good end. Interrupted, also between two submissions, readings end at their
        # next block and those that wait never begin.
        guard.stop()
        for future in list(futures.values()):
            future.cancel()
        pool.shutdown(wait=True)


def _awaited(future: Future) -> Reading:
    """In slices: a signal that comes while a thread is about to wait is not seen before it wakes."""
    while not wait([future], timeout=_SLICE_SECONDS).done:
        pass
    return future.result()
