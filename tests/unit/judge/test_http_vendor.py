# SPDX-License-Identifier: GPL-3.0-or-later
"""What vendors' status pages say."""

from __future__ import annotations

import json

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.http import CHECKS
from ansible_collections.analytics.ops.plugins.module_utils._judge.http_answer import Answer, Expected

COMPONENTS = [
    {"name": "API", "status": "operational"},
    {"name": "Mail", "status": "degraded_performance"},
    {"name": "All", "status": "major_outage", "group": True},
    {"name": "Odd", "status": "purple"},
    "text",
]


def run(content, *components, **fields):
    usual = {"name": "v", "address": "https://v/", "kind": "statuspage", "status": 200}
    one = Answer(
        **{**usual, "expected": Expected(components=components), "body": json.dumps(content).encode(), **fields}
    )
    findings = CHECKS.select(["vendor"]).findings({"answers": [one]}, "endpoints")
    return [finding for finding in findings if finding.subject != "endpoints"]


def page(indicator="none", description="Fine", **more):
    return {"status": {"indicator": indicator, "description": description}, **more}


@pytest.mark.parametrize(
    ("indicator", "severity"),
    [
        ("none", "ok"),
        ("maintenance", "info"),
        ("MINOR", "warning"),
        ("major", "critical"),
        ("critical", "critical"),
        ("x", "unknown"),
    ],
)
def test_indicators(indicator, severity):
    (found,) = run(page(indicator))
    assert (found.severity, found.message) == (severity, "It says 'Fine'.")


def test_without_a_description():
    (found,) = run(page("minor", None))
    assert found.message == "It says 'minor'."


def test_what_is_affected_is_named_up_to_a_limit():
    incidents = [{"name": f"I{number}", "status": "identified"} for number in range(7)]
    maintenance = [{"name": "M", "status": "in_progress"}, {"name": "N", "status": "scheduled"}]
    (found,) = run(page("minor", components=COMPONENTS, incidents=incidents, scheduled_maintenances=maintenance))
    assert found.message == (
        "It says 'Fine'. Affected: Mail (degraded performance), Odd (purple). Incidents: I0, I1, I2, I3, I4 and 3 more."
    )


def test_chosen_components():
    incidents = [
        {"name": "Late", "status": "monitoring", "components": [{"name": "mail"}]},
        {"status": "monitoring", "components": "none"},
    ]
    found = run(page("critical", components=COMPONENTS, incidents=incidents), "api", "Mail", "Odd", "Gone")
    assert [(one.subject, one.severity) for one in found] == [
        ("v: api", "ok"),
        ("v: Mail", "warning"),
        ("v: Odd", "unknown"),
        ("v: Gone", "unknown"),
    ]
    assert found[1].message == "It is 'degraded performance'. Incidents: Late."


@pytest.mark.parametrize("content", [[], {"status": "ok"}, {"status": {"indicator": None}}])
def test_no_status_page(content):
    (found,) = run(content)
    assert found.severity == "unknown"


def test_others_are_not_asked():
    assert run(page("critical"), kind="service") == []
    assert run(page("critical"), problem="gone") == []


def test_a_status_page_is_no_body_of_ours():
    one = Answer("v", "https://v/", "statuspage", status=200, body=json.dumps(page(components=COMPONENTS)).encode())
    selection = CHECKS.select(["body", "component_pool"])
    assert {finding.subject for finding in selection.findings({"answers": [one]}, "all")} == {"all"}
