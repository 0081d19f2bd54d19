# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.services import (
    KEYS,
    hosts_of,
    order_of_starting,
    parse_services,
    services_alone,
    services_on_host,
)
from hypothesis import given
from hypothesis import strategies as st

COMPOSE = {"project": "analytics", "file": "/opt/analytics/compose.yml", "service": "worker"}
HEALTH = "http://127.0.0.1:8000/health"
STACK = {
    "postgres": {"manager": "systemd", "unit": "postgresql", "group": "db"},
    "redis": {"unit": "redis-server", "group": "cache"},
    "api": {
        "unit": "analytics-api",
        "group": "app",
        "after": ["postgres", "redis"],
        "ready": {"http": HEALTH, "within_seconds": 90},
        "drain_seconds": 30,
        "logs": ["/opt/analytics/logs/application.log"],
    },
    "worker": {"compose": COMPOSE, "group": "app", "after": ["redis"]},
    "nginx": {"group": "web", "after": ["api"], "edge": True, "port": 443},
}


def error_of(services: Any) -> str:
    with pytest.raises(InputError) as error:
        parse_services(services)
    return error.value.text


def test_the_stack_of_the_documentation_is_read_with_every_default() -> None:
    services = parse_services(STACK)
    assert list(services) == list(STACK)
    assert services["api"].as_dict() == {
        "manager": "systemd",
        "unit": "analytics-api",
        "compose": None,
        "group": "app",
        "kind": "http",
        "port": 8000,
        "after": ["postgres", "redis"],
        "ready": {"http": HEALTH, "tcp": None, "command": None, "within_seconds": 90},
        "drain_seconds": 30,
        "logs": ["/opt/analytics/logs/application.log"],
        "edge": False,
        "maintenance_file": None,
    }
    assert services["worker"].as_dict()["compose"] == COMPOSE
    assert (services["worker"].manager, services["worker"].unit) == ("compose", None)
    assert (services["nginx"].unit, services["nginx"].edge) == ("nginx", True)
    assert tuple(services["api"].as_dict()) == KEYS


KINDS = [
    ("postgres", {}, "postgresql", 5432),
    ("db", {"unit": "postgresql@16-main"}, "postgresql", 5432),
    ("db", {"unit": "postgresql-16.service"}, "postgresql", 5432),
    ("db", {"compose": {**COMPOSE, "service": "timescaledb"}}, "postgresql", 5432),
    ("db", {"unit": "postgresql", "port": 5433}, "postgresql", 5433),
    ("cache", {"unit": "valkey-server"}, "redis", 6379),
    ("redis", {"ready": {"tcp": 6380}}, "redis", 6380),
    ("postgres-exporter", {}, "other", None),
    ("redis-sentinel", {}, "other", None),
    ("api", {"ready": {"http": "https://localhost/health"}}, "http", 443),
    ("api", {"ready": {"http": "http://[::1]:8000/"}}, "http", 8000),
    ("api", {"ready": {"http": "http://api.example.com:8000/"}}, "http", None),
    ("api", {"ready": {"http": HEALTH}, "port": None}, "http", None),
    ("api", {"ready": {"http": HEALTH}, "kind": "other"}, "other", 8000),
    ("api", {"ready": {"tcp": "127.0.0.1:9000"}}, "other", 9000),
    ("api", {"ready": {"tcp": "[::1]:9000"}}, "other", 9000),
    ("api", {"ready": {"tcp": "elsewhere:9000"}}, "other", None),
    ("api", {"ready": {"command": ["/usr/bin/true"]}}, "other", None),
    ("api", None, "other", None),
    ("api", {"port": "8000"}, "other", 8000),
]


@pytest.mark.parametrize(("name", "keys", "kind", "port"), KINDS)
def test_kind_and_port_are_told_from_what_is_there(name: str, keys: Any, kind: str, port: int | None) -> None:
    service = parse_services({name: keys})[name]
    assert (service.kind, service.port) == (kind, port)


ERRORS = [
    ([], "analytics_ops_services: is []. Give a mapping of service names"),
    ({"a": []}, "a: is []. Give a mapping of manager, unit,"),
    ({"-rf": {}}, "'-rf': is no name for a service."),
    ({7: {}}, "7: is no name for a service."),
    ({"a": {"unit": "--now"}}, "a.unit: is '--now'. Use letters"),
    ({"a": {"unit": ""}}, "a.unit: is empty. Use letters"),
    ({"a": {"units": "b"}}, "a: there is no key 'units'. Did you mean 'unit'?"),
    ({"a": {"manager": "system"}}, "a.manager: is 'system'. Did you mean 'systemd'?"),
    ({"a": {"manager": "upstart"}}, "a.manager: is 'upstart'. Give one of: compose, none, systemd."),
    ({"a": {"manager": "compose"}}, "a: is managed by compose but does not say which. Add compose:"),
    ({"a": {"compose": {"project": "x"}}}, "a.compose: file, service missing."),
    ({"a": {"compose": "x"}}, "a.compose: is 'x'. Give a mapping of project, file, service."),
    ({"a": {"compose": {**COMPOSE, "file": "compose.yml"}}}, "a.compose.file: is 'compose.yml'. Give the absolute"),
    ({"a": {"compose": COMPOSE, "unit": "x"}}, "a.unit: is 'x'. 'unit' does not go with the manager compose"),
    ({"a": {"unit": "x", "manager": "none"}}, "a.unit: is 'x'. 'unit' does not go with the manager none"),
    ({"a": {"compose": COMPOSE, "manager": "none"}}, "'compose' does not go with the manager none"),
    ({"a": {"compose": COMPOSE, "manager": "systemd"}}, "'compose' does not go with the manager systemd"),
    ({"a": {"after": "b"}, "b": {}}, "a.after: is 'b'. Give a list, for example [b]."),
    ({"a": {"after": [7]}}, "a.after: is [7]. Give names of services."),
    ({"api": {"after": ["postgre"]}, "postgres": {}}, "api.after: there is no service 'postgre'. Did you mean 'post"),
    ({"a": {"after": ["a"]}}, "a: services wait for each other: a → a."),
    ({"b": {"after": ["c"]}, "c": {"after": ["a"]}, "a": {"after": ["b"]}}, "each other: a → b → c → a. Remove one"),
    ({"a": {"port": 0}}, "a.port: is 0. Give a number of the port from 1 to 65535"),
    ({"a": {"port": 80.5}}, "a.port: is 80.5."),
    ({"a": {"port": True}}, "a.port: is True."),
    ({"a": {"port": 70000}}, "a.port: is 70000."),
    ({"a": {"drain_seconds": "30s"}}, "a.drain_seconds: is '30s'. Give a number of seconds from 0 to 86400, without a"),
    ({"a": {"drain_seconds": -1}}, "a.drain_seconds: is -1."),
    ({"a": {"drain_seconds": float("nan")}}, "a.drain_seconds: is nan."),
    ({"a": {"drain_seconds": "1e999"}}, "a.drain_seconds: is '1e999'."),
    ({"a": {"ready": {"within_seconds": 0}}}, "a.ready.within_seconds: is 0. Give a number of seconds"),
    ({"a": {"ready": "x"}}, "a.ready: is 'x'. Give a mapping of http, tcp, command, within_seconds."),
    ({"a": {"ready": {"htp": HEALTH}}}, "a.ready: there is no key 'htp'. Did you mean 'http'"),
    ({"a": {"ready": {"http": HEALTH, "tcp": 80}}}, "a.ready: has http and tcp. Keep the one"),
    ({"a": {"ready": {"http": "/health"}}}, "a.ready.http: is no URL to ask for health. Give http://"),
    ({"a": {"ready": {"http": "http://[oops/"}}}, "a.ready.http: is no URL"),
    ({"a": {"ready": {"http": "http://x:99999/"}}}, "a.ready.http: is no URL"),
    ({"a": {"ready": {"tcp": "here"}}}, "a.ready.tcp: is 'here'. Give host:port"),
    ({"a": {"ready": {"tcp": 0}}}, "a.ready.tcp: is 0."),
    ({"a": {"ready": {"tcp": True}}}, "a.ready.tcp: is True."),
    ({"a": {"ready": {"command": "true"}}}, "a.ready.command: is 'true'. Give a list, for example [true]."),
    ({"a": {"logs": ["app.log"]}}, "a.logs: is ['app.log']. Give the absolute path"),
    ({"a": {"edge": "yes"}}, "a.edge: is 'yes'. Give true or false."),
    ({"a": {"edge": True, "maintenance_file": "on"}}, "a.maintenance_file: is 'on'. Give the absolute path"),
    ({"a": {"maintenance_file": "/on"}}, "a.maintenance_file: is '/on'. Only the edge closes: add 'edge: true'"),
    ({"a": {"kind": "postgres"}}, "a.kind: is 'postgres'. Did you mean 'postgresql'?"),
    ({"a": {"group": "app servers"}}, "a.group: is 'app servers'."),
    (
        {"a": {"group": "app", "port": 8000}, "b": {"group": "app", "ready": {"http": HEALTH}}},
        "a, b: all use port 8000 of the same group 'app'. Give each its own 'port'; null for one",
    ),
    ({"postgres": {"group": "db"}, "timescaledb": {"group": "db"}}, "postgres, timescaledb: all use port 5432"),
]


@pytest.mark.parametrize(("services", "expected"), ERRORS)
def test_what_cannot_be_is_named_with_what_to_do(services: Any, expected: str) -> None:
    text = error_of(services)
    assert expected in text
    assert text.startswith("analytics_ops_services: ")
    assert "\n" not in text


def test_all_errors_are_told_at_once() -> None:
    text = error_of({"a": {"after": ["x"], "edge": 1}, "b": {"manager": "init", "after": ["c"]}, "c": {"after": ["b"]}})
    first, *lines = text.split("\n")
    assert first == "analytics_ops_services has 4 errors:"
    assert [line.split(": ")[0] for line in lines] == ["  - a.edge", "  - b.manager", "  - a.after", "  - b"]


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    text = error_of({"api": {"ready": {"http": "http://ops:geheim@127.0.0.1/health"}}})
    assert "without user and password" in text
    assert "geheim" not in text


def test_the_same_port_in_different_groups_is_fine() -> None:
    assert len(parse_services({"a": {"group": "x", "port": 80}, "b": {"group": "y", "port": 80}})) == 2


def test_what_something_else_starts_has_no_unit_and_is_told_by_its_name() -> None:
    found = parse_services({"redis": {"manager": "none"}})["redis"]
    assert (found.manager, found.unit, found.compose, found.kind, found.port) == ("none", None, None, "redis", 6379)


def test_errors_name_what_was_given() -> None:
    with pytest.raises(InputError, match=r"^services: is 3"):
        parse_services(3, "services")
    with pytest.raises(InputError, match=r"^services: a\.unit: is empty"):
        parse_services({"a": {"unit": ""}}, "services")


def test_services_are_placed_by_the_groups_of_the_host() -> None:
    services = parse_services(STACK)
    groups = {"all": [], "ungrouped": [], "db": ["h1"], "cache": [], "app": ["h2"], "web": ["h2"]}
    assert list(services_on_host(services, ["app", "web"], groups)) == ["api", "worker", "nginx"]
    assert list(services_on_host(services, [], groups)) == []
    assert list(services_on_host(parse_services({"a": {"group": "all"}}), [], groups)) == ["a"]


def test_a_group_that_is_not_in_the_inventory_is_an_error() -> None:
    services = parse_services({"postgres": {"group": "dbs"}, "api": {"group": "app"}})
    with pytest.raises(InputError) as error:
        services_on_host(services, ["db"], ["db", "app"])
    assert "postgres.group: the inventory has no group 'dbs', so the service would run nowhere." in error.value.text
    assert "Did you mean 'db'?" in error.value.text


def test_two_groups_on_one_host_share_its_ports() -> None:
    services = parse_services({"a": {"group": "x", "port": 80}, "b": {"group": "y", "port": 80}})
    assert list(services_on_host(services, ["x"])) == ["a"]
    with pytest.raises(InputError, match="a, b: all use port 80 of the same host"):
        services_on_host(services, ["x", "y"])


TEXTS = [
    "a",
    "b",
    "systemd",
    HEALTH,
    "http://x/\x1b[2J",
    "\x1b]0;x\x07",
    "-x",
    "/log",
    "/\n",
    "\u202e",
    "80",
    ":80",
    "é" * 600,
    "",
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from(TEXTS), SCALARS, max_size=2)
NESTED = st.dictionaries(st.sampled_from(["http", "tcp", "command", "within_seconds", *COMPOSE]), VALUES, max_size=3)
GIVEN = st.dictionaries(st.sampled_from(KEYS), VALUES | NESTED, max_size=4)


@given(st.dictionaries(st.sampled_from(["a", "b", "redis"]), GIVEN, max_size=2))
def test_whatever_is_given_is_read_or_refused_in_words_that_can_be_shown(services: dict) -> None:
    try:
        parsed = parse_services(services)
    except InputError as error:
        words = error.text.split("\n")
    else:
        spelled_out = json.loads(json.dumps({name: service.as_dict() for name, service in parsed.items()}))
        assert parse_services(spelled_out) == parsed
        return
    assert all(word.isprintable() for word in words)


def test_some_services_of_a_stack_may_need_what_is_elsewhere() -> None:
    alone = services_alone({"api": {"after": ["postgres"]}, "redis": None})
    assert [one.after for one in alone.values()] == [(), ()]
    with pytest.raises(InputError, match="services: api: is 'no mapping'"):
        services_alone({"api": "no mapping"})
    with pytest.raises(InputError, match="wave: api"):
        services_alone({"api": 1}, "wave")


def test_the_edge_opens_after_all_that_does_not_need_it() -> None:
    services = parse_services(
        {
            "nginx": {"edge": True, "after": ["api"]},
            "api": {},
            "worker": {},
            "behind": {"after": ["between"]},
            "between": {"after": ["nginx"]},
            "other": {"edge": True},
        }
    )
    order = order_of_starting(services)
    assert order["nginx"] == ("api", "worker")
    assert order["other"] == ("api", "worker")
    assert order["between"] == ("nginx",)
    assert order["worker"] == ()


def test_hosts_of_services_are_those_of_their_groups() -> None:
    services = parse_services({"api": {"group": "app"}, "db": {"group": "gone"}, "agent": {"group": "all"}})
    groups = {"app": ["app2", "app1"], "all": ["app1", "app2", "db1"]}
    assert hosts_of(services, groups) == {"api": ["app1", "app2"], "db": [], "agent": ["app1", "app2", "db1"]}
