# SPDX-License-Identifier: GPL-3.0-or-later
"""The published schema of the report, to hold real reports against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "report.schema.json").read_text())


def objections(report: dict[str, Any]) -> list[str]:
    """What the schema has against a report, after it has been JSON."""
    validator = Draft202012Validator(SCHEMA)
    return [
        f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(json.loads(json.dumps(report)))
    ]
