# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis: replicas and their primary, clusters, and whether the server is what the inventory says."""

from __future__ import annotations

from typing import Iterator, Optional

from .checks import Rule
from .finding import CRITICAL, WARNING, Finding
from .redis_facts import CHECKS, WINDOW, Info, Rates, Wishes, finite
from .text import bytes_text, number_text, seconds_text
from .threshold import Threshold

HOUR = 3600.0
SLOTS = 16384


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
        lag = finite(parts.get("lag"))
        behind = max(0.0, info.number("master_repl_offset") - finite(parts.get("offset")))
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


@CHECKS.check(
    "replica_flapping",
    needs=("info", "rates"),
    procedure="H08",
    question="Do replicas keep their connection?",
    threshold=Threshold(
        "connections/h",
        2,
        floors={"again": 2},
        source="ours: each replica may come once; twice too often is no accident",
    ),
)
def replica_flapping(rule: Rule, info: Info, rates: Rates) -> Iterator[Finding]:
    # Every time a replica connects the primary answers with a full or a partial copy.
    came = rates.change("sync_full") + rates.change("sync_partial_ok")
    again = max(0.0, came - info.number("connected_slaves"))
    yield rule.judge(
        WINDOW,
        again * HOUR / rates.seconds,
        "Replicas connected {0} times {1}; {2} are connected now.".format(
            number_text(came), rates.period, number_text(info.number("connected_slaves"))
        ),
        "Look at the network between them, at repl-timeout, and in the logs of both: a replica whose output buffer "
        "overflows (client-output-buffer-limit replica) is cut off again and again.",
        again=again,
    )


@CHECKS.check(
    "full_resyncs",
    needs=("rates",),
    procedure="H08",
    question="Can replicas that were away go on where they were?",
    threshold=Threshold("copies", 2, source="ours: one is the price of a long break"),
)
def full_resyncs(rule: Rule, rates: Rates) -> Iterator[Finding]:
    refused = rates.change("sync_partial_err")
    yield rule.judge(
        WINDOW,
        refused,
        "{0} times {1} a replica that came back had to copy the whole data set anew.".format(
            number_text(refused), rates.period
        ),
        "What it had missed was no longer in the backlog: raise repl-backlog-size to what is written in the longest "
        "break that it should survive. After a failover it may have been another primary's replica.",
    )


@CHECKS.check(
    "repl_backlog",
    needs=("info", "rates"),
    procedure="H08",
    question="Does the backlog reach far enough for replicas to survive a short break?",
    threshold=Threshold(
        "seconds",
        10,
        higher_is_worse=False,
        floors={"window_seconds": 60},
        source="ours: the restart of a replica or of a switch; what is written in less than a minute says nothing",
    ),
)
def repl_backlog(rule: Rule, info: Info, rates: Rates) -> Iterator[Finding]:
    size, written = info.number("repl_backlog_size"), rates.change("master_repl_offset")
    if not info.number("connected_slaves") or not size or written <= 0:
        return
    seconds = size * rates.seconds / written
    yield rule.judge(
        "backlog",
        seconds,
        "The backlog of {0} holds the writes of {1}; a replica that is away for longer copies everything anew.".format(
            bytes_text(size), seconds_text(seconds)
        ),
        "Raise repl-backlog-size.",
        window_seconds=rates.seconds,
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
    if cluster is None:
        return
    state = cluster.text("cluster_state")
    assigned, failed = cluster.number("cluster_slots_assigned", SLOTS), cluster.number("cluster_slots_fail")
    # Without cluster-require-full-coverage the state is ok although a part of the keys has no home.
    if state != "ok" or assigned < SLOTS or failed:
        yield rule.say(
            CRITICAL,
            "cluster",
            "The cluster is in state {0}: {1} of {2} slots are assigned, {3} failed.".format(
                state or "unknown",
                number_text(assigned),
                number_text(SLOTS),
                number_text(failed),
            ),
            "CLUSTER NODES shows which nodes are missing; CLUSTER ADDSLOTS gives slots without a node a new home.",
        )
