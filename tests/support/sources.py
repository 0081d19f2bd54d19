# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own files, as guard tests read them."""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGINS = REPOSITORY / "plugins"
ROLES = sorted(path.parent.parent for path in (REPOSITORY / "roles").glob("*/tasks/main.yml"))

MODULES = sorted(PLUGINS.glob("modules/*.py"))
FILTERS = sorted(PLUGINS.glob("filter/*.py"))
LOOKUPS = sorted(PLUGINS.glob("lookup/*.py"))
CALLBACKS = sorted(PLUGINS.glob("callback/*.py"))
DOCUMENTED = MODULES + FILTERS + LOOKUPS


def name_of(path: Path) -> str:
    """A short name for the test's id: ``plugins/modules/pg_health.py``."""
    return path.relative_to(REPOSITORY).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imported(path: Path) -> ModuleType:
    """The plugin under its full name."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return import_module(".".join(("ansible_collections.analytics.ops", *parts)))


@cache
def documents(path: Path) -> dict[str, Any]:
    """``DOCUMENTATION``, ``EXAMPLES`` and ``RETURN`` of a plugin, parsed; read without running it."""
    texts = {}
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            texts[node.targets[0].id] = node.value.value
    return {name: yaml.safe_load(texts[name]) for name in ("DOCUMENTATION", "EXAMPLES", "RETURN") if name in texts}


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) or {}
