# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answer to one check about one subject, and the roll-up of many answers to one status."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict, Iterable, List, Optional, Union

from .text import printable

OK, INFO, UNKNOWN, WARNING, CRITICAL = "ok", "info", "unknown", "warning", "critical"

# Mildest first. 'unknown' is never ok, but what is known to be bad stands before it.
SEVERITIES = (OK, INFO, UNKNOWN, WARNING, CRITICAL)

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
STATUSES = (HEALTHY, DEGRADED, UNHEALTHY)

Value = Optional[Union[int, float, str]]


@dataclass(frozen=True)
class Finding:
    """What one check found out about one subject.

    ``check`` is the check's full name (``pg.connections``), ``subject`` what was looked at (a database, a table, a
    file), ``value`` the figure that was judged in ``unit`` (``%``, ``bytes``, ``seconds``, ``rows``, …), ``warning``
    and ``critical`` the limits it was judged by (``None``: there is no such limit). ``message`` says what is the
    case, ``advice`` what to do next; both are one harmless line.
    """

    check: str
    subject: str
    severity: str
    message: str
    value: Value = None
    unit: str = ""
    warning: Optional[float] = None
    critical: Optional[float] = None
    advice: str = ""

    def __post_init__(self) -> None:
        for name in ("subject", "message", "advice"):
            object.__setattr__(self, name, printable(getattr(self, name)))
        if isinstance(self.value, str):
            object.__setattr__(self, "value", printable(self.value))
        elif isinstance(self.value, float):
            object.__setattr__(self, "value", round(self.value, 4))

    def as_dict(self) -> Dict[str, Any]:
        return asdict(self)


def rank(severity: str) -> int:
    """0 for ``ok`` … 4 for ``critical``."""
    return SEVERITIES.index(severity)


def worst_first(findings: Iterable[Finding]) -> List[Finding]:
    return sorted(findings, key=lambda finding: (-rank(finding.severity), finding.check, finding.subject))


def status_of(severities: Iterable[str]) -> str:
    """``critical`` makes a stack ``unhealthy``; ``warning`` and ``unknown`` make it ``degraded``."""
    present = set(severities)
    if CRITICAL in present:
        return UNHEALTHY
    return DEGRADED if present & {WARNING, UNKNOWN} else HEALTHY


def worst_status(statuses: Iterable[str]) -> str:
    return max(statuses, key=STATUSES.index, default=HEALTHY)


def check_result(findings: Iterable[Finding], include_ok: bool = False, **more: Any) -> Dict[str, Any]:
    """The result of a checking module: ``changed``, ``status``, ``findings`` (the worst first) and ``more``."""
    ordered = worst_first(findings)
    shown = [finding.as_dict() for finding in ordered if include_ok or finding.severity != OK]
    return dict(more, changed=False, status=status_of(f.severity for f in ordered), findings=shown)
