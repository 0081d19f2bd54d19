# SPDX-License-Identifier: GPL-3.0-or-later
"""Without a Python library the task says in one message what to install, and what needs none works on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.embedded.process import free_port
from demo.embedded.valkey import ValkeyServer
from tests.support.duckdb_files import make
from tests.support.modules import COLLECTIONS

_WITHOUT = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
module, library, options = json.load(sys.stdin)
sys.modules[library] = None
with patch_module_args(options):
    runpy.run_module("ansible_collections.analytics.ops.plugins.modules." + module, run_name="__main__")
"""


def run_without(library: str, module: str, **options: Any) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT],
        input=json.dumps([module, library, options]),
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return json.loads(done.stdout)


def test_celery_is_only_needed_to_ask_workers(valkey: ValkeyServer) -> None:
    login = {"login_host": "127.0.0.1", "login_port": valkey.port, "login_password": valkey.password}
    result = run_without("kombu", "celery_health", **login)
    assert result["failed"] is True
    assert "pip install celery" in result["msg"]
    broker = run_without("kombu", "celery_health", **login, login_db=3, checks=["queue_depth", "unacked_age"])
    assert (broker["status"], broker["findings"]) == ("healthy", [])


@pytest.mark.parametrize("module", ["duckdb_health", "data_check"])
def test_duckdb(module: str, tmp_path: Path) -> None:
    file = str(make(tmp_path / "a.duckdb"))
    assertion = {"name": "a", "sql": "SELECT 1", "min": 1, "store": "duckdb"}
    options = {"path": [file]} if module == "duckdb_health" else {"duckdb_file": file, "assertions": [assertion]}
    result = run_without("duckdb", module, **options)
    assert result["failed"] is True
    assert "pip install duckdb" in result["msg"]


def test_duckdb_is_not_needed_for_postgresql() -> None:
    assertion = {"name": "a", "sql": "SELECT 1", "min": 1}
    result = run_without("duckdb", "data_check", login_host="127.0.0.1", login_port=free_port(), assertions=[assertion])
    assert [finding["check"] for finding in result["findings"]] == ["data.reachable"]
