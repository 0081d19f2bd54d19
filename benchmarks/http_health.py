# SPDX-License-Identifier: GPL-3.0-or-later
"""``http_health``: fifty endpoints of which one is slow take about as long as the slow one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.module import COLLECTIONS, REPOSITORY, run_module

SLOW_SECONDS, COUNT = 1.0, 50
ONE, MANY = "requests.get of the slow one, a process", "http_health, all 50"
# Servers in a process of their own: threads beside the harness would wait for it.
_SERVE = """
import sys, time
from pathlib import Path
from tests.support.certificates import Authority
from tests.support.http import reply, web_server
authority = Authority(Path(sys.argv[1]))
def answer(request):
    if request.path == "/0":
        time.sleep(float(sys.argv[2]))
    return reply({"status": "healthy", "components": {"db": {"status": "up", "response_time": 0.01}}})
with web_server(answer) as plain, web_server(answer, authority.certificate().context()) as secure:
    print(plain, secure, authority.path, sep="\\n", flush=True)
    sys.stdin.read()
"""
_GET = """
import sys, requests
print(requests.get(sys.argv[1], timeout=60, verify=sys.argv[2]).json()["status"])
"""


def comparisons(work: Path) -> Iterator[Comparison]:
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVE, work, str(SLOW_SECONDS)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{COLLECTIONS}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        plain, secure, authority = (server.stdout.readline().strip() for _line in range(3))
        for kind, url in (("http", plain), ("https", secure)):
            yield Comparison(
                f"http_health at {COUNT} {kind} endpoints",
                [
                    Variant(ONE, partial(_get, f"{url}/0", authority), lambda told: told == "healthy"),
                    Variant(MANY, partial(_ask, url, authority), _all_answered),
                ],
                [Goal(MANY, ONE, 1.3)],
                about=f"One of them answers after {SLOW_SECONDS:g} s, the others at once, all from one server on the "
                "same two cores. A fresh process each, without Ansible around it.",
            )
    finally:
        server.communicate(timeout=60)


def _get(url: str, authority: str) -> str:
    done = subprocess.run([sys.executable, "-c", _GET, url, authority], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _ask(url: str, authority: str) -> dict[str, Any]:
    endpoints = [{"name": f"e{number}", "url": f"{url}/{number}", "ca_certs": authority} for number in range(COUNT)]
    return run_module("http_health", {"endpoints": endpoints, "timeout": 30})


def _all_answered(result: dict[str, Any]) -> bool:
    figures = result["measurements"]
    return all(figures[f"http.e{n}.reachable"] == 1 for n in range(COUNT)) and (
        figures["http.e0.response_seconds"] >= SLOW_SECONDS
    )
