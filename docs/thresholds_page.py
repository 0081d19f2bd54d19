# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ``docs/thresholds.md``: the limits of five operations manuals beside our defaults, and why ours are so."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

PROFILES = "ansible_collections.analytics.ops.plugins.module_utils._judge.profiles"

HEAD = """# Limits: defaults, profiles, your own

Every check that has limits has sound ones by default, except a few that only a limit of your own makes speak (source
*none* in [checks.md](checks.md)). Written by `make docs` from the code; a change belongs there.

1. **Your own** win: `analytics_ops_thresholds`, for the whole inventory, a group or a host.

   ```yaml
   analytics_ops_thresholds:
     host.disk_space: {warning: 80, critical: 90}      # other limits of the check stay
     pg.long_statements: {critical: null}              # switches a level off
   ```

2. **A profile** stands between: `analytics_ops_threshold_profile` chooses the limits of one of the five operations
   manuals that this collection was made from. It is a variable like every other one: in `group_vars`, in the inventory
   or a survey of AWX, for one host, or with `-e`. Tasks of your own take the filter `analytics.ops.threshold_profile`.
3. **The defaults** hold for every check and level that neither speaks of.

A profile says what its manual says, no more. A manual that knows an alert without a level means a warning. Where a
manual says a bare percentage, what keeps the default quiet while much is left is switched off (*whatever is left* in
the table); give `free_bytes` or `available_bytes` yourself to have it back. Floors against noise (five errors, a
thousand look-ups) stay.
Where a profile lets endpoints take 5 s or 10 s, give them more time to answer than that
(`health_check_http_timeout_seconds`, 5 s by default), or slow ones are reported as not answering.

## Profiles

| manual | `analytics_ops_threshold_profile` | for | example |
|---|---|---|---|
"""

DIFFERENCES = """
## Where they differ from the defaults

*warning / critical* of the check; – where the manual does not speak of it, so that the default holds.

"""

REASONS = """
### Why the defaults are what they are

"""

SOURCES = """
## What the manuals say

"""

WHY = {
    "host.cpu": "A processor that is 70 % busy for minutes is well used, and nothing is slow yet; 70 % is a figure for "
    "planning. 80 % for 15 minutes is what two manuals and the field's alerts take.",
    "host.disk_space": "80 % of a small disk is more urgent than 90 % of a large one. 85 and 95 % are two of the four "
    "figures of the manuals, and nothing is said while 20 GB are free; what fills up fast is found by "
    "`host.disk_full_in`, long before either.",
    "host.memory": "Linux uses memory for caches and gives it back; counted is what is not available. 85 % lies "
    "between the manuals' 80 and 90 %; critical is 95 %, and nothing is said while 4 GB are left.",
    "http.response_time": "Users of a page wait for several answers, so a health endpoint that takes 1 s is slow; 2 s "
    "is what two manuals promise to users at most. 5 and 10 s are times at which people have gone away.",
    "log.error_rate": "1 % is where one manual begins to worry, and three of the four that give a figure have an alert "
    "at 5 %; 10 %, at which two of them wake somebody, is late.",
    "log.errors": "How many errors a day are usual differs from service to service by powers of ten. A share of all "
    "lines (`log.error_rate`) says more, so there is no default.",
    "log.server_errors": "Alerts for web servers begin at 2 % of requests, and 5 % is critical; manuals speak of "
    "errors in general. Judged from 120 requests on.",
    "redis.memory": "75 % is the manual's warning, too. With an eviction policy a cache works well when it is full, so "
    "80 % is no emergency; 90 % is the field's figure.",
}


def thresholds_document(registers: Mapping[str, Any]) -> str:
    """``registers`` are those of ``docs.generate``; they make the collection importable, too."""
    profiles = import_module(PROFILES).PROFILES
    checks = {name: check for register in registers.values() for name, check in register.checks.items()}
    differing = different(profiles, checks)
    lines = [HEAD.rstrip("\n")]
    lines += [
        f"| {one.manual} | `{name}` | {one.stack} | [examples/{name}](../examples/{name}/README.md) |"
        for name, one in profiles.items()
    ]
    lines += [DIFFERENCES.rstrip("\n") + "\n"]
    lines += ["| check | unit | default | " + " | ".join(one.manual for one in profiles.values()) + " |"]
    lines += ["|---|---|---|" + "---|" * len(profiles)]
    for name in differing:
        cells = [_cell(one.thresholds().get(name)) for one in profiles.values()]
        default = checks[name].threshold
        cells = [f"`{name}`", default.unit, f"{_number(default.warning)} / {_number(default.critical)}", *cells]
        lines += ["| " + " | ".join(cells) + " |"]
    lines += [REASONS.rstrip("\n") + "\n", *(f"- `{name}`: {WHY[name]}" for name in differing), SOURCES.rstrip("\n")]
    for name, one in profiles.items():
        lines += [f"\n### {one.manual}: `{name}`\n", "| check | warning / critical | the manual |", "|---|---|---|"]
        lines += [f"| `{limit.check}` | {_cell(limit.levels)} | {limit.source} |" for limit in one.limits]
    return "\n".join(lines) + "\n"


def different(profiles: Mapping[str, Any], checks: Mapping[str, Any]) -> list[str]:
    """Checks for which some profile says otherwise than the default, by name."""
    found = set()
    for one in profiles.values():
        for name, levels in one.thresholds().items():
            default = checks[name].threshold
            known = {"warning": default.warning, "critical": default.critical, **default.floors, **default.ceilings}
            found |= {name} if any(known[level] != value for level, value in levels.items()) else set()
    return sorted(found)


def _cell(levels: Mapping[str, Any] | None) -> str:
    if levels is None:
        return "–"
    text = f"{_number(levels.get('warning'))} / {_number(levels.get('critical'))}"
    return text + (", whatever is left" if set(levels) - {"warning", "critical"} else "")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.10g}".replace(",", " ")
