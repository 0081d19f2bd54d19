# SPDX-License-Identifier: GPL-3.0-or-later
"""How the state of units, containers, timers and cron jobs is judged, as systemd and Docker tell it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.interval import Interval
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_checks import CHECKS, measurements
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_facts import (
    CLOCK,
    ComposeService,
    Container,
    CronJob,
    Host,
    Manager,
    Timer,
    Unit,
)

NOW = 1767225600.0
NONE = str((1 << 64) - 1)
MEGABYTE = 1024 * 1024


def at(ago):
    """As ``systemctl`` writes a time, seconds before now."""
    return datetime.fromtimestamp(NOW - ago, timezone.utc).strftime("%a %Y-%m-%d %H:%M:%S UTC")


def unit(subject="api", lines=(), triggers=(), restarts=None, cache_bytes=0, **properties):
    usual = {
        "LoadState": "loaded",
        "ActiveState": "active",
        "SubState": "running",
        "UnitFileState": "enabled",
        "Result": "success",
        "NRestarts": "0",
        "ActiveEnterTimestamp": at(500),
    }
    name = subject if "." in subject else f"{subject}.service"
    return Unit(subject, name, {**usual, **properties}, tuple(triggers), restarts, tuple(lines), cache_bytes)


def service(*containers, wanted=None):
    return ComposeService("worker", "shop", "/srv/compose.yml", "w", containers, wanted)


def container(name="shop-w-1", **fields):
    return Container(name, **{"policy": "always", "created": NOW - 900, "started": NOW - 60, **fields})


def timer(max_age=None, job=None, **properties):
    return Timer("daily.timer", unit("daily.timer", **{"SubState": "waiting", **properties}), job or unit(), max_age)


def snapshot(units=(), compose=(), timers=(), cron=(), managers=(), previous=None, **host):
    seen = {
        "managers": managers,
        "host": Host(NOW, **host),
        "units": units,
        "compose": compose,
        "timers": timers,
        "cron": cron,
    }
    seen["interval"] = Interval(measurements(seen), previous or {}, CLOCK)
    return seen


def run(check, *units, **parts):
    found = CHECKS.select([check]).findings(snapshot(units, **parts), "services")
    return [finding for finding in found if finding.subject != "services"]


def told(findings):
    return [(finding.subject, finding.severity) for finding in findings]


def test_every_check_says_where_its_limit_is_from():
    for check in CHECKS.checks.values():
        limited = check.threshold.warning is not None or check.threshold.critical is not None
        assert bool(check.threshold.source) == limited, check.name
        assert check.question.endswith("?"), check.name
        assert check.procedure in {"H02", "H13"}, check.name


def test_silence_on_a_healthy_host():
    seen = snapshot(
        units=[unit(), unit("db", MemoryCurrent="1000", MemoryMax=NONE, TasksCurrent="3", TasksMax="100")],
        compose=[service(container(), container("shop-w-2"), wanted=2)],
        timers=[timer(max_age=1000, job=unit(ExecMainExitTimestamp=at(10)), NextElapseUSecRealtime=at(-900))],
        cron=[CronJob("warm", 100.0, "/warm", NOW - 10), CronJob("other", 100.0, command="x", started=NOW - 1)],
        managers=[Manager("systemd", "unknown"), Manager("Docker", "unknown")],
    )
    assert {finding.severity for finding in CHECKS.select().findings(seen, "services")} == {"ok"}


def test_reachable():
    silent = Manager("Docker", "critical", "Docker does not answer.", "Start it.")
    found = run("reachable", managers=[Manager("systemd", "unknown"), silent])
    assert told(found) == [("systemd", "ok"), ("Docker", "critical")]
    assert found[1].advice == "Start it."


TIMED_OUT = {"ActiveState": "failed", "Result": "timeout"}
STATES = [
    ({}, "ok", "api.service is active (running)."),
    ({"ActiveState": "reloading"}, "ok", "is reloading"),
    ({"LoadState": "not-found", "ActiveState": "inactive"}, "critical", "There is no unit api.service."),
    ({"LoadState": ""}, "critical", "There is no unit"),
    ({"LoadState": "masked", "ActiveState": "inactive"}, "critical", "is masked"),
    ({"LoadState": "bad-setting", "LoadError": "org.x 'Bad'"}, "critical", "cannot be loaded: org.x 'Bad'."),
    ({"LoadState": "error"}, "critical", "cannot be loaded: error."),
    (
        {"ActiveState": "failed", "Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "3"},
        "critical",
        "code 3.",
    ),
    (
        {"ActiveState": "failed", "Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "203"},
        "critical",
        "exit code 203 (its program is missing or cannot be executed)",
    ),
    (
        {"ActiveState": "failed", "Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "9"},
        "critical",
        "signal KILL.",
    ),
    (
        {"ActiveState": "failed", "Result": "core-dump", "ExecMainCode": "3", "ExecMainStatus": "11"},
        "critical",
        "signal SEGV and left a core dump",
    ),
    (
        {"ActiveState": "failed", "Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "99"},
        "critical",
        "signal 99",
    ),
    (
        {"ActiveState": "failed", "Result": "oom-kill", "ExecMainCode": "2", "ExecMainStatus": "9"},
        "critical",
        "killed for want of memory; its process was killed by signal KILL",
    ),
    (
        {"ActiveState": "failed", "Result": "start-limit-hit", "ExecMainCode": "1", "ExecMainStatus": "1"},
        "critical",
        "systemd gave up; its process ended with exit code 1",
    ),
    ({"ActiveState": "failed", "Result": "watchdog"}, "critical", "watchdog"),
    (TIMED_OUT, "critical", "took too long"),
    ({"ActiveState": "failed", "Result": "of-tomorrow"}, "critical", "systemd says 'of-tomorrow'"),
    ({"ActiveState": "failed", "Result": ""}, "critical", "its process ended."),
    (
        {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "1", "NRestarts": "5"},
        "critical",
        "exit code 1; systemd restarted it 5 times and gave up.",
    ),
    ({"ActiveState": "activating", "SubState": "auto-restart", "ExecMainStatus": "1"}, "critical", "does not stay up"),
    ({"NRestarts": "2", "ActiveEnterTimestamp": at(9)}, "critical", "systemd restarted it 2 times, the last time 9 s"),
    ({"NRestarts": "2", "ActiveEnterTimestamp": at(10)}, "ok", "is active"),
    ({"NRestarts": "1", "ActiveEnterTimestamp": at(1)}, "ok", "is active"),
    ({"NRestarts": "2", "ActiveEnterTimestamp": ""}, "ok", "is active"),
    ({"NRestarts": "[not set]", "ActiveEnterTimestamp": at(1)}, "ok", "is active"),
    ({"ActiveState": "activating", "SubState": "start", "InactiveExitTimestamp": at(89)}, "ok", "starting (start)"),
    ({"ActiveState": "activating", "SubState": "start", "InactiveExitTimestamp": at(90)}, "warning", "for 1 min 30 s"),
    ({"ActiveState": "activating", "SubState": "start-pre", "InactiveExitTimestamp": at(300)}, "critical", "for 5 min"),
    ({"ActiveState": "activating", "SubState": "start", "InactiveExitTimestamp": "n/a"}, "ok", "for 0 ms"),
    ({"ActiveState": "activating", "SubState": "start", "InactiveExitTimestamp": at(-5)}, "ok", "for 0 ms"),
    ({"ActiveState": "deactivating", "SubState": "stop"}, "warning", "is being stopped (stop)"),
    ({"ActiveState": "inactive", "SubState": "dead"}, "critical", "api.service does not run (inactive)."),
    ({"ActiveState": ""}, "critical", "does not run (no state)."),
    (
        {"ActiveState": "inactive", "ConditionResult": "no", "ConditionTimestamp": at(5)},
        "critical",
        "A condition in its unit file was not met",
    ),
]


@pytest.mark.parametrize(("properties", "severity", "text"), STATES)
def test_the_state_of_a_unit(properties, severity, text):
    (found,) = run("active", unit(**properties))
    assert (found.subject, found.severity) == ("api", severity)
    assert text in found.message
    assert bool(found.advice) is (severity != "ok")


@pytest.mark.parametrize(
    ("result", "advice"),
    [
        ("oom-kill", "MemoryMax="),
        ("start-limit-hit", "reset-failed"),
        ("timeout", "TimeoutStartSec="),
        ("", "journalctl"),
    ],
)
def test_the_advice_depends_on_the_reason(result, advice):
    (found,) = run("active", unit(ActiveState="failed", Result=result))
    assert advice in found.advice


def test_what_it_said_last_is_told():
    (found,) = run("active", unit(ActiveState="failed", lines=["one", "", "two"]))
    assert found.message.endswith("It last said: one / two")


def test_a_service_that_waits_for_its_socket_is_in_order():
    sleeping = {"ActiveState": "inactive", "SubState": "dead"}
    (found,) = run("active", unit(triggers=[unit("api.socket")], **sleeping))
    assert (found.severity, found.message) == ("ok", "api.service is started by api.socket.")
    (found,) = run("active", unit(triggers=[unit("api.socket", **sleeping)], **sleeping))
    assert found.severity == "critical"
    assert "api.socket" in found.message
    assert found.advice == "Start that: systemctl start api.socket."


CONTAINERS = [
    ({}, "ok", "is running"),
    ({"status": "exited"}, "critical", "it ended with exit code 0."),
    ({"status": "exited", "exit_code": 137}, "critical", "exit code 137 (killed"),
    ({"status": "exited", "exit_code": 137, "oom_killed": True}, "critical", "for want of memory"),
    ({"status": "exited", "exit_code": 127, "error": "no such\nfile"}, "critical", "; no such file"),
    ({"status": "restarting", "exit_code": 1}, "critical", "does not stay up: it ended with exit code 1"),
    ({"restarts": 2, "started": NOW - 9.9}, "critical", "up: Docker restarted it 2 times, the last time 9.9 s ago."),
    ({"restarts": 2, "started": NOW + 1}, "critical", "the last time 0 ms ago."),
    ({"restarts": 2, "started": NOW - 10}, "ok", "is running"),
    ({"restarts": 1, "started": NOW}, "ok", "is running"),
    ({"restarts": 2, "started": None}, "ok", "is running"),
    ({"restarts": 2, "started": NOW, "status": "exited"}, "critical", "does not run"),
    ({"status": "paused"}, "critical", "is paused"),
    ({"status": "created"}, "critical", "never started."),
    ({"status": "created", "error": "port is taken"}, "critical", "never started (port is taken)."),
    ({"status": "dead", "exit_code": 2}, "critical", "is 'dead'; last exit code: exit code 2."),
]


@pytest.mark.parametrize(("fields", "severity", "text"), CONTAINERS)
def test_the_state_of_a_container(fields, severity, text):
    (found,) = run("active", compose=[service(container(**fields))])
    assert (found.subject, found.severity) == ("worker", severity)
    assert text in found.message


@pytest.mark.parametrize("fields", [{"status": "exited"}, {"status": "restarting"}, {"restarts": 2, "started": NOW}])
def test_the_last_lines_of_a_container_are_told(fields):
    (found,) = run("active", compose=[service(container(exit_code=3, lines=("one", "two"), **fields))])
    assert found.message.endswith(" It last said: one / two")


def test_whose_log_is_looked_at():
    states = ["running", "restarting", "exited", "paused", "created", "dead"]
    assert [state for state in states if container(status=state).is_ill(NOW)] == ["restarting", "exited"]
    assert container(health="unhealthy").is_ill(NOW)
    assert container(restarts=2, started=NOW).is_ill(NOW)
    assert not container(health="starting").is_ill(NOW)


def test_a_service_without_containers():
    (found,) = run("active", compose=[service()])
    assert found.severity == "critical"
    assert "docker compose --project-name shop --file /srv/compose.yml up --detach w" in found.advice


def test_containers_of_one_service_are_told_apart():
    both = service(container(), container("shop-w-2", status="exited"))
    assert told(run("active", compose=[both])) == [("worker: shop-w-1", "ok"), ("worker: shop-w-2", "critical")]


def test_health_checks():
    ill = container(health="unhealthy", health_log="curl: password=geheim refused")
    (found,) = run("healthy", compose=[service(ill)])
    assert (found.subject, found.severity) == ("worker", "critical")
    assert found.message == "The health check of shop-w-1 fails. It last said: curl: password=******** refused"
    (found,) = run("healthy", compose=[service(container(health="unhealthy", health_log="refused", lines=("bye",)))])
    assert found.message.endswith("It last said: refused Its log ends with: bye")
    for fine in ({"health": "healthy"}, {"health": "starting"}, {}, {"health": "unhealthy", "status": "exited"}):
        assert run("healthy", compose=[service(container(**fine))]) == []


@pytest.mark.parametrize(
    ("states", "wanted", "severity"),
    [
        (["running"], 1, None),
        (["exited"], 1, None),
        (["running"], None, None),
        (["running", "running"], 1, None),
        (["running", "exited"], 2, "warning"),
        (["running"], 3, "warning"),
        (["exited", "exited"], 2, "critical"),
        ([], 2, None),
    ],
)
def test_replicas(states, wanted, severity):
    them = [container(f"shop-w-{number}", status=state) for number, state in enumerate(states)]
    found = run("replicas", compose=[service(*them, wanted=wanted)])
    assert told(found) == ([] if severity is None else [("worker", severity)])


@pytest.mark.parametrize(
    ("properties", "lost"),
    [
        ({"UnitFileState": "enabled"}, False),
        ({"UnitFileState": "static"}, False),
        ({"UnitFileState": "generated"}, False),
        ({"UnitFileState": "indirect"}, False),
        ({"UnitFileState": "alias"}, False),
        ({"UnitFileState": "disabled"}, True),
        ({"UnitFileState": "linked"}, True),
        ({"UnitFileState": ""}, True),
        ({"UnitFileState": "disabled", "WantedBy": "multi-user.target"}, False),
        ({"UnitFileState": "disabled", "RequiredBy": "app.target"}, False),
        ({"UnitFileState": "disabled", "TriggeredBy": "api.socket"}, False),
        ({"UnitFileState": "enabled-runtime", "WantedBy": "multi-user.target"}, True),
        ({"UnitFileState": "transient"}, True),
        ({"UnitFileState": "", "LoadState": "not-found"}, False),
    ],
)
def test_units_after_a_boot(properties, lost):
    found = run("boot", unit(**properties))
    assert told(found) == ([("api", "warning")] if lost else [])


@pytest.mark.parametrize(
    ("policy", "lost"), [("always", False), ("unless-stopped", False), ("no", True), ("", True), ("on-failure", True)]
)
def test_containers_after_a_boot(policy, lost):
    found = run("boot", compose=[service(container(policy=policy))])
    assert told(found) == ([("worker", "warning")] if lost else [])


def test_changed_on_disk():
    assert told(run("reload", unit(NeedDaemonReload="yes"), unit("db", NeedDaemonReload="no"))) == [("api", "warning")]


def restarted(total, ago=(), **properties):
    return unit(NRestarts=str(total), restarts=tuple(NOW - seconds for seconds in ago), **properties)


@pytest.mark.parametrize(
    ("ago", "severity", "value"),
    [
        ([100], "info", 1),
        ([100, 200, 300, 400, 500], "info", 5),
        ([100, 200, 300, 400, 500, 600], "warning", 6),
        ([100, 200, 300, 400, 500, 9000], "info", 5),
        (list(range(60)), "critical", 60),
        ([9000, 100, 8990, 5000], "info", 2),
    ],
)
def test_restarts_that_the_journal_knows(ago, severity, value):
    (found,) = run("restarts", restarted(99, ago))
    assert (found.severity, found.value) == (severity, value)
    assert f"99 times since it was last started by hand, {len(ago)} of these in the last 1 d;" in found.message


def test_one_restart_of_a_unit_that_runs_again():
    (found,) = run("restarts", restarted(1, [60]))
    assert found.message == (
        "systemd restarted api.service once since it was last started by hand, 1 of these in the last 1 d; "
        "the last was 1 min ago."
    )


def test_restarts_before_a_start_by_hand_do_not_count():
    (found,) = run("restarts", restarted(2, [100, 200, 300, 400, 500, 600, 700]))
    assert (found.severity, found.value) == ("info", 2)


def test_restarts_before_the_window_and_none_at_all_are_no_matter():
    assert run("restarts", restarted(9), unit(NRestarts="0"), unit(NRestarts="[not set]")) == []


def test_restarts_without_the_journal():
    (found,) = run("restarts", unit(NRestarts="9"))
    assert (found.severity, found.value) == ("info", 9)
    assert "systemd-journal" in found.advice


@pytest.mark.parametrize(
    ("before", "seconds", "severity"),
    [(0, 600, "warning"), (5, 600, "info"), (0, 7200, "info"), (9, 600, None), (10, 600, None)],
)
def test_restarts_since_the_previous_look(before, seconds, severity):
    previous = {CLOCK: NOW - seconds, "service.api.restarts": before}
    found = run("restarts", unit(NRestarts="9"), previous=previous)
    assert told(found) == ([] if severity is None else [("api", severity)])


@pytest.mark.parametrize(
    ("fields", "previous", "severity", "value"),
    [
        ({"restarts": 0}, None, None, None),
        ({"restarts": 3}, None, "info", 3),
        ({"restarts": 6}, None, "warning", 6),
        ({"restarts": 6, "created": NOW - 7200}, None, "info", 3),
        ({"restarts": 48, "created": None}, None, "info", 2),
        ({"restarts": 60}, None, "critical", 60),
        ({"restarts": 60, "created": NOW - 360000}, {"service.worker.restarts": 50}, "warning", 10),
        ({"restarts": 60, "started": NOW - 90000, "created": NOW - 100000}, None, None, None),
        ({"restarts": 3, "started": None}, None, "info", 3),
    ],
)
def test_restarts_of_a_container(fields, previous, severity, value):
    previous = {**previous, CLOCK: NOW - 600} if previous else None
    found = run("restarts", compose=[service(container(**fields))], previous=previous)
    assert [(f.severity, f.value) for f in found] == ([] if severity is None else [(severity, value)])


@pytest.mark.parametrize(
    ("properties", "cache", "severity", "limit"),
    [
        ({"MemoryCurrent": "79", "MemoryMax": "100"}, 0, "ok", "MemoryMax="),
        ({"MemoryCurrent": "80", "MemoryMax": "100"}, 0, "warning", "MemoryMax="),
        ({"MemoryCurrent": "95", "MemoryMax": "100"}, 0, "critical", "MemoryMax="),
        ({"MemoryCurrent": "95", "MemoryMax": "100"}, 20, "ok", "MemoryMax="),
        ({"MemoryCurrent": "5", "MemoryMax": "100"}, 20, "ok", "MemoryMax="),
        ({"MemoryCurrent": "48", "MemoryMax": "100", "MemoryHigh": "50"}, 0, "critical", "MemoryHigh="),
        ({"MemoryCurrent": "95", "MemoryMax": "infinity", "MemoryHigh": NONE}, 0, None, ""),
        ({"MemoryCurrent": "[not set]", "MemoryMax": "100"}, 0, None, ""),
        ({"MemoryCurrent": "5", "MemoryMax": "0"}, 0, None, ""),
    ],
)
def test_memory(properties, cache, severity, limit):
    found = run("memory", unit(cache_bytes=cache, **properties))
    assert told(found) == ([] if severity is None else [("api", severity)])
    assert all(limit in finding.message for finding in found)


@pytest.mark.parametrize(
    ("used", "limit", "severity"),
    [
        ("79", "100", "ok"),
        ("80", "100", "warning"),
        ("95", "100", "critical"),
        ("9", NONE, None),
        ("[not set]", "9", None),
    ],
)
def test_tasks(used, limit, severity):
    found = run("tasks", unit(TasksCurrent=used, TasksMax=limit))
    assert told(found) == ([] if severity is None else [("api", severity)])


@pytest.mark.parametrize(
    ("properties", "severity", "text"),
    [
        ({"SubState": "running"}, None, ""),
        ({"LoadState": "not-found"}, "critical", "There is no timer daily.timer."),
        ({"LoadState": "masked"}, "critical", "daily.timer is masked."),
        ({"ActiveState": "inactive"}, "critical", "daily.timer is inactive: nothing starts api.service."),
        ({"SubState": "elapsed"}, "warning", "has no next run"),
        ({"UnitFileState": "disabled"}, "warning", "would not be started at the next boot: it is disabled."),
        ({"UnitFileState": "disabled", "WantedBy": "app.target"}, None, ""),
        ({"UnitFileState": "static"}, None, ""),
    ],
)
def test_timers(properties, severity, text):
    found = run("timer", timers=[timer(**properties)])
    assert told(found) == ([] if severity is None else [("daily.timer", severity)])
    assert all(text in finding.message and finding.advice for finding in found)


@pytest.mark.parametrize(
    ("job", "severity", "text"),
    [
        ({}, None, ""),
        ({"Result": "exit-code", "ExecMainStatus": "2", "ExecMainCode": "1"}, "critical", "failed: its process ended"),
        ({"Result": "exit-code", "ActiveState": "activating", "SubState": "start"}, None, ""),
        ({"LoadState": "not-found"}, "critical", "which cannot be loaded"),
    ],
)
def test_the_result_of_a_timer(job, severity, text):
    found = run("timer_result", timers=[timer(job=unit(lines=["bye"], **job))])
    assert told(found) == ([] if severity is None else [("daily.timer", severity)])
    assert all(text in finding.message for finding in found)


def test_a_timer_whose_service_never_ends_for_systemd():
    (found,) = run("timer", timers=[timer(job=unit(SubState="exited"), SubState="running")])
    assert (found.severity, found.message.split(":")[0]) == ("warning", "daily.timer will not run again")


def test_the_result_of_a_timer_that_is_not_there_is_no_question():
    assert run("timer_result", timers=[timer(LoadState="not-found", job=unit(LoadState="not-found"))]) == []


@pytest.mark.parametrize(
    ("max_age", "job", "properties", "severity"),
    [
        (100, {"ExecMainExitTimestamp": at(99)}, {}, "ok"),
        (100, {"ExecMainExitTimestamp": at(100)}, {}, "warning"),
        (100, {"ExecMainExitTimestamp": at(200)}, {}, "critical"),
        (None, {"ExecMainExitTimestamp": at(200)}, {}, None),
        (100, {}, {"LastTriggerUSec": at(150)}, "warning"),
        (100, {"ExecMainExitTimestamp": at(1), "Result": "exit-code"}, {"LastTriggerUSec": at(150)}, "warning"),
        (100, {}, {"ActiveEnterTimestamp": at(50)}, "info"),
        (None, {}, {"ActiveEnterTimestamp": at(50)}, "info"),
        (100, {}, {"ActiveEnterTimestamp": ""}, "info"),
        (100, {}, {"ActiveEnterTimestamp": at(150)}, "warning"),
        (100, {}, {"ActiveState": "inactive"}, None),
    ],
)
def test_the_age_of_a_timer(max_age, job, properties, severity):
    found = run("timer_age", timers=[timer(max_age, unit(**job), **properties)])
    assert told(found) == ([] if severity is None else [("daily.timer", severity)])


@pytest.mark.parametrize(
    ("properties", "severity"),
    [
        ({"NextElapseUSecRealtime": at(-5)}, None),
        ({"NextElapseUSecRealtime": ""}, None),
        ({"NextElapseUSecRealtime": at(5)}, "ok"),
        ({"NextElapseUSecRealtime": at(3600)}, "warning"),
        ({"NextElapseUSecRealtime": at(86400)}, "critical"),
        ({"NextElapseUSecRealtime": at(86400), "SubState": "running"}, None),
        ({"NextElapseUSecRealtime": at(86400), "ActiveState": "failed"}, None),
    ],
)
def test_a_run_that_was_missed(properties, severity):
    found = run("timer_overdue", timers=[timer(**properties)])
    assert told(found) == ([] if severity is None else [("daily.timer", severity)])


DEAD_CRON = unit("cron.service", ActiveState="inactive")


def cron(check, *jobs, daemon=()):
    seen = snapshot(cron=jobs)
    seen["host"] = Host(NOW, cron=tuple(daemon))
    found = CHECKS.select([check]).findings(seen, "services")
    return [finding for finding in found if finding.subject != "services"]


def test_the_cron_daemon():
    job = CronJob("warm", 100.0, "/warm", NOW)
    assert told(cron("cron", job, daemon=[DEAD_CRON])) == [("cron.service", "critical")]
    assert cron("cron", job, daemon=[DEAD_CRON, unit("crond.service")]) == []
    assert cron("cron", job) == []
    assert cron("cron", daemon=[DEAD_CRON]) == []


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"started": NOW - 5}, None),
        ({}, "warning"),
        ({"unseen": "The journal cannot be read."}, "unknown"),
        ({"started": NOW - 5, "failed": "It ended with exit status 2."}, "critical"),
    ],
)
def test_what_cron_says_of_a_job(fields, severity):
    found = cron("cron", CronJob("warm", 100.0, command="bin/warm", **fields))
    assert told(found) == ([] if severity is None else [("warm", severity)])


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"modified": NOW - 99}, "ok"),
        ({"modified": NOW - 100}, "warning"),
        ({"modified": NOW - 200}, "critical"),
        ({"modified": NOW + 50}, "ok"),
        ({"problem": "/warm: No such file or directory.", "missing": True}, "critical"),
        ({"problem": "/warm: Permission denied."}, "unknown"),
        ({}, None),
    ],
)
def test_the_evidence_of_a_cron_job(fields, severity):
    found = cron("cron_age", CronJob("warm", 100.0, evidence="/warm", **fields))
    assert told(found) == ([] if severity is None else [("warm", severity)])


def test_measurements():
    running = unit(MemoryCurrent="50", MemoryMax="100", TasksCurrent="3", NRestarts="2", cache_bytes=20)
    seen = snapshot(
        [running, unit("pg: a b.service", ActiveState="failed", NRestarts="[not set]", ActiveEnterTimestamp="")],
        [service(container(restarts=4)), ComposeService("gone", "p", "/f", "s")],
        [timer(job=unit(ExecMainExitTimestamp=at(30))), Timer("new.timer", unit("new.timer"), unit())],
        [CronJob("warm", 9.0, "/warm", NOW - 5), CronJob("other", 9.0)],
    )
    assert measurements(seen) == {
        "service.observed_at": NOW,
        "service.api.active": 1,
        "service.api.restarts": 2,
        "service.api.memory_bytes": 30,
        "service.api.memory_limit_bytes": 100,
        "service.api.tasks": 3,
        "service.api.uptime_seconds": 500,
        "service.pg__a_b_service.active": 0,
        "service.worker.active": 1,
        "service.worker.replicas": 1,
        "service.worker.restarts": 4,
        "service.gone.active": 0,
        "service.gone.replicas": 0,
        "service.daily_timer.age_seconds": 30,
        "service.warm.age_seconds": 5,
    }
