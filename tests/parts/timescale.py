# SPDX-License-Identifier: GPL-3.0-or-later
"""``pg_health`` on the real TimescaleDB, an edition each: what they need is fetched, and not from PyPI."""

from __future__ import annotations

from tests.parts.coverage import modules_measured
from tests.parts.part import Part, pytest_part
from tests.support.timescale import apache_obstacle, community_obstacle

FILES = {edition: f"tests/integration/test_pg_health_timescale_{edition}.py" for edition in ("apache", "community")}


def timescale() -> list[Part]:
    obstacles = {"apache": apache_obstacle, "community": community_obstacle}
    return [
        modules_measured(pytest_part(f"timescale {edition}", file, workers="1", obstacle=obstacles[edition]))
        for edition, file in FILES.items()
    ]
