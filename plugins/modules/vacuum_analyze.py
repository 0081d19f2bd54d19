#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vacuum_analyze
short_description: Vacuums and analyzes the tables of a PostgreSQL database that need it
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Reads the statistics of one database, chooses the tables that need it, and vacuums and analyzes these alone, the
    most urgent first. Tables near transaction ID wraparound come first, then those with dead rows, then those with many
    inserted rows, then those whose statistics are missing or old.
  - Works on several connections, within a time budget, without waiting for locked tables. What was not done is in
    RV(remaining) with the reason; the next run goes on there.
  - A second run right after does nothing. Rows that an old transaction keeps from being removed are named together with
    that transaction, and the table is not vacuumed again and again because of them.
  - Never uses C(VACUUM FULL). Temporary tables are ignored. On a standby there is nothing to do.
extends_documentation_fragment:
  - analytics.ops.postgres
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Returns the plan only.
  diff_mode:
    support: none
options:
  jobs:
    description:
      - How many tables are worked on at the same time, each on a connection of its own.
      - One more connection observes.
    type: int
    default: 2
  time_budget:
    description:
      - Seconds for the whole work. A table that by its estimate would not be finished in what is left is not begun, and
        a statement that runs nevertheless is ended when the budget is.
      - Estimates come from the tables' sizes and are corrected by what this run measures.
      - Without it there is no limit.
    type: float
  lock_timeout:
    description: Seconds that a statement waits for any lock.
    type: float
    default: 2.0
  skip_locked:
    description: Whether a table that is locked is left at once, without waiting O(lock_timeout) for it.
    type: bool
    default: true
  statement_timeout:
    description: Seconds that a single table may take. Without it only O(time_budget) limits it.
    type: float
  include:
    description:
      - Shell patterns of tables, matched against C(schema.table). Empty means all, the system's catalogs included.
      - A pattern that matches nothing is a warning.
    type: list
    elements: str
    default: []
  exclude:
    description:
      - Shell patterns of tables that are left alone, whatever O(include) says.
      - Before PostgreSQL 18 the analyze of a partitioned table reads its partitions, excluded ones too; exclude the
        partitioned table as well.
    type: list
    elements: str
    default: []
  thresholds:
    description:
      - When a table needs it. Where there is a percentage and a number of rows, both must be reached.
      - The defaults are half of what autovacuum waits for, so that the work is done in the maintenance window.
    type: dict
    default: {}
    suboptions:
      wraparound_percent:
        description:
          - The table's age in transactions or multixacts, in percent of C(autovacuum_freeze_max_age) or
            C(autovacuum_multixact_freeze_max_age). Such a table is vacuumed with C(FREEZE).
        type: float
        default: 75.0
      dead_rows_percent:
        description: Dead rows in percent of all rows, of the table or of its TOAST table.
        type: float
        default: 10.0
      dead_rows:
        description: Dead rows at least.
        type: float
        default: 1000
      inserted_rows_percent:
        description: Rows inserted since the last vacuum, in percent of all rows.
        type: float
        default: 20.0
      inserted_rows:
        description: Rows inserted since the last vacuum at least.
        type: float
        default: 1000
      changed_rows_percent:
        description: Rows changed since the last analyze, in percent of all rows.
        type: float
        default: 10.0
      changed_rows:
        description:
          - Rows changed since the last analyze at least. Also the number of rows from which on a table that was never
            analyzed is. For catalogs at least 1000, because every REINDEX writes a few rows there.
        type: float
        default: 50
  freeze:
    description: Whether every vacuum freezes all rows, not only that of tables near wraparound.
    type: bool
    default: false
  cost_delay:
    description: Milliseconds to sleep whenever O(cost_limit) is reached (C(vacuum_cost_delay)). V(0) is full speed.
    type: float
    default: 0.0
  cost_limit:
    description: Cost that is worked off between two sleeps (C(vacuum_cost_limit)). Without it the server's own.
    type: int
  buffer_usage_limit:
    description: Size of the ring of shared buffers that is used (C(vacuum_buffer_usage_limit)), from PostgreSQL 16 on.
    type: str
  maintenance_work_mem:
    description: Memory of each connection, for example V(512MB). Without it the server's own.
    type: str
  parallel_workers:
    description: Parallel workers for the indexes of a table (C(PARALLEL)). Without it the server decides.
    type: int
  truncate:
    description:
      - Whether empty pages at the end of a table are given back, which takes an exclusive lock for a moment.
      - Without it the table's own setting decides.
    type: bool
  index_cleanup:
    description: Whether index entries of dead rows are removed. Without it the table's own setting decides.
    type: str
    choices: [auto, "on", "off"]
notes:
  - Connect to the server itself. A pooler in transaction mode (PgBouncer) breaks session locks and settings.
  - Only one run of this module or of M(analytics.ops.pg_reindex) works on a database at a time. It holds the advisory
    lock C(1634693235, 1), which scripts of your own may take as well.
  - The role needs to own the tables or the database, from PostgreSQL 17 on the right C(MAINTAIN) or membership in
    C(pg_maintain) is enough. With C(pg_read_all_stats) it also sees since when an old transaction is open.
seealso:
  - module: analytics.ops.pg_reindex
  - module: analytics.ops.pg_health
"""

EXAMPLES = r"""
- name: Vacuum and analyze what needs it, for at most half an hour
  analytics.ops.vacuum_analyze:
    login_host: db1.example.com
    login_user: maintenance
    login_password: "{{ vault_maintenance_password }}"
    login_db: analytics
    jobs: 2
    time_budget: 1800

- name: See what would be done
  analytics.ops.vacuum_analyze:
    login_db: analytics
  check_mode: true
  register: vacuum_plan

- name: Vacuum gently beside the application, without the archive
  analytics.ops.vacuum_analyze:
    login_db: analytics
    exclude: ["archive.*", "pg_catalog.*"]
    jobs: 1
    cost_delay: 2
    cost_limit: 400
    truncate: false

- name: Freeze what comes near wraparound, early
  analytics.ops.vacuum_analyze:
    login_db: analytics
    thresholds:
      wraparound_percent: 40
    maintenance_work_mem: 1GB
    skip_locked: false
    lock_timeout: 10
"""

RETURN = r"""
plan:
  description: What needs to be done, the most urgent first. In check mode this is all.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: V(vacuum), V(vacuum_analyze) or V(analyze).
      type: str
      sample: vacuum_analyze
    subject:
      description: The table.
      type: str
      sample: public.orders
    reason:
      description: Why.
      type: str
      sample: 52 310 dead rows (31.2 %); 60 114 rows changed since the last analyze.
    need:
      description: The most urgent reason, V(wraparound), V(dead_rows), V(inserted_rows) or V(statistics).
      type: str
      sample: dead_rows
    freeze:
      description: Whether all rows are frozen.
      type: bool
      sample: false
    dead_rows:
      description: Dead rows, those of the TOAST table included.
      type: int
      sample: 52310
    size_bytes:
      description: Size of the table with its TOAST table.
      type: int
      sample: 73400320
    estimated_seconds:
      description: How long it is expected to take.
      type: float
      sample: 1.4
  sample:
    - action: vacuum_analyze
      subject: public.orders
      reason: 52 310 dead rows (31.2 %); 60 114 rows changed since the last analyze.
      need: dead_rows
      freeze: false
      dead_rows: 52310
      size_bytes: 73400320
      estimated_seconds: 1.4
done:
  description:
    - What was done, in the order of the plan. Besides the keys of RV(plan) there are those below.
  returned: success
  type: list
  elements: dict
  contains:
    seconds:
      description: How long it took.
      type: float
      sample: 0.93
    dead_rows_before:
      description: Dead rows before.
      type: int
      sample: 52310
    dead_rows_after:
      description: Dead rows afterwards; V(null) when the table is gone.
      type: int
      sample: 0
    size_bytes_before:
      description: Size before.
      type: int
      sample: 73400320
    size_bytes_after:
      description: Size afterwards; V(null) when the table is gone.
      type: int
      sample: 73400320
    xid_age_before:
      description: Age in transactions before.
      type: int
      sample: 155000000
    xid_age_after:
      description: Age in transactions afterwards; V(null) when the table is gone.
      type: int
      sample: 48000000
    held_back:
      description: Present when dead rows are left that cannot be removed, and says who keeps them.
      type: str
      sample: "5 000 dead rows (50 %), but they cannot be removed: session 4711 (psql, for 2 h) may still see them."
  sample:
    - action: vacuum_analyze
      subject: public.orders
      reason: 52 310 dead rows (31.2 %); 60 114 rows changed since the last analyze.
      need: dead_rows
      freeze: false
      dead_rows: 52310
      size_bytes: 73400320
      estimated_seconds: 1.4
      seconds: 0.93
      dead_rows_before: 52310
      dead_rows_after: 0
      size_bytes_before: 73400320
      size_bytes_after: 73400320
      xid_age_before: 1200
      xid_age_after: 1201
remaining:
  description:
    - What should be done but was not. C(reason) says why it was not; besides the keys of RV(plan) there
      are those below.
  returned: success
  type: list
  elements: dict
  contains:
    cause:
      description:
        - V(budget) when the time would not suffice, V(timeout) when it did not, V(locked), V(rights) when the role may
          not, V(held_back) when an old transaction makes it useless, V(error) for what the server said.
      type: str
      sample: locked
    plan_reason:
      description: Why it should be done.
      type: str
      sample: 52 310 dead rows (31.2 %).
  sample:
    - action: vacuum
      subject: public.sessions
      reason: It was locked, by process 4711 (report, app, AccessExclusiveLock, for 12 s).
      cause: locked
      plan_reason: 9 310 dead rows (40.1 %).
      need: dead_rows
      freeze: false
      dead_rows: 9310
      size_bytes: 1400320
      estimated_seconds: 0.05
held_back:
  description:
    - Who keeps dead rows from being removed, the oldest first. Empty when nobody does harm.
    - End the session, finish or roll back the prepared transaction, drop the slot; then run again.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: session
      name: "4711"
      pid: 4711
      user: app
      application_name: psql
      state: idle in transaction
      transaction_seconds: 7260.0
      xid_age: 5120
estimated_seconds:
  description: What the plan was expected to take on one connection.
  returned: success
  type: float
  sample: 12.5
seconds:
  description: What the run took.
  returned: success
  type: float
  sample: 7.1
target:
  description: The database.
  returned: success
  type: str
  sample: postgresql://db1.example.com:5432/analytics
msg:
  description: What happened, in one line.
  returned: success
  type: str
  sample: 19 of 20 tables were vacuumed or analyzed in 7.1 s; 1 remains.
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.pg_jobs import Jobs, maintenance_lock, split_phases
from ..module_utils._act.vacuum import VacuumOptions, done_steps, settled_tables, vacuum_table, with_lock_holders
from ..module_utils._arguments import postgres_spec
from ..module_utils._errors import InputError, Refused
from ..module_utils._judge.maintenance import Budget, require_positive, thresholds_of, unmatched_warnings
from ..module_utils._judge.plan import act_result
from ..module_utils._judge.text import seconds_text
from ..module_utils._judge.vacuum import VacuumThresholds, estimate_seconds, plan_vacuum, throttle_seconds_per_page
from ..module_utils._observe.pg_blockers import observe_server
from ..module_utils._observe.postgres import PostgresClient, PostgresLogin
from ..module_utils._run import exit_module


def run(params, check_mode):
    require_positive(params, "jobs", "time_budget", "lock_timeout", "statement_timeout")
    thresholds = thresholds_of(VacuumThresholds, params["thresholds"])
    login = PostgresLogin.from_params(params)
    budget = Budget(params["time_budget"], time.monotonic)
    with PostgresClient(login, lock_timeout=params["lock_timeout"]) as client:
        settings = _settings(params, client.server_version)
        if check_mode:
            return _maintain(client, params, thresholds, budget, settings, act=False)
        if client.row("SELECT pg_is_in_recovery() AS standby")["standby"]:
            return _nothing_on_standby(login)
        with maintenance_lock(client):
            return _maintain(client, params, thresholds, budget, settings, act=True)


def _maintain(client, params, thresholds, budget, settings, act):
    page_seconds = throttle_seconds_per_page(params["cost_delay"], params["cost_limit"])

    def look(outcomes=()):
        server, tables = observe_server(client), settled_tables(client, outcomes)
        patterns = (params["include"], params["exclude"])
        version = client.server_version
        works, left = plan_vacuum(tables, server, thresholds, *patterns, params["freeze"], version, page_seconds)
        return server, tables, works, left

    server, tables, works, left = look()
    if server.standby:
        return _nothing_on_standby(client.login)
    if not server.track_counts:
        raise Refused(
            "track_counts is off on {0}: there are no statistics to choose tables by.".format(client.login.target),
            "Switch it on (autovacuum needs it as well), or vacuum everything with vacuumdb.",
        )
    done = []
    if act and works:
        outcomes = _act(client, params, budget, settings, works)
        # ANALYZE writes to the catalogs: what that made necessary belongs to this run and not to the next.
        begun = {work.table.oid for work in works}
        server, tables, later, still = look(outcomes)
        wake = [work for work in later if work.table.catalog and work.table.oid not in begun]
        if wake:
            outcomes += _act(client, params, budget, settings, wake)
            works += wake
            server, tables, _later, still = look(outcomes)
        left = with_lock_holders(client, outcomes) + left
        done = done_steps(outcomes, tables)
        held = {item.step.subject: item.reason for item in still if item.cause == "held_back"}
        done = [step.with_details(held_back=held[step.subject]) if step.subject in held else step for step in done]
    plan = [work.step() for work in works]
    in_vain = any(item.cause == "held_back" for item in left) or any("held_back" in step.details for step in done)
    remaining = [item.as_step() for item in left]
    return act_result(
        plan,
        done,
        remaining,
        changed=bool(done) if act else bool(plan),
        held_back=[h.as_dict(server.now) for h in server.holders[:3] if h.xid_age > 0] if in_vain else [],
        estimated_seconds=round(sum(step.details["estimated_seconds"] for step in plan), 3),
        seconds=round(budget.used, 3),
        target=client.login.target,
        msg=_message(plan, done, remaining, budget.used, act),
        warnings=unmatched_warnings(params["include"], [table.subject for table in tables]),
    )


def _act(client, params, budget, settings, works):
    page_seconds = throttle_seconds_per_page(params["cost_delay"], params["cost_limit"])
    options = VacuumOptions(**{name: params[name] for name in VacuumOptions.__dataclass_fields__})
    jobs = Jobs(
        client.login,
        params["jobs"],
        budget,
        lambda session, work: vacuum_table(session, work, options),
        lambda work: estimate_seconds(work, page_seconds),
        settings,
        params["lock_timeout"],
        params["statement_timeout"],
    )
    return jobs.run(split_phases(works))


def _message(plan, done, remaining, seconds, act):
    if not plan:
        return "No table needs it{0}.".format("; {0} could not be helped".format(len(remaining)) if remaining else "")
    if not act:
        return "{0} tables need it.".format(len(plan))
    return "{0} of {1} tables were vacuumed or analyzed in {2}; {3} remain.".format(
        len(done), len(plan), seconds_text(seconds), len(remaining)
    )


def _nothing_on_standby(login):
    empty = {"held_back": [], "estimated_seconds": 0.0, "seconds": 0.0, "target": login.target}
    return act_result([], [], [], False, msg="A standby is vacuumed by its primary: there is nothing to do.", **empty)


def _settings(params, version):
    settings = {"vacuum_cost_delay": params["cost_delay"]}
    if params["cost_limit"] is not None:
        settings["vacuum_cost_limit"] = params["cost_limit"]
    if params["buffer_usage_limit"]:
        if version < 160000:
            raise InputError("buffer_usage_limit needs PostgreSQL 16 or newer.", "Leave it out for this server.")
        settings["vacuum_buffer_usage_limit"] = params["buffer_usage_limit"]
    if params["maintenance_work_mem"]:
        settings["maintenance_work_mem"] = params["maintenance_work_mem"]
    return settings


def main():
    limits = {
        name: {"type": "float", "default": field.default}
        for name, field in VacuumThresholds.__dataclass_fields__.items()
    }
    module = AnsibleModule(
        argument_spec=dict(
            postgres_spec(),
            jobs={"type": "int", "default": 2},
            time_budget={"type": "float"},
            lock_timeout={"type": "float", "default": 2.0},
            skip_locked={"type": "bool", "default": True},
            statement_timeout={"type": "float"},
            include={"type": "list", "elements": "str", "default": []},
            exclude={"type": "list", "elements": "str", "default": []},
            thresholds={"type": "dict", "default": {}, "options": limits},
            freeze={"type": "bool", "default": False},
            cost_delay={"type": "float", "default": 0.0},
            cost_limit={"type": "int"},
            buffer_usage_limit={"type": "str"},
            maintenance_work_mem={"type": "str"},
            parallel_workers={"type": "int"},
            truncate={"type": "bool"},
            index_cleanup={"type": "str", "choices": ["auto", "on", "off"]},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
