# SPDX-License-Identifier: GPL-3.0-or-later
"""The morning check of what a stack declares besides its servers: jobs, files and data. First well, then all broken."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.celery_app import Shop
from tests.support.duckdb_files import make

PLAYBOOK = "playbooks/daily_health_check.yml"
TAGS = ("--tags", "celery,duckdb,data")
DATABASE = 5


@pytest.fixture(scope="module")
def declared(stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Path]]:
    """A worker's application and a file, each declared for the host that it is on, as a team does it."""
    directory = tmp_path_factory.mktemp("shop")
    shop = Shop(SimpleNamespace(port=stack.ports.cache, password=stack.password), directory, DATABASE)
    file = make(directory / "analytics.duckdb")
    fresh = {"name": "events", "sql": "SELECT count(*) FROM events", "min": 1}
    hosts = {
        "cache1": {"health_check_celery": {"login_db": DATABASE, "expected_workers": 1, "reply_timeout": 5}},
        "app1": {"health_check_duckdb": {"path": [str(file)], "level": "full"}},
        "db1": {"health_check_data": {"assertions": [fresh]}},
    }
    folder = stack.home / "inventory" / "host_vars"
    folder.mkdir()
    for host, variables in hosts.items():
        (folder / f"{host}.json").write_text(json.dumps(variables))
    yield shop, file
    shop.app.close()


def test_what_is_well_is_silent(stack, declared) -> None:
    shop, _file = declared
    with shop.worker():
        run = stack.play(PLAYBOOK, *TAGS, "-e", "analytics_ops_fail_on=degraded")
    assert run.code == 0, run.output
    assert run.report["findings"] == []
    assert run.report["failures"] == []
    measured = {(one["host"], name.partition(".")[0]) for one in run.report["measurements"] for name in one["now"]}
    assert measured == {("cache1", "celery"), ("app1", "duckdb"), ("db1", "data")}


def test_each_fault_is_found_on_its_host(stack, declared) -> None:
    """No worker, half of the file, and a table that somebody emptied."""
    _shop, file = declared
    os.truncate(file, file.stat().st_size // 2)
    stack.query("DELETE FROM events RETURNING id")
    run = stack.play(PLAYBOOK, *TAGS, "-e", "analytics_ops_fail_on=degraded")
    assert run.code == 2
    assert {(f["host"], f["check"], f["severity"]) for f in run.report["findings"]} == {
        ("cache1", "celery.workers", "critical"),
        ("app1", "duckdb.opens", "critical"),
        ("db1", "data.range", "critical"),
    }


def test_a_mistake_in_an_option_stays_on_its_host_and_is_named(stack, declared) -> None:
    run = stack.play(
        PLAYBOOK,
        "--tags",
        "data",
        "--limit",
        "db1",
        "-e",
        json.dumps({"health_check_data": {"sql": "x"}, "analytics_ops_fail_on": "unhealthy"}),
    )
    assert run.code == 2
    assert [failure["host"] for failure in run.report["failures"]] == ["db1"]
    assert "assertions" in run.report["failures"][0]["message"]
