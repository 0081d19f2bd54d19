#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whether backups are there, young enough, whole, and provably so."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_verify
short_description: Verify that backups are there, young enough and undamaged
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Looks at backups of PostgreSQL and at any other file that has a checksum beside it, and returns one verdict each.
  - Reads dumps of C(pg_dump) and C(pg_dumpall) in the custom, directory, tar and plain formats, uncompressed or
    compressed with gzip, zstd or lz4, and base backups with a manifest.
  - Every file is read once. It is decoded and hashed at the same time, in bounded memory.
  - A damaged, old or missing backup is a finding and not a failed task; let the caller decide on RV(status).
extends_documentation_fragment:
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
options:
  path:
    description:
      - Files, directories and patterns (as of a shell, V(**) included) to look at.
      - A directory that is a backup itself (a dump in directory format, a base backup) is one backup. Of any other
        directory, every backup that lies directly in it is looked at. Files that look unfinished by their name
        (V(*.part), V(*.tmp), a leading dot) are left out and reported as V(info).
    type: list
    elements: path
    required: true
  level:
    description:
      - How closely to look. Each level includes those before it.
      - V(present) - it exists, is not empty, is young enough and as large as the backups before it.
      - V(checksum) - it matches the checksums that are stored beside it.
      - V(structure) - header and table of contents are sound, all parts are there. Proves little about the content.
      - V(full) - every block is decoded.
      - RV(backups[].level) tells which level could really be reached.
    type: str
    choices: [present, checksum, structure, full]
    default: full
  patterns:
    description: Of directories and patterns, only backups whose name matches one of these shell patterns.
    type: list
    elements: str
    default: []
  excludes:
    description: Of directories and patterns, no backups whose name matches one of these shell patterns.
    type: list
    elements: str
    default: []
  newest:
    description:
      - Read only this many of the newest backups of each series; older ones are only looked at as V(present).
      - Backups belong to one series when they lie in one directory and their names differ only in dates and numbers.
      - V(0) means all of them.
    type: int
    default: 0
  checksum_required:
    description: Whether a backup without a stored checksum is a warning.
    type: bool
    default: false
  jobs:
    description: Files to read at once.
    type: int
    default: 2
  programs:
    description:
      - Directory of PostgreSQL's programs, of which C(pg_verifybackup) is needed for base backups.
      - Without it they are looked for in C(PATH) and in the usual places, such as C(/usr/lib/postgresql/*/bin).
    type: path
  time_budget:
    description: Seconds after which reading ends. What was not read by then is V(unknown). No limit by default.
    type: float
notes:
  - Limits of the checks C(backup.age) (seconds, 26 and 50 hours by default) and C(backup.size) (percent of the median
    of up to ten predecessors) are set with O(thresholds).
  - What each level finds, measured, is in C(docs/backup-damage.md); what the levels mean in C(docs/backups.md).
  - For zstd and lz4 it uses Python's own library (3.14), C(zstandard), C(lz4), or the programs of these names; for gzip
    the faster C(isal), where that is installed.
  - Only a restore proves that a backup can be restored.
seealso:
  - module: analytics.ops.backup_create
"""

EXAMPLES = r"""
- name: Verify everything in the backup directory
  analytics.ops.backup_verify:
    path: /var/backups/postgresql
  register: backups

- name: Stop when a backup is damaged or missing
  ansible.builtin.assert:
    that: backups.status != 'unhealthy'
    fail_msg: "{{ backups.findings | map(attribute='message') | join(' ') }}"

- name: Is there a backup of the last 6 hours? Read nothing
  analytics.ops.backup_verify:
    path: /var/backups/postgresql/analytics-*.dump
    level: present
    thresholds:
      backup.age:
        warning: 21600
        critical: 43200

- name: Decode the newest backup of each database, four files at once, within an hour
  analytics.ops.backup_verify:
    path:
      - /var/backups/postgresql
      - /mnt/offsite/postgresql
    newest: 1
    jobs: 4
    time_budget: 3600
    checksum_required: true

- name: Verify a base backup with the programs of PostgreSQL 16
  analytics.ops.backup_verify:
    path: /var/backups/base/2026-11-22
    programs: /usr/lib/postgresql/16/bin
"""

RETURN = r"""
status:
  description: The worst of all findings, as V(healthy), V(degraded) or V(unhealthy).
  returned: always
  type: str
  sample: unhealthy
findings:
  description: What is not in order, the worst first; with O(include_ok) what is in order, too.
  returned: always
  type: list
  elements: dict
  sample:
    - check: backup.content
      subject: /var/backups/postgresql/analytics-20261122T020000Z.dump
      severity: critical
      value:
      unit: ""
      warning:
      critical:
      message: "The data of 'events' cannot be decoded (zlib): Error -3 while decompressing data: invalid code lengths
        set, at byte 1150976 or before."
      advice: >-
        Make sure that a newer backup is whole, or take and verify one now. Keep this one for analysis, and check the
        storage it lies on.
backups:
  description: One entry a backup.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: Where it lies.
      type: str
      returned: always
    format:
      description: V(custom), V(directory), V(tar), V(plain), V(base_backup), or V(file) for anything else.
      type: str
      returned: always
    compression:
      description: How the file, or the files of a directory, are compressed as a whole.
      type: str
      returned: always
    level:
      description: The level that was really reached.
      type: str
      returned: always
    status:
      description: The worst finding about this backup, as V(healthy), V(degraded) or V(unhealthy).
      type: str
      returned: always
    findings:
      description: The findings about this backup, as in RV(findings).
      type: list
      elements: dict
      returned: always
    size_bytes:
      description: Its size; of a directory, that of all its files.
      type: int
      returned: always
    age_seconds:
      description: Time since its last change.
      type: float
      returned: always
    newest:
      description: Whether it is the newest of its series.
      type: bool
      returned: always
    sha256:
      description: Checksum of the file, where it was computed.
      type: str
      returned: always
  sample:
    - path: /var/backups/postgresql/analytics-20261123T020000Z.dump
      format: custom
      compression: none
      level: full
      status: healthy
      findings: []
      size_bytes: 73400320
      age_seconds: 14400.2
      newest: true
      sha256: 0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f
measurements:
  description: Figures to be kept and compared.
  returned: always
  type: dict
  sample:
    backup.count: 14
    backup.damaged: 1
    backup.size_bytes: 1027604480
    backup.newest_age_seconds: 14400.2
    backup.newest_size_bytes: 73400320
target:
  description: The places that were looked at.
  returned: always
  type: str
  sample: /var/backups/postgresql
checks:
  description: The checks that were made.
  returned: always
  type: list
  elements: str
  sample: [backup.exists, backup.age, backup.content]
"""

import time
from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, selected
from ..module_utils._errors import InputError
from ..module_utils._judge.backup import CHECKS, LEVELS, Backup, Reading, measurements
from ..module_utils._judge.finding import OK, Finding, check_result, status_of, worst_first
from ..module_utils._judge.text import printable
from ..module_utils._observe.backup_catalogue import Catalogue
from ..module_utils._observe.backup_checksum import Checksums
from ..module_utils._observe.backup_pool import read_backups
from ..module_utils._observe.backup_reader import Request
from ..module_utils._run import exit_module

# A finding's subject is one line of bounded length; a path that is looked up by it must be the same text.
_PATH_LENGTH = 500


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    selection = CHECKS.select(*selected(params))
    for name, least in (("jobs", 1), ("newest", 0)):
        if params[name] < least:
            raise InputError("{0} is {1}.".format(name, params[name]), "Give {0} or more.".format(least))
    checksums = Checksums()
    catalogue = Catalogue(time.time(), params["patterns"], params["excludes"], checksums)
    for path in params["path"]:
        catalogue.look(path)
    catalogue.finish()
    level = params["level"] if "readings" in selection.needs else LEVELS[0]
    request = Request(level, params["checksum_required"], params["programs"])
    readings = read_backups(
        catalogue.backups, request, params["newest"], params["jobs"], params["time_budget"], checksums
    )
    target = ", ".join(params["path"])
    findings = selection.findings(
        {"places": catalogue.places, "backups": catalogue.backups, "readings": readings}, printable(target)
    )
    return check_result(
        findings,
        params["include_ok"],
        backups=[_verdict(reading, findings, params["include_ok"]) for reading in readings],
        measurements=measurements(catalogue.backups, readings),
        target=printable(target),
        checks=selection.names,
    )


def _verdict(reading: Reading, findings: List[Finding], include_ok: bool) -> Dict[str, Any]:
    backup: Backup = reading.backup
    path = printable(backup.path, _PATH_LENGTH)
    own = worst_first(finding for finding in findings if finding.subject == path)
    return {
        "path": path,
        "format": backup.format,
        "compression": backup.compression,
        "level": reading.level,
        "status": status_of(finding.severity for finding in own),
        "findings": [finding.as_dict() for finding in own if include_ok or finding.severity != OK],
        "size_bytes": backup.size_bytes,
        "age_seconds": round(backup.age_seconds, 1),
        "newest": backup.newest,
        "sha256": reading.sha256,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            checking_spec(),
            path={"type": "list", "elements": "path", "required": True},
            level={"type": "str", "choices": list(LEVELS), "default": "full"},
            patterns={"type": "list", "elements": "str", "default": []},
            excludes={"type": "list", "elements": "str", "default": []},
            newest={"type": "int", "default": 0},
            checksum_required={"type": "bool", "default": False},
            jobs={"type": "int", "default": 2},
            programs={"type": "path"},
            time_budget={"type": "float"},
        ),
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
