# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of an access log; what counts it, ``log_access``, is only loaded where there is one to be read."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Tuple

GROUPS = ("client", "request", "status", "seconds")


class Summary(NamedTuple):
    """What an access log says. ``statuses`` counts by HTTP status; the rest are the most frequent, with their
    counts."""

    requests: int
    not_understood: int
    statuses: Dict[int, int]
    seconds: Dict[str, float]
    timed: int
    clients: int
    top_clients: List[Tuple[bytes, int]]
    top_failing: List[Tuple[bytes, int]]
    top_denied: List[Tuple[bytes, int]]
    top_attackers: List[Tuple[bytes, int]]
    attacks: Dict[str, int]
    answered_attacks: List[Tuple[bytes, int]]
    failing_paths: List[Tuple[bytes, int]]

    def share(self, first: int) -> float:
        """Percentage of requests whose status begins with ``first``."""
        return 100.0 * self.of_class(first) / self.requests if self.requests else 0.0

    def of_class(self, first: int) -> int:
        return sum(count for status, count in self.statuses.items() if status // 100 == first)
