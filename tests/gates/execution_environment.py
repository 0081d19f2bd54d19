# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.gates.execution_environment``: ansible-builder finds in the collection what its modules need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from tests.gates.galaxy import BUILD, build
from tests.gates.interpreters import GateError, environment, first_interpreter

BUILDER = ("ansible-builder==3.1.1", "setuptools<81")
DRIVERS = {"psycopg2", "redis", "requests"}


def introspected(programs: Path) -> dict:
    """What ansible-builder says of the collection as it would be installed."""
    tarball = build()
    installed = BUILD / "installed"
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    _checked([str(galaxy), "collection", "install", "--offline", "--force", "-p", str(installed), str(tarball)])
    said = _checked([str(programs / "ansible-builder"), "introspect", "--sanitize", str(installed)])
    return yaml.safe_load(said)


def create(programs: Path) -> None:
    """A build context for an image with the collection in it; the image itself needs a registry."""
    definition = BUILD / "execution-environment.yml"
    galaxy = {"collections": [{"name": str(max(BUILD.glob("analytics-ops-*.tar.gz"))), "type": "file"}]}
    definition.write_text(yaml.safe_dump({"version": 3, "dependencies": {"galaxy": galaxy}}))
    context = BUILD / "context"
    _checked([str(programs / "ansible-builder"), "create", "--file", str(definition), "--context", str(context)])


def _checked(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GateError(f"{' '.join(command[:3])} … failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> int:
    try:
        _version, python = first_interpreter("3.12", "3.11", "3.13")
        programs = environment("ansible-builder", python, *BUILDER)
        found = introspected(programs)
        create(programs)
    except GateError as error:
        print(error, file=sys.stderr)
        return 1
    named = {line.split("#", maxsplit=1)[0] for line in found.get("python", [])}
    missing = sorted(driver for driver in DRIVERS if not any(line.startswith(driver) for line in named))
    if missing or not found.get("system"):
        print(f"ansible-builder does not see {', '.join(missing) or 'the system packages'}:\n{yaml.safe_dump(found)}")
        return 1
    print(f"ansible-builder sees {len(named)} Python requirements and {len(found['system'])} system packages.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
