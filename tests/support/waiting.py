# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests wait for what they await, and never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], seconds: float = 120, what: str = "what was awaited") -> Any:
    """Polls until ``condition`` is true and returns what it returned; fails when that takes too long."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what} did not come about within {seconds:g} s"
        time.sleep(0.02)
