#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_terminate
short_description: Ends PostgreSQL sessions that are in the way of others
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Ends sessions, or cancels their statements, that are idle in a transaction, hold locks that others wait for, or run
    a statement for too long; or one session that is named by its number.
  - Replication, backups, sessions of superusers, processes of the server, runs of this collection and its own session
    are never ended, unless O(also) names them. What blocks others while it works is spared, too, unless O(active) says
    otherwise. What was spared stands in RV(remaining) with the reason.
  - A session is ended only while it is still in the transaction that it was chosen for. Afterwards the server is asked
    whether it has gone, and how many sessions still wait for a lock.
  - What a session has not committed is lost. A second run finds nothing to do.
  - Needs the rights of C(pg_monitor) and C(pg_signal_backend); a superuser's session is ended by superusers alone.
extends_documentation_fragment:
  - analytics.ops.postgres
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Returns the plan only, which says who would go and why.
  diff_mode:
    support: none
options:
  action:
    description:
      - Whether the session is ended, or its running statement alone is cancelled. A cancelled transaction gives back
        its locks.
    type: str
    choices: [terminate, cancel]
    default: terminate
  blocking_seconds:
    description:
      - Chooses sessions for whose locks another one has waited that long, and which themselves wait for nobody.
      - Two of a deadlock in the making are left to the server.
    type: float
  idle_in_transaction_seconds:
    description: Chooses sessions that have been idle in a transaction that long.
    type: float
  statement_seconds:
    description:
      - Chooses sessions whose statement has been running that long. Waiting for a lock is not running; vacuums, index
        builds, copies and such are spared.
    type: float
  pid:
    description: The only session to end, by its process number. No other option chooses any then.
    type: int
  backend_start:
    description:
      - When the session of O(pid) began, as C(pg_stat_activity) and RV(plan) have it. With it, another session that got
        the same number is left alone.
    type: str
    default: ""
  active:
    description: Whether O(blocking_seconds) also chooses sessions that are at work.
    type: bool
    default: false
  users:
    description: Only sessions of these roles. Empty means all.
    type: list
    elements: str
    default: []
  databases:
    description: Only sessions in these databases. Empty means all of the server.
    type: list
    elements: str
    default: []
  applications:
    description: Only sessions with these application names. Empty means all.
    type: list
    elements: str
    default: []
  also:
    description:
      - What is never ended otherwise. Backups are known by the application names of C(pg_dump), C(pg_basebackup),
        pgBackRest, Barman and WAL-G.
    type: list
    elements: str
    choices: [superusers, backups, replication]
    default: []
  within_seconds:
    description: How long a session may take to go.
    type: float
    default: 5.0
seealso:
  - module: analytics.ops.pg_health
"""

EXAMPLES = r"""
- name: Who would go
  analytics.ops.pg_terminate:
    login_db: analytics
    blocking_seconds: 30
    idle_in_transaction_seconds: 300
  check_mode: true
  register: would

- name: Let those go that others wait for
  analytics.ops.pg_terminate:
    login_db: analytics
    blocking_seconds: 30

- name: Cancel reports that run for more than an hour
  analytics.ops.pg_terminate:
    login_db: analytics
    action: cancel
    statement_seconds: 3600
    users: [reporting]
"""

RETURN = r"""
changed:
  description: Whether a session was ended. In check mode whether one would be.
  type: bool
  returned: success
  sample: true
plan:
  description: Who is to go, and why.
  type: list
  elements: dict
  returned: success
  sample:
    - action: terminate
      subject: Session 4711 (application 'api', user app, database analytics)
      reason: >-
        2 sessions wait for a lock of it, the longest for 45 s. It is idle in transaction for 50 s, last statement:
        UPDATE orders SET state = '…'.
      pid: 4711
      backend_start: "2026-01-01 03:12:44.123456+00"
      transaction_start: "2026-01-01 03:14:10.5+00"
      state: idle in transaction
      user: app
      database: analytics
      application_name: api
done:
  description: Who has gone. In check mode always empty.
  type: list
  elements: dict
  returned: success
  sample: []
remaining:
  description: >-
    Who was spared, may not be ended by this role, has moved on meanwhile, or has not gone in time; C(reason) says
    which.
  type: list
  elements: dict
  returned: success
  sample: []
waiting_before:
  description: How many sessions waited for a lock.
  type: int
  returned: success
  sample: 2
waiting_after:
  description: How many do afterwards. In check mode as before.
  type: int
  returned: success
  sample: 0
target:
  description: The server.
  type: str
  returned: success
  sample: postgresql://db1.example.com:5432/analytics
msg:
  description: What was done.
  type: str
  returned: success
  sample: 1 of 1 session ended; 2 sessions waited for a lock, 0 do now.
"""

from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.terminate import end_sessions, wait_until_ended
from ..module_utils._arguments import positive_seconds, postgres_spec
from ..module_utils._errors import InputError, Refused
from ..module_utils._judge.pg_terminate import ALSO, CANCEL, TERMINATE, Choice, Wanted, choose, lacks_right, unfinished
from ..module_utils._judge.plan import Step, act_result
from ..module_utils._judge.postgres_words import identifier, many
from ..module_utils._observe.pg_sessions import demand_sight, observe_sessions
from ..module_utils._observe.postgres import APPLICATION_NAME, PostgresClient, PostgresLogin
from ..module_utils._run import exit_module

LIMITS = ("blocking_seconds", "idle_in_transaction_seconds", "statement_seconds")
CHOOSING = (*LIMITS, "action", "pid", "backend_start", "active", "users", "databases", "applications", "also")
_NO_RIGHT = "This role may not end it; a superuser's session needs a superuser, others need pg_signal_backend. "
_STAYED = "It was told to go and is still there. "
_MOVED_ON = "It has moved on since it was looked at. "


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    wanted = checked(params)
    within = positive_seconds("within_seconds", params["within_seconds"])
    login = PostgresLogin.from_params(params)
    with PostgresClient(login, statement_timeout=10.0) as client:
        demand_sight(client)
        sessions = observe_sessions(client)
        choice = choose(sessions, wanted, APPLICATION_NAME)
        denied = lacks_right(choice.plan, sessions)
        if denied and len(denied) == len(choice.plan):
            raise Refused(
                "{0}: the role {1} may not end any of these sessions: {2}.".format(
                    login.target, login.login_user, ", ".join(step.subject for step in denied[:3])
                ),
                "Grant it: GRANT pg_signal_backend TO {0}. A superuser's session needs a superuser.".format(
                    identifier(login.login_user)
                ),
            )
        allowed = [step for step in choice.plan if step not in denied]
        remaining = list(choice.spared) + [because(_NO_RIGHT, step) for step in denied]
        told_to: List[Step] = []
        stayed: List[Step] = []
        waiting = choice.waiting
        if allowed and not check_mode:
            told_to = end_sessions(client, allowed, wanted.action)
            sessions = wait_until_ended(client, told_to, wanted.action, within)
            stayed = unfinished(told_to, sessions, wanted.action)
            remaining += [because(_MOVED_ON, step) for step in allowed if step not in told_to]
            waiting = sum(bool(session.blockers) for session in sessions)
    done = [step for step in told_to if step not in stayed]
    return act_result(
        allowed,
        done,
        remaining + [because(_STAYED, step) for step in stayed],
        changed=bool(allowed if check_mode else done),
        waiting_before=choice.waiting,
        waiting_after=waiting,
        target=login.target,
        msg=told(choice, len(allowed), len(done), waiting, check_mode),
    )


def checked(params: Dict[str, Any]) -> Wanted:
    for name in LIMITS:
        if params[name] is not None and not 0 <= params[name] < float("inf"):
            raise InputError("{0} is {1:g}.".format(name, params[name]), "Give seconds, 0 or more.")
    wanted = Wanted(**{name: params[name] for name in CHOOSING})
    if not wanted.names_any:
        raise InputError("Nothing says which sessions are to go.", "Give one of {0}, pid.".format(", ".join(LIMITS)))
    if wanted.backend_start and wanted.pid is None:
        raise InputError("backend_start is given without pid.", "Give both, as the plan has them.")
    return wanted


def because(why: str, step: Step) -> Step:
    return Step(step.action, step.subject, why + step.reason, step.details)


def told(choice: Choice, allowed: int, done: int, waiting: int, check_mode: bool) -> str:
    if not allowed:
        spared = "; {0} spared".format(len(choice.spared)) if choice.spared else ""
        return "No session is to go{0}.".format(spared)
    if check_mode:
        return "{0} would go.".format(many(allowed, "session"))
    return "{0} of {1} ended; {2} waited for a lock, {3} do now.".format(
        done, many(allowed, "session"), many(choice.waiting, "session"), waiting
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            postgres_spec(),
            action={"type": "str", "choices": [TERMINATE, CANCEL], "default": TERMINATE},
            blocking_seconds={"type": "float"},
            idle_in_transaction_seconds={"type": "float"},
            statement_seconds={"type": "float"},
            pid={"type": "int"},
            backend_start={"type": "str", "default": ""},
            active={"type": "bool", "default": False},
            users={"type": "list", "elements": "str", "default": []},
            databases={"type": "list", "elements": "str", "default": []},
            applications={"type": "list", "elements": "str", "default": []},
            also={"type": "list", "elements": "str", "choices": list(ALSO), "default": []},
            within_seconds={"type": "float", "default": 5.0},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
