#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: settings_drift
short_description: Check that settings and environment are complete and as they were when all was well
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Looks whether files of settings are there, whole and protected, whether the variables that must have a value have
    one that is no placeholder, and whether a process runs with what its files say now.
  - Compares them, name by name, with a last known good. With O(record=true) it writes that, and nothing else is ever
    changed; without it the module only looks.
  - Values that look like a secret, by their name or form, are never shown. The last known good holds a keyed hash of
    them, so that a change is seen and the value is not.
  - Of a file at most 1 MiB is read.
extends_documentation_fragment:
  - analytics.ops.checking
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Looks as without it. With O(record=true) it says what would be recorded, and records nothing.
  diff_mode:
    support: full
    details: Shows the settings of files that differ from the last known good, before and now, with secrets masked.
options:
  files:
    description: The files of settings.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - A path, or a pattern such as V(/etc/app/*.env), which finds neither directories nor hidden files.
          - Of a file that is named and that a pattern finds as well, what stands beside its name counts. Only
            O(files[].required) of both are required.
        type: str
        required: true
      format:
        description:
          - How the file is read, to tell one setting from the other. Without it, by the name of the file.
          - V(env) is V(.env) and what systemd calls an environment file, V(ini) also reads systemd's units and
            properties. V(conf) reads words, one setting a line or statement - PostgreSQL, Redis, nginx and most others.
        type: str
        choices: [conf, env, ini, json, toml, yaml]
      required:
        description:
          - Names that must have a value - not missing, not empty, and no placeholder such as V(changeme),
            V(<password>) or V({{ db_password }}).
          - Where settings are nested, with the names above them - V(database.password).
        type: list
        elements: str
        default: []
      masked:
        description: Patterns of names whose values are secret besides those that look like it.
        type: list
        elements: str
        default: []
      ignore:
        description: Patterns of names that may change. They are neither recorded nor compared.
        type: list
        elements: str
        default: []
      optional:
        description: Whether it is all right that the file is not there.
        type: bool
        default: false
      owner:
        description: The user that it must belong to.
        type: str
      group:
        description: The group that it must belong to.
        type: str
      mode:
        description: The mode that it must have, as V('0640').
        type: raw
  processes:
    description: Processes whose environment is looked at. Needs root, or the user of the process.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What findings call it; without it the unit or the file.
        type: str
      unit:
        description: A service of systemd. What its C(Environment=) and C(EnvironmentFile=) say now is compared.
        type: str
      pid_file:
        description: A file that holds the number of the process.
        type: path
      environment_files:
        description: Files that it gets variables from besides those of its unit. Later ones win.
        type: list
        elements: path
        default: []
      required:
        description: Variables that must have a value, as O(files[].required).
        type: list
        elements: str
        default: []
      ignore:
        description: Patterns of variables that may differ.
        type: list
        elements: str
        default: []
  baseline:
    description:
      - A directory on the host that holds the last known good. Without it nothing is compared.
      - Everything that was looked at when it was recorded belongs to it; different sets of files need different
        directories.
    type: path
  record:
    description:
      - Whether to record what is there now as the last known good.
      - Refuses where files or required variables are missing or unreadable. Directory and files are for their owner
        alone.
    type: bool
    default: false
  recorded_by:
    description: Who records it and for what; without it the user who logged in.
    type: str
  timeout:
    description: Seconds that systemd may take to answer.
    type: float
    default: 10.0
  max_findings_per_check:
    description:
      - How many files or processes one check lists, the worst first.
      - One further finding says how many were left out.
    type: int
    default: 20
seealso:
  - module: analytics.ops.service_health
"""

EXAMPLES = r"""
- name: Are all settings there, and as they were when all was well?
  analytics.ops.settings_drift:
    baseline: /var/lib/analytics_ops/settings
    files:
      - path: /opt/analytics/.env
        required: [DATABASE_URL, REDIS_URL, SECRET_KEY]
        ignore: [BUILD_*]
        owner: root
        group: analytics
        mode: "0640"
      - path: /etc/analytics/config.yml
        required: [database.host]
      - path: /etc/nginx/sites-enabled/*
    processes:
      - unit: analytics-api
        required: [DATABASE_URL]

- name: Record them as the last known good, after a change that was verified
  analytics.ops.settings_drift:
    baseline: /var/lib/analytics_ops/settings
    files: "{{ settings_files }}"
    record: true
    recorded_by: "alice, change 4711"

- name: Does the worker still run with old values?
  analytics.ops.settings_drift:
    processes:
      - name: worker
        pid_file: /run/analytics/worker.pid
        environment_files: [/opt/analytics/.env]
    checks: [running]
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
    - check: settings.changed
      subject: /opt/analytics/.env
      severity: warning
      value: 2
      unit: settings
      warning: 1.0
      critical: null
      message: "Since 2026-01-11T02:00:04Z: LOG_LEVEL: INFO → DEBUG; SECRET_KEY has another value (secret)."
      advice: >-
        Find out who changed it and why. If it is right, record it as the last known good; else put it back.
measurements:
  description: Figures for the history.
  type: dict
  returned: success
  sample:
    settings.files: 4
    settings.settings: 61
    settings.stale_processes: 0
    settings.changes: 2
    settings.baseline_age_seconds: 93784
target:
  description: What was looked at.
  type: str
  returned: success
  sample: /opt/analytics/.env, /etc/analytics/config.yml, analytics-api
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [settings.missing_file, settings.required, settings.changed]
changes:
  description: Every setting that differs from the last known good, at most 1000. Secrets are masked.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The file.
      type: str
    name:
      description: The setting.
      type: str
    kind:
      description: V(added), V(changed) or V(removed).
      type: str
    before:
      description: Its value as recorded.
      type: str
    after:
      description: Its value now.
      type: str
  sample:
    - {path: /opt/analytics/.env, name: LOG_LEVEL, kind: changed, before: INFO, after: DEBUG}
    - {path: /opt/analytics/.env, name: SECRET_KEY, kind: changed, before: "********", after: "********"}
baseline:
  description: The last known good; V(null) when there is none that can be used.
  type: dict
  returned: success
  contains:
    directory:
      description: Where it lies.
      type: str
    recorded_at:
      description: When it was recorded, in UTC.
      type: str
    recorded_by:
      description: Who recorded it.
      type: str
    host:
      description: The host that it was recorded on.
      type: str
    files:
      description: How many files it holds.
      type: int
  sample:
    directory: /var/lib/analytics_ops/settings
    recorded_at: "2026-01-11T02:00:04Z"
    recorded_by: alice, change 4711
    host: app1
    files: 4
plan:
  description: What was to be recorded or forgotten, by file, and why. Empty when the last known good holds it already.
  type: list
  elements: dict
  returned: with O(record=true)
  sample:
    - {action: record, subject: /opt/analytics/.env, reason: 2 of its settings changed.}
done:
  description: What of the plan was done; nothing in check mode.
  type: list
  elements: dict
  returned: with O(record=true)
  sample:
    - {action: record, subject: /opt/analytics/.env, reason: 2 of its settings changed.}
remaining:
  description: What of the plan was not done; everything in check mode.
  type: list
  elements: dict
  returned: with O(record=true)
  sample: []
"""

import platform
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.person import who
from ..module_utils._act.settings_record import new_key, recorder, require_place, write_baseline
from ..module_utils._arguments import checking_spec, selected
from ..module_utils._errors import InputError, Refused
from ..module_utils._judge.checks import Unavailable
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.plan import act_result
from ..module_utils._judge.settings import CHECKS, all_changes, as_dict, diffs, measurements, not_good, told_changes
from ..module_utils._judge.settings_baseline import Baseline, plan_to_record, records_of, to_json
from ..module_utils._judge.settings_facts import Wish, parse_mode
from ..module_utils._judge.settings_read import FORMATS
from ..module_utils._judge.shortlist import shortlist
from ..module_utils._judge.text import printable
from ..module_utils._observe.settings_baseline import read_baseline
from ..module_utils._observe.settings_files import find_files, read_files
from ..module_utils._observe.settings_process import Started, read_processes
from ..module_utils._run import exit_module

NAMES = {"type": "list", "elements": "str", "default": []}
ARGUMENTS = dict(
    checking_spec(),
    files={
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "format": {"type": "str", "choices": list(FORMATS)},
            "required": NAMES,
            "masked": NAMES,
            "ignore": NAMES,
            "optional": {"type": "bool", "default": False},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "raw"},
        },
    },
    processes={
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str"},
            "unit": {"type": "str"},
            "pid_file": {"type": "path"},
            "environment_files": {"type": "list", "elements": "path", "default": []},
            "required": NAMES,
            "ignore": NAMES,
        },
        "required_one_of": [("unit", "pid_file")],
        "mutually_exclusive": [("unit", "pid_file")],
    },
    baseline={"type": "path"},
    record={"type": "bool", "default": False},
    recorded_by={"type": "str"},
    timeout={"type": "float", "default": 10.0},
    max_findings_per_check={"type": "int", "default": 20},
)


def run(params, check_mode, diff):
    selection = CHECKS.select(*selected(params))
    wishes = [wish(given) for given in params["files"]]
    started = [process(given) for given in params["processes"]]
    if not wishes and (params["record"] or not started):
        raise InputError("files: there are none.", "Say which files hold the settings.")
    for name in ("timeout", "max_findings_per_check"):
        if params[name] <= 0:
            raise InputError("{0} is {1:g}.".format(name, params[name]), "Give a number above zero.")
    looking = Looking(params, selection, wishes, started, diff)
    if not params["record"]:
        return looking.result(looking.known())
    if check_mode:
        require_place(params["baseline"])
        known = looking.known()
        plan = looking.plan(known)
        return dict(looking.result(known), **act_result(plan, [], plan, bool(plan)))
    with recorder(params["baseline"]):
        known = looking.known()
        plan = looking.plan(known)
        shown = looking.shown(known)
        if plan:
            looking.record(known)
        return dict(looking.result(looking.known()), **act_result(plan, plan, [], bool(plan), **shown))


class Looking:
    """One look at files and processes, which is judged by a baseline and may become one."""

    def __init__(self, params, selection, wishes, started, diff):
        self.params = params
        self.selection = selection
        self.diff = diff
        self.patterns = tuple(sorted({one.path for one in wishes}))
        self.files = read_files(find_files(wishes))
        self.processes = read_processes(started, params["timeout"])
        self.target = printable(", ".join([one.path for one in wishes] + [one.name for one in started]))
        self.now = time.time()

    def known(self):
        return read_baseline(self.params["baseline"]) if self.params["baseline"] else None

    def plan(self, known):
        bad = not_good(self.selection.findings(self.snapshot(None), self.target))
        if bad:
            text = " ".join("{0}: {1}".format(one.subject, one.message) for one in bad[:3])
            raise Refused(
                "This is no state to be recorded as good. {0}".format(text), "Mend that first, or exclude the check."
            )
        memory = usable(known)
        why = "Nothing was recorded before." if memory is None or not memory.flaw else memory.flaw
        if isinstance(known, Unavailable):
            why = known.reason
        trusted = memory.baseline if memory and not memory.flaw else None
        return plan_to_record(trusted, memory.key if trusted else b"", self.files, self.patterns, why)

    def record(self, known):
        memory = usable(known)
        directory = self.params["baseline"]
        key = memory.key if memory and not memory.flaw else new_key(directory)
        by = printable(self.params["recorded_by"] or who(), 200)
        records = records_of(self.files, key)
        write_baseline(directory, to_json(Baseline(self.now, by, platform.node(), self.patterns, records), key))

    def snapshot(self, known):
        memory = usable(known)
        return {"files": self.files, "processes": self.processes, "known": known, "memory": memory, "now": self.now}

    def shown(self, known):
        """What differs from the baseline, for people; with the differences line by line where they are wanted."""
        memory = usable(known)
        found = all_changes(self.files, memory)
        more = {"changes": told_changes(found)}
        if self.diff and (memory or self.params["record"]):
            more["diff"] = diffs(self.files, found, memory)
        return more

    def result(self, known):
        memory = usable(known)
        return check_result(
            shortlist(
                self.selection.findings(self.snapshot(known), self.target), self.params["max_findings_per_check"]
            ),
            self.params["include_ok"],
            measurements=measurements(self.files, self.processes, memory, self.now),
            target=self.target,
            checks=self.selection.names,
            baseline=as_dict(memory),
            **self.shown(known),
        )


def usable(known):
    return None if isinstance(known, Unavailable) else known


def wish(given):
    if not given["path"].startswith("/"):
        raise InputError("files: path is '{0}'.".format(printable(given["path"], 200)), "Give a path from the root.")
    try:
        mode = parse_mode(given["mode"])
    except (ValueError, TypeError):
        raise InputError(
            "files: mode of {0} is '{1}'.".format(printable(given["path"], 200), printable(given["mode"], 40)),
            "Give it in octal and in quotes, for example '0640'.",
        )
    names = {name: tuple(given[name]) for name in ("required", "masked", "ignore")}
    texts = {name: given[name] or "" for name in ("format", "owner", "group")}
    return Wish(given["path"], mode=mode, optional=given["optional"], **names, **texts)


def process(given):
    return Started(
        printable(given["name"] or given["unit"] or given["pid_file"], 200),
        given["unit"] or "",
        given["pid_file"] or "",
        tuple(given["environment_files"]),
        tuple(given["required"]),
        tuple(given["ignore"]),
    )


def main():
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_if=[("record", True, ["baseline"])], supports_check_mode=True
    )
    exit_module(module, lambda: run(module.params, module.check_mode, module._diff))


if __name__ == "__main__":
    main()
