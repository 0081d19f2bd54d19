# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: history_url
short_description: Where the history of this controller is
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Gives the place where the callback P(analytics.ops.operator_report#callback) keeps the history in this run, for
    M(analytics.ops.history_review). It may hold a password; do not show it.
options:
  _terms:
    description: None.
    type: list
    elements: str
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
  - module: analytics.ops.history_review
"""

EXAMPLES = r"""
- name: Look back at the last seven days
  analytics.ops.history_review:
    history: "{{ lookup('analytics.ops.history_url') }}"
  delegate_to: localhost
  run_once: true

- name: Say whether a history is kept at all
  ansible.builtin.debug:
    msg: "{{ 'kept' if lookup('analytics.ops.history_url') != 'none' else 'not kept' }}"
"""

RETURN = r"""
_raw:
  description: One URL, or V(none) where no history is kept.
  type: list
  elements: str
  sample: ["sqlite:////home/ops/.ansible/analytics_ops/history.sqlite3"]
"""

from ansible import constants
from ansible.plugins.lookup import LookupBase

from ..module_utils._judge.history import url_of


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [url_of(self.get_option("history"), constants.ANSIBLE_HOME) or "none"]
