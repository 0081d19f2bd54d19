#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident_record
short_description: Keep the record of an incident - what happened when, who did what, who is asked next
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Keeps one file for each incident, to which lines are only added. It says how severe the incident is, who owns it,
    who did what when and on which host, and what came of it.
  - Joins the timelines of M(analytics.ops.service_wave) of all hosts in one order of time, by the clocks of the hosts.
  - Says who is to be asked next and since when that is overdue.
  - A record that cannot be kept - a full disk, a directory without rights - is the finding C(incident.record) and never
    a failure, so that it does not stop an emergency. Any number of runs may add to one record at the same time.
  - Secrets are masked as far as they can be known for such. The file can be read by its owner and group.
  - Runs where the records are, which is on the controller.
extends_documentation_fragment:
  - analytics.ops.attributes
attributes:
  check_mode:
    support: full
    details: Returns what would be written and writes nothing.
  diff_mode:
    support: none
    details: The plan says what would be added.
options:
  directory:
    description:
      - Where the records are. It is made when it is not there; the one above it must exist.
      - Without it nothing is kept, and what is returned is good for a message alone.
    type: path
  state:
    description:
      - V(opened) goes on with the incident O(id), or with the youngest open one (see O(join_seconds)), or opens a new
        one.
      - V(added) adds to it. V(closed) does, too, and closes it - but not while O(results) or O(lost) tell of something
        that is not as it should be.
      - V(shown) only reads, and returns RV(markdown).
    type: str
    choices: [opened, added, closed, shown]
    default: opened
  id:
    description:
      - The incident, as RV(incident.id) names it.
      - Without it, O(state=opened) chooses as told there; the others take the youngest open one.
      - A closed incident that is opened by its id is open again.
    type: str
  name:
    description: The short name of a new incident; its id is the day and this.
    type: str
    default: incident
  severity:
    description: How severe it is. Of an incident that is gone on with, the worse one holds.
    type: str
    choices: [P0, P1, P2, P3]
    default: P0
  title:
    description: What it is about, for people.
    type: str
  owner:
    description: Who is responsible for a new incident. Without it O(who).
    type: str
  who:
    description: Who does what is noted. Without it the user the module runs as.
    type: str
  what:
    description: What was done, for the timeline.
    type: str
  result:
    description: What came of it, besides what O(results) say.
    type: str
  host:
    description: Where it was done.
    type: str
  asked:
    description: Who was asked for help, as RV(escalation.ask) names them. They are not named again.
    type: str
  results:
    description:
      - The last result of M(analytics.ops.service_wave) of each host, by host. The timelines are joined, and their sum
        is the result of this entry.
    type: dict
    default: {}
  lost:
    description: Hosts that failed or could not be reached, and so have no result.
    type: list
    elements: str
    default: []
  join_seconds:
    description:
      - An open incident to which something was added within so many seconds is gone on with, so that a shutdown and the
        recovery after it are one incident. V(0) always opens a new one.
    type: float
    default: 86400.0
  escalation:
    description:
      - Whom to ask after what, by severity, in the place of the manuals' times - a list of C(ask) with
        C(after_seconds), C(business_days) or both. The first is the response itself.
    type: dict
    default: {}
seealso:
  - module: analytics.ops.incident_notify
  - module: analytics.ops.service_wave
"""

EXAMPLES = r"""
- name: Open an incident
  analytics.ops.incident_record:
    directory: /var/lib/analytics-ops/incidents
    name: checkout
    severity: P1
    title: Nobody can check out
  delegate_to: localhost
  run_once: true
  register: opened

- name: Note that the manager was asked
  analytics.ops.incident_record:
    directory: /var/lib/analytics-ops/incidents
    state: added
    id: "{{ opened.incident.id }}"
    what: Called the manager
    asked: the manager
  delegate_to: localhost
  run_once: true

- name: Read it back for a ticket
  analytics.ops.incident_record:
    directory: /var/lib/analytics-ops/incidents
    state: shown
    id: "{{ opened.incident.id }}"
  delegate_to: localhost
  run_once: true
  register: shown
"""

RETURN = r"""
incident:
  description: The incident as it is now.
  type: dict
  returned: success
  contains:
    id:
      description: What it is gone on with by.
      type: str
      sample: 2026-11-30-checkout
    severity:
      description: The worst that was given.
      type: str
      sample: P1
    title:
      description: What it is about.
      type: str
      sample: Nobody can check out
    owner:
      description: Who is responsible.
      type: str
      sample: alice
    opened_at:
      description: When it was opened first, in UTC.
      type: str
      sample: "2026-11-30T02:05:07.120Z"
    closed_at:
      description: When it was closed, in UTC; V(null) while it is open.
      type: str
      sample: "2026-11-30T04:00:00.000Z"
    entries:
      description: How many lines it has that can be read.
      type: int
      sample: 4
file:
  description: Its file.
  type: str
  returned: success
  sample: /var/lib/analytics-ops/incidents/2026-11-30-checkout.jsonl
who:
  description: Who did what was noted.
  type: str
  returned: success
  sample: alice
escalation:
  description: Who is to be asked next.
  type: dict
  returned: success
  contains:
    ask:
      description: Whom to ask; empty when the incident is closed or everybody was asked.
      type: str
      sample: the manager
    overdue_seconds:
      description: Since how many seconds that is overdue; 0 while there is time left.
      type: int
      sample: 0
    message:
      description: Both in a sentence.
      type: str
      sample: The manager is to be asked by 2026-11-30 04:05 UTC.
summary:
  description: What O(results) and O(lost) say together; empty where they were not given.
  type: str
  returned: success
  sample: "2 ready, 1 failed.\nh2: cache did not come up: it is failed (failed)."
well:
  description: Whether nothing of O(results) and O(lost) is other than it should be.
  type: bool
  returned: success
  sample: false
markdown:
  description: The whole record, for a ticket; empty for every other state than V(shown).
  type: str
  returned: success
  sample: "# P1: Nobody can check out"
plan:
  description: What was to be added to the record.
  type: list
  elements: dict
  returned: success
  sample: [{action: open_incident, subject: 2026-11-30-checkout, reason: Nobody can check out}]
done:
  description: What of it was; nothing in check mode.
  type: list
  elements: dict
  returned: success
  sample: [{action: open_incident, subject: 2026-11-30-checkout, reason: Nobody can check out}]
remaining:
  description: What of it was not.
  type: list
  elements: dict
  returned: success
  sample: []
status:
  description: V(degraded) when there is a finding.
  type: str
  returned: success
  sample: healthy
findings:
  description: >-
    C(incident.record) when it could not be kept, C(incident.escalation) when somebody should have been asked.
  type: list
  elements: dict
  returned: success
  sample: []
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [incident.record, incident.escalation]
target:
  description: What the findings are about.
  type: str
  returned: success
  sample: incident
"""

import contextlib
import time
from typing import Any, Dict, List, Optional

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.incident import Incidents
from ..module_utils._act.person import who
from ..module_utils._errors import InputError, OpsError
from ..module_utils._judge.escalation import ladders
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.incident import (
    Line,
    Record,
    as_text,
    findings,
    lines_for,
    markdown,
    new_id,
    read_record,
    steps_of,
    told,
    valid_name,
)
from ..module_utils._judge.plan import act_result
from ..module_utils._run import exit_module

CHECKS = ["incident.record", "incident.escalation"]
SHOWN = "shown"


def run(params: Dict[str, Any], check_mode: bool) -> Dict[str, Any]:
    for option in ("id", "name"):
        if params[option] is not None:
            valid_name(option, params[option])
    rungs = ladders(params["escalation"])
    now, state = time.time(), params["state"]
    files = Incidents(params["directory"]) if params["directory"] else None
    given = dict(params, who=params["who"] or who())
    seen = told(params["results"], params["lost"], given["who"], now)
    writes = files is not None and state != SHOWN and not check_mode
    record: Optional[Record] = None
    lines: List[Line] = []
    trouble = ""
    record_id = params["id"] or new_id(params["name"], now, ())
    try:
        with files.guard() if files and writes else contextlib.nullcontext():
            if files:
                record = found(files, params, now)
                record_id = record.id if record else params["id"] or new_id(params["name"], now, files.ids())
            lines = [] if state == SHOWN else lines_for(state, given, record, seen, now)
            if files and writes and lines:
                files.append(record_id, as_text(lines))
                record = files.read(record_id)
    except OpsError as error:
        if state == SHOWN:
            raise
        trouble = error.text
        lines = lines or lines_for(state, given, record, seen, now)
    record = record or read_record(record_id, as_text(lines).encode())  # as it would be
    if record is None:
        raise InputError("There is no such incident in {0}.".format(params["directory"]), "See which files it has.")
    escalation = record.escalation(rungs[record.severity], now)
    plan = steps_of(lines, record.id) if files else []
    done = plan if writes and not trouble else []
    return dict(
        check_result(findings(record, escalation, trouble), checks=CHECKS, target="incident"),
        **act_result(plan, done, [] if done else plan, bool(done or (check_mode and plan))),
        incident=record.as_dict(),
        file=files.path(record.id) if files else "",
        who=given["who"],
        escalation=escalation.as_dict(),
        summary=seen.summary,
        well=seen.is_well,
        markdown=markdown(record, escalation) if state == SHOWN else "",
    )


def found(files: Incidents, params: Dict[str, Any], now: float) -> Optional[Record]:
    if params["id"]:
        return files.read(params["id"])
    return files.youngest_open(now, params["join_seconds"] if params["state"] == "opened" else now)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path"},
            "state": {"type": "str", "choices": ["opened", "added", "closed", "shown"], "default": "opened"},
            "id": {"type": "str"},
            "name": {"type": "str", "default": "incident"},
            "severity": {"type": "str", "choices": ["P0", "P1", "P2", "P3"], "default": "P0"},
            "title": {"type": "str"},
            "owner": {"type": "str"},
            "who": {"type": "str"},
            "what": {"type": "str"},
            "result": {"type": "str"},
            "host": {"type": "str"},
            "asked": {"type": "str"},
            "results": {"type": "dict", "default": {}},
            "lost": {"type": "list", "elements": "str", "default": []},
            "join_seconds": {"type": "float", "default": 86400.0},
            "escalation": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
