# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking through the keys of a live server: in small slices with ``SCAN``, never ``KEYS``.

``SCAN`` goes through the hash table in the order of the hashes, so its beginning is as good as a random sample.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, NamedTuple, Optional, Union

from .._judge.checks import Unavailable
from .._judge.redis_facts import Info, KeySample
from .._judge.redis_keyspace import Seen, grouped
from .redis import Failure, RedisClient, read_info, unavailable

SLICE = 250
# How many keys of the sample are asked for their memory: it costs the server more than a look-up.
MEMORY_QUESTIONS = 400


def sample_keys(
    client: RedisClient,
    info: Union[Info, Unavailable],
    database: int,
    limit: int,
    seconds: float,
    separator: str,
) -> Union[KeySample, Unavailable]:
    """Keys by prefix, with and without TTL, until ``limit`` keys or ``seconds`` are reached."""
    total = info.keys(database)[0] if isinstance(info, Info) else None
    if total is None:
        reply = client.call("DBSIZE")
        total = reply if isinstance(reply, int) else 0
    began = time.monotonic()
    every = max(1, min(limit, total) // MEMORY_QUESTIONS)
    seen: List[Seen] = []
    asks_memory = True
    note = ""
    cursor = b"0"
    while True:
        reply = client.call("SCAN", cursor, "COUNT", min(SLICE, limit))
        if isinstance(reply, Failure):
            return unavailable(client, reply, "SCAN", "+scan")
        cursor, keys = reply
        keys = keys[: limit - len(seen)]
        times = client.ask([("TTL", key) for key in keys])
        failure = _failure(times)
        if failure:
            return unavailable(client, failure, "TTL", "+ttl and the keys: %R~*, before Redis 7 ~*")
        picked = [n for n in range(len(keys)) if (len(seen) + n) % every == 0] if asks_memory else []
        sizes = dict(zip(picked, client.ask([("MEMORY", "USAGE", keys[n]) for n in picked]))) if picked else {}
        if _failure(list(sizes.values())):
            asks_memory, sizes = False, {}
            note = "Memory is not estimated: the user may not run MEMORY USAGE (ACL: +memory|usage)."
        # -2: the key was gone before it was asked for.
        seen += [
            Seen(key, ttl != -1, sizes.get(number)) for number, (key, ttl) in enumerate(zip(keys, times)) if ttl != -2
        ]
        if cursor == b"0" or len(seen) >= limit or time.monotonic() - began >= seconds:
            break
    complete = (cursor == b"0" and len(seen) < limit) or len(seen) >= total
    return KeySample(
        groups=grouped(seen, separator.encode(), total, complete),
        sampled=len(seen),
        total=total,
        complete=complete,
        seconds=round(time.monotonic() - began, 3),
        lookups=len(seen),
        note=note,
    )


def _failure(replies: List[Any]) -> Optional[Failure]:
    return next((reply for reply in replies if isinstance(reply, Failure)), None)


class Standing(NamedTuple):
    """What has to be known before keys are changed, and compared after. ``None``: could not be seen."""

    count: Optional[int] = None
    without_ttl: Optional[int] = None
    replica: bool = False
    clustered: bool = False
    policy: str = ""

    def figures(self, when: str) -> Dict[str, int]:
        named = {"redis.keys.count_": self.count, "redis.keys.without_ttl_": self.without_ttl}
        return {name + when: value for name, value in named.items() if value is not None}


def standing(client: RedisClient) -> Standing:
    reply, size, role = client.ask([("INFO",), ("DBSIZE",), ("ROLE",)])
    replica = isinstance(role, list) and role[0] == b"slave"
    if isinstance(reply, Failure):
        return Standing(count=size if isinstance(size, int) else None, replica=replica)
    info = read_info(reply)
    count, without_ttl = info.keys(client.login.login_db)
    return Standing(
        count=count,
        without_ttl=without_ttl,
        replica=replica or info.text("role") == "slave",
        clustered=info.number("cluster_enabled") == 1,
        policy=info.text("maxmemory_policy"),
    )
