# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``global/pg_control`` of a stopped server says: which cluster it is, how it ended, and where its WAL ends.

Read here and not by ``pg_controldata``, because on the host of a server in a container there are no programs of it.
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Mapping

from .._errors import InputError, Refused
from .plan import Step

FILE = "global/pg_control"
LENGTH = 60

# DBState of PostgreSQL 12 to 18, by number.
STATES = (
    "starting up",
    "shut down",
    "shut down in recovery",
    "shutting down",
    "in crash recovery",
    "in archive recovery",
    "in production",
)
_CLEAN = "shut down"
# system identifier, version of the format, of the catalog, state, time, checkpoint, its redo, its timeline
_LAYOUT = struct.Struct("=QIIi4xqQQI")
_VERSIONS = range(1200, 2000)


@dataclass(frozen=True)
class Control:
    """``checkpoint`` is a position in the WAL, in bytes: of a primary that was shut down, where all that was committed
    ends."""

    system_identifier: str
    state: str
    checkpoint: int
    timeline: int

    @property
    def ended_cleanly(self) -> bool:
        return self.state == _CLEAN

    def as_dict(self) -> Dict[str, Any]:
        return asdict(self)


def read_control(content: bytes, path: str) -> Control:
    if len(content) >= _LAYOUT.size:
        identifier, version, _catalog, state, _time, checkpoint, _redo, timeline = _LAYOUT.unpack_from(content)
        if version in _VERSIONS and 0 <= state < len(STATES):
            return Control(str(identifier), STATES[state], checkpoint, timeline)
    raise InputError(
        "{0} is no control file of PostgreSQL 12 or newer, or of a machine of another kind.".format(path),
        "Give the data directory of the server.",
    )


def control_of(given: Mapping[str, Any]) -> Control:
    """Of a result of ``pg_fence``."""
    try:
        return Control(
            str(given["system_identifier"]), str(given["state"]), int(given["checkpoint"]), int(given["timeline"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "primary_control is no result of pg_fence: {0}.".format(error), "Give what its 'control' is."
        ) from error


def require_cluster(control: Control, identifier: str, directory: str) -> None:
    if identifier and identifier != control.system_identifier:
        raise Refused(
            "{0} is of another cluster: its system identifier is {1}, and {2} is meant.".format(
                directory, control.system_identifier, identifier
            ),
            "Nothing was changed. Give the data directory of the old primary.",
        )


def plan_fence(directory: str, is_standby: bool) -> List[Step]:
    return [] if is_standby else [Step("fence", directory, "Started again, it would come up as a primary.")]
