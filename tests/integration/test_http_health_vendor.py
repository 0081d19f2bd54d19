# SPDX-License-Identifier: GPL-3.0-or-later
"""``http_health`` and the status pages of vendors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.http import reply, web_server
from tests.support.http_health import health, only_finding, severities

COMPONENTS = [
    {"id": "g", "name": "Europe", "status": "major_outage", "group": True},
    {"id": "1", "name": "API", "status": "operational", "group_id": "g"},
    {"id": "2", "name": "Webhooks", "status": "partial_outage", "group_id": "g"},
    {"id": "3", "name": "Dashboard", "status": "major_outage"},
    {"id": "4", "name": "Reports", "status": "under_maintenance"},
]
INCIDENTS = [
    {"name": "Webhooks are late", "status": "identified", "impact": "minor", "components": [{"name": "Webhooks"}]},
    {"name": "Old trouble", "status": "resolved", "impact": "critical", "components": [{"name": "API"}]},
]


def page(indicator: str = "none", **more: Any) -> dict[str, Any]:
    description = {"none": "All Systems Operational"}.get(indicator, "Partial System Outage")
    return {"page": {"name": "Vendor"}, "status": {"indicator": indicator, "description": description}, **more}


@pytest.mark.parametrize(
    ("indicator", "severity"),
    [("none", None), ("minor", "warning"), ("major", "critical"), ("critical", "critical"), ("purple", "unknown")],
)
def test_a_page_is_as_bad_as_it_says(indicator: str, severity: str | None) -> None:
    content = page(indicator, components=COMPONENTS, incidents=INCIDENTS)
    with web_server(lambda request: reply(content, 200 if request.path == "/api/v2/summary.json" else 404)) as url:
        result = health(url, kind="statuspage")
    if severity is None:
        assert result["findings"] == []
        return
    finding = only_finding(result)
    assert (finding["check"], finding["severity"]) == ("http.vendor", severity)
    assert "Affected: Webhooks (partial outage), Dashboard (major outage), Reports" in finding["message"]
    assert "Incidents: Webhooks are late." in finding["message"]


def test_only_the_components_that_count_are_judged() -> None:
    content = page("critical", components=COMPONENTS, incidents=INCIDENTS)
    with web_server(lambda request: reply(content)) as url:
        names = ["api", "Webhooks", "Reports", "Nowhere"]
        result = health(f"{url}/api/v2/summary.json", kind="statuspage", components=names)
    assert severities(result) == {
        ("http.vendor", "a: Webhooks"): "warning",
        ("http.vendor", "a: Reports"): "info",
        ("http.vendor", "a: Nowhere"): "unknown",
    }
    (webhooks,) = [finding for finding in result["findings"] if finding["subject"] == "a: Webhooks"]
    assert webhooks["message"] == "It is 'partial outage'. Incidents: Webhooks are late."


@pytest.mark.parametrize("content", [b"<html>Sign in</html>", {"status": "ok"}, {"status": {"indicator": 3}}, []])
def test_what_is_no_status_page_is_unknown(content: Any) -> None:
    with web_server(lambda request: reply(content)) as url:
        finding = only_finding(health(url, kind="statuspage"))
    assert (finding["check"], finding["severity"]) == ("http.vendor", "unknown")


def test_a_vendor_without_a_status_page_is_an_address_like_any_other() -> None:
    with web_server(lambda request: reply(b"<html><title>Welcome</title></html>")) as url:
        assert health(url, expect_text="<title>Welcome")["findings"] == []
