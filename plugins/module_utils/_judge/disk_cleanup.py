# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be removed from a disk that fills up: which files, below which directories, and what never."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from .._errors import InputError
from .log_files import file_name
from .plan import Step
from .postgres_words import many
from .text import printable

ROTATED_LOGS, OLD_EXPORTS = "rotated_logs", "old_exports"
PACKAGE_CACHE, JOURNAL, DANGLING_IMAGES = "package_cache", "journal", "dangling_images"
FILES = (ROTATED_LOGS, OLD_EXPORTS)
KINDS = (*FILES, PACKAGE_CACHE, JOURNAL, DANGLING_IMAGES)
FREE = "free"

DATA_DIRECTORY = "PG_VERSION"
NAMED_PATHS = 200

# Data of PostgreSQL (also WAL of an archive), Redis and DuckDB, whatever became of the name since.
_DATA = re.compile(
    r"[0-9A-F]{24}(?:\..*)?|[0-9A-F]{8}\.history|PG_VERSION|pg_control|pg_filenode\.map|"
    r"\d+(?:_[a-z]+)?(?:\.\d+)?|.*\.(?:rdb|aof|duckdb|ddb|wal)(?:[.-].*)?|"
    r"appendonly.*",
    re.IGNORECASE | re.DOTALL,
)
_DATA_DIRECTORY = re.compile(r"pg_wal|pg_xlog|archive_status|PG_\d+_\d+|appendonly.*", re.IGNORECASE | re.DOTALL)
_HEADS = ((0, b"REDIS"), (0, b"VALKEY"), (0, b"SQLite format 3\0"), (8, b"DUCK"))
HEAD_BYTES = 16

# What lies in a directory for logs but was not made by rotation, or is evidence. MySQL's binary logs have six digits:
# no rotated name.
_NO_LOG = re.compile(r"dump|backup|audit|\.(?:sql|tar|tgz|zip|cpio|iso|img|db|sqlite3?)(?![a-z])", re.IGNORECASE)
_LOG = re.compile(r"\.(?:log|out|err)(?![a-z])", re.IGNORECASE)

_SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "sys", "usr")
_SHARED = ("home", "media", "mnt", "opt", "root", "run", "snap", "srv", "tmp", "var")
_SHARED += ("var/backups", "var/cache", "var/lib", "var/log", "var/mail", "var/opt", "var/run", "var/spool", "var/tmp")
_LOGS = ("var/log",)


@dataclass(frozen=True)
class OldFile:
    """``size`` is what the disk gives back. ``identity``: device, inode and time, so that no other file is taken.

    ``certain``: the kernel itself has said that nobody has it open.
    """

    root: str
    path: str
    size: int
    identity: Tuple[int, int, int]
    certain: bool = True


@dataclass(frozen=True)
class Removable:
    """What of one kind can go. Of what is no file of ours to remove, only the bytes are known, at most."""

    kind: str
    size: int
    reason: str
    files: Tuple[OldFile, ...] = ()

    def as_dict(self) -> Dict[str, object]:
        named = [printable(file.path) for file in self.files[:NAMED_PATHS]]
        return {
            "kind": self.kind,
            "size_bytes": self.size,
            "reason": self.reason,
            "files": len(self.files),
            "paths": named,
        }


def demand_harmless(option: str, directory: str) -> None:
    """``directory`` is resolved. One clear error for what holds a system, or everybody's files."""
    parts = [part for part in directory.split("/") if part]
    first, whole = parts[:1], "/".join(parts)
    home = len(parts) == 2 and first == ["home"]
    shared = whole in _SHARED and not (option == "log_directories" and whole in _LOGS)
    if not parts or first[0] in _SYSTEM or shared or home:
        raise InputError(
            "{0}: {1} holds more than what may go.".format(option, printable(directory)),
            "Name the directory below it that holds nothing else.",
        )
    data = [part for part in parts if _DATA_DIRECTORY.fullmatch(part)]
    if data:
        raise data_refused(option, directory, data[0])


def data_refused(option: str, directory: str, why: str) -> InputError:
    return InputError(
        "{0}: {1} belongs to the data of a server ({2}).".format(option, printable(directory), printable(why)),
        "Nothing there is ever removed; name another directory.",
    )


def above(directory: str) -> List[str]:
    """Itself, and all directories above it."""
    found = [directory]
    while found[-1] != os.path.dirname(found[-1]):
        found.append(os.path.dirname(found[-1]))
    return found


def may_enter(name: str, inside: Sequence[str]) -> bool:
    """``inside`` are the names of its files. Data directories below a declared one are passed over."""
    return not _DATA_DIRECTORY.fullmatch(name) and DATA_DIRECTORY not in inside


def is_data(name: str, head: bytes = b"") -> bool:
    marked = any(head[place : place + len(mark)] == mark for place, mark in _HEADS)
    return marked or _DATA.fullmatch(name) is not None


def rotated(times: Mapping[str, float], before: float) -> List[str]:
    """Of the files of one directory, with the times of their last change, those that rotation left long ago.

    A log that is written under a name with a date is live while it is the newest: unless the log that it was made
    from lies beside it, the newest that is not compressed stays, however old it is.
    """
    found: List[str] = []
    plain: Dict[str, List[str]] = {}
    for name in times:
        log = file_name(name)
        numbered = log.base != _unpacked(name)
        if not log.rotated or _NO_LOG.search(name) or is_data(name) or not (numbered or _LOG.search(name)):
            continue
        if log.compression or log.base in times:
            found.append(name)
        else:
            plain.setdefault(log.base, []).append(name)
    for names in plain.values():
        found += sorted(names, key=lambda name: (times[name], name))[:-1]
    return sorted(name for name in found if times[name] < before)


def _unpacked(name: str) -> str:
    """Without the ending of a compressed file."""
    return os.path.splitext(name)[0] if file_name(name).compression else name


def old(times: Mapping[str, float], before: float) -> List[str]:
    return sorted(name for name in times if times[name] < before and not is_data(name))


def not_held(files: Sequence[OldFile], held: FrozenSet[Tuple[int, int]], all_seen: bool) -> Tuple[OldFile, ...]:
    """Each once, without those that a process has open, or may have, the largest first.

    ``all_seen``: every process could be looked into, so that what is not in ``held`` is open nowhere.
    """
    known = [file for file in files if file.identity[:2] not in held and (file.certain or all_seen)]
    once = {file.identity[:2]: file for file in reversed(known)}
    return tuple(sorted(once.values(), key=lambda file: (-file.size, file.path)))


def files_of(kind: str, files: Sequence[OldFile], days: int) -> Optional[Removable]:
    if not files:
        return None
    roots = ", ".join(sorted({file.root for file in files}))
    reason = "{0} in {1}, older than {2}.".format(many(len(files), "file"), roots, many(days, "day"))
    return Removable(kind, sum(file.size for file in files), reason, tuple(files))


def ranked(found: Sequence[Optional[Removable]]) -> List[Removable]:
    """The largest first; what would free nothing is left out."""
    return sorted((one for one in found if one and one.size > 0), key=lambda one: (-one.size, one.kind))


def plan_of(found: Sequence[Removable], confirmed: Sequence[str]) -> List[Step]:
    return [
        Step(FREE, one.kind, one.reason, {"size_bytes_before": one.size, "files": len(one.files)})
        for one in found
        if one.kind in confirmed
    ]


def outcome(plan: Sequence[Step], left: Sequence[Removable]) -> Tuple[List[Step], List[Step]]:
    """What of the plan was done, and what freed nothing, judged by what is there afterwards."""
    sizes = {one.kind: one.size for one in left}
    tried = [step.with_details(size_bytes_after=sizes.get(step.subject, 0)) for step in plan]
    done = [step for step in tried if step.details["size_bytes_after"] < step.details["size_bytes_before"]]
    return done, [step for step, told in zip(plan, tried) if told not in done]


_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]?)i?B?\b", re.IGNORECASE)


def size_of(text: str, unit: int) -> Optional[int]:
    """``1.2G``, ``34.5MB``: the first size in what a program wrote for people; its units are powers of ``unit``."""
    found = _SIZE.search(text)
    return int(float(found.group(1)) * unit ** _UNITS[found.group(2).upper()]) if found else None
