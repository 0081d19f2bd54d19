# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.failover import (
    ALL_CHECKS,
    Terms,
    failover_result,
    judge_failover,
    judge_writes,
    lost_bytes,
    plan_failover,
    refuse,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.failover_managers import managers
from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import Finding
from ansible_collections.analytics.ops.plugins.module_utils._judge.pg_control import Control
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

ID = "7519342198765432101"
STANDBY = Row(
    standby=True,
    system_identifier=ID,
    timeline=1,
    written=None,
    received=5000,
    replayed=5000,
    pause_state="not paused",
    replay_seconds=12.0,
    replay_wait_type="Activity",
    replay_wait="RecoveryWalStream",
    libraries="pg_stat_statements",
    sessions=["", "psql"],
    repmgr_database=False,
    repmgr_schema=False,
    patroni_file=False,
    synchronous_standby_names="",
    cluster_name="",
    started="yesterday",
    receiver_status="streaming",
)
PROMOTED = STANDBY.but(standby=False, timeline=2, written=6000)
GONE = Row(address="db1:5432", listens=False, known=False, reason="Connection refused")
SILENT = GONE.but(listens=True, reason="password authentication failed.")
RUNS = Row(
    address="db1:5432",
    listens=True,
    known=True,
    reason="",
    standby=False,
    system_identifier=ID,
    timeline=1,
    written=5000,
    follows=False,
    replicas=["db2"],
    logical_slots=[],
    started="last year",
)
CLEAN = Control(ID, "shut down", 5000, 1)
NOTHING = Terms(1000, old_primary_is_fenced=False, accept_data_loss=False, ignore_manager=False)
FENCED = Terms(1000, old_primary_is_fenced=True, accept_data_loss=False, ignore_manager=False)
ACCEPTED = Terms(1000, old_primary_is_fenced=True, accept_data_loss=True, ignore_manager=True)


def judged(
    target: Row = STANDBY, primary: Row = GONE, control: Control | None = CLEAN, terms: Terms = FENCED
) -> list[Finding]:
    return judge_failover(target, primary, control, terms)


def short(findings: list[Finding]) -> list[tuple[str, str]]:
    assert {finding.check for finding in findings} <= set(ALL_CHECKS)
    return [(finding.check.partition(".")[2], finding.severity) for finding in findings]


def test_nothing_speaks_against_it() -> None:
    assert judged() == []


@pytest.mark.parametrize(
    ("primary", "expected", "words"),
    [
        (GONE, [], ""),
        (SILENT, [("fence", "warning")], "could not be asked what it is (password authentication failed)."),
        (RUNS.but(standby=True), [], ""),
        (RUNS, [("split_brain", "critical")], "the older one is db1:5432. Nothing"),
        (RUNS.but(timeline=2), [("split_brain", "critical")], "does not tell which"),
        (RUNS.but(timeline=3), [("split_brain", "critical")], "the older one is this server"),
        (RUNS.but(system_identifier="1"), [("identity", "warning")], "another cluster"),
        (RUNS.but(started="yesterday"), [], ""),
    ],
)
def test_a_primary_is_left_alone(primary: Row, expected: list[tuple[str, str]], words: str) -> None:
    findings = judged(PROMOTED, primary, None, NOTHING)
    assert short(findings) == expected
    assert words in "".join(finding.message for finding in findings)
    assert plan_failover(PROMOTED) == []


@pytest.mark.parametrize(
    ("primary", "terms", "expected", "words"),
    [
        (GONE, NOTHING, [("fence", "critical")], "Nobody answers at db1:5432 (Connection refused)."),
        (GONE.but(address="", reason=""), NOTHING, [("fence", "critical")], "at the old primary."),
        (SILENT, ACCEPTED, [("fence", "critical")], "Something listens at db1:5432"),
        (RUNS, ACCEPTED, [("fence", "critical")], "still takes writes"),
        (RUNS.but(standby=True), NOTHING, [], ""),
        (RUNS.but(standby=True, follows=True), NOTHING, [("cascade", "critical")], "is a standby itself"),
        (RUNS.but(standby=True, system_identifier="1"), NOTHING, [("identity", "critical")], "is 1, that"),
        (RUNS.but(standby=True, follows=True, started="yesterday"), NOTHING, [("identity", "critical")], "itself"),
    ],
)
def test_the_old_primary(primary: Row, terms: Terms, expected: list[tuple[str, str]], words: str) -> None:
    findings = judged(primary=primary, terms=terms)
    assert short(findings) == expected
    assert words in "".join(finding.message for finding in findings)


def test_a_data_directory_of_another_cluster() -> None:
    findings = judged(control=Control("1", "shut down", 5000, 1))
    assert [(finding.check, finding.subject) for finding in findings] == [("failover.identity", "data directory")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pause_state": "paused"}, ["Replay is paused; 1 kB of received WAL wait."]),
        (
            {"replay_wait_type": "Lock", "replay_wait": "relation"},
            ["Replay waits for queries that run here (relation)"],
        ),
        ({"replay_wait_type": "BufferPin", "replay_wait": None}, ["queries that run here (BufferPin)"]),
        ({"replay_wait_type": "IPC", "replay_wait": "RecoveryConflictSnapshot"}, ["(RecoveryConflictSnapshot)"]),
        ({"replay_wait_type": None, "replay_wait": None}, []),
    ],
)
def test_replay(changes: dict[str, Any], expected: list[str]) -> None:
    findings = judged(STANDBY.but(received=6024, **changes))
    assert [finding.check for finding in findings] == ["failover.replay"] * len(expected)
    for finding, words in zip(findings, expected):
        assert words in finding.message


@pytest.mark.parametrize(("received", "replayed"), [(None, None), (None, 4000), (4000, None), (3000, 4000)])
def test_nothing_waits_where_less_was_received_than_replayed(received: int | None, replayed: int | None) -> None:
    """A standby that was started anew has received nothing yet, or only what its last segment began with."""
    standby = STANDBY.but(received=received, replayed=replayed)
    assert plan_failover(standby)[0].details["unreplayed_bytes"] == (4000 if replayed is None and received else 0)
    assert lost_bytes(standby, CLEAN) == (5000 if received is None and replayed is None else 1000)


@pytest.mark.parametrize(
    ("written", "terms", "expected"),
    [
        (6000, NOTHING, []),
        (6001, NOTHING, ["critical"]),
        (6001, ACCEPTED, ["warning"]),
        (4000, NOTHING, []),
    ],
)
def test_lag_behind_a_primary_that_runs(written: int, terms: Terms, expected: list[str]) -> None:
    findings = [one for one in judged(primary=RUNS.but(written=written), terms=terms) if one.check == "failover.lag"]
    assert [finding.severity for finding in findings] == expected
    for finding in findings:
        assert (finding.value, finding.critical) == (1001, 1000)
        assert ("accept_data_loss=true" in finding.advice) is (finding.severity == "critical")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timeline": 2}, "It is on timeline 2, the old primary on 1."),
        ({"receiver_status": "waiting"}, "Its receiver is waiting."),
        ({"receiver_status": None}, "Its receiver is not running."),
    ],
)
def test_a_standby_that_does_not_follow(changes: dict[str, Any], words: str) -> None:
    for terms, severity in ((FENCED, "critical"), (ACCEPTED, "warning")):
        findings = judged(STANDBY.but(**changes), RUNS.but(written=9000), terms=terms)
        assert short(findings) == [("fence", "critical"), ("lag", severity)]
        assert words in findings[1].message
        assert findings[1].value == 4000
    assert short(judged(STANDBY.but(receiver_status=None))) == []


@pytest.mark.parametrize(
    ("checkpoint", "terms", "expected"),
    [(5000, FENCED, []), (5001, FENCED, ["critical"]), (5001, ACCEPTED, ["warning"]), (4000, FENCED, [])],
)
def test_what_is_lost_of_one_that_ended_cleanly(checkpoint: int, terms: Terms, expected: list[str]) -> None:
    control = Control(ID, "shut down", checkpoint, 1)
    findings = judged(control=control, terms=terms)
    assert short(findings) == [("loss", severity) for severity in expected]
    assert lost_bytes(STANDBY, control) == max(0, checkpoint - 5000)
    for finding in findings:
        assert finding.value == 1
        assert "The last transaction that was replayed here was committed 12 s ago." in finding.message
        assert ("accept_data_loss=true" in finding.advice) is (finding.severity == "critical")


@pytest.mark.parametrize(
    ("control", "seconds", "terms", "severity", "words"),
    [
        (None, 12.0, FENCED, "critical", "it is not known how it ended"),
        (None, None, ACCEPTED, "warning", "No transaction was replayed here since the start."),
        (None, -3.0, FENCED, "critical", "committed 0 ms ago"),
        (Control(ID, "shut down", 5000, 2), 1.0, FENCED, "critical", "it is on timeline 2, and this standby on 1"),
        (Control(ID, "in production", 9000, 1), 1.0, FENCED, "critical", "did not end cleanly ('in production')"),
    ],
)
def test_what_is_lost_of_one_that_crashed(
    control: Control | None, seconds: float | None, terms: Terms, severity: str, words: str
) -> None:
    (finding,) = judged(STANDBY.but(replay_seconds=seconds), control=control, terms=terms)
    assert (finding.check, finding.severity) == ("failover.loss", severity)
    assert words in finding.message
    assert ("accept_data_loss=true" in finding.advice) is (severity == "critical")
    assert lost_bytes(STANDBY, control) is None


def test_commits_that_would_wait() -> None:
    (finding,) = judged(STANDBY.but(synchronous_standby_names="ANY 1 (db3)"), terms=ACCEPTED)
    assert (finding.check, finding.severity) == ("failover.synchronous", "critical")
    assert "'ANY 1 (db3)'" in finding.message


@pytest.mark.parametrize(
    ("replicas", "slots", "expected"),
    [
        (["db2"], [], []),
        (["db2", "db3"], [], [("replicas", "info")]),
        ([], ["cdc"], [("slots", "warning")]),
        (["db2", "db3"], ["cdc"], [("replicas", "info"), ("slots", "warning")]),
    ],
)
def test_what_else_hangs_on_it(replicas: list[str], slots: list[str], expected: list[tuple[str, str]]) -> None:
    primary = RUNS.but(replicas=replicas, logical_slots=slots)
    assert short(judged(primary=primary)) == [("fence", "critical"), *expected]
    assert short(judged(primary=primary.but(standby=True))) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sessions": None, "libraries": None}, []),
        ({"sessions": ["Patroni heartbeat", "psql"]}, ["Patroni"]),
        ({"sessions": ["repmgrd"]}, ["repmgr"]),
        ({"sessions": ["pgautofailover_standby_2"]}, ["pg_auto_failover"]),
        ({"sessions": ["my patroni"]}, []),
        ({"libraries": 'pg_stat_statements, "repmgr"'}, ["repmgr"]),
        ({"libraries": "pgautofailover"}, ["pg_auto_failover"]),
        ({"patroni_file": True}, ["Patroni"]),
        ({"patroni_file": True, "sessions": ["patroni"]}, ["Patroni", "Patroni"]),
        ({"repmgr_database": True, "repmgr_schema": True}, ["repmgr", "repmgr"]),
    ],
)
def test_who_else_promotes(changes: dict[str, Any], expected: list[str]) -> None:
    assert [manager for manager, _evidence in managers(STANDBY.but(**changes))] == expected


def test_a_manager_is_named_once_with_all_that_gives_it_away_and_its_command() -> None:
    managed = STANDBY.but(patroni_file=True, sessions=["Patroni restapi"], cluster_name="shop")
    (finding,) = judged(managed)
    assert (finding.check, finding.subject, finding.severity) == ("failover.manager", "Patroni", "critical")
    assert "the session 'Patroni restapi', patroni.dynamic.json lies" in finding.message
    assert "failover shop," in finding.advice
    assert short(judged(managed, terms=ACCEPTED)) == [("manager", "info")]
    (unnamed,) = judged(managed.but(cluster_name=""))
    assert "failover <cluster>," in unnamed.advice


def test_the_plan() -> None:
    (step,) = plan_failover(STANDBY.but(received=6024))
    assert (step.action, step.details) == ("promote", {"timeline": 1, "unreplayed_bytes": 1024})
    assert step.reason == "It is a standby on timeline 1; 1 kB of received WAL are replayed first."


def test_a_refusal_has_every_reason() -> None:
    findings = judged(STANDBY.but(pause_state="paused"), SILENT, None, NOTHING)
    with pytest.raises(Refused) as refused:
        refuse(findings)
    assert refused.value.message.startswith("Not promoted. ")
    for words in ("Something listens", "Replay is paused", "How much is lost", "accept_data_loss=true"):
        assert words in refused.value.message
    refuse(judged(terms=ACCEPTED, control=None))


@pytest.mark.parametrize(
    ("problem", "read_only", "expected"),
    [("", False, []), ("it waits.", False, ["critical"]), ("it waits.", True, ["critical"]), ("", True, ["warning"])],
)
def test_writes(problem: str, read_only: bool, expected: list[str]) -> None:
    findings = judge_writes(Row(problem=problem, read_only=read_only))
    assert [(finding.check, finding.severity) for finding in findings] == [("failover.writes", one) for one in expected]


def test_the_result() -> None:
    plan = plan_failover(STANDBY)
    planned = failover_result(plan, [], [], STANDBY, True, target="here")
    assert (planned["changed"], planned["is_primary"], planned["timeline"]) == (True, False, 1)
    assert planned["system_identifier"] == ID
    assert (len(planned["remaining"]), planned["done"], planned["target"]) == (1, [], "here")
    acted = failover_result(
        plan, [plan[0].with_details(seconds=1.0)], judge_writes(Row(problem="x", read_only=False)), PROMOTED, True
    )
    assert (acted["is_primary"], acted["timeline"], acted["remaining"], acted["status"]) == (True, 2, [], "unhealthy")
    assert acted["checks"] == list(ALL_CHECKS)
