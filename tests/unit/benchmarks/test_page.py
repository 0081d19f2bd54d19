# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that the benchmarks write, and what they read from Ansible's output."""

from __future__ import annotations

from benchmarks.ansible import empty_playbook, tasks_a_host, tasks_run
from benchmarks.page import page, section

OUTPUT = """
PLAY [all] *****

TASK [look] *****
ok: [db1]
skipping: [app1]

TASK [health_check : Look again] *****
skipping: [db1]
fatal: [app1]: FAILED! => {"msg": "ill"}
...ignoring

PLAY RECAP *****
"""

RESULT = {
    "facts": {"date": "2026-01-01", "machine": "2 cores", "versions": "Python 3"},
    "tables": [
        {
            "title": "T",
            "about": "A.",
            "rounds": 3,
            "unit": "s",
            "rows": [
                {"name": "ours", "median": 1.0, "low": 0.5, "high": 2.0},
                {"name": "tool", "missing": "not measured: not installed"},
            ],
            "goals": [
                {
                    "variant": "ours",
                    "against": "slow",
                    "limit": 0.5,
                    "how": "ratio",
                    "value": 0.7,
                    "low": 0.6,
                    "high": 0.8,
                }
                | {"met": False},
                {"variant": "ours", "against": "tool", "limit": 0.2, "how": "ratio", "value": None},
            ],
        }
    ],
}


def test_a_section_says_what_was_met_missed_and_not_measured():
    text = section("name", RESULT, "Why: because.")
    assert "| ours | 1 s | 0.500 – 2 | 0.70 (0.60 – 0.80) × slow | ≤ 0.5 × | **missed** |" in text
    assert "| tool | ≤ 0.2 × | not measured |" in text
    assert "| tool | not measured: not installed |" in text
    assert "Why: because." in text
    assert "2 cores; Python 3." in text


def test_a_partial_run_replaces_only_its_own_section():
    names = ("a", "b")
    whole = page(names, {"a": "old a\n", "b": "old b\n"}, "")
    assert page(names, {"b": "new b\n"}, whole) == whole.replace("old b", "new b")


def test_tasks_are_counted_with_those_who_did_them():
    assert tasks_run(OUTPUT) == {"look": ["db1"], "health_check : Look again": ["app1"]}
    assert tasks_a_host(OUTPUT) == 2


def test_a_task_that_a_host_goes_through_again_counts_again():
    again = OUTPUT + "\nTASK [look] ****\nskipping: [db1]\nok: [app1]\n"
    assert tasks_run(again) == {"look": ["db1"], "look (2)": ["app1"], "health_check : Look again": ["app1"]}


def test_the_empty_playbook_has_the_same_tasks_on_the_same_hosts(tmp_path):
    text = empty_playbook(tmp_path / "empty.yml", OUTPUT).read_text()
    assert text.count("nothing:") == 2
    assert "when: inventory_hostname in ['app1']" in text
