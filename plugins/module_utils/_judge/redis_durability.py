# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis: does it run, will the data survive, is it where the inventory says, can just anybody use it?"""

from __future__ import annotations

from typing import Iterator, Optional

from .checks import Rule
from .finding import CRITICAL, OK, WARNING, Finding
from .redis_facts import CHECKS, Clock, Info, Settings, Wishes
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

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
    if not settings.get("save") or not changes:
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
                what.split(" ")[0],
                "The last {0} the append-only file failed.".format(what),
                "Look in the server's log for the reason (disk full, directory gone or closed). Then BGREWRITEAOF.",
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


@CHECKS.check("replica_link", needs=("info",), procedure="H08", question="Is a replica connected to its primary?")
def replica_link(rule: Rule, info: Info) -> Iterator[Finding]:
    if info.text("role") != "slave" or info.text("master_link_status") == "up":
        return
    primary = "{0}:{1}".format(info.text("master_host"), info.text("master_port"))
    if info.number("master_sync_in_progress"):
        yield rule.say(
            WARNING, primary, "The replica is copying the whole data set from its primary.", "Wait until it is done."
        )
        return
    since = info.number("master_link_down_since_seconds", -1)
    yield rule.say(
        CRITICAL,
        primary,
        "The replica has no connection to its primary{0}; what it serves is getting old.".format(
            " for {0}".format(seconds_text(since)) if since >= 0 else ""
        ),
        "Does the primary run? Check the network, primaryauth (masterauth) and the replica's log.",
        since if since >= 0 else None,
    )


@CHECKS.check(
    "replication_lag",
    needs=("info",),
    procedure="H08",
    question="Do replicas keep up?",
    threshold=Threshold("seconds", 20, 60, source="ours: pings come every 10 s, repl-timeout is 60 s"),
)
def replication_lag(rule: Rule, info: Info) -> Iterator[Finding]:
    if info.text("role") == "slave" and info.text("master_link_status") == "up":
        silent = info.number("master_last_io_seconds_ago")
        yield rule.judge(
            "this replica",
            silent,
            "The primary was last heard {0} ago.".format(seconds_text(silent)),
            "Look at the primary's load and at the network between the two.",
        )
    for name in sorted(info.fields):
        if not (name.startswith("slave") and name[5:].isdigit()):
            continue
        parts = info.parts(name)
        subject = "replica {0}:{1}".format(parts.get("ip", "?"), parts.get("port", "?"))
        if parts.get("state") != "online":
            yield rule.say(
                WARNING,
                subject,
                "The replica is not online yet (state {0}).".format(parts.get("state", "unknown")),
                "Wait until the first copy is done; if it begins again and again, raise the replica's output buffer.",
            )
            continue
        lag = _number(parts.get("lag")) or 0.0
        behind = max(0.0, info.number("master_repl_offset") - (_number(parts.get("offset")) or 0.0))
        yield rule.judge(
            subject,
            lag,
            "The replica last answered {0} ago and is {1} behind.".format(seconds_text(lag), bytes_text(behind)),
            "Look at the replica's load and at the network between the two.",
        )


@CHECKS.check("replicas", needs=("info", "wishes"), procedure="H08", question="Are all replicas there?")
def replicas(rule: Rule, info: Info, wishes: Wishes) -> Iterator[Finding]:
    expected, connected = wishes.expected_replicas, info.number("connected_slaves")
    if expected is not None and connected < expected:
        yield rule.say(
            WARNING if connected else CRITICAL,
            "replicas",
            "{0} of {1} expected replicas are connected.".format(number_text(connected), expected),
            "Does the missing one run? Its log says why it does not connect.",
            connected,
        )


@CHECKS.check("role", needs=("info", "wishes"), procedure="H08", question="Has it the role it should have?")
def role(rule: Rule, info: Info, wishes: Wishes) -> Iterator[Finding]:
    found = "primary" if info.is_primary else "replica"
    if wishes.expected_role is not None and info.has("role") and found != wishes.expected_role:
        yield rule.say(
            CRITICAL,
            found,
            "The server is a {0}, but should be a {1}.".format(found, wishes.expected_role),
            "There was a failover, or the inventory is out of date: find out which before anything writes.",
        )


@CHECKS.check("cluster", needs=("cluster",), procedure="H08", question="Is the cluster complete?")
def cluster(rule: Rule, cluster: Optional[Info]) -> Iterator[Finding]:
    if cluster is not None and cluster.text("cluster_state") != "ok":
        yield rule.say(
            CRITICAL,
            "cluster",
            "The cluster is in state {0}: {1} of 16 384 slots are assigned, {2} failed.".format(
                cluster.text("cluster_state") or "unknown",
                number_text(cluster.number("cluster_slots_assigned")),
                number_text(cluster.number("cluster_slots_fail")),
            ),
            "CLUSTER NODES shows which nodes are missing.",
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


def _number(text: Optional[str]) -> Optional[float]:
    try:
        return float(text or "")
    except ValueError:
        return None
