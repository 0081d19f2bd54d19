# SPDX-License-Identifier: GPL-3.0-or-later
"""What the name of a measurement tells."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge import figures
from ansible_collections.analytics.ops.plugins.module_utils._judge.figures import (
    JUDGED_BY,
    Limits,
    is_gauge,
    is_headline,
    limits_of,
    title_of,
    unit_of,
)

from tests.support.reports import BLOAT, CONNECTIONS


@pytest.mark.parametrize(
    ("name", "title", "unit"),
    [
        ("pg.connections.used_percent", "connections used", "%"),
        ("pg.database.shop.size_bytes", "database size shop", "bytes"),
        ("redis.keys.count", "keys", ""),
        ("http.api.response_seconds", "api response", "seconds"),
        ("celery.queue.exports.depth", "queue exports", "messages"),
        ("alone", "alone", ""),
    ],
)
def test_title_and_unit(name, title, unit):
    assert (title_of(name), unit_of(name)) == (title, unit)


def test_counters_are_no_gauges():
    assert is_gauge("pg.connections.used")
    assert not is_gauge("redis.total.keyspace_hits")
    assert is_headline("backup.damaged") and not is_headline("pg.connections.used")


@pytest.mark.parametrize(("pattern", "check"), JUDGED_BY.items())
def test_what_judges_a_figure_has_its_unit(pattern, check):
    threshold = figures._REGISTERS[check.partition(".")[0]].checks[check].threshold
    assert threshold.unit == unit_of(pattern)
    assert threshold.warning is not None or threshold.critical is not None


def test_limits_of_this_run_come_before_those_of_the_check():
    name = "pg.connections.used_percent"
    assert limits_of(name, [BLOAT.as_dict()]) == Limits("pg.connections", 80, 90, True, True)
    own = dict(CONNECTIONS.as_dict(), warning=70, critical=None)
    assert limits_of(name, [own]) == Limits("pg.connections", 70, None, True, False)
    assert limits_of(name, [dict(own, warning=None)]).default
    assert limits_of("pg.connections.used", []) is None


def test_the_next_limit_and_the_one_to_draw():
    limits = Limits("x", 80, 90, True, True)
    assert [limits.next_one(value) for value in (10, 80, 89, 90)] == [80, 90, 90, None]
    assert limits.outer == 90
    falling = Limits("x", 70, None, False, True)
    assert [falling.next_one(value) for value in (90, 70)] == [70, None]
    assert falling.outer == 70
