# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a result readable when one check has an answer for each of a thousand tables."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping

from .finding import OK, Finding, rank
from .text import number_text

_CLOSING_SUBJECT = re.compile(r"\d[\d ]* more")


def is_closing(finding: Mapping[str, Any]) -> bool:
    """Whether it is the finding that counts what was left out, which is about no subject."""
    return _CLOSING_SUBJECT.fullmatch(finding["subject"]) is not None


def shortlist(findings: Iterable[Finding], per_check: int) -> List[Finding]:
    """At most ``per_check`` findings of each check, the worst first; one more says how many were left out.

    Among findings of one severity the order in which the check gave them is kept, so checks give the worst first.
    What is in order is left out first and counted apart: it never hides behind what is not.
    """
    by_check: Dict[str, List[Finding]] = {}
    for finding in findings:
        by_check.setdefault(finding.check, []).append(finding)
    kept: List[Finding] = []
    for answers in by_check.values():
        answers.sort(key=lambda finding: -rank(finding.severity))
        kept += answers[:per_check]
        for left_out in _split(answers[per_check:]):
            if left_out:
                kept.append(_closing(left_out))
    return kept


def _split(findings: List[Finding]) -> List[List[Finding]]:
    return [[f for f in findings if f.severity != OK], [f for f in findings if f.severity == OK]]


def _closing(left_out: List[Finding]) -> Finding:
    worst = left_out[0]
    in_order = worst.severity == OK
    return Finding(
        check=worst.check,
        subject="{0} more".format(number_text(len(left_out))),
        severity=worst.severity,
        message="{0} more {1}, from '{2}' to '{3}'.".format(
            number_text(len(left_out)),
            "are in order" if in_order else "answers like those listed are left out",
            worst.subject,
            left_out[-1].subject,
        ),
        value=len(left_out),
        warning=None,
        critical=None,
        advice="" if in_order else "Raise max_findings_per_check to see them all.",
    )
