#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_rejoin
short_description: Makes the old primary of PostgreSQL a standby of the new one, with pg_rewind
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Runs on the old primary's host while its server is stopped. Takes back with C(pg_rewind) what only the old primary
    has, writes C(primary_conninfo), C(primary_slot_name) and C(standby.signal), and makes the slot on the new primary.
  - Starts nothing. After the server was started, a second run waits until the new primary sees it streaming.
  - Where C(pg_rewind) cannot do it, it says why. The directory stays fenced then. A new base backup is left to a
    person.
extends_documentation_fragment:
  - analytics.ops.postgres
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Returns the plan; where the server ended cleanly, after C(pg_rewind --dry-run).
  diff_mode:
    support: none
options:
  data_directory:
    description: Data directory of the old primary on this host.
    type: path
    required: true
  slot:
    description:
      - Name of the standby, which is also that of its slot on the new primary. Small letters, digits and underscores.
    type: str
    required: true
  discard_writes:
    description:
      - Confirms that what was written on the old primary alone, and never came to the new one, is thrown away.
    type: bool
    default: false
  replication_user:
    description: Role that the standby logs in as; without it O(login_user).
    type: str
    default: ""
  passfile:
    description:
      - Password file on this host that the standby uses. The password itself is written nowhere.
      - Without it the standby gets in as libpq lets it, for example with C(~/.pgpass) of the server's user.
    type: path
  programs:
    description: Directory of C(pg_rewind), of the same major version; without it PATH and the usual places.
    type: path
  config_file:
    description:
      - The server's C(postgresql.conf) where it does not lie in the data directory, as on Debian. Needed after a crash
        alone, because C(pg_rewind) lets the server recover then. PostgreSQL 15 or newer.
    type: path
  rewind_seconds:
    description: Seconds that C(pg_rewind) may take, the recovery of a server that crashed included.
    type: float
    default: 3600.0
  follow_seconds:
    description: Seconds that a server that runs has until the new primary sees it streaming.
    type: float
    default: 60.0
notes:
  - It has to run as the user of the server (C(become_user=postgres)). The role on the new primary has to be a
    superuser, or one that may read its files, make checkpoints and slots.
  - C(pg_rewind) also copies the configuration that lies in the new primary's data directory.
seealso:
  - module: analytics.ops.pg_failover
  - module: analytics.ops.pg_fence
"""

EXAMPLES = r"""
- name: See whether the old primary can follow the new one
  analytics.ops.pg_rejoin:
    login_host: db2.example.com
    login_password: "{{ vault_postgres_password }}"
    data_directory: /var/lib/postgresql/18/main
    slot: db1
  become: true
  become_user: postgres
  check_mode: true
  register: rejoin_plan

- name: Let it follow; what only it has was looked at
  analytics.ops.pg_rejoin:
    login_host: db2.example.com
    login_password: "{{ vault_postgres_password }}"
    data_directory: /var/lib/postgresql/18/main
    slot: db1
    passfile: /var/lib/postgresql/.pgpass
    discard_writes: true
  become: true
  become_user: postgres
"""

RETURN = r"""
follows:
  description: Whether the new primary sees it streaming.
  type: bool
  returned: success
  sample: false
plan:
  description: What was to be done; empty when it follows already.
  type: list
  elements: dict
  returned: success
  sample:
    - action: rewind
      subject: /var/lib/postgresql/18/main
      reason: "It is on timeline 1 ('shut down'), the new primary on 2: what only it has is taken back."
      timeline: 2
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

import re
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.rejoin import follow, make_slot, rewind
from ..module_utils._arguments import positive_seconds, postgres_spec
from ..module_utils._errors import InputError, Refused
from ..module_utils._judge.plan import act_result
from ..module_utils._judge.rejoin import REWIND, follow_settings, plan_rejoin, require_rejoin
from ..module_utils._observe.pg_control import observe_control
from ..module_utils._observe.postgres import PostgresClient, PostgresLogin
from ..module_utils._observe.postgres_programs import find_programs
from ..module_utils._observe.rejoin import (
    follows,
    is_set_up,
    observe_source,
    require_owner,
    require_replication,
    running_server,
)
from ..module_utils._run import exit_module

_POLL_SECONDS = 0.1


def run(params, check_mode):
    directory, slot = params["data_directory"], params["slot"]
    if not re.fullmatch(r"[a-z0-9_]{1,63}", slot):
        raise InputError("slot is '{0}'.".format(slot), "Use small letters, digits and underscores, 63 at most.")
    rewind_seconds = positive_seconds("rewind_seconds", params["rewind_seconds"])
    follow_seconds = positive_seconds("follow_seconds", params["follow_seconds"])
    require_owner(directory)
    login = PostgresLogin.from_params(params)
    with PostgresClient(login) as client:
        pid = running_server(directory)
        if pid is not None and wait_until_it_follows(client, slot, follow_seconds):
            return act_result([], [], [], False, follows=True, target=directory)
        control = observe_control(directory)
        source = observe_source(client)
        require_rejoin(control, source, pid, directory)
        primary = primary_of(login, params)
        require_replication(primary, login.connect_timeout)
        settings = follow_settings(primary, slot)
        plan = plan_rejoin(control, source, directory, is_set_up(directory, settings))
        rewinds = bool(plan) and plan[0].action == REWIND
        if rewinds:
            command = rewind_command(params, client.server_version // 10000)
        if check_mode:
            if rewinds and control.ended_cleanly:
                rewind(client, login, command, directory, rewind_seconds, dry_run=True)
            return act_result(plan, [], plan, bool(plan), follows=False, target=directory)
        if rewinds:
            if not params["discard_writes"]:
                raise Refused(
                    "Nothing was changed. What was written on {0} alone would be thrown away.".format(directory),
                    "Copy the directory first where somebody may want it; then discard_writes=true.",
                )
            rewind(client, login, command, directory, rewind_seconds, dry_run=False)
        make_slot(client, slot)
        if plan:
            follow(directory, settings)
        return act_result(plan, plan, [], bool(plan), follows=False, target=directory)


def wait_until_it_follows(client, slot, seconds):
    deadline = time.monotonic() + seconds
    while not follows(client, slot):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def rewind_command(params, major):
    config = ["--config-file", params["config_file"]] if params["config_file"] else []
    for program in find_programs("pg_rewind", params["programs"]):
        if program.major == major:
            return [program.path, *config]
    raise InputError(
        "There is no pg_rewind of PostgreSQL {0} on this host.".format(major),
        "Install it, or give its directory as 'programs'.",
    )


def primary_of(login, params):
    return {
        "host": login.host,
        "port": str(login.login_port),
        "user": params["replication_user"] or login.login_user,
        "application_name": params["slot"],
        "passfile": params["passfile"] or "",
        "sslmode": login.ssl_mode,
        "sslrootcert": login.ca_cert or "",
        "sslcert": login.ssl_cert or "",
        "sslkey": login.ssl_key or "",
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            postgres_spec(),
            data_directory={"type": "path", "required": True},
            slot={"type": "str", "required": True},
            discard_writes={"type": "bool", "default": False},
            replication_user={"type": "str", "default": ""},
            passfile={"type": "path", "no_log": False},
            programs={"type": "path"},
            config_file={"type": "path"},
            rewind_seconds={"type": "float", "default": 3600.0},
            follow_seconds={"type": "float", "default": 60.0},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
