# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``daily_health_check`` on the stack of ``make demo``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.ansible import ansible_playbook, empty_playbook, tasks_a_host, tasks_run
from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.servers import demo_stack, succeeded

PLAYBOOK = "playbooks/daily_health_check.yml"
FREE = "empty tasks, no host waiting for another"


def comparisons(work: Path) -> Iterator[Comparison]:
    with demo_stack(work) as hosts:
        yield from on_inventory(hosts, work / "empty.yml")


def on_inventory(hosts: Path, empty: Path) -> Iterator[Comparison]:
    first = ansible_playbook("-i", hosts, PLAYBOOK)
    done = tasks_run(first.stdout)
    empty_playbook(empty, first.stdout)
    free = empty_playbook(empty.with_name("free.yml"), first.stdout, "free")

    def same(result) -> bool:
        return succeeded(result) and tasks_run(result.stdout) == done

    yield Comparison(
        "daily_health_check against empty tasks",
        [
            Variant("the same number of empty tasks", partial(ansible_playbook, "-i", hosts, empty), same),
            Variant(FREE, partial(ansible_playbook, "-i", hosts, free), same),
            Variant("daily_health_check", partial(ansible_playbook, "-i", hosts, PLAYBOOK), same),
        ],
        [
            Goal("daily_health_check", "the same number of empty tasks", 1.25),
            Goal("daily_health_check", FREE),
        ],
        about="Two database servers, a cache and an API on four hosts (local connection). An empty task is done or "
        "skipped by the same hosts as the task it stands for. No host of the health check waits for another one; those "
        "of a playbook do unless it says otherwise, so it is compared with empty tasks of both kinds.",
    )
    yield Comparison(
        "tasks that one host goes through, skipped ones included",
        [
            Variant("none", lambda: 0, lambda count: count == 0),
            Variant("daily_health_check", lambda: tasks_a_host(first.stdout), lambda count: count > 3),
        ],
        [Goal("daily_health_check", "none", 12, how="difference")],
        rounds=1,
        warm_up=False,
        timed=False,
        unit="tasks",
    )
