# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds a lock, until when, and whether another may have it now."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any, Dict, Optional

from .._errors import Refused
from .plan import Step
from .text import printable, seconds_text

ACQUIRE, TAKE_OVER, RELEASE = "acquire", "take_over", "release"

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Lock:
    """The content of a lock file. ``since`` and ``expires_at`` are seconds since 1970."""

    id: str
    name: str
    owner: str
    host: str
    since: float
    expires_at: float
    damaged: bool = False

    def as_dict(self) -> Dict[str, Any]:
        flat = asdict(self)
        flat.update(since=time_text(self.since), expires_at=time_text(self.expires_at))
        flat.update((key, printable(flat[key])) for key in ("id", "name", "owner", "host"))
        return flat

    def as_json(self) -> str:
        flat = self.as_dict()
        del flat["damaged"]
        return json.dumps(flat, ensure_ascii=False, indent=1) + "\n"


def read_lock(content: bytes, name: str, written_at: float, expires_after: float) -> Lock:
    """The lock that a file holds.

    A file that cannot be read (empty after a power failure, or not ours) is a lock too: somebody may be at work. It
    has an id by which it can be taken over, and expires ``expires_after`` seconds after it was written.
    """
    try:
        given = json.loads(content)
        texts = {key: given[key] for key in ("id", "name", "owner", "host")}
        times = {key: seconds_of(given[key]) for key in ("since", "expires_at")}
        if not all(isinstance(text, str) for text in texts.values()) or not texts["id"]:
            raise ValueError("not the texts of a lock")
    except (ValueError, TypeError, KeyError, RecursionError):
        mark = hashlib.sha256(content + str(written_at).encode()).hexdigest()[:12]
        return Lock("damaged-" + mark, name, "unknown", "unknown", written_at, written_at + expires_after, True)
    return Lock(**texts, **times)


def plan_to_acquire(held: Optional[Lock], name: str, now: float, takeover: Optional[str]) -> Step:
    """How to get the lock that is held as ``held``. Raises ``Refused`` when it belongs to another."""
    if held is None:
        return Step(ACQUIRE, name, "Nobody holds it.")
    if held.expires_at <= now:
        ago = seconds_text(now - held.expires_at)
        return Step(TAKE_OVER, name, "{0}, and it expired {1} ago.".format(_description(held, now), ago))
    if takeover == held.id:
        return Step(TAKE_OVER, name, "{0}; taking it over was confirmed by its id.".format(_description(held, now)))
    message = "The lock '{0}': {1}; it expires at {2}, in {3}.".format(
        name, _description(held, now), time_text(held.expires_at), seconds_text(held.expires_at - now)
    )
    if takeover:
        message += " It is not the lock '{0}' that was to be taken over.".format(printable(takeover, 60))
    raise Refused(
        message,
        "Wait for that run to end. Only when you know that it is dead, take the lock over by its id: "
        "takeover={0} (for this collection's playbooks: -e maintenance_frame_takeover={0}).".format(
            printable(held.id, 60)
        ),
    )


def plan_to_release(held: Optional[Lock], name: str, lock_id: str) -> Optional[Step]:
    """``None`` when there is nothing of ours to release: no lock, or another's."""
    return Step(RELEASE, name, "Its holder gives it back.") if held and held.id == lock_id else None


def not_ours(held: Lock, now: float) -> str:
    return "The lock '{0}' was not released: {1}. It was taken over, or the id is of an earlier run.".format(
        held.name, _description(held, now)
    )


def time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(_TIME)


def seconds_of(text: str) -> float:
    return datetime.strptime(text, _TIME).replace(tzinfo=timezone.utc).timestamp()


def _description(held: Lock, now: float) -> str:
    since = "{0} ({1} ago)".format(time_text(held.since), seconds_text(max(0.0, now - held.since)))
    if held.damaged:
        return "its file is damaged, so nobody can tell who holds it; it was written at {0}".format(since)
    return "it is held by '{0}' on {1} since {2}".format(printable(held.owner, 120), printable(held.host, 80), since)
