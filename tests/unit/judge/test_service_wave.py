# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import WARNING, Finding
from ansible_collections.analytics.ops.plugins.module_utils._judge.plan import Step
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_facts import Container, Unit
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_wave import (
    Outcome,
    Seen,
    State,
    container_state,
    not_ready,
    not_up,
    plan_wave,
    skipped,
    standing,
    unit_state,
    wave_result,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.services import parse_services

RUNS = State((("runs", "active (running)"),))
DOWN = State((("down", "inactive (dead)"),))
STARTING = State((("starting", "activating (start)"),))


def unit(active: str = "active", sub: str = "running", **more: str) -> Unit:
    return Unit("api", "api.service", {"LoadState": "loaded", "ActiveState": active, "SubState": sub, **more})


@pytest.mark.parametrize(
    ("units", "runs", "at_rest", "text"),
    [
        ([unit()], True, False, "active (running)"),
        ([unit("reloading", "reload")], True, False, "reloading (reload)"),
        ([unit("activating", "start-pre")], False, False, "activating (start-pre)"),
        ([unit("deactivating", "stop-sigterm")], False, False, "deactivating (stop-sigterm)"),
        ([unit("failed", "failed")], False, True, "failed (failed)"),
        ([unit("inactive", "dead")], False, True, "inactive (dead)"),
        ([unit("inactive", "dead", LoadState="masked")], False, True, "api.service: masked"),
        ([Unit("api", "api.service", {})], False, True, "api.service: not-found"),
        ([unit(), unit("inactive", "dead")], False, False, "active (running), inactive (dead)"),
        ([unit(), unit()], True, False, "active (running)"),
    ],
)
def test_state_of_units(units: list[Unit], runs: bool, at_rest: bool, text: str) -> None:
    state = unit_state(units)
    assert (state.runs, state.at_rest, state.text) == (runs, at_rest, text)


def test_restarts_are_counted_over_all_units() -> None:
    assert unit_state([unit(NRestarts="2"), unit(NRestarts="3"), unit()]).restarts == 5


@pytest.mark.parametrize(
    ("containers", "runs", "at_rest", "killed"),
    [
        ([], False, True, False),
        ([Container("a")], True, False, False),
        ([Container("a", health="healthy")], True, False, False),
        ([Container("a", health="starting")], False, False, False),
        ([Container("a", health="unhealthy")], False, False, False),
        ([Container("a", "restarting")], False, False, False),
        ([Container("a", "paused")], False, False, False),
        ([Container("a", "exited", exit_code=137)], False, True, True),
        ([Container("a", "exited", exit_code=143)], False, True, False),
        ([Container("a", exit_code=137)], True, False, False),
        ([Container("a"), Container("b", "created")], False, False, False),
    ],
)
def test_state_of_containers(containers: list[Container], runs: bool, at_rest: bool, killed: bool) -> None:
    state = container_state(containers)
    assert (state.runs, state.at_rest, state.was_killed) == (runs, at_rest, killed)


@pytest.mark.parametrize(
    ("containers", "off"),
    [
        ([], True),
        ([Container("a", "exited")], True),
        ([Container("a", "exited", exit_code=143)], True),
        ([Container("a", "exited", exit_code=3)], False),
        ([Container("a", "exited", exit_code=3, policy="always")], True),
        ([Container("a", "exited", exit_code=3, policy="unless-stopped")], True),
        ([Container("a", "exited", exit_code=3, policy="on-failure")], False),
        ([Container("a", "created", exit_code=3)], True),
        ([Container("a", "exited"), Container("b", "exited", exit_code=1)], False),
        ([Container("a")], False),
    ],
)
def test_containers_that_somebody_wanted_down(containers: list[Container], off: bool) -> None:
    assert container_state(containers).off is off


def test_restarts_of_containers_are_counted() -> None:
    assert container_state([Container("a", restarts=2), Container("b", restarts=1)]).restarts == 3


SERVICES = parse_services(
    {"db": {"unit": "postgresql"}, "api": {"unit": "api", "drain_seconds": 5}, "vendor": {"manager": "none"}}
)


def plan(order: str, ready: bool = False, **states: Any) -> list[tuple[str, str, str]]:
    known = {"db": None, "api": None, "vendor": None, **states}
    steps = plan_wave(order, SERVICES, {name: Seen(known[name], ready) for name in SERVICES})
    return [(step.action, step.subject, step.reason) for step in steps]


def test_plan_of_a_start() -> None:
    assert plan("started", db=DOWN, api=RUNS) == [
        ("start", "db", "It is inactive (dead)."),
        ("start", "api", "It is active (running) and does not answer."),
    ]
    assert plan("started", ready=True, db=RUNS, api=RUNS) == []
    assert plan("started", api=STARTING)[0][2] == "Its state is not known: systemd does not answer."


def test_plan_of_a_stop() -> None:
    assert plan("stopped", db=DOWN, api=STARTING) == [("stop", "api", "It is activating (start).")]
    assert plan("stopped", db=DOWN) == [("stop", "api", "Its state is not known: systemd does not answer.")]


def test_steps_say_how_long_each_may_take() -> None:
    (start,) = plan_wave("started", {"api": SERVICES["api"]}, {"api": Seen(DOWN)})
    assert start.details == {"within_seconds": 60}
    (stop,) = plan_wave("stopped", {"api": SERVICES["api"]}, {"api": Seen(RUNS)})
    assert stop.details == {"drain_seconds": 5}


EDGE = parse_services({"web": {"edge": True, "maintenance_file": "/run/on"}})


@pytest.mark.parametrize(
    ("order", "seen", "action"),
    [
        ("stopped", Seen(RUNS), "close"),
        ("stopped", Seen(None), "close"),
        ("stopped", Seen(RUNS, closed=True), None),
        ("stopped", Seen(DOWN, closed=True), None),
        ("stopped", Seen(None, closed=True), "close"),
        ("started", Seen(RUNS, closed=True), "open"),
        ("started", Seen(STARTING, closed=True), "start"),
        ("started", Seen(DOWN, closed=True), "start"),
        ("started", Seen(None, closed=True), "start"),
        ("started", Seen(RUNS, True), None),
    ],
)
def test_plan_of_an_edge_with_a_maintenance_page(order: str, seen: Seen, action: str | None) -> None:
    assert [step.action for step in plan_wave(order, EDGE, {"web": seen})] == ([action] if action else [])


def test_a_closed_edge_is_told() -> None:
    (told,) = standing(EDGE, {"web": Seen(RUNS, closed=True)}, [])
    assert told.message == "web is closed for maintenance: /run/on is there."
    (told,) = standing(EDGE, {"web": Seen(DOWN, closed=True)}, [])
    assert told.message == "web is not up: it is inactive (dead)."
    (told,) = standing(EDGE, {"web": Seen(None, said="Silence.", closed=True)}, [])
    assert told.message == "web is not up: Silence."
    stays = skipped("web", {"api"}, RUNS, closed=True).message
    assert stays == "web stays closed for maintenance: what it needs is not up (api)."


def test_skipped_names_what_is_lacking() -> None:
    for state in (DOWN, None):
        message = skipped("api", {"redis", "db"}, state).message
        assert message == "api was not started: what it needs is not up (db, redis)."
    runs = skipped("api", {"redis"}, RUNS).message
    assert runs == "api runs and does not answer: what it needs is not up (redis)."


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (DOWN, "api did not come up: it is inactive (dead)."),
        (RUNS, "api runs but is not ready after 2 s: refused."),
        (None, "api is not ready after 2 s: refused."),
    ],
)
def test_why_it_is_not_ready(state: Any, text: str) -> None:
    assert not_ready("api", 2.0, state, "refused.") == text


def test_what_is_up_is_told_without_starting_anything() -> None:
    services = parse_services(
        {
            "db": {"unit": "postgresql"},
            "api": {"unit": "api", "after": ["db"]},
            "web": {"unit": "web"},
            "far": {"unit": "far"},
            "odd": {"unit": "odd"},
        }
    )
    services["far"] = replace(services["far"], after=("mail",))
    seen = {
        "db": Seen(DOWN),
        "api": Seen(RUNS, said="refused."),
        "web": Seen(RUNS, True),
        "far": Seen(RUNS, said="refused."),
        "odd": Seen(None, said="systemd does not run here."),
    }
    told = {one.service: one for one in standing(services, seen, ["mail"])}
    assert {name: (one.outcome, one.message, one.advice) for name, one in told.items()} == {
        "db": ("failed", "db is not up: it is inactive (dead).", ""),
        "api": (
            "failed",
            "api runs but does not answer: refused. What it needs is not up (db).",
            "Mend that first.",
        ),
        "web": ("was_ready", "web is up.", ""),
        "far": (
            "failed",
            "far runs but does not answer: refused. What it needs is not up (mail).",
            "Mend that first.",
        ),
        "odd": ("failed", "odd is not up: systemd does not run here.", ""),
    }
    result = wave_result("diagnosed", [], list(told.values()), [], {})
    assert (result["changed"], result["status"], result["checks"]) == (False, "unhealthy", ["wave.up"])


def entry(service: str, event: str) -> dict[str, Any]:
    return {"time": 1.0, "service": service, "event": event, "message": ""}


def test_result_of_a_start() -> None:
    steps = [Step("start", "db", "It is down."), Step("start", "api", "It is down.")]
    outcomes = [
        Outcome("db", "ready", "db is ready.", seconds=1.23456),
        Outcome("api", "failed", "api failed.", "Mend it.", 2.0),
        Outcome("web", "skipped", "web was not started."),
        Outcome("redis", "was_ready", "redis was ready."),
    ]
    result = wave_result("started", steps, outcomes, [entry("db", "start"), entry("db", "ready")], {})
    assert (result["status"], result["changed"], result["target"]) == ("unhealthy", True, "waves")
    assert result["checks"] == ["wave.start"]
    assert {(f["check"], f["subject"], f["severity"]) for f in result["findings"]} == {
        ("wave.start", "api", "critical"),
        ("wave.start", "web", "critical"),
    }
    (done,) = result["done"]
    assert (done["subject"], done["outcome"], done["seconds"]) == ("db", "ready", 1.235)
    assert [step["subject"] for step in result["remaining"]] == ["api"]
    assert result["services"]["api"] == {
        "service": "api",
        "outcome": "failed",
        "message": "api failed.",
        "advice": "Mend it.",
        "seconds": 2.0,
    }


@pytest.mark.parametrize(
    ("outcome", "severity", "status"),
    [("stopped", None, "healthy"), ("killed", "warning", "degraded"), ("still_runs", "critical", "unhealthy")],
)
def test_result_of_a_stop(outcome: str, severity: Any, status: str) -> None:
    result = wave_result("stopped", [Step("stop", "api", "It runs.")], [Outcome("api", outcome, "…")], [], {})
    assert result["status"] == status
    assert [(f["check"], f["severity"]) for f in result["findings"]] == ([("wave.stop", severity)] if severity else [])
    assert bool(result["done"]) == (severity != "critical")


@pytest.mark.parametrize(
    ("events", "changed"),
    [
        ([], False),
        (["was_ready"], False),
        (["drain", "drained"], False),
        (["close_failed"], False),
        (["start"], True),
        (["stop"], True),
        (["close"], True),
        (["open"], True),
    ],
)
def test_changed_is_whether_anything_was_ordered(events: list[str], changed: bool) -> None:
    result = wave_result("stopped", [], [], [entry("api", event) for event in events], {})
    assert result["changed"] is changed


def test_killing_alone_is_a_change() -> None:
    assert wave_result("stopped", [], [], [entry("api", "kill")], {})["changed"]


def test_the_last_result_tells_the_whole_story() -> None:
    first = wave_result("started", [], [Outcome("db", "failed", "db failed.")], [entry("db", "start")], {})
    second = wave_result("started", [], [Outcome("redis", "ready", "")], [entry("redis", "start")], first)
    assert set(second["services"]) == {"db", "redis"}
    assert [one["service"] for one in second["timeline"]] == ["db", "redis"]
    assert [f["subject"] for f in second["findings"]] == ["db"]
    assert second["status"] == "unhealthy"
    note = Finding("wave.record", "record", WARNING, "It cannot be read.")
    noticed = wave_result("started", [], [], [], wave_result("started", [], [], [], second, [note]), [note])
    assert [f["subject"] for f in noticed["findings"]] == ["db", "record"]
    third = wave_result("started", [], [Outcome("db", "ready", "")], [], second)
    assert (third["status"], third["findings"]) == ("healthy", [])
    assert third["services"]["db"]["outcome"] == "ready"


def test_a_stop_is_no_part_of_the_start_that_follows() -> None:
    stopped = wave_result("stopped", [], [Outcome("db", "still_runs", "…")], [entry("db", "stop")], {})
    started = wave_result("started", [], [Outcome("redis", "ready", "")], [], stopped)
    assert (started["status"], set(started["services"]), started["timeline"]) == ("healthy", {"redis"}, [])


def test_what_was_off_before_is_told_and_keeps_nobody_down() -> None:
    left = wave_result("started", [], [Outcome("worker", "left_down", "worker is left down.", "Start it.")], [], {})
    assert (left["status"], left["changed"]) == ("healthy", False)
    assert [(f["subject"], f["severity"]) for f in left["findings"]] == [("worker", "info")]
    assert not_up({"worker": ["app1"]}, {"app1": left}, ["worker"]) == []


def result(**outcomes: str) -> dict[str, Any]:
    return {"services": {name: {"outcome": outcome} for name, outcome in outcomes.items()}}


def test_what_is_up_on_none_of_its_hosts() -> None:
    hosts = {"db": ["db1"], "api": ["app1", "app2"], "web": ["web1"], "far": ["far1"], "late": ["app1"]}
    results = {
        "db1": result(db="ready"),
        "app1": result(api="failed"),
        "app2": result(api="was_ready"),
        "web1": {},
    }
    assert not_up(hosts, results, ["web", "db", "api", "far"]) == ["web"]
    assert not_up(hosts, {**results, "app2": result(api="skipped")}, ["api", "api"]) == ["api"]
    assert not_up(hosts, {**results, "db1": result(db="stopped")}, ["db"]) == ["db"]
