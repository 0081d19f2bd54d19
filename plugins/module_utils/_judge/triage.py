# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From everything that was found on all hosts to the most likely cause, and what to do about it.

Findings of one kind about one service make a **problem**. A problem explains another one where it can reach it (on the
same host, or as something that the other one's service needs) and is bad enough. What nothing explains is a **cause**.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Set, Tuple

from .finding import CRITICAL, WARNING, Finding, rank
from .report import Look, is_check_result
from .services import NONE, POSTGRESQL, REDIS, Services, dependencies, hosts_of, order_of_starting
from .text import printable
from .triage_rules import (
    APPLICATION,
    BY_SERVICE,
    CACHE,
    CATEGORY_OF,
    CHANGES,
    DAMAGES,
    DATABASE,
    HINTS,
    INFRASTRUCTURE,
    OTHER,
    RULE_OF,
    RULES,
    START,
    TERMINATE,
    UNREACHABLE,
    Rule,
)
from .waves import all_needs

# Started by hand, on hosts where nobody else does it.
_BY_HAND = "Start {0} on {1} by hand: no manager is declared for it. "
_KINDS = {"pg": POSTGRESQL, "redis": REDIS}
_MOST = 5  # of one kind that the text tells
_MANAGED = ("service.active", "service.healthy", "service.replicas", "service.restarts")

# Who is turned away has met a server that runs: what is wrong is our login, not the stack.
_TURNED_AWAY = re.compile(
    r"password|pg_hba\.conf|does not exist|permission denied|invalid username|authentication required|protected mode",
    re.IGNORECASE,
)

Said = Mapping[str, Any]  # a finding as a dictionary


class Problem(NamedTuple):
    """``place`` is the service, empty where it is about the host or where nobody knows the service."""

    rule: Rule
    host: str
    place: str
    findings: Tuple[Said, ...]

    @property
    def worst(self) -> Said:
        return max(self.findings, key=lambda finding: rank(finding["severity"]))

    @property
    def power(self) -> int:
        return self.rule.critical if self.worst["severity"] == CRITICAL else self.rule.warning

    @property
    def depth(self) -> int:
        return RULES.index(self.rule) if self.rule in RULES else len(RULES)

    @property
    def where(self) -> str:
        return "{0} on {1}".format(self.place, self.host) if self.place else self.host


class Stack(NamedTuple):
    services: Services
    hosts: Mapping[str, Sequence[str]]
    needs: Mapping[str, Set[str]]

    @classmethod
    def of(cls, services: Services, groups: Mapping[str, Sequence[str]]) -> Stack:
        """An edge that does not say what it needs gets its requests answered by all the others."""
        said, order = dependencies(services), order_of_starting(services)
        after = {name: said[name] or order[name] for name in services}
        return cls(services, hosts_of(services, groups), {name: all_needs(after, name) for name in services})

    def place(self, host: str, check: str, subject: str) -> str:
        """The service that a finding is about, as far as its check or its subject tells."""
        here = [one for name, one in self.services.items() if host in self.hosts[name]]
        system = check.partition(".")[0]
        if system in _KINDS:
            return next((one.name for one in here if one.kind == _KINDS[system]), "")
        for one in here:
            for name in (one.name, *one.logs):
                if subject == name or subject.startswith(name + ": "):
                    return one.name
        return ""

    def needs_of(self, problem: Problem) -> Set[str]:
        """Workers are no service that a finding names; their broker is what they need."""
        if problem.findings[0]["check"].startswith("celery."):
            return {name for name, one in self.services.items() if one.kind == REDIS}
        return self.needs.get(problem.place, set())

    def category(self, problem: Problem) -> str:
        if problem.rule.category != BY_SERVICE:
            return problem.rule.category
        one = self.services.get(problem.place)
        if one is None:
            return CATEGORY_OF.get(problem.worst["check"].partition(".")[0], APPLICATION)
        return {POSTGRESQL: DATABASE, REDIS: CACHE}.get(one.kind, INFRASTRUCTURE if one.edge else APPLICATION)


def triage(
    services: Services, groups: Mapping[str, Sequence[str]], results: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Dict[str, Any]:
    """``results`` are what the checking modules returned on each host; a host without any could not be reached."""
    stack = Stack.of(services, groups)
    found, blind = _findings(results)
    changes = [one for one in found if one["check"] in CHANGES]
    problems = _problems(stack, [one for one in found if one["check"] not in CHANGES])
    follows = [
        [number for number, effect in enumerate(problems) if _explains(stack, cause, effect)] if cause.power else []
        for cause in problems
    ]
    explained = {number: _reached(follows, number) for number in range(len(problems))}
    effects = {effect for those in explained.values() for effect in those}
    roots = [number for number in explained if number not in effects]
    roots.sort(key=lambda number: _order(problems[number], len(explained[number])))
    causes = [_cause(stack, problems[n], [problems[e] for e in sorted(explained[n])]) for n in roots]
    answer = {
        "causes": causes,
        "changes": [_evidence(one) for one in changes],
        "not_seen": blind,
        "hosts": len(results),
    }
    return dict(answer, lines=_lines(answer))


def _findings(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> Tuple[List[Dict[str, Any]], List[str]]:
    """What is not in order on each host, and what could not be looked at."""
    found: List[Dict[str, Any]] = []
    blind = []
    for host, looks in results.items():
        lost = [look for look in looks if look.get("unreachable")]
        if lost or not any(looks):
            message = printable(lost[0].get("msg", "")) if lost else "It took no part in the look."
            advice = "Look whether the machine runs and whether Ansible can log in: ansible {0} -m ping".format(
                shlex.quote(host)
            )
            found.append(dict(Finding(UNREACHABLE, host, CRITICAL, message, advice=advice).as_dict(), host=host))
        for look in looks:
            if look.get("failed"):
                blind.append("{0}: {1}".format(host, printable(look.get("msg", "a look failed"))))
            if is_check_result(look):
                seen = [one for one in Look.from_result(look).findings if one["severity"] in (WARNING, CRITICAL)]
                blind += ["{0}: {1} {2}".format(host, one["message"], one["advice"]) for one in seen if _away(one)]
                found += [dict(one, host=host) for one in seen if not _away(one)]
    return found, blind


def _away(finding: Said) -> bool:
    return finding["check"] in ("pg.reachable", "redis.reachable") and bool(_TURNED_AWAY.search(finding["message"]))


def _problems(stack: Stack, found: Sequence[Said]) -> List[Problem]:
    groups: Dict[Tuple[str, str, str, str], List[Said]] = {}
    for one in found:
        rule = RULE_OF.get(one["check"], OTHER)
        place = "" if one["check"].startswith("host.") else stack.place(one["host"], one["check"], one["subject"])
        # What no rule knows has nothing in common but that.
        groups.setdefault((rule.name, one["host"], place, one["check"] if rule is OTHER else ""), []).append(one)
    return [
        Problem(RULE_OF.get(those[0]["check"], OTHER), host, place, tuple(those))
        for (_rule, host, place, _check), those in groups.items()
    ]


def _reached(follows: Sequence[Sequence[int]], cause: int) -> Set[int]:
    """What follows from a problem, directly or by way of others."""
    seen: Set[int] = set()
    ahead = [cause]
    while ahead:
        further = [number for number in follows[ahead.pop()] if number not in seen]
        seen.update(further)
        ahead += further
    return seen


def _explains(stack: Stack, cause: Problem, effect: Problem) -> bool:
    """Of two that are alike, two dead services for example, the one explains the other only where that needs it."""
    needed = stack.needs_of(effect)
    is_needed = cause.place in needed
    comes_first = cause.depth <= effect.depth if is_needed else cause.depth < effect.depth
    if cause.power < effect.rule.needs or not comes_first:
        return False
    if is_needed:
        return True
    if _of_the_machine(cause):
        return cause.host == effect.host or any(cause.host in stack.hosts[name] for name in needed)
    near = cause.host == effect.host and not _of_the_machine(effect)
    return near and (not cause.place or effect.place in (cause.place, ""))


def _of_the_machine(problem: Problem) -> bool:
    return problem.worst["check"].startswith("host.")


def _order(problem: Problem, explains: int) -> Tuple[Any, ...]:
    """What can stop most comes first, then what is worse, then what lies deeper."""
    worst = -rank(problem.worst["severity"])
    return -problem.power, -explains, worst, problem.depth, problem.host, problem.place, problem.worst["check"]


def _cause(stack: Stack, problem: Problem, explains: Sequence[Problem]) -> Dict[str, Any]:
    how, following = _next(stack, problem)
    return {
        "category": stack.category(problem),
        "host": problem.host,
        "service": problem.place,
        "subject": problem.worst["subject"],
        "severity": problem.worst["severity"],
        "stops_others": problem.power > HINTS,
        "message": problem.worst["message"],
        "why": problem.rule.why,
        "where": problem.where,
        "evidence": [_evidence(one) for one in problem.findings],
        "explains": [dict(_evidence(one), where=other.where) for other in explains for one in other.findings],
        "next": following,
        "next_is": how,
    }


def _evidence(finding: Said) -> Dict[str, Any]:
    return {name: finding[name] for name in ("host", "check", "subject", "severity", "message")}


def _next(stack: Stack, problem: Problem) -> Tuple[str, str]:
    """What kind of thing is to be done next (``playbook``, ``manual``), and what."""
    advice = problem.worst["advice"]
    host = shlex.quote(problem.host)
    if problem.rule.next == TERMINATE:
        return "playbook", (
            "ansible-playbook analytics.ops.triage --tags terminate --limit {0} -e triage_confirm_terminate=true "
            "(with --check it only says who would go)".format(host)
        )
    if problem.worst["check"] in DAMAGES:
        return "manual", (
            "Let nothing make it worse: ansible-playbook analytics.ops.triage --tags stop_writes --limit {0} "
            "-e triage_confirm_stop_writes=true. {1}".format(host, advice)
        )
    one = stack.services.get(problem.place)
    if problem.rule.next != START or one is None:
        return "manual", advice
    if one.manager == NONE:
        return "manual", _BY_HAND.format(one.name, problem.host) + advice
    if any(finding["check"] in _MANAGED for finding in problem.findings):
        scope = json.dumps({"stack_control_scope": [one.name]})
        return "playbook", "ansible-playbook analytics.ops.emergency_recovery -e '{0}'".format(scope)
    # A server that is recovering or loading would begin anew: the advice comes first.
    return "manual", (
        "{0} If it has to be restarted: ansible-playbook analytics.ops.triage --tags restart --limit {1} "
        "-e triage_restart={2} -e triage_confirm_restart=true".format(advice, host, one.name)
    )


def _lines(answer: Mapping[str, Any]) -> List[str]:
    """For a person at three in the morning: the first line is the answer."""
    causes = answer["causes"]
    lines = []
    if causes and causes[0]["stops_others"]:
        first = causes[0]
        lines.append("Most likely: {0}".format(_cause_text(first)))
        lines.append("Because: {0}".format(first["why"]))
        if first["explains"]:
            effects = dict.fromkeys("{0} ({1})".format(one["where"], one["check"]) for one in first["explains"])
            lines.append("It explains: {0}.".format(_few(list(effects), 6)))
        more = [one["message"] for one in first["evidence"] if one["message"] != first["message"]]
        lines += ["Evidence: {0}".format(text) for text in more[:3]]
        lines.append("Next: {0}".format(first["next"]))
        causes = causes[1:]
    else:
        looked = "{0} host{1}".format(answer["hosts"], "" if answer["hosts"] == 1 else "s")
        but = ", but not everything could be looked at" if answer["not_seen"] else ""
        lines.append("Nothing found on {0} that would explain an outage{1}.".format(looked, but))
    for one in causes[:_MOST]:
        word = "Also" if one["stops_others"] else "Not in order, too"
        lines.append("{0}: {1} Next: {2}".format(word, _cause_text(one), one["next"]))
    if len(causes) > _MOST:
        lines.append("And {0} more, in the report of the run.".format(len(causes) - _MOST))
    lines += ["Changed lately: {0}: {1}".format(one["host"], one["message"]) for one in answer["changes"][:_MOST]]
    lines += ["Could not be looked at: {0}".format(text) for text in answer["not_seen"][:_MOST]]
    return lines


def _cause_text(cause: Mapping[str, Any]) -> str:
    text = "{0}: {1}: {2}".format(cause["category"].replace("_", " "), cause["where"], cause["message"])
    return text if text.endswith((".", "!", "?", "…")) else text + "."


def _few(texts: Sequence[str], most: int) -> str:
    more = len(texts) - most
    return ", ".join(texts[:most]) + (" and {0} more".format(more) if more > 0 else "")
