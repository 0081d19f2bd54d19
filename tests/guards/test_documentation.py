# SPDX-License-Identifier: GPL-3.0-or-later
"""What plugins say about themselves is complete, and says the same as the code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.analytics.ops.plugins.module_utils import _arguments

from tests.support.sources import (
    DOCUMENTED,
    FILTERS,
    LOOKUPS,
    MODULES,
    PLUGINS,
    REPOSITORY,
    documents,
    imported,
    name_of,
    read_yaml,
)

SPECS = {name.removesuffix("_spec"): getattr(_arguments, name) for name in dir(_arguments) if name.endswith("_spec")}
FRAGMENTS = {path.stem: path for path in PLUGINS.glob("doc_fragments/[!_]*.py")}
TASK_KEYS = {"name", "register", "vars", "when", "loop", "loop_control", "until", "retries", "delay", "delegate_to"}
TASK_KEYS |= {"run_once", "tags", "become", "become_user", "ignore_errors", "failed_when", "no_log", "environment"}
TASK_KEYS |= {"check_mode", "diff", "module_defaults"}
AUTHOR = "analytics.ops contributors (@analytics-ops)"
SECRET = ("password", "secret", "token", "headers")

each_module = pytest.mark.parametrize("path", MODULES, ids=name_of)
each_plugin = pytest.mark.parametrize("path", DOCUMENTED, ids=name_of)


@cache
def fragment(name: str) -> dict[str, Any]:
    """``analytics.ops.checking`` or, with a part of it, ``analytics.ops.attributes.checking``."""
    file, _dot, part = name.removeprefix("analytics.ops.").partition(".")
    # Ansible first looks for a fragment of that last name, whatever stands before it.
    file, part = (part, "") if part in FRAGMENTS else (file, part)
    return yaml.safe_load(getattr(imported(FRAGMENTS[file]).ModuleDocFragment, (part or "documentation").upper()))


@cache
def documentation(path: Path) -> dict[str, Any]:
    """With what its fragments bring along."""
    own = documents(path)["DOCUMENTATION"]
    whole = {**own, "options": {}, "attributes": {}, "requirements": []}
    for given in [*map(fragment, own.get("extends_documentation_fragment", [])), own]:
        whole["options"].update(given.get("options") or {})
        whole["requirements"] += given.get("requirements", [])
        for name, attribute in (given.get("attributes") or {}).items():
            whole["attributes"].setdefault(name, {}).update(attribute)
    return whole


@cache
def argument_spec(path: Path) -> dict[str, Any]:
    """What the module hands to ``AnsibleModule``; ``main()`` comes no further."""
    module = imported(path)
    handed: dict[str, Any] = {}

    class Stop(Exception):
        pass

    def stop(**keywords: Any) -> None:
        handed.update(keywords)
        raise Stop

    original, module.AnsibleModule = module.AnsibleModule, stop
    try:
        module.main()
    except Stop:
        return handed
    finally:
        module.AnsibleModule = original
    raise AssertionError("main() makes no AnsibleModule")


def normal(options: dict[str, Any] | None, nested: str) -> dict[str, Any]:
    """Options as a spec (``nested='options'``) or a document (``'suboptions'``) has them, in one form."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": bool(option.get("required")),
            "default": option.get("default"),
            "choices": sorted(option["choices"]) if "choices" in option else None,
            "aliases": sorted(option.get("aliases", [])),
            "nested": normal(option.get(nested), nested),
        }
        for name, option in (options or {}).items()
    }


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_fragment_says_what_its_spec_says(name: str) -> None:
    assert normal(fragment(f"analytics.ops.{name}")["options"], "suboptions") == normal(SPECS[name](), "options")


def test_every_fragment_with_options_has_a_spec() -> None:
    assert {name for name in FRAGMENTS if fragment(f"analytics.ops.{name}").get("options")} == set(SPECS)


@each_module
def test_the_options_of_a_module_are_documented_as_they_are(path: Path) -> None:
    assert normal(documentation(path)["options"], "suboptions") == normal(
        argument_spec(path)["argument_spec"], "options"
    )


@each_module
def test_secrets_are_marked_and_check_mode_is_promised(path: Path) -> None:
    def unmarked(spec: dict[str, Any]) -> Iterator[str]:
        for name, option in spec.items():
            secret = any(word in name for word in SECRET) and option.get("type") != "bool"
            if secret and not option.get("no_log"):
                yield name
            yield from unmarked(option.get("options") or {})

    handed = argument_spec(path)
    assert list(unmarked(handed["argument_spec"])) == []
    assert handed["supports_check_mode"] is True
    attributes = documentation(path)["attributes"]
    assert set(attributes) >= {"check_mode", "diff_mode", "platform"}
    assert all(attribute.get("support") and attribute.get("description") for attribute in attributes.values())
    assert attributes["check_mode"]["support"] == "full"


@each_plugin
def test_a_plugin_is_introduced(path: Path) -> None:
    whole = documentation(path)
    assert whole["module" if path in MODULES else "name"] == path.stem
    assert whole["version_added"] == "1.0.0"
    assert whole["author"] in (AUTHOR, [AUTHOR])
    assert not whole["short_description"].endswith(".")
    assert whole["description"]

    def undescribed(options: dict[str, Any]) -> Iterator[str]:
        for name, option in options.items():
            if not (option.get("description") and option.get("type")):
                yield name
            yield from undescribed(option.get("suboptions") or {})

    assert list(undescribed(whole["options"])) == []


def values(content: Any) -> Iterator[dict[str, Any]]:
    """Every task of an example, in blocks too."""
    for task in content:
        yield task
        for key in ("block", "rescue", "always"):
            yield from values(task.get(key, []))


def unknown_options(given: Any, options: dict[str, Any]) -> list[str]:
    if not isinstance(given, dict):
        return []
    names = {alias: option for option in options.values() for alias in option.get("aliases", [])} | options
    found = [name for name in given if name not in names]
    for name, value in given.items():
        inner = (names.get(name) or {}).get("suboptions")
        for one in value if isinstance(value, list) else [value]:
            found += [f"{name}.{wrong}" for wrong in (unknown_options(one, inner) if inner else [])]
    return found


@each_plugin
def test_examples_are_tasks_that_use_what_is_documented(path: Path) -> None:
    examples = documents(path)["EXAMPLES"]
    assert isinstance(examples, list)
    full = f"analytics.ops.{path.stem}"
    assert (full in json.dumps(examples)) and len(examples) >= 2
    for task in values(examples):
        assert task["name"]
        actions = set(task) - TASK_KEYS - {"block", "rescue", "always"}
        assert all(action.count(".") >= 2 for action in actions), "names of modules are given in full"
        for action in actions:
            own = PLUGINS / "modules" / f"{action.removeprefix('analytics.ops.')}.py"
            if action.startswith("analytics.ops."):
                assert own in MODULES, f"there is no module {action}"
                assert unknown_options(task[action], documentation(own)["options"]) == []
    if path in MODULES:
        assert any(full in task for task in values(examples))


@each_plugin
def test_every_key_of_the_result_has_a_sample(path: Path) -> None:
    def incomplete(keys: dict[str, Any], inner: bool = False) -> Iterator[str]:
        for name, key in keys.items():
            if not (key.get("description") and key.get("type")):
                yield name
            if not inner and not ("sample" in key or "contains" in key):
                yield f"{name} (no sample)"
            if path in MODULES and not inner and not key.get("returned"):
                yield f"{name} (returned when?)"
            yield from incomplete(key.get("contains") or {}, True)

    assert list(incomplete(documents(path)["RETURN"])) == []


def test_action_groups_name_what_exists() -> None:
    groups = read_yaml(REPOSITORY / "meta" / "runtime.yml")["action_groups"]
    assert {name for names in groups.values() for name in names} <= {path.stem for path in MODULES}


@pytest.mark.parametrize(("kind", "paths"), [("module", MODULES), ("filter", FILTERS), ("lookup", LOOKUPS)])
def test_ansible_doc_shows_everything(kind: str, paths: list[Path], tmp_path: Path) -> None:
    names = [f"analytics.ops.{path.stem}" for path in paths]
    command = [Path(sys.executable).with_name("ansible-doc"), "--json", "--type", kind, *names]
    environment = {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(tmp_path),
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
    }
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    assert set(json.loads(run.stdout)) == set(names), run.stderr
