#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: duckdb_health
short_description: Check DuckDB database files and the processes that hold them
version_added: "1.0.0"
description:
  - Opens each file read-only, reads from its tables, and judges its size, its write-ahead log, its temporary files and
    its free blocks.
  - DuckDB is a library and no server. A file that a service holds for writing can be opened by nobody else; that is
    reported as V(info), and the file, its write-ahead log and the memory of that process are judged from outside.
  - The library runs in a process of its own, which is ended at the time limit. It gets one thread and 1 GB, writes
    nothing, and reads no other file.
  - Slow queries of a service can only be seen in the service itself. Here only O(probe) is timed.
author:
  - analytics.ops contributors (@analytics-ops)
extends_documentation_fragment:
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
options:
  path:
    description: The database files.
    type: list
    elements: path
    required: true
  level:
    description:
      - How closely to look at the tables of a file that nobody holds for writing.
      - V(open) reads the catalog only, V(sample) the first row of each table, V(full) every value.
    type: str
    choices: [open, sample, full]
    default: sample
  probe:
    description: A query of your own (one C(SELECT)) that is run and timed on each file that can be opened.
    type: str
    default: ""
  time_limit:
    description: Seconds for opening a file and reading from its tables; as many again for O(probe).
    type: float
    default: 30.0
  memory_limit:
    description:
      - The C(memory_limit) that the service was given, for example V(4GB). The memory of the process that holds a file
        is judged by it.
      - Without it, DuckDB's own default counts, which is 80 % of the host's memory.
    type: str
    default: ""
  threads:
    description: The C(threads) that the service was given. Without it, they are not judged.
    type: int
  temp_directory:
    description: Where the service keeps temporary files, if not in DuckDB's default C(<path>.tmp).
    type: path
requirements:
  - duckdb (the Python library, on the host the module runs on, of the version that the service uses or newer)
seealso:
  - module: analytics.ops.data_check
  - module: analytics.ops.http_health
"""

EXAMPLES = r"""
- name: Check the analytics file
  analytics.ops.duckdb_health:
    path: /srv/analytics/analytics.duckdb
    memory_limit: 4GB
    threads: 4
  become: true
  become_user: analytics

- name: Read every value of a copy, once a week
  analytics.ops.duckdb_health:
    path: [/backup/analytics.duckdb]
    level: full
    time_limit: 1800

- name: Time a typical query, with limits of our own
  analytics.ops.duckdb_health:
    path: /srv/analytics/analytics.duckdb
    probe: SELECT count(*) FROM events WHERE day >= current_date - 7
    thresholds:
      duckdb.probe: {warning: 2, critical: 10}
      duckdb.size: {warning: 53687091200}
"""

RETURN = r"""
status:
  description: V(unhealthy) with any critical finding, V(degraded) with a warning or something unknown, else V(healthy).
  type: str
  returned: success
  sample: degraded
findings:
  description: What is not in order, the worst first. With O(include_ok) also what is.
  type: list
  elements: dict
  returned: success
  sample:
    - check: duckdb.wal_leftover
      subject: /srv/analytics/analytics.duckdb
      severity: warning
      value: null
      unit: ""
      warning: null
      critical: null
      message: Nobody holds the file, but a write-ahead log of 7.95 kB stands beside it, written 4 min 2 s ago.
      advice: >-
        Its last writer was killed. Nothing is lost: start the service, which takes the log in. Never remove or move the
        .wal file.
measurements:
  description: Figures for the history, by the name of the file without directory and suffix.
  type: dict
  returned: success
  sample:
    duckdb.analytics.opened: 1
    duckdb.analytics.bytes: 536870912
    duckdb.analytics.wal_bytes: 8144
databases:
  description: What each file is.
  type: list
  elements: dict
  returned: success
  sample:
    - path: /srv/analytics/analytics.duckdb
      outcome: opened
      storage_version: v1.2.0+
      tables: 14
target:
  description: What was looked at.
  type: str
  returned: success
  sample: /srv/analytics/analytics.duckdb
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [duckdb.exists, duckdb.opens, duckdb.wal_size]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, selected
from ..module_utils._errors import InputError
from ..module_utils._judge.duckdb import CHECKS, measurements, size_of
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.text import printable
from ..module_utils._observe.duckdb_file import Looking, host_limits, look
from ..module_utils._run import exit_module


def run(params, check_mode=False):
    selection = CHECKS.select(*selected(params))
    if params["time_limit"] <= 0:
        raise InputError("time_limit is {0:g}.".format(params["time_limit"]), "Give seconds, more than 0.")
    if params["threads"] is not None and params["threads"] < 1:
        raise InputError("threads is {0}.".format(params["threads"]), "Give what the service was given, at least 1.")
    memory = size_of(params["memory_limit"]) if params["memory_limit"] else None
    if params["memory_limit"] and not memory:
        raise InputError(
            "memory_limit is '{0}', which is no size.".format(printable(params["memory_limit"], 40)),
            "Write it as DuckDB does, for example 4GB or 512MiB.",
        )
    looking = Looking(params["level"], params["probe"], params["time_limit"], params["temp_directory"])
    databases = [look(path, looking) for path in params["path"]]
    limits = host_limits(memory, params["threads"])
    target = printable(", ".join(params["path"]))
    return check_result(
        selection.findings({"databases": databases, "limits": limits}, target),
        params["include_ok"],
        measurements=measurements(databases),
        databases=[
            {
                "path": printable(one.path),
                "outcome": one.outcome,
                "storage_version": one.storage_version,
                "tables": one.tables,
            }
            for one in databases
        ],
        target=target,
        checks=selection.names,
    )


def main():
    module = AnsibleModule(
        argument_spec=dict(
            checking_spec(),
            path={"type": "list", "elements": "path", "required": True},
            level={"type": "str", "choices": ["open", "sample", "full"], "default": "sample"},
            probe={"type": "str", "default": ""},
            time_limit={"type": "float", "default": 30.0},
            memory_limit={"type": "str", "default": ""},
            threads={"type": "int"},
            temp_directory={"type": "path"},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
