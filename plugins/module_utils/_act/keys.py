# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deletes keys or gives them a TTL, in slices that other clients do not notice.

Every slice is tested and acted on in one go on the server, so a key that got a TTL a moment ago keeps it. A Lua
script does that; where scripting is not allowed, ``WATCH`` and ``MULTI`` do, which is slower and just as safe.
While the server works on one slice, the names of the next one, already asked for, are read.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any, List, Optional, Sequence, Tuple

from .._errors import OpsError, Refused
from .._judge.keys import ABSENT, KeyWork, Pace
from .._observe.redis import Failure, RedisClient

SAMPLE = 20

# All keys are declared. EVAL and not EVALSHA: the server keeps the compiled script either way, and this needs one
# right less and cannot fail because someone flushed the scripts in between.
SCRIPT = b"""
local delete, dry, lasting = ARGV[1] == 'absent', ARGV[2] == '1', ARGV[3] == '1'
local left, show, ttl, jitter = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local kind, idle = ARGV[8], tonumber(ARGV[9])
math.randomseed(tonumber(ARGV[10]))
local call, count, found = redis.call, 0, {0}
for i = 1, #KEYS do
  if count >= left then break end
  local key = KEYS[i]
  local now = call('TTL', key)
  local wanted = now == -1 or (now >= 0 and not lasting and (delete or now > ttl + jitter))
  if wanted and kind ~= '' then wanted = call('TYPE', key).ok == kind end
  if wanted and idle > 0 then wanted = call('OBJECT', 'IDLETIME', key) >= idle end
  if wanted then
    if not dry then
      if delete then
        call('UNLINK', key)
      elseif jitter > 0 then
        call('EXPIRE', key, ttl + math.random(0, jitter))
      else
        call('EXPIRE', key, ttl)
      end
    end
    count = count + 1
    if count <= show then found[count + 1] = i end
  end
end
found[1] = count
return found
"""


@dataclass
class Outcome:
    """``cursor`` is where to go on: everything before it is done. ``stopped`` is empty at the end of the key space."""

    cursor: str = "0"
    matched: int = 0
    changed: int = 0
    sample: List[bytes] = field(default_factory=list)
    stopped: str = ""
    error: Optional[OpsError] = None
    seconds: float = 0.0


def work_through(
    client: RedisClient,
    work: KeyWork,
    pace: Pace,
    cursor: str = "0",
    time_budget: Optional[float] = None,
    dry: bool = False,
) -> Outcome:
    """Walk through all keys from ``cursor`` on. Whatever stops it, the outcome says what has been done."""
    outcome = Outcome(cursor=cursor)
    began = time.monotonic()
    try:
        _walk(client, work, pace, outcome, None if time_budget is None else began + time_budget, dry)
    except KeyboardInterrupt:
        outcome.stopped = "interrupted"
    except OpsError as error:
        outcome.stopped, outcome.error = "error", error
    outcome.seconds = time.monotonic() - began
    return outcome


def _walk(client: RedisClient, work: KeyWork, pace: Pace, outcome: Outcome, end: Optional[float], dry: bool) -> None:
    actor = _actor(client, work, dry)
    client.send([_scan(work, outcome.cursor.encode(), pace)])
    names = _received(client.receive())
    while names is not None:
        following, keys = names
        outcome.matched += len(keys)
        names = None
        slices = [keys[at : at + pace.slice] for at in range(0, len(keys), pace.slice)]
        for number, part in enumerate(slices):
            ahead = number == len(slices) - 1 and following != b"0"
            sent = time.monotonic()
            if ahead:
                client.send([_scan(work, following, pace)])
            if actor.waits and ahead:
                names = _received(client.receive())
            actor.begin(part, _left(work, outcome), max(0, SAMPLE - len(outcome.sample)))
            if not actor.waits and ahead:
                names = _received(client.receive())
            count, shown = actor.finish()
            pace.note(time.monotonic() - sent)
            outcome.changed += count
            outcome.sample += [part[position] for position in shown]
            if _left(work, outcome) <= 0:
                # Keys of this batch may be left, so it is looked at again: what is done no longer matches.
                outcome.stopped = "limit"
                return
        outcome.cursor = following.decode()
        if following == b"0":
            return
        if end is not None and time.monotonic() >= end:
            outcome.stopped = "time_budget"
            return
        if pace.pause:
            time.sleep(pace.pause)
        if names is None:
            client.send([_scan(work, following, pace)])
            names = _received(client.receive())


def _left(work: KeyWork, outcome: Outcome) -> int:
    return 2**31 if work.limit is None else work.limit - outcome.changed


def _scan(work: KeyWork, cursor: bytes, pace: Pace) -> Tuple[Any, ...]:
    command = ("SCAN", cursor, "MATCH", work.pattern.encode("utf-8", "surrogateescape"), "COUNT", pace.slice)
    return (*command, "TYPE", work.type) if work.type else command


def _received(reply: Any) -> Tuple[bytes, List[bytes]]:
    if isinstance(reply, Failure):
        raise _refused(reply, "SCAN", "+scan")
    return reply[0], reply[1]


def _refused(failure: Failure, command: str, rights: str) -> Refused:
    if failure.denied:
        return Refused(
            "The user may not do this: {0}".format(failure.text), "Grant it by ACL SETUSER: {0}".format(rights)
        )
    if failure.text.upper().startswith("READONLY") or "read only replica" in failure.text.lower():
        return Refused("This server is a replica: {0}".format(failure.text), "Give the address of its primary.")
    return Refused("The server refused {0}: {1}".format(command, failure.text), "Look at the server's state and log.")


def _actor(client: RedisClient, work: KeyWork, dry: bool) -> Any:
    reply = client.call("EVAL", "return 1", 0)
    if isinstance(reply, Failure):
        if reply.denied or reply.missing:
            return _Transactions(client, work, dry)
        raise _refused(reply, "EVAL", "+eval")
    return _Script(client, work, dry)


class _Script:
    """One round trip a slice, which the server works on while we do something else."""

    waits = False

    def __init__(self, client: RedisClient, work: KeyWork, dry: bool) -> None:
        self.client = client
        self.before = [work.state, int(dry), int(work.only_without_ttl)]
        self.after = [work.ttl, work.ttl_jitter, work.type, work.idle_seconds]

    def begin(self, keys: Sequence[bytes], left: int, show: int) -> None:
        seed = random.getrandbits(31)
        arguments = [*self.before, left, show, *self.after, seed]
        self.client.send([("EVAL", SCRIPT, len(keys), *keys, *arguments)])

    def finish(self) -> Tuple[int, List[int]]:
        reply = self.client.receive()
        if isinstance(reply, Failure):
            raise _refused(reply, "the script", "+eval +ttl +type +object|idletime +unlink +expire and the keys")
        return reply[0], [position - 1 for position in reply[1:]]


class _Transactions:
    """Without scripting: ``WATCH`` the slice, test it, act in ``MULTI``. Touched meanwhile means tested again."""

    waits = True
    RIGHTS = "+eval, or +watch +unwatch +multi +exec +ttl +type +object|idletime +unlink +expire, and the keys"

    def __init__(self, client: RedisClient, work: KeyWork, dry: bool) -> None:
        self.client, self.work, self.dry = client, work, dry
        self.result: Tuple[int, List[int]] = (0, [])

    def begin(self, keys: Sequence[bytes], left: int, show: int) -> None:
        done = self._act(list(enumerate(keys)), left)
        self.result = len(done), done[:show]

    def finish(self) -> Tuple[int, List[int]]:
        return self.result

    def _act(self, keys: List[Tuple[int, bytes]], left: int) -> List[int]:
        wanted = self._test(keys)[: max(0, left)]
        if self.dry or not wanted:
            self._ask([("UNWATCH",)])
            return [position for position, key in wanted]
        replies = self._ask([("MULTI",), *(self._command(key) for position, key in wanted), ("EXEC",)])
        if replies[-1] is not None:
            return [position for position, key in wanted]
        if len(keys) == 1:
            return []  # in use this very moment: not ours to take
        middle = len(keys) // 2
        first = self._act(keys[:middle], left)
        return first + self._act(keys[middle:], left - len(first))

    def _test(self, keys: List[Tuple[int, bytes]]) -> List[Tuple[int, bytes]]:
        work = self.work
        names = [key for position, key in keys]
        questions = [("TTL", key) for key in names]
        questions += [("TYPE", key) for key in names if work.type]
        questions += [("OBJECT", "IDLETIME", key) for key in names if work.idle_seconds]
        replies = self._ask([("WATCH", *names), *questions])[1:]
        times, replies = replies[: len(names)], replies[len(names) :]
        kinds, idles = (replies[: len(names)], replies[len(names) :]) if work.type else ([], replies)
        longest = work.ttl + work.ttl_jitter
        wanted = []
        for number, key in enumerate(keys):
            now = times[number]
            fits = now == -1 or (now >= 0 and not work.only_without_ttl and (work.state == ABSENT or now > longest))
            if fits and work.type:
                fits = kinds[number] == work.type.encode()
            if fits and work.idle_seconds:
                fits = idles[number] is not None and idles[number] >= work.idle_seconds
            if fits:
                wanted.append(key)
        return wanted

    def _command(self, key: bytes) -> Tuple[Any, ...]:
        if self.work.state == ABSENT:
            return ("UNLINK", key)
        return ("EXPIRE", key, self.work.ttl + random.randint(0, self.work.ttl_jitter))  # noqa: S311

    def _ask(self, commands: List[Tuple[Any, ...]]) -> List[Any]:
        replies = self.client.ask(commands)
        inner = replies[-1] if isinstance(replies[-1], list) else []
        failure = next((reply for reply in [*replies, *inner] if isinstance(reply, (Failure, Exception))), None)
        if failure is not None:
            raise _refused(failure if isinstance(failure, Failure) else Failure(str(failure)), "it", self.RIGHTS)
        return replies
