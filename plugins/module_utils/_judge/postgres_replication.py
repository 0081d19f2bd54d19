# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replicas and replication slots, as seen from the server that sends; and a standby, as seen from itself."""

from __future__ import annotations

from typing import Any, Iterator, List

from .finding import CRITICAL, WARNING, Finding
from .postgres_register import CHECKS
from .postgres_words import literal
from .rows import Row
from .text import bytes_text, seconds_text
from .threshold import Threshold

MEGABYTE = 1024.0 * 1024.0


@CHECKS.check(
    "replication_lag_bytes",
    needs=("replicas",),
    procedure="H07",
    question="Do replicas keep up, in bytes of WAL?",
    threshold=Threshold("bytes", 50 * MEGABYTE, 100 * MEGABYTE, source="pgmonitor 50/100 MB"),
)
def replication_lag_bytes(rule: Any, replicas: List[Row]) -> Iterator[Finding]:
    for replica in replicas:
        if replica.lag_bytes is None or replica.state == "backup":
            continue
        yield rule.judge(
            replica.name,
            replica.lag_bytes,
            "Replica {0} has not replayed the last {1} of WAL (state {2}; sent: all but {3}).".format(
                _replica(replica), bytes_text(replica.lag_bytes), replica.state, bytes_text(replica.unsent_bytes or 0)
            ),
            _lag_advice(replica),
        )


@CHECKS.check(
    "replication_lag",
    needs=("replicas",),
    procedure="H07",
    question="Do replicas keep up, in time?",
    threshold=Threshold(
        "seconds",
        30,
        300,
        floors={"lag_bytes": 1},
        source="awesome-prometheus-alerts 5 s, pgexporter 300 s; never while there is nothing to replay",
    ),
)
def replication_lag(rule: Any, replicas: List[Row]) -> Iterator[Finding]:
    for replica in replicas:
        if replica.lag_seconds is None or replica.state == "backup":
            continue
        yield rule.judge(
            replica.name,
            replica.lag_seconds,
            "Replica {0} replays {1} behind.".format(_replica(replica), seconds_text(replica.lag_seconds)),
            _lag_advice(replica),
            lag_bytes=replica.lag_bytes or 0,
        )


def _replica(replica: Row) -> str:
    return "{0}{1}".format(replica.name, " ({0})".format(replica.client) if replica.client else "")


def _lag_advice(replica: Row) -> str:
    if (replica.unsent_bytes or 0) > (replica.lag_bytes or 0) / 2:
        return (
            "Most has not even been sent: look at the network and at the WAL sender (pg_stat_activity) on the primary."
        )
    return (
        "It was sent but not replayed: on the replica look at pg_get_wal_replay_pause_state(), at long queries that "
        "replay waits for (pg_stat_activity), and at its disk."
    )


@CHECKS.check(
    "replicas",
    needs=("replicas", "expected"),
    procedure="H07",
    question="Are all expected replicas connected? (needs expected_replicas)",
)
def missing_replicas(rule: Any, replicas: List[Row], expected: Row) -> Iterator[Finding]:
    if expected.replicas is None:
        return
    streaming = [r for r in replicas if r.state in ("streaming", "catchup") and not r.logical]
    if len(streaming) < expected.replicas:
        yield rule.say(
            WARNING if streaming else CRITICAL,
            "replicas",
            "{0} of {1} expected replicas are connected{2}.".format(
                len(streaming),
                expected.replicas,
                ": {0}".format(", ".join(r.name for r in streaming)) if streaming else "",
            ),
            "On the missing one: is it running, and what does its log say about the WAL receiver? Inactive slots "
            "(pg.slots_inactive) tell its name.",
            len(streaming),
        )


@CHECKS.check(
    "synchronous_replication",
    needs=("replicas", "settings"),
    procedure="H07",
    question="Is a synchronous replica there where commits wait for one?",
)
def synchronous_replication(rule: Any, replicas: List[Row], settings: List[Row]) -> Iterator[Finding]:
    value = {setting.name: setting.value for setting in settings}
    names = value.get("synchronous_standby_names")
    waits = value.get("synchronous_commit") in ("on", "remote_write", "remote_apply")
    if names and waits and not any(r.sync_state in ("sync", "quorum") for r in replicas):
        yield rule.say(
            CRITICAL,
            "server",
            "Every commit waits: synchronous_standby_names is '{0}', but no such replica is connected.".format(names),
            "Bring a synchronous replica back. To let commits through without one: ALTER SYSTEM SET "
            "synchronous_standby_names = ''; SELECT pg_reload_conf().",
            0,
        )


@CHECKS.check(
    "slots_inactive",
    needs=("slots",),
    procedure="H07",
    question="Is every replication slot in use?",
)
def slots_inactive(rule: Any, slots: List[Row]) -> Iterator[Finding]:
    """Slots that lost their WAL are pg.slots_lost's; those that a standby keeps in step are inactive by design."""
    for slot in slots:
        if slot.active or slot.temporary or slot.synced or _lost(slot):
            continue
        since = " for {0}".format(seconds_text(slot.inactive_seconds)) if slot.inactive_seconds is not None else ""
        yield rule.say(
            WARNING,
            slot.name,
            "Nobody has used {0} replication slot {1}{2}; it keeps {3} of WAL.".format(
                slot.slot_type, slot.name, since, bytes_text(slot.kept_bytes or 0)
            ),
            "Bring its consumer back ({0}), or if it is gone for good: SELECT pg_drop_replication_slot({1}).".format(
                "subscription or CDC reader of database {0}".format(slot.database) if slot.database else "a replica",
                literal(slot.name),
            ),
            "inactive",
        )


@CHECKS.check(
    "slots_kept_wal",
    needs=("slots",),
    procedure="H07",
    question="Do slots keep little WAL?",
    threshold=Threshold("bytes", 10 * 1024 * MEGABYTE, 50 * 1024 * MEGABYTE, source="ours: 10/50 GB"),
)
def slots_kept_wal(rule: Any, slots: List[Row]) -> Iterator[Finding]:
    for slot in slots:
        if slot.kept_bytes is None or _lost(slot):
            continue
        yield rule.judge(
            slot.name,
            slot.kept_bytes,
            "Replication slot {0} ({1}) keeps {2} of WAL{3}.".format(
                slot.name,
                "active" if slot.active else "inactive",
                bytes_text(slot.kept_bytes),
                "" if slot.limited else ", and there is no limit: it can fill the disk",
            ),
            "See why its consumer is behind. If it is gone for good: SELECT pg_drop_replication_slot({0}). Set "
            "max_slot_wal_keep_size to keep the disk safe.".format(literal(slot.name)),
        )


@CHECKS.check(
    "slots_lost",
    needs=("slots",),
    procedure="H07",
    question="Does every slot still have the WAL that its consumer needs?",
    threshold=Threshold("%", 75, 90, source="pgFirstAid 90 % of max_slot_wal_keep_size"),
)
def slots_lost(rule: Any, slots: List[Row]) -> Iterator[Finding]:
    for slot in slots:
        if slot.wal_status == "unreserved":
            yield rule.say(
                CRITICAL,
                slot.name,
                "Replication slot {0} is about to be lost: the next checkpoint removes WAL that its consumer "
                "needs.".format(slot.name),
                "At once: raise max_slot_wal_keep_size (ALTER SYSTEM SET …; SELECT pg_reload_conf()) while the disk "
                "has room, then bring its consumer up to date.",
                "unreserved",
            )
        elif _lost(slot):
            yield rule.say(
                CRITICAL,
                slot.name,
                "Replication slot {0} is lost{1}: its consumer can never go on from where it was.".format(
                    slot.name, " ({0})".format(slot.invalidation) if slot.invalidation else ""
                ),
                "Drop it (SELECT pg_drop_replication_slot({0})) and build its consumer anew: pg_basebackup for a "
                "replica, a new snapshot for a subscription.".format(literal(slot.name)),
                "lost",
            )
        elif slot.limited and slot.kept_bytes is not None:
            yield rule.judge(
                slot.name,
                100.0 * slot.kept_bytes / slot.limit_bytes if slot.limit_bytes else 0.0,
                "Replication slot {0} keeps {1} of WAL; at {2} (max_slot_wal_keep_size) it is lost.".format(
                    slot.name, bytes_text(slot.kept_bytes), bytes_text(slot.limit_bytes)
                ),
                "Bring its consumer up to date soon, or raise max_slot_wal_keep_size (reload) while the disk has room.",
            )


def _lost(slot: Row) -> bool:
    return slot.wal_status in ("lost", "unreserved") or bool(slot.invalidation) or bool(slot.conflicting)


@CHECKS.check(
    "wal_receiver",
    needs=("standby",),
    procedure="H07",
    question="Does this standby receive WAL?",
)
def wal_receiver(rule: Any, standby: Row) -> Iterator[Finding]:
    """A standby that is fed from an archive alone has no primary_conninfo and no receiver."""
    if standby.receiver_status == "streaming" or not standby.has_primary:
        return
    yield rule.say(
        WARNING if standby.restores_from_archive else CRITICAL,
        "standby",
        "This standby receives no WAL (receiver: {0}){1}.".format(
            standby.receiver_status or "not running",
            "; it can still replay from the archive" if standby.restores_from_archive else ": it falls behind",
        ),
        "Read this server's log for 'could not connect' or 'requested WAL segment has already been removed', and check "
        "that the primary runs, lets this host in (pg_hba.conf) and still has its slot.",
        standby.receiver_status or "none",
    )


@CHECKS.check(
    "replay_paused",
    needs=("standby",),
    procedure="H07",
    question="Does this standby replay what it receives?",
)
def replay_paused(rule: Any, standby: Row) -> Iterator[Finding]:
    if standby.pause_state != "not paused":
        yield rule.say(
            WARNING,
            "standby",
            "Replay on this standby is {0}; {1} of received WAL wait.".format(
                standby.pause_state, bytes_text(standby.lag_bytes or 0)
            ),
            "If nobody needs it paused: SELECT pg_wal_replay_resume(). If nobody paused it, the log names a setting "
            "that is lower than on the primary.",
            standby.pause_state,
        )


@CHECKS.check(
    "replay_lag",
    needs=("standby",),
    procedure="H07",
    question="Does this standby replay without delay?",
    threshold=Threshold(
        "seconds",
        30,
        300,
        floors={"lag_bytes": MEGABYTE},
        source="awesome-prometheus-alerts 5 s, pgexporter 300 s; only while received WAL waits",
    ),
)
def replay_lag(rule: Any, standby: Row) -> Iterator[Finding]:
    """The last replayed transaction is old on an idle primary, too: only with WAL waiting does its age mean delay."""
    if not standby.lag_bytes or standby.replay_seconds is None:
        return
    behind = max(0.0, standby.replay_seconds - standby.apply_delay_seconds)
    yield rule.judge(
        "standby",
        behind,
        "This standby last replayed a transaction of {0} ago; {1} of received WAL wait.".format(
            seconds_text(standby.replay_seconds), bytes_text(standby.lag_bytes)
        ),
        "Look at pg.replay_paused, at long queries here that replay waits for (pg_stat_activity; "
        "max_standby_streaming_delay), and at this host's disk.",
        lag_bytes=standby.lag_bytes,
    )
