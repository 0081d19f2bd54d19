# SPDX-License-Identifier: GPL-3.0-or-later
"""A module as a process of its own, as Ansible starts it on a host, without Ansible around it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
COLLECTIONS = REPOSITORY / ".collections"

# The high-water mark of this program alone: the one in a process's resource usage begins with its parent's.
REPORT_MEMORY = """
import atexit, sys
def report():
    with open("/proc/self/status") as status:
        sys.stderr.write("".join(line for line in status if line.startswith("VmHWM")))
atexit.register(report)
"""
_RUN = """
import json, runpy, sys
{before}
from ansible.module_utils import basic
# As Ansible's own wrapper passes options; what ansible.module_utils.testing needs for it would take as long as a check.
basic._ANSIBLE_ARGS = json.dumps({{"ANSIBLE_MODULE_ARGS": json.load(sys.stdin)}}).encode()
basic._ANSIBLE_PROFILE = "legacy"
runpy.run_module("ansible_collections.analytics.ops.plugins.modules." + sys.argv[1], run_name="__main__")
"""
WITHOUT_ISAL = "sys.modules['isal'] = None"


def run_module(name: str, options: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Its result, with what it wrote to standard error as ``stderr``; ``before`` is run in the same process first."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(before=before), name],
        input=json.dumps(options),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        check=False,
    )
    try:
        return {"failed": False, "stderr": done.stderr, **json.loads(done.stdout)}
    except ValueError:
        raise RuntimeError(f"{name} gave no JSON (exit code {done.returncode}):\n{done.stdout}{done.stderr}") from None


def memory_mib(stderr: str) -> float:
    """From what ``REPORT_MEMORY`` wrote."""
    return int(stderr.split("VmHWM:")[1].split()[0]) / 1024
