# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report for Prometheus: a file for the textfile collector of node_exporter."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from .figures import is_gauge
from .finding import OK, SEVERITIES, STATUSES, rank
from .history import seconds_of
from .report import DONE, RESOLVED
from .text import printable

PREFIX = "analytics_ops_"
_NOT_IN_A_NAME = re.compile("[^a-zA-Z0-9_]+")

_HELP = {
    "run_status": "0 healthy, 1 degraded, 2 unhealthy.",
    "run_finished_timestamp_seconds": "When the run ended; alert when this gets old.",
    "run_failures": "Tasks that failed.",
    "run_steps_done": "Steps of work that were done.",
    "findings": "Open findings of a target by severity.",
    "finding_severity": "Severity of the check's worst finding: 1 info, 2 unknown, 3 warning, 4 critical.",
}


def prometheus(report: Mapping[str, Any]) -> str:
    """Text format 0.0.4. A measurement is a metric; its full name is the label ``name``, so that none meets another."""
    metrics = _Metrics()
    run = {"playbook": report["playbook"]}
    metrics.add("run_status", run, STATUSES.index(report["status"]))
    metrics.add("run_finished_timestamp_seconds", run, seconds_of(report["finished"]))
    metrics.add("run_failures", run, len(report["failures"]))
    metrics.add("run_steps_done", run, sum(step["outcome"] == DONE for step in report["steps"]))
    _findings(metrics, report)
    for look in report["measurements"]:
        for name, value in look["now"].items():
            labels = {"host": look["host"], "target": look["target"], "name": name}
            metrics.add(metric_name(name), labels, value, "gauge" if is_gauge(name) else "untyped")
    return metrics.text()


def metric_name(name: str) -> str:
    """``pg.connections.used_percent`` → ``pg_connections_used_percent``, whatever stands between."""
    metric = _NOT_IN_A_NAME.sub("_", name).strip("_") or "unnamed"
    return "measured_" + metric if metric in _HELP else metric


def _findings(metrics: _Metrics, report: Mapping[str, Any]) -> None:
    still_open = [f for f in report["findings"] if f["state"] != RESOLVED and f["severity"] != OK]
    targets = {(of["host"], of["target"]): {} for of in [*report["measurements"], *still_open]}
    worst: Dict[Any, int] = {}
    for finding in still_open:
        key = (finding["host"], finding["target"])
        targets[key][finding["severity"]] = targets[key].get(finding["severity"], 0) + 1
        check = (*key, finding["check"])
        worst[check] = max(worst.get(check, 0), rank(finding["severity"]))
    for (host, target), counts in sorted(targets.items()):
        for severity in SEVERITIES[1:]:
            metrics.add("findings", {"host": host, "target": target, "severity": severity}, counts.get(severity, 0))
    for (host, target, check), severity in sorted(worst.items()):
        metrics.add("finding_severity", {"host": host, "target": target, "check": check}, severity)


class _Metrics:
    """Samples by metric, for all of one must stand together, and none may be there twice."""

    def __init__(self) -> None:
        self._kinds: Dict[str, str] = {}
        self._samples: Dict[str, Dict[str, Any]] = {}

    def add(self, name: str, labels: Mapping[str, str], value: Any, kind: str = "gauge") -> None:
        self._kinds.setdefault(name, kind)
        text = ",".join('{0}="{1}"'.format(label, _escaped(content)) for label, content in labels.items())
        self._samples.setdefault(name, {})[text] = value

    def text(self) -> str:
        lines: List[str] = []
        for name, samples in self._samples.items():
            if name in _HELP:
                lines.append("# HELP {0}{1} {2}".format(PREFIX, name, _HELP[name]))
            lines.append("# TYPE {0}{1} {2}".format(PREFIX, name, self._kinds[name]))
            lines += ["{0}{1}{{{2}}} {3!r}".format(PREFIX, name, labels, value) for labels, value in samples.items()]
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return printable(text, 200).replace("\\", "\\\\").replace('"', '\\"')
