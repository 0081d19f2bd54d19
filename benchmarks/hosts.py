# SPDX-License-Identifier: GPL-3.0-or-later
"""``daily_health_check`` of 1, 10, 50 and 100 hosts: what a host more costs, in time and in the controller's memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.ansible import ansible_playbook, controller_mib, empty_playbook, tasks_run
from benchmarks.daily_health_check import PLAYBOOK
from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.servers import postgres, succeeded
from tests.support.databases import Database
from tests.support.pg_health import make_shop

HOSTS = (1, 10, 50, 100)
EMPTY = "the same number of empty tasks"
CHECK = "daily_health_check"


def comparisons(work: Path) -> Iterator[Comparison]:
    with postgres(work) as server, Database.fresh(server, "shop") as database:
        make_shop(database)
        for count in HOSTS:
            yield from _of(count, database, work)


def _of(count: int, database: Database, work: Path) -> Iterator[Comparison]:
    hosts = work / f"hosts{count}.json"
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "analytics_ops_services": {"postgres": {"group": "db", "manager": "none"}},
        "analytics_ops_postgresql_login": database.login,
        "analytics_ops_fail_on": "never",
        "health_check_host": False,
    }
    names = {f"db{number}": None for number in range(count)}
    hosts.write_text(json.dumps({"db": {"hosts": names, "vars": variables}}))
    first = ansible_playbook("-i", hosts, PLAYBOOK)
    done = tasks_run(first.stdout)
    empty = empty_playbook(work / f"empty{count}.yml", first.stdout)

    def same(result) -> bool:
        return succeeded(result) and tasks_run(result.stdout) == done

    plural = "s" if count > 1 else ""
    few = count <= 10
    yield Comparison(
        f"{count} host{plural}",
        [
            Variant(EMPTY, partial(ansible_playbook, "-i", hosts, empty), same),
            Variant(CHECK, partial(ansible_playbook, "-i", hosts, PLAYBOOK), same),
        ],
        [Goal(CHECK, EMPTY, 1.3 if count == HOSTS[-1] else None)],
        rounds=3 if few else 1,
        warm_up=few,
        about="Every host looks at the same server over a local connection, with the default of five forks. The "
        "machine itself is left out: it is one and the same, and its two cores would measure themselves once a host.",
    )
    yield Comparison(
        f"memory of the controller, {count} host{plural}",
        [
            Variant(EMPTY, partial(controller_mib, "-i", hosts, empty), lambda mib: mib > 1),
            Variant(CHECK, partial(controller_mib, "-i", hosts, PLAYBOOK), lambda mib: mib > 1),
        ],
        [Goal(CHECK, EMPTY, 1.5 if count == HOSTS[-1] else None)],
        rounds=1,
        warm_up=False,
        timed=False,
        unit="MiB",
        about="The largest of its processes at its largest (maximum resident set).",
    )
