# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ran on a host before its stack was shut down, so that recovery starts that and no more.

An entry of something that ran stays until it is up again, whoever stops and records in between. An entry of something
that was off stays until somebody has started it: recovery may be run again and again. What had failed counts as what
ran, because nobody had wanted it to be down.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Dict, Iterable, List, Mapping

from .._errors import OpsError
from .finding import WARNING, Finding
from .service_wave import LEFT_DOWN, READY, RECORD_CHECK, WAS_READY, Outcome, Seen
from .text import is_number, printable, time_text

# What could not be done with it, and what that means.
READ, WRITTEN, UPDATED = "read", "written", "brought up to date"
_ADVICES = {
    READ: "All that is declared is started. Remove it if that is right.",
    WRITTEN: "Note what runs before it is stopped: recovery starts all that is declared.",
    UPDATED: "Remove it when all is up again.",
}
_ADVICE_LEFT = "Start it all the same: -e stack_control_everything=true."


@dataclass(frozen=True)
class Entry:
    """``time`` is when it was seen so, in seconds since the epoch."""

    ran: bool
    time: float


Record = Dict[str, Entry]


def parse_record(text: str) -> Record:
    """Raises ``OpsError``: who reads half a record would start half a stack."""
    try:
        services = json.loads(text)["services"]
        record = {str(name): Entry(one["ran"], one["time"]) for name, one in services.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OpsError("It is no record of a shutdown.") from error
    if not all(isinstance(one.ran, bool) and is_number(one.time) for one in record.values()):
        raise OpsError("It is no record of a shutdown.")
    return record


def record_text(record: Mapping[str, Entry]) -> str:
    services = {name: asdict(one) for name, one in sorted(record.items())}
    return json.dumps({"version": 1, "services": services}, indent=2) + "\n"


def noted(record: Record, seen: Mapping[str, Seen], now: float) -> Record:
    """With how these are now. Of what nobody knows, nothing is noted."""
    result = dict(record)
    for name, one in seen.items():
        known = record.get(name)
        if one.state is None:
            continue
        ran = not one.state.off
        if known is None or not one.state.at_rest or (ran and not known.ran):
            result[name] = Entry(ran, now)
    return result


def closed(record: Record, outcomes: Iterable[Outcome]) -> Record:
    """Without what is up now."""
    up = {one.service for one in outcomes if one.outcome in (READY, WAS_READY)}
    return {name: one for name, one in record.items() if name not in up}


def left_down(record: Record, seen: Mapping[str, Seen]) -> List[Outcome]:
    """What was off then and is off now. What somebody has started since is looked at like all the rest."""
    return [
        Outcome(name, LEFT_DOWN, _left(name, record[name].time), _ADVICE_LEFT)
        for name, one in seen.items()
        if name in record and not record[name].ran and one.state is not None and one.state.off
    ]


def _left(name: str, moment: float) -> str:
    text = time_text(datetime.fromtimestamp(moment, timezone.utc).isoformat())
    return "{0} is left down: it did not run before the shutdown of {1}.".format(name, text)


def record_finding(path: str, verb: str, error: OpsError) -> Finding:
    message = "The record of what ran, {0}, cannot be {1}: {2}".format(printable(path, 200), verb, error.message)
    return Finding(RECORD_CHECK, "record", WARNING, message, advice=_ADVICES[verb])
