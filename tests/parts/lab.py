# SPDX-License-Identifier: GPL-3.0-or-later
"""The container lab: two scenarios whole on one Debian, and the way up to a healthy stack on the other."""

from __future__ import annotations

import os
import sys

from tests.lab.engine import obstacle
from tests.parts.part import Part

SMOKE = "destroy,create,converge,verify,destroy"


def lab() -> list[Part]:
    """``LAB=no`` leaves it out; ``LAB=require`` (or ``REQUIRE=all``) makes it fail where no engine answers."""
    if os.environ.get("LAB") == "no":
        return []
    parts = [
        _scenario("lab default", "default"),
        _scenario("lab compose", "compose"),
        _scenario("lab smoke debian13", "default", "--distribution", "debian13", "--steps", SMOKE),
    ]
    for part in parts:
        part.promised = part.promised or os.environ.get("LAB") == "require"
    return parts


def _scenario(name: str, *arguments: str) -> Part:
    return Part(name, [sys.executable, "-m", "tests.lab", *arguments], obstacle=obstacle)
