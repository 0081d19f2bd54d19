# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: services_not_up
short_description: Which services of earlier waves did not come up anywhere
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Tells from the results of M(analytics.ops.service_wave) on all hosts which services are up on none of theirs. A host
    that could not be reached, or where the module failed, has no result - what runs only there is not up.
  - A service that runs on several hosts is up when it is up on one of them.
positional: _input, results
options:
  _input:
    description: The stack, as for P(analytics.ops.valid_services#filter), which it is checked by.
    type: dict
    required: true
  results:
    description: The last result of M(analytics.ops.service_wave) of each host that takes part, by host.
    type: dict
    required: true
  groups:
    description: The hosts of each group, usually C(groups).
    type: dict
    required: true
  names:
    description: The services of the earlier waves; no other is judged.
    type: list
    elements: str
    required: true
seealso:
  - module: analytics.ops.service_wave
  - plugin: analytics.ops.service_waves
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what is not up
  vars:
    seen: "{{ ansible_play_hosts_all | map('extract', hostvars) | map(attribute='wave', default={}) }}"
    results: "{{ dict(ansible_play_hosts_all | zip(seen)) }}"
  ansible.builtin.debug:
    msg: "{{ analytics_ops_services | analytics.ops.services_not_up(results, groups=groups, names=['postgres']) }}"

- name: Stop here when the database is not up
  ansible.builtin.assert:
    that: analytics_ops_services | analytics.ops.services_not_up(results, groups=groups, names=['postgres']) == []
"""

RETURN = r"""
_value:
  description: The names, sorted.
  type: list
  elements: str
  sample: [postgres]
"""

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import OpsError
from ..module_utils._judge.service_wave import not_up
from ..module_utils._judge.services import hosts_of, parse_services


def services_not_up(services, results, groups, names):
    try:
        return not_up(hosts_of(parse_services(services), groups), results, names)
    except OpsError as error:
        raise AnsibleFilterError(error.text) from None  # Ansible would say the text of a cause again


class FilterModule:
    def filters(self):
        return {"services_not_up": services_not_up}
