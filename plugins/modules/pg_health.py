#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_health
short_description: Check the health of a PostgreSQL server
version_added: "1.0.0"
description:
  - Looks at a PostgreSQL server and at one of its databases over one connection, in a handful of statements, and says
    what is wrong and what to do next.
  - Covers connections, sessions that are idle in a transaction, long or blocked, locks, deadlocks and rollbacks, slow
    statements, vacuum and analyze, bloat, indexes, sequences, transaction number wraparound, replication, slots, WAL
    archiving, checkpoints, checksums and settings. On a standby it checks what a standby can tell.
  - Where the database has TimescaleDB, also its jobs, chunks, compression and continuous aggregates, in both editions.
  - It reads only, takes no lock on any table and ends every statement within O(statement_timeout).
  - Works with the rights of C(pg_monitor). What a role may not see is reported as V(unknown) with the
    C(GRANT) that would help.
  - All checks with their limits are listed in C(docs/checks.md) of the collection, the reasons in
    C(docs/pg_health.md).
author:
  - analytics.ops contributors (@analytics-ops)
extends_documentation_fragment:
  - analytics.ops.postgres
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
options:
  previous:
    description:
      - The RV(measurements) of an earlier result. With it, counters such as deadlocks, rollbacks, temporary files and
        checkpoints are judged by how they grew since then.
      - Without it, checks that need a rate say nothing, and ratios cover the time since statistics began.
    type: dict
    default: {}
  statement_timeout:
    description: Seconds after which each single statement of this module is given up.
    type: float
    default: 30.0
  exact_bloat:
    description:
      - Whether tables and indexes whose estimated bloat is over the limit are measured with C(pgstattuple), where that
        extension is installed. Each of them is read once for it, never any other.
      - Needs the rights of C(pg_stat_scan_tables), which C(pg_monitor) includes.
    type: bool
    default: false
  max_findings_per_check:
    description:
      - How many subjects (tables, sessions, and so on) one check lists, the worst first.
      - One further finding says how many were left out.
    type: int
    default: 20
  expected_replicas:
    description: How many streaming replicas the server should have. Without it, their number is not judged.
    type: int
  expected_role:
    description: Which role the server should have. Without it, either is fine.
    type: str
    choices: [primary, standby]
seealso:
  - module: analytics.ops.vacuum_analyze
  - module: analytics.ops.pg_reindex
"""

EXAMPLES = r"""
- name: Check the application's database
  analytics.ops.pg_health:
    login_host: db1.example.com
    login_user: monitor
    login_password: "{{ monitor_password }}"
    login_db: analytics
  register: health

- name: Look only at who is in the way right now
  analytics.ops.pg_health:
    login_db: analytics
    checks: [connections, blocked_sessions, idle_in_transaction, long_statements]
    statement_timeout: 5

- name: Check with limits of our own, and leave out what we have decided to live with
  analytics.ops.pg_health:
    login_db: analytics
    exclude_checks: [unused_indexes]
    thresholds:
      pg.connections: {warning: 70, critical: 85}
      pg.table_bloat: {warning: 50, bloat_bytes: 1073741824}

- name: Judge rates since the last run
  analytics.ops.pg_health:
    login_db: analytics
    previous: "{{ (lookup('ansible.builtin.file', 'pg_health.json') | from_json).measurements }}"

- name: The standby of this server must be one, and follow
  analytics.ops.pg_health:
    login_host: db2.example.com
    login_db: analytics
    expected_role: standby
"""

RETURN = r"""
status:
  description: V(unhealthy) with any critical finding, V(degraded) with a warning or something unknown, else V(healthy).
  type: str
  returned: always
  sample: degraded
findings:
  description: What is not in order, the worst first. With O(include_ok) also what is.
  type: list
  elements: dict
  returned: always
  sample:
    - check: pg.idle_in_transaction
      subject: session 4711
      severity: warning
      message: >-
        Session 4711 (application 'api', user app, database analytics) is idle in transaction for 7 min 12 s, last
        statement: UPDATE orders SET state = '…'; its transaction is 7 min 20 s old.
      value: 432.1
      unit: seconds
      warning: 300.0
      critical: 900.0
      advice: >-
        Ask the owner, or end it: SELECT pg_terminate_backend(4711). Set idle_in_transaction_session_timeout for this
        role so that it does not come back.
measurements:
  description:
    - Flat, named figures. C(pg.observed_at) says when, in seconds since the epoch.
    - Give them back as O(previous) at the next run. Empty when the server could not be reached.
  type: dict
  returned: always
  sample:
    pg.observed_at: 1767225600.5
    pg.connections.used: 12
    pg.connections.used_percent: 12.37
    pg.database.analytics.deadlocks: 3
target:
  description: What was looked at.
  type: str
  returned: always
  sample: postgresql://db1.example.com:5432/analytics
checks:
  description: The checks that were run.
  type: list
  elements: str
  returned: always
  sample: [pg.connections, pg.blocked_sessions]
top:
  description:
    - The tables of which most was read sequentially (C(pg.sequential_scans)) and the statements that took the most time
      (C(pg.statements)), as counted since statistics began, for the weekly review.
    - Constants in statements are left out. Only where the checks that look at tables and at statements were run.
  type: list
  elements: dict
  returned: when the server was looked at
  sample:
    - {kind: pg.sequential_scans, name: public.orders, times: 812, weight: 93120044, first: null, last: null}
msg:
  description: Why the server could not be checked.
  type: str
  returned: when the server could not be reached, logged in to or asked in time
  sample: >-
    postgresql://db1.example.com:5432/analytics did not answer within 5 seconds. The port is open or filtered but
    nothing speaks PostgreSQL there in time: look at the server's load, at its log and at firewalls; raise
    connect_timeout if it is only slow.
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, postgres_spec, selected
from ..module_utils._errors import InputError, Unreachable
from ..module_utils._judge.checks import Selection
from ..module_utils._judge.finding import CRITICAL, Finding, check_result
from ..module_utils._judge.interval import Interval
from ..module_utils._judge.postgres import CHECKS
from ..module_utils._judge.postgres_bloat import suspicious
from ..module_utils._judge.postgres_measurements import CLOCK, measurements
from ..module_utils._judge.rows import Row
from ..module_utils._judge.shortlist import shortlist
from ..module_utils._judge.top import top_of_postgres
from ..module_utils._observe.pg_snapshot import observe
from ..module_utils._observe.pg_snapshot_bloat import measure_all
from ..module_utils._observe.postgres import PostgresClient, PostgresLogin
from ..module_utils._run import exit_module


def run(params: Dict[str, Any], check_mode: bool = False) -> Dict[str, Any]:
    selection = CHECKS.select(*selected(params))
    for name in ("statement_timeout", "connect_timeout", "max_findings_per_check"):
        if params[name] <= 0:
            raise InputError("{0} is {1:g}.".format(name, params[name]), "Give a number above zero.")
    Interval({}, params["previous"], CLOCK)  # says what is wrong with it before anything is asked
    login = PostgresLogin.from_params(params)
    try:
        with PostgresClient(login, params["statement_timeout"], read_only=True) as client:
            snapshot = observe(client, selection.needs | ({"scans"} if "tables" in selection.needs else set()))
            if params["exact_bloat"]:
                snapshot.update(_exact(client, selection, snapshot))
    except Unreachable as error:
        finding = Finding("pg.reachable", login.target, CRITICAL, error.message, advice=error.advice)
        return check_result([finding], msg=error.text, measurements={}, target=login.target, checks=selection.names)
    figures = measurements(snapshot)
    snapshot["interval"] = Interval(figures, params["previous"], CLOCK)
    snapshot["expected"] = Row(replicas=params["expected_replicas"], role=params["expected_role"])
    return check_result(
        shortlist(selection.findings(snapshot, login.target), params["max_findings_per_check"]),
        params["include_ok"],
        measurements=figures,
        target=login.target,
        checks=selection.names,
        top=top_of_postgres(snapshot),
    )


def _exact(client: PostgresClient, selection: Selection, snapshot: Dict[str, Any]) -> Dict[str, Any]:
    """The bloat parts again, with what is suspicious measured instead of estimated."""
    extension = snapshot["server"].extensions.pgstattuple
    better = {}
    for check, limit in selection.checks:
        part = check.needs[-1]
        if part in ("table_bloat", "index_bloat") and extension and isinstance(snapshot[part], list):
            chosen = suspicious(list(check.run(snapshot, limit, "")), snapshot[part])
            better[part] = measure_all(client, part, extension.schema, snapshot[part], chosen)
    return better


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            postgres_spec(),
            **checking_spec(),
            previous={"type": "dict", "default": {}},
            statement_timeout={"type": "float", "default": 30.0},
            exact_bloat={"type": "bool", "default": False},
            max_findings_per_check={"type": "int", "default": 20},
            expected_replicas={"type": "int"},
            expected_role={"type": "str", "choices": ["primary", "standby"]},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
