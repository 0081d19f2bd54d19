# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories in ``examples/`` say only what roles and modules understand, and name nobody's real address."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.analytics.ops.plugins.filter.services_on_host import services_on_host
from ansible_collections.analytics.ops.plugins.filter.valid_services import valid_services
from ansible_collections.analytics.ops.plugins.module_utils._judge.profiles import PROFILES

from docs.generate import registers
from tests.guards.test_documentation import argument_spec
from tests.guards.test_roles import REFERENCE, options
from tests.support.examples import EXAMPLES, Inventory
from tests.support.sources import PLUGINS, REPOSITORY, ROLES, read_yaml

INVENTORIES = {example: Inventory(example) for example in EXAMPLES}
HOSTS = [(example, host) for example, inventory in INVENTORIES.items() for host in inventory.hosts]
each_example = pytest.mark.parametrize("example", EXAMPLES)
each_host = pytest.mark.parametrize(("example", "host"), HOSTS)

SPECS = {role.name: options(role) for role in ROLES}
DEFAULTS = {
    name: value
    for role in ROLES
    for name, value in read_yaml(role / "defaults" / "main.yml").items()
    # Lookups take more of Ansible than is here, and no inventory sets what they look up.
    if "lookup(" not in str(value)
}
SHARED = {name for value in DEFAULTS.values() for name in REFERENCE.findall(str(value))} | {"analytics_ops_hosts"}
CHECKS = {name: check for register in registers().values() for name, check in register.checks.items()}

# What is reserved for documentation and tests. A vendor whose real status page is meant would be named here.
RESERVED = re.compile(r"(?:.+\.)?example\.com|.+\.test|localhost|127\.0\.0\.1")
NAMED = re.compile(r"(?:https?|tls)://([^/:\s\"']+)|\b((?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|de|cloud|app|test))\b")


def module_errors(name: str, given: dict[str, Any]) -> list[str]:
    spec = argument_spec(PLUGINS / "modules" / f"{name}.py")
    rules = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
    validator = ArgumentSpecValidator(spec["argument_spec"], **{rule: spec.get(rule) for rule in rules})
    return [f"{name}: {error}" for error in validator.validate(given).error_messages]


def test_there_is_one_for_each_profile() -> None:
    assert set(EXAMPLES) == set(PROFILES)
    assert SPECS["health_check"]["health_check_threshold_profile"]["choices"] == ["", *PROFILES]


@each_example
def test_it_chooses_the_limits_of_its_manual(example: str) -> None:
    for host in INVENTORIES[example].hosts:
        assert INVENTORIES[example].variables(host)["analytics_ops_threshold_profile"] == example


@each_example
def test_every_service_is_understood_and_runs_somewhere(example: str) -> None:
    inventory = INVENTORIES[example]
    declared = {str(inventory.variables(host)["analytics_ops_services"]) for host in inventory.hosts}
    assert len(declared) == 1, "the stack is the same for all hosts"
    services = inventory.variables(inventory.hosts[0])["analytics_ops_services"]
    placed = set()
    for host in inventory.hosts:
        placed |= set(services_on_host(services, inventory.groups_of(host), inventory.groups))
    assert placed == set(valid_services(services))


@each_host
def test_every_variable_is_known(example: str, host: str) -> None:
    names = set(INVENTORIES[example].variables(host))
    known = SHARED | {name for spec in SPECS.values() for name in spec}
    assert {name for name in names if name not in known and not name.startswith("vault_")} == set()


@each_host
def test_every_role_accepts_its_variables(example: str, host: str) -> None:
    values = INVENTORIES[example].templated(host, DEFAULTS)
    errors = []
    for role, spec in SPECS.items():
        given = {name: values[name] for name in spec if name in values}
        errors += [f"{role}: {error}" for error in ArgumentSpecValidator(spec).validate(given).error_messages]
    assert errors == []


@each_host
def test_every_module_accepts_what_the_roles_hand_to_it(example: str, host: str) -> None:
    inventory = INVENTORIES[example]
    values = inventory.templated(host, DEFAULTS)
    here = services_on_host(values["health_check_services"], inventory.groups_of(host), inventory.groups)
    postgresql, redis = values["health_check_postgresql_login"], values["health_check_redis_login"]
    errors = module_errors("http_health", {"endpoints": values["health_check_http_endpoints"]})
    timed = {"timers": values["health_check_timers"], "cron_jobs": values["health_check_cron_jobs"]}
    errors += module_errors("service_health", {"services": here, **timed})
    errors += module_errors("log_scan", {"logs": values["health_check_logs"]})
    errors += module_errors("pg_health", postgresql)
    errors += module_errors("redis_cache_stats", redis)
    for module, login in (("celery", redis), ("duckdb", {}), ("data", postgresql)):
        given = values[f"health_check_{module}"]
        if given:
            errors += module_errors(f"{module}_{'check' if module == 'data' else 'health'}", {**login, **given})
    for rule in values["redis_maintenance_rules"]:
        errors += module_errors("redis_keys", {**redis, **rule})
    kinds = {service["kind"] for service in here.values()}
    errors += ["no login for PostgreSQL"] if "postgresql" in kinds and not postgresql else []
    errors += ["no login for Redis"] if "redis" in kinds and not redis else []
    assert errors == []


@each_host
def test_every_limit_is_one_of_a_check(example: str, host: str) -> None:
    for name, levels in INVENTORIES[example].variables(host).get("analytics_ops_thresholds", {}).items():
        CHECKS[name].threshold.with_overrides(name, levels)


@each_example
def test_it_names_no_real_address(example: str) -> None:
    files = [path for path in (REPOSITORY / "examples" / example).rglob("*") if path.is_file()]
    named = {(path.name, "".join(name)) for path in files for name in NAMED.findall(path.read_text())}
    assert {one for one in named if not RESERVED.fullmatch(one[1])} == set()


@each_example
def test_secrets_are_placeholders(example: str) -> None:
    folder = REPOSITORY / "examples" / example
    assert set(read_yaml(folder / "group_vars" / "all" / "vault.yml").values()) == {"change-me"}
    for path in folder.rglob("*.yml"):
        for line in path.read_text().splitlines():
            secret = re.fullmatch(r"\s*\w*(?:password|token|secret)\w*: (.+)", line)
            assert not secret or path.name == "vault.yml" or re.fullmatch(r'"\{\{ vault_\w+ \}\}"', secret[1]), line


@each_example
def test_its_page_says_for_whom_what_to_edit_and_what_to_run(example: str) -> None:
    folder = REPOSITORY / "examples" / example
    text = (folder / "README.md").read_text()
    assert text.startswith(f"# {example}\n")
    for playbook in ("daily_health_check", "weekly_maintenance"):
        assert f"-i examples/{example} analytics.ops.{playbook}" in text
        assert (REPOSITORY / "playbooks" / f"{playbook}.yml").exists()
    named = set(re.findall(r"`([\w/]+\.yml)`", text.partition("## Edit")[2]))
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.yml")}
    # A second file of the same folder may be named without it.
    assert {name for name in named if not any(one == name or one.endswith(f"/{name}") for one in there)} == set()
    assert {one for one in there if not any(one == name or one.endswith(f"/{name}") for name in named)} == set()
    assert f"({example}/README.md)" in (REPOSITORY / "examples" / "README.md").read_text()
