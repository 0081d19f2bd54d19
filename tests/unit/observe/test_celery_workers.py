# SPDX-License-Identifier: GPL-3.0-or-later
"""What workers say of themselves: whoever reaches the broker may answer in their place."""

from __future__ import annotations

from ansible_collections.analytics.ops.plugins.module_utils._observe.celery_workers import _started, _tasks


def test_figures_beyond_all_others_are_none() -> None:
    assert _started({"total": {"shop.tick": 5, "shop.tock": 10**400}}) == {"shop.tick": 5}
    moments = [1.8e9, 10**400, float("inf"), True, "1800000000"]
    tasks = _tasks("one@host", [{"name": "shop.tick", "time_start": moment} for moment in moments])
    assert [task.started_at for task in tasks] == [1.8e9, None, None, None, None]
