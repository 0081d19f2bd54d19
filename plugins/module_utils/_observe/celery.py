# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the broker and the result backend of Celery hold, in one round trip each, and beat's schedule file."""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from .._errors import Unreachable
from .._judge.celery_facts import Backend, Lane, Queue, Unacked, lane_of
from .._judge.checks import Unavailable
from .redis import Failure, RedisClient, RedisLogin, unavailable

# Which files a shelf may consist of, by the library that Python finds for it.
SHELF_SUFFIXES = ("", ".db", ".dat", ".dir", ".bak")


class Names(NamedTuple):
    """How kombu names what it keeps in Redis; its transport options."""

    key_prefix: str = ""
    priority_steps: Sequence[int] = (0, 3, 6, 9)
    separator: str = "\x06\x16"

    def lane(self, queue: str, priority: int) -> str:
        return "{0}{1}{2}".format(self.key_prefix, queue, "{0}{1}".format(self.separator, priority) if priority else "")


def ask_broker(
    client: RedisClient, queues: Sequence[str], names: Names, age_fields: Sequence[str], lock_key: Optional[str]
) -> Dict[str, Any]:
    """``now`` (the broker's clock), ``queues``, ``unacked`` and ``lock_seconds``; or ``Unavailable`` for a part."""
    lanes = [(queue, priority) for queue in queues for priority in names.priority_steps]
    commands: List[Tuple[Any, ...]] = [("TIME",)]
    for queue, priority in lanes:
        key = names.lane(queue, priority)
        commands += [("LLEN", key), ("LINDEX", key, -1)]
    commands.append(("HLEN", names.key_prefix + "unacked"))
    commands.append(("ZRANGE", names.key_prefix + "unacked_index", 0, 0, "WITHSCORES"))
    commands.append(("PTTL", lock_key or names.key_prefix + "unacked"))
    replies = client.ask(commands)
    if isinstance(replies[0], Failure):
        raise Unreachable(
            "{0} does not tell the time: {1}.".format(client.login.target, replies[0].text.rstrip(".")),
            "Grant it: ACL SETUSER {0} +time".format(client.login.user),
        )
    now = int(replies[0][0]) + int(replies[0][1]) / 1e6
    found: Dict[str, Any] = {"now": now, "lock_seconds": None}
    found["queues"] = _queues(client, queues, lanes, replies[1:-3], age_fields)
    found["unacked"] = _unacked(client, now, replies[-3], replies[-2])
    if lock_key and isinstance(replies[-1], Failure):
        found["lock_seconds"] = unavailable(client, replies[-1], "PTTL", "+pttl ~{0}".format(lock_key))
    elif lock_key and replies[-1] != -2:
        found["lock_seconds"] = replies[-1] / 1000.0
    return found


def _queues(
    client: RedisClient,
    queues: Sequence[str],
    lanes: Sequence[Tuple[str, int]],
    replies: Sequence[Any],
    age_fields: Sequence[str],
) -> Union[List[Queue], Unavailable]:
    by_queue: Dict[str, List[Lane]] = {queue: [] for queue in queues}
    for (queue, priority), depth, oldest in zip(lanes, replies[0::2], replies[1::2]):
        for reply in (depth, oldest):
            if isinstance(reply, Failure):
                return unavailable(client, reply, "LLEN and LINDEX", "+llen +lindex and the keys of the queues")
        by_queue[queue].append(lane_of(priority, depth, oldest or b"", age_fields))
    return [Queue(name, tuple(found)) for name, found in by_queue.items()]


def _unacked(client: RedisClient, now: float, count: Any, oldest: Any) -> Union[Unacked, Unavailable]:
    for reply in (count, oldest):
        if isinstance(reply, Failure):
            return unavailable(client, reply, "HLEN and ZRANGE", "+hlen +zrange ~unacked ~unacked_index")
    # A score may be -inf, too; nothing was handed out before the epoch.
    return Unacked(count, min(now, max(0.0, now - float(oldest[1]))) if oldest else 0.0)


def ask_backend(login: RedisLogin) -> Backend:
    try:
        with RedisClient(login) as client:
            role = client.call("ROLE")
            failure = client.ping_failure
    except Unreachable as error:
        return Backend(login.target, error.message, error.advice)
    if failure and not failure.denied:
        advice = "Look at the server's log and disk; see redis_cache_stats."
        return Backend(login.target, "The result backend answers with an error: {0}".format(failure.text), advice)
    return Backend(login.target, replica=isinstance(role, list) and role[0] == b"slave")


def schedule_age(path: str, now: float) -> Optional[float]:
    """Seconds since beat last wrote its schedule; ``None`` when there is none. Raises ``OSError``."""
    written = []
    for suffix in SHELF_SUFFIXES:
        try:
            written.append(os.stat(path + suffix).st_mtime)
        except FileNotFoundError:
            continue
    return max(0.0, now - max(written)) if written else None
