# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: triage
short_description: The most likely cause of an outage, from what the checks found on all hosts
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Puts together what checking modules found on all hosts and what the declared stack says of who needs whom. What
    follows from something else, such as an API that fails because its database is down, is told as its effect. What
    nothing explains is a cause.
  - Causes come with their class, their evidence, what they explain, and what to do next, the most likely first.
  - A host on which nothing could be looked at is a cause, too.
positional: _input, results
options:
  _input:
    description: The stack, as for P(analytics.ops.valid_services#filter), which it is checked by.
    type: dict
    required: true
  results:
    description: By host, the registered results of the checking modules; empty ones where none was registered.
    type: dict
    required: true
  groups:
    description: The hosts of each group, usually C(groups).
    type: dict
    required: true
seealso:
  - plugin: analytics.ops.verdict
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check the database
  analytics.ops.pg_health:
    login_host: db1
  register: postgresql

- name: Say what is most likely wrong with it
  vars:
    seen: "{{ {inventory_hostname: [postgresql]} }}"
  ansible.builtin.debug:
    msg: "{{ (analytics_ops_services | analytics.ops.triage(seen, groups=groups)).lines }}"
"""

RETURN = r"""
_value:
  description: What was made of the findings.
  type: dict
  contains:
    causes:
      description: The causes, the most likely first.
      type: list
      elements: dict
      sample:
        - category: database
          host: db1
          service: postgres
          subject: postgresql://10.0.0.5:5432/analytics
          severity: critical
          stops_others: true
          message: "postgresql://10.0.0.5:5432/analytics cannot be used: Connection refused."
          why: It does not run or does not answer, and what needs it cannot work.
          where: postgres on db1
          evidence:
            - host: db1
              check: pg.reachable
              subject: postgresql://10.0.0.5:5432/analytics
              severity: critical
              message: "postgresql://10.0.0.5:5432/analytics cannot be used: Connection refused."
          explains:
            - host: app1
              check: http.status
              subject: api
              severity: critical
              message: http://127.0.0.1:8000/health answers with HTTP status 503; 200 is expected.
              where: api on app1
          next: >-
            Is the server running, and does it listen there? Check login_host and login_port. If it has to be restarted:
            ansible-playbook analytics.ops.triage --tags restart --limit db1 -e triage_restart=postgres
            -e triage_confirm_restart=true
          next_is: manual
    changes:
      description: Restarts and changed settings that were seen, which may be why.
      type: list
      elements: dict
      sample: []
    not_seen:
      description: What could not be looked at.
      type: list
      elements: str
      sample: []
    hosts:
      description: How many hosts there are.
      type: int
      sample: 5
    lines:
      description: The same for people, a line each, the answer first.
      type: list
      elements: str
      sample: [Nothing found on 5 hosts that would explain an outage.]
"""

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import OpsError
from ..module_utils._judge.services import parse_services
from ..module_utils._judge.triage import triage as judge


def triage(services, results, groups):
    try:
        return judge(parse_services(services), groups, results)
    except OpsError as error:
        raise AnsibleFilterError(error.text) from None  # Ansible would say the text of a cause again


class FilterModule:
    def filters(self):
        return {"triage": triage}
