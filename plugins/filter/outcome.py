# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: outcome
short_description: What came out on all hosts together, for a workflow
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Rolls up the verdicts of all hosts of a play, for M(ansible.builtin.set_stats).
positional: _input
options:
  _input:
    description: Results of P(analytics.ops.verdict#filter), one a host. An empty one is a host that nobody could see.
    type: list
    elements: dict
    required: true
  prefix:
    description: What the names in the answer begin with.
    type: str
    default: ""
  report:
    description: Where the report of the run is, which goes into the answer as it is.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say how the stack is
  ansible.builtin.debug:
    msg: "{{ [{'failed': false, 'status': 'healthy', 'counts': {'critical': 0, 'warning': 0, 'unknown': 0}}]
      | analytics.ops.outcome }}"

- name: Tell a workflow how the stack is
  vars:
    verdicts: "{{ ansible_play_hosts_all | map('extract', hostvars) | map(attribute='verdict', default={}) }}"
  ansible.builtin.set_stats:
    data: "{{ verdicts | analytics.ops.outcome(prefix='stack_') }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: One status, and the findings and hosts counted.
  type: dict
  contains:
    status:
      description: The worst status of all hosts; V(degraded) at the least where one could not be looked at.
      type: str
      sample: degraded
    critical:
      description: How many findings are critical.
      type: int
      sample: 0
    warning:
      description: How many are warnings.
      type: int
      sample: 3
    unknown:
      description: How many are unknown.
      type: int
      sample: 0
    hosts_total:
      description: How many hosts there are.
      type: int
      sample: 12
    healthy_hosts:
      description: How many of them are healthy.
      type: int
      sample: 10
    hosts_not_seen:
      description: How many could not be looked at.
      type: int
      sample: 0
    report:
      description: Where the report of the run is.
      type: str
      sample: /var/lib/analytics_ops/last_report.json
"""

from ..module_utils._judge.verdict import outcome as judge


def outcome(verdicts, prefix="", report=""):
    return {prefix + name: value for name, value in dict(judge(list(verdicts)), report=report).items()}


class FilterModule:
    def filters(self):
        return {"outcome": outcome}
