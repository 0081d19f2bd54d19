#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_health
short_description: Check that the services of a host run, stay up and would come back after a boot
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Looks at everything that the declared stack places on a host in one call - systemd units and services of Compose
    projects - and at timers and cron jobs.
  - Says what does not run and why, in words, with the last lines of its log; what is restarted again and again; what
    nobody would start after a boot; what comes near its limit of memory or processes; what was changed on disk and not
    loaded; which timer did not run or failed.
  - Reads only, through C(systemctl), C(journalctl) and C(docker), each within O(timeout). It needs no root. Reading the
    journal takes the group C(systemd-journal) or C(adm), asking Docker the group C(docker).
  - Services with V(manager=none) are passed over.
  - All checks with their limits are listed in C(docs/checks.md) of the collection, the reasons in
    C(docs/service_health.md).
extends_documentation_fragment:
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
options:
  services:
    description:
      - The services of this host, as P(analytics.ops.services_on_host#filter) returns them.
      - Only C(manager), C(unit) and C(compose) are looked at here.
    type: dict
    default: {}
  timers:
    description: Systemd timers that should run.
    type: list
    elements: dict
    default: []
    suboptions:
      unit:
        description: The timer's name, with or without C(.timer).
        type: str
        required: true
      max_age:
        description: Seconds since its last good run that are in order. Without it, the age is not judged.
        type: float
  cron_jobs:
    description:
      - Cron jobs that should run. Cron itself only tells that it started a command, so give O(cron_jobs[].evidence)
        wherever there is something to see.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What findings and measurements call it.
        type: str
        required: true
      max_age:
        description: Seconds that may lie between two runs, with some room.
        type: float
        required: true
      evidence:
        description: A file that the job writes when it has succeeded. Its age is judged.
        type: path
      command:
        description:
          - A part of the job's command line. Cron must have started a command that holds it within
            O(cron_jobs[].max_age), by cron's own lines in the journal.
          - A failure is seen only where cron logs failures (Debian and Ubuntu, C(EXTRA_OPTS="-L 5") in
            C(/etc/default/cron)).
        type: str
  since:
    description: Seconds in which restarts are counted.
    type: float
    default: 86400.0
  previous:
    description:
      - The RV(measurements) of an earlier result. With it, restarts are judged by how they grew since then where the
        journal cannot be read, and those of containers, of which Docker keeps no times.
    type: dict
    default: {}
  timeout:
    description: Seconds for each call of a program.
    type: float
    default: 10.0
seealso:
  - plugin: analytics.ops.services_on_host
    plugin_type: filter
  - module: analytics.ops.http_health
"""

EXAMPLES = r"""
- name: Look at what the declared stack places on this host
  analytics.ops.service_health:
    services: "{{ analytics_ops_services | analytics.ops.services_on_host(group_names, groups) }}"

- name: Look at one unit, one Compose service and what runs by the clock
  analytics.ops.service_health:
    services:
      api: {unit: analytics-api}
      worker: {compose: {project: analytics, file: /opt/analytics/compose.yml, service: worker}}
    timers:
      - {unit: daily-aggregation.timer, max_age: 93600}
    cron_jobs:
      - name: cache warming
        command: /opt/analytics/bin/warm_cache
        evidence: /var/lib/analytics/cache-warmed
        max_age: 7200

- name: Judge restarts of the last hour, and leave memory to the host
  analytics.ops.service_health:
    services: "{{ analytics_ops_services | analytics.ops.services_on_host(group_names) }}"
    since: 3600
    exclude_checks: [memory]
    thresholds:
      restarts: {warning: 2, critical: 10}
"""

RETURN = r"""
status:
  description: V(unhealthy) with any critical finding, V(degraded) with a warning or something unknown, else V(healthy).
  type: str
  returned: success
  sample: unhealthy
findings:
  description: What is not in order, the worst first; with O(include_ok) also what is.
  type: list
  elements: dict
  returned: success
  sample:
    - check: service.active
      subject: worker
      severity: critical
      value: null
      unit: ""
      warning: 90
      critical: 300
      message: >-
        analytics-worker.service has failed: its process ended with exit code 1. It last said: Cannot connect to
        redis://********@cache1:6379/0 / Exiting.
      advice: "Look at its log: journalctl -u analytics-worker.service -n 50."
measurements:
  description:
    - Flat, named figures. C(service.observed_at) says when, in seconds since the epoch.
    - Give them back as O(previous) at the next run.
  type: dict
  returned: success
  sample:
    service.observed_at: 1767225600.5
    service.api.active: 1
    service.api.restarts: 0
    service.api.memory_bytes: 73400320
    service.api.uptime_seconds: 86400.2
target:
  description: What was looked at.
  type: str
  returned: success
  sample: services
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [service.reachable, service.active]
msg:
  description: Why systemd or Docker could not be asked.
  type: str
  returned: when one of them could not be asked
  sample: "Docker does not answer within 10 s. It runs: worker."
"""

import re
from collections import Counter
from typing import Any, Dict, Mapping

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, positive_seconds, selected
from ..module_utils._errors import InputError
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.interval import Interval
from ..module_utils._judge.service_checks import CHECKS, measurements
from ..module_utils._judge.service_facts import CLOCK, CronJob
from ..module_utils._judge.services import services_alone
from ..module_utils._judge.text import printable
from ..module_utils._observe.services import Wishes, observe
from ..module_utils._run import exit_module

TARGET = "services"
_TIMER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:\\-]*")

ARGUMENTS = dict(
    checking_spec(),
    services={"type": "dict", "default": {}},
    timers={
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"unit": {"type": "str", "required": True}, "max_age": {"type": "float"}},
    },
    cron_jobs={
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "max_age": {"type": "float", "required": True},
            "evidence": {"type": "path"},
            "command": {"type": "str"},
        },
    },
    since={"type": "float", "default": 86400.0},
    previous={"type": "dict", "default": {}},
    timeout={"type": "float", "default": 10.0},
)


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    selection = CHECKS.select(*selected(params))
    Interval({}, params["previous"], CLOCK)  # says what is wrong with it before anything is asked
    wishes = Wishes(
        services=services_alone(params["services"]),
        timers=tuple(timer(given) for given in params["timers"]),
        cron_jobs=tuple(cron_job(given) for given in params["cron_jobs"]),
        since=positive_seconds("since", params["since"]),
        timeout=positive_seconds("timeout", params["timeout"], 600),
    )
    names = [*wishes.services, *(name for name, _age in wishes.timers), *(job.name for job in wishes.cron_jobs)]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise InputError("Two are called '{0}'.".format(printable(twice[0], 80)), "Give each a name of its own.")
    snapshot = observe(wishes)
    figures = measurements(snapshot)
    snapshot["interval"] = Interval(figures, params["previous"], CLOCK)
    problems = " ".join(manager.problem for manager in snapshot["managers"] if manager.problem)
    return check_result(
        selection.findings(snapshot, TARGET),
        params["include_ok"],
        measurements=figures,
        target=TARGET,
        checks=selection.names,
        **({"msg": printable(problems, 1000)} if problems else {}),
    )


def timer(given: Mapping[str, Any]) -> Any:
    name = given["unit"] if given["unit"].endswith(".timer") else given["unit"] + ".timer"
    if not _TIMER.fullmatch(name):
        raise InputError(
            "timers: '{0}' is no name for a unit.".format(printable(name, 80)), "systemctl list-timers shows them."
        )
    max_age = given["max_age"]
    return name, None if max_age is None else positive_seconds("timers: max_age of {0}".format(name), max_age)


def cron_job(given: Mapping[str, Any]) -> CronJob:
    name = printable(given["name"], 120)
    if not (given["evidence"] or given["command"]):
        raise InputError(
            "cron_jobs: '{0}' has neither 'evidence' nor 'command'.".format(name),
            "Give the file that it writes when it succeeds, or a part of its command line.",
        )
    max_age = positive_seconds("cron_jobs: max_age of {0}".format(name), given["max_age"])
    return CronJob(name, max_age, evidence=given["evidence"] or "", command=given["command"] or "")


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
