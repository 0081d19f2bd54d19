#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_fence
short_description: Keeps a stopped primary of PostgreSQL from taking writes when somebody starts it again
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Puts C(standby.signal) into the data directory. Whatever starts the server then - a boot, a container engine, a
    person - it comes up as a standby that takes no writes, until it is rejoined. Of the data nothing is changed.
  - Reads from C(global/pg_control) how the server ended and where its WAL ends, by which
    M(analytics.ops.pg_failover) tells what is lost. No program of PostgreSQL is needed for that.
  - Stops nothing. On a server that runs the file works from the next start on.
  - To give the server back as a primary, where no other one took over, remove the file and start it.
extends_documentation_fragment:
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  data_directory:
    description: Data directory of the server on this host. PostgreSQL 12 or newer.
    type: path
    required: true
  system_identifier:
    description: >-
      Of the cluster that is meant, as M(analytics.ops.pg_failover) returns it. The directory of another one is left
      alone then, and the task fails.
    type: str
    default: ""
notes:
  - It has to be read and written as its owner or as root; the file gets the directory's owner.
seealso:
  - module: analytics.ops.pg_failover
"""

EXAMPLES = r"""
- name: Let the old primary not take writes again
  analytics.ops.pg_fence:
    data_directory: /var/lib/postgresql/18/main
  register: fenced

- name: See how it ended, and whether it is fenced
  analytics.ops.pg_fence:
    data_directory: /srv/analytics/pgdata
  check_mode: true
  register: looked
"""

RETURN = r"""
control:
  description: How the server ended. C(checkpoint) is a position in the WAL in bytes.
  type: dict
  returned: success
  sample: {system_identifier: "7519342198765432101", state: shut down, checkpoint: 50331688, timeline: 1}
plan:
  description: What was to be done; empty when it is fenced already.
  type: list
  elements: dict
  returned: success
  sample:
    - {action: fence, subject: /var/lib/postgresql/18/main, reason: "Started again, it would come up as a primary."}
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
target:
  description: The data directory.
  type: str
  returned: success
  sample: /var/lib/postgresql/18/main
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.fence import fence
from ..module_utils._judge.pg_control import plan_fence, require_cluster
from ..module_utils._judge.plan import act_result
from ..module_utils._observe.pg_control import is_standby, observe_control
from ..module_utils._run import exit_module


def run(directory, identifier, check_mode):
    control = observe_control(directory)
    require_cluster(control, identifier, directory)
    plan = plan_fence(directory, is_standby(directory))
    done = []
    if plan and not check_mode:
        fence(directory)
        done = plan
    remaining = [] if done else plan
    return act_result(plan, done, remaining, changed=bool(plan), control=control.as_dict(), target=directory)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "data_directory": {"type": "path", "required": True},
            "system_identifier": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    exit_module(module, lambda: run(given["data_directory"], given["system_identifier"], module.check_mode))


if __name__ == "__main__":
    main()
