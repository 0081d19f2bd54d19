# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened when, while services are started or stopped."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, List


class Timeline:
    """What happened when, in the order in which it happened; written by several threads."""

    def __init__(self) -> None:
        self.entries: List[Dict[str, Any]] = []
        self._lock = threading.Lock()

    def add(self, service: str, event: str, message: str = "") -> None:
        with self._lock:
            self.entries.append({"time": time.time(), "service": service, "event": event, "message": message})
