# SPDX-License-Identifier: GPL-3.0-or-later
"""The collections that the lab itself uses, and Docker's Compose, without Galaxy: from PyPI and Debian's packages.

``analytics.ops`` needs neither. The package ``ansible`` on PyPI holds the community collections; only those named here
are unpacked from it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.lab import CACHE, REPOSITORY, LabError

# The newest release that goes with the oldest ansible-core that we support.
BUNDLE = "ansible==12.3.0"
COLLECTIONS = REPOSITORY / ".cache" / "collections"
WANTED = ("community/docker", "community/library_inventory_filtering_v1", "ansible/posix")
COMPOSE = Path("usr", "libexec", "docker", "cli-plugins", "docker-compose")


def collections() -> Path:
    """The folder that holds ``ansible_collections``; unpacked on first use. ``ansible.cfg`` names it, too."""
    stamp = COLLECTIONS / BUNDLE
    if stamp.exists():
        return COLLECTIONS
    with tempfile.TemporaryDirectory(dir=_made(CACHE)) as scratch:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        fetched = subprocess.run([*download, "--dest", scratch, BUNDLE], capture_output=True, text=True, check=False)
        if fetched.returncode:
            raise LabError(f"pip could not download {BUNDLE}:\n{fetched.stderr[-800:]}")
        shutil.rmtree(COLLECTIONS, ignore_errors=True)
        with zipfile.ZipFile(next(Path(scratch).glob("ansible-*.whl"))) as wheel:
            prefixes = tuple(f"ansible_collections/{name}/" for name in WANTED)
            wheel.extractall(COLLECTIONS, [name for name in wheel.namelist() if name.startswith(prefixes)])
    stamp.touch()
    return COLLECTIONS


def docker_configuration() -> Path | None:
    """A folder for ``DOCKER_CONFIG`` that holds Compose, or nothing when Docker here has Compose already."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return None
    path = CACHE / "docker"
    plugin = path / "cli-plugins" / "docker-compose"
    if not plugin.exists():
        _fetch_compose(plugin)
    return path


def _fetch_compose(plugin: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise LabError("This Docker has no Compose; install Docker's Compose plugin, or mmdebstrap to fetch Debian's.")
    with tempfile.TemporaryDirectory(dir=_made(CACHE)) as scratch:
        # Debian 12 has only Compose 1; the program of Debian 13 is a static one and runs anywhere.
        command = ["mmdebstrap", "--variant=extract", "--include=docker-compose", "trixie", f"{scratch}/root"]
        fetched = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False
        )
        if fetched.returncode:
            raise LabError(f"mmdebstrap could not fetch docker-compose:\n{fetched.stderr[-800:]}")
        _made(plugin.parent)
        shutil.move(Path(scratch, "root", COMPOSE), plugin)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
