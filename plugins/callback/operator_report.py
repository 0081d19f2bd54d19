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
"""

EXAMPLES = r"""
ansible.cfg: |
  [defaults]
  callbacks_enabled = analytics.ops.operator_report

  [callback_operator_report]
  report_file = /var/lib/analytics_ops/last_report.json
"""

import atexit
import json
import os
import shutil
import tempfile
from datetime import datetime, timezone

from ansible.plugins.callback import CallbackBase
from ansible.utils.color import stringc

from ..module_utils._judge.report import Run
from ..module_utils._judge.report_text import render

_COLOURS = {"red": "red", "yellow": "yellow", "magenta": "purple", "green": "green", "bold": "bright gray"}


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "analytics.ops.operator_report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._run = Run()
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
        if self._shown or self._run.is_empty or os.getpid() != self._process:
            return
        self._shown = True
        report = dict(
            self._run.report(),
            started=self._started.isoformat(timespec="seconds"),
            finished=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        self._display.display(render(report, shutil.get_terminal_size((120, 24)).columns, self._paint))
        file = self.get_option("report_file")
        if file:
            self._write(file, report)

    def _add(self, result):
        self._run.add_result(result.host.get_name(), result.task.get_name(), result.result)

    def _add_failure(self, result):
        """A failed task may still hold what it did before it failed."""
        if "__health_check_verdict" in result.task.vars:
            return  # the verdict is a judgement on what the report shows anyway
        self._add(result)
        message = str(result.result.get("msg", "failed"))
        self._run.add_failure(result.host.get_name(), result.task.get_name(), message)

    def _write(self, file, report):
        """In one piece, and only for its owner: a report names tables, roles and machines."""
        try:
            handle, temporary = tempfile.mkstemp(prefix=".report-", dir=os.path.dirname(os.path.abspath(file)))
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(report, stream, indent=2, default=str)
            os.replace(temporary, file)
        except OSError as error:
            self._display.warning("The report could not be written to {0}: {1}".format(file, error.strerror))

    @staticmethod
    def _paint(text, colour):
        return stringc(text, _COLOURS[colour]) if colour in _COLOURS else text
