# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report, looked at in the system's Chromium."""

from __future__ import annotations

from tests.parts.part import Part, pytest_part
from tests.support.browser import obstacle


def browser() -> list[Part]:
    return [pytest_part("browser", "tests/browser", workers="1", obstacle=obstacle)]
