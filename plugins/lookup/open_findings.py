# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: open_findings
short_description: What was open on a host when it was last looked at, from the history
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Gives a checking module the C(open_findings) that limits with a C(clear) need, from the history that the callback
    P(analytics.ops.operator_report#callback) keeps.
  - Empty without a history. A history that cannot be used is a warning.
options:
  _terms:
    description: None.
    type: list
    elements: str
  host:
    description: Whose findings. Without it, the host that the task runs for.
    type: str
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
- name: Check PostgreSQL, with an alarm that is raised at 80 % and clear below 70 %
  analytics.ops.pg_health:
    login_host: db1
    thresholds:
      pg.connections: {warning: 80, critical: 90, clear: 70}
    open_findings: "{{ query('analytics.ops.open_findings') }}"

- name: Show what was open on another host
  ansible.builtin.debug:
    msg: "{{ query('analytics.ops.open_findings', host='cache1') | map(attribute='check') | unique }}"
"""

RETURN = r"""
_raw:
  description: One entry a finding, with its check and its subject.
  type: list
  elements: dict
  sample:
    - {check: pg.connections, subject: server}
"""

from ansible import constants
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils._errors import OpsError
from ..module_utils._judge.history import url_of
from ..module_utils._observe.history import open_on

display = Display()


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        host = self.get_option("host") or (variables or {}).get("inventory_hostname", "")
        url = url_of(self.get_option("history"), constants.ANSIBLE_HOME)
        try:
            return open_on(url, host) if url else []
        except OpsError as error:
            display.warning(error.text)
            return []
