# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole window with the users that the documents tell one to make, and no right more."""

from __future__ import annotations

import json
import re

from tests.support.sources import REPOSITORY

WORD = "ops-password"


def line(page: str, begin: str) -> str:
    """The one line of a document that begins like that, with a password."""
    (found,) = [text for text in (REPOSITORY / "docs" / page).read_text().splitlines() if text.startswith(begin)]
    return re.sub(r"(?<=[>'])…", WORD, found)


def test_the_documented_rights_are_enough_for_the_weekly_window(stack):
    stack.query(line("pg_health.md", "CREATE ROLE ops ").partition(" --")[0] + " SELECT 1")
    stack.keys().execute_command(*line("redis.md", "ACL SETUSER ops ").split())
    user = {"login_host": "127.0.0.1", "login_user": "ops", "login_password": WORD}
    logins = {
        "analytics_ops_postgresql_login": {**user, "login_port": "{{ postgresql_port }}", "login_db": "analytics"},
        "analytics_ops_redis_login": {**user, "login_port": stack.ports.cache},
    }
    run = stack.play("playbooks/weekly_maintenance.yml", "-e", json.dumps(logins))
    assert run.code == 0, run.output
    assert run.report["failures"] == []
    assert [finding for finding in run.report["findings"] if finding["severity"] == "unknown"] == []
    done = {step["action"] for step in run.report["steps"] if step["outcome"] == "done"}
    assert {"dump", "vacuum_analyze", "reindex", "delete", "expire"} <= done
    assert not [step for step in run.report["steps"] if step["outcome"] == "failed"]
