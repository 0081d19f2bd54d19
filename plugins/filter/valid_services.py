# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: valid_services
short_description: Check the declared stack and spell it out
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Checks C(analytics_ops_services) as a whole and returns it with every key filled in.
  - Fails with one message that names every error - an unknown key, manager or dependency, services that wait for each
    other, two services on one port of the same group, a value that cannot be.
positional: _input
options:
  _input:
    description:
      - The stack as the inventory declares it, a mapping of service names.
      - A service has the keys V(manager) (V(systemd), or V(compose) when C(compose) is given, or V(none) when
        something else starts it and nobody can ask for its state), V(unit) (the service's name), V(compose)
        (C(project), C(file), C(service)), V(group) (the inventory group it runs on, the service's name), V(kind)
        (V(postgresql), V(redis), V(http) or V(other), told by name, unit and C(ready)), V(port), V(after) (what must
        be up before it), V(ready) (C(http), C(tcp) or C(command), and C(within_seconds)), V(drain_seconds), V(logs),
        V(edge) (it takes traffic from outside), and of the edge V(maintenance_file) (while this file is there, its web
        server shows a maintenance page, as its own configuration says).
    type: dict
    required: true
seealso:
  - plugin: analytics.ops.service_waves
    plugin_type: filter
  - plugin: analytics.ops.services_on_host
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Stop before anything runs when the stack is not declared rightly
  ansible.builtin.set_fact:
    stack: "{{ analytics_ops_services | analytics.ops.valid_services }}"

- name: Show where the health endpoint of the API is
  vars:
    analytics_ops_services:
      postgres: {unit: postgresql, group: db}
      api: {group: app, after: [postgres], ready: {http: "http://127.0.0.1:8000/health"}}
  ansible.builtin.debug:
    msg: "{{ (analytics_ops_services | analytics.ops.valid_services).api.ready.http }}"
"""

RETURN = r"""
_value:
  description: The same services with every key, in the order of the inventory.
  type: dict
  sample:
    postgres:
      manager: systemd
      unit: postgresql
      compose: null
      group: db
      kind: postgresql
      port: 5432
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


def valid_services(services):
    try:
        return {name: service.as_dict() for name, service in parse_services(services).items()}
    except OpsError as error:
        raise AnsibleFilterError(error.text) from None  # Ansible would say the text of a cause again


class FilterModule:
    def filters(self):
        return {"valid_services": valid_services}
