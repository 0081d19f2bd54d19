# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A register of checks for one system: what is asked, what it needs to know, by which limits it is judged.

A check is a generator that is told about the parts of the snapshot it ``needs`` and yields findings::

    CHECKS = Register("pg")

    @CHECKS.check("connections", needs=("server", "sessions"), procedure="H03",
                  question="Are connections left for the application?",
                  threshold=Threshold("%", 80, 90, source="manuals M2, M3; check_postgres 90/95"))
    def connections(rule, server, sessions):
        used = 100.0 * len(sessions) / server.max_connections
        yield rule.judge("all databases", used, "{0} of {1} connections are in use.".format(…), "Look for …")

A check that has nothing to say yields nothing; the register then answers ``ok`` for it, so that silence and not
having looked can be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .._errors import InputError
from .finding import OK, UNKNOWN, Finding, Value
from .text import printable
from .threshold import Threshold

# Of all registers; one that is not named here is taken for a spelling mistake.
PREFIXES = frozenset(
    ("backup", "celery", "data", "duckdb", "host", "http", "log", "pg", "redis", "service", "settings")
)


@dataclass(frozen=True)
class Unavailable:
    """Stands in a snapshot for a part that could not be observed: why, what would help, and how bad that is.

    ``severity`` is ``unknown`` where something should have been visible (a missing right), ``info`` where it is
    optional and simply not there (an extension that is not installed), ``ok`` where the question does not arise
    (replication slots of a standby).
    """

    reason: str
    advice: str = ""
    severity: str = UNKNOWN


@dataclass(frozen=True)
class Rule:
    """A check's name with the limits that hold in this run; makes its findings."""

    check: str
    threshold: Threshold

    def judge(self, subject: str, value: float, message: str, advice: str = "", **beside: float) -> Finding:
        """Judge ``value`` by the threshold. ``beside`` are the figures its floors speak of."""
        own = self.for_subject(subject)
        return own.say(own.threshold.severity(value, **beside), subject, message, advice, value)

    def for_subject(self, subject: str) -> Rule:
        """With the limits that hold for it, which are others while it is open and has to get clear."""
        return replace(self, threshold=self.threshold.for_subject(printable(subject)))

    def say(self, severity: str, subject: str, message: str, advice: str = "", value: Value = None) -> Finding:
        """A finding whose severity is no matter of a limit."""
        limit = self.threshold
        return Finding(
            check=self.check,
            subject=subject,
            severity=severity,
            message=message,
            value=value,
            unit=limit.unit if value is not None else "",
            warning=limit.warning,
            critical=limit.critical,
            advice=advice if severity != OK else "",
        )


@dataclass(frozen=True)
class Check:
    name: str
    question: str
    procedure: str
    needs: Tuple[str, ...]
    threshold: Threshold
    function: Callable[..., Iterable[Finding]]

    def run(self, snapshot: Mapping[str, Any], threshold: Threshold, subject: str) -> Iterator[Finding]:
        rule = Rule(self.name, threshold)
        parts = [snapshot[need] for need in self.needs]
        missing = [part for part in parts if isinstance(part, Unavailable)]
        if missing:
            yield rule.say(missing[0].severity, subject, missing[0].reason, missing[0].advice)
            return
        silent = True
        for finding in self.function(rule, *parts):
            silent = False
            yield finding
        if silent:
            yield rule.say(OK, subject, "{0} Nothing found.".format(self.question))


@dataclass(frozen=True)
class Selection:
    """The checks of one run with the limits that hold in it."""

    checks: Tuple[Tuple[Check, Threshold], ...]

    @property
    def names(self) -> List[str]:
        return [check.name for check, limit in self.checks]

    @property
    def needs(self) -> frozenset:
        """The parts of the snapshot that have to be observed; nothing else needs to be asked for."""
        return frozenset(need for check, limit in self.checks for need in check.needs)

    def findings(self, snapshot: Mapping[str, Any], subject: str) -> List[Finding]:
        """``subject`` names the whole system, for answers that are about nothing smaller."""
        return [finding for check, limit in self.checks for finding in check.run(snapshot, limit, subject)]


class Register:
    """All checks of one system, in the order in which they are documented."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.checks: Dict[str, Check] = {}

    def check(
        self,
        name: str,
        needs: Sequence[str],
        question: str,
        procedure: str,
        threshold: Threshold = Threshold(),
    ) -> Callable[[Callable[..., Iterable[Finding]]], Callable[..., Iterable[Finding]]]:
        def register(function: Callable[..., Iterable[Finding]]) -> Callable[..., Iterable[Finding]]:
            full = "{0}.{1}".format(self.prefix, name)
            self.checks[full] = Check(full, question, procedure, tuple(needs), threshold, function)
            return function

        return register

    def select(
        self,
        checks: Sequence[str] = (),
        exclude_checks: Sequence[str] = (),
        thresholds: Optional[Mapping[str, Any]] = None,
        open_findings: Sequence[Mapping[str, Any]] = (),
    ) -> Selection:
        """What to run. Names may be given as findings show them (``pg.connections``) or without the prefix.

        ``exclude_checks`` and ``thresholds`` may name checks of other systems, which are passed over: so one list and
        one mapping serve a whole stack. ``open_findings`` name ``check`` and ``subject`` of what is open, for limits
        that have a ``clear``.
        Raises ``InputError`` for a name that does not exist, naming those that are alike.
        """
        wanted = {self._known("checks", name) for name in checks} or set(self.checks)
        excluded = {self._known("exclude_checks", name) for name in exclude_checks if not self._foreign(name)}
        limits = {}
        for name, given in (thresholds or {}).items():
            if self._foreign(name):
                continue
            full = self._known("thresholds", name)
            if not isinstance(given, Mapping):
                raise InputError(
                    "thresholds: '{0}' is {1!r}.".format(name, given),
                    "Give a mapping, for example {{'{0}': {{'warning': 80, 'critical': 90}}}}.".format(full),
                )
            limit = self.checks[full].threshold.with_overrides(full, given)
            here = [str(one.get("subject")) for one in open_findings if one.get("check") == full]
            limits[full] = replace(limit, open=frozenset(here))
        return Selection(
            tuple(
                (check, limits.get(full, check.threshold))
                for full, check in self.checks.items()
                if full in wanted - excluded
            )
        )

    def _foreign(self, name: str) -> bool:
        return "." in name and name.partition(".")[0] in PREFIXES - {self.prefix}

    def _known(self, option: str, name: str) -> str:
        full = name if name.startswith(self.prefix + ".") else "{0}.{1}".format(self.prefix, name)
        if full not in self.checks:
            import difflib  # here, as every module is started with this file and hardly one with a wrong name

            # Without the prefix, which every name shares and which would make all of them alike.
            short = {known.partition(".")[2]: known for known in self.checks}
            near = difflib.get_close_matches(full.partition(".")[2], short, n=3, cutoff=0.5)
            alike = [short[known] for known in near]
            if "." in name and not name.startswith(self.prefix + "."):
                advice = "Names begin with one of: {0}.".format(", ".join(sorted(PREFIXES)))
            elif alike:
                advice = "Did you mean: {0}.".format(", ".join(alike))
            else:
                advice = "There are: {0}.".format(", ".join(sorted(self.checks)))
            raise InputError("{0}: there is no check called '{1}'.".format(option, name), advice)
        return full
