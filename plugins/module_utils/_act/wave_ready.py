# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until a service that was started is ready, or nothing more is to be hoped for."""

from __future__ import annotations

import time
from typing import Optional

from .._judge.service_wave import RECOVERS, State
from .._judge.services import NONE, POSTGRESQL, Service
from .._observe.pg_recovery import recovered_segment
from .._observe.ready import can_be_asked, why_not_ready
from .service_control import Control, look
from .service_look import PROBE_SECONDS, is_running
from .timeline import Timeline

_POLL_SECONDS = 0.05
_LOOK_EVERY_SECONDS = 0.5
_TELL_EVERY_SECONDS = 5.0
# The next segment of its log may take a PostgreSQL so long to recover, whatever was declared.
_SEGMENT_SECONDS = 30.0


class Recovery:
    """Of a PostgreSQL that starts up: while it goes on from segment to segment, it is not given up."""

    def __init__(self, service: Service, timeline: Timeline) -> None:
        self._service, self._timeline = service, timeline
        self._segment, self._told = "", 0.0

    @property
    def text(self) -> str:
        return " It recovers, and is at the segment {0} of its log.".format(self._segment) if self._segment else ""

    def goes_on(self) -> bool:
        """Whether it has come further since it was looked at."""
        segment = recovered_segment(self._service.port) if self._service.kind == POSTGRESQL else ""
        if not segment or segment == self._segment:
            return False
        before, self._segment = self._segment, segment
        if time.monotonic() - self._told >= _TELL_EVERY_SECONDS or not self._told:
            self._told = time.monotonic()
            self._timeline.add(self._service.name, RECOVERS, "segment {0}".format(segment))
        return bool(before)


def wait_until_ready(
    service: Service, control: Control, deadline: float, settled_seconds: float, recovery: Recovery
) -> Optional[str]:
    """``None`` when it is; else what it lacked in the end."""
    said = "it does not answer."
    asked = can_be_asked(service)
    # What can be asked is looked at when it answers, or when it has not for a while.
    state: Optional[State] = None
    looked = time.monotonic() if asked else float("-inf")
    # What waits to be started again has not begun to stay up: only a first look at it as it runs begins that.
    up_since: Optional[float] = None
    while True:
        now = time.monotonic()
        if asked:
            said = why_not_ready(service, PROBE_SECONDS)
        if now - looked >= _LOOK_EVERY_SECONDS or (asked and not said):
            before, (state, _unknown), looked = state, look(control), now
            if not is_running(service, state):
                up_since = None
            elif up_since is None or (state and before and state.restarts != before.restarts):
                up_since = now
            if said and recovery.goes_on():
                deadline = max(deadline, now + max(service.ready.within_seconds, _SEGMENT_SECONDS))
        if service.manager != NONE and state is not None and state.at_rest:
            return said
        settled = up_since is not None and now - up_since >= settled_seconds
        if settled and not (asked and said):
            return None
        if now >= deadline:
            return said
        time.sleep(_POLL_SECONDS)
