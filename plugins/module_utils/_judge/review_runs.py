# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which playbooks ran in a week, how they ended, and how many runs seem to be missing."""

from __future__ import annotations

from statistics import median
from typing import Any, Dict, List, Optional, Sequence

from .finding import DEGRADED, UNHEALTHY
from .history import time_of
from .review_facts import RunRow, Weeks

_LEAST_GAPS = 3


def runs_of(runs: Sequence[RunRow], weeks: Weeks) -> List[Dict[str, Any]]:
    """One entry a playbook; runs in check mode are counted apart, and say nothing about a schedule."""
    by_playbook: Dict[str, List[RunRow]] = {}
    for run in sorted(runs, key=lambda run: run.started):
        by_playbook.setdefault(run.playbook, []).append(run)
    return [_playbook(name, mine, weeks) for name, mine in sorted(by_playbook.items())]


def _playbook(name: str, runs: Sequence[RunRow], weeks: Weeks) -> Dict[str, Any]:
    real = [run for run in runs if not run.check_mode]
    week = [run for run in real if run.started >= weeks.begin]
    known = [run.failures for run in week if run.failures is not None]
    every = _rhythm([run.started for run in real])
    return {
        "playbook": name,
        "runs": len(week),
        "runs_before": len(real) - len(week),
        "rehearsals": sum(run.check_mode and run.started >= weeks.begin for run in runs),
        "unhealthy": sum(run.status == UNHEALTHY for run in week),
        "degraded": sum(run.status == DEGRADED for run in week),
        "failed": sum(failures > 0 for failures in known) if known or not week else None,
        "every_seconds": every,
        "missing": None if every is None else _missing([run.started for run in real], every, weeks),
        "longest_seconds": max((run.finished - run.started for run in week), default=None),
        "last": time_of(runs[-1].started),
        "last_status": runs[-1].status,
    }


def _rhythm(starts: Sequence[int]) -> Optional[float]:
    """How far apart runs are, where three quarters of them keep to it within a half; what people start has none."""
    gaps = [later - earlier for earlier, later in zip(starts, starts[1:])]
    if len(gaps) < _LEAST_GAPS:
        return None
    usual = median(gaps)
    regular = sum(0.5 * usual <= gap <= 1.5 * usual for gap in gaps)
    return usual if usual > 0 and 4 * regular >= 3 * len(gaps) else None


def _missing(starts: Sequence[int], every: float, weeks: Weeks) -> int:
    """Runs that the rhythm would have had in the gaps that end in this week, the one up to its end included."""
    pairs = zip(starts, [*starts[1:], weeks.end])
    return sum(max(0, round((later - earlier) / every) - 1) for earlier, later in pairs if later > weeks.begin)
