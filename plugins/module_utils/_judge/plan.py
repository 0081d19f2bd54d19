# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an acting module would do, and what it did, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Dict, Iterable, List, Mapping

from .text import printable


@dataclass(frozen=True)
class Step:
    """One thing to be done to one subject, with the reason for it.

    ``details`` are figures of the kind of work (``estimated_seconds``, ``size_bytes_before``, …); a name carries its
    unit last. In results they stand beside the other keys.
    """

    action: str
    subject: str
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("subject", "reason"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    def with_details(self, **more: Any) -> Step:
        return Step(self.action, self.subject, self.reason, dict(self.details, **more))

    def as_dict(self) -> Dict[str, Any]:
        flat = asdict(self)
        details = flat.pop("details")
        return dict(details, **flat)


def act_result(
    plan: Iterable[Step], done: Iterable[Step], remaining: Iterable[Step], changed: bool, **more: Any
) -> Dict[str, Any]:
    """The result of an acting module. In check mode ``done`` is empty and ``changed`` says what would happen."""
    lists: Dict[str, List[Dict[str, Any]]] = {
        name: [step.as_dict() for step in steps]
        for name, steps in (("plan", plan), ("done", done), ("remaining", remaining))
    }
    return dict(more, changed=changed, **lists)
