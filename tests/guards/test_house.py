# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the house that are about files: short, licensed, finished, and every test found by pytest."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.collection_tree import tracked_files
from tests.support.sources import PLUGINS, REPOSITORY, name_of, tree

TRACKED = [REPOSITORY / file for file in tracked_files()]
SOURCES = [path for path in TRACKED if path.suffix in (".py", ".yml", ".sh") or path.name == "Makefile"]
PLUGIN_FILES = sorted(path for path in PLUGINS.rglob("*.py") if path.stat().st_size)
HEADER = """\
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
UNFINISHED = re.compile("TO" + r"DO\b|FIX" + r"ME\b|XX" + r"X\b")


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=name_of)
def test_a_plugin_file_can_be_read_in_one_go(path: Path) -> None:
    """Documentation does not count: it is read elsewhere."""
    lines = path.read_text().count("\n")
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= node.value.value.count("\n")
    assert lines <= 400


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=name_of)
def test_a_plugin_file_begins_with_its_licence_and_lets_python_39_read_it(path: Path) -> None:
    text = path.read_text().removeprefix("#!/usr/bin/python\n")
    assert text.startswith(HEADER)
    assert "\nfrom __future__ import annotations\n" in text
    ast.parse(text, feature_version=(3, 9))


NOT_IN_39 = re.compile(r"\bstrict=(True|False)|slots=True|kw_only=True|\bassert |\bfor _ in|datetime\.UTC|pairwise\(")


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=name_of)
def test_a_plugin_file_uses_nothing_that_is_younger_or_that_sanity_tests_refuse(path: Path) -> None:
    code = "\n".join(line.partition("#")[0] for line in path.read_text().splitlines())
    assert NOT_IN_39.findall(code) == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_left_unfinished(path: Path) -> None:
    assert UNFINISHED.findall(path.read_text()) == []


def test_every_file_of_the_tests_is_collected_or_helps() -> None:
    """A file called otherwise, or in a folder without ``__init__.py``, would silently never run."""
    files = [path.relative_to(REPOSITORY / "tests") for path in TRACKED if REPOSITORY / "tests" in path.parents]
    helpers = {"__init__.py", "conftest.py"}
    programs = {"support", "parts", "gates", "lab", "mutation"}
    lost = [
        file
        for file in files
        if file.suffix == ".py" and file.parts[0] not in programs and file.name not in helpers and file.name != "run.py"
        if not file.name.startswith("test_") or not (REPOSITORY / "tests" / file.parent / "__init__.py").exists()
    ]
    assert lost == []


def test_documents_that_are_made_from_the_code_are_up_to_date() -> None:
    """In a process of its own: the order of checks follows the order in which files are imported."""
    command = [sys.executable, "-m", "docs.generate", "--check"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
