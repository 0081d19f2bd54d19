# SPDX-License-Identifier: GPL-3.0-or-later
"""Real programs that the examples declare, as processes on free ports: PostgreSQL with a replica, nginx with TLS,
Streamlit, azurite, and the applications. Nothing of it is under systemd or Compose.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from demo.embedded import process
from demo.embedded.binaries import postgres_programs, readable_by_others
from demo.embedded.postgres import PostgresServer
from tests.support.certificates import Authority
from tests.support.pg_health import HEALTHY_SETTINGS
from tests.support.sources import REPOSITORY

AZURITE = "3.35.0"
OPS_PASSWORD = "example-ops"


@contextmanager
def running(name: str, command: list[Any], log: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """A process with all that it starts; killed at the end."""
    started = process.start(command, log, **environment)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def wait_for(url: str, started: subprocess.Popen, log: Path) -> None:
    def answers() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    process.wait_until(answers, started, log, url, seconds=120)


@contextmanager
def postgres(directory: Path) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary and its streaming replica, with a user that has the rights the documentation asks for."""
    programs = postgres_programs()
    if process.needs_hand_over():
        programs = readable_by_others(programs, directory / "programs")
    primary = PostgresServer(programs, directory / "primary", settings=HEALTHY_SETTINGS, fast=False).create()
    replica = PostgresServer(programs, directory / "replica", settings=HEALTHY_SETTINGS, fast=False)
    primary.start()
    try:
        replica.create_replica(primary)
        replica.start()
        yield primary, replica
    finally:
        for server in (replica, primary):
            server.stop(signal.SIGQUIT)


@contextmanager
def applications(directory: Path, wanted: list[dict[str, Any]]) -> Iterator[None]:
    """All in one process; see ``examples_app``."""
    configuration, log = directory / "applications.json", directory / "applications.log"
    configuration.write_text(json.dumps(wanted))
    command = [sys.executable, "-m", "tests.support.examples_app", configuration]
    with running("applications", command, log, PYTHONPATH=str(REPOSITORY)) as started:
        for one in wanted:
            wait_for(f"http://127.0.0.1:{one['port']}/health", started, log)
        yield


@contextmanager
def streamlit(directory: Path, port: int) -> Iterator[None]:
    script, log = directory / "dashboard.py", directory / "streamlit.log"
    script.write_text('import streamlit\nstreamlit.title("Analytics")\n')
    options = ["--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true"]
    options += ["--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    command = [sys.executable, "-m", "streamlit", "run", script, *options]
    with running("streamlit", command, log, HOME=str(directory)) as started:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", started, log)
        yield


SITE = """
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        access_log {log};
        {locations}
    }}"""
PLAIN = """
    server {{
        listen 127.0.0.1:{port};
        access_log off;
        return 301 https://127.0.0.1:{to}$request_uri;
    }}"""


@contextmanager
def nginx(
    directory: Path, authority: Authority, sites: list[dict[str, Any]], redirects: dict[int, int]
) -> Iterator[None]:
    """``sites`` are served over TLS: ``port``, ``log``, and ``locations`` that lead to local ports."""
    shown = authority.certificate()
    servers = [PLAIN.format(port=port, to=to) for port, to in redirects.items()]
    for site in sites:
        locations = "".join(
            f"location {path} {{ proxy_pass http://127.0.0.1:{port}; }}" for path, port in site["locations"].items()
        )
        servers.append(
            SITE.format(port=site["port"], certificate=shown.path, key=shown.key, log=site["log"], locations=locations)
        )
    temporary = "".join(
        f"    {kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration, log = directory / "nginx.conf", directory / "nginx.log"
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(
        f"{user} daemon off; worker_processes 1; pid {directory}/nginx.pid;\n"
        f"events {{}}\nhttp {{\n{temporary}{''.join(servers)}\n}}\n"
    )
    with running("nginx", [nginx_program(), "-e", log, "-c", configuration], log) as started:
        for site in sites:
            process.wait_until(lambda port=site["port"]: _accepts(port), started, log, f"nginx on {site['port']}", 60)
        yield


def nginx_program() -> str:
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or ""


@contextmanager
def azurite(directory: Path, port: int) -> Iterator[subprocess.Popen]:
    """Azure's storage emulator, from npm once."""
    log = directory / "azurite.log"
    script = azurite_program() / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    options = ["--blobHost", "127.0.0.1", "--blobPort", port, "--location", directory / "azurite", "--silent"]
    command = ["node", script, *options, "--skipApiVersionCheck", "--disableTelemetry"]
    with running("azurite", command, log) as started:
        wait_for(f"http://127.0.0.1:{port}/", started, log)
        yield started


def azurite_program() -> Path:
    """Where npm puts it; fetched at first use. ``RuntimeError`` says why not."""
    home = REPOSITORY / ".cache" / "npm" / f"azurite-{AZURITE}"
    if not home.exists():
        if not shutil.which("npm"):
            raise RuntimeError("no program 'npm' (Debian: apt install npm)")
        fresh = home.with_name(f"{home.name}.{os.getpid()}")
        fresh.mkdir(parents=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--omit=dev", "--prefix", fresh, f"azurite@{AZURITE}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(fresh)
            raise RuntimeError(f"azurite could not be fetched: {done.stderr.strip()[-500:]}")
        fresh.rename(home)
    return home


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
