# SPDX-License-Identifier: GPL-3.0-or-later
"""An alarm that has to get clear, from run to run: what was open is known from the history."""

from __future__ import annotations

import json
from typing import Any

MORNING = "playbooks/daily_health_check.yml"


def connections(stack: Any, **limits: float) -> list[dict[str, Any]]:
    options = {"analytics_ops_thresholds": {"pg.connections": limits}, "analytics_ops_fail_on": "never"}
    run = stack.play(MORNING, "--tags", "postgresql", "--limit", "db1", "-e", json.dumps(options))
    assert run.code == 0, run.output
    return run.found("pg.connections")


def test_what_was_open_stays_open_until_it_is_clear(stack) -> None:
    """Of a hundred connections a few are in use all the time; what moves here are the limits."""
    assert connections(stack, warning=50, critical=90, clear=0.1) == [], "nothing was open before"
    (raised,) = connections(stack, warning=0.1, critical=90)
    (held,) = connections(stack, warning=50, critical=90, clear=0.1)
    assert (held["severity"], held["warning"], held["since"]) == ("warning", 0.1, raised["since"])
    (again,) = connections(stack, warning=50, critical=90, clear=0.1)
    assert again["since"] == raised["since"]
    assert connections(stack, warning=50, critical=90, clear=49) == []
    assert connections(stack, warning=50, critical=90, clear=0.1) == [], "it was gone in between"
