# SPDX-License-Identifier: GPL-3.0-or-later
"""The replica takes over by the playbook, on two hosts that are both this machine; a stand-in for Docker runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.failover_cluster import FOLLOWS, PLAYBOOK, REJOIN, Cluster
from tests.support.modules import run_module
from tests.support.playbooks import PlaybookRun, play
from tests.support.stand_in_stack import Stack
from tests.support.versions import chosen_versions
from tests.support.waiting import until


@pytest.fixture(params=chosen_versions(), ids=lambda major: f"pg{major}")
def cluster(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    made = Cluster(request.param, tmp_path, Stack(tmp_path, monkeypatch))
    yield made
    made.close()


def critical(run: PlaybookRun) -> set[str]:
    return {f["check"] for f in run.report["findings"] if f["severity"] == "critical" and f["state"] != "resolved"}


def extra(**variables: Any) -> tuple[str, str]:
    return "-e", json.dumps(variables)


def test_the_old_primary_is_fenced_the_standby_promoted_and_the_clients_repointed(cluster: Cluster) -> None:
    old = extra(pg_failover_old_primary="h1", pg_failover_old_data_directory=str(cluster.primary.data))
    planned = cluster.play("--check", *old)
    assert planned.code == 0, planned.output
    assert [(step["host"], step["action"]) for step in planned.report["steps"]] == [
        ("h2", "promote"),
        ("h1", "stop"),
        ("h1", "fence"),
    ]
    assert cluster.untouched()

    asked = cluster.play(*old)
    assert asked.code == 2, asked.output
    assert "pg_failover_confirm=h2" in asked.report["failures"][0]["message"]
    assert cluster.untouched()

    cluster.up.execute("INSERT INTO written SELECT generate_series(1, 1000)")
    confirmed = (*old, *extra(pg_failover_confirm="h2"))
    run = cluster.play(*confirmed)
    assert run.code == 0, run.output
    assert [(step["host"], step["action"], step["outcome"]) for step in run.report["steps"]] == [
        ("h1", "stop", "done"),
        ("h1", "fence", "done"),
        ("h2", "promote", "done"),
    ]
    assert critical(run) == set()
    assert cluster.down.value("SELECT count(*) FROM written WHERE number > 0") == 1000
    assert not cluster.down.value("SELECT pg_is_in_recovery()")
    assert cluster.repointed.exists()
    assert (cluster.primary.data / "standby.signal").exists()

    again = cluster.play(*confirmed)
    assert again.code == 0, again.output
    assert again.report.get("steps", []) == []

    cluster.up.close()
    rejoin = extra(**cluster.rejoining())
    planned = cluster.play("--check", *rejoin, playbook=REJOIN)
    assert planned.code == 0, planned.output
    refused = cluster.play(*rejoin, playbook=REJOIN)
    assert refused.code == 2, refused.output
    assert "discard_writes=true" in refused.report["failures"][0]["message"]
    rejoin = extra(**cluster.rejoining(), pg_rejoin_discard_writes=True)
    run = cluster.play(*rejoin, playbook=REJOIN)
    assert run.code == 0, run.output
    assert [step["action"] for step in run.report["steps"]] == ["rewind", "follow", "start"]
    cluster.down.execute("INSERT INTO written VALUES (2000)")
    until(lambda: cluster.down.value(FOLLOWS))
    assert cluster.up.value("SELECT count(*) FROM written WHERE number = 2000") == 1
    assert cluster.play(*rejoin, playbook=REJOIN).report.get("steps", []) == []


def test_a_standby_that_may_not_be_promoted_leaves_the_old_primary_alone(cluster: Cluster) -> None:
    cluster.down.execute("SELECT pg_wal_replay_pause()")
    until(lambda: cluster.down.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
    old = {"pg_failover_old_primary": "h1", "pg_failover_old_data_directory": str(cluster.primary.data)}
    run = cluster.play(*extra(**old, pg_failover_confirm="h2"))
    assert run.code == 2, run.output
    assert "failover.replay" in critical(run)
    assert cluster.untouched()
    assert not (cluster.primary.data / "standby.signal").exists()


def test_without_the_host_of_the_old_primary_somebody_has_to_vouch_for_it(cluster: Cluster) -> None:
    gone = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    old = {"pg_failover_old_primary": "h1", "pg_failover_old_data_directory": str(cluster.primary.data)}
    cluster.inventory(gone, **old)
    vouched = {"pg_failover_old_primary_is_fenced": True, "pg_failover_accept_data_loss": True}
    run = cluster.play(*extra(pg_failover_confirm="h2", **vouched))
    assert run.code in (2, 4), run.output
    assert "still takes writes" in run.report["failures"][0]["message"], "whatever was confirmed"
    assert cluster.untouched()

    cluster.up.close()
    run_module("service_wave", services={"main": cluster.services["main"]}, state="stopped")
    run = cluster.play(*extra(pg_failover_confirm="h2"))
    assert run.code in (2, 4), run.output
    message = run.report["failures"][0]["message"]
    assert "old_primary_is_fenced=true" in message
    assert "accept_data_loss=true" in message
    assert cluster.down.value("SELECT pg_is_in_recovery()")

    run = cluster.play(*extra(pg_failover_confirm="h2", **vouched))
    assert run.code == 4, run.output
    assert run.report["failures"] == []
    assert not cluster.down.value("SELECT pg_is_in_recovery()")
    assert cluster.repointed.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"pg_failover_target": ""},
        {"pg_failover_target": "h3"},
        {"pg_failover_old_primary": "h3"},
        {"pg_failover_old_primary": "h2"},
        {"pg_failover_confirm": "h1"},
    ],
)
def test_names_that_cannot_be_meant_are_refused_before_anything_is_touched(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    hosts = {name: {"ansible_connection": "local"} for name in ("h1", "h2")}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": {"pg_failover_target": "h2"}}}))
    run = play(tmp_path, "-i", tmp_path / "hosts.json", PLAYBOOK, *extra(**wrong))
    assert run.code == 2, run.output
    assert (
        "pg_failover_confirm is" in " ".join(run.output.replace('"', "").split()) or "pg_failover_confirm" in run.output
    )
    assert run.report.get("steps", []) == []
