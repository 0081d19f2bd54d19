# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis: what keys there are, put together by how they begin, and which of them never expire."""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from .checks import Rule
from .finding import Finding
from .redis_facts import CHECKS, Group, Info, KeySample, Wishes
from .text import bytes_text, number_text
from .threshold import Threshold

NO_PREFIX = "(no prefix)"
OTHERS = "(others)"
MOST_GROUPS = 50

# A part that names one of many: digits, or a long hexadecimal word as of hashes and UUIDs.
_NUMBER = re.compile(r"[0-9a-fA-F-]*[0-9][0-9a-fA-F-]{7,}|\W*[0-9]+\W*|[A-Za-z]{0,3}[0-9]{3,}")
# So does every longer one. Keys may have up to 512 MB, of which neither the expression nor a report should see much.
_LONGEST_PART = 64
_LONGEST_PREFIX = 200


class Seen(NamedTuple):
    """One key of the sample, as ``brief`` makes it; the rest only for the few that were asked for it."""

    key: bytes
    has_ttl: bool
    memory_bytes: Optional[int] = None
    idle_seconds: Optional[int] = None


@CHECKS.check(
    "keys_without_ttl",
    needs=("info", "wishes", "keys"),
    procedure="H08",
    question="Do keys of the cache live for ever?",
    threshold=Threshold(
        "%",
        20,
        floors={"keys": 10000},
        source="ours: a fifth of the keys and at least 10 000; small caches may do what they like",
    ),
)
def keys_without_ttl(rule: Rule, info: Info, wishes: Wishes, keys: Optional[KeySample]) -> Iterator[Finding]:
    advice = (
        "If it is a cache, give them a TTL where they are written, and these ones with redis_keys (state expire, "
        "pattern '{0}')."
    )
    total, lasting = info.keys(wishes.database)
    named = False
    for group in keys.groups if keys is not None else ():
        # Judged against all keys: what is a fifth of the memory of a group of ten does no harm.
        share = 100.0 * group.without_ttl / max(total, 1)
        finding = rule.judge(
            group.pattern,
            share,
            "{0} {1} keys '{2}' have no TTL, {3} % of all {4} keys{5}.".format(
                "About" if keys is not None and not keys.complete else "All told",
                number_text(group.without_ttl),
                group.pattern,
                number_text(round(share, 1)),
                number_text(total),
                ", about {0}".format(bytes_text(group.memory_bytes)) if group.memory_bytes is not None else "",
            ),
            advice.format(group.pattern),
            keys=group.without_ttl,
        )
        if finding.severity != "ok":
            named = True
            yield finding
    if not named:
        share = 100.0 * lasting / max(total, 1)
        yield rule.judge(
            "db{0}".format(wishes.database),
            share,
            "{0} of {1} keys have no TTL ({2} %).".format(
                number_text(lasting), number_text(total), number_text(round(share, 1))
            ),
            advice.format("*"),
            keys=lasting,
        )


@CHECKS.check(
    "big_keys",
    needs=("keys",),
    procedure="H08",
    question="Are there keys so big that whoever reads or deletes one holds up all others?",
    threshold=Threshold(
        "bytes",
        64 * 1024 * 1024,
        source="ours: half a second of a gigabit line; seen among up to 400 keys of the sample",
    ),
)
def big_keys(rule: Rule, keys: Optional[KeySample]) -> Iterator[Finding]:
    for group in keys.groups if keys is not None else ():
        if group.biggest_bytes is not None:
            yield rule.judge(
                group.pattern,
                group.biggest_bytes,
                "The biggest key '{0}' that was looked at takes {1}.".format(
                    group.pattern, bytes_text(group.biggest_bytes)
                ),
                "redis-cli --memkeys finds it. Split it into several, read it in parts, delete it with UNLINK.",
            )


def prefix_of(key: bytes, separator: bytes) -> bytes:
    """How keys like this one begin, as a pattern: ``user:17:cart`` → ``user:*``, ``api:v:x`` → ``api:v:*``."""
    parts = key.split(separator, 2) if separator else [key]
    if len(parts) == 1:
        return NO_PREFIX.encode()
    if len(parts[0]) > _LONGEST_PREFIX:
        return parts[0][:_LONGEST_PREFIX] + b"*"
    if len(parts) == 2 or len(parts[1]) > _LONGEST_PART or _NUMBER.fullmatch(_text(parts[1])):
        return parts[0] + separator + b"*"
    return parts[0] + separator + parts[1] + separator + b"*"


def brief(key: bytes, separator: bytes) -> bytes:
    """Of a key as much as ``prefix_of`` needs: a sample holds thousands of them."""
    parts = key.split(separator, 2) if separator else [key]
    first, second, rest = parts[0][: _LONGEST_PREFIX + 1], parts[1:2], parts[2:]
    return separator.join([first, *(part[: _LONGEST_PART + 1] for part in second), *(b"" for _part in rest)])


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def grouped(seen: Iterable[Seen], separator: bytes, known_total: int, complete: bool) -> Tuple[Group, ...]:
    """Groups with figures for the whole database: counted where the sample was complete, else estimated from it."""
    tallies: Dict[bytes, List[int]] = {}
    count = 0
    for key, has_ttl, memory, idle in seen:
        count += 1
        name = prefix_of(key, separator)
        tally = tallies.setdefault(name, [0, 0, 0, 0, 0, 0, 0])
        tally[0] += 1
        tally[1] += not has_ttl
        if memory is not None:
            tally[2] += 1
            tally[3] += memory
            tally[4] = max(tally[4], memory)
        if idle is not None:
            tally[5] += 1
            tally[6] += idle
    factor = 1.0 if complete or not count else max(1.0, known_total / float(count))
    ordered = sorted(tallies.items(), key=lambda item: (-item[1][0], item[0]))
    if len(ordered) > MOST_GROUPS:
        rest = [sum(column) for column in zip(*(tally for name, tally in ordered[MOST_GROUPS:]))]
        rest[4] = max(tally[4] for name, tally in ordered[MOST_GROUPS:])
        ordered = [*ordered[:MOST_GROUPS], (OTHERS.encode(), rest)]
    return tuple(_group(name, tally, factor) for name, tally in ordered)


def _group(name: bytes, tally: List[int], factor: float) -> Group:
    keys, without_ttl, asked, memory, biggest, timed, idle = tally
    return Group(
        pattern=_text(name),
        keys=round(keys * factor),
        without_ttl=round(without_ttl * factor),
        memory_bytes=round(memory / asked * keys * factor) if asked else None,
        biggest_bytes=biggest if asked else None,
        idle_seconds=round(idle / timed) if timed else None,
    )
