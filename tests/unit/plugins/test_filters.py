# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters, called as Ansible calls them and once in a real playbook. What they decide is tested in ``judge``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from tests.support.modules import REPOSITORY

STACK = {
    "postgres": {"unit": "postgresql", "group": "db"},
    "redis": {"unit": "redis-server", "group": "cache"},
    "api": {"group": "app", "after": ["postgres", "redis"]},
}
CIRCLE = {"a": {"after": ["b"]}, "b": {"after": ["c"]}, "c": {"after": ["a"]}}


def call(name: str, *values: Any, **named: Any) -> Any:
    module = import_module(f"ansible_collections.analytics.ops.plugins.filter.{name}")
    return module.FilterModule().filters()[name](*values, **named)


def test_valid_services_spells_the_stack_out() -> None:
    stack = call("valid_services", STACK)
    assert [service["port"] for service in stack.values()] == [5432, 6379, None]
    assert call("valid_services", stack) == stack


def test_service_waves_go_up_and_down() -> None:
    assert call("service_waves", STACK) == [["postgres", "redis"], ["api"]]
    assert call("service_waves", STACK, direction="down") == [["api"], ["postgres", "redis"]]
    assert call("service_waves", STACK, only=["redis"]) == [["redis"]]
    groups = {"db": ["h1"], "cache": ["h2"], "app": ["h1"]}
    assert call("service_waves", STACK, groups=groups) == [["postgres", "redis"], ["api"]]
    assert call("service_waves", STACK, groups={name: ["h1"] for name in groups}) == [["api", "postgres", "redis"]]
    edge = {**STACK, "nginx": {"edge": True}}
    assert call("service_waves", edge)[-1] == ["nginx"]


def test_services_not_up_asks_the_results_of_all_hosts() -> None:
    groups = {"db": ["h1"], "cache": ["h2"], "app": ["h1"]}
    results = {"h1": {"services": {"postgres": {"outcome": "ready"}}}, "h2": {}}
    assert call("services_not_up", STACK, results, groups=groups, names=["postgres", "redis"]) == ["redis"]


def test_triage_names_the_cause_and_refuses_a_wrong_stack() -> None:
    groups = {"db": ["h1"], "cache": ["h2"], "app": ["h1"]}
    gone = {"unreachable": True, "msg": "Connection refused"}
    answer = call("triage", STACK, {"h1": [{"skipped": True}], "h2": [gone]}, groups=groups)
    assert answer["lines"][0] == "Most likely: infrastructure: h2: Connection refused."
    with pytest.raises(AnsibleFilterError, match="services wait for each other"):
        call("triage", CIRCLE, {}, groups={})


def test_services_on_host_takes_groups_as_ansible_has_them() -> None:
    groups = {"all": ["h1"], "db": ["h1"], "cache": ["h1"], "app": []}
    assert list(call("services_on_host", STACK, ["db", "cache"], groups)) == ["postgres", "redis"]
    assert list(call("services_on_host", STACK, ["app"])) == ["api"]


def test_threshold_profile_lays_ones_own_over_those_of_a_manual() -> None:
    own = {"host.memory": {"critical": 99}}
    assert call("threshold_profile", own, "compose-tiers")["host.memory"] == {
        "warning": 90,
        "critical": 99,
        "available_bytes": None,
    }
    assert call("threshold_profile", own) == own


def test_outcome_may_have_names_of_a_workflow() -> None:
    verdict = call("verdict", [{"findings": [{"check": "x", "severity": "warning", "message": "y"}]}])
    told = call("outcome", iter([verdict, {}]), prefix="stack_", report="/x")
    assert told["stack_report"] == "/x" and call("outcome", [])["report"] == ""
    assert (told["stack_status"], told["stack_warning"], told["stack_hosts_not_seen"]) == ("degraded", 1, 1)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("valid_services", (CIRCLE,), "services wait for each other: a → b → c → a."),
        ("service_waves", (CIRCLE,), "services wait for each other: a → b → c → a."),
        ("services_not_up", (CIRCLE, {}, {}, []), "services wait for each other: a → b → c → a."),
        ("service_waves", (STACK, "left"), "There is no direction called 'left'. Give one of: up, down."),
        ("threshold_profile", ({}, "compose-tier"), "there is no profile 'compose-tier'."),
        ("services_on_host", (STACK, [], ["db", "app"]), "the inventory has no group 'cache'"),
    ],
)
def test_bad_input_is_one_clear_filter_error(name: str, values: tuple, expected: str) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        call(name, *values)
    assert str(error.value).count(expected) == 1


def playbook(directory: Path, services: dict[str, Any]) -> subprocess.CompletedProcess:
    """A real run in a checkout with an inventory that declares ``services``; shows the waves of this host."""
    inventory = {
        "all": {
            "vars": {"analytics_ops_services": services, "ansible_connection": "local"},
            "children": {group: {"hosts": {"h1": None}} for group in ("db", "cache", "app")},
        }
    }
    tasks = [
        {"ansible.builtin.debug": {"msg": "{{ analytics_ops_services | analytics.ops.service_waves }}"}},
        {
            "ansible.builtin.debug": {
                "msg": "{{ analytics_ops_services | analytics.ops.services_on_host(group_names, groups) | list }}"
            }
        },
    ]
    (directory / "inventory.json").write_text(json.dumps(inventory))
    (directory / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", "inventory.json", "play.json"]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
        "ANSIBLE_HOME": str(directory / "home"),
        "ANSIBLE_NOCOLOR": "1",
    }
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_playbook_sees_the_waves(tmp_path: Path) -> None:
    run = playbook(tmp_path, STACK)
    assert run.returncode == 0, run.stdout + run.stderr
    shown = "".join(run.stdout.split())
    assert '[["postgres","redis"],["api"]]' in shown
    assert '["postgres","redis","api"]' in shown


def test_a_playbook_with_a_circle_fails_with_the_circle_by_name(tmp_path: Path) -> None:
    run = playbook(tmp_path, {**STACK, **CIRCLE, "api": {"group": "ap", "after": ["postgress"]}})
    assert run.returncode == 2
    assert "analytics_ops_services has 2 errors:" in run.stdout
    assert "api.after: there is no service 'postgress'. Did you mean 'postgres'?" in run.stdout
    assert "a: services wait for each other: a → b → c → a." in run.stdout
    assert "Traceback" not in run.stdout + run.stderr
