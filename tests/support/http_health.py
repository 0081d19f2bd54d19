# SPDX-License-Identifier: GPL-3.0-or-later
"""``http_health`` at one or several endpoints that share their options."""

from __future__ import annotations

from typing import Any

from tests.support.modules import run_module

HEALTHY = {
    "status": "healthy",
    "components": {
        "postgresql": {"status": "ok", "response_time": 0.01},
        "redis_cache": {"status": "healthy", "components": {"replica": {"status": "up"}}},
        "queue": "up",
    },
    "circuit_breakers": {"postgresql": "closed", "duckdb": {"state": "CLOSED"}},
}


def health(*urls: str, include_ok: bool = False, **options: Any) -> dict[str, Any]:
    """The result for these endpoints, called a, b, c …; other options go to the module, or to every endpoint."""
    ours = {name: options.pop(name) for name in ("checks", "thresholds", "tries", "timeout") if name in options}
    endpoints = [{"name": chr(ord("a") + number), "url": url, **options} for number, url in enumerate(urls)]
    # A busy machine is no fault of the server.
    ours.setdefault("thresholds", {"response_time": {"warning": 60, "critical": 60}})
    ours.setdefault("timeout", 30)
    return run_module("http_health", endpoints=endpoints, include_ok=include_ok, **ours)


def only_finding(result: dict[str, Any]) -> dict[str, Any]:
    assert not result["failed"], result["msg"]
    assert not result["changed"]
    assert len(result["findings"]) == 1, result["findings"]
    return result["findings"][0]


def severities(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(finding["check"], finding["subject"]): finding["severity"] for finding in result["findings"]}
