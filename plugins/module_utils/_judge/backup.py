# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of backups: there, young enough, of the usual size, whole, and provably so."""

from __future__ import annotations

from statistics import median
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from .checks import Register, Rule
from .finding import CRITICAL, INFO, UNKNOWN, WARNING, Finding
from .text import bytes_text, seconds_text
from .threshold import Threshold

LEVELS = ("present", "checksum", "structure", "full")

_TAKE_NEW = (
    "Make sure that a newer backup is whole, or take and verify one now. Keep this one for analysis, and check the "
    "storage it lies on."
)


class Backup(NamedTuple):
    """One backup as the file system shows it. ``predecessors``: sizes of older ones of its series, youngest first."""

    path: str
    format: str = "file"
    compression: str = "none"
    size_bytes: int = 0
    age_seconds: float = 0.0
    files: int = 1
    predecessors: Tuple[int, ...] = ()
    newest: bool = True
    unreadable: str = ""


class Place(NamedTuple):
    """One entry of ``path`` and what was found there."""

    given: str
    backups: int
    problem: str = ""
    unfinished: Tuple[str, ...] = ()


class Stored(NamedTuple):
    """A checksum that lies beside a backup. ``problem`` instead of ``expected``: there is one, but not a usable one."""

    file: str
    algorithm: str = ""
    expected: str = ""
    actual: str = ""
    subject: str = ""
    problem: str = ""

    @property
    def differs(self) -> bool:
        return bool(self.expected and self.actual) and self.expected != self.actual


class Flaw(NamedTuple):
    """Something wrong inside a backup: ``kind`` is the name of the check that answers for it."""

    kind: str
    text: str
    advice: str = ""


class Reading(NamedTuple):
    """What reading a backup showed. ``level`` is the level that was really reached.

    ``unprotected_bytes`` of its content were decoded, but carry no checksum of their own; ``unprotected_header_bytes``
    is the same for tables of contents, of which every archive has one.
    """

    backup: Backup
    asked: str = "full"
    required: bool = False
    level: str = "present"
    sha256: str = ""
    stored: Tuple[Stored, ...] = ()
    flaws: Tuple[Flaw, ...] = ()
    unprotected_bytes: int = 0
    unprotected_header_bytes: int = 0

    @property
    def compared(self) -> bool:
        """Whether every byte was compared with a stored checksum, and was right."""
        return any(stored.actual for stored in self.stored) and not any(
            stored.differs or stored.problem for stored in self.stored
        )


CHECKS = Register("backup")


@CHECKS.check("exists", needs=("places",), procedure="H16", question="Is there a backup at every place?")
def exists(rule: Rule, places: Iterable[Place]) -> Iterator[Finding]:
    for place in places:
        if place.problem:
            yield rule.say(
                CRITICAL,
                place.given,
                place.problem,
                "Check the path, then the job that should write there and its log. Take a backup now if there is none.",
            )


@CHECKS.check("unfinished", needs=("places",), procedure="H16", question="Is a backup still being written?")
def unfinished(rule: Rule, places: Iterable[Place]) -> Iterator[Finding]:
    for place in places:
        for path in place.unfinished:
            yield rule.say(
                INFO,
                path,
                "It looks unfinished by its name and was not taken for a backup.",
                "If no backup is running, an earlier run was interrupted; its leftover can be removed.",
            )


@CHECKS.check("readable", needs=("backups",), procedure="B06", question="Can the backup be read at all?")
def readable(rule: Rule, backups: Iterable[Backup]) -> Iterator[Finding]:
    for backup in backups:
        if backup.unreadable:
            yield rule.say(
                UNKNOWN,
                backup.path,
                "It cannot be read: {0}.".format(backup.unreadable),
                "Run the check as a user that may read it (become), or correct the owner and the mode.",
            )


@CHECKS.check(
    "empty",
    needs=("backups",),
    procedure="H16",
    question="Does the backup hold anything?",
    threshold=Threshold("bytes"),
)
def empty(rule: Rule, backups: Iterable[Backup]) -> Iterator[Finding]:
    for backup in backups:
        if backup.size_bytes == 0 and not backup.unreadable:
            yield rule.say(
                CRITICAL,
                backup.path,
                "It is empty.",
                "Look at the log of the job that wrote it and at the free space; take a new backup now.",
                value=0,
            )


@CHECKS.check(
    "age",
    needs=("backups",),
    procedure="H16",
    question="Is the newest backup of each series young enough?",
    threshold=Threshold("seconds", 26 * 3600, 50 * 3600, source="ours: a daily backup with two hours' grace, then two"),
)
def age(rule: Rule, backups: Iterable[Backup]) -> Iterator[Finding]:
    for backup in backups:
        if not backup.newest:
            continue
        if backup.age_seconds < -300:
            yield rule.say(
                UNKNOWN,
                backup.path,
                "It was modified {0} in the future.".format(seconds_text(-backup.age_seconds)),
                "Check the clocks of this host and of the one that wrote it.",
                value=backup.age_seconds,
            )
            continue
        seconds = max(backup.age_seconds, 0.0)
        yield rule.judge(
            backup.path,
            seconds,
            "The newest backup of its series is {0} old.".format(seconds_text(seconds)),
            "Check that the backup job runs and succeeds; take a backup now if the data may not be lost.",
        )


@CHECKS.check(
    "size",
    needs=("backups",),
    procedure="H16",
    question="Is the newest backup of each series as large as the median of those before it?",
    threshold=Threshold(
        "%",
        75,
        40,
        higher_is_worse=False,
        source="ours: a database rarely loses a quarter in a day; the field compares with 90 % of the last one",
    ),
)
def size(rule: Rule, backups: Iterable[Backup]) -> Iterator[Finding]:
    for backup in backups:
        usual = median(backup.predecessors) if backup.predecessors else 0
        if not backup.newest or backup.size_bytes == 0 or usual <= 0:
            continue
        yield rule.judge(
            backup.path,
            100.0 * backup.size_bytes / usual,
            "It has {0}; the {1} before it had {2} in the median.".format(
                bytes_text(backup.size_bytes), len(backup.predecessors), bytes_text(usual)
            ),
            "If no data was removed, something is missing: compare the tables of contents of both.",
        )


@CHECKS.check("checksum", needs=("readings",), procedure="B06", question="Does it match its stored checksum?")
def checksum(rule: Rule, readings: Iterable[Reading]) -> Iterator[Finding]:
    for reading in readings:
        yield from _checksum_findings(rule, reading)


def _checksum_findings(rule: Rule, reading: Reading) -> Iterator[Finding]:
    for stored in reading.stored:
        what = stored.subject or "It"
        if stored.differs:
            text = "{0} does not match the {1} in {2}: {3}… is stored, {4}… was read."
            text = text.format(what, stored.algorithm, stored.file, stored.expected[:12], stored.actual[:12])
            yield rule.say(CRITICAL, reading.backup.path, text, _TAKE_NEW)
        elif stored.problem:
            advice = "Write the checksum anew, but only if the backup is known to be good."
            yield rule.say(UNKNOWN, reading.backup.path, stored.problem, advice)
    if reading.stored or reading.backup.unreadable or reading.backup.format == "base_backup":
        return  # a base backup has its manifest
    if not (reading.required or reading.asked == "checksum"):
        return
    yield rule.say(
        WARNING if reading.required else UNKNOWN,
        reading.backup.path,
        "No checksum is stored beside it, so nothing could be compared.",
        "Write one when the backup is made (backup_create does), or use level full.",
    )


def _flaws(rule: Rule, readings: Iterable[Reading], severity: str, advice: str) -> Iterator[Finding]:
    for reading in readings:
        for flaw in reading.flaws:
            if "{0}.{1}".format(CHECKS.prefix, flaw.kind) == rule.check:
                yield rule.say(severity, reading.backup.path, flaw.text, flaw.advice or advice)


@CHECKS.check("structure", needs=("readings",), procedure="B06", question="Are header and table of contents sound?")
def structure(rule: Rule, readings: Iterable[Reading]) -> Iterator[Finding]:
    return _flaws(rule, readings, CRITICAL, _TAKE_NEW)


@CHECKS.check("complete", needs=("readings",), procedure="B06", question="Is it there to its end, with all its parts?")
def complete(rule: Rule, readings: Iterable[Reading]) -> Iterator[Finding]:
    return _flaws(rule, readings, CRITICAL, "It was cut off, or copied in part. " + _TAKE_NEW)


@CHECKS.check("content", needs=("readings",), procedure="B06", question="Can every block of it be decoded?")
def content(rule: Rule, readings: Iterable[Reading]) -> Iterator[Finding]:
    return _flaws(rule, readings, CRITICAL, _TAKE_NEW)


@CHECKS.check("trailing", needs=("readings",), procedure="B06", question="Does it end where it should?")
def trailing(rule: Rule, readings: Iterable[Reading]) -> Iterator[Finding]:
    advice = (
        "Find out what wrote them: two jobs with one file name, or a copy over a longer file. A restore may stop there."
    )
    return _flaws(rule, readings, WARNING, advice)


@CHECKS.check("changed", needs=("readings",), procedure="B06", question="Did it stay the same while it was read?")
def changed(rule: Rule, readings: Iterable[Reading]) -> Iterator[Finding]:
    advice = "Verify it again when the job has ended; let the job write under another name and rename at the end."
    return _flaws(rule, readings, WARNING, advice)


@CHECKS.check("level", needs=("readings",), procedure="B06", question="Could it be looked at as closely as asked?")
def level(rule: Rule, readings: Iterable[Reading]) -> Iterator[Finding]:
    return _flaws(rule, readings, UNKNOWN, "Restore it into a throw-away instance to know more.")


@CHECKS.check(
    "provable",
    needs=("readings",),
    procedure="B06",
    question="Would a flipped bit have been seen?",
    threshold=Threshold("bytes"),
)
def provable(rule: Rule, readings: Iterable[Reading]) -> Iterator[Finding]:
    """Decoding proves nothing about bytes without a checksum: of 60 flipped bits in a dump that ``pg_dump`` had
    compressed with lz4, 56 decoded without an error, and 44 of 60 with zstd. Tables of contents are never protected,
    but they are small; content without protection is worth a warning.
    """
    for reading in readings:
        if reading.level != "full" or reading.compared or any(stored.differs for stored in reading.stored):
            continue
        if reading.unprotected_bytes:
            yield rule.say(
                WARNING,
                reading.backup.path,
                "{0} of its content carry no checksum, so decoding cannot see a changed byte there.".format(
                    bytes_text(reading.unprotected_bytes)
                ),
                "Store a checksum beside the next backup when it is made (backup_create does), or compress with gzip.",
                value=reading.unprotected_bytes,
            )
        elif reading.unprotected_header_bytes:
            yield rule.say(
                INFO,
                reading.backup.path,
                "All data is proven, but not the {0} of its table of contents: they carry no checksum.".format(
                    bytes_text(reading.unprotected_header_bytes)
                ),
                "Store a checksum beside the next backup when it is made (backup_create does).",
                value=reading.unprotected_header_bytes,
            )


def measurements(backups: List[Backup], readings: List[Reading]) -> Dict[str, float]:
    """Flat figures of one run, to be kept and compared."""
    figures = {"backup.count": len(backups), "backup.size_bytes": sum(backup.size_bytes for backup in backups)}
    newest: Optional[Backup] = min(backups, key=lambda backup: backup.age_seconds, default=None)
    if newest is not None:
        figures["backup.newest_age_seconds"] = round(newest.age_seconds, 1)
        figures["backup.newest_size_bytes"] = newest.size_bytes
    figures["backup.damaged"] = sum(1 for reading in readings if _is_damaged(reading))
    return figures


def _is_damaged(reading: Reading) -> bool:
    kinds = {flaw.kind for flaw in reading.flaws}
    return bool(kinds & {"structure", "complete", "content"}) or any(stored.differs for stored in reading.stored)
