# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module as Ansible would: a process of its own, options as JSON on standard input, the result as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
COLLECTIONS = REPOSITORY / ".collections"

_RUNNER = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
name, options = sys.argv[1], json.load(sys.stdin)
with patch_module_args(options):
    runpy.run_module("ansible_collections.analytics.ops.plugins.modules." + name, run_name="__main__")
"""


def start_module(name: str, /, *, check_mode: bool = False, diff: bool = False, **options: Any) -> subprocess.Popen:
    """The running module; ``module_result`` waits for it. For tests that interrupt or race."""
    options.update(_ansible_check_mode=check_mode, _ansible_diff=diff)
    process = subprocess.Popen(
        [sys.executable, "-c", _RUNNER, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
    )
    process.stdin.write(json.dumps(options))
    process.stdin.close()
    process.stdin = None
    return process


def module_result(process: subprocess.Popen, timeout: float = 120) -> dict[str, Any]:
    output, errors = process.communicate(timeout=timeout)
    try:
        result = json.loads(output)
    except ValueError:
        raise AssertionError(f"no JSON from the module (exit code {process.returncode}):\n{output}\n{errors}") from None
    result["failed"] = result.get("failed", False)
    return result


def run_module(name: str, /, *, check_mode: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
    """The module's result; ``failed`` is always there."""
    return module_result(start_module(name, check_mode=check_mode, diff=diff, **options))


def found(result: dict[str, Any], check: str, subject: str | None = None) -> list[dict[str, Any]]:
    """The findings of one check in a result, of one subject if it is named."""
    return [f for f in result["findings"] if f["check"] == check and subject in (None, f["subject"])]
