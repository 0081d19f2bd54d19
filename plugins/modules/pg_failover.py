#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_failover
short_description: Makes a streaming replica of PostgreSQL the primary, when that is safe
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Looks at the standby that it logs in to and, as far as it can be reached, at the old primary; promotes the standby;
    commits a transaction to prove that it takes writes.
  - Refuses, with every reason at once, while the old primary takes writes or nobody has confirmed that it is down, when
    the two are not of the same cluster, when WAL would be lost and that was not accepted, when replay is paused or
    queries hold it up, when commits would wait for a synchronous standby, when the standby follows another one.
  - Refuses where Patroni, repmgr or pg_auto_failover manages the cluster, and says which command of theirs does it.
    What gives them away is a session, a library, a file in the data directory, or a database or schema of their name.
  - On a server that is a primary already it changes nothing. Two primaries of one cluster are reported and left alone.
  - A promotion cannot be taken back. It stops no server and fences nothing; the role
    P(analytics.ops.pg_failover#role) does.
extends_documentation_fragment:
  - analytics.ops.postgres
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Returns the plan, and what speaks against it as RV(findings); does not fail for that.
  diff_mode:
    support: none
    details: The plan says what would be done.
options:
  primary_host:
    description:
      - The old primary, as seen from the host the module runs on. The same login has to work there.
      - Without it, the address in the standby's C(primary_conninfo) is tried, but nobody logs in there. What listens
        there counts as a primary that takes writes.
    type: str
    default: ""
  primary_port:
    description: Port of the old primary; without it O(login_port).
    type: int
  primary_control:
    description:
      - What M(analytics.ops.pg_fence) returned as C(control) after the old primary was stopped. With it, what would be
        lost is known to the byte.
    type: dict
    default: {}
  old_primary_is_fenced:
    description:
      - Confirms that the old primary is down and will not start again by itself. That nobody answers is no proof of it.
      - While something answers there as a primary this changes nothing.
    type: bool
    default: false
  accept_data_loss:
    description:
      - Confirms that what the standby has not received may be lost.
      - Needed when that is more than nothing, or cannot be told because the old primary crashed or cannot be seen.
    type: bool
    default: false
  ignore_manager:
    description: Confirms that a cluster manager whose traces were found does not run any more.
    type: bool
    default: false
  max_lag_bytes:
    description:
      - How much WAL the standby may lack of an old primary that still runs. When that is stopped cleanly, it sends the
        rest first.
    type: int
    default: 16777216
  promote_seconds:
    description: Seconds until the promotion has to be over; all that was received is replayed in it.
    type: float
    default: 120.0
  write_seconds:
    description: Seconds until the transaction that proves the writes has to be over.
    type: float
    default: 10.0
seealso:
  - module: analytics.ops.pg_fence
  - module: analytics.ops.pg_health
"""

EXAMPLES = r"""
- name: See what speaks against it
  analytics.ops.pg_failover:
    login_unix_socket: /var/run/postgresql
    primary_host: db1.example.com
  check_mode: true
  register: failover

- name: Promote; the old primary's machine was switched off, and what it had not sent is lost
  analytics.ops.pg_failover:
    login_host: db2.example.com
    login_user: ops
    login_password: "{{ vault_ops_password }}"
    old_primary_is_fenced: true
    accept_data_loss: true

- name: Promote; the old primary was stopped cleanly, and its data directory was looked at
  analytics.ops.pg_failover:
    login_unix_socket: /var/run/postgresql
    primary_host: db1.example.com
    old_primary_is_fenced: true
    primary_control: "{{ hostvars.db1.fenced.control }}"
"""

RETURN = r"""
is_primary:
  description: Whether the server is a primary now.
  type: bool
  returned: success
  sample: true
timeline:
  description: Its timeline. A promotion begins a new one.
  type: int
  returned: success
  sample: 2
system_identifier:
  description: Which cluster it is.
  type: str
  returned: success
  sample: "7519342198765432101"
lost_bytes:
  description: How much of the old primary's WAL never came; V(null) where nobody can tell.
  type: int
  returned: success
  sample: 0
promote_seconds:
  description: From the order until it was a primary; V(null) where nothing was promoted.
  type: float
  returned: success
  sample: 0.214
plan:
  description: What was to be done; empty on a primary.
  type: list
  elements: dict
  returned: success
  sample:
    - action: promote
      subject: standby
      reason: It is a standby on timeline 1; 0 B of received WAL are replayed first.
      timeline: 1
      unreplayed_bytes: 0
done:
  description: What of it was done.
  type: list
  elements: dict
  returned: success
  sample: []
remaining:
  description: What of it was not; in check mode all of it.
  type: list
  elements: dict
  returned: success
  sample: []
status:
  description: V(unhealthy) when something speaks against it, or when the new primary takes no writes.
  type: str
  returned: success
  sample: healthy
findings:
  description: What speaks against it, and what has to be known or done besides.
  type: list
  elements: dict
  returned: success
  sample: []
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [failover.fence, failover.loss]
target:
  description: The server.
  type: str
  returned: success
  sample: postgresql://db2.example.com:5432/postgres
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.failover import promote, prove_writes
from ..module_utils._arguments import positive_seconds, postgres_spec
from ..module_utils._errors import InputError
from ..module_utils._judge.failover import (
    Terms,
    failover_result,
    judge_failover,
    judge_writes,
    lost_bytes,
    plan_failover,
    refuse,
)
from ..module_utils._judge.pg_control import control_of
from ..module_utils._observe.failover import observe_primary, observe_target
from ..module_utils._observe.postgres import PostgresClient, PostgresLogin
from ..module_utils._run import exit_module


def run(params, check_mode):
    login = PostgresLogin.from_params(params)
    terms = terms_of(params)
    within = positive_seconds("promote_seconds", params["promote_seconds"])
    write_seconds = positive_seconds("write_seconds", params["write_seconds"])
    control = control_of(params["primary_control"]) if params["primary_control"] else None
    with PostgresClient(login) as client:
        before = after = observe_target(client)
        primary = observe_primary(primary_login(login, params), before)
        findings = judge_failover(before, primary, control, terms)
        plan, done, seconds = plan_failover(before), [], None
        facts = {"target": login.target, "lost_bytes": lost_bytes(before, control) if before.standby else None}
        if check_mode:
            may = bool(plan) and all(finding.severity != "critical" for finding in findings)
            return failover_result(plan, done, findings, after, changed=may, promote_seconds=None, **facts)
        if before.standby:
            refuse(findings)
            begin = time.monotonic()
            promote(client, within)
            seconds = round(time.monotonic() - begin, 3)
            done = [step.with_details(seconds=seconds) for step in plan]
        findings = [*findings, *judge_writes(prove_writes(login, write_seconds))]
        after = observe_target(client)
        return failover_result(plan, done, findings, after, changed=bool(done), promote_seconds=seconds, **facts)


def terms_of(params):
    if params["max_lag_bytes"] < 0:
        raise InputError("max_lag_bytes is {0}.".format(params["max_lag_bytes"]), "Give bytes, 0 or more.")
    return Terms(**{name: params[name] for name in Terms.__dataclass_fields__})


def primary_login(login, params):
    """Of the old primary, with the same role and password, as its replica has the same roles."""
    if not params["primary_host"]:
        return None
    port = params["primary_port"] or login.login_port
    return login._replace(login_host=params["primary_host"], login_port=port, login_unix_socket="")


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            postgres_spec(),
            primary_host={"type": "str", "default": ""},
            primary_port={"type": "int"},
            primary_control={"type": "dict", "default": {}},
            old_primary_is_fenced={"type": "bool", "default": False},
            accept_data_loss={"type": "bool", "default": False},
            ignore_manager={"type": "bool", "default": False},
            max_lag_bytes={"type": "int", "default": 16777216},
            promote_seconds={"type": "float", "default": 120.0},
            write_seconds={"type": "float", "default": 10.0},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
