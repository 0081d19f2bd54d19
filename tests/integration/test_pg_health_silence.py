# SPDX-License-Identifier: GPL-3.0-or-later
"""What is healthy is told to be healthy, with nothing to read; and how much is asked for that."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.postgres import CHECKS
from ansible_collections.analytics.ops.plugins.module_utils._observe.pg_snapshot import PARTS, observe
from ansible_collections.analytics.ops.plugins.module_utils._observe.postgres import PostgresClient, PostgresLogin

from tests.support.pg_health import check


def test_fresh_empty_database(empty):
    result = check(empty)
    assert (result["status"], result["findings"]) == ("healthy", [])


def test_small_healthy_database(shop):
    result = check(shop)
    assert (result["status"], result["findings"]) == ("healthy", [])
    assert result["target"] == f"postgresql://127.0.0.1:{shop.server.port}/{shop.name}"
    assert result["measurements"]["pg.connections.used"] >= 1
    assert result["measurements"][f"pg.database.{shop.name}.commits"] > 0


def test_still_healthy_given_the_previous_result(shop):
    first = check(shop)
    second = check(shop, previous=first["measurements"], check_mode=True)
    assert (second["status"], second["findings"]) == ("healthy", [])
    assert second["measurements"]["pg.observed_at"] > first["measurements"]["pg.observed_at"]


def test_every_check_answers(shop):
    result = check(shop, include_ok=True)
    assert {finding["check"] for finding in result["findings"]} == set(result["checks"]) == set(CHECKS.checks)
    assert {finding["severity"] for finding in result["findings"]} == {"ok"}
    assert not [finding for finding in result["findings"] if finding["advice"]]


class CountingClient(PostgresClient):
    statements = 0

    def rows(self, statement, parameters=None):
        self.statements += 1
        return super().rows(statement, parameters)


@pytest.mark.parametrize(("needs", "statements"), [(set(PARTS), 3), ({"sessions"}, 2), (set(), 1)])
def test_a_handful_of_statements(shop, needs, statements):
    """Also proves that no part fails on this version: each would be asked for again by itself."""
    with CountingClient(PostgresLogin.from_params(shop.login), read_only=True) as client:
        snapshot = observe(client, needs)
    assert client.statements == statements
    assert set(snapshot) == {"server"} | needs
    assert not [part for part in snapshot.values() if isinstance(part, Unavailable) and part.severity != "ok"]


def test_only_chosen_checks_run(shop):
    result = check(shop, checks=["connections", "pg.deadlocks"], include_ok=True)
    assert sorted(result["checks"]) == ["pg.connections", "pg.deadlocks"]
    assert {finding["check"] for finding in result["findings"]} <= {"pg.connections", "pg.deadlocks"}
    assert "pg.slots" not in result["measurements"]
    assert "pg.deadlocks" not in check(shop, exclude_checks=["deadlocks"])["checks"]
