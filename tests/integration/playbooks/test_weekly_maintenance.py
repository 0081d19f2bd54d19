# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on a neglected stack: shown first, then done, then little is left to do."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

PLAYBOOK = "playbooks/weekly_maintenance.yml"
WORK = ("vacuum", "analyze", "vacuum_analyze", "reindex", "drop", "delete", "expire")


def lock_file(stack):
    return stack.home / "locks" / "analytics_ops.weekly_maintenance.lock"


def test_check_mode_shows_the_work_and_changes_nothing(stack):
    before = stack.fingerprint()
    run = stack.play(PLAYBOOK, "--check", "--diff")
    assert run.code == 0, run.output
    assert stack.fingerprint() == before
    assert not lock_file(stack).exists()
    planned = {step["action"] for step in run.report["steps"] if step["outcome"] == "planned"}
    assert {"reindex", "delete", "expire"} <= planned
    assert not [step for step in run.report["steps"] if step["outcome"] == "done"]
    assert "check mode: nothing was changed" in run.output


def test_one_part_inside_the_frame(stack):
    run = stack.play(PLAYBOOK, "--tags", "redis_keys", "--limit", "cache1", "--check")
    assert run.code == 0, run.output
    assert {step["action"] for step in run.report["steps"]} == {"acquire", "delete", "expire"}
    assert {finding["host"] for finding in run.report["findings"]} <= {"cache1"}


def test_the_window_repairs_what_was_neglected(stack):
    bloated = stack.query("SELECT pg_relation_size('tasks_status_updated_idx')")[0][0]
    run = stack.play(PLAYBOOK)
    assert run.code == 0, run.output
    assert run.found("pg.invalid_indexes", "resolved")
    assert stack.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
    assert stack.query("SELECT pg_relation_size('tasks_status_updated_idx')")[0][0] < bloated
    assert stack.query("SELECT sum(n_dead_tup) FROM pg_stat_user_tables")[0][0] < 1000
    assert not list(stack.keys().scan_iter("tmp:export:*", count=10000))
    assert stack.keys().ttl("cache:user:1") > 0
    newest = max((f for f in stack.backups.glob("*.dump")), key=lambda file: file.stat().st_mtime)
    assert time.time() - newest.stat().st_mtime < 300
    assert "What was done" in run.output
    assert "What is better" in run.output
    assert not lock_file(stack).exists()


def test_what_maintenance_cannot_mend_is_still_said(stack):
    run = stack.play("playbooks/daily_health_check.yml")
    assert run.code == 0
    assert run.report["status"] == "unhealthy"
    assert len(run.found("backup.checksum")) == 2
    assert run.found("pg.idle_in_transaction")


def test_a_second_run_has_little_to_do(stack):
    run = stack.play("analytics.ops.weekly_maintenance")
    assert run.code == 0, run.output
    assert run.steps(*WORK) == []


def test_a_single_part_of_the_check_fails_the_run_too(stack):
    run = stack.play("playbooks/daily_health_check.yml", "--tags", "backups", "-e", "analytics_ops_fail_on=unhealthy")
    assert run.code == 2
    assert {finding["check"].partition(".")[0] for finding in run.report["findings"]} == {"backup"}


def test_a_mistake_in_one_rule_stays_on_its_host(stack):
    rules = json.dumps({"redis_maintenance_rules": [{"pattern": "tmp:*"}]})
    run = stack.play(PLAYBOOK, "--tags", "redis_keys", "--check", "-e", rules)
    assert run.code == 2
    assert {failure["host"] for failure in run.report["failures"]} == {"cache1"}
    assert "state" in run.report["failures"][0]["message"]


def test_two_runs_never_work_at_once(stack):
    lock_file(stack).parent.mkdir(exist_ok=True)
    options = f"name=weekly_maintenance directory='{lock_file(stack).parent}' owner='the night shift'"
    program = Path(sys.executable).with_name("ansible")
    ad_hoc = [
        sys.executable,
        program,
        "-i",
        stack.home / "inventory",
        "db1",
        "-m",
        "analytics.ops.run_lock",
        "-a",
        options,
    ]
    taken = subprocess.run(ad_hoc, cwd=".", env=stack.environment, capture_output=True, text=True, check=False)
    assert taken.returncode == 0, taken.stdout + taken.stderr
    try:
        before = stack.fingerprint()
        run = stack.play(PLAYBOOK)
        assert run.code == 2
        assert "the night shift" in run.output
        assert lock_file(stack).exists(), "another run's lock was given back"
        assert stack.fingerprint() == before
    finally:
        identity = json.loads(lock_file(stack).read_text())["id"]
    done = stack.play(PLAYBOOK, "--tags", "verify", "-e", f"maintenance_frame_takeover={identity}")
    assert done.code == 0, done.output
    assert not lock_file(stack).exists()


def test_a_failed_part_stops_its_host_and_gives_the_lock_back(stack):
    run = stack.play(PLAYBOOK, "-e", "backup_directory=/proc/nowhere", "--limit", "db1")
    assert run.code == 2
    assert run.steps(*WORK) == []
    assert not lock_file(stack).exists()
    assert [failure for failure in run.report["failures"] if "/proc/nowhere" in failure["message"]]


def test_an_interrupted_run_still_reports(stack):
    run = stack.play(PLAYBOOK, interrupt_at="Write the backup")
    assert run.code != 0
    assert run.found("pg.idle_in_transaction")
    assert "What is wrong now" in run.output
    identity = json.loads(lock_file(stack).read_text())["id"]
    refused = stack.play(PLAYBOOK)
    assert refused.code == 2 and identity in refused.output
    lock_file(stack).unlink()


def test_no_work_on_a_broken_stack_and_one_failure_hides_no_other(stack):
    stack._cache().stop()
    run = stack.play(PLAYBOOK)
    assert run.code == 2
    assert run.report["status"] == "unhealthy"
    assert run.found("redis.reachable", "open")
    assert run.found("http.status") or run.found("http.body") or run.found("http.reachable")
    assert run.found("pg.idle_in_transaction"), "a dead cache hid the database"
    assert not run.steps("delete", "expire")
    assert not lock_file(stack).exists()


def test_a_mistake_in_the_declared_stack_is_said_before_anything_runs(stack):
    cycle = {"a": {"group": "db", "after": ["b"]}, "b": {"group": "db", "after": ["a"]}}
    run = stack.play(PLAYBOOK, "-e", json.dumps({"analytics_ops_services": cycle}))
    assert run.code == 2
    assert "a → b → a" in run.output or "b → a → b" in run.output
    assert not lock_file(stack).exists()


def test_no_secret_reaches_the_output_or_the_report(stack):
    run = stack.play("playbooks/daily_health_check.yml", "-vvv")
    assert stack.password not in run.output
    assert stack.password not in json.dumps(run.report)
