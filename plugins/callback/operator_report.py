# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator wants at the end of a run. Collects and prints; all judging is in ``_judge/report.py``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: operator_report
short_description: Shows what is wrong, what was done and what is better, at the end of a run
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
type: aggregate
description:
  - Collects the results of the modules of C(analytics.ops) and prints one report at the end,
    also when the run broke off.
  - The worst comes first, with the value, the limit and the next step. What was found at the first look and is gone at
    the last one counts as resolved.
  - Rows on wide terminals, blocks on narrow ones, colour only on a terminal.
  - Keeps a history of all measurements, from which it tells since when something is wrong and what comes near its
    limit.
options:
  report_file:
    description:
      - Where the same report goes as JSON. The folder must exist; the file appears in one piece.
      - Nothing is written without it.
    type: path
    env:
      - name: ANALYTICS_OPS_REPORT_FILE
    ini:
      - section: callback_operator_report
        key: report_file
  html_file:
    description:
      - Where the report goes as one HTML page with the curves of the history. It loads nothing and runs nothing.
    type: path
    env:
      - name: ANALYTICS_OPS_HTML_FILE
    ini:
      - section: callback_operator_report
        key: html_file
  markdown_file:
    description:
      - Where the report goes as Markdown, for a chat or an issue.
    type: path
    env:
      - name: ANALYTICS_OPS_MARKDOWN_FILE
    ini:
      - section: callback_operator_report
        key: markdown_file
  junit_file:
    description:
      - Where the report goes as JUnit XML, a test case a check, for a CI server.
    type: path
    env:
      - name: ANALYTICS_OPS_JUNIT_FILE
    ini:
      - section: callback_operator_report
        key: junit_file
  junit_fail_on:
    description: >-
      What fails a test case: only critical findings (V(unhealthy)), warnings and unknowns too (V(degraded)),
      or nothing (V(never)).
    type: str
    choices: [unhealthy, degraded, never]
    default: degraded
    env:
      - name: ANALYTICS_OPS_JUNIT_FAIL_ON
    ini:
      - section: callback_operator_report
        key: junit_fail_on
  prometheus_file:
    description:
      - Where the report goes for the textfile collector of node_exporter; the name must end in C(.prom).
      - Readable by everybody, as the file for Nagios is; the other files are their owner's alone.
    type: path
    env:
      - name: ANALYTICS_OPS_PROMETHEUS_FILE
    ini:
      - section: callback_operator_report
        key: prometheus_file
  nagios_file:
    description:
      - Where the line goes that a Nagios plugin prints, and below it the exit code.
    type: path
    env:
      - name: ANALYTICS_OPS_NAGIOS_FILE
    ini:
      - section: callback_operator_report
        key: nagios_file
  history:
    description:
      - Where every run adds its measurements and the state of its findings.
      - V(sqlite) is the file C(analytics_ops/history.sqlite3) in C(ANSIBLE_HOME), made when it is not there.
        V(sqlite:////path/to/file) is another one, V(postgresql://user:password@host:5432/database) a database that
        several controllers share; without a password libpq looks into C(~/.pgpass). V(none) keeps no history.
      - A history that cannot be used is a warning and never a failure.
    type: str
    default: sqlite
    env:
      - name: ANALYTICS_OPS_HISTORY
    ini:
      - section: callback_operator_report
        key: history
  history_days:
    description: How long runs are kept, in days. What is older goes, twenty runs at a time.
    type: int
    default: 400
    env:
      - name: ANALYTICS_OPS_HISTORY_DAYS
    ini:
      - section: callback_operator_report
        key: history_days
  chart_days:
    description: How far curves and trends look back, in days.
    type: int
    default: 30
    env:
      - name: ANALYTICS_OPS_CHART_DAYS
    ini:
      - section: callback_operator_report
        key: chart_days
"""

EXAMPLES = r"""
ansible.cfg: |
  [defaults]
  callbacks_enabled = analytics.ops.operator_report

  [callback_operator_report]
  report_file = /var/lib/analytics_ops/last_report.json
  html_file = /var/lib/analytics_ops/last_report.html
  prometheus_file = /var/lib/prometheus/node-exporter/analytics_ops.prom
"""

import atexit
import contextlib
import json
import os
import shutil
import tempfile
from datetime import datetime, timezone

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.utils.color import stringc

from ..module_utils._act.history import remember
from ..module_utils._errors import OpsError
from ..module_utils._judge.history import Past, url_of, with_history
from ..module_utils._judge.report import Run
from ..module_utils._judge.report_text import render
from ..module_utils._judge.review_text import render_review
from ..module_utils._judge.view_html import page
from ..module_utils._judge.view_junit import junit
from ..module_utils._judge.view_markdown import markdown
from ..module_utils._judge.view_nagios import nagios
from ..module_utils._judge.view_prometheus import prometheus

# Variables of tasks that only judge what the report shows anyway.
_JUDGEMENTS = {
    "__health_check_verdict",
    "__stack_control_verdict",
    "__pg_failover_verdict",
    "__pg_rejoin_verdict",
    "__triage_verdict",
}
_REVIEW = ("analytics.ops.history_review", "history_review")
_COLOURS = {"red": "red", "yellow": "yellow", "magenta": "purple", "green": "green", "bold": "bright gray"}


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "analytics.ops.operator_report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._run = Run()
        self._reviews = []
        self._shown = False
        self._process = os.getpid()
        # An interrupted run ends without v2_playbook_on_stats; what it found and did is wanted all the more.
        atexit.register(self._show)
        self._started = datetime.now(timezone.utc)

    def v2_playbook_on_start(self, playbook):
        self._run.playbook = os.path.splitext(os.path.basename(playbook._file_name))[0]

    def v2_playbook_on_play_start(self, play):
        self._run.check_mode = bool(play.check_mode)

    def v2_runner_on_ok(self, result):
        self._add(result)

    def v2_runner_item_on_ok(self, result):
        self._add(result)

    def v2_runner_item_on_failed(self, result):
        self._add_failure(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if not result.result.get("results"):  # a loop's items have spoken for themselves
            self._add_failure(result)

    def v2_runner_on_unreachable(self, result):
        self._run.add_unreachable(result.host.get_name(), str(result.result.get("msg", "")))

    def v2_playbook_on_stats(self, stats):
        self._show()

    def _show(self):
        if self._shown or os.getpid() != self._process:
            return
        self._shown = True
        if not self._run.is_empty:
            self._show_report()
        for told in self._reviews:
            self._show_review(told)

    def _show_review(self, told):
        try:
            text = render_review(told, shutil.get_terminal_size((120, 24)).columns, self._paint)
        except Exception as error:  # it may come from a host that fell into wrong hands
            self._display.warning("The review cannot be shown: unexpected {0}.".format(type(error).__name__))
        else:
            self._display.display(text)

    def _show_report(self):
        bare = dict(
            self._run.report(),
            started=self._started.isoformat(timespec="seconds"),
            finished=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        past = self._remember(bare)
        report = with_history(bare, past)
        self._display.display(render(report, shutil.get_terminal_size((120, 24)).columns, self._paint))
        series, days = (past or Past()).series, self.get_option("chart_days")
        fail_on = self.get_option("junit_fail_on")
        self._write("report_file", lambda: json.dumps(report, indent=2, default=str))
        self._write("html_file", lambda: page(report, series, days))
        self._write("markdown_file", lambda: markdown(report))
        self._write("junit_file", lambda: junit(report, fail_on))
        self._write("prometheus_file", lambda: prometheus(report), mode=0o644)
        self._write("nagios_file", lambda: nagios(report), mode=0o644)

    def _remember(self, report):
        """What was known before this run, which is added to it; nothing where there is no history to be had."""
        url = url_of(self.get_option("history"), constants.ANSIBLE_HOME)
        if not url:
            return None
        try:
            return remember(url, report, self.get_option("chart_days"), self.get_option("history_days"))
        except OpsError as error:
            self._display.warning(error.text)
        except Exception as error:  # a bug of ours: it must not cost the operator the report
            self._display.warning("The history was not kept: unexpected {0}.".format(type(error).__name__))
        return None

    def _add(self, result):
        if result.task.action in _REVIEW:
            self._reviews.append(result.result.get("review"))
        self._run.add_result(result.host.get_name(), result.task.get_name(), result.result)

    def _add_failure(self, result):
        """A failed task may still hold what it did before it failed."""
        if _JUDGEMENTS & set(result.task.vars):
            return
        self._add(result)
        message = str(result.result.get("msg", "failed"))
        self._run.add_failure(result.host.get_name(), result.task.get_name(), message)

    def _write(self, option, view, mode=0o600):
        """In one piece, and only for its owner where it names tables, roles and machines."""
        file = self.get_option(option)
        if not file:
            return
        temporary = None
        try:
            text = view()
            handle, temporary = tempfile.mkstemp(prefix=".report-", dir=os.path.dirname(os.path.abspath(file)))
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.chmod(temporary, mode)
            os.replace(temporary, file)
        except Exception as error:  # one view that cannot be made or written must not cost the others
            why = getattr(error, "strerror", None) or "unexpected {0}".format(type(error).__name__)
            self._display.warning("The report could not be written to {0}: {1}".format(file, why))
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)

    @staticmethod
    def _paint(text, colour):
        return stringc(text, _COLOURS[colour]) if colour in _COLOURS else text
