# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: service_waves
short_description: Which services may start or stop at the same time
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Orders the declared stack into waves. The services of a wave depend on none of each other, so they can be started or
    stopped together; there are as few waves as the dependencies allow.
  - Services of the edge (C(edge)) start after everything that does not need the edge itself, and stop before it.
positional: _input
options:
  _input:
    description: The stack, as for P(analytics.ops.valid_services#filter), which it is checked by.
    type: dict
    required: true
  direction:
    description: V(up) for starting, what is needed first; V(down) for stopping, what needs others first.
    type: str
    choices: [up, down]
    default: up
  only:
    description:
      - Just these services. That one needs another by way of a service that is not named here still counts.
      - Without it all of them.
    type: list
    elements: str
  groups:
    description:
      - The hosts of each group, usually C(groups). With it, a service and what it needs stand in one wave where both
        run on the same single host, as M(analytics.ops.service_wave) orders them there itself.
    type: dict
seealso:
  - plugin: analytics.ops.valid_services
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the order of starting
  vars:
    analytics_ops_services:
      postgres: {unit: postgresql, group: db}
      redis: {unit: redis-server, group: cache}
      api: {group: app, after: [postgres, redis]}
      nginx: {group: web, after: [api]}
  ansible.builtin.debug:
    msg: "{{ analytics_ops_services | analytics.ops.service_waves }}"
    # [[postgres, redis], [api], [nginx]]

- name: Show the order of stopping the application and its database
  ansible.builtin.debug:
    msg: "{{ analytics_ops_services | analytics.ops.service_waves(direction='down', only=['postgres', 'api']) }}"

- name: Show how few steps over all hosts it takes to start everything
  ansible.builtin.debug:
    msg: "{{ analytics_ops_services | analytics.ops.service_waves(groups=groups) }}"
"""

RETURN = r"""
_value:
  description: The waves in the order in which they are to be handled; in each the names of its services, sorted.
  type: list
  elements: list
  sample: [[postgres, redis], [api], [nginx]]
"""

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import OpsError
from ..module_utils._judge.services import hosts_of, order_of_starting, parse_services
from ..module_utils._judge.waves import UP
from ..module_utils._judge.waves import service_waves as waves_of


def service_waves(services, direction=UP, only=None, groups=None):
    try:
        stack = parse_services(services)
        return waves_of(order_of_starting(stack), direction, only, None if groups is None else hosts_of(stack, groups))
    except OpsError as error:
        raise AnsibleFilterError(error.text) from None  # Ansible would say the text of a cause again


class FilterModule:
    def filters(self):
        return {"service_waves": service_waves}
