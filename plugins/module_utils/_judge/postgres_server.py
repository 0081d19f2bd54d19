# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster itself: which one it is, how it is set up, who may log in until when, what it is busy with, its WAL."""

from __future__ import annotations

import zlib
from typing import Any, Dict, Iterator, List

from .finding import INFO, OK, WARNING, Finding
from .interval import Interval
from .postgres_register import CHECKS
from .rows import Row
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

DAY = 86400.0

IDENTIFIER = "pg.system_identifier"
STANDBY = "pg.standby"
SETTINGS = "pg.settings.count"
SETTING = "pg.setting."

# Whose login has ended for longer was let go on purpose.
_ENDED_LATELY = -7 * DAY
# Maintenance is told of from here on; before that nobody has to know.
_LONG = 600.0
# Settings that may hold a password: not even a checksum of them is kept.
_SECRET = ("primary_conninfo", "ssl_passphrase_command")


@CHECKS.check(
    "identity",
    needs=("server", "identity", "interval"),
    procedure="H07",
    question="Is this the cluster of the last look, in the role it had then? (needs previous)",
)
def identity(rule: Any, server: Row, identity: Row, interval: Interval) -> Iterator[Finding]:
    """As a float: an earlier result may have gone through JSON that knows no longer numbers."""
    known, was_standby = interval.previous.get(IDENTIFIER), interval.previous.get(STANDBY)
    if known is not None and known != float(identity.system_identifier):
        yield rule.say(
            WARNING,
            "cluster",
            "Another cluster answers here than at the last look: its system identifier is {0}, and was not.".format(
                identity.system_identifier
            ),
            "If nobody restored or built it anew: look where the name and port lead (DNS, proxy, service), and which "
            "data_directory the server runs on.",
            str(identity.system_identifier),
        )
    elif was_standby is not None and bool(was_standby) != server.standby:
        yield rule.say(
            WARNING,
            "role",
            "This server was a {0} at the last look and is a {1} now.".format(
                "standby" if was_standby else "primary", "standby" if server.standby else "primary"
            ),
            "If nobody switched over: make sure that only one primary takes writes, and that backups and replicas "
            "follow it.",
            "standby" if server.standby else "primary",
        )


def settings_figures(settings: List[Row]) -> Dict[str, float]:
    """What was set, as numbers: 0 and 1 for switches, a checksum for texts."""
    figures: Dict[str, float] = {SETTINGS: len(settings)}
    for setting in settings:
        number = _number(setting)
        if number is not None:
            figures[SETTING + setting.name] = number
    return figures


def _number(setting: Row) -> Any:
    if setting.type in ("integer", "real"):
        return float(setting.value)
    if setting.type == "bool":
        return int(setting.value == "on")
    # Settings of extensions are anybody's, and may hold anything.
    if setting.name in _SECRET or (setting.type == "string" and "." in setting.name):
        return None
    return zlib.crc32(setting.value.encode("utf-8", "replace"))


@CHECKS.check(
    "settings_changed",
    needs=("configuration", "interval"),
    procedure="H03",
    question="Are the server's settings those of the last look? (needs previous)",
)
def settings_changed(rule: Any, configuration: List[Row], interval: Interval) -> Iterator[Finding]:
    if SETTINGS not in interval.previous:
        return
    now = settings_figures(configuration)
    rows = {SETTING + setting.name: setting for setting in configuration}
    names = {name for name in (*now, *interval.previous) if name.startswith(SETTING)}
    for name in sorted(names):
        before, after = interval.previous.get(name), now.get(name)
        if before != after:
            yield rule.say(
                INFO,
                name[len(SETTING) :],
                "{0} {1} since the last look.".format(name[len(SETTING) :], _change(rows.get(name), before, after)),
                "If nobody knows of it: SELECT * FROM pg_file_settings tells the file and line.",
                "changed",
            )


def _change(setting: Any, before: Any, after: Any) -> str:
    if after is None:
        return "was set back to its default"
    told = "" if setting.type in ("string", "enum") else " to {0} {1}".format(setting.value, setting.unit).rstrip()
    if before is None:
        return "was set{0}".format(told)
    if setting.type in ("integer", "real"):
        return "was changed from {0:.12g}{1}".format(before, told)
    return "was changed{0}".format(told)


@CHECKS.check(
    "role_expiry",
    needs=("roles",),
    procedure="H03",
    question="May roles log in with their passwords for some time yet?",
    threshold=Threshold(
        "days", 14, None, higher_is_worse=False, source="ours: two weeks to renew; ended for a week, it was meant to"
    ),
)
def role_expiry(rule: Any, roles: List[Row]) -> Iterator[Finding]:
    for role in roles:
        if role.left_seconds < _ENDED_LATELY:
            continue
        ended = role.left_seconds < 0
        yield rule.judge(
            role.name,
            role.left_seconds / DAY,
            "The password of role {0} {1} {2}{3}.".format(
                role.name,
                "ended" if ended else "ends in",
                seconds_text(abs(role.left_seconds)),
                " ago: it can no longer log in with it" if ended else "",
            ),
            "Renew it (\\password {0}), then ALTER ROLE {0} VALID UNTIL 'infinity' or the next date. If it should end: "
            "ALTER ROLE {0} NOLOGIN.".format(role.name_quoted),
        )


@CHECKS.check(
    "notify_queue",
    needs=("notifications",),
    procedure="H04",
    question="Is there room in the queue of notifications (NOTIFY)?",
    threshold=Threshold("%", 25, 75, source="ours; the server itself warns in its log from 50 %"),
)
def notify_queue(rule: Any, notifications: Row) -> Iterator[Finding]:
    yield rule.judge(
        "server",
        notifications.used_percent,
        "{0} % of the queue of notifications is taken; when it is full, NOTIFY fails.".format(
            number_text(round(notifications.used_percent, 2))
        ),
        "A session that listens (LISTEN) does not take its notifications: most often it is idle in a transaction, see "
        "pg.idle_in_transaction. The server's log names it.",
    )


@CHECKS.check(
    "maintenance_running",
    needs=("progress",),
    procedure="H06",
    question="How far is maintenance that takes long (vacuum, analyze, index builds, copies, base backups)?",
    threshold=Threshold("seconds", DAY, None, source="ours: a day; from ten minutes on it is info"),
)
def maintenance_running(rule: Any, progress: List[Row]) -> Iterator[Finding]:
    for running in sorted(progress, key=lambda row: -row.seconds):
        share = "" if not running.total else ", {0} %".format(number_text(int(100.0 * running.done / running.total)))
        what = running.kind if running.relation is None else "{0} of {1}".format(running.kind, running.relation)
        message = "{0}{1} has been running for {2}: {3}{4}.".format(
            what,
            " in database {0}".format(running.database) if running.database else "",
            seconds_text(running.seconds),
            running.phase,
            share,
        )
        advice = "Let it finish. If it does not get on, see whom it waits for (pg.blocked_sessions), and for vacuum at "
        advice += "vacuum_cost_limit and maintenance_work_mem."
        subject = "{0} {1}".format(running.kind, running.pid)
        finding = rule.judge(subject, running.seconds, message, advice)
        told = finding.severity == OK and running.seconds >= _LONG
        yield rule.say(INFO, subject, message, advice, running.seconds) if told else finding


@CHECKS.check(
    "wal_size",
    needs=("wal",),
    procedure="H07",
    question="Does WAL take about the space that was meant for it?",
    threshold=Threshold(
        "%",
        200,
        None,
        floors={"wal_bytes": 4.0 * 1024**3},
        source="ours: twice max_wal_size and wal_keep_size together; temBoard 50/100 files",
    ),
)
def wal_size(rule: Any, wal: Row) -> Iterator[Finding]:
    yield rule.judge(
        "pg_wal",
        100.0 * wal.bytes / wal.expected_bytes,
        "{0} files of WAL take {1}; max_wal_size and wal_keep_size mean it to be {2}.".format(
            number_text(wal.files), bytes_text(wal.bytes), bytes_text(wal.expected_bytes)
        ),
        "See pg.archiving, pg.archiving_late and pg.slots_kept_wal for what keeps it. If nothing does, more is written "
        "between checkpoints than max_wal_size was set for: raise it while the disk has room.",
        wal_bytes=wal.bytes,
    )


@CHECKS.check(
    "database_size",
    needs=("databases",),
    procedure="H06",
    question="Is the database within a limit of your own?",
    threshold=Threshold("bytes", source="none: only a limit of your own says what is too large"),
)
def database_size(rule: Any, databases: List[Row]) -> Iterator[Finding]:
    for database in databases:
        if database.size_bytes is not None:
            yield rule.judge(
                database.name,
                database.size_bytes,
                "Database {0} takes {1}.".format(database.name, bytes_text(database.size_bytes)),
                "Find its largest tables: \\dt+ in psql. Old rows can be archived, bloat given back (pg.table_bloat).",
            )
