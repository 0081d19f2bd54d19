# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a disk that fills up: how full it is, what can go, what holds space that nobody here may take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .disk_cleanup import KINDS, Removable
from .finding import INFO, UNKNOWN, WARNING, Finding
from .host import CHECKS as HOST
from .host_facts import FileSystem
from .plan import Step
from .postgres_words import many
from .text import bytes_text, printable

TARGET = "disks"
SPACE, INODES, ANSWERS = "disk.space", "disk.inodes", "disk.answers"
REMOVABLE, NOT_REMOVED, NOT_SEEN = "disk.removable", "disk.not_removed", "disk.not_seen"
HELD_OPEN, WAL = "disk.held_open", "disk.wal"
NAMES = (ANSWERS, SPACE, INODES, REMOVABLE, NOT_REMOVED, NOT_SEEN, HELD_OPEN, WAL)
_OF_HOST = {"host.disk_answers": ANSWERS, "host.disk_space": SPACE, "host.inodes": INODES}

LEAST_HELD_BYTES = 1024.0**2  # every machine has some deleted files open; smaller ones fill no disk
_HELP = "Run it as root (--become), or name what is there."


@dataclass(frozen=True)
class Holder:
    """A process that holds deleted files open, and how many others hold the same."""

    pid: int
    name: str
    size: int
    paths: Tuple[str, ...]
    others: int = 0


@dataclass(frozen=True)
class Wal:
    """What a server keeps of its log. ``waiting`` segments are not archived yet; ``slots`` by their names alone."""

    directory: str
    size: int = 0
    waiting: int = 0
    slots: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why of one kind something is still there. ``count`` files, of which ``path`` is the first."""

    kind: str
    why: str
    count: int = 0
    path: str = ""

    @property
    def text(self) -> str:
        if not self.count:
            return self.why
        return "{0} could not be removed; {1}: {2}".format(many(self.count, "file"), self.path, self.why)


def of_host(disks: Sequence[FileSystem], thresholds: Mapping[str, Any]) -> List[Finding]:
    """As the daily look judges them, by the same limits."""
    names = [name.partition(".")[2] for name in _OF_HOST]
    found = HOST.select(names, (), thresholds).findings({"disks": disks}, TARGET)
    return [replace(finding, check=_OF_HOST[finding.check]) for finding in found]


def removable(left: Sequence[Removable], inventory_name: str) -> Iterator[Finding]:
    if not left:
        return
    size = sum(one.size for one in left)
    yield Finding(
        REMOVABLE,
        TARGET,
        INFO,
        "{0} can be freed: {1}.".format(bytes_text(size), _by_kind(left)),
        size,
        "bytes",
        advice="See it with --check first, and name only what may go: {0}".format(command(left, inventory_name)),
    )


def command(left: Sequence[Removable], inventory_name: str) -> str:
    limit = " --limit {0}".format(inventory_name) if inventory_name else ""
    kinds = ",".join(one.kind for one in left)
    return "ansible-playbook analytics.ops.disk_critical{0} -e disk_cleanup_confirm={1}".format(limit, kinds)


def held_open(holders: Iterable[Holder]) -> Iterator[Finding]:
    for holder in sorted(holders, key=lambda one: (-one.size, one.pid)):
        if holder.size < LEAST_HELD_BYTES:
            continue
        others = " and {0}".format(many(holder.others, "more process", "more processes")) if holder.others else ""
        yield Finding(
            HELD_OPEN,
            "{0} (PID {1})".format(holder.name, holder.pid),
            INFO,
            "{0} (PID {1}){2} holds {3} open, {4}: {5}.".format(
                printable(holder.name, 60),
                holder.pid,
                others,
                many(len(holder.paths), "deleted file"),
                bytes_text(holder.size),
                printable(", ".join(holder.paths[:3]), 200),
            ),
            holder.size,
            "bytes",
            advice="The space comes back when it closes them: restart or reload its service, which is named by: "
            "systemctl status {0}".format(holder.pid),
        )


def wal(seen: Optional[Wal], limit: float) -> Iterator[Finding]:
    if seen is None or seen.size < limit:
        return
    slots = "no replication slot" if not seen.slots else "replication slots: {0}".format(", ".join(seen.slots[:10]))
    yield Finding(
        WAL,
        seen.directory,
        WARNING,
        "{0} holds {1} of WAL; {2} for archiving; {3}.".format(
            printable(seen.directory),
            bytes_text(seen.size),
            many(seen.waiting, "segment waits", "segments wait"),
            slots,
        ),
        seen.size,
        "bytes",
        limit,
        advice="Never remove a file there. A slot that is not active keeps it back: SELECT slot_name, active, "
        "restart_lsn FROM pg_replication_slots; drop the one that nobody needs. Archiving that fails does, too: "
        "SELECT last_failed_wal, last_failed_time FROM pg_stat_archiver; mend it.",
    )


def not_removed(failures: Iterable[Failure]) -> Iterator[Finding]:
    for failure in failures:
        advice = "Look at it by hand; what could be freed beside it was."
        yield Finding(NOT_REMOVED, failure.kind, WARNING, failure.text, failure.count or None, advice=advice)


def not_seen(hidden: Mapping[str, str]) -> Iterator[Finding]:
    for subject, why in sorted(hidden.items()):
        yield Finding(NOT_SEEN, subject, UNKNOWN, why, advice=_HELP)


def measurements(
    disks: Sequence[FileSystem], found: Sequence[Removable], holders: Sequence[Holder], seen: Optional[Wal]
) -> Dict[str, float]:
    figures: Dict[str, float] = {"disk.removable.{0}_bytes".format(kind): 0 for kind in KINDS}
    figures.update(("disk.removable.{0}_bytes".format(one.kind), one.size) for one in found)
    figures["disk.held_open_bytes"] = sum(holder.size for holder in holders)
    if seen is not None:
        figures["disk.wal_bytes"] = seen.size
    for disk in disks:
        if disk.measured:
            figures["disk.{0}.used_percent".format(disk.mount)] = round(disk.used_percent, 6)
            figures["disk.{0}.free_bytes".format(disk.mount)] = disk.free
    return figures


def table(before: Sequence[FileSystem], after: Sequence[FileSystem]) -> List[Dict[str, Any]]:
    """Every file system that answers, as it is now. What others wrote meanwhile makes ``freed_bytes`` smaller."""
    used = {disk.mount: disk.used for disk in before if disk.measured}
    return [
        {
            "mount": printable(disk.mount),
            "device": printable(disk.device),
            "size_bytes": disk.size,
            "used_bytes": disk.used,
            "free_bytes": disk.free,
            "used_percent": round(disk.used_percent, 2),
            "inodes": disk.inodes,
            "inodes_free": disk.inodes_free,
            "freed_bytes": used.get(disk.mount, disk.used) - disk.used,
        }
        for disk in after
        if disk.measured
    ]


def told(left: Sequence[Removable], plan: Sequence[Step], done: Sequence[Step], check_mode: bool) -> str:
    """One line for whoever has no report."""
    rest = "{0} can be freed ({1})".format(bytes_text(sum(one.size for one in left)), _by_kind(left))
    rest = rest if left else "Nothing can be freed"
    if not plan:
        return rest + "."
    if check_mode:
        would = sum(step.details["size_bytes_before"] for step in plan)
        return "{0} would be freed, at most.".format(bytes_text(would))
    freed = sum(step.details["size_bytes_before"] - step.details["size_bytes_after"] for step in done)
    return "{0} freed. {1} now.".format(bytes_text(freed), rest)


def _by_kind(left: Sequence[Removable]) -> str:
    return ", ".join("{0} {1}".format(one.kind, bytes_text(one.size)) for one in left)
