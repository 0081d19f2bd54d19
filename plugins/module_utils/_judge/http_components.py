# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures that services tell of their components: how soon these answer, how full their pools are, how well they hit.

As manual M4 shows them: ``{"components": {"postgresql": {"response_time": 0.012, "pool_utilization": 0.46}}}``.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Sequence

from .checks import Rule
from .finding import Finding
from .http_answer import STATUSPAGE, Answer, is_mapping, parts, short
from .http_register import CHECKS
from .text import number_text, seconds_text
from .threshold import Threshold


@CHECKS.check(
    "component_response_time",
    needs=("answers",),
    procedure="H01",
    question="Do the components that an endpoint tells of answer it soon enough?",
    threshold=Threshold("seconds", warning=0.5, critical=1, source="manual M4: under 0.5 s is good, over 1 s poor"),
)
def component_response_time(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for subject, seconds in _figures(answers, response_seconds):
        message = "The service says that this component answered it after {0}.".format(seconds_text(seconds))
        yield rule.judge(subject, seconds, message, "Look at the component's load, and at the network between.")


@CHECKS.check(
    "component_pool",
    needs=("answers",),
    procedure="H03",
    question="Is there room in the connection pools that an endpoint tells of?",
    threshold=Threshold("%", warning=80, critical=90, source="manual M4: under 0.8 is good, over 0.9 to investigate"),
)
def component_pool(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for subject, percent in _figures(answers, pool_percent):
        message = "The service says that {0} % of the pool's connections are in use.".format(number_text(percent))
        yield rule.judge(subject, percent, message, "Look for requests that hold a connection long; then enlarge it.")


@CHECKS.check(
    "component_hit_rate",
    needs=("answers",),
    procedure="H08",
    question="Do the caches that an endpoint tells of hit often enough?",
    threshold=Threshold(
        "%",
        warning=70,
        critical=60,
        higher_is_worse=False,
        source="manual M4: under 70 % is a warning, under 60 % poor",
    ),
)
def component_hit_rate(rule: Rule, answers: Sequence[Answer]) -> Iterator[Finding]:
    for subject, percent in _figures(answers, hit_percent):
        message = "The service says that {0} % of the look-ups hit.".format(number_text(percent))
        yield rule.judge(subject, percent, message, "Look at evictions, lifetimes of keys, and for a recent restart.")


def response_seconds(part: Mapping[str, Any]) -> Optional[float]:
    """``response_time`` in seconds or ``response_time_ms`` in milliseconds."""
    seconds, milliseconds = _number(part.get("response_time")), _number(part.get("response_time_ms"))
    return milliseconds / 1000.0 if seconds is None and milliseconds is not None else seconds


def pool_percent(part: Mapping[str, Any]) -> Optional[float]:
    """``pool_utilization`` as a fraction, or as a percentage if it is over 2; else connections of the pool's size."""
    used = _number(part.get("pool_utilization"))
    if used is not None:
        return used if used > 2 else 100.0 * used
    active, size = _number(part.get("active_connections")), _number(part.get("pool_size"))
    return _number(100.0 * active / size) if active is not None and size else None


def hit_percent(part: Mapping[str, Any]) -> Optional[float]:
    """``hit_rate`` is a percentage, or a fraction if it is at most 1."""
    rate = _number(part.get("hit_rate"))
    return 100.0 * rate if rate is not None and rate <= 1 else rate


def measurements_of(answer: Answer) -> Dict[str, float]:
    """The same figures by component: ``postgresql.response_seconds``, ``.pool_used_percent``, ``.hit_percent``."""
    readers = {"response_seconds": response_seconds, "pool_used_percent": pool_percent, "hit_percent": hit_percent}
    found = {}
    for path, part in _told(answer):
        for name, reader in readers.items():
            value = reader(part)
            if value is not None:
                found["{0}.{1}".format(short(path), name)] = round(value, 4)
    return found


def _figures(answers: Sequence[Answer], reader: Callable[[Mapping[str, Any]], Optional[float]]) -> Iterator[Any]:
    for answer in answers:
        for path, part in _told(answer):
            value = reader(part)
            if value is not None:
                yield "{0}: {1}".format(answer.name, short(path)), value


def _told(answer: Answer) -> Iterator[Any]:
    if answer.spoke and answer.kind != STATUSPAGE and answer.content is not None:
        yield from ((path, part) for path, part in parts(answer.content) if is_mapping(part))


def _number(value: Any) -> Optional[float]:
    """``None`` for what is no figure that can be: texts, true and false, negative, without end."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
