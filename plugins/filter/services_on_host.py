# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: services_on_host
short_description: The declared services that run on a host
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Chooses from the declared stack the services whose C(group) the host is in. The group V(all) means every host.
  - Fails when two services of one host have the same port and, given O(inventory_groups), when a service's group is not
    in the inventory, because it would run nowhere and nobody would notice.
positional: _input, host_groups, inventory_groups
options:
  _input:
    description: The stack, as for P(analytics.ops.valid_services#filter), which it is checked by.
    type: dict
    required: true
  host_groups:
    description: The names of the groups the host is in, usually C(group_names).
    type: list
    elements: str
    required: true
  inventory_groups:
    description: All groups of the inventory, usually C(groups); a list of names or a mapping by name.
    type: raw
seealso:
  - plugin: analytics.ops.valid_services
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what runs here
  vars:
    mine: "{{ analytics_ops_services | analytics.ops.services_on_host(group_names, groups) }}"
  ansible.builtin.debug:
    msg: "{{ mine | list }}"

- name: Show the ports that should be open here
  vars:
    mine: "{{ analytics_ops_services | analytics.ops.services_on_host(group_names, groups) }}"
  ansible.builtin.debug:
    msg: "{{ mine.values() | map(attribute='port') | select | sort }}"
"""

RETURN = r"""
_value:
  description: The services of this host with every key, in the order of the inventory.
  type: dict
  sample:
    redis:
      manager: systemd
      unit: redis-server
      compose: null
      group: cache
      kind: redis
      port: 6379
      after: []
      ready: {http: null, tcp: null, command: null, within_seconds: 60}
      drain_seconds: 0
      logs: []
      edge: false
      maintenance_file: null
"""

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import OpsError
from ..module_utils._judge.services import parse_services
from ..module_utils._judge.services import services_on_host as on_host


def services_on_host(services, host_groups, inventory_groups=None):
    try:
        placed = on_host(parse_services(services), host_groups, inventory_groups)
    except OpsError as error:
        raise AnsibleFilterError(error.text) from None  # Ansible would say the text of a cause again
    return {name: service.as_dict() for name, service in placed.items()}


class FilterModule:
    def filters(self):
        return {"services_on_host": services_on_host}
