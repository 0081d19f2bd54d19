# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alerts of a week: what was open, since when, how long, how often, and whether it was there before."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from .finding import SEVERITIES
from .history import Key, time_of
from .review_facts import Alert, Weeks

# Began in this week and was not known; was there before and came back; has been open all the time.
NEW, RECURRING, LASTING = "new", "recurring", "lasting"


def alerts_of(alerts: Sequence[Alert], weeks: Weeks) -> List[Dict[str, Any]]:
    """One entry a finding that was open in the week: what is still open first, of that the worst, and the longest."""
    by_key: Dict[Key, List[Alert]] = {}
    for alert in sorted(alerts, key=lambda alert: alert.since):
        by_key.setdefault(alert[:4], []).append(alert)
    told = [_told(all_times, weeks) for all_times in by_key.values() if _within(all_times, weeks.begin, weeks.end)]
    rank = {severity: number for number, severity in enumerate(SEVERITIES)}
    told.sort(key=lambda a: (not a["open"], -rank[a["severity"]], -a["seconds"], a["host"], a["check"], a["subject"]))
    return told


def _told(all_times: Sequence[Alert], weeks: Weeks) -> Dict[str, Any]:
    now = _within(all_times, weeks.begin, weeks.end)
    first, last = now[0], now[-1]
    if len(now) > 1 or (first.since >= weeks.begin and all_times[0].since < first.since):
        state = RECURRING
    else:
        state = NEW if first.since >= weeks.begin else LASTING
    still_open = last.gone is None or last.gone > weeks.end
    return {
        "host": last.host,
        "target": last.target,
        "check": last.check,
        "subject": last.subject,
        "severity": SEVERITIES[min(max(alert.level for alert in now), len(SEVERITIES) - 1)],
        "state": state,
        "open": still_open,
        "since": time_of(last.since),
        "last_seen": time_of(last.last_seen),
        "gone": None if still_open or last.gone is None else time_of(last.gone),
        "times": len(now),
        "times_before": len(_within(all_times, weeks.before, weeks.begin - 1)),
        "seconds": sum(_end(alert, weeks.end) - max(alert.since, weeks.begin) for alert in now),
    }


def _within(alerts: Sequence[Alert], begin: int, end: int) -> List[Alert]:
    return [alert for alert in alerts if alert.since <= end and (alert.gone is None or alert.gone >= begin)]


def _end(alert: Alert, end: int) -> int:
    return end if alert.gone is None else min(alert.gone, end)
