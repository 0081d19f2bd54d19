# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures were measured on: the machine, without its name, and the versions of everything that took part."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.servers import POSTGRES_PROGRAMS
from benchmarks.tools import CHECK_PGACTIVITY, CHECK_POSTGRES
from demo.embedded.binaries import valkey_server

LIBRARIES = ("ansible-core", "psycopg2-binary", "redis", "isal")
PROGRAMS = {
    "PostgreSQL": [str(POSTGRES_PROGRAMS / "postgres"), "--version"],
    "Valkey": [str(valkey_server()), "--version"],
    "check_postgres": [CHECK_POSTGRES, "--version"],
    "check_pgactivity": [CHECK_PGACTIVITY, "--version"],
    "gzip": ["gzip", "--version"],
    "sha256sum": ["sha256sum", "--version"],
    "OpenSSL": ["openssl", "version"],
}


def facts() -> dict[str, str]:
    """``machine``, ``versions`` and ``date``, each one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB RAM, {_system()}",
        "versions": ", ".join([f"Python {platform.python_version()}", *_libraries(), *_programs()]),
    }


def _processor() -> str:
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def _system() -> str:
    return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release().split('-')[0]}"


def _libraries() -> list[str]:
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {name}")
    return found


def _programs() -> list[str]:
    found = []
    for name, command in PROGRAMS.items():
        if not command[0] or not shutil.which(command[0]):
            found.append(f"no {name}")
            continue
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        version = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
        found.append(f"{name} {version.group() if version else '?'}")
    return found
