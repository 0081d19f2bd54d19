# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of a scenario read: the report of the playbook that ran last, and what each fault is found as."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import yaml

REPORT = "ANALYTICS_OPS_REPORT_FILE"


class Found(NamedTuple):
    """One finding, as far as the lab cares who found what and how bad it is."""

    host: str
    check: str
    severity: str


def report() -> dict[str, Any]:
    return json.loads(Path(os.environ[REPORT]).read_text())


def open_findings() -> set[Found]:
    """What is not in order at the end of the run."""
    return {
        Found(finding["host"], finding["check"], finding["severity"])
        for finding in report()["findings"]
        if finding["state"] != "resolved"
    }


def expected_findings() -> dict[str, set[Found]]:
    """What each fault of the scenario should be found as, by the fault's name."""
    return {
        fault["name"]: {Found(**finding) for finding in fault["finds"]} for fault in _of_the_scenario()["lab_faults"]
    }


def expected_targets() -> set[tuple[str, str]]:
    """Host and target of everything that a look at the scenario's stack must have measured."""
    return {(host, target) for host, targets in _of_the_scenario()["lab_targets"].items() for target in targets}


def _of_the_scenario() -> dict[str, Any]:
    # Molecule runs the tests in the scenario's folder.
    return yaml.safe_load(Path("inventory/group_vars/all/faults.yml").read_text())
