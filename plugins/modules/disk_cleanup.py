#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: disk_cleanup
short_description: Tells what a disk that fills up can do without, and frees what is confirmed
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Looks at the file systems, and ranks by bytes what can go safely, by kind. V(rotated_logs) are compressed, numbered
    or dated logs that rotation left in O(log_directories). V(old_exports) are old files in O(export_directories).
    V(package_cache) is what C(apt-get clean) removes, V(journal) what C(journalctl --vacuum-size) removes,
    V(dangling_images) what C(docker image prune) removes.
  - It frees the kinds that O(confirm) names, and nothing else. Without any it only tells.
  - A file that any process holds open is never removed, nor one that has changed since it was looked at, and no log
    that may still be written to. Links are not followed, and no other file system is entered.
  - Nothing of a data directory of PostgreSQL, of its WAL, of Redis, DuckDB or SQLite is ever removed. A directory that
    belongs to one, or that holds a system, is refused before anything is looked at. Data directories below a declared
    directory are passed over.
  - Told by name and never touched are deleted files that a process still holds open, and WAL that PostgreSQL keeps.
  - A file that cannot be removed is a finding, and the work goes on. One that went meanwhile is nothing.
  - Whether a file is open is asked of the kernel, by a lease, and of every process. Where neither can tell, because
    the file belongs to somebody else and processes cannot be looked into, it stays. So it wants root.
extends_documentation_fragment:
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Shows in RV(plan) what O(confirm) would free.
  diff_mode:
    support: none
  platform:
    platforms: linux
options:
  confirm:
    description: The kinds that are freed now.
    type: list
    elements: str
    choices: [rotated_logs, old_exports, package_cache, journal, dangling_images]
    default: []
  log_directories:
    description: Where rotated logs are looked for, at any depth.
    type: list
    elements: path
    default: [/var/log]
  log_days:
    description: Rotated logs that were last written to within that many days stay.
    type: int
    default: 7
  export_directories:
    description: Directories that hold nothing but exports which may go when they are old.
    type: list
    elements: path
    default: []
  export_days:
    description: Exports that were last written to within that many days stay.
    type: int
    default: 30
  journal_keep_bytes:
    description: What the journal keeps, at least.
    type: int
    default: 209715200
  postgresql_data_directory:
    description: The data directory whose WAL is told. It is only looked at.
    type: path
  wal_bytes:
    description: From how much WAL on it is told. The default is four times the default of C(max_wal_size).
    type: int
    default: 4294967296
  thresholds:
    description:
      - Limits of your own for C(host.disk_space) and C(host.inodes), by which M(analytics.ops.host_health) judges, too.
    type: dict
    default: {}
  timeout:
    description: Seconds within which file systems must answer. On one that does not nothing is looked at.
    type: float
    default: 5.0
  inventory_name:
    description: What the inventory calls this machine, for the command that is told.
    type: str
    default: ""
seealso:
  - module: analytics.ops.host_health
"""

EXAMPLES = r"""
- name: What could go
  analytics.ops.disk_cleanup:
    export_directories: [/srv/analytics/exports]
    postgresql_data_directory: /var/lib/postgresql/18/main
  become: true
  register: could

- name: Let old logs and packages go
  analytics.ops.disk_cleanup:
    confirm: [rotated_logs, package_cache]
    log_directories: [/var/log, /opt/analytics/logs]
    log_days: 14
  become: true
"""

RETURN = r"""
changed:
  description: Whether anything was freed. In check mode whether it would be.
  type: bool
  returned: success
  sample: true
status:
  description: V(unhealthy) with any critical finding, V(degraded) with a warning or something unknown, else V(healthy).
  type: str
  returned: success
  sample: healthy
findings:
  description: >-
    C(disk.space), C(disk.inodes) and C(disk.answers) as M(analytics.ops.host_health) judges them; C(disk.removable)
    with what can still go and the command for it; C(disk.held_open), C(disk.wal); C(disk.not_removed) and
    C(disk.not_seen). They speak of how it stands afterwards.
  type: list
  elements: dict
  returned: success
  sample:
    - check: disk.removable
      subject: disks
      severity: info
      value: 1288490188
      unit: bytes
      warning: null
      critical: null
      message: "1.2 GB can be freed: rotated_logs 1.1 GB, package_cache 102 MB."
      advice: >-
        See it with --check first, and name only what may go: ansible-playbook analytics.ops.disk_critical --limit db1
        -e disk_cleanup_confirm=rotated_logs,package_cache
measurements:
  description: Flat, named figures, after the work.
  type: dict
  returned: success
  sample:
    disk.removable.rotated_logs_bytes: 1181116006
    disk./var.used_percent: 96.4
    disk./var.free_bytes: 1932735283
removable:
  description: What could go before the work, the largest first; of each kind at most 200 paths, the largest first.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: rotated_logs
      size_bytes: 1181116006
      reason: 1 file in /var/log, older than 7 days.
      files: 1
      paths: [/var/log/nginx/access.log.3.gz]
plan:
  description: What of it is confirmed, a step a kind.
  type: list
  elements: dict
  returned: success
  sample:
    - action: free
      subject: rotated_logs
      reason: 1 file in /var/log, older than 7 days.
      size_bytes_before: 1181116006
      files: 1
done:
  description: What of the plan was done, with what is left of it; nothing in check mode.
  type: list
  elements: dict
  returned: success
  sample:
    - action: free
      subject: rotated_logs
      reason: 1 file in /var/log, older than 7 days.
      size_bytes_before: 1181116006
      size_bytes_after: 0
      files: 1
remaining:
  description: What of the plan freed nothing.
  type: list
  elements: dict
  returned: success
  sample: []
removed:
  description: The paths of files that were removed, at most 300.
  type: list
  elements: str
  returned: success
  sample: [/var/log/nginx/access.log.3.gz]
removed_count:
  description: How many files were removed.
  type: int
  returned: success
  sample: 1
file_systems:
  description: Every file system that answers, as it is now, and what is free of it that was used before the work.
  type: list
  elements: dict
  returned: success
  sample:
    - mount: /var
      device: /dev/sda2
      size_bytes: 53687091200
      used_bytes: 50573238272
      free_bytes: 3113852928
      used_percent: 94.2
      inodes: 3276800
      inodes_free: 3100000
      freed_bytes: 1181116006
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [disk.answers, disk.space, disk.inodes, disk.removable]
target:
  description: What the findings are about.
  type: str
  returned: success
  sample: disks
msg:
  description: What can go, or what was freed.
  type: str
  returned: success
  sample: 1.1 GB freed. 102 MB can be freed (package_cache 102 MB) now.
"""

from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.disk_cleanup import empty_store, remove_files
from ..module_utils._arguments import positive_seconds
from ..module_utils._errors import InputError
from ..module_utils._judge import disk_findings
from ..module_utils._judge.disk_cleanup import FILES, KINDS, OldFile, outcome, plan_of
from ..module_utils._judge.disk_findings import Failure
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.plan import act_result
from ..module_utils._judge.text import printable
from ..module_utils._observe.disk import Wishes, look_at_disks, without_disk
from ..module_utils._run import exit_module

LEAST = {"log_days": 1, "export_days": 1, "journal_keep_bytes": 0, "wal_bytes": 1}
WISHES = ("log_directories", "log_days", "export_directories", "export_days", "journal_keep_bytes")
WISHES += ("postgresql_data_directory", "timeout")
NAMED_REMOVED = 300


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    for name, least in LEAST.items():
        if params[name] < least:
            raise InputError("{0} is {1}.".format(name, params[name]), "Give {0} or more.".format(least))
    positive_seconds("timeout", params["timeout"], 300)
    disk_findings.of_host((), params["thresholds"])  # says what is wrong with them before anything is looked at
    without_disk()
    wishes = Wishes(**{name: params[name] for name in WISHES})
    before = after = look_at_disks(wishes)
    plan = plan_of(before.removable, params["confirm"])
    removed: List[OldFile] = []
    failures: List[Failure] = []
    done, remaining = [], plan
    if plan and not check_mode:
        for one in before.removable:
            if one.kind not in params["confirm"]:
                continue
            if one.kind not in FILES:
                failures += empty_store(one.kind, params["journal_keep_bytes"])
            else:
                gone, stayed = remove_files(one.kind, one.files)
                removed += gone
                failures += stayed
        after = look_at_disks(wishes)
        done, remaining = outcome(plan, after.removable)
    findings = [
        *disk_findings.of_host(after.disks, params["thresholds"]),
        *disk_findings.removable(after.removable, params["inventory_name"]),
        *disk_findings.held_open(after.held.holders),
        *disk_findings.wal(after.wal, params["wal_bytes"]),
        *disk_findings.not_removed(failures),
        *disk_findings.not_seen(after.hidden),
    ]
    checked = check_result(
        findings,
        measurements=disk_findings.measurements(after.disks, after.removable, after.held.holders, after.wal),
        checks=list(disk_findings.NAMES),
        target=disk_findings.TARGET,
        removable=[one.as_dict() for one in before.removable],
        removed=[printable(file.path) for file in removed[:NAMED_REMOVED]],
        removed_count=len(removed),
        file_systems=disk_findings.table(before.disks, after.disks),
        msg=disk_findings.told(after.removable, plan, done, check_mode),
    )
    return dict(checked, **act_result(plan, done, remaining, changed=bool(plan if check_mode else done)))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "confirm": {"type": "list", "elements": "str", "choices": list(KINDS), "default": []},
            "log_directories": {"type": "list", "elements": "path", "default": ["/var/log"]},
            "log_days": {"type": "int", "default": 7},
            "export_directories": {"type": "list", "elements": "path", "default": []},
            "export_days": {"type": "int", "default": 30},
            "journal_keep_bytes": {"type": "int", "default": 200 * 1024**2},
            "postgresql_data_directory": {"type": "path"},
            "wal_bytes": {"type": "int", "default": 4 * 1024**3},
            "thresholds": {"type": "dict", "default": {}},
            "timeout": {"type": "float", "default": 5.0},
            "inventory_name": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
