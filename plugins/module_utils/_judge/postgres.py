# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All checks of PostgreSQL: ``CHECKS``. Each subject has a file of its own, which registers its checks there."""

from __future__ import annotations

from . import (
    postgres_activity,
    postgres_bloat,
    postgres_counters,
    postgres_indexes,
    postgres_replication,
    postgres_schema,
    postgres_server,
    postgres_sessions,
    postgres_storage,
    postgres_tables,
    postgres_timescale,
    postgres_wraparound,
)
from .postgres_register import CHECKS

SUBJECTS = (
    postgres_sessions,
    postgres_activity,
    postgres_tables,
    postgres_indexes,
    postgres_bloat,
    postgres_wraparound,
    postgres_replication,
    postgres_storage,
    postgres_server,
    postgres_counters,
    postgres_schema,
    postgres_timescale,
)

__all__ = ["CHECKS", "SUBJECTS"]
