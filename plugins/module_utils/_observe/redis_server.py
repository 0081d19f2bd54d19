# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Redis or Valkey server says of itself, in a handful of round trips.

The pings are spread over the window, so that waiting for it is not idle: they see stalls that come and go.
"""

from __future__ import annotations

import re
import time
from typing import Any, Callable, Collection, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

from .._judge.checks import Unavailable
from .._judge.finding import INFO, OK
from .._judge.redis_facts import (
    COUNTERS,
    POSITIONS,
    TOTAL,
    Clock,
    Command,
    Denial,
    Info,
    LatencyEvent,
    Pings,
    Rates,
    SlowCommand,
    Wishes,
    finite,
)
from .._judge.redis_settings import NO, YES, is_secret
from .._judge.text import printable, seconds_text
from .redis import Failure, RedisClient, read_info, unavailable
from .redis_keys import sample_keys

# What checks read of the configuration. Of a secret only whether it is set goes further than this file.
SETTINGS = ("save", "bind", "protected-mode", "auto-aof-rewrite-percentage", "auto-aof-rewrite-min-size")
SLOW_ENTRIES = 128
ACL_ENTRIES = 128
_MORE_WORDS = re.compile(rb"\.\.\. \((\d{1,9}) more arguments\)")


class Sampling(NamedTuple):
    """How keys are sampled: at most ``keys`` (0: not at all) in at most ``seconds``."""

    keys: int = 20000
    seconds: float = 2.0
    separator: str = ":"


def observe(
    client: RedisClient,
    needs: Collection[str],
    wishes: Wishes,
    window: float = 1.0,
    latency_samples: int = 20,
    sampling: Sampling = Sampling(),
    previous: Optional[Mapping[str, float]] = None,
) -> Dict[str, Any]:
    """The parts of the snapshot that ``needs`` names; what could not be seen is ``Unavailable``."""
    previous = previous or {}
    snapshot: Dict[str, Any] = {"server": client.login.target, "wishes": wishes}
    first = _info(client)
    snapshot["info"] = first
    if isinstance(first, Info) and first.number("loading"):
        waiting = Unavailable("Not asked: the server is loading its data.", "Look again when it is done.", INFO)
        return {**dict.fromkeys(needs, waiting), **snapshot}
    snapshot.update(_details(client, needs, first, wishes.expected_settings, previous))
    began = time.monotonic()
    compare = _previous_counters(client, first, snapshot["clock"], previous)
    wait = window if isinstance(first, Info) and "rates" in needs and compare is None else 0.0
    snapshot["pings"] = _pings(client, latency_samples if "pings" in needs else 0, wait)
    _sleep_until(began + wait)
    if wait:
        snapshot["info"] = last = _info(client)
        if isinstance(last, Info):
            seconds = time.monotonic() - began
            changes = _changes(first.counters(), last.counters())
            compare = Rates(seconds, "in the last {0}".format(seconds_text(round(seconds, 1))), changes)
    snapshot["rates"] = compare or _no_rates(first)
    if sampling.keys and "keys" in needs:
        snapshot["keys"] = sample_keys(
            client, snapshot["info"], wishes.database, sampling.keys, sampling.seconds, sampling.separator
        )
    else:
        snapshot["keys"] = None
    return snapshot


def _info(client: RedisClient) -> Union[Info, Unavailable]:
    reply, commands = client.ask([("INFO",), ("INFO", "commandstats")])
    if isinstance(reply, Failure):
        return unavailable(client, reply, "INFO", "+info")
    return read_info(reply if isinstance(commands, Failure) else reply + commands)


def _details(
    client: RedisClient,
    needs: Collection[str],
    info: Union[Info, Unavailable],
    declared: Collection[str],
    previous: Mapping[str, float],
) -> Dict[str, Any]:
    """Everything that takes one command each, in one round trip."""
    commands: List[Tuple[str, Tuple[Any, ...]]] = [("time", ("TIME",))]
    if "settings" in needs:
        commands += [("setting " + name, ("CONFIG", "GET", name)) for name in SETTINGS]
    if "declared" in needs:
        commands += [("declared " + name, ("CONFIG", "GET", name)) for name in declared]
    if "commands" in needs:
        commands.append(("commands", ("INFO", "commandstats")))
    if "slow" in needs:
        commands.append(("slow", ("SLOWLOG", "GET", SLOW_ENTRIES)))
    if "events" in needs:
        commands.append(("events", ("LATENCY", "LATEST")))
    if "denials" in needs:
        commands.append(("denials", ("ACL", "LOG", ACL_ENTRIES)))
    clustered = isinstance(info, Info) and info.number("cluster_enabled") == 1
    if "cluster" in needs and clustered:
        commands.append(("cluster", ("CLUSTER", "INFO")))
    replies = dict(zip([name for name, command in commands], client.ask([command for name, command in commands])))

    def part(name: str, command: str, rights: str, read: Callable[[Any], Any]) -> Any:
        reply = replies[name]
        return unavailable(client, reply, command, rights) if isinstance(reply, Failure) else read(reply)

    parts: Dict[str, Any] = {"clock": _clock(replies["time"], info, previous), "cluster": None}
    if "commands" in replies:
        parts["commands"] = part("commands", "INFO", "+info", lambda reply: _commands(read_info(reply)))
    if "slow" in replies:
        parts["slow"] = part("slow", "SLOWLOG GET", "+slowlog|get", lambda reply: tuple(map(_slow, reply)))
    if "events" in replies:
        parts["events"] = part("events", "LATENCY LATEST", "+latency|latest", lambda reply: tuple(map(_event, reply)))
    if "denials" in replies:
        parts["denials"] = part("denials", "ACL LOG", "+acl|log", lambda reply: _denials(client, reply))
    if "cluster" in replies:
        parts["cluster"] = part("cluster", "CLUSTER INFO", "+cluster|info", read_info)
    if "settings" in needs:
        parts["settings"] = _settings(client, {name: replies["setting " + name] for name in SETTINGS})
    if "declared" in needs:
        parts["declared"] = _settings(client, {name: replies["declared " + name] for name in declared})
    return parts


def _clock(reply: Any, info: Union[Info, Unavailable], previous: Mapping[str, float]) -> Clock:
    if not isinstance(reply, Failure):
        now = int(reply[0]) + int(reply[1]) / 1e6
    elif isinstance(info, Info) and info.has("server_time_usec"):
        now = info.number("server_time_usec") / 1e6
    else:
        now = time.time()
    at = previous.get("redis.observed_at")
    number = previous.get("redis.slow.last_number")
    return Clock(
        now=now,
        previous_seconds=now - at if at is not None and now > at else None,
        previous_slow_number=int(number) if number is not None else None,
    )


def _settings(client: RedisClient, replies: Mapping[str, Any]) -> Union[Dict[str, Optional[str]], Unavailable]:
    """``None`` for a setting that this server does not have."""
    settings: Dict[str, Optional[str]] = {}
    for name, reply in replies.items():
        if isinstance(reply, Failure):
            return unavailable(client, reply, "CONFIG GET", "+config|get")
        value = _text(reply[1]) if len(reply) > 1 else None
        settings[name] = (YES if value else NO) if value is not None and is_secret(name) else value
    return settings


def _commands(stats: Info) -> Tuple[Command, ...]:
    """``cmdstat_config|get:calls=3,usec=12,…,rejected_calls=0,failed_calls=0``; the last two since 6.2."""
    commands = []
    for field in stats.fields:
        parts = stats.parts(field)
        if field.startswith("cmdstat_"):
            name = printable(field[len("cmdstat_") :].upper().replace("|", " "), 60)
            errors = finite(parts.get("rejected_calls")) + finite(parts.get("failed_calls"))
            seconds = finite(parts.get("usec")) / 1e6
            commands.append(Command(name, int(finite(parts.get("calls"))), seconds, int(errors)))
    return tuple(commands)


def _slow(entry: List[Any]) -> SlowCommand:
    number, at, microseconds, words = entry[:4]
    count = len(words) - 1
    # The server keeps 32 words and says in the last one how many more there were; so may the last word of a client.
    more = _MORE_WORDS.fullmatch(words[-1]) if len(words) == 32 else None
    if more:
        count = 30 + int(more.group(1))
    return SlowCommand(number, float(at), microseconds / 1e6, printable(_text(words[0]).upper(), 40), count)


def _denials(client: RedisClient, reply: List[List[Any]]) -> Tuple[Denial, ...]:
    denials = []
    for entry in reply:
        words = [_text(word) for word in entry]
        fields = dict(zip(words[::2], words[1::2]))
        user, reason = fields.get("username", ""), fields.get("reason", "")
        # What a narrow monitoring user is denied is its own doing, and reported as such by the check concerned. Client
        # libraries introduce themselves by CLIENT SETINFO and do not mind when they may not.
        own = user == client.login.user and reason != "auth"
        if not own and fields.get("object", "").lower() != "client|setinfo":
            denials.append(Denial(user, reason, int(fields.get("count", 1)), float(fields.get("age-seconds", 0))))
    return tuple(denials)


def _event(entry: List[Any]) -> LatencyEvent:
    return LatencyEvent(_text(entry[0]), float(entry[1]), entry[2] / 1e3, entry[3] / 1e3)


def _pings(client: RedisClient, samples: int, seconds: float) -> Union[Pings, Unavailable]:
    failure = client.ping_failure
    if failure and failure.denied:
        return unavailable(client, failure, "PING", "+ping")
    # A server that cannot save answers PING with an error; ours must not be counted among the clients'.
    command = ("ECHO", "") if failure else ("PING",)
    times: List[float] = []
    began = time.monotonic()
    for number in range(samples):
        _sleep_until(began + seconds * number / samples)
        sent = time.perf_counter()
        client.call(*command)
        times.append(time.perf_counter() - sent)
    if not times:
        return Unavailable("No pings were asked for (latency_samples).", severity=OK)
    return Pings(tuple(sorted(times)))


def _previous_counters(
    client: RedisClient, info: Union[Info, Unavailable], clock: Clock, previous: Mapping[str, float]
) -> Optional[Rates]:
    """Rates since an earlier run. ``None`` where the counters began anew since, or there was no earlier run."""
    seconds = clock.previous_seconds
    if not isinstance(info, Info) or not seconds or info.number("uptime_in_seconds") + 2 < seconds:
        return None
    before = {name: previous[TOTAL + name] for name in COUNTERS if TOTAL + name in previous}
    # Asking for a TTL counts as a hit; the sample of the earlier run came after its counters were read.
    own = {"keyspace_hits": previous.get(TOTAL + "own_lookups", 0.0)}
    if client.ping_failure:
        own.update(total_error_replies=1, write_errors=not client.ping_failure.denied)
    changes = _changes(before, info.counters(), own)
    if min((change for name, change in changes.items() if name not in POSITIONS), default=-1) < 0:
        return None  # CONFIG RESETSTAT
    return Rates(seconds, "in the last {0}".format(seconds_text(round(seconds))), changes)


def _changes(
    before: Mapping[str, float], after: Mapping[str, float], own: Optional[Mapping[str, float]] = None
) -> Dict[str, float]:
    """How far each counter went on, without our ``own`` part in it; negative where it began anew."""
    changes = {name: value - before[name] for name, value in after.items() if name in before}
    for name, ours in (own or {}).items():
        if changes.get(name, 0) > 0:
            changes[name] = max(0.0, changes[name] - ours)
    return changes


def _no_rates(info: Union[Info, Unavailable]) -> Unavailable:
    if isinstance(info, Unavailable):
        return info
    return Unavailable("Not measured: neither a window nor previous measurements were given.", severity=OK)


def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)


def _text(raw: Any) -> str:
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else str(raw)
