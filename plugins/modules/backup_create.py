#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a dump of a database that can be verified later."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_create
short_description: Take a checksummed dump of a PostgreSQL database
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Dumps one database with C(pg_dump), and roles and tablespaces with C(pg_dumpall), to a directory on the host the
    module runs on.
  - The dump is written under a hidden name that ends in C(.part), read back and decoded to its last block, and renamed
    in one step. A run that is interrupted, even killed, leaves nothing that looks like a backup; what it leaves is
    removed by the next run.
  - Beside the dump C(NAME-TIME.dump) stand C(NAME-TIME.dump.sha256), which C(sha256sum --check) and
    M(analytics.ops.backup_verify) understand, and C(NAME-TIME.dump.json), which says when, from where and with what it
    was taken. All files have mode 0600.
extends_documentation_fragment:
  - analytics.ops.postgres
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Says what would be dumped, the space that is needed, and what would be removed.
  diff_mode:
    support: none
options:
  directory:
    description: Existing directory to write to. It should be readable for its owner alone.
    type: path
    required: true
  name:
    description: What file names begin with; the name of the database by default.
    type: str
  format:
    description:
      - V(custom) is one file.
      - V(directory) is a directory with a file for each table, written by O(jobs) connections at once.
    type: str
    choices: [custom, directory]
    default: custom
  jobs:
    description: Connections that dump at once, with O(format=directory).
    type: int
    default: 2
  compress:
    description:
      - Level of gzip, V(0) for none to V(9) for the best. The default is that of C(pg_dump).
      - Other methods are not offered, for C(pg_dump) writes no checksums into them.
    type: int
  globals:
    description:
      - Whether roles and tablespaces are dumped to C(NAME-TIME.globals.sql). Without them a restore elsewhere lacks
        owners and rights.
    type: bool
    default: true
  role_passwords:
    description:
      - Whether O(globals) include the roles' password hashes, which only superusers and members of
        C(pg_read_all_data) can read.
    type: bool
    default: true
  lock_timeout:
    description: Seconds to wait for the locks on all tables at the beginning.
    type: float
    default: 30.0
  timeout:
    description: Seconds after which the dump is ended and removed. No limit by default.
    type: float
  minimum_free_percent:
    description:
      - Nothing is begun when less of the file system would be free afterwards.
      - Needed is a third more than the last dump of this name, or for the first one all data without indexes.
    type: float
    default: 5.0
  programs:
    description:
      - Directory of PostgreSQL's programs.
      - Without it they are looked for in C(PATH) and in the usual places, such as C(/usr/lib/postgresql/*/bin). The
        oldest that is not older than the server is taken.
    type: path
requirements:
  - pg_dump and pg_dumpall, not older than the server (on the host the module runs on)
notes:
  - The password is on no command line and in no environment. Programs get it from a password file in memory.
  - A dump holds a snapshot, which keeps C(VACUUM) from removing newer dead rows, and weak locks on all tables, which
    keep C(ALTER TABLE) waiting, until it ends.
seealso:
  - module: analytics.ops.backup_verify
"""

EXAMPLES = r"""
- name: Dump a database over the local socket
  analytics.ops.backup_create:
    login_db: analytics
    directory: /var/backups/postgresql
  become: true
  become_user: postgres

- name: Dump a large database with four connections, within two hours
  analytics.ops.backup_create:
    login_host: db1.example.com
    login_user: backup
    login_password: "{{ backup_password }}"
    login_db: analytics
    directory: /var/backups/postgresql
    format: directory
    jobs: 4
    timeout: 7200
    role_passwords: false
  register: dump

- name: Verify what was just written, as any other backup
  analytics.ops.backup_verify:
    path: "{{ dump.backup.path }}"
    checksum_required: true

- name: What would it need?
  analytics.ops.backup_create:
    login_db: analytics
    directory: /var/backups/postgresql
    minimum_free_percent: 20
  check_mode: true
"""

RETURN = r"""
plan:
  description: What was to be done. Sizes are estimated.
  returned: success
  type: list
  elements: dict
  sample:
    - action: dump
      subject: /var/backups/postgresql/analytics-20261123T020000Z.dump
      reason: Database analytics holds 1.2 GB of data.
      estimated_size_bytes: 97622016
      free_bytes: 52428800000
      data_bytes: 1288490188
    - action: dump_globals
      subject: /var/backups/postgresql/analytics-20261123T020000Z.globals.sql
      reason: Roles and tablespaces are in no dump of a database.
done:
  description: What was done; empty in check mode.
  returned: success
  type: list
  elements: dict
  sample:
    - action: dump
      subject: /var/backups/postgresql/analytics-20261123T020000Z.dump
      reason: Database analytics holds 1.2 GB of data.
      estimated_size_bytes: 97622016
      free_bytes: 52428800000
      data_bytes: 1288490188
      size_bytes: 73400320
      seconds: 14.2
remaining:
  description: What of the plan was not done; in check mode all of it.
  returned: success
  type: list
  elements: dict
  sample: []
backup:
  description: The dump. In check mode without what only the dump itself shows.
  returned: success
  type: dict
  contains:
    path:
      description: The file or directory.
      type: str
      returned: always
    format:
      description: As O(format).
      type: str
      returned: always
    globals_path:
      description: File with roles and tablespaces; empty without O(globals).
      type: str
      returned: always
    size_bytes:
      description: Size of the dump.
      type: int
      returned: not in check mode
    sha256:
      description: Checksum of the file; empty for a directory, of which C(PATH.sha256) names every file.
      type: str
      returned: not in check mode
    seconds:
      description: Time that it took, reading back included.
      type: float
      returned: not in check mode
    server_version:
      description: Version of the server.
      type: str
      returned: always
    pg_dump_version:
      description: Version of the program that made it.
      type: str
      returned: always
  sample:
    path: /var/backups/postgresql/analytics-20261123T020000Z.dump
    format: custom
    globals_path: /var/backups/postgresql/analytics-20261123T020000Z.globals.sql
    size_bytes: 73400320
    sha256: 0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f
    seconds: 14.2
    server_version: "17.6"
    pg_dump_version: "17.6"
target:
  description: The database, without user and password.
  returned: success
  type: str
  sample: postgresql://db1.example.com:5432/analytics
"""

import time
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.dump import Dumped, DumpOrder, remove_leftover, take_dump
from ..module_utils._arguments import postgres_spec
from ..module_utils._errors import InputError
from ..module_utils._judge.backup_plan import choose_program, names_of, plan_dump, safe_name
from ..module_utils._judge.plan import act_result
from ..module_utils._judge.text import printable
from ..module_utils._observe.backup_source import observe_place, observe_source
from ..module_utils._observe.postgres import PostgresLogin
from ..module_utils._observe.postgres_programs import find_programs
from ..module_utils._run import exit_module


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    _require_sense(params)
    login = PostgresLogin.from_params(params)
    name = safe_name(params["name"] or "", login.login_db)
    place = observe_place(params["directory"], name)
    source = observe_source(login)
    pg_dump = choose_program(find_programs("pg_dump", params["programs"]), "pg_dump", source)
    pg_dumpall = None
    if params["globals"]:
        pg_dumpall = choose_program(find_programs("pg_dumpall", params["programs"]), "pg_dumpall", source)
    names = names_of(name, params["format"], time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    plan = plan_dump(source, place, names, params["globals"], params["minimum_free_percent"])
    order = DumpOrder(
        login=login,
        source=source,
        directory=place.directory,
        names=names,
        format=params["format"],
        jobs=params["jobs"],
        compress=params["compress"],
        lock_timeout=params["lock_timeout"],
        timeout=params["timeout"],
        pg_dump=pg_dump,
        pg_dumpall=pg_dumpall,
        role_passwords=params["role_passwords"],
    )
    paths = {step.action: step.subject for step in plan}
    backup = {
        "path": paths["dump"],
        "format": order.format,
        "globals_path": paths.get("dump_globals", ""),
        "server_version": source.server_version,
        "pg_dump_version": pg_dump.version,
    }
    if check_mode:
        return act_result(plan, [], plan, True, backup=backup, target=printable(login.target))
    done = [step for step in plan if step.action == "remove" and remove_leftover(step.subject)]
    dumped: Dumped = take_dump(order)
    figures = {"size_bytes": dumped.size_bytes, "seconds": round(dumped.seconds, 3)}
    done += [
        step.with_details(**figures) if step.action == "dump" else step for step in plan if step.action != "remove"
    ]
    # A leftover that another run has removed, or taken up, is no longer ours to remove.
    return act_result(
        plan,
        done,
        [],
        True,
        backup=dict(backup, sha256=dumped.sha256, **figures),
        target=printable(login.target),
        warnings=list(dumped.warnings),
    )


def _require_sense(params: Dict[str, Any]) -> None:
    for name, least, most in (("jobs", 1, 1000), ("compress", 0, 9), ("minimum_free_percent", 0, 99)):
        value = params[name]
        if value is not None and not least <= value <= most:
            raise InputError("{0} is {1:g}.".format(name, value), "Give a number from {0} to {1}.".format(least, most))
    for name in ("lock_timeout", "timeout"):
        if params[name] is not None and params[name] <= 0:
            raise InputError("{0} is {1:g} seconds.".format(name, params[name]), "Give a positive number.")


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            postgres_spec(),
            directory={"type": "path", "required": True},
            name={"type": "str"},
            format={"type": "str", "choices": ["custom", "directory"], "default": "custom"},
            jobs={"type": "int", "default": 2},
            compress={"type": "int"},
            globals={"type": "bool", "default": True},
            role_passwords={"type": "bool", "default": True, "no_log": False},
            lock_timeout={"type": "float", "default": 30.0},
            timeout={"type": "float"},
            minimum_free_percent={"type": "float", "default": 5.0},
            programs={"type": "path"},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
