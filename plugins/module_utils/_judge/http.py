# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All checks of web endpoints: ``CHECKS``. Each subject has a file of its own, which registers its checks there."""

from __future__ import annotations

from typing import Dict, Sequence

from . import http_body, http_components, http_service, http_tls, http_vendor
from .http_answer import Answer
from .http_register import CHECKS

SUBJECTS = (http_service, http_body, http_components, http_tls, http_vendor)

__all__ = ["CHECKS", "SUBJECTS", "measurements"]


def measurements(answers: Sequence[Answer], now: float) -> Dict[str, float]:
    """``http.NAME.reachable`` (1 or 0) and, as far as there are: ``.status``, ``.response_seconds`` (which is judged),
    with several samples also ``.response_p50_seconds``, ``_p95_`` and ``_max_``, ``.certificate_days``, and
    ``.component.COMPONENT.…``."""
    found: Dict[str, float] = {}
    for answer in answers:
        prefix = "http.{0}.".format(_key(answer.name, "_-"))
        found[prefix + "reachable"] = int(answer.reached)
        days = http_tls.days_left(answer.tls, now)
        if days is not None:
            found[prefix + "certificate_days"] = round(days, 2)
        if not answer.spoke:
            continue
        found[prefix + "status"] = answer.status
        found[prefix + "response_seconds"] = round(answer.percentile(0.95), 4)
        if len(answer.samples) > 1:
            for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1)):
                found["{0}response_{1}_seconds".format(prefix, name)] = round(answer.percentile(share), 4)
        for name, value in http_components.measurements_of(answer).items():
            found["{0}component.{1}".format(prefix, _key(name, "_-."))] = value
    return found


def _key(name: str, also: str) -> str:
    return "".join(c if c.isalnum() or c in also else "_" for c in name[:200])
