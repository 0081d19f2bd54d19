# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import Finding, check_result
from ansible_collections.analytics.ops.plugins.module_utils._judge.plan import Step, act_result
from ansible_collections.analytics.ops.plugins.module_utils._judge.report import Run
from ansible_collections.analytics.ops.plugins.module_utils._judge.report_text import render

BLOAT = Finding("pg.table_bloat", "public.tasks", "warning", "It is 40 % air.", 40.0, "%", 30, 50, "Run VACUUM.")
IDLE = Finding("pg.idle_in_transaction", "pid 7", "critical", "It forgot to commit.", 900, "seconds", 300, 900, "Ask.")
TARGET = "postgresql://db1:5432/analytics"


def looked(*findings, **measurements):
    return check_result(findings, target=TARGET, measurements=measurements)


def run_of(*results):
    run = Run(playbook="weekly_maintenance")
    for result in results:
        run.add_result("db1", "some task", result)
    return run


def test_first_look_is_before_and_last_look_is_now():
    vacuumed = act_result(
        [], [Step("vacuum", "public.tasks", "40 % dead rows", {"seconds": 1.5})], [], changed=True, target=TARGET
    )
    report = run_of(
        looked(BLOAT, IDLE, **{"pg.tables.dead_rows": 4000}), vacuumed, looked(IDLE, **{"pg.tables.dead_rows": 0})
    ).report()
    assert [(f["check"], f["state"]) for f in report["findings"]] == [
        ("pg.idle_in_transaction", "open"),
        ("pg.table_bloat", "resolved"),
    ]
    assert (report["status_before"], report["status"]) == ("unhealthy", "unhealthy")
    assert [(s["action"], s["outcome"], s["host"]) for s in report["steps"]] == [("vacuum", "done", "db1")]
    assert report["measurements"] == [
        {
            "host": "db1",
            "target": TARGET,
            "before": {"pg.tables.dead_rows": 4000},
            "now": {"pg.tables.dead_rows": 0},
            "checks": None,
            "top": [],
        }
    ]
    json.dumps(report)


def test_one_look_has_no_before():
    report = run_of(looked(BLOAT)).report()
    assert report["measurements"][0]["before"] is None
    assert report["findings"][0]["value_before"] is None


def test_what_comes_up_during_the_run_is_new():
    report = run_of(looked(), looked(IDLE)).report()
    assert report["findings"][0]["state"] == "new"


DOWN = Finding("pg.reachable", "server", "critical", "Connection refused.", advice="Start it.")
BLIND = Finding("pg.table_bloat", "server", "unknown", "No right to look.", advice="GRANT pg_monitor.")


@pytest.mark.parametrize("last", [DOWN, BLIND], ids=lambda finding: finding.severity)
def test_what_could_not_be_looked_at_again_is_not_resolved(last):
    report = run_of(looked(BLOAT, IDLE), looked(last)).report()
    states = {(f["check"], f["subject"]): f["state"] for f in report["findings"]}
    assert states[("pg.table_bloat", "public.tasks")] == "open"
    assert states[("pg.idle_in_transaction", "pid 7")] == ("open" if last is DOWN else "resolved")


def test_a_run_in_which_something_failed_is_not_called_healthy():
    run = run_of(looked())
    run.add_failure("cache1", "Check Redis", "there is no check called 'redis.hit_rat'")
    assert run.report()["status"] == "unhealthy"
    assert "unhealthy (0 open, 1 failed)" in render(run.report(), 120)


def test_what_is_new_is_marked():
    text = render(run_of(looked(), looked(IDLE)).report(), 120)
    assert "(new) It forgot to commit." in text
    assert "1 open, 1 of them new" in text


def test_numbers_stay_in_one_piece():
    finding = Finding("pg.dead_tuples", "t", "warning", "It has " + "1 900 000 dead rows, " * 9)
    lines = render(run_of(looked(finding)).report(), 60).splitlines()
    assert sum(line.count("1 900 000") for line in lines) == 9


def test_check_mode_shows_the_plan():
    step = Step("reindex", "public.i", "invalid", {"size_bytes_before": 8192})
    run = Run(check_mode=True)
    run.add_result("db1", "some task", act_result([step], [], [step], changed=True, target=TARGET))
    assert run.report()["steps"][0]["outcome"] == "planned"
    text = render(run.report(), 120)
    assert "What would be done (check mode: nothing was changed)" in text
    assert "reindex public.i: invalid (8 kB)" in text


def test_unreachable_hosts_and_failures_are_never_hidden():
    run = run_of(looked())
    run.add_unreachable("db2", "ssh: no route to host")
    run.add_failure("db1", "Check Redis", "redis is not installed")
    report = run.report()
    assert report["status"] == "unhealthy"
    assert report["findings"][0]["check"] == "host.reachable"
    text = render(report, 120)
    assert "no route to host" in text
    assert "db1 · Check Redis: redis is not installed" in text


def test_results_of_other_modules_leave_no_trace():
    run = run_of({"changed": True, "stdout": "x"}, {"status": "present", "changed": False})
    assert run.is_empty


@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 120, 160, 250])
def test_no_line_is_wider_than_the_terminal(width):
    run = run_of(looked(BLOAT, IDLE), looked(IDLE))
    run.add_failure("db1", "A task with quite a long name for such a thing", "word " * 60)
    assert max(len(line) for line in render(run.report(), width).splitlines()) <= width


@pytest.mark.parametrize("width", [80, 140])
def test_every_open_finding_shows_value_limit_and_next_step(width):
    text = " ".join(render(run_of(looked(BLOAT, IDLE)).report(), width).split())
    for part in ("critical", "pg.idle_in_transaction", "15 min", "It forgot to commit. → Ask.", "40 %", "30 %", "Run"):
        assert part in text
    assert text.index("pg.idle_in_transaction") < text.index("pg.table_bloat")


def test_a_failure_that_is_passed_on_is_told_once():
    run = run_of(looked())
    run.add_failure("db1", "Write the backup", "The disk is full.")
    run.add_failure("db1", "Fail where the work failed", "Write the backup: The disk is full.")
    run.add_failure("db2", "Write the backup", "The disk is full.")
    assert [failure["host"] for failure in run.report()["failures"]] == ["db1", "db2"]


def test_colour_is_the_callers_business():
    def paint(text, colour):
        return f"<{colour}>{text}</{colour}>"

    report = run_of(looked(IDLE)).report()
    assert "<red>critical</red>" in render(report, 80, paint)
    assert "<" not in render(report, 80)


def test_many_steps_are_counted_and_what_remains_says_so():
    done = [Step("vacuum", f"public.t{n}", "dead rows") for n in range(30)]
    left = [Step("vacuum", "public.big", "would not finish in the time left")]
    text = render(run_of(act_result(done, done, left, changed=True, target=TARGET)).report(), 120)
    assert "… and 18 more: vacuum" in text
    assert "vacuum, left for later public.big" in text


def test_what_a_look_left_and_the_work_did_is_told_once():
    promote, other = Step("promote", "standby", "It lags."), Step("promote", "another", "It lags.")
    planned = act_result([promote, other], [], [promote, other], changed=True, target=TARGET)
    acted = act_result([promote], [promote], [], changed=True, target=TARGET)
    steps = run_of(planned, acted, planned).report()["steps"]
    assert [(step["subject"], step["outcome"]) for step in steps] == [
        ("another", "remaining"),
        ("standby", "done"),
        ("standby", "remaining"),
        ("another", "remaining"),
    ]


@pytest.mark.parametrize(
    ("details", "figures"),
    [
        ({}, ""),
        ({"seconds": 90}, " (1 min 30 s)"),
        ({"seconds": 0.5}, " (500 ms)"),
        ({"seconds": None}, ""),
        ({"keys": 1200}, " (1 200 keys)"),
        ({"size_bytes_before": 8192, "size_bytes_after": 4096}, " (8 kB → 4 kB)"),
        ({"size_bytes_before": 8192, "size_bytes_after": 8192}, ""),
        ({"size_bytes_before": 8192}, ""),
        ({"keys": 3, "seconds": 2, "size_bytes_before": 2048, "size_bytes_after": 0}, " (3 keys, 2 s, 2 kB → 0 B)"),
    ],
)
def test_a_step_is_shown_with_its_figures(details, figures):
    step = Step("reindex", "public.i", "It is bloated.", details)
    text = render(run_of(act_result([step], [step], [], changed=True, target=TARGET)).report(), 120)
    assert f"  reindex public.i: It is bloated{figures}\n" in text + "\n"


def test_figures_that_went_down_are_shown_before_and_after():
    before = {"pg.tables.dead_rows": 12000, "redis.keys.count": 5, "pg.database.app.size_bytes": 4096, "pg.other": 9}
    now = {"pg.tables.dead_rows": 10, "redis.keys.count": 5, "pg.database.app.size_bytes": 1024, "pg.other": 1}
    text = render(run_of(looked(**before), looked(**now)).report(), 120)
    assert "  db1  dead rows      12 000 rows → 10 rows" in text
    assert "  db1  database size         4 kB → 1 kB" in text
    assert "keys" not in text
    assert "→ 9" not in text


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"pg.tables.dead_rows": 10}, {"pg.tables.dead_rows": 12000}),
        ({}, {"pg.tables.dead_rows": 10}),
        ({"pg.tables.bloat_bytes": 12345678901}, {"pg.tables.bloat_bytes": 12345678900}),
    ],
    ids=["went up", "not known before", "as good as the same"],
)
def test_figures_that_did_not_go_down_are_not_boasted_of(before, now):
    text = render(run_of(looked(**before), looked(**now)).report(), 120)
    assert "dead rows" not in text
    assert "bloat" not in text


def test_hostile_text_stays_on_its_line():
    finding = Finding("pg.locks", "t\n\x1b[2J", "warning", "name \u202e\n<script>")
    text = render(run_of(looked(finding)).report(), 120)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_what_shrank_is_told_with_both_figures():
    text = render(
        run_of(
            looked(**{"redis.keys.count": 90, "backup.damaged": 1}),
            looked(**{"redis.keys.count": 7, "backup.damaged": 1}),
        ).report(),
        120,
    )
    assert "db1  keys  90 → 7" in text
    assert "damaged backups" not in text


def test_the_figures_of_a_step_stand_behind_it():
    steps = [
        Step("delete", "tmp:*", "no TTL", {"keys": 12}),
        Step("reindex", "public.i", "bloated", {"size_bytes_before": 2048, "size_bytes_after": 1024}),
    ]
    text = render(run_of(act_result(steps, steps, [], changed=True, target=TARGET)).report(), 120)
    assert "delete tmp:*: no TTL (12 keys)" in text
    assert "reindex public.i: bloated (2 kB → 1 kB)" in text


def test_a_result_may_both_look_and_act():
    step = Step("record", "/etc/app.env", "It changed.")
    report = run_of(dict(looked(BLOAT), **act_result([step], [step], [], True))).report()
    assert [f["check"] for f in report["findings"]] == ["pg.table_bloat"]
    assert [s["action"] for s in report["steps"]] == ["record"]
