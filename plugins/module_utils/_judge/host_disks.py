# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File systems: whether they answer, can be written, are sound, and have room now and for some time yet."""

from __future__ import annotations

from typing import Iterator, List, Optional, Sequence, Tuple

from .checks import Rule
from .finding import CRITICAL, OK, UNKNOWN, WARNING, Finding
from .host_facts import CHECKS, DENIED, FAILS, LASTING_SECONDS, MISSING, SILENT, FileSystem, percent_text
from .interval import Interval
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

GIB, HOUR = 1024.0**3, 3600.0

# A rate seen for an hour is believed for a day; one seen for five minutes, for two hours.
BELIEVED_TIMES = 24.0


def _what(disk: FileSystem) -> str:
    return "{0} ({1} on {2})".format(disk.mount, disk.kind, disk.device)


def _fillable(disks: Sequence[FileSystem]) -> List[FileSystem]:
    """What is mounted read-only does not fill up; an image is always 100 % full."""
    return [disk for disk in disks if disk.measured and not disk.read_only]


@CHECKS.check(
    "disk_answers",
    needs=("disks",),
    procedure="H10",
    question="Is every file system there, and does it answer?",
)
def disk_answers(rule: Rule, disks: Sequence[FileSystem]) -> Iterator[Finding]:
    for disk in disks:
        if disk.state == SILENT:
            yield rule.say(
                CRITICAL,
                disk.mount,
                "{0} did not answer within {1}.".format(_what(disk), seconds_text(disk.seconds)),
                "Every process that touches it hangs. Is its server or device there (ping, dmesg)? umount -f or -l "
                "frees the processes when it stays away.",
            )
        elif disk.state == MISSING:
            yield rule.say(
                CRITICAL,
                disk.mount,
                "Nothing is mounted at {0}.".format(disk.mount),
                "What is written there lands on the file system above it. findmnt --verify; mount it: mount -a.",
            )
        elif disk.state == DENIED:
            yield rule.say(
                UNKNOWN,
                disk.mount,
                "{0} cannot be looked at: {1}.".format(_what(disk), disk.problem),
                "The user who runs the check may not enter the directories above it: run the task with 'become', or "
                "leave it out with 'exclude_mounts'.",
            )
        elif disk.state == FAILS:
            yield rule.say(
                CRITICAL,
                disk.mount,
                "{0} answers with an error: {1}.".format(_what(disk), disk.problem),
                "A stale handle wants to be mounted again; an input or output error means a failing device: dmesg.",
            )
        else:
            yield rule.say(OK, disk.mount, "{0} answers.".format(_what(disk)))


@CHECKS.check(
    "disk_space",
    needs=("disks",),
    procedure="H10",
    question="Is there room on every file system?",
    threshold=Threshold(
        "%",
        85,
        95,
        floors={"size_bytes": 100 * 1024.0**2},
        ceilings={"free_bytes": 20 * GIB},
        source="manuals 80, 85, 90, 95 %; not while 20 GB are free, and nothing as small as a firmware partition",
    ),
)
def disk_space(rule: Rule, disks: Sequence[FileSystem]) -> Iterator[Finding]:
    for disk in _fillable(disks):
        yield rule.judge(
            disk.mount,
            disk.used_percent,
            "{0} is {1} full: {2} of {3} are free.".format(
                _what(disk), percent_text(disk.used_percent), bytes_text(disk.free), bytes_text(disk.size)
            ),
            "What can go safely is told by: ansible-playbook analytics.ops.disk_critical. Where the rest lies: du -xh "
            "--max-depth=2 on it, sorted with sort -h.",
            free_bytes=disk.free,
            size_bytes=disk.size,
        )


@CHECKS.check(
    "inodes",
    needs=("disks",),
    procedure="H10",
    question="Can more files be made on every file system?",
    threshold=Threshold(
        "%",
        85,
        95,
        ceilings={"free_inodes": 500000},
        source="manuals: as disk space; not while half a million are free",
    ),
)
def inodes(rule: Rule, disks: Sequence[FileSystem]) -> Iterator[Finding]:
    for disk in _fillable(disks):
        if disk.inodes:
            yield rule.judge(
                disk.mount,
                disk.inodes_used_percent,
                "{0} has {1} of {2} inodes left, {3} are used.".format(
                    _what(disk),
                    number_text(disk.inodes_free),
                    number_text(disk.inodes),
                    percent_text(disk.inodes_used_percent),
                ),
                "No file can be made once they are gone, however much space is free. du --inodes -x --max-depth=3 on "
                "it, sorted with sort -n, shows which directory is full of small files.",
                free_inodes=disk.inodes_free,
            )


@CHECKS.check(
    "disk_full_in",
    needs=("disks", "interval"),
    procedure="H10",
    question="Will there be room tomorrow at the rate of now? (needs previous)",
    threshold=Threshold(
        "hours",
        24,
        4,
        higher_is_worse=False,
        floors={"used_percent": 60},
        source="node-exporter mixin 24 h and 4 h; awesome-prometheus-alerts 24 h. A rate is believed for 24 times as "
        "long as it was seen, and that for 5 min at least",
    ),
)
def disk_full_in(rule: Rule, disks: Sequence[FileSystem], interval: Interval) -> Iterator[Finding]:
    seconds = interval.seconds
    if seconds is None or seconds < LASTING_SECONDS:
        return
    for disk in _fillable(disks):
        for subject, rest, left, used in _rests(disk, interval):
            hours = left / HOUR if left is not None else None
            if hours is None or hours * HOUR > BELIEVED_TIMES * seconds:
                continue
            yield rule.judge(
                subject,
                hours,
                "{0} is full in {1} if it fills as in the {2} since the last look: {3}.".format(
                    _what(disk), seconds_text(left), seconds_text(seconds), rest
                ),
                "Find what grows before it stops the services: find on it with -xdev -mmin -60 -size +100M, and the "
                "size of logs.",
                used_percent=used,
            )


def _rests(disk: FileSystem, interval: Interval) -> Iterator[Tuple[str, str, Optional[float], float]]:
    """Subject, words, seconds until nothing is left, percent used: for the space, and for the inodes."""
    rate = interval.rate(disk.figure("used_bytes"))
    if rate:
        words = "{0} an hour, {1} are free".format(bytes_text(rate * HOUR), bytes_text(disk.free))
        yield disk.mount, words, disk.free / rate, disk.used_percent
    rate = interval.rate(disk.figure("inodes_used"))
    if rate and disk.inodes:
        words = "{0} files an hour, {1} inodes are free".format(number_text(rate * HOUR), number_text(disk.inodes_free))
        yield disk.mount + " (inodes)", words, disk.inodes_free / rate, disk.inodes_used_percent


@CHECKS.check(
    "disk_read_only",
    needs=("disks", "interval"),
    procedure="H10",
    question="Has no file system become read-only?",
)
def disk_read_only(rule: Rule, disks: Sequence[FileSystem], interval: Interval) -> Iterator[Finding]:
    for disk in disks:
        if not disk.measured or not disk.read_only:
            continue
        if disk.turned:
            how = "{0} is mounted for writing and refuses it: the kernel has made it read-only after an error."
        elif interval.previous.get(disk.figure("read_only")) == 0:
            how = "{0} is read-only and was not at the last look."
        else:
            continue
        yield rule.say(
            CRITICAL,
            disk.mount,
            how.format(_what(disk)),
            "Nothing on it can be written. dmesg | grep -iE 'error|remount' says why. Save what is needed, replace the "
            "device or check it unmounted (fsck), then mount it again.",
        )


@CHECKS.check(
    "disk_errors",
    needs=("disks",),
    procedure="H10",
    question="Has no file system recorded damage?",
)
def disk_errors(rule: Rule, disks: Sequence[FileSystem]) -> Iterator[Finding]:
    for disk in disks:
        if disk.errors:
            yield rule.say(
                WARNING,
                disk.mount,
                "{0} has recorded {1} errors since it was last checked.".format(_what(disk), number_text(disk.errors)),
                "Make sure of a good backup now, look at the device (dmesg, smartctl -a), and check the file system "
                "unmounted with e2fsck -f.",
                disk.errors,
            )
