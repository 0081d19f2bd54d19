# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report for Nagios and its relatives: the line that a plugin prints, and below it the exit code to end with."""

from __future__ import annotations

from typing import Any, List, Mapping

from .finding import CRITICAL, DEGRADED, HEALTHY, INFO, OK, UNHEALTHY, UNKNOWN, WARNING
from .report import RESOLVED
from .text import printable

_STATES = {HEALTHY: (0, "OK"), DEGRADED: (1, "WARNING"), UNHEALTHY: (2, "CRITICAL")}
_BLIND = (3, "UNKNOWN")
_HARMLESS = str.maketrans("|<>", "/()")
_LINE_LENGTH = 900  # NRPE cuts at 1024


def nagios(report: Mapping[str, Any]) -> str:
    """``OPS CRITICAL - …|critical=1 warning=0 …``, a line break, ``2``; unknown alone is 3."""
    bad = [f for f in report["findings"] if f["state"] != RESOLVED and f["severity"] not in (OK, INFO)]
    severities = [finding["severity"] for finding in bad]
    code, word = _STATES[report["status"]]
    if report["status"] == DEGRADED and set(severities) == {UNKNOWN}:
        code, word = _BLIND
    texts: List[str] = ["{0}: {1}".format(f["host"], f["message"]) for f in bad[:1]]
    texts += ["{host}: {task} failed".format(**failure) for failure in report["failures"][:1]]
    more = len(bad) + len(report["failures"]) - len(texts)
    texts += ["{0} more".format(more)] if more else []
    said = "; ".join(texts) or "{0} targets are in order".format(len(report["measurements"]))
    counts = [(severity, severities.count(severity)) for severity in (CRITICAL, WARNING, UNKNOWN)]
    figures = " ".join("{0}={1}".format(*count) for count in [*counts, ("failed", len(report["failures"]))])
    line = "OPS {0} - {1} {2}: {3}".format(word, report["playbook"], report["status"], said)
    # What stands behind a bar would be read as figures, and web interfaces show a tag as one.
    return "{0}|{1}\n{2}\n".format(printable(line, _LINE_LENGTH).translate(_HARMLESS), figures, code)
