#!/usr/bin/python
# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: log_scan
short_description: Count errors, find patterns and judge traffic in log files, journals and container logs
version_added: "1.0.0"
author: analytics.ops contributors (@analytics-ops)
description:
  - Reads what was written since a time, rotated and compressed files included, and says how many errors there are,
    which share of all lines they are, and which messages are the most frequent once numbers and names are taken out.
  - Of access logs it judges failures, latency, clients, refused log-ins, and what looks like an attack.
  - A stack trace counts once. Lines without a time of their own belong to the line before. JSON lines are understood,
    and the times of ISO 8601, syslog, PostgreSQL, nginx, Apache and Redis.
  - It only reads, in bounded memory whatever the lines hold. In a plain file the beginning is found by halving.
    Samples in the result are harmless, short, and what looks like a secret is masked in them.
  - All checks with their limits are listed in C(docs/checks.md) of the collection, the reasons in C(docs/log_scan.md).
extends_documentation_fragment:
  - analytics.ops.checking
  - analytics.ops.attributes
  - analytics.ops.attributes.info_module
options:
  logs:
    description: What to read. Each has exactly one of O(logs[].path), O(logs[].journal) and O(logs[].container).
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - An absolute path, or a shell pattern of such. Every log that a pattern names is judged for itself.
          - Rotated files (C(app.log.1), C(app.log-20261125.gz), C(app-2026-11-25.log.xz)) are found by themselves and
            taken for the log that they belong to.
        type: str
      journal:
        description: A systemd unit, read with C(journalctl).
        type: str
      container:
        description: Name or identifier of a container, read with C(docker logs).
        type: str
      name:
        description: What findings and measurements call it; without it the path, the unit or the container.
        type: str
      kind:
        description: Whether a service tells its errors there, or a web server its requests.
        type: str
        choices: [application, access]
        default: application
      levels:
        description:
          - The levels that count as errors. V(critical) includes C(FATAL) and C(SEVERE), V(emergency) includes
            C(ALERT) and C(PANIC).
          - Redis knows no level above V(warning).
        type: list
        elements: str
        choices: [emergency, critical, error, warning]
        default: [emergency, critical, error]
      regex:
        description:
          - For an access log in a format of its own, a regular expression for a line, with groups that are called
            C(client), C(request), C(status) and C(seconds). C(status) is needed.
        type: str
      time_unit:
        description: In which unit an access log tells how long a request took.
        type: str
        choices: [seconds, milliseconds, microseconds]
        default: seconds
      errors_only:
        description:
          - Whether nothing but errors is written there, so that their share says nothing.
          - Without it, this is taken from the name of the file, such as C(error.log).
        type: bool
      max_age:
        description: Seconds after which silence is a fault. Without it the log may be silent.
        type: float
  since:
    description:
      - From when on to read, as a time ago (V(90), V(15m), V(24h), V(7d)) or as a time (V(2026-11-25T03:00:00Z)).
      - A log that O(previous) knows is read from where that look ended.
    type: str
    default: 24h
  previous:
    description:
      - The RV(positions) of an earlier result, so that nothing is counted twice and nothing is missed, whatever
        rotation did meanwhile.
    type: dict
    default: {}
  patterns:
    description:
      - Patterns with limits of their own; those given replace the default ones.
      - Plain words, and several with C(|) between them, are searched fastest; other expressions much faster where they
        need a plain word (C(took \d+ ms)) than where they need none (C(\d+)).
    type: list
    elements: dict
    default:
      - {name: rate_limit, pattern: RateLimitExceeded, warning: 1}
      - name: failed_logins
        pattern: Failed password|authentication fail|WRONGPASS
        warning: 20
        critical: 200
    suboptions:
      name:
        description: What findings and measurements call it.
        type: str
        required: true
      pattern:
        description:
          - A regular expression in Python's syntax, for bytes, found anywhere in the first 64 KiB of a line.
          - It is tried on each line alone, so C(^) and C($) are the ends of a line.
        type: str
        required: true
      warning:
        description: Number of lines from which on it is a warning.
        type: float
      critical:
        description: Number of lines from which on it is critical.
        type: float
  top:
    description: How many message patterns, clients and paths are listed. V(0) saves the time to group messages.
    type: int
    default: 10
  timezone:
    description: What a time without a zone means, the local time of the host or UTC.
    type: str
    choices: [local, utc]
    default: local
  journal_directory:
    description: Directory of the journal, where it is not the one of the host.
    type: path
  workers:
    description: How many processes read a log of more than 48 MB.
    type: int
    choices: [1, 2]
    default: 2
  timeout:
    description: Seconds for reading all logs. What was not read by then is reported as unknown.
    type: float
    default: 120.0
  max_findings_per_check:
    description: How many logs one check lists, the worst first. One further finding says how many were left out.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Look for errors of the last day
  analytics.ops.log_scan:
    logs:
      - path: /opt/analytics/logs/application.log
        max_age: 3600
      - path: /var/log/jobs/*.log
      - path: /var/log/nginx/access.log
        kind: access

- name: Read journals and containers, with patterns of our own
  analytics.ops.log_scan:
    since: 15m
    logs:
      - {journal: analytics-api.service, name: api}
      - {container: analytics-worker-1, name: worker, levels: [emergency, critical, error, warning]}
    patterns:
      - {name: pool_empty, pattern: QueuePool limit, warning: 1, critical: 50}
    thresholds:
      log.error_rate: {warning: 0.5, critical: 2}

- name: Count what is new since the last run
  analytics.ops.log_scan:
    logs:
      - path: /opt/analytics/logs/application.log
    previous: "{{ (lookup('ansible.builtin.file', 'log_scan.json') | from_json).positions }}"
"""

RETURN = r"""
status:
  description: The verdict on all logs - V(healthy), V(degraded) or V(unhealthy).
  type: str
  returned: success
  sample: degraded
findings:
  description: What is not in order, the worst first; with O(include_ok) also what is.
  type: list
  elements: dict
  returned: success
  sample:
    - check: log.error_rate
      subject: /opt/analytics/logs/application.log
      severity: warning
      value: 1.73
      unit: "%"
      warning: 1.0
      critical: 5.0
      message: >-
        1 731 of 100 012 lines in /opt/analytics/logs/application.log in the last 1 d are errors (1 731 error). Most
        often, 1 204 times: ERROR [app.db] Query <*> failed after <*> ms
      advice: Look at the patterns in 'logs', the most frequent first.
measurements:
  description: Figures for the history, by log. Of application and access logs there are different ones.
  type: dict
  returned: success
  sample:
    log.api.bytes: 12000400
    log.api.lines: 100012
    log.api.errors: 1731
    log.api.error: 1731
    log.api.error_percent: 1.7308
    log.api.pattern.rate_limit: 0
    log.access.requests: 53012
    log.access.p99_seconds: 0.71
logs:
  description:
    - What each log holds, for reports. C(patterns) are the most frequent messages with C(template), C(level), C(count),
      C(first), C(last) and C(sample); C(access) is the summary of an access log.
  type: list
  elements: dict
  returned: success
  sample:
    - name: api
      source: /opt/analytics/logs/application.log
      kind: application
      first: "2026-11-24T03:31:52Z"
      last: "2026-11-25T03:31:49Z"
      lines: 100012
      errors: 1731
      patterns:
        - template: ERROR [app.db] Query <*> failed after <*> ms
          level: error
          count: 1204
          first: "2026-11-24T04:00:01Z"
          last: "2026-11-25T03:31:12Z"
          sample: 2026-11-24 04:00:01,120 ERROR [app.db] Query 8812 failed after 5003 ms
top:
  description: The most frequent patterns of all logs with the time they were counted over, for the weekly review.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: log.patterns
      name: "api: ERROR [app.db] Query <*> failed after <*> ms"
      times: 1204
      weight: null
      first: 1795491112
      last: 1795577512
positions:
  description: Where reading ended, by log. Give it back as O(previous).
  type: dict
  returned: success
  sample:
    api:
      time: 1795577512.2
      files: [{head: 5d41402abc4b2a76b9719d911017c592, head_bytes: 1024, offset: 12000400, modified: 1795577509.1}]
target:
  description: What was read.
  type: str
  returned: success
  sample: "api, access"
checks:
  description: The checks that ran.
  type: list
  elements: str
  returned: success
  sample: [log.readable, log.error_rate]
"""

import re
import time
from collections import Counter
from typing import Any, Dict, List, Optional

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._arguments import checking_spec, selected
from ..module_utils._errors import InputError
from ..module_utils._judge.finding import check_result
from ..module_utils._judge.log_groups import shown
from ..module_utils._judge.log_lines import LEVELS, Clock, time_of
from ..module_utils._judge.log_patterns import named
from ..module_utils._judge.log_positions import checked_positions
from ..module_utils._judge.log_summary import GROUPS
from ..module_utils._judge.logs import Log, Pattern, measurements
from ..module_utils._judge.logs_access import CHECKS, access_data
from ..module_utils._judge.shortlist import shortlist
from ..module_utils._judge.text import printable
from ..module_utils._judge.top import top_of_logs
from ..module_utils._observe.logs import Source, Wanted, local_time, read_logs
from ..module_utils._run import exit_module

DEFAULT_PATTERNS = [
    {"name": "rate_limit", "pattern": "RateLimitExceeded", "warning": 1},
    {
        "name": "failed_logins",
        "pattern": "Failed password|authentication fail|WRONGPASS",
        "warning": 20,
        "critical": 200,
    },
]
LOG_OPTIONS = {
    "path": {"type": "str"},
    "journal": {"type": "str"},
    "container": {"type": "str"},
    "name": {"type": "str"},
    "kind": {"type": "str", "choices": ["application", "access"], "default": "application"},
    "levels": {
        "type": "list",
        "elements": "str",
        "choices": list(LEVELS),
        "default": ["emergency", "critical", "error"],
    },
    "regex": {"type": "str"},
    "time_unit": {"type": "str", "choices": ["seconds", "milliseconds", "microseconds"], "default": "seconds"},
    "errors_only": {"type": "bool"},
    "max_age": {"type": "float"},
}
PATTERN_OPTIONS = {
    "name": {"type": "str", "required": True},
    "pattern": {"type": "str", "required": True},
    "warning": {"type": "float"},
    "critical": {"type": "float"},
}
ARGUMENTS = dict(
    checking_spec(),
    logs={"type": "list", "elements": "dict", "required": True, "options": LOG_OPTIONS},
    since={"type": "str", "default": "24h"},
    previous={"type": "dict", "default": {}},
    patterns={"type": "list", "elements": "dict", "default": DEFAULT_PATTERNS, "options": PATTERN_OPTIONS},
    top={"type": "int", "default": 10},
    timezone={"type": "str", "choices": ["local", "utc"], "default": "local"},
    journal_directory={"type": "path"},
    workers={"type": "int", "choices": [1, 2], "default": 2},
    timeout={"type": "float", "default": 120.0},
    max_findings_per_check={"type": "int", "default": 20},
)

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:\\-]*")  # becomes an argument of a command: no dash in front


def run(params: Dict[str, Any], check_mode: bool = False) -> Dict[str, Any]:
    selection = CHECKS.select(*selected(params))
    for name, least, most in (("top", 0, 1000), ("timeout", 0.1, 86400), ("max_findings_per_check", 1, 10000)):
        if not least <= params[name] <= most:
            advice = "Give a number from {0:g} to {1:g}.".format(least, most)
            raise InputError("{0}: is {1:g}.".format(name, params[name]), advice)
    clock = Clock(time.time(), local_time if params["timezone"] == "local" else float)
    sources = [source(given) for given in params["logs"]]
    twice = [name for name, times in Counter(one.name for one in sources).items() if times > 1]
    if twice:
        raise InputError("logs: two are called '{0}'.".format(printable(twice[0])), "Give each a 'name' of its own.")
    wanted = Wanted(
        since=since(params["since"], clock),
        clock=clock,
        deadline=time.monotonic() + params["timeout"],
        patterns=[limited(given) for given in params["patterns"]],
        top=params["top"],
        lines="lines" in selection.needs,
        workers=params["workers"],
        journal_directory=params["journal_directory"],
    )
    logs, positions = read_logs(sources, wanted, checked_positions(params["previous"]))
    target = printable(", ".join(one.name for one in sources))
    found = selection.findings({"logs": logs, "lines": True}, target)
    return check_result(
        shortlist(found, params["max_findings_per_check"]),
        params["include_ok"],
        measurements=measurements(logs),
        logs=[told(log, clock) for log in logs],
        positions=positions,
        target=target,
        checks=selection.names,
        top=top_of_logs(logs),
    )


def source(given: Dict[str, Any]) -> Source:
    chosen = [name for name in ("path", "journal", "container") if given[name]]
    if len(chosen) != 1:
        raise InputError(
            "logs: an entry has {0}.".format(" and ".join(chosen) or "nothing to read"), "Give one of them."
        )
    place = given[chosen[0]]
    if chosen[0] == "path" and not (place.startswith("/") and "\0" not in place):
        raise InputError("logs: the path '{0}' is not absolute.".format(printable(place)), "Let it begin with /.")
    if chosen[0] != "path" and not _NAME.fullmatch(place):
        advice = "Use letters, digits and _ . @ : -, beginning with a letter or a digit."
        raise InputError("logs: '{0}' is no name of a {1}.".format(printable(place), chosen[0]), advice)
    if given["max_age"] is not None and given["max_age"] <= 0:
        raise InputError("logs: max_age is {0:g}.".format(given["max_age"]), "Give seconds, more than 0.")
    expression = None
    if given["regex"]:
        expression = compiled("regex", given["regex"])
        wrong = sorted(set(expression.groupindex) - set(GROUPS))
        if wrong or "status" not in expression.groupindex or given["kind"] != "access":
            advice = "It is for access logs, with groups called {0}; status is needed.".format(", ".join(GROUPS))
            raise InputError("logs: the 'regex' of {0} does not fit.".format(printable(place)), advice)
    return Source(
        name=printable(given["name"] or place, 120),
        kind=given["kind"],
        levels=frozenset(given["levels"]),
        expression=expression,
        unit={"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6}[given["time_unit"]],
        errors_only=given["errors_only"],
        max_age=given["max_age"],
        **{chosen[0]: place},
    )


def compiled(option: str, text: str) -> Any:
    try:
        return re.compile(text.encode())
    except re.error as error:
        raise InputError("{0}: '{1}' is no regular expression.".format(option, printable(text, 80)), str(error))


def limited(given: Dict[str, Any]) -> Any:
    compiled("patterns", given["pattern"])
    if not given["pattern"]:
        raise InputError("patterns: '{0}' is empty.".format(printable(given["name"])), "Say what to look for.")
    return named(given["name"], given["pattern"]), Pattern(given["name"], given["warning"], given["critical"])


def since(text: str, clock: Clock) -> float:
    """Seconds since the epoch."""
    ago = re.fullmatch(r"(\d{1,12}(?:\.\d+)?) ?(s|m|min|h|d|w|)", text.strip())
    if ago:
        return max(0.0, clock.now - float(ago.group(1)) * _UNITS[ago.group(2)])
    when = time_of(text.strip().encode(), clock)
    if when is None:
        advice = "Give a time ago such as 90, 15m, 24h or 7d, or a time such as 2026-11-25T03:00:00Z."
        raise InputError("since: '{0}' is no time.".format(printable(text, 80)), advice)
    return when


def told(log: Log, clock: Clock) -> Dict[str, Any]:
    """One log for a report, as plain data."""

    def group_time(line: bytes) -> Optional[str]:
        return _iso(time_of(line, clock))

    data: Dict[str, Any] = {
        "name": log.name,
        "source": printable(log.source),
        "kind": log.kind,
        "first": _iso(log.first),
        "last": _iso(log.last),
        "files": log.files,
        "bytes": log.bytes,
        "lines": log.lines,
    }
    if log.summary is not None:
        return dict(data, access=access_data(log, log.summary))
    listed: List[Dict[str, Any]] = [
        {
            "template": one.template,
            "level": one.level,
            "count": one.count,
            "first": group_time(one.first),
            "last": group_time(one.last),
            "sample": shown(one.first),
        }
        for one in log.groups
    ]
    return dict(data, errors=log.errors, levels=dict(log.levels), patterns=listed)


def _iso(when: Optional[float]) -> Optional[str]:
    return None if when is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    exit_module(module, lambda: run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
