# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a DuckDB database file, and the checks about it.

DuckDB is a library: there is no server to ask. What the process that holds a file open does inside, nobody else can
see. So the checks look at the file, at what stands beside it, at that process as the system shows it, and, when nobody
holds the file for writing, at the content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, Optional, Sequence, Tuple

from .checks import Register, Rule
from .finding import CRITICAL, INFO, OK, UNKNOWN, WARNING, Finding
from .text import bytes_text, number_text, printable, seconds_text
from .threshold import Threshold

CHECKS = Register("duckdb")

MB, GB = 1024**2, 1024**3

# What came of opening the file. 'absent' and 'denied' are said by the file system, the others by the library.
OPENED, HELD, DAMAGED, NEWER, LATE, FAILED = "opened", "held", "damaged", "newer", "late", "failed"
ABSENT, DENIED = "absent", "denied"


@dataclass(frozen=True)
class Owner:
    """The process that holds the file for writing. Figures are ``None`` where the system does not show it to us."""

    pid: int
    name: str = ""
    memory_bytes: Optional[int] = None
    threads: Optional[int] = None
    stopped: bool = False

    @property
    def text(self) -> str:
        return "process {0}{1}".format(self.pid, " ({0})".format(printable(self.name, 60)) if self.name else "")


@dataclass(frozen=True)
class Database:
    """One file, at ``now``. Times are seconds since the epoch; ``text`` is what the library or the system said.

    ``damaged`` are tables that could not be read, each with the reason. ``unfinished`` is the number of tables that
    were not reached before the time limit. ``probe_seconds`` is what the probe query took, ``None`` if it did not run.
    """

    path: str
    now: float
    outcome: str
    text: str = ""
    bytes: int = 0
    written_at: float = 0.0
    wal_bytes: int = 0
    wal_written_at: float = 0.0
    temporary_bytes: int = 0
    temporary_files: int = 0
    owner: Optional[Owner] = None
    open_seconds: float = 0.0
    probe_seconds: Optional[float] = None
    probe_error: str = ""
    damaged: Tuple[Tuple[str, str], ...] = ()
    tables: int = 0
    unfinished: int = 0
    free_bytes: int = 0
    storage_version: str = ""

    @property
    def there(self) -> bool:
        return self.outcome not in (ABSENT, DENIED)


@dataclass(frozen=True)
class Limits:
    """What the service was told, and what the host has. ``None``: not said, not known."""

    memory_bytes: Optional[float] = None
    threads: Optional[int] = None
    processors: int = 1
    host_memory_bytes: Optional[float] = None


@CHECKS.check("exists", needs=("databases",), procedure="H09", question="Is the file there, and may we read it?")
def exists(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.outcome == ABSENT:
            advice = "Check the path, and that the volume is mounted; otherwise restore the file from its backup."
            yield rule.say(CRITICAL, one.path, "There is no database file: {0}.".format(one.text), advice)
        elif one.outcome == DENIED:
            advice = "Run the task as the user of the service (become_user), or let this user read the file."
            yield rule.say(UNKNOWN, one.path, "The file cannot be read: {0}.".format(one.text), advice)


_OPENING = {
    DAMAGED: (
        CRITICAL,
        "The file is damaged: {0}",
        "Keep a copy of it and of its .wal file, then restore the newest backup that opens.",
    ),
    NEWER: (
        UNKNOWN,
        "The file was written by another version of DuckDB than the library here can read: {0}",
        "Install the version of duckdb that the service uses for the Python that runs this module.",
    ),
    LATE: (
        WARNING,
        "The file did not open in time: {0}",
        "A large .wal file has to be read first: let the service open it and checkpoint, or raise time_limit.",
    ),
    FAILED: (UNKNOWN, "The file cannot be opened: {0}", "Look at the message; try to open it by hand, read-only."),
}


@CHECKS.check("opens", needs=("databases",), procedure="H09", question="Can the file be opened, read-only?")
def opens(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.outcome == OPENED:
            yield rule.say(OK, one.path, "It opened after {0}.".format(seconds_text(one.open_seconds)))
        elif one.outcome == HELD:
            message = "It is in use: {0} holds it for writing, so that only this process can look inside.".format(
                one.owner.text if one.owner else "another process"
            )
            yield rule.say(INFO, one.path, message, "Ask the service itself for its health (http_health).")
        elif one.outcome in _OPENING:
            severity, message, advice = _OPENING[one.outcome]
            yield rule.say(severity, one.path, message.format(one.text), advice)


@CHECKS.check("owner", needs=("databases",), procedure="H09", question="Does the process that holds the file run?")
def owner(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.owner and one.owner.stopped:
            message = "{0} holds the file but is stopped; nobody can use the database.".format(one.owner.text)
            advice = "Find out who stopped it (a debugger, SIGSTOP, a frozen container), then: kill -CONT {0}".format(
                one.owner.pid
            )
            yield rule.say(CRITICAL, one.path, message[0].upper() + message[1:], advice)


@CHECKS.check("tables", needs=("databases",), procedure="H09", question="Can the tables be read?")
def tables(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        for name, reason in one.damaged:
            yield rule.say(
                CRITICAL,
                "{0}: {1}".format(one.path, printable(name, 120)),
                "The table cannot be read: {0}".format(reason),
                "Save what can be read (COPY … TO), then restore the newest backup whose tables can be read.",
            )
        if one.unfinished:
            message = "{0} of {1} tables were not read within the time limit.".format(one.unfinished, one.tables)
            yield rule.say(UNKNOWN, one.path, message, "Raise time_limit, or ask for less with 'level'.")


@CHECKS.check(
    "probe",
    needs=("databases",),
    procedure="H09",
    question="Is the probe query answered, and soon enough?",
    threshold=Threshold("seconds", 5, 30, source="manual M4: queries over 5 s are slow"),
)
def probe(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.probe_error:
            message = "The probe query failed: {0}".format(one.probe_error)
            yield rule.say(CRITICAL, one.path, message, "Run the query by hand; does the table still exist?")
        elif one.probe_seconds is not None:
            yield rule.judge(
                one.path,
                one.probe_seconds,
                "The probe query took {0}.".format(seconds_text(one.probe_seconds)),
                "Look at the query's plan (EXPLAIN ANALYZE) and at the load of the disk.",
            )


@CHECKS.check(
    "size",
    needs=("databases",),
    procedure="H09",
    question="Is the file within a limit of your own?",
    threshold=Threshold("bytes", source="none: only a limit of your own says what is too large"),
)
def size(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.there:
            message = "The file has {0}.".format(bytes_text(one.bytes))
            yield rule.judge(one.path, one.bytes, message, "Archive old data, or give the service more disk.")


@CHECKS.check(
    "free_blocks",
    needs=("databases",),
    procedure="H09",
    question="Is the file mostly data?",
    threshold=Threshold(
        "%", 50, None, floors={"free_bytes": GB}, source="ours: DuckDB uses free blocks again but never returns them"
    ),
)
def free_blocks(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.outcome == OPENED and one.bytes:
            yield rule.judge(
                one.path,
                100.0 * one.free_bytes / one.bytes,
                "{0} of {1} are free blocks.".format(bytes_text(one.free_bytes), bytes_text(one.bytes)),
                "Copy it into a new file (ATTACH … and COPY FROM DATABASE) while the service is down, and swap them.",
                free_bytes=one.free_bytes,
            )


@CHECKS.check(
    "wal_size",
    needs=("databases",),
    procedure="H09",
    question="Does the write-ahead log stay small?",
    threshold=Threshold("bytes", 256 * MB, GB, source="ours: 16 times the 16 MB at which DuckDB checkpoints by itself"),
)
def wal_size(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.there:
            yield rule.judge(
                one.path,
                one.wal_bytes,
                "The write-ahead log has {0}.".format(bytes_text(one.wal_bytes)),
                "Look in the service for a transaction that stays open, which keeps CHECKPOINT from working.",
            )


@CHECKS.check(
    "checkpoint_age",
    needs=("databases",),
    procedure="H09",
    question="Do changes reach the file itself?",
    threshold=Threshold(
        "seconds", 86400, 7 * 86400, floors={"wal_bytes": MB}, source="ours: manual M4 has a CHECKPOINT every week"
    ),
)
def checkpoint_age(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.there and one.wal_bytes:
            age = max(0.0, one.now - one.written_at)
            yield rule.judge(
                one.path,
                age,
                "{0} of changes wait in the write-ahead log; the file itself was last written {1} ago.".format(
                    bytes_text(one.wal_bytes), seconds_text(round(age))
                ),
                "Run CHECKPOINT in the service: the next start has to read the whole log first.",
                wal_bytes=one.wal_bytes,
            )


@CHECKS.check("wal_leftover", needs=("databases",), procedure="H09", question="Was the file closed properly?")
def wal_leftover(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.outcome == OPENED and one.wal_bytes:
            age = max(0, round(one.now - one.wal_written_at))
            message = "Nobody holds the file, but a write-ahead log of {0} stands beside it, written {1} ago.".format(
                bytes_text(one.wal_bytes), seconds_text(age)
            )
            advice = (
                "Its last writer was killed. Nothing is lost: start the service, which takes the log in. "
                "Never remove or move the .wal file."
            )
            yield rule.say(WARNING, one.path, message, advice)


@CHECKS.check(
    "memory",
    needs=("databases", "limits"),
    procedure="H09",
    question="Does the process that holds the file keep below its memory limit?",
    threshold=Threshold("%", 75, 90, source="manual M4: over 75 % of the limit"),
)
def memory(rule: Rule, databases: Sequence[Database], limits: Limits) -> Iterator[Finding]:
    # Without a setting DuckDB allows itself 80 % of the host's memory.
    default = limits.host_memory_bytes and 0.8 * limits.host_memory_bytes
    limit = limits.memory_bytes or default
    for one in databases:
        used = one.owner.memory_bytes if one.owner else None
        if used is None or not limit or not one.owner:
            continue
        message = "{0} uses {1}, which is {2} % of {3} of {4}.".format(
            one.owner.text[0].upper() + one.owner.text[1:],
            bytes_text(used),
            number_text(round(100.0 * used / limit, 1)),
            "its limit" if limits.memory_bytes else "DuckDB's default limit",
            bytes_text(limit),
        )
        advice = "Look for large queries; lower threads, raise memory_limit, or restart the service in a quiet hour."
        yield rule.judge(one.path, 100.0 * used / limit, message, advice)


@CHECKS.check(
    "threads",
    needs=("limits",),
    procedure="H09",
    question="Are there processors for the threads that the service was given?",
    threshold=Threshold("%", 150, 300, source="DuckDB's default is a thread for each processor; more only compete"),
)
def threads(rule: Rule, limits: Limits) -> Iterator[Finding]:
    if limits.threads:
        yield rule.judge(
            "threads",
            100.0 * limits.threads / limits.processors,
            "The service has {0} threads on {1} processors.".format(limits.threads, limits.processors),
            "Set threads to the number of processors, or less where other services share the host.",
        )


@CHECKS.check(
    "temporary_size",
    needs=("databases",),
    procedure="H09",
    question="Do queries fit into memory?",
    threshold=Threshold("bytes", 10 * GB, 50 * GB, source="ours; DuckDB would take 90 % of the free disk"),
)
def temporary_size(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.there:
            yield rule.judge(
                one.path,
                one.temporary_bytes,
                "{0} temporary files have {1}.".format(one.temporary_files, bytes_text(one.temporary_bytes)),
                "Look for large sorts and joins; raise memory_limit, and set max_temp_directory_size.",
            )


@CHECKS.check("temporary_leftover", needs=("databases",), procedure="H09", question="Are temporary files in use?")
def temporary_leftover(rule: Rule, databases: Sequence[Database]) -> Iterator[Finding]:
    for one in databases:
        if one.outcome == OPENED and one.temporary_files:
            message = "Nobody holds the file for writing, but there are {0} temporary files of {1}.".format(
                one.temporary_files, bytes_text(one.temporary_bytes)
            )
            advice = "A killed process left them. If no other database uses the directory, remove them."
            yield rule.say(INFO, one.path, message, advice)


def measurements(databases: Sequence[Database]) -> Dict[str, float]:
    """``duckdb.NAME.bytes`` and so on, by the file's name without its directory and suffix."""
    found: Dict[str, float] = {}
    for one in databases:
        stem = one.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        prefix = "duckdb.{0}.".format("".join(c if c.isalnum() or c in "_-" else "_" for c in stem))
        found[prefix + "opened"] = int(one.outcome == OPENED)
        found[prefix + "in_use"] = int(one.outcome == HELD)
        if one.there:
            found[prefix + "bytes"] = one.bytes
            found[prefix + "wal_bytes"] = one.wal_bytes
            found[prefix + "temporary_bytes"] = one.temporary_bytes
        if one.outcome == OPENED:
            found[prefix + "tables"] = one.tables
            found[prefix + "free_bytes"] = one.free_bytes
            found[prefix + "open_seconds"] = round(one.open_seconds, 4)
        if one.probe_seconds is not None:
            found[prefix + "probe_seconds"] = round(one.probe_seconds, 4)
        if one.owner and one.owner.memory_bytes is not None:
            found[prefix + "owner_memory_bytes"] = one.owner.memory_bytes
        if one.owner and one.owner.threads is not None:
            found[prefix + "owner_threads"] = one.owner.threads
    return found


_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "tb": 1000**4}
_UNITS.update({"kib": 1024, "mib": 1024**2, "gib": 1024**3, "tib": 1024**4})


def size_of(text: str) -> Optional[float]:
    """``4GB`` as DuckDB reads it (thousands; ``4GiB`` has 1024s), in bytes; ``None`` for what is no size."""
    compact = "".join(text.split()).lower()
    digits = compact.rstrip("abcdefghijklmnopqrstuvwxyz")
    try:
        return float(digits) * _UNITS[compact[len(digits) :]]
    except (KeyError, ValueError):
        return None
