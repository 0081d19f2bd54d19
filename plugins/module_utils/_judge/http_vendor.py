# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What vendors say of their services on status pages that speak as Atlassian's Statuspage does.

``summary.json`` has ``status.indicator``, ``components`` with a ``status`` each, and unresolved ``incidents``;
``status.json`` has the first alone. What an outage of a vendor means for us is a person's judgement, so a page is never
worse than it says of itself.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Sequence

from .checks import Rule
from .finding import CRITICAL, INFO, OK, UNKNOWN, WARNING, Finding
from .http_answer import PARTS_LIMIT, STATUSPAGE, Answer, is_mapping
from .http_register import CHECKS
from .text import printable

_INDICATORS = {"none": OK, "maintenance": INFO, "minor": WARNING, "major": CRITICAL, "critical": CRITICAL}
_STATUSES = {
    "operational": OK,
    "under_maintenance": INFO,
    "degraded_performance": WARNING,
    "partial_outage": WARNING,
    "major_outage": CRITICAL,
}
_OVER = ("resolved", "postmortem", "completed", "scheduled")
_SHOWN = 5
_ADVICE = "Read the vendor's page; switch to what you have instead of it, and tell those who wait for it."


@CHECKS.check(
    "vendor",
    needs=("answers",),
    procedure="H17",
    question="Do vendors say on their status pages that their services work?",
)
def vendor(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for answer in answers:
        if answer.kind != STATUSPAGE or not answer.spoke:
            continue
        content = answer.content
        told = content.get("status") if content is not None else None
        if content is None or not is_mapping(told) or not isinstance(told.get("indicator"), str):
            yield rule.say(
                UNKNOWN,
                answer.name,
                "{0} is no status page as Statuspage makes it.".format(answer.address),
                "Give the address of its summary, which ends with /api/v2/summary.json.",
            )
        elif answer.expected.components:
            yield from _components(rule, answer, content)
        else:
            yield _page(rule, answer, content, told)


def _page(rule: Rule, answer: Answer, content: Mapping[str, Any], told: Mapping[str, Any]) -> Finding:
    """One finding for the whole page, which names what is affected."""
    indicator = told["indicator"].lower()
    affected = [
        "{0} ({1})".format(_name(one), _word(one.get("status")))
        for one in _list(content, "components")
        if not one.get("group") and _STATUSES.get(str(one.get("status"))) != OK
    ]
    message = "It says '{0}'.".format(printable(told.get("description") or indicator, 120))
    for what, names in (("Affected", affected), ("Incidents", [_name(one) for one in _open(content)])):
        if names:
            more = " and {0} more".format(len(names) - _SHOWN) if len(names) > _SHOWN else ""
            message += " {0}: {1}{2}.".format(what, ", ".join(names[:_SHOWN]), more)
    return rule.say(_INDICATORS.get(indicator, UNKNOWN), answer.name, message, _ADVICE)


def _components(rule: Rule, answer: Answer, content: Mapping[str, Any]) -> Iterator[Finding]:
    """One finding for each component that counts; the rest of the page does not."""
    for wanted in answer.expected.components:
        subject = "{0}: {1}".format(answer.name, wanted)
        same = [one for one in _list(content, "components") if str(one.get("name", "")).lower() == wanted.lower()]
        if not same:
            message = "The status page has no component of this name."
            yield rule.say(UNKNOWN, subject, message, "Compare 'components' with the names on the page.")
        for one in same:
            incidents = [
                _name(incident)
                for incident in _open(content)
                if any(str(part.get("name", "")).lower() == wanted.lower() for part in _list(incident, "components"))
            ]
            message = "It is '{0}'.".format(_word(one.get("status")))
            if incidents:
                message += " Incidents: {0}.".format(", ".join(incidents[:_SHOWN]))
            yield rule.say(_STATUSES.get(str(one.get("status")), UNKNOWN), subject, message, _ADVICE)


def _open(content: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """Incidents that are not over, and maintenance that has begun."""
    both = _list(content, "incidents") + _list(content, "scheduled_maintenances")
    return [one for one in both if str(one.get("status")) not in _OVER]


def _list(content: Mapping[str, Any], key: str) -> List[Mapping[str, Any]]:
    given = content.get(key)
    return [one for one in given[:PARTS_LIMIT] if is_mapping(one)] if isinstance(given, list) else []


def _name(one: Mapping[str, Any]) -> str:
    return printable(one.get("name", "without a name"), 80)


def _word(status: Any) -> str:
    return printable(str(status).replace("_", " "), 40)
