# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's argument specification promises is what its defaults do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.sources import MODULES, REPOSITORY, ROLES, read_yaml

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)

# Names that Ansible itself gives meaning to, and loop variables of a role begin with the role's name, too.
SHARED = "analytics_ops_"
REFERENCE = re.compile(r"\banalytics_ops_\w+")


def options(role: Path) -> dict[str, Any]:
    """Of all entry points; what two of them share is the same."""
    merged: dict[str, Any] = {}
    for entry in read_yaml(role / "meta" / "argument_specs.yml")["argument_specs"].values():
        for name, option in (entry.get("options") or {}).items():
            assert merged.setdefault(name, option) == option, f"{name} differs between entry points"
    return merged


def assigned(content: Any) -> set[str]:
    """Variables that tasks set: by ``register``, ``vars`` and ``set_fact``."""
    if isinstance(content, list):
        return set().union(*(assigned(one) for one in content))
    if not isinstance(content, dict):
        return set()
    is_role = any(key.rpartition(".")[2] in ("include_role", "import_role") for key in content)
    found = set() if is_role else set(content.get("vars", {}))
    found |= {content["register"]} if "register" in content else set()
    found |= {name for name in content.get("ansible.builtin.set_fact", {}) if name != "cacheable"}
    control = content.get("loop_control", {})
    found |= {control[name] for name in ("loop_var", "index_var") if name in control}
    for key in ("block", "rescue", "always"):
        found |= assigned(content.get(key, []))
    return found


def test_there_are_roles() -> None:
    assert ROLES
    assert {role.name for role in ROLES} == {path.name for path in (REPOSITORY / "roles").iterdir() if path.is_dir()}


@each_role
def test_options_equal_defaults(role: Path) -> None:
    specified = options(role)
    defaults = read_yaml(role / "defaults" / "main.yml")
    required = {name for name, option in specified.items() if option.get("required")}
    assert required & set(defaults) == set(), "what is required has no default"
    assert set(specified) - required == set(defaults), "an option is required or has a default"
    for name, value in defaults.items():
        if "default" in specified[name]:
            assert specified[name]["default"] == value, name
        else:
            # Documentation tools refuse a template as the default of a dictionary; then the description has to name it.
            assert specified[name]["type"] == "dict" and REFERENCE.search(str(value)), name
            assert REFERENCE.search(str(value))[0] in str(specified[name]["description"]), name


@each_role
def test_options_are_described_and_named_after_the_role(role: Path) -> None:
    for name, option in options(role).items():
        assert name.startswith(role.name + "_"), name
        assert option.get("description") and option.get("type"), name
    for entry in read_yaml(role / "meta" / "argument_specs.yml")["argument_specs"].values():
        assert entry["short_description"] and entry["description"]


@each_role
def test_variables_carry_the_name_of_the_role(role: Path) -> None:
    prefixes = (role.name + "_", f"__{role.name}_")
    tasks = [assigned(read_yaml(path)) for path in sorted((role / "tasks").rglob("*.yml"))]
    names = set().union(*tasks, read_yaml(role / "vars" / "main.yml") if (role / "vars" / "main.yml").exists() else ())
    assert {name for name in names if not name.startswith(prefixes)} == set()


def names_of_all_roles() -> set[str]:
    """Everything that a role may speak of: options, its own variables, what tasks set, roles and modules."""
    names = {path.name for path in ROLES} | {path.stem for path in MODULES}
    for role in ROLES:
        names |= set(options(role))
        names |= set().union(*(assigned(read_yaml(path)) for path in (role / "tasks").rglob("*.yml")))
        names |= set(read_yaml(role / "vars" / "main.yml")) if (role / "vars" / "main.yml").exists() else set()
    return names


@each_role
def test_variables_that_tasks_use_exist(role: Path) -> None:
    """A misspelt variable with a default would make a task do nothing, silently and for ever."""
    alike = re.compile(r"\b(?:__)?(?:" + "|".join(one.name for one in ROLES) + r")_\w+")
    used = {name for path in (role / "tasks").rglob("*.yml") for name in alike.findall(path.read_text())}
    assert used - names_of_all_roles() == set()


def test_every_look_is_judged() -> None:
    """The verdict and the gate before work name what look.yml registers, and nothing else decides."""
    tasks = REPOSITORY / "roles" / "health_check" / "tasks"
    looks = set(re.findall(r"register: (\w+)", (tasks / "look.yml").read_text()))
    judged = set(re.findall(r"\bhealth_check_\w+(?= \| default\(\{\}\))", (tasks / "verdict.yml").read_text()))
    assert looks
    assert looks == judged
    triage = REPOSITORY / "roles" / "triage" / "tasks"
    for file, pattern in (("look.yml", r"{{ (\w+) \| default"), ("judge.yml", r"attribute='(\w+)'")):
        # Backups are not looked at by night.
        assert {*re.findall(pattern, (triage / file).read_text()), "health_check_backups"} == looks, file


@each_role
def test_values_of_the_whole_inventory_come_in_through_defaults(role: Path) -> None:
    """So that a role says in one place what it takes from outside, and can be used without it."""
    loose = {
        (path.name, name)
        for path in sorted((role / "tasks").rglob("*.yml"))
        for name in REFERENCE.findall(path.read_text())
    }
    assert loose == set()
    for name, value in read_yaml(role / "defaults" / "main.yml").items():
        for reference in REFERENCE.findall(str(value)):
            assert re.search(rf"{reference}\s*(\|\s*default\(|\S*\s+(if|is)\b)|if {reference}\b", str(value)), name


@each_role
def test_the_readme_introduces_the_role(role: Path) -> None:
    text = (role / "README.md").read_text()
    assert text.startswith("# ")
    assert role.name in text
