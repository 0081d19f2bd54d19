# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last known good: how it is kept, and what differs from it.

A secret is kept as HMAC-SHA-256 of its name and value, made with a random key that lies beside the baseline. So a
change of it is seen and the value is not. Whoever has both files can try out short passwords: they are for root alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .lock import seconds_of, time_text
from .plan import Step
from .secrets import MASK
from .settings_facts import File, Rights, Setting, mode_text
from .shell_patterns import matches_any
from .text import printable

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
VERSION = 1


class Damaged(Exception):
    """The baseline cannot be used; says why."""


class Kept(NamedTuple):
    """One recorded setting: its raw values, or digests of them where ``secret``."""

    values: Tuple[str, ...]
    secret: bool


class Record(NamedTuple):
    """One recorded file; ``pattern`` is the path or pattern that it was found by."""

    pattern: str
    rights: Rights
    target: str
    settings: Mapping[str, Kept]


@dataclass(frozen=True)
class Baseline:
    """``recorded_at`` in seconds since 1970. ``patterns`` are the paths and patterns that the files were found by."""

    recorded_at: float
    recorded_by: str
    host: str
    patterns: Tuple[str, ...] = ()
    files: Mapping[str, Record] = field(default_factory=dict)


class Change(NamedTuple):
    """``before`` and ``after`` may be shown: secrets are masked in them."""

    name: str
    kind: str
    before: str
    after: str
    secret: bool


def digest(key: bytes, name: str, value: str) -> str:
    text = "{0}\0{1}".format(name, value).encode("utf-8", "backslashreplace")
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def record_of(file: File, key: bytes) -> Record:
    settings = {
        one.name: Kept(tuple(digest(key, one.name, raw) for raw in one.raws) if one.secret else one.raws, one.secret)
        for one in file.kept
    }
    return Record(file.wish.path, file.rights, file.target, settings)


def records_of(files: Iterable[File], key: bytes) -> Dict[str, Record]:
    return {file.path: record_of(file, key) for file in files if file.read}


def to_json(baseline: Baseline, key: bytes) -> str:
    content = {
        "version": VERSION,
        "recorded_at": time_text(baseline.recorded_at),
        "recorded_by": baseline.recorded_by,
        "host": baseline.host,
        "patterns": list(baseline.patterns),
        "files": {
            path: {
                "pattern": record.pattern,
                "owner": record.rights.owner,
                "group": record.rights.group,
                "mode": mode_text(record.rights.mode),
                "target": record.target,
                "settings": [
                    {"name": name, "secret" if kept.secret else "values": list(kept.values)}
                    for name, kept in record.settings.items()
                ],
            }
            for path, record in baseline.files.items()
        },
    }
    content["seal"] = _seal(content, key)
    return json.dumps(content, indent=1) + "\n"


def from_json(text: bytes, key: bytes) -> Baseline:
    """Raises ``Damaged`` for everything that ``to_json`` did not write with this key."""
    try:
        content = json.loads(text)
        seal = content.pop("seal")
        if content["version"] != VERSION:
            raise Damaged("it was written by another version of this collection")
        if not hmac.compare_digest(str(seal).encode(), _seal(content, key).encode()):
            raise Damaged("it was changed after it had been recorded, or its key was")
        return Baseline(
            seconds_of(content["recorded_at"]),
            content["recorded_by"],
            content["host"],
            tuple(content["patterns"]),
            {path: _record(given) for path, given in content["files"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Damaged("its file is damaged")


def _record(given: Mapping[str, Any]) -> Record:
    settings = {
        one["name"]: Kept(tuple(one["secret"] if "secret" in one else one["values"]), "secret" in one)
        for one in given["settings"]
    }
    rights = Rights(given["owner"], given["group"], int(given["mode"], 8))
    return Record(given["pattern"], rights, given["target"], settings)


def _seal(content: Mapping[str, Any], key: bytes) -> str:
    return hmac.new(key, json.dumps(content, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def changes(recorded: Record, file: File, key: bytes) -> List[Change]:
    """In the order of the file; what is gone stands at the end. Names that are ignored now are not compared."""
    now = {one.name: one for one in file.kept}
    found: List[Optional[Change]] = []
    if recorded.target != file.target:
        before, after = (place or "the file itself" for place in (recorded.target, file.target))
        found.append(Change("(link)", CHANGED, before, after, False))
    found += [_compared(recorded.settings.get(name), one, key) for name, one in now.items()]
    for name, kept in recorded.settings.items():
        if name not in now and not matches_any(name, file.wish.ignore):
            secret = kept.secret or matches_any(name, file.wish.masked)
            found.append(Change(name, REMOVED, MASK if secret else _joined(kept.values), "", secret))
    return [change for change in found if change]


def _compared(kept: Optional[Kept], one: Setting, key: bytes) -> Optional[Change]:
    secret = one.secret or (kept is not None and kept.secret)
    if kept is None:
        return Change(one.name, ADDED, "", MASK if secret else _joined(one.raws), secret)
    now = tuple(digest(key, one.name, raw) for raw in one.raws) if kept.secret else one.raws
    if now == kept.values:
        return None
    if secret:
        return Change(one.name, CHANGED, MASK, MASK, True)
    if sorted(now) == sorted(kept.values):
        return Change(one.name, CHANGED, "", "the same values in another order", False)
    before, after = _difference(kept.values, now)
    return Change(one.name, CHANGED, _joined(before), _joined(after), False)


def _difference(before: Sequence[str], after: Sequence[str]) -> Tuple[List[str], List[str]]:
    """Of a name that comes many times, only the values that went and those that came."""
    gone, new = Counter(before) - Counter(after), Counter(after) - Counter(before)
    return list(gone.elements()), list(new.elements())


def _joined(values: Iterable[str]) -> str:
    return " | ".join(values)


def lines(recorded: Optional[Record], file: Optional[File], found: Sequence[Change]) -> Tuple[List[str], List[str]]:
    """The settings before and now as lines that may be shown. Of a masked value that changed it is said that it did:
    there would be no difference to see."""
    now = file.kept if file else []
    hidden = {change.name for change in found if change.secret} | {one.name for one in now if one.secret}
    hidden |= {name for name, kept in recorded.settings.items() if kept.secret} if recorded else set()
    changed = {change.name for change in found if change.kind == CHANGED}
    before = [_line(name, kept.values, name in hidden) for name, kept in recorded.settings.items()] if recorded else []
    after = [
        _line(one.name, one.raws, one.name in hidden) + (" (changed)" if one.name in hidden & changed else "")
        for one in now
    ]
    return before, after


def _line(name: str, values: Iterable[str], hidden: bool) -> str:
    return printable("{0} = {1}".format(name, MASK if hidden else _joined(values)))


def changes_of_new(file: File) -> List[Change]:
    """Of a file that was not there when its pattern was recorded: all of it."""
    return changes(Record("", file.rights, file.target, {}), file, b"")


def plan_to_record(
    recorded: Optional[Baseline], key: bytes, files: Sequence[File], patterns: Sequence[str], why: str
) -> List[Step]:
    """What recording these files would change in the baseline; nothing when it holds exactly them.

    ``key`` is the one that ``recorded`` was made with; ``why`` tells for what reason there is none to build on.
    """
    present = [file for file in files if file.read]
    if recorded is None:
        return [Step("record", file.path, "{0} settings. {1}".format(len(file.kept), why)) for file in present]
    steps = []
    for file in present:
        before = recorded.files.get(file.path)
        if before is None:
            steps.append(Step("record", file.path, "{0} settings, not recorded before.".format(len(file.kept))))
        elif before != record_of(file, key):
            steps.append(Step("record", file.path, _reason(before, file, key)))
    paths = {file.path for file in present}
    steps += [
        Step("forget", path, "It is gone, or no longer looked at.") for path in recorded.files if path not in paths
    ]
    if not steps and tuple(recorded.patterns) != tuple(patterns):
        steps.append(Step("record", ", ".join(patterns), "Other paths or patterns than before."))
    return steps


def _reason(before: Record, file: File, key: bytes) -> str:
    found = changes(before, file, key)
    if found:
        return "{0} of its settings changed.".format(len(found))
    if (before.rights, before.pattern) != (file.rights, file.wish.path):
        return "Its owner, mode or pattern changed."
    return "What is ignored or masked in it changed."
