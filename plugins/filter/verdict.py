# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: verdict
short_description: Whether a run has to fail, from the results of its checks
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Rolls up what checking modules found, after all of them have run.
  - A module that failed could not look, and counts as V(unhealthy). Skipped tasks do not count.
positional: _input
options:
  _input:
    description: Registered results of checking modules.
    type: list
    elements: dict
    required: true
  fail_on:
    description: The status from which on the verdict is failed.
    type: str
    choices: [unhealthy, degraded, never]
    default: unhealthy
  only_checks:
    description: Judge only these checks, by their full names. Empty means all.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Check PostgreSQL
  analytics.ops.pg_health:
    login_host: db1
  register: postgresql

- name: Fail when it is unhealthy
  vars:
    judged: "{{ [postgresql] | analytics.ops.verdict(fail_on='unhealthy') }}"
  ansible.builtin.fail:
    msg: "{{ judged.message }}"
  when: judged.failed
"""

RETURN = r"""
_value:
  description: The verdict.
  type: dict
  contains:
    failed:
      description: Whether the run has to fail.
      type: bool
      sample: true
    status:
      description: The worst status of all results.
      type: str
      sample: unhealthy
    counts:
      description: How many findings there are of each severity that is not in order.
      type: dict
      sample: {critical: 1, warning: 2, unknown: 0}
    message:
      description: How many findings of which severity there are, and the first critical ones.
      type: str
      sample: unhealthy (1 critical, 2 warning). 4 of 4 replication slots are lost.
"""

from dataclasses import asdict

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import OpsError
from ..module_utils._judge.verdict import verdict as judge


def verdict(results, fail_on="unhealthy", only_checks=()):
    try:
        return asdict(judge(results, fail_on, only_checks))
    except OpsError as error:
        raise AnsibleFilterError(error.text) from error


class FilterModule:
    def filters(self):
        return {"verdict": verdict}
