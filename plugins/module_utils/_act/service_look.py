# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the services of a wave are, all seen at once. Looks only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Mapping, Optional

from .._judge.service_wave import Seen, State
from .._judge.services import NONE, Service
from .._observe.ready import can_be_asked, why_not_ready
from .edge import is_closed
from .service_control import Control, look

PROBE_SECONDS = 2.0


def look_at_all(services: Mapping[str, Service], controls: Mapping[str, Control], answers: bool) -> Dict[str, Seen]:
    """The state of each and, when ``answers`` is asked for, whether it is ready; all at once, as some may hang."""

    def seen(service: Service) -> Seen:
        state, unknown = look(controls[service.name])
        closed = is_closed(service)
        if not answers or not is_running(service, state):
            return Seen(state, False, unknown, closed)
        said = lacks(service)
        return Seen(state, not said and not closed, said, closed)

    with ThreadPoolExecutor(max_workers=max(1, len(services))) as pool:
        return dict(zip(services, pool.map(seen, services.values())))


def is_running(service: Service, state: Optional[State]) -> bool:
    """Of what nobody here manages, only that it answers is known."""
    return service.manager == NONE or (state is not None and state.runs)


def lacks(service: Service) -> str:
    """Why it is not ready; nothing when it is, or cannot be asked."""
    return why_not_ready(service, PROBE_SECONDS) if can_be_asked(service) else ""
