# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking through the keys of a live server: in small slices with ``SCAN``, never ``KEYS``.

``SCAN`` goes through the hash table in the order of the hashes, so its beginning is as good as a random sample.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from .._judge.checks import Unavailable
from .._judge.redis_facts import Info, KeySample
from .._judge.redis_keyspace import Seen, brief, grouped
from .redis import Failure, RedisClient, read_info, unavailable

SLICE = 250
# Of how many keys of the sample more is asked than their TTL: it costs the server more than a look-up.
MEMORY_QUESTIONS = 400


Question = Tuple[str, str]
MEMORY: Question = ("MEMORY", "USAGE")
IDLE: Question = ("OBJECT", "IDLETIME")
_NOTES = {
    MEMORY: "Memory is not estimated: the user may not run MEMORY USAGE (ACL: +memory|usage).",
    IDLE: "How long keys are idle is not known: the user may not run OBJECT IDLETIME (ACL: +object|idletime).",
}


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
    questions = [MEMORY, IDLE] if _tells_idle_times(info) else [MEMORY]
    notes: List[str] = []
    tried, lookups = False, 0
    cursor = b"0"
    while True:
        reply = client.call("SCAN", cursor, "COUNT", min(SLICE, limit))
        if isinstance(reply, Failure):
            return unavailable(client, reply, "SCAN", "+scan")
        cursor, keys = reply
        keys = keys[: limit - len(seen)]
        # Asked of one key first: hundreds of denials would look like an application's in the server's statistics.
        first = [] if tried or not keys else [(*question, keys[0]) for question in questions]
        replies = client.ask([("TTL", key) for key in keys] + first)
        times = replies[: len(keys)]
        failure = _failure(times)
        if failure:
            return unavailable(client, failure, "TTL", "+ttl and the keys: %R~*, before Redis 7 ~*")
        if first:
            tried = True
            refused = [name for name, answer in zip(questions, replies[len(keys) :]) if isinstance(answer, Failure)]
            notes += [_NOTES[question] for question in refused]
            questions = [question for question in questions if question not in refused]
        picked = [n for n in range(len(keys)) if (len(seen) + n) % every == 0]
        answers = _answers(client, questions, [(number, keys[number]) for number in picked])
        sizes, idle = answers.get(MEMORY, {}), answers.get(IDLE, {})
        # -2: the key was gone before it was asked for.
        lookups += len(keys)
        if IDLE in questions and isinstance(info, Info) and info.counts_object_questions:
            lookups += len(idle) + (1 if first else 0)
        seen += [
            Seen(brief(key, separator.encode()), ttl != -1, sizes.get(number), idle.get(number))
            for number, (key, ttl) in enumerate(zip(keys, times))
            if ttl != -2
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
        lookups=lookups,
        note=" ".join(notes),
    )


def _tells_idle_times(info: Union[Info, Unavailable]) -> bool:
    """With an LFU policy the server counts uses instead, and answers with an error."""
    return isinstance(info, Info) and "lfu" not in info.text("maxmemory_policy")


def _answers(
    client: RedisClient, questions: List[Question], picked: List[Tuple[int, bytes]]
) -> Dict[Question, Dict[int, int]]:
    """What was answered to each question about each of the keys, by their numbers; a key may be gone by then."""
    commands = [(*question, key) for question in questions for number, key in picked]
    replies = iter(client.ask(commands) if commands else ())
    return {
        question: {number: reply for (number, key), reply in zip(picked, replies) if isinstance(reply, int)}
        for question in questions
    }


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
