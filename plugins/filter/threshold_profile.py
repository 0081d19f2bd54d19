# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: threshold_profile
short_description: Lay limits of your own over those of an operations manual
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Returns C(thresholds) for the checking modules - those of the profile, and over them the given ones, level by level.
  - A check that the profile does not speak of keeps its default. All profiles with the reasons of their limits are
    listed in C(docs/thresholds.md) of the collection.
  - The role P(analytics.ops.health_check#role) does this by itself with C(analytics_ops_threshold_profile).
positional: _input, profile
options:
  _input:
    description: Limits of your own by check; they always win.
    type: dict
    required: true
  profile:
    description:
      - The name of the profile, V(systemd-analytics-api), V(primary-replica-application-servers),
        V(systemd-batch-jobs), V(compose-duckdb-backend) or V(compose-tiers).
      - An empty text means none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Look at the machine with the limits of a manual, except for its disks
  vars:
    own:
      host.disk_space: {warning: 85, critical: 95}
  analytics.ops.host_health:
    thresholds: "{{ own | analytics.ops.threshold_profile('compose-tiers') }}"

- name: Show the limits of a manual
  ansible.builtin.debug:
    msg: "{{ {} | analytics.ops.threshold_profile('systemd-batch-jobs') }}"
"""

RETURN = r"""
_value:
  description: The limits by check.
  type: dict
  sample:
    host.disk_space: {warning: 85, critical: 95, free_bytes: null}
    host.memory: {warning: 90, available_bytes: null}
"""

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import OpsError
from ..module_utils._judge.profiles import with_profile


def threshold_profile(own, profile=""):
    try:
        return with_profile(own, profile)
    except OpsError as error:
        raise AnsibleFilterError(error.text) from None  # Ansible would say the text of a cause again


class FilterModule:
    def filters(self):
        return {"threshold_profile": threshold_profile}
