#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_reindex
short_description: Rebuilds the bloated and invalid indexes of a PostgreSQL database
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Estimates the bloat of every B-tree of one database from its statistics, deduplication included, and rebuilds
    those that are bloated, and all invalid ones, with C(REINDEX INDEX CONCURRENTLY), which lets reads and writes go on.
  - Where the extension C(pgstattuple) is installed, what the estimate finds is measured before it is rebuilt.
  - Works within a time budget. What was not done is in RV(remaining) with the reason; the next run goes on there.
  - Drops what its own failed or killed rebuilds left behind, and nothing else. A second run right after does nothing.
  - Indexes of the system's catalogs are left alone, because they cannot be rebuilt concurrently.
  - Run M(analytics.ops.vacuum_analyze) before it, so that the statistics are fresh.
  - On a standby there is nothing to do.
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
      - How many indexes are rebuilt at the same time, each on a connection of its own. The indexes of one table are
        rebuilt one after the other.
    type: int
    default: 1
  time_budget:
    description:
      - Seconds for the whole work. An index that by its estimate would not be finished in what is left is not begun,
        and a rebuild that runs nevertheless is ended when the budget is.
      - Without it there is no limit.
    type: float
  lock_timeout:
    description: Seconds that a rebuild waits for the lock on its table before it is left for later.
    type: float
    default: 2.0
  max_transaction_age:
    description:
      - A concurrent rebuild has to wait for every transaction that was open when it began. It is not begun while
        one is open for longer than this many seconds, and waits this long for the others. Nobody waits for a rebuild
        that waits.
    type: float
    default: 300.0
  statement_timeout:
    description: Seconds that a single rebuild may take. Without it only O(time_budget) limits it.
    type: float
  include:
    description:
      - Shell patterns, matched against C(schema.table) and C(schema.index). Empty means all.
      - A pattern that matches nothing is a warning.
    type: list
    elements: str
    default: []
  exclude:
    description: Shell patterns of tables or indexes that are left alone, whatever O(include) says.
    type: list
    elements: str
    default: []
  thresholds:
    description: From when on an index is bloated. Both limits must be reached.
    type: dict
    default: {}
    suboptions:
      bloat_percent:
        description:
          - How much of the index is bloat, its own fillfactor granted. Random inserts alone leave a B-tree 25 percent
            below full, so lower limits bring the same index back soon.
        type: float
        default: 40.0
      bloat_bytes:
        description: How many bytes a rebuild would give back. The default is 100 MB.
        type: float
        default: 104857600
  exact:
    description:
      - Whether what the estimate finds is measured with C(pgstatindex), which reads the whole index.
      - V(auto) does where C(pgstattuple) is installed and the role may use it; V(required) fails where it is not.
    type: str
    choices: [auto, required, never]
    default: auto
  concurrently:
    description:
      - Whether indexes are rebuilt without blocking writes. V(false) is faster, and blocks all writes to the table, and
        the reads that would use the index, for as long as it takes.
    type: bool
    default: true
  rebuild_invalid:
    description:
      - Whether invalid indexes are rebuilt, which somebody's failed C(CREATE INDEX CONCURRENTLY) left. They are never
        dropped.
    type: bool
    default: true
  leftovers:
    description:
      - Which invalid leftovers of failed concurrent rebuilds (C(_ccnew), C(_ccold)) are dropped.
      - V(own) are those that runs of this module left, V(all) also those of others, provided that a valid index of
        the same definition stands beside.
    type: str
    choices: [own, all]
    default: own
  max_index_size:
    description: Indexes of more bytes are not rebuilt. A rebuild needs room for the new index beside the old one.
    type: int
  maintenance_work_mem:
    description: Memory of each connection, for example V(1GB). Without it the server's own.
    type: str
notes:
  - Connect to the server itself. A pooler in transaction mode (PgBouncer) breaks session locks and settings.
  - Only one run of this module or of M(analytics.ops.vacuum_analyze) works on a database at a time. It holds the
    advisory lock C(1634693235, 1), which scripts of your own may take as well.
  - The role needs to own the tables, from PostgreSQL 17 on the right C(MAINTAIN) or membership in C(pg_maintain) is
    enough; to see the statistics of a table it needs the right to read it.
  - While it works there is a large object with a comment of this module in the database, the journal by which a later
    run knows the leftovers of a killed one.
seealso:
  - module: analytics.ops.vacuum_analyze
  - module: analytics.ops.pg_health
"""

EXAMPLES = r"""
- name: Rebuild what is bloated or invalid, for at most an hour
  analytics.ops.pg_reindex:
    login_host: db1.example.com
    login_user: maintenance
    login_password: "{{ vault_maintenance_password }}"
    login_db: analytics
    time_budget: 3600

- name: See what would be rebuilt
  analytics.ops.pg_reindex:
    login_db: analytics
  check_mode: true
  register: reindex_plan

- name: Smaller indexes of one schema, two tables at a time, only by measurement
  analytics.ops.pg_reindex:
    login_db: analytics
    include: ["reporting.*"]
    thresholds:
      bloat_percent: 30
      bloat_bytes: 10485760
    exact: required
    jobs: 2
    maintenance_work_mem: 1GB

- name: Drop the leftovers of a rebuild that somebody did by hand
  analytics.ops.pg_reindex:
    login_db: analytics
    leftovers: all
"""

RETURN = r"""
plan:
  description: What needs to be done, the most urgent first. In check mode this is all.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: V(reindex) or V(drop).
      type: str
      sample: reindex
    subject:
      description: The index.
      type: str
      sample: public.orders_customer_idx
    table:
      description: Its table.
      type: str
      sample: public.orders
    reason:
      description: Why.
      type: str
      sample: 310 MB of 420 MB are bloat (73.8 %, estimated).
    need:
      description: V(leftover), V(invalid) or V(bloat).
      type: str
      sample: bloat
    size_bytes:
      description: Size of the index.
      type: int
      sample: 440401920
    bloat_percent:
      description: How much of it is bloat; V(null) where that is not the reason.
      type: float
      sample: 73.8
    measured:
      description: Whether that was measured, and not estimated.
      type: bool
      sample: false
    estimated_seconds:
      description: How long it is expected to take.
      type: float
      sample: 21.4
  sample:
    - action: reindex
      subject: public.orders_customer_idx
      table: public.orders
      reason: 310 MB of 420 MB are bloat (73.8 %, estimated).
      need: bloat
      size_bytes: 440401920
      bloat_percent: 73.8
      measured: false
      estimated_seconds: 21.4
done:
  description: What was done, in the order of the plan. Besides the keys of RV(plan) there are those below.
  returned: success
  type: list
  elements: dict
  contains:
    seconds:
      description: How long it took.
      type: float
      sample: 17.2
    size_bytes_before:
      description: Size before.
      type: int
      sample: 440401920
    size_bytes_after:
      description: Size afterwards, 0 for what was dropped.
      type: int
      sample: 115343360
  sample:
    - action: reindex
      subject: public.orders_customer_idx
      table: public.orders
      reason: 310 MB of 420 MB are bloat (73.8 %, estimated).
      need: bloat
      size_bytes: 440401920
      bloat_percent: 73.8
      measured: false
      estimated_seconds: 21.4
      seconds: 17.2
      size_bytes_before: 440401920
      size_bytes_after: 115343360
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
        - V(budget) when the time would not suffice, V(timeout) when it did not, V(locked), V(busy) when an old
          transaction or another build is in the way, V(rights), V(stale) when the statistics are too old to judge by,
          V(size) when it is above O(max_index_size), V(foreign) for what others left, V(leftover) for what this run
          left and could not remove, V(unsupported) for what cannot be rebuilt concurrently, V(error) for what the
          server said.
      type: str
      sample: busy
    plan_reason:
      description: Why it should be done.
      type: str
      sample: 310 MB of 420 MB are bloat (73.8 %, estimated).
  sample:
    - action: reindex
      subject: public.sessions_pkey
      table: public.sessions
      reason: "session 4711 (psql, idle in transaction, for 2 h 3 min) is open for longer than 5 min, and a concurrent
        rebuild waits for its end."
      cause: busy
      plan_reason: 200 MB of 240 MB are bloat (83.3 %, estimated).
      need: bloat
      size_bytes: 251658240
      bloat_percent: 83.3
      measured: false
      estimated_seconds: 9.0
estimated_seconds:
  description: What the plan was expected to take on one connection.
  returned: success
  type: float
  sample: 21.4
seconds:
  description: What the run took.
  returned: success
  type: float
  sample: 17.3
target:
  description: The database.
  returned: success
  type: str
  sample: postgresql://db1.example.com:5432/analytics
msg:
  description: What happened, in one line.
  returned: success
  type: str
  sample: 1 of 1 indexes were rebuilt or dropped in 17.3 s, 310 MB were given back; 0 remain.
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.pg_jobs import Jobs, maintenance_lock
from ..module_utils._act.reindex import Journal, clean_up, do_work, done_steps, left_over, measure
from ..module_utils._arguments import postgres_spec
from ..module_utils._judge.maintenance import Budget, require_positive, thresholds_of, unmatched_warnings
from ..module_utils._judge.plan import act_result
from ..module_utils._judge.reindex import ReindexThresholds, journal_of, plan_reindex
from ..module_utils._judge.text import bytes_text, seconds_text
from ..module_utils._observe.pg_indexes import observe_indexes
from ..module_utils._observe.postgres import PostgresClient, PostgresLogin
from ..module_utils._run import exit_module


def run(params, check_mode):
    require_positive(
        params, "jobs", "time_budget", "lock_timeout", "max_transaction_age", "statement_timeout", "max_index_size"
    )
    thresholds = thresholds_of(ReindexThresholds, params["thresholds"])
    login = PostgresLogin.from_params(params)
    budget = Budget(params["time_budget"], time.monotonic)
    with PostgresClient(login, lock_timeout=params["lock_timeout"]) as client:
        if client.row("SELECT pg_is_in_recovery() AS standby")["standby"]:
            message = "A standby gets its indexes from its primary: there is nothing to do."
            return act_result([], [], [], False, estimated_seconds=0.0, seconds=0.0, target=login.target, msg=message)
        if check_mode:
            return _maintain(client, params, thresholds, budget, act=False)
        with maintenance_lock(client):
            return _maintain(client, params, thresholds, budget, act=True)


def _maintain(client, params, thresholds, budget, act):
    journal = Journal(client)
    indexes = observe_indexes(client, int(thresholds.bloat_bytes))
    names = ("include", "exclude", "concurrently", "rebuild_invalid", "leftovers", "max_index_size")
    works, left = plan_reindex(indexes, thresholds, journal.entries, **{name: params[name] for name in names})
    works = measure(client, works, thresholds, params["exact"], budget)
    plan, done = [work.step() for work in works], []
    if act:
        outcomes, failed = _act(client, params, budget, works, journal, indexes)
        left = left_over(client, outcomes) + failed + left
        done = done_steps(client, outcomes)
    remaining = [item.as_step() for item in left]
    known = [name for index in indexes for name in (index.subject, "{0}.{1}".format(index.schema, index.table))]
    return act_result(
        plan,
        done,
        remaining,
        changed=bool(done) if act else bool(plan),
        estimated_seconds=round(sum(step.details["estimated_seconds"] for step in plan), 3),
        seconds=round(budget.used, 3),
        target=client.login.target,
        msg=_message(plan, done, remaining, budget.used, act),
        warnings=unmatched_warnings(_unknown(client, params["include"], known), known),
    )


def _act(client, params, budget, works, journal, indexes):
    """The outcomes of the works, and the leftovers that could not be removed."""
    if not works and not journal.entries:
        return [], []
    concurrently, outcomes = params["concurrently"], []
    suspects = bool(journal.entries)  # of an earlier run that did not clean up after itself
    if concurrently:
        journal.write(journal_of(works, indexes))
    jobs = Jobs(
        client.login,
        params["jobs"],
        budget,
        lambda session, work: do_work(
            session, work, concurrently, params["lock_timeout"], params["max_transaction_age"]
        ),
        lambda work: work.estimated_seconds,
        {"maintenance_work_mem": params["maintenance_work_mem"]} if params["maintenance_work_mem"] else {},
        params["lock_timeout"],
        params["statement_timeout"],
        together=lambda work: work.index.table_oid,
    )
    failed: list = []
    try:
        outcomes = jobs.run([works])
    finally:  # also after an interrupt; rebuilds that all succeeded leave nothing
        if suspects or not outcomes or any(outcome.cause for outcome in outcomes):
            failed = clean_up(client, journal.entries)
        if not failed:
            journal.close()
    return outcomes, failed


def _unknown(client, patterns, known):
    """Patterns that match nothing among the indexes that matter may still match one that is too small to matter."""
    if not unmatched_warnings(patterns, known):
        return []
    everything = observe_indexes(client)
    known += [name for index in everything for name in (index.subject, "{0}.{1}".format(index.schema, index.table))]
    return patterns


def _message(plan, done, remaining, seconds, act):
    if not plan:
        return "No index needs it{0}.".format("; {0} could not be helped".format(len(remaining)) if remaining else "")
    if not act:
        return "{0} indexes need it.".format(len(plan))
    saved = sum(step.details["size_bytes_before"] - step.details["size_bytes_after"] for step in done)
    return "{0} of {1} indexes were rebuilt or dropped in {2}, {3} were given back; {4} remain.".format(
        len(done), len(plan), seconds_text(seconds), bytes_text(max(0, saved)), len(remaining)
    )


def main():
    limits = {
        name: {"type": "float", "default": field.default}
        for name, field in ReindexThresholds.__dataclass_fields__.items()
    }
    module = AnsibleModule(
        argument_spec=dict(
            postgres_spec(),
            jobs={"type": "int", "default": 1},
            time_budget={"type": "float"},
            lock_timeout={"type": "float", "default": 2.0},
            max_transaction_age={"type": "float", "default": 300.0},
            statement_timeout={"type": "float"},
            include={"type": "list", "elements": "str", "default": []},
            exclude={"type": "list", "elements": "str", "default": []},
            thresholds={"type": "dict", "default": {}, "options": limits},
            exact={"type": "str", "choices": ["auto", "required", "never"], "default": "auto"},
            concurrently={"type": "bool", "default": True},
            rebuild_invalid={"type": "bool", "default": True},
            leftovers={"type": "str", "choices": ["own", "all"], "default": "own"},
            max_index_size={"type": "int"},
            maintenance_work_mem={"type": "str"},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
