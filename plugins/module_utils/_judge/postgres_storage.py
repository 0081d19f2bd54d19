# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archiving, checkpoints, and settings that endanger the data."""

from __future__ import annotations

from typing import Any, Iterator, List

from .finding import INFO, WARNING, Finding
from .interval import Interval
from .pg_read_only import ALLOW_COMMAND, RECORD, stopped_text
from .postgres_register import CHECKS
from .rows import Row
from .text import number_text, seconds_text
from .threshold import Threshold

HOUR = 3600.0

# name: (dangerous values, what it means, what to do)
_DANGEROUS = {
    "fsync": (("off",), "a crash of the host destroys the database", "reload"),
    "full_page_writes": (("off",), "a crash of the host can tear pages that nothing repairs", "reload"),
    "autovacuum": (("off",), "dead rows pile up and statistics go stale", "reload"),
    "track_counts": (("off",), "autovacuum sees no changes and does nothing", "reload"),
    "zero_damaged_pages": (("on",), "damaged pages are silently emptied", "reload"),
    "ignore_checksum_failure": (("on",), "damaged pages are read as if they were sound", "reload"),
    "ignore_invalid_pages": (("on",), "recovery passes over missing pages", "restart"),
}


@CHECKS.check(
    "archiving",
    needs=("archiver",),
    procedure="H07",
    question="Does WAL archiving succeed?",
    threshold=Threshold("seconds", 0, 300, source="pgmonitor 300 s"),
)
def archiving(rule: Any, archiver: Row) -> Iterator[Finding]:
    """Failing means that the last attempt failed. How long: since the oldest file waits, where that can be seen."""
    if archiver.failed_seconds is None:
        return
    if archiver.archived_seconds is not None and archiver.archived_seconds <= archiver.failed_seconds:
        return
    waiting = archiver.oldest_waiting_seconds
    last = seconds_text(archiver.archived_seconds) + " ago" if archiver.archived_seconds is not None else "never"
    yield rule.judge(
        "archiver",
        archiver.failed_seconds if waiting is None else waiting,
        "Archiving fails at WAL file {0}, last tried {1} ago ({2} failures; last success: {3}){4}.".format(
            archiver.failed_wal,
            seconds_text(archiver.failed_seconds),
            number_text(archiver.failed_count),
            last,
            "" if archiver.waiting is None else "; {0} files wait".format(number_text(archiver.waiting)),
        ),
        "The server's log holds the output of archive_command: SHOW archive_command, run it by hand as the server's "
        "user for this file, check the target's space and rights. Until it works pg_wal grows.",
    )


@CHECKS.check(
    "archiving_late",
    needs=("archiver",),
    procedure="H07",
    question="Does WAL reach the archive in time?",
    threshold=Threshold("seconds", 600, 3600, floors={"waiting": 2}, source="ours; temBoard 10/20 files waiting"),
)
def archiving_late(rule: Any, archiver: Row) -> Iterator[Finding]:
    failing = archiver.failed_seconds is not None and (
        archiver.archived_seconds is None or archiver.archived_seconds > archiver.failed_seconds
    )
    if failing or archiver.oldest_waiting_seconds is None:
        return
    yield rule.judge(
        "archiver",
        archiver.oldest_waiting_seconds,
        "{0} finished WAL files wait for the archive, the oldest for {1}, though none fails.".format(
            number_text(archiver.waiting), seconds_text(archiver.oldest_waiting_seconds)
        ),
        "Look at how long one run of archive_command takes (ps, the log); if archive_command is empty, set it.",
        waiting=archiver.waiting,
    )


@CHECKS.check(
    "requested_checkpoints",
    needs=("checkpoints", "interval"),
    procedure="H06",
    question="Do checkpoints come by the clock and not because WAL ran full?",
    threshold=Threshold(
        "%",
        50,
        None,
        floors={"checkpoints": 20, "hours": 1},
        source="postgres_exporter mixin: timed ratio < 0.5; only with enough of them",
    ),
)
def requested_checkpoints(rule: Any, checkpoints: Row, interval: Interval) -> Iterator[Finding]:
    timed, requested = interval.growth("pg.checkpoints.timed"), interval.growth("pg.checkpoints.requested")
    seconds, since = interval.seconds, "in the last {0}".format(seconds_text(interval.seconds or 0))
    if timed is None or requested is None or not seconds:
        timed, requested, seconds = checkpoints.timed, checkpoints.requested, checkpoints.seconds
        since = "in the {0} of statistics".format(seconds_text(seconds))
    if not timed + requested:
        return
    yield rule.judge(
        "server",
        100.0 * requested / (timed + requested),
        "{0} of {1} checkpoints {2} were requested, not timed.".format(
            number_text(requested), number_text(timed + requested), since
        ),
        "Search the log for 'checkpoints are occurring too frequently'; raise max_wal_size (reload) until most are "
        "timed. Base backups and CHECKPOINT commands count, too.",
        checkpoints=timed + requested,
        hours=seconds / HOUR,
    )


@CHECKS.check(
    "pending_restart",
    needs=("settings",),
    procedure="H03",
    question="Is every setting in force?",
)
def pending_restart(rule: Any, settings: List[Row]) -> Iterator[Finding]:
    pending = sorted(setting.name for setting in settings if setting.pending_restart)
    if pending:
        yield rule.say(
            WARNING,
            "settings",
            "The configuration files hold new values that wait for a restart: {0}.".format(", ".join(pending)),
            "Plan a restart, or take them back: a crash would put them in force unannounced. SELECT name, setting, "
            "sourcefile, sourceline FROM pg_settings WHERE pending_restart.",
            len(pending),
        )


@CHECKS.check(
    "writes_stopped",
    needs=("settings",),
    procedure="H03",
    question="Has nobody stopped all writes (`pg_read_only`) and forgotten it?",
)
def writes_stopped(rule: Any, settings: List[Row]) -> Iterator[Finding]:
    """Only what that module has set: this session only reads, so that it cannot see what holds for others."""
    for setting in settings:
        if setting.name == RECORD:
            yield rule.say(
                WARNING,
                "server",
                "All writes are stopped{0}: transactions of all databases only read.".format(
                    stopped_text(setting.value)
                ),
                "When the cause is gone: {0}".format(ALLOW_COMMAND),
            )


@CHECKS.check(
    "dangerous_settings",
    needs=("settings",),
    procedure="H03",
    question="Is no setting a danger to the data?",
)
def dangerous_settings(rule: Any, settings: List[Row]) -> Iterator[Finding]:
    for setting in settings:
        values, consequence, takes = _DANGEROUS.get(setting.name, ((), "", ""))
        if setting.value in values:
            yield rule.say(
                WARNING,
                setting.name,
                "{0} is {1}: {2}.".format(setting.name, setting.value, consequence),
                "ALTER SYSTEM RESET {0}; {1}. It comes from: {2}.".format(
                    setting.name,
                    "SELECT pg_reload_conf()" if takes == "reload" else "restart the server",
                    setting.source,
                ),
                setting.value,
            )


@CHECKS.check(
    "extension_versions",
    needs=("extensions",),
    procedure="H03",
    question="Are extensions as new as their libraries?",
)
def extension_versions(rule: Any, extensions: List[Row]) -> Iterator[Finding]:
    for extension in extensions:
        yield rule.say(
            INFO,
            extension.name,
            "Extension {0} is at version {1}, its installed files are at {2}.".format(
                extension.name, extension.installed, extension.available
            ),
            "Read its notes, then in this database: ALTER EXTENSION {0} UPDATE.".format(extension.name_quoted),
            extension.installed,
        )
