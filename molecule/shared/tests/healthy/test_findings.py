# SPDX-License-Identifier: GPL-3.0-or-later
"""Silence on a healthy stack, by a look that left nothing out."""

from tests.lab.report import expected_targets, open_findings, report


def test_nothing_is_found():
    assert open_findings() == set()


def test_everything_was_looked_at():
    assert {(entry["host"], entry["target"]) for entry in report()["measurements"]} >= expected_targets()


def test_the_run_ended_healthy():
    assert report()["status"] == "healthy"
    assert report()["failures"] == []
