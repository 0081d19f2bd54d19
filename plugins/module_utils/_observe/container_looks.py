# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at all Compose services of a host for everybody who asks at the same time: Docker is asked once for them."""

from __future__ import annotations

import threading
import time
from typing import Dict, Iterable, Mapping, Optional, Tuple

from .._judge.service_facts import Container
from .._judge.services import Compose
from .compose import DockerSilent, containers


class ContainerLooks:
    def __init__(self, places: Iterable[Compose], seconds: float) -> None:
        self._places, self._seconds = tuple(places), seconds
        self._lock = threading.Lock()
        self._begun = float("-inf")
        self._found: Mapping[Tuple[str, str], Tuple[Container, ...]] = {}
        self._silent: Optional[DockerSilent] = None

    def of(self, place: Compose, begun_after: float) -> Tuple[Container, ...]:
        """As a look found it that began after this moment of ``time.monotonic()``. Raises ``DockerSilent``.

        Who comes while another looks waits for that one, and looks only if it began too early. An engine that hangs
        is waited for once by all of them, not once by each.
        """
        with self._lock:
            if self._begun < begun_after:
                self._begun = time.monotonic()
                self._found, self._silent = self._look()
            if self._silent:
                raise self._silent
            return self._found[place.project, place.service]

    def _look(self) -> Tuple[Dict[Tuple[str, str], Tuple[Container, ...]], Optional[DockerSilent]]:
        try:
            return containers(self._places, self._seconds), None
        except DockerSilent as error:
            return {}, error
