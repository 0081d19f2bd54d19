# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: previous_measurements
short_description: What an earlier run measured on a host, from the history
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Gives a checking module the C(previous) that it needs to tell rates, growth and restarts, from the history that the
    callback P(analytics.ops.operator_report#callback) keeps.
  - Empty without a history, when nothing was measured before, and when the host had several targets of that kind in the
    same run, for then nobody can say which of them is meant. A history that cannot be used is a warning.
options:
  _terms:
    description: What the names of the measurements begin with, such as V(pg), V(redis), V(host) or V(service).
    type: list
    elements: str
    required: true
  host:
    description: Whose measurements. Without it, the host that the task runs for.
    type: str
  min_age:
    description:
      - How old they must be at least, in seconds, for a rate over a moment says nothing.
      - The newest ones of that age are taken, from the last hundred runs.
    type: float
    default: 300
  history:
    description: Where the history is, as for P(analytics.ops.operator_report#callback).
    type: str
    default: sqlite
    env:
      - name: ANALYTICS_OPS_HISTORY
    ini:
      - section: callback_operator_report
        key: history
seealso:
  - plugin: analytics.ops.operator_report
    plugin_type: callback
"""

EXAMPLES = r"""
- name: Check PostgreSQL, with rates since the last run
  analytics.ops.pg_health:
    login_host: db1
    previous: "{{ lookup('analytics.ops.previous_measurements', 'pg') }}"

- name: Show how full the cache was at the last run, a day ago at least
  vars:
    before: "{{ lookup('analytics.ops.previous_measurements', 'redis', host='cache1', min_age=86400) }}"
  ansible.builtin.debug:
    msg: "{{ before['redis.memory.used_percent'] | default('unknown') }}"
"""

RETURN = r"""
_raw:
  description: For each term the measurements by name; an empty dictionary where there are none.
  type: list
  elements: dict
  sample:
    - pg.observed_at: 1795580000.0
      pg.connections.used: 12.0
"""

import time

from ansible import constants
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils._errors import OpsError
from ..module_utils._judge.history import url_of
from ..module_utils._observe.history import last_measurements

display = Display()


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        host = self.get_option("host") or (variables or {}).get("inventory_hostname", "")
        url = url_of(self.get_option("history"), constants.ANSIBLE_HOME)
        before = time.time() - self.get_option("min_age")
        try:
            return [last_measurements(url, host, term, before) if url else {} for term in terms]
        except OpsError as error:
            display.warning(error.text)
            return [{} for term in terms]
