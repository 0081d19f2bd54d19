#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_read_only
short_description: Stops all writes to a PostgreSQL server, and allows them again
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Sets C(default_transaction_read_only) with C(ALTER SYSTEM), so that every transaction of all databases that begins
    from then on only reads, in sessions of a pool that are there already as well. Waits for transactions that began
    before, and proves on a new connection that a write is refused (C(25006)).
  - What was set before stands in the server's own C(postgresql.auto.conf), as C(analytics_ops.writes_stopped). With
    O(state=allowed), from whatever machine, exactly that comes back, and a committed transaction proves that writes
    work.
  - It is a safeguard and no lock. Settings of roles and databases win over it, and are told as RV(findings); so do
    sessions that say C(BEGIN READ WRITE) or set it themselves, which nobody can see before they write. Subscriptions
    go on writing, and prepared transactions can be committed. Temporary tables, C(VACUUM) and C(ANALYZE) still work.
  - It holds until it is taken back, over restarts, but not on a standby that is promoted.
  - Needs a superuser, or from PostgreSQL 15 on C(pg_monitor) and the rights that the error message names.
extends_documentation_fragment:
  - analytics.ops.postgres
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Returns the plan, and what could write all the same.
  diff_mode:
    support: none
    details: The plan says what would be set.
options:
  state:
    description: Whether writes are to be stopped, or allowed again.
    type: str
    choices: [stopped, allowed]
    required: true
  wait_seconds:
    description:
      - How long transactions that began before are waited for; new ones only read meanwhile. One that has not written
        is waited for, too, as nobody can tell whether it will; not so backups.
    type: float
    default: 30.0
  terminate_writers:
    description:
      - Ends the sessions that have written and are still at it after O(wait_seconds). What they have not committed is
        lost.
      - Spared is what M(analytics.ops.pg_terminate) spares - replication, backups, superusers, processes of the server,
        runs of this collection.
    type: bool
    default: false
  also:
    description: What O(terminate_writers) spares otherwise.
    type: list
    elements: str
    choices: [superusers, backups, replication]
    default: []
  prove_seconds:
    description: How long the server may take to read its settings, sessions to go, and a commit to be acknowledged.
    type: float
    default: 10.0
seealso:
  - module: analytics.ops.pg_terminate
  - module: analytics.ops.pg_failover
"""

EXAMPLES = r"""
- name: See what would be done, and who could write all the same
  analytics.ops.pg_read_only:
    login_unix_socket: /var/run/postgresql
    state: stopped
  check_mode: true
  register: would

- name: Stop all writes, and end who has not stopped after a minute
  analytics.ops.pg_read_only:
    login_unix_socket: /var/run/postgresql
    state: stopped
    wait_seconds: 60
    terminate_writers: true

- name: Allow them again
  analytics.ops.pg_read_only:
    login_unix_socket: /var/run/postgresql
    state: allowed
"""

RETURN = r"""
is_primary:
  description: Whether the server is a primary. On a standby nothing is done, which is no failure.
  type: bool
  returned: success
  sample: true
before:
  description: What C(postgresql.auto.conf) said before writes were stopped; V(null) where it said nothing.
  type: str
  returned: success
  sample: null
stopped_by:
  description: The role that stopped writes; V(null) where no record says so.
  type: str
  returned: success
  sample: ops
stopped_at:
  description: When it did.
  type: str
  returned: success
  sample: "2026-01-01 03:12:44.123456+00"
plan:
  description: What is to be set, and with O(terminate_writers) in check mode who would go.
  type: list
  elements: dict
  returned: success
  sample:
    - action: stop_writes
      subject: default_transaction_read_only
      reason: It is set to 'on' with ALTER SYSTEM, for all databases; postgresql.auto.conf did not set it.
      before: null
done:
  description: What was set, and which sessions were ended. In check mode always empty.
  type: list
  elements: dict
  returned: success
  sample: []
remaining:
  description: Which writers were spared or have not gone, with the reason.
  type: list
  elements: dict
  returned: success
  sample: []
status:
  description: >-
    V(unhealthy) when something writes although it should not, or cannot although it should; V(degraded) when something
    could.
  type: str
  returned: success
  sample: healthy
findings:
  description: What can write all the same, and whether the proof succeeded.
  type: list
  elements: dict
  returned: success
  sample:
    - check: writes.overrides
      subject: role migrator
      severity: warning
      message: >-
        Sessions of role migrator can write: default_transaction_read_only is off there, which wins over the server's.
      value: null
      unit: ""
      warning: null
      critical: null
      advice: >-
        BEGIN READ WRITE; ALTER ROLE migrator RESET default_transaction_read_only; COMMIT. That holds for new sessions:
        end those of now with pg_terminate.
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [writes.overrides, writes.proof]
target:
  description: The server.
  type: str
  returned: success
  sample: postgresql://db1.example.com:5432/postgres
msg:
  description: What holds now.
  type: str
  returned: success
  sample: Writes are stopped.
"""

from typing import Any, Dict, List, Sequence

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.failover import prove_writes
from ..module_utils._act.read_only import allow_writes, end_writers, stop_writes, wait_for_writers
from ..module_utils._arguments import positive_seconds, postgres_spec
from ..module_utils._errors import InputError, OpsError
from ..module_utils._judge.finding import Finding, check_result
from ..module_utils._judge.pg_read_only import (
    ALL_CHECKS,
    ALLOWED,
    STOPPED,
    Record,
    choose_writers,
    demand_rights,
    facts,
    holds,
    is_masked,
    judge_allowed,
    judge_sessions,
    judge_standby,
    judge_stopped,
    judge_surroundings,
    plan_allow,
    plan_stop,
    record_for,
    told,
)
from ..module_utils._judge.pg_terminate import ALSO
from ..module_utils._judge.plan import Step, act_result
from ..module_utils._judge.rows import Row
from ..module_utils._observe.pg_read_only import observe_rights, observe_writes, try_write
from ..module_utils._observe.pg_sessions import demand_sight, observe_sessions
from ..module_utils._observe.postgres import APPLICATION_NAME, PostgresClient, PostgresLogin
from ..module_utils._run import exit_module


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    if not 0 <= params["wait_seconds"] < float("inf"):
        raise InputError("wait_seconds is {0:g}.".format(params["wait_seconds"]), "Give seconds, 0 or more.")
    positive_seconds("prove_seconds", params["prove_seconds"])
    login = PostgresLogin.from_params(params)
    with PostgresClient(login, statement_timeout=10.0) as client:
        rights = observe_rights(client)
        if rights.standby:
            work = Work([], [], [], [judge_standby()])
            return work.result(params["state"], rights, None, check_mode, login.target)
        demand_sight(client)
        demand_rights(rights, login.target)
        seen = observe_writes(client, rights)
        record = Record.read(seen.record)
        if params["state"] == ALLOWED:
            work = allow(client, params, seen, record, check_mode)
        else:
            work = stop(client, params, seen, record, check_mode)
            record = record if check_mode else Record.read(observe_writes(client, rights).record)
    return work.result(params["state"], seen, record, check_mode, login.target)


class Work:
    """What was planned, done and left, and what is to be said about it."""

    def __init__(
        self, plan: Sequence[Step], done: Sequence[Step], remaining: Sequence[Step], findings: Sequence[Finding]
    ) -> None:
        self.plan, self.done, self.remaining, self.findings = plan, done, remaining, findings

    def result(self, state: str, seen: Row, record: Any, check_mode: bool, target: str) -> Dict[str, Any]:
        changed = bool(self.plan if check_mode else self.done)
        looked = check_result(self.findings, checks=list(ALL_CHECKS))
        acted = act_result(self.plan, self.done, self.remaining, changed)
        message = told(state, self.findings, changed, check_mode)
        return dict(looked, **acted, **facts(seen, record), target=target, msg=message)


def stop(client: PostgresClient, params: Dict[str, Any], seen: Row, record: Any, check_mode: bool) -> Work:
    sessions, proof, within = observe_sessions(client), try_write(client.login), params["prove_seconds"]
    plan = plan_stop(seen, proof, sessions, params["wait_seconds"])
    ends, also = params["terminate_writers"], params["also"]
    findings = list(judge_surroundings(seen))
    if check_mode:
        cut = float("inf") if plan else proof.cut
        would, spared = choose_writers(sessions, cut, also, APPLICATION_NAME) if ends else ([], [])
        return Work([*plan, *would], [], spared, findings if plan else [*findings, judge_stopped(proof, record)])
    done: List[Step] = []
    left: List[Step] = []
    try:
        if plan:
            proof = stop_writes(client, record_for(seen), within)
            record, done = record_for(seen) or record, list(plan)
        findings.append(judge_stopped(proof, record))
        if holds(proof) or is_masked(proof):
            sessions = wait_for_writers(client, proof.cut, params["wait_seconds"])
            if ends:
                ended, stayed, spared = end_writers(client, proof.cut, also, within)
                plan, done, left = [*plan, *ended, *stayed], [*done, *ended], [*stayed, *spared]
                sessions = observe_sessions(client)
            findings += judge_sessions(sessions, proof.cut)
    except KeyboardInterrupt as interrupt:
        raise OpsError(
            "Interrupted. Writes are stopped already, or just about to be; who still writes was not looked at.",
            "Run it again, or allow writes again with state=allowed.",
        ) from interrupt
    return Work(plan, done, left, findings)


def allow(client: PostgresClient, params: Dict[str, Any], seen: Row, record: Any, check_mode: bool) -> Work:
    plan = plan_allow(seen, record)
    within = params["prove_seconds"]
    if check_mode and plan:
        return Work(plan, [], [], [])
    proof = allow_writes(client, seen.setting, record, within) if plan else try_write(client.login)
    written = Row(problem="")
    if not (check_mode or proof.problem or proof.refused):
        written = prove_writes(client.login, within)
    return Work(plan, [] if check_mode else plan, [], judge_allowed(proof, written))


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            postgres_spec(),
            state={"type": "str", "choices": [STOPPED, ALLOWED], "required": True},
            wait_seconds={"type": "float", "default": 30.0},
            terminate_writers={"type": "bool", "default": False},
            also={"type": "list", "elements": "str", "choices": list(ALSO), "default": []},
            prove_seconds={"type": "float", "default": 10.0},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
