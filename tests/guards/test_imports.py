# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import what: the table in CONTRIBUTING.md, read from the sources without running them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import CALLBACKS, FILTERS, LOOKUPS, MODULES, PLUGINS, name_of, tree

OWN = "ansible_collections.analytics.ops.plugins."
UTILS = PLUGINS / "module_utils"

JUDGE, OBSERVE, ACT = "module_utils._judge", "module_utils._observe", "module_utils._act"
KEEP = ACT + ".history"  # the one thing that a callback does beside showing
RECALL = OBSERVE + ".history"  # and a lookup has to read
ERRORS, ARGUMENTS, RUN = "module_utils._errors", "module_utils._arguments", "module_utils._run"
DRIVERS = {"psycopg2", "redis", "requests", "duckdb", "kombu", "zstandard", "lz4", "isal", "xxhash"}

# What stands where, and what it may import: parts of the collection, and libraries beside the standard one.
ROOMS = [
    ("_judge", (UTILS / "_judge").rglob("*.py"), {JUDGE, ERRORS}, set()),
    ("_observe", (UTILS / "_observe").rglob("*.py"), {OBSERVE, JUDGE, ERRORS, RUN}, DRIVERS),
    ("_act", (UTILS / "_act").rglob("*.py"), {ACT, OBSERVE, JUDGE, ERRORS, RUN}, DRIVERS),
    ("foundation", UTILS.glob("*.py"), {ERRORS}, set()),
    ("modules", MODULES, {ACT, OBSERVE, JUDGE, ERRORS, ARGUMENTS, RUN}, {"ansible"}),
    ("filter", FILTERS, {JUDGE, ERRORS}, {"ansible"}),
    ("callback", CALLBACKS, {JUDGE, ERRORS, KEEP}, {"ansible"}),
    ("lookup", LOOKUPS, {JUDGE, ERRORS, RECALL}, {"ansible"}),
    ("doc_fragments", PLUGINS.glob("doc_fragments/*.py"), set(), set()),
]
FILES = [
    pytest.param(path, own, libraries, id=name_of(path))
    for room, paths, own, libraries in ROOMS
    for path in sorted(paths)
]


def imports(path: Path, source: ast.AST) -> Iterator[str]:
    """The full names that ``path`` imports; our own begin with ``OWN``."""
    package = OWN + ".".join(path.relative_to(PLUGINS).parts[:-1])
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join(parents[: len(parents) - node.level + 1] + ([base] if base else []))
            # 'from .. import _x' may name modules, 'from .x import y' names what is in one; the room shows in both.
            yield from (f"{base}.{alias.name}" for alias in node.names)


def trespasses(path: Path, source: ast.AST, own: set[str], libraries: set[str]) -> list[str]:
    allowed = tuple(OWN + part for part in own)
    found = []
    for name in imports(path, source):
        if name.startswith("ansible_collections."):
            good = any(name == part or name.startswith(part + ".") for part in allowed)
        else:
            top = name.split(".")[0]
            good = top in sys.stdlib_module_names or top in libraries
        if not good:
            found.append(name)
    return found


@pytest.mark.parametrize(("path", "own", "libraries"), FILES)
def test_imports_keep_to_the_table(path: Path, own: set[str], libraries: set[str]) -> None:
    assert trespasses(path, tree(path), own, libraries) == []


def test_every_python_file_of_the_plugins_stands_in_a_room() -> None:
    known = {parameter.values[0] for parameter in FILES}
    assert sorted(path for path in PLUGINS.rglob("*.py") if path not in known) == []


LIBRARY = [path for path in sorted(PLUGINS.rglob("*.py")) if path.parent.name != "modules" and path.name != "_run.py"]


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_only_the_edge_knows_the_ansible_module(path: Path) -> None:
    nodes = list(ast.walk(tree(path)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {argument.arg for node in nodes if isinstance(node, ast.arguments) for argument in node.args}
    assert not names & {"AnsibleModule", "module"}


@pytest.mark.parametrize(("path", "own", "libraries"), FILES)
def test_drivers_are_imported_late(path: Path, own: set[str], libraries: set[str]) -> None:
    """At the top of a file a missing driver would be a traceback, and every call would pay for it."""
    top = ast.Module(body=[node for node in tree(path).body if isinstance(node, (ast.Import, ast.ImportFrom))])
    assert {name.split(".")[0] for name in imports(path, top)} & DRIVERS == set()


FORBIDDEN = [
    ("module_utils/_judge/x.py", "import psycopg2"),
    ("module_utils/_judge/x.py", "from .._observe.postgres import PostgresClient"),
    ("module_utils/_judge/x.py", "from .. import _run"),
    ("module_utils/_judge/x.py", "def late():\n    import requests"),
    ("module_utils/_observe/x.py", "from .._act.lock import LockFile"),
    ("module_utils/_act/x.py", "from ...modules.run_lock import take"),
    ("filter/x.py", "from ..module_utils._observe.http import ask"),
    ("filter/x.py", "from ..module_utils._act.history import remember"),
    ("callback/x.py", "from ..module_utils._act.lock import LockFile"),
    ("callback/x.py", "from ..module_utils._observe.history import open_store"),
    ("filter/x.py", "from ansible_collections.community.general.plugins.module_utils import deps"),
]


@pytest.mark.parametrize(("place", "line"), FORBIDDEN)
def test_this_guard_sees_what_is_forbidden(place: str, line: str) -> None:
    path = PLUGINS / place
    room = next(room for room in ROOMS if room[0] == path.parent.name)
    assert trespasses(path, ast.parse(line), room[2], room[3])
