# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an old primary can follow the new one, and what that takes."""

from __future__ import annotations

from typing import List, Mapping, Optional

from .._errors import Refused
from .pg_control import Control
from .plan import Step
from .rows import Row

REWIND, FOLLOW = "rewind", "follow"
_CHANGED_NOTHING = "Nothing was changed. "


def require_rejoin(control: Control, source: Row, pid: Optional[int], directory: str) -> None:
    """``source`` is the new primary, ``pid`` that of a server that runs on the directory."""
    reason = advice = ""
    if pid is not None:
        reason = "A server runs on {0} (process {1}) and does not follow the new primary.".format(directory, pid)
        advice = "Stop it cleanly, after it is sure that it is not the primary that clients use."
    elif source.standby:
        reason = "The server to follow is a standby itself."
        advice = "Give login_host and login_port of the new primary."
    elif source.system_identifier != control.system_identifier:
        reason = "{0} is of another cluster: its system identifier is {1}, that of the new primary {2}.".format(
            directory, control.system_identifier, source.system_identifier
        )
        advice = "Give the data directory of the old primary."
    elif source.timeline < control.timeline:
        reason = "{0} is on timeline {1}, which is newer than that of the new primary, {2}.".format(
            directory, control.timeline, source.timeline
        )
        advice = "Find out which of the two clients write to before anything is thrown away."
    if reason:
        raise Refused(reason, _CHANGED_NOTHING + advice)


def plan_rejoin(control: Control, source: Row, directory: str, is_set_up: bool) -> List[Step]:
    """``pg_rewind`` itself finds out whether there is anything to take back."""
    steps = []
    if source.timeline != control.timeline:
        reason = "It is on timeline {0} ('{1}'), the new primary on {2}: what only it has is taken back.".format(
            control.timeline, control.state, source.timeline
        )
        steps.append(Step(REWIND, directory, reason, {"timeline": source.timeline}))
    if steps or not is_set_up:
        steps.append(Step(FOLLOW, directory, "It is to start as a standby of the new primary."))
    return steps


def follow_settings(primary: Mapping[str, str], slot: str) -> str:
    """Lines for ``postgresql.auto.conf``; the last of a name holds."""
    conninfo = " ".join("{0}={1}".format(name, _quoted(value)) for name, value in primary.items() if value)
    return "# Added by analytics.ops.pg_rejoin\nprimary_conninfo = {0}\nprimary_slot_name = {1}\n".format(
        _setting(conninfo), _setting(slot)
    )


def _quoted(value: str) -> str:
    return "'{0}'".format(value.replace("\\", "\\\\").replace("'", "\\'"))


def _setting(value: str) -> str:
    """In the file a backslash escapes as well, and a line ends the setting."""
    return "'{0}'".format(value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n"))
