# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis: does it run, will the data survive, can just anybody use it?"""

from __future__ import annotations

from typing import Iterator

from .checks import Rule
from .finding import CRITICAL, OK, WARNING, Finding
from .redis_facts import CHECKS, WINDOW, Clock, Info, Rates, Settings, Wishes, finite
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

HOUR = 3600.0
# What the server itself takes where nobody set auto-aof-rewrite-percentage and auto-aof-rewrite-min-size.
REWRITE_PERCENT, REWRITE_LEAST = 100.0, 64.0 * 1024 * 1024
LOCAL = ("127.", "::1", "-::1", "localhost")


@CHECKS.check("reachable", needs=("server",), procedure="H08", question="Can the server be reached and logged in to?")
def reachable(rule: Rule, server: str) -> Iterator[Finding]:
    yield rule.say(OK, server, "The server answers.")


@CHECKS.check("loading", needs=("info",), procedure="H08", question="Has the server finished reading its data?")
def loading(rule: Rule, info: Info) -> Iterator[Finding]:
    if info.number("loading"):
        yield rule.say(
            CRITICAL,
            "data set",
            "The server is loading its data: {0} % done, about {1} left; until then every client gets an error.".format(
                number_text(info.number("loading_loaded_perc")), seconds_text(info.number("loading_eta_seconds"))
            ),
            "Wait. If it began without a planned restart, look in the server's log for why it ended.",
            info.number("loading_loaded_perc"),
        )
    elif info.number("async_loading"):
        yield rule.say(
            WARNING, "data set", "The replica is loading a new data set and answers from the old one.", "Wait."
        )


@CHECKS.check(
    "restart",
    needs=("info", "clock"),
    procedure="H08",
    question="Has it run without a break since the previous look?",
    threshold=Threshold(source="awesome-prometheus-alerts; needs the previous measurements"),
)
def restart(rule: Rule, info: Info, clock: Clock) -> Iterator[Finding]:
    uptime = info.number("uptime_in_seconds")
    if clock.previous_seconds is not None and uptime + 2 < clock.previous_seconds:
        yield rule.say(
            WARNING,
            "server",
            "The server was started {0} ago, after the previous look.".format(seconds_text(uptime)),
            "If nobody did that on purpose, look in its log and for the kernel's out-of-memory killer (journalctl -k).",
            uptime,
        )


@CHECKS.check("rdb", needs=("info",), procedure="H08", question="Did the last snapshot (RDB) succeed?")
def rdb(rule: Rule, info: Info) -> Iterator[Finding]:
    if info.text("rdb_last_bgsave_status") not in ("", "ok"):
        yield rule.say(
            CRITICAL,
            "snapshot",
            "The last background save failed; by default the server now refuses writes.",
            "Look in the server's log for the reason: the disk full, the directory gone or closed, no memory to fork "
            "(vm.overcommit_memory). Then BGSAVE.",
        )


@CHECKS.check(
    "rdb_age",
    needs=("info", "settings", "clock"),
    procedure="H08",
    question="Is the last snapshot recent enough, where snapshots are wanted?",
    threshold=Threshold("seconds", 48 * 3600, source="awesome-prometheus-alerts 48 h"),
)
def rdb_age(rule: Rule, info: Info, settings: Settings, clock: Clock) -> Iterator[Finding]:
    changes = info.number("rdb_changes_since_last_save")
    if not settings.get("save") or not changes or not info.has("rdb_last_save_time"):
        return
    # Until the first save the server shows its own start as the time of the last one.
    age = max(0.0, clock.now - info.number("rdb_last_save_time"))
    yield rule.judge(
        "snapshot",
        age,
        "The last snapshot is {0} old; {1} changes are not in it.".format(seconds_text(age), number_text(changes)),
        "The save points (CONFIG GET save) ask for it: look in the server's log why it is not made, or BGSAVE.",
    )


@CHECKS.check("aof", needs=("info",), procedure="H08", question="Is the append-only file written without errors?")
def aof(rule: Rule, info: Info) -> Iterator[Finding]:
    if not info.number("aof_enabled"):
        return
    for field, what in (("aof_last_write_status", "write to"), ("aof_last_bgrewrite_status", "rewrite of")):
        if info.text(field) not in ("", "ok"):
            yield rule.say(
                CRITICAL,
                what.partition(" ")[0],
                "The last {0} the append-only file failed.".format(what),
                "Look in the server's log for the reason (disk full, directory gone or closed). Then BGREWRITEAOF.",
            )


@CHECKS.check(
    "aof_growth",
    needs=("info", "settings"),
    procedure="H08",
    question="Is the append-only file rewritten before it grows out of hand?",
    threshold=Threshold("ratio", 2, source="ours: twice the size at which the server's own settings begin a rewrite"),
)
def aof_growth(rule: Rule, info: Info, settings: Settings) -> Iterator[Finding]:
    if not info.number("aof_enabled"):
        return
    percent = finite(settings.get("auto-aof-rewrite-percentage"), REWRITE_PERCENT)
    least = finite(settings.get("auto-aof-rewrite-min-size"), REWRITE_LEAST)
    # With 0 % it is never rewritten; it is judged as if that were left to the server.
    grown = info.number("aof_base_size") * (1 + (percent or REWRITE_PERCENT) / 100.0)
    size, due = info.number("aof_current_size"), max(grown, least, 1.0)
    yield rule.judge(
        "append-only file",
        size / due,
        "The append-only file has {0}, and was due to be rewritten at {1}{2}.".format(
            bytes_text(size), bytes_text(due), "" if percent else "; the server is told never to do that by itself"
        ),
        "BGREWRITEAOF, and look in the server's log why it did not happen by itself (auto-aof-rewrite-percentage, a "
        "fork that fails). A long file takes disk space, and every start reads it.",
    )


@CHECKS.check(
    "aof_fsync",
    needs=("rates",),
    procedure="H08",
    question="Does the disk keep up with the append-only file?",
    threshold=Threshold("fsyncs/h", 10, source="ours: each one held up every client, after two seconds of waiting"),
)
def aof_fsync(rule: Rule, rates: Rates) -> Iterator[Finding]:
    yield rule.judge(
        WINDOW,
        rates.per("aof_delayed_fsync", HOUR),
        "{0} times {1} the server wrote although the fsync before had not ended after two seconds.".format(
            number_text(rates.change("aof_delayed_fsync")), rates.period
        ),
        "The disk is too slow or busy with something else: look at its load, and see no-appendfsync-on-rewrite. What "
        "was written meanwhile is lost if the machine stops.",
    )


@CHECKS.check(
    "save_duration",
    needs=("info",),
    procedure="H08",
    question="Does a running save come to its end?",
    threshold=Threshold("seconds", 600, 1200, source="netdata 600 and 1200 s"),
)
def save_duration(rule: Rule, info: Info) -> Iterator[Finding]:
    for field, what in (("rdb_current_bgsave_time_sec", "snapshot"), ("aof_current_rewrite_time_sec", "AOF rewrite")):
        seconds = info.number(field, -1)
        if seconds >= 0:
            yield rule.judge(
                what,
                seconds,
                "A background save ({0}) has been running for {1}.".format(what, seconds_text(seconds)),
                "Look at the disk's load; while it runs every changed page takes memory twice.",
            )


@CHECKS.check("protection", needs=("settings", "wishes"), procedure="S05", question="Is the server open to everybody?")
def protection(rule: Rule, settings: Settings, wishes: Wishes) -> Iterator[Finding]:
    addresses = settings.get("bind", "").split()
    local = bool(addresses) and all(address.startswith(LOCAL) for address in addresses)
    if wishes.has_password or local or settings.get("protected-mode") == "yes":
        return
    yield rule.say(
        WARNING,
        "default user",
        "Everyone who reaches the port may do everything: no password, protected-mode off, not bound to this host.",
        "Set requirepass or ACL users, and bind the server to the addresses that need it.",
    )
