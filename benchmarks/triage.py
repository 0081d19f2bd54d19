# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``triage`` on the stack of ``make demo``, where nothing is down."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.ansible import ansible_playbook, empty_playbook, tasks_run
from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.servers import demo_stack, succeeded

PLAYBOOK, EMPTY = "playbooks/triage.yml", "the same number of empty tasks"


def comparisons(work: Path) -> Iterator[Comparison]:
    with demo_stack(work) as hosts:
        first = ansible_playbook("-i", hosts, PLAYBOOK)
        empty = empty_playbook(work / "empty.yml", first.stdout)

        def same(result) -> bool:
            return succeeded(result) and tasks_run(result.stdout) == tasks_run(first.stdout)

        yield Comparison(
            "triage against empty tasks",
            [
                Variant(EMPTY, partial(ansible_playbook, "-i", hosts, empty), same),
                Variant("triage", partial(ansible_playbook, "-i", hosts, PLAYBOOK), same),
            ],
            [Goal("triage", EMPTY, 1.5)],
            about="Two database servers, a cache and an API on four hosts (local connection).",
        )
