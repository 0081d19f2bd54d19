# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast lint, and the gates of Ansible's ecosystem. They need a package index once, and no other network."""

from __future__ import annotations

import shutil
import sys

from tests.gates.interpreters import missing, missing_all
from tests.gates.sanity import CORES, MODULE_PYTHONS, NEWEST
from tests.parts.part import PROGRAMS, Part
from tests.support import collection_tree

SHELL_SCRIPTS = ("tools/setup", ".ci/run", "molecule/image/customize.sh")


def lint() -> list[Part]:
    documentation = ["lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "all", "."]
    return [
        Part("ruff", [_program("ruff"), "check", "."]),
        Part("ruff format", [_program("ruff"), "format", "--check", "."]),
        Part("yamllint", [_program("yamllint"), "--strict", "."]),
        Part("shellcheck", ["shellcheck", *SHELL_SCRIPTS], obstacle=_no_shellcheck),
        Part("ansible-lint", [sys.executable, "-m", "tests.gates.ansible_lint"]),
        Part("collection tree", [sys.executable, "-m", "tests.support.collection_tree"]),
        Part("documentation", [_program("antsibull-docs"), *documentation], directory=collection_tree.TREE),
        Part("changelog", [_program("antsibull-changelog"), "lint"]),
    ]


def gates() -> list[Part]:
    controller = CORES[NEWEST]
    return [
        Part(
            f"sanity core {', '.join(CORES)}",
            [sys.executable, "-m", "tests.gates.sanity", *CORES],
            obstacle=lambda: next(filter(None, (missing_all(*pythons) for pythons in CORES.values())), ""),
        ),
        *(_gate(f"import python{p}", "sanity", p, needs=(p,), one_of=controller) for p in MODULE_PYTHONS),
        _gate("galaxy importer", "galaxy", one_of=("3.11", "3.12", "3.13")),
        _gate("execution environment", "execution_environment"),
        _gate("ansible-runner", "installed", controller[0], needs=controller[:1]),
        _gate("target python3.9", "installed", "3.9", needs=("3.9",), one_of=controller),
    ]


def _program(name: str) -> str:
    return str(PROGRAMS / name)


def _no_shellcheck() -> str:
    return "" if shutil.which("shellcheck") else "no program 'shellcheck' (Debian: apt install shellcheck)"


def _gate(name: str, module: str, *arguments: str, needs: tuple[str, ...] = (), one_of: tuple[str, ...] = ()) -> Part:
    """One program of ``tests/gates/``, with the Pythons it needs: all of ``needs`` and any of ``one_of``."""
    command = [sys.executable, "-m", f"tests.gates.{module}", *arguments]
    return Part(name, command, obstacle=lambda: _why_not(needs, one_of))


def _why_not(needs: tuple[str, ...], one_of: tuple[str, ...]) -> str:
    return missing(*needs) or missing_all(*one_of)
