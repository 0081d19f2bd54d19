# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a cause and what follows from it; the outages themselves are made on real servers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.services import parse_services
from ansible_collections.analytics.ops.plugins.module_utils._judge.triage import triage
from ansible_collections.analytics.ops.plugins.module_utils._judge.triage_rules import CHANGES, RULE_OF, RULES

STACK = {
    "postgres": {"unit": "postgresql", "group": "db"},
    "redis": {"unit": "redis-server", "group": "cache"},
    "api": {"group": "app", "after": ["postgres", "redis"], "logs": ["/var/log/api.log"]},
    "worker": {"group": "app", "after": ["redis"]},
    "nginx": {"group": "web", "edge": True},
}
GROUPS = {"db": ["db1"], "cache": ["cache1"], "app": ["app1"], "web": ["web1"]}
HOSTS = ("db1", "cache1", "app1", "web1")

Given = tuple[str, str, str]  # host, check, subject


def finding(check: str, subject: str, severity: str = "critical", **more: str) -> dict[str, Any]:
    given = {"message": f"{check} of {subject}.", "advice": f"Mend {subject}.", **more}
    return {"check": check, "subject": subject, "severity": severity, **given}


def look(*findings: dict[str, Any]) -> dict[str, Any]:
    return {"status": "unhealthy", "findings": list(findings)}


def judged(*given: Given, severity: str = "critical", stack: Any = None, **more: Any) -> dict[str, Any]:
    results: dict[str, list[Any]] = {host: [look()] for host in HOSTS}
    for host, check, subject in given:
        results[host].append(look(finding(check, subject, severity)))
    return triage(parse_services(stack or STACK), GROUPS, {**results, **more})


def roots(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["category"], one["where"], one["evidence"][0]["check"]) for one in answer["causes"]]


def effects(answer: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["where"], one["check"]) for one in answer["causes"][0]["explains"]}


DATABASE_DOWN = ("db1", "pg.reachable", "postgresql://db1")
API_FAILS = ("app1", "http.status", "api")
NGINX_FAILS = ("web1", "http.status", "nginx")


def test_nothing_found() -> None:
    answer = judged()
    assert (answer["causes"], answer["changes"], answer["not_seen"], answer["hosts"]) == ([], [], [], 4)
    assert answer["lines"] == ["Nothing found on 4 hosts that would explain an outage."]
    alone = triage(parse_services(STACK), GROUPS, {"db1": [look()]})
    assert alone["lines"] == ["Nothing found on 1 host that would explain an outage."]


def test_what_needs_a_dead_database_is_its_effect_also_by_way_of_others() -> None:
    answer = judged(API_FAILS, NGINX_FAILS, DATABASE_DOWN, ("app1", "log.error_rate", "/var/log/api.log"))
    assert roots(answer) == [("database", "postgres on db1", "pg.reachable")]
    assert effects(answer) == {
        ("api on app1", "http.status"),
        ("nginx on web1", "http.status"),
        ("api on app1", "log.error_rate"),
    }
    assert answer["lines"] == [
        "Most likely: database: postgres on db1: pg.reachable of postgresql://db1.",
        "Because: It does not run or does not answer, and what needs it cannot work.",
        "It explains: api on app1 (http.status), api on app1 (log.error_rate), nginx on web1 (http.status).",
        "Next: Mend postgresql://db1. If it has to be restarted: ansible-playbook analytics.ops.triage --tags restart "
        "--limit db1 -e triage_restart=postgres -e triage_confirm_restart=true",
    ]


def test_who_does_not_need_it_is_not_explained_by_it() -> None:
    answer = judged(DATABASE_DOWN, ("app1", "service.active", "worker"))
    assert roots(answer) == [
        ("application", "worker on app1", "service.active"),
        ("database", "postgres on db1", "pg.reachable"),
    ]


def test_an_edge_that_says_what_it_needs_needs_nothing_else() -> None:
    said = {**STACK, "nginx": {"group": "web", "edge": True, "after": ["api"]}}
    worker = ("app1", "service.active", "worker")
    assert len(judged(worker, NGINX_FAILS)["causes"]) == 1
    assert len(judged(worker, NGINX_FAILS, stack=said)["causes"]) == 2


@pytest.mark.parametrize(
    ("given", "category", "where"),
    [
        (("cache1", "redis.reachable", "x"), "cache", "redis on cache1"),
        (("web1", "service.active", "nginx"), "infrastructure", "nginx on web1"),
        (("app1", "service.active", "api"), "application", "api on app1"),
        (("app1", "service.active", "unknown"), "application", "app1"),
        (("app1", "service.active", "worker: worker-1"), "application", "worker on app1"),
        (("app1", "pg.reachable", "x"), "database", "app1"),
        (("app1", "http.vendor", "Payments"), "third_party", "app1"),
        (("db1", "host.disk_space", "/var"), "infrastructure", "db1"),
        (("app1", "celery.workers", "workers"), "application", "app1"),
        (("app1", "log.patterns", "/var/log/api.log: pool_empty"), "application", "api on app1"),
    ],
)
def test_classes(given: Given, category: str, where: str) -> None:
    assert roots(judged(given)) == [(category, where, given[1])]


@pytest.mark.parametrize(
    ("cause", "effect"),
    [
        (("db1", "host.disk_space", "/var"), DATABASE_DOWN),
        (("db1", "host.disk_space", "/var"), API_FAILS),
        (("app1", "host.oom_kills", "machine"), ("app1", "service.active", "worker")),
        (("web1", "http.certificate_expiry", "nginx"), ("web1", "http.reachable", "nginx")),
        (("web1", "http.certificate_expiry", "shop"), ("web1", "http.reachable", "shop")),
        (("db1", "pg.idle_in_transaction", "session 1"), ("db1", "pg.connections", "server")),
        (("db1", "pg.connections", "server"), API_FAILS),
        (("db1", "pg.writes_stopped", "server"), API_FAILS),
        (("db1", "pg.checksum_failures", "shop"), API_FAILS),
        (("app1", "celery.workers", "workers"), ("app1", "celery.queue_depth", "exports")),
        (DATABASE_DOWN, ("app1", "service.active", "api")),
        (API_FAILS, NGINX_FAILS),
        (("cache1", "redis.loading", "server"), ("app1", "celery.reachable", "broker")),
        (("app1", "service.timer_result", "rollup"), ("app1", "data.freshness", "daily")),
        (("app1", "service.active", "api"), ("app1", "http.reachable", "api")),
        (("app1", "service.active", "api"), ("app1", "log.errors", "/else.log")),
        (("db1", "pg.slow_statements", "statement 1"), ("app1", "http.response_time", "api")),
        (("web1", "log.top_client", "10.0.0.1"), ("web1", "log.slow_requests", "access")),
    ],
)
def test_what_explains_what(cause: Given, effect: Given) -> None:
    answer = judged(effect, cause)
    assert [one["evidence"][0]["check"] for one in answer["causes"]] == [cause[1]]
    assert [one["check"] for one in answer["causes"][0]["explains"]] == [effect[1]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("db1", "pg.slow_statements", "statement 1"), API_FAILS),  # slow is not dead
        (API_FAILS, ("web1", "service.active", "nginx")),  # what fails ends nobody
        (("app1", "service.active", "worker"), DATABASE_DOWN),  # nor does what nobody needs
        (("app1", "host.disk_space", "/"), DATABASE_DOWN),  # another machine
        (("app1", "service.active", "api"), ("app1", "host.cpu", "machine")),
        (("app1", "service.active", "api"), ("app1", "log.errors", "worker")),
        (("web1", "http.certificate_expiry", "shop"), ("web1", "host.cpu", "machine")),
        (("db1", "host.clock_offset", "machine"), ("db1", "pg.cache_hit", "shop")),
        (("db1", "backup.age", "shop"), ("db1", "backup.size", "shop")),
    ],
)
def test_what_does_not_explain(one: Given, other: Given) -> None:
    assert {cause["evidence"][0]["check"] for cause in judged(one, other)["causes"]} == {one[1], other[1]}


def test_a_warning_stops_less_than_what_is_critical() -> None:
    disk = ("db1", "host.disk_space", "/var")
    answer = judged(disk, severity="warning", app1=[look(finding("http.status", "api"))])
    assert roots(answer) == [
        ("application", "api on app1", "http.status"),
        ("infrastructure", "db1", "host.disk_space"),
    ]
    assert answer["lines"][-1] == ("Not in order, too: infrastructure: db1: host.disk_space of /var. Next: Mend /var.")
    alone = judged(disk, severity="warning")["lines"]
    assert alone[0] == "Nothing found on 4 hosts that would explain an outage."
    assert len(alone) == 2


def test_what_is_unknown_or_in_order_is_no_problem() -> None:
    for severity in ("unknown", "info", "ok"):
        assert judged(DATABASE_DOWN, severity=severity)["causes"] == []


def test_the_worst_finding_speaks_for_the_problem_and_the_others_are_evidence() -> None:
    sessions = [
        finding("pg.idle_in_transaction", "session 1", "warning"),
        finding("pg.blocked_sessions", "session 1"),
        finding("pg.idle_in_transaction", "session 2", "warning"),
    ]
    answer = judged(db1=[look(*sessions)])
    (cause,) = answer["causes"]
    assert (cause["severity"], cause["message"]) == ("critical", "pg.blocked_sessions of session 1.")
    assert [one["subject"] for one in cause["evidence"]] == ["session 1", "session 1", "session 2"]
    assert answer["lines"][2:4] == [
        "Evidence: pg.idle_in_transaction of session 1.",
        "Evidence: pg.idle_in_transaction of session 2.",
    ]
    assert "--tags terminate --limit db1 -e triage_confirm_terminate=true" in cause["next"]
    assert cause["next_is"] == "playbook"


@pytest.mark.parametrize(
    ("given", "declared", "kind", "text"),
    [
        (
            ("app1", "service.active", "api"),
            {},
            "playbook",
            'emergency_recovery -e \'{"stack_control_scope": ["api"]}\'',
        ),
        (DATABASE_DOWN, {}, "manual", "Mend postgresql://db1. If it has to be restarted: ansible-playbook"),
        (
            DATABASE_DOWN,
            {"manager": "none"},
            "manual",
            "Start postgres on db1 by hand: no manager is declared for it. Mend",
        ),
        (("app1", "pg.reachable", "x"), {}, "manual", "Mend x."),
        (("db1", "pg.connections", "server"), {}, "manual", "Mend server."),
    ],
)
def test_what_to_do_next(given: Given, declared: dict[str, str], kind: str, text: str) -> None:
    database = {"group": "db", **declared} if declared else STACK["postgres"]
    (cause,) = judged(given, stack={**STACK, "postgres": database})["causes"]
    assert cause["next_is"] == kind
    assert text in cause["next"]


def test_what_its_manager_says_decides_what_to_do() -> None:
    dead = [look(finding("pg.reachable", "x")), look(finding("service.active", "postgres"))]
    (cause,) = judged(db1=dead)["causes"]
    assert "emergency_recovery" in cause["next"]


@pytest.mark.parametrize(
    ("check", "text", "blind"),
    [
        ("pg.reachable", 'FATAL: Password authentication failed for user "x".', True),
        ("redis.reachable", "Authentication required.", True),
        ("pg.reachable", "Connection refused.", False),
        ("http.reachable", "The page does not exist.", False),
    ],
)
def test_who_is_turned_away_has_met_a_server_that_runs(check: str, text: str, blind: bool) -> None:
    answer = judged(db1=[look(finding(check, "x", message=text), finding("pg.cache_hit", "shop"))])
    assert answer["not_seen"] == ([f"db1: {text} Mend x."] if blind else [])
    assert len(answer["causes"]) == (1 if blind else 2 - (check == "pg.reachable"))


def test_a_host_that_cannot_be_reached_explains_what_needs_it() -> None:
    gone = {"unreachable": True, "msg": "Connection\nrefused"}
    answer = judged(API_FAILS, db1=[{}, gone, {"skipped": True}])
    assert roots(answer) == [("infrastructure", "db1", "host.reachable")]
    assert answer["causes"][0]["message"] == "Connection refused"
    assert answer["lines"][0] == "Most likely: infrastructure: db1: Connection refused."
    assert "ansible db1 -m ping" in answer["causes"][0]["next"]
    assert effects(answer) == {("api on app1", "http.status")}
    for nothing in ([], [{}, {}]):
        assert judged(db1=nothing)["causes"][0]["message"] == "It took no part in the look."


def test_what_could_not_look_is_told_and_no_cause() -> None:
    answer = judged(db1=[look(), {"failed": True, "msg": "no\ndriver"}, {"failed": True}])
    assert (answer["causes"], answer["not_seen"]) == ([], ["db1: no driver", "db1: a look failed"])
    assert answer["lines"][:2] == [
        "Nothing found on 4 hosts that would explain an outage, but not everything could be looked at.",
        "Could not be looked at: db1: no driver",
    ]


def test_what_changed_is_told_and_no_cause() -> None:
    answer = judged(DATABASE_DOWN, ("app1", "settings.changed", ".env"))
    assert len(answer["causes"]) == 1
    assert answer["changes"][0]["check"] == "settings.changed"
    assert answer["lines"][-1] == "Changed lately: app1: settings.changed of .env."


def test_what_explains_more_comes_first_then_what_is_worse_then_what_lies_deeper() -> None:
    cache = ("cache1", "redis.reachable", "x")
    answer = judged(cache, DATABASE_DOWN, ("app1", "http.status", "worker"))
    assert [one["host"] for one in answer["causes"]] == ["cache1", "db1"]
    flood, slow = finding("log.top_client", "x", "warning"), finding("pg.cache_hit", "x")
    answer = judged(web1=[look(flood)], db1=[look(slow)])
    assert [one["host"] for one in answer["causes"]] == ["db1", "web1"]
    answer = judged(("db1", "pg.connections", "server"), ("app1", "host.memory", "machine"))
    assert [one["host"] for one in answer["causes"]] == ["app1", "db1"]


def test_the_text_is_short_whatever_was_found() -> None:
    many = [("db1", f"backup.{number}", "x") for number in range(8)]
    lines = judged(*many)["lines"]
    assert len(lines) == 7
    assert lines[-1] == "And 3 more, in the report of the run."
    ill = {**STACK, **{f"app{number}": {"group": "app", "after": ["postgres"]} for number in range(9)}}
    lines = judged(DATABASE_DOWN, *[("app1", "http.status", f"app{number}") for number in range(9)], stack=ill)["lines"]
    assert lines[2].endswith("app5 on app1 (http.status) and 3 more.")


def test_every_check_has_one_rule_and_a_change_is_none() -> None:
    listed = [check for rule in RULES for check in rule.checks]
    assert len(listed) == len(set(listed)) == len(RULE_OF)
    assert not set(CHANGES) & set(listed)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_of_damaged_data_the_first_thing_is_that_nothing_writes() -> None:
    (cause,) = judged(("db1", "pg.checksum_failures", "shop"))["causes"]
    assert (cause["next_is"], cause["next"]) == (
        "manual",
        "Let nothing make it worse: ansible-playbook analytics.ops.triage --tags stop_writes --limit db1 "
        "-e triage_confirm_stop_writes=true. Mend shop.",
    )


def test_writes_that_are_stopped_are_a_cause_though_only_a_warning() -> None:
    answer = judged(("db1", "pg.writes_stopped", "server"), API_FAILS, severity="warning")
    assert roots(answer) == [("database", "postgres on db1", "pg.writes_stopped")]
    assert answer["causes"][0]["next"] == "Mend server."
