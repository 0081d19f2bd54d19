# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports are what ``docs/report.schema.json`` promises, and the schema refuses what they are not."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.history import Past, with_history
from ansible_collections.analytics.ops.plugins.module_utils._judge.report import SCHEMA as VERSION
from jsonschema import Draft202012Validator

from tests.support.report_schema import SCHEMA, objections
from tests.support.reports import BLOAT, fleet, looked, report_of

REPORTS = {
    "fleet": fleet(12, 30)[0],
    "first": with_history(report_of(looked(BLOAT), looked()), Past()),
    "without a history": with_history(report_of(looked(BLOAT, checks=None)), None),
}


def test_the_schema_is_one_and_of_this_version():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"] == {"const": VERSION}


@pytest.mark.parametrize("name", REPORTS)
def test_reports_are_what_the_schema_says(name):
    assert objections(REPORTS[name]) == []


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"more": 1}, {"started": "now"}, {"status": "fine"}, {"trends": None}]
)
def test_the_schema_refuses_other_things(change):
    assert objections({**REPORTS["fleet"], **change})


def test_every_key_that_the_schema_names_is_required():
    for part in [SCHEMA, *SCHEMA["$defs"].values()]:
        assert set(part.get("required", ())) == set(part.get("properties", ()))
