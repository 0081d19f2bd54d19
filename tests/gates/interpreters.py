# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons of this machine, and virtual environments made with them for tools that must not meet ours."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
VENVS = REPOSITORY / ".cache" / "venvs"


class GateError(Exception):
    """A gate cannot run or found something; the message says what."""


@cache
def interpreter(version: str) -> Path | None:
    """``python3.9`` and the like: the running one, on the ``PATH``, or one that pyenv keeps."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return Path(sys.base_prefix, "bin", f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    found = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python{version}"), reverse=True)]
    for candidate in filter(None, found):
        # A shim of pyenv is there for every version, and only says that it is not installed.
        if subprocess.run([candidate, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0:
            return Path(candidate)
    return None


def first_interpreter(*versions: str) -> tuple[str, Path]:
    for version in versions:
        path = interpreter(version)
        if path:
            return version, path
    raise GateError(f"No Python {' or '.join(versions)} was found on this machine (PATH, pyenv).")


def missing(*versions: str) -> str:
    """Why a gate that needs all these Pythons cannot run; empty when they are there."""
    absent = [version for version in versions if interpreter(version) is None]
    return f"no Python {', '.join(absent)} on this machine" if absent else ""


def missing_all(*versions: str) -> str:
    """Why a gate that needs one of these Pythons cannot run; empty when one is there, or none is needed."""
    if not versions or any(interpreter(version) for version in versions):
        return ""
    return f"no Python {' or '.join(versions)} on this machine"


def environment(name: str, python: Path, *requirements: str) -> Path:
    """A virtual environment with these requirements, made once and again when they change; returns its programs."""
    home = VENVS / name
    stamp = home / "requirements"
    files = [Path(name).read_text() for name in requirements if name.endswith(".txt")]
    wanted = hashlib.sha256("\n".join([str(python), *requirements, *files]).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return home / "bin"
    shutil.rmtree(home, ignore_errors=True)
    _checked([str(python), "-m", "venv", str(home)])
    _checked([str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *requirements])
    stamp.write_text(wanted)
    return home / "bin"


def _checked(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GateError(f"{' '.join(command[:4])} … failed:\n{done.stderr[-1500:]}")
