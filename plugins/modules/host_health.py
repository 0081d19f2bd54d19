#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_health
short_description: Check the health of the machine it runs on
version_added: "1.0.0"
description:
  - Looks at a Linux machine in one call and says what is wrong and what to do next.
  - Covers processors (use, steal, iowait, load, pressure), memory, swap and OOM kills, file systems (space, inodes,
    when they will be full, read-only after an error, hanging), disks, network interfaces, the connection table, file
    handles, processes, the clock, restarts, failed units of systemd, restarts that are required and updates that wait.
  - Processors, memory and disks are judged by what lasts for minutes, not by one sample.
  - In a container with limits of its own, memory, processors and processes are judged by these.
  - High use of processors or memory is told with the three processes that use most, by name and process id. Their
    arguments are never read.
  - It reads only, fetches no lists of packages, takes no lock, and needs neither root nor anything installed. What a
    user may not see is reported as V(unknown).
  - Whatever hangs (a network file system, a package manager), the module ends within its time-outs.
  - All checks with their limits are listed in C(docs/checks.md) of the collection, the reasons in
    C(docs/host_health.md).
author:
  - analytics.ops contributors (@analytics-ops)
extends_documentation_fragment:
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
attributes:
  platform:
    platforms: linux
options:
  window:
    description:
      - Seconds over which processors, disks and interfaces are measured; the task takes that long.
      - V(0) measures nothing at present and judges rates by O(previous) alone.
    type: float
    default: 1.0
  previous:
    description:
      - The RV(measurements) of an earlier result. With it, counters are judged by how they grew since, a restart is
        seen, and the time until a file system is full is known.
      - From five minutes ago or more, it also tells what lasts. Without it, steal, latency and the like are no more
        than V(info).
    type: dict
    default: {}
  mounts:
    description:
      - Mount points to look at. One at which nothing is mounted is reported.
      - Empty means every real file system, each once; not those in memory, images, or the layers of containers.
    type: list
    elements: path
    default: []
  exclude_mounts:
    description: Mount points to leave out, as shell patterns; C(*) also matches a slash.
    type: list
    elements: str
    default: []
  exclude_units:
    description:
      - Units of systemd whose failure is not told here, as shell patterns such as V(nginx.service) or V(app@*).
      - Those that M(analytics.ops.service_health) looks at belong here, or one fault is two findings.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds within which file systems must answer. All are asked at once.
    type: float
    default: 5.0
  updates_timeout:
    description: Seconds after which each question to the package manager is given up.
    type: float
    default: 30.0
  max_findings_per_check:
    description:
      - How many subjects (file systems, units, and so on) one check lists, the worst first.
      - One further finding says how many were left out.
    type: int
    default: 20
seealso:
  - module: analytics.ops.service_health
  - module: analytics.ops.http_health
  - module: analytics.ops.pg_health
"""

EXAMPLES = r"""
- name: Check this machine
  analytics.ops.host_health:
  register: health

- name: Judge rates since the last run, and watch the backup disk
  analytics.ops.host_health:
    mounts: [/, /var, /mnt/backups]
    previous: "{{ (lookup('ansible.builtin.file', 'host_health.json') | from_json).measurements }}"

- name: Check with limits of our own, and leave out what somebody else keeps
  analytics.ops.host_health:
    exclude_checks: [clock_synchronised, updates]
    exclude_mounts: ["/media/*"]
    thresholds:
      host.disk_space: {warning: 80, critical: 90, free_bytes: 53687091200}
      host.security_updates: {warning: 1, critical: 20}

- name: Just look who keeps the machine busy, measured for ten seconds
  analytics.ops.host_health:
    checks: [cpu, load, memory]
    window: 10
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
    - check: host.disk_space
      subject: /var
      severity: warning
      value: 91.4
      unit: "%"
      warning: 85.0
      critical: 95.0
      message: "/var (ext4 on /dev/sda2) is 91.4 % full: 4.3 GB of 50 GB are free."
      advice: >-
        What can go safely is told by: ansible-playbook analytics.ops.disk_critical. Where the rest lies: du -xh
        --max-depth=2 on it, sorted with sort -h.
measurements:
  description:
    - Flat, named figures. C(host.observed_at) says when, in seconds since the epoch; C(host.total.…) are counters since
      the start. In C(host.disk.MOUNT.FIGURE) the mount point is what stands before the last dot.
    - Give them back as O(previous) at the next run.
  type: dict
  returned: success
  sample:
    host.observed_at: 1767225600.5
    host.cpu.used_percent: 12.5
    host.memory.used_percent: 41.2
    host.disk./var.used_percent: 91.4
    host.total.oom_kills: 0
target:
  description: The name of the machine.
  type: str
  returned: success
  sample: db1
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [host.cpu, host.memory, host.disk_space]
"""

import os
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, selected
from ..module_utils._errors import InputError
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.host import CHECKS
from ..module_utils._judge.host_facts import CLOCK, since
from ..module_utils._judge.host_measurements import measurements
from ..module_utils._judge.interval import Interval
from ..module_utils._judge.shortlist import shortlist
from ..module_utils._judge.text import printable
from ..module_utils._observe.host import Wishes, observe
from ..module_utils._observe.host_proc import Files
from ..module_utils._run import exit_module

# Least and most of each, in seconds, so that no typing error makes a machine wait for a day.
RANGES = {"window": (0, 60), "timeout": (0.1, 300), "updates_timeout": (0.1, 600)}


def run(params: Dict[str, Any], check_mode: bool = False) -> Dict[str, Any]:
    selection = CHECKS.select(*selected(params))
    for name, (least, most) in RANGES.items():
        if not least <= params[name] <= most:
            raise InputError(
                "{0} is {1:g}.".format(name, params[name]), "Give seconds from {0:g} to {1:g}.".format(least, most)
            )
    if params["max_findings_per_check"] <= 0:
        raise InputError(
            "max_findings_per_check is {0}.".format(params["max_findings_per_check"]), "Give a number above zero."
        )
    previous = params["previous"]
    Interval({}, previous, CLOCK)  # says what is wrong with it before anything is asked
    wishes = Wishes(
        window=params["window"],
        mounts=[os.path.normpath(point) for point in params["mounts"]],
        exclude_mounts=params["exclude_mounts"],
        exclude_units=params["exclude_units"],
        timeout=params["timeout"],
        updates_timeout=params["updates_timeout"],
    )
    snapshot = observe(selection.needs, wishes, previous, Files())
    figures = measurements(snapshot)
    snapshot["interval"] = since(figures, previous, snapshot["boot"].restarted)
    target = printable(os.uname().nodename, 120)
    return check_result(
        shortlist(selection.findings(snapshot, target), params["max_findings_per_check"]),
        params["include_ok"],
        measurements=figures,
        target=target,
        checks=selection.names,
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            checking_spec(),
            window={"type": "float", "default": 1.0},
            previous={"type": "dict", "default": {}},
            mounts={"type": "list", "elements": "path", "default": []},
            exclude_mounts={"type": "list", "elements": "str", "default": []},
            exclude_units={"type": "list", "elements": "str", "default": []},
            timeout={"type": "float", "default": 5.0},
            updates_timeout={"type": "float", "default": 30.0},
            max_findings_per_check={"type": "int", "default": 20},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
