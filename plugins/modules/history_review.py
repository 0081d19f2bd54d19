#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: history_review
short_description: Look back at a week of the history, beside the week before
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Reads the history that the callback P(analytics.ops.operator_report#callback) keeps, and says what a week was like.
    Which runs there were and which are missing, what was wrong, since when and how often, where the figures are going
    and when they meet their limit, and which errors, tables and statements were the heaviest.
  - Every figure stands beside that of the week before.
  - It only reads, it talks to no host, and it makes no history where there is none. Run it where the history is, which
    is on the controller.
  - Writes the review as a page with curves, as Markdown and as JSON where it is told to. The callback shows it at the
    end of the run.
  - The shape of the review is described in C(docs/weekly_review.md) of the collection.
extends_documentation_fragment:
  - analytics.ops.attributes
options:
  history:
    description:
      - Where the history is. V(sqlite:////path/to/file) or V(postgresql://user:password@host:5432/database).
      - V(sqlite) is the file C(analytics_ops/history.sqlite3) in the folder that the environment variable
        C(ANSIBLE_HOME) names, or in C(~/.ansible). V(none) is an empty history.
    type: str
    default: sqlite
  until:
    description:
      - The end of the week, as a time in ISO 8601 such as V(2026-11-25T06:00:00+00:00), without a zone in UTC.
      - Without it, now.
    type: str
  days:
    description: How long the week is, from 1 to 180 days. The one before is equally long.
    type: int
    default: 7
  thresholds:
    description:
      - Limits of your own by check, as for the checking modules, for telling when a figure meets its limit.
      - Checks that are not named here have their default limits.
    type: dict
    default: {}
  html_file:
    description: Where the review goes as one HTML page. It loads nothing and runs nothing. The folder must exist.
    type: path
  markdown_file:
    description: Where the review goes as Markdown, for a chat or an issue.
    type: path
  json_file:
    description: Where the whole review goes as JSON.
    type: path
attributes:
  check_mode:
    support: full
    description: Reads and tells the same, and writes no file.
  diff_mode:
    support: none
    description: Does not show what changes in the files.
  platform:
    description: Runs on any POSIX system with Python 3.9 or newer.
    platforms: posix
    support: full
requirements:
  - psycopg2 where the history is in PostgreSQL
seealso:
  - plugin: analytics.ops.operator_report
    plugin_type: callback
"""

EXAMPLES = r"""
- name: Look back at the last seven days
  analytics.ops.history_review:
    html_file: /var/lib/analytics_ops/week.html
  delegate_to: localhost
  run_once: true

- name: Look back at a month, with limits of our own
  analytics.ops.history_review:
    history: postgresql://ops@history.example.com/ops
    until: "2026-11-01"
    days: 31
    thresholds:
      host.disk_space: {warning: 70, critical: 80}
    json_file: /var/lib/analytics_ops/october.json
  delegate_to: localhost
  run_once: true
  register: october

- name: Show what came back
  ansible.builtin.debug:
    msg: "{{ october.review.alerts | selectattr('state', 'eq', 'recurring') | map(attribute='check') }}"
"""

RETURN = r"""
msg:
  description: The review in a sentence.
  type: str
  returned: success
  sample: "Review of 2026-11-18 to 2026-11-25: 7 runs, 3 alerts (1 open, 2 new)."
review:
  description:
    - The review as data, of alerts and figures the two hundred that say most. The file of O(json_file) has all of them.
    - C(runs) by playbook, C(alerts) with C(state), C(since), C(times) and C(seconds), C(figures) with C(week),
      C(before), C(per_day), C(limit) and C(days_left), C(top) by kind, and C(silent), which are targets that are no
      longer measured.
  type: dict
  returned: success
  sample:
    schema: 1
    before: "2026-11-11T06:00:00+00:00"
    begin: "2026-11-18T06:00:00+00:00"
    end: "2026-11-25T06:00:00+00:00"
    days: 7
    known_since: "2026-09-01T05:00:02+00:00"
    summary: 7 runs, 3 alerts (1 open, 2 new).
files:
  description: The files that hold the review now.
  type: list
  elements: str
  returned: success
  sample: [/var/lib/analytics_ops/week.html]
"""

import json
import time
from datetime import datetime, timezone
from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._act.files import write_whole
from ..module_utils._errors import InputError
from ..module_utils._judge.history import url_of
from ..module_utils._judge.review import review, shortened
from ..module_utils._judge.review_facts import Facts, Weeks
from ..module_utils._judge.review_text import title_text
from ..module_utils._judge.text import printable
from ..module_utils._judge.view_review import review_page
from ..module_utils._judge.view_review_markdown import review_markdown
from ..module_utils._observe.history_review import ansible_home, look_back
from ..module_utils._run import exit_module

_MOST_DAYS = 180


def run(params: Dict[str, Any], check_mode: bool = False) -> Dict[str, Any]:
    if not 1 <= params["days"] <= _MOST_DAYS:
        raise InputError("days is {0}.".format(params["days"]), "Give a number from 1 to {0}.".format(_MOST_DAYS))
    weeks = Weeks.until(_end(params["until"]), params["days"])
    url = url_of(params["history"], ansible_home())
    facts = look_back(url, weeks) if url else Facts()
    told = review(facts, weeks, params["thresholds"])
    views = {
        "html_file": lambda: review_page(told, facts.series),
        "markdown_file": lambda: review_markdown(told),
        "json_file": lambda: json.dumps(told, indent=2) + "\n",
    }
    wanted = [option for option in views if params[option]]
    written = [write_whole(params[option], views[option](), check_mode) for option in wanted]
    return {
        "changed": any(written),
        "msg": "{0}: {1}".format(title_text(told), told["summary"]),
        "review": shortened(told),
        "files": [params[option] for option in wanted],
    }


def _end(given: Optional[str]) -> int:
    if not given:
        return int(time.time())
    try:
        # Python before 3.11 does not know the Z.
        when = datetime.fromisoformat(given.strip().replace("Z", "+00:00"))
        return int((when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp())
    except (ValueError, OverflowError) as error:
        raise InputError(
            "until: '{0}' is no time.".format(printable(given, 80)), "Write it as 2026-11-25T06:00:00+00:00."
        ) from error


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "history": {"type": "str", "default": "sqlite", "no_log": True},
            "until": {"type": "str"},
            "days": {"type": "int", "default": 7},
            "thresholds": {"type": "dict", "default": {}},
            "html_file": {"type": "path"},
            "markdown_file": {"type": "path"},
            "json_file": {"type": "path"},
        },
        supports_check_mode=True,
    )
    # A URL may hold a password. These two are words, which must not be hidden wherever they stand in the result.
    module.no_log_values -= {"sqlite", "none"}
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
