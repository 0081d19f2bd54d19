# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a standby may become the primary, and what would be lost. Nothing here promotes.

Every reason against it is told at once: at three in the morning nobody wants to meet them one by one. Positions in the
WAL are numbers of bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence

from .._errors import Refused
from .failover_managers import COMMANDS, managers
from .finding import CRITICAL, INFO, WARNING, Finding, check_result
from .pg_control import Control
from .plan import Step, act_result
from .rows import Row
from .text import bytes_text, seconds_text

CASCADE, FENCE, IDENTITY = "failover.cascade", "failover.fence", "failover.identity"
LAG, LOSS = "failover.lag", "failover.loss"
MANAGER, REPLAY, REPLICAS, SLOTS = "failover.manager", "failover.replay", "failover.replicas", "failover.slots"
SPLIT_BRAIN, SYNCHRONOUS, WRITES = "failover.split_brain", "failover.synchronous", "failover.writes"
ALL_CHECKS = (CASCADE, FENCE, IDENTITY, LAG, LOSS, MANAGER, REPLAY, REPLICAS, SLOTS, SPLIT_BRAIN, SYNCHRONOUS, WRITES)

PROMOTE = "promote"

_STANDBY, _SERVER = "standby", "server"
# What the process that replays waits for when queries of this standby are in its way.
_IN_THE_WAY = ("Lock", "BufferPin")
_CONFLICT = "RecoveryConflict"


@dataclass(frozen=True)
class Terms:
    """What whoever asked has confirmed, and how much WAL of a primary that still runs the standby may lack."""

    max_lag_bytes: int
    old_primary_is_fenced: bool
    accept_data_loss: bool
    ignore_manager: bool


def judge_failover(target: Row, primary: Row, control: Optional[Control], terms: Terms) -> List[Finding]:
    """``primary`` is what is known of the old one: whether something ``listens`` there, and when it could be asked
    (``known``) what that is. ``control`` is what its data directory says, where somebody could read it."""
    if not target.standby:
        return list(_of_a_primary(target, primary))
    parts = (
        _manager(target, terms),
        _identity(target, primary, control),
        _cascade(target, primary),
        _fence(primary, terms),
        _replay(target),
        _behind(target, primary, control, terms),
        _synchronous(target),
        _others(primary),
    )
    return [finding for part in parts for finding in part]


def _of_a_primary(target: Row, primary: Row) -> Iterator[Finding]:
    """Nothing is to be done, unless there are two."""
    if primary.known and primary.started == target.started:
        return  # an address that moves with the primary has come here
    if not primary.known:
        if primary.listens:
            yield Finding(
                FENCE,
                primary.address,
                WARNING,
                "This server is a primary already. Something listens at {0} too, and could not be asked what it is{1}"
                ".".format(primary.address, _because(primary)),
                advice="Give primary_host and a login that works there.",
            )
    elif primary.system_identifier != target.system_identifier:
        yield _other_cluster(primary.address, primary.system_identifier, target, WARNING)
    elif not primary.standby:
        older = "this server" if target.timeline < primary.timeline else primary.address
        which = "the older one is {0}".format(older)
        if target.timeline == primary.timeline:
            which = "both say the same, so that does not tell which is the older one"
        yield Finding(
            SPLIT_BRAIN,
            primary.address,
            CRITICAL,
            "Two primaries of the same cluster take writes: this server on timeline {0}, {1} on timeline {2}; {3}. "
            "Nothing was done.".format(target.timeline, primary.address, primary.timeline, which),
            advice="Stop all writers now. Fence the one that is to go (pg_fence, or stop its service); keep its data "
            "directory until somebody has looked at what only it holds. Then rejoin it.",
        )


def _manager(target: Row, terms: Terms) -> Iterator[Finding]:
    found: Dict[str, List[str]] = {}
    for manager, trace in managers(target):
        found.setdefault(manager, []).append(trace)
    for manager, evidence in found.items():
        command = COMMANDS[manager].format(cluster=target.cluster_name or "<cluster>")
        yield Finding(
            MANAGER,
            manager,
            INFO if terms.ignore_manager else CRITICAL,
            "{0} seems to manage this cluster: {1}.".format(manager, ", ".join(evidence)),
            advice="Let it do the failover: {0}. Where these are leftovers and it does not run any more: "
            "ignore_manager=true.".format(command),
        )


def _identity(target: Row, primary: Row, control: Optional[Control]) -> Iterator[Finding]:
    if primary.known and primary.system_identifier != target.system_identifier:
        yield _other_cluster(primary.address, primary.system_identifier, target, CRITICAL)
    if control and control.system_identifier != target.system_identifier:
        yield _other_cluster("data directory", control.system_identifier, target, CRITICAL)


def _other_cluster(subject: str, identifier: str, target: Row, severity: str) -> Finding:
    return Finding(
        IDENTITY,
        subject,
        severity,
        "This is another cluster: its system identifier is {0}, that of the standby {1}.".format(
            identifier, target.system_identifier
        ),
        advice="Check primary_host, primary_port and the data directory: they are not of the server that this standby "
        "was made from.",
    )


def _cascade(target: Row, primary: Row) -> Iterator[Finding]:
    """One that is a standby and follows nobody is an old primary that was fenced and started again."""
    if primary.known and primary.started == target.started:
        yield Finding(
            IDENTITY,
            primary.address,
            CRITICAL,
            "What was given as the old primary is this standby itself.",
            advice="Give primary_host and primary_port of the server that this standby follows.",
        )
    elif primary.known and primary.standby and primary.follows:
        yield Finding(
            CASCADE,
            primary.address,
            CRITICAL,
            "What was given as the old primary is a standby itself, that follows another server.",
            advice="Give primary_host and primary_port of the server that takes the writes; promote the standby that "
            "follows it directly.",
        )


def _fence(primary: Row, terms: Terms) -> Iterator[Finding]:
    message, advice = "", ""
    if primary.known:
        if not primary.standby:
            message = "The old primary at {0} still takes writes.".format(primary.address)
            advice = "Fence it first: failover.yml does, or stop its service and see that nothing starts it again."
    elif primary.listens:
        message = "Something listens at {0}, and could not be asked whether it is a primary{1}.".format(
            primary.address, _because(primary)
        )
        advice = "Stop what runs there, or give primary_host and a login that works there."
    elif not terms.old_primary_is_fenced:
        message = "Nobody answers at {0}{1}. That is no proof that nobody writes there.".format(
            primary.address or "the old primary", _because(primary)
        )
        advice = (
            "See on its host that it is stopped and does not start again, or switch the machine off; then give "
            "old_primary_is_fenced=true."
        )
    if message:
        yield Finding(FENCE, primary.address or "primary", CRITICAL, message, advice=advice)


def _because(primary: Row) -> str:
    return " ({0})".format(primary.reason.rstrip(".")) if primary.reason else ""


def _replay(target: Row) -> Iterator[Finding]:
    waiting = bytes_text(max(0, (target.received or 0) - (target.replayed or 0)))
    if target.pause_state != "not paused":
        yield Finding(
            REPLAY,
            _STANDBY,
            CRITICAL,
            "Replay is {0}; {1} of received WAL wait.".format(target.pause_state, waiting),
            advice="SELECT pg_wal_replay_resume(), when it is known why it was paused.",
        )
    if target.replay_wait_type in _IN_THE_WAY or (target.replay_wait or "").startswith(_CONFLICT):
        yield Finding(
            REPLAY,
            _STANDBY,
            CRITICAL,
            "Replay waits for queries that run here ({0}); {1} of received WAL wait. A promotion would wait as "
            "well.".format(target.replay_wait or target.replay_wait_type, waiting),
            advice="End the long queries here: SELECT pid, query FROM pg_stat_activity WHERE state <> 'idle', then "
            "pg_terminate_backend(pid).",
        )


def _behind(target: Row, primary: Row, control: Optional[Control], terms: Terms) -> Iterator[Finding]:
    here = max(target.received or 0, target.replayed or 0)
    lost = lost_bytes(target, control)
    severity = WARNING if terms.accept_data_loss else CRITICAL
    accept = "" if terms.accept_data_loss else " To promote it nevertheless: accept_data_loss=true."
    if primary.known and not primary.standby:
        missing = primary.written - here
        wrong = ""
        if primary.timeline != target.timeline:
            wrong = "It is on timeline {0}, the old primary on {1}".format(target.timeline, primary.timeline)
        elif target.receiver_status != "streaming":
            wrong = "Its receiver is {0}".format(target.receiver_status or "not running")
        if wrong:
            yield Finding(
                LAG,
                _STANDBY,
                severity,
                "The standby does not follow the old primary: what it lacks does not come. {0}.".format(wrong),
                missing,
                "bytes",
                advice="Look at the log of the standby, and let it follow.{0}".format(accept),
            )
        elif missing > terms.max_lag_bytes:
            yield Finding(
                LAG,
                _STANDBY,
                severity,
                "The standby has not received the last {0} of WAL; {1} are allowed.".format(
                    bytes_text(missing), bytes_text(terms.max_lag_bytes)
                ),
                missing,
                "bytes",
                critical=terms.max_lag_bytes,
                advice="Wait until it has caught up (pg_stat_replication), or mend what holds it up.{0}".format(accept),
            )
    elif lost is not None:
        if lost:
            yield Finding(
                LOSS,
                _STANDBY,
                severity,
                "The last {0} of the old primary's WAL never came here: what they hold is lost. {1}".format(
                    bytes_text(lost), _last_transaction(target)
                ),
                lost,
                "bytes",
                advice="Start the old primary once more if that can be done: it sends the rest.{0}".format(accept),
            )
    else:
        ended = "it is not known how it ended"
        if control and control.ended_cleanly:
            ended = "it is on timeline {0}, and this standby on {1}".format(control.timeline, target.timeline)
        elif control:
            ended = "it did not end cleanly ('{0}')".format(control.state)
        yield Finding(
            LOSS,
            _STANDBY,
            severity,
            "How much is lost cannot be told, because {0}: all that was committed there and was not received here. {1} "
            "Nothing is lost where commits waited for this standby (synchronous_standby_names).".format(
                ended, _last_transaction(target)
            ),
            target.replay_seconds,
            "seconds",
            advice="Start the old primary once more if that can be done, and stop it cleanly.{0}".format(accept),
        )


def lost_bytes(target: Row, control: Optional[Control]) -> Optional[int]:
    """What a server that was shut down wrote last is its checkpoint, which holds no data itself. Positions of two
    timelines tell nothing about each other."""
    if control is None or not control.ended_cleanly or control.timeline != target.timeline:
        return None
    return max(0, control.checkpoint - max(target.received or 0, target.replayed or 0))


def _last_transaction(target: Row) -> str:
    if target.replay_seconds is None:
        return "No transaction was replayed here since the start."
    return "The last transaction that was replayed here was committed {0} ago.".format(
        seconds_text(max(0.0, target.replay_seconds))
    )


def _synchronous(target: Row) -> Iterator[Finding]:
    """Whether its clients let their commits wait is theirs to say (synchronous_commit): here nobody knows."""
    if target.synchronous_standby_names:
        yield Finding(
            SYNCHRONOUS,
            _STANDBY,
            CRITICAL,
            "synchronous_standby_names is '{0}' on this standby: as a primary, its commits would wait "
            "for these.".format(target.synchronous_standby_names),
            advice="On this server: ALTER SYSTEM SET synchronous_standby_names = ''; SELECT pg_reload_conf(); it works "
            "on a standby. Set it again when a replica follows the new primary.",
        )


def _others(primary: Row) -> Iterator[Finding]:
    """Only what could be asked of a primary that still answers is known."""
    if not primary.known or primary.standby:
        return
    if len(primary.replicas) > 1:
        yield Finding(
            REPLICAS,
            primary.address,
            INFO,
            "{0} replicas follow the old primary: {1}. All but this one have to follow the new one.".format(
                len(primary.replicas), ", ".join(primary.replicas)
            ),
            len(primary.replicas),
            advice="On each: ALTER SYSTEM SET primary_conninfo = '…'; SELECT pg_reload_conf(); after a slot for it was "
            "made on the new primary.",
        )
    if primary.logical_slots:
        yield Finding(
            SLOTS,
            primary.address,
            WARNING,
            "The old primary has logical slots that this standby may lack: {0}.".format(
                ", ".join(primary.logical_slots)
            ),
            len(primary.logical_slots),
            advice="Their consumers cannot go on from where they were, unless the slots are synchronised "
            "(PostgreSQL 17: failover, sync_replication_slots).",
        )


def plan_failover(target: Row) -> List[Step]:
    if not target.standby:
        return []
    waiting = max(0, (target.received or 0) - (target.replayed or 0))
    reason = "It is a standby on timeline {0}; {1} of received WAL are replayed first.".format(
        target.timeline, bytes_text(waiting)
    )
    return [Step(PROMOTE, _STANDBY, reason, {"timeline": target.timeline, "unreplayed_bytes": waiting})]


def refuse(findings: Iterable[Finding]) -> None:
    """One error with every reason against it, and what each wants. In the middle of the role it is this text that is
    read, so it also says how the role calls the confirmations."""
    against = [finding for finding in findings if finding.severity == CRITICAL]
    if against:
        raise Refused(
            "Not promoted. {0}".format(" ".join("{0} {1}".format(one.message, one.advice) for one in against)),
            "(In failover.yml the names of confirmations begin with pg_failover_.)",
        )


def judge_writes(proof: Row) -> List[Finding]:
    """Of a transaction that was made to see whether the new primary takes writes."""
    if proof.problem:
        return [
            Finding(
                WRITES,
                _SERVER,
                CRITICAL,
                "This server is a primary, but a transaction did not come to its end: {0}".format(proof.problem),
                advice="Look at synchronous_standby_names, at the disk and at the log of this server.",
            )
        ]
    if proof.read_only:
        return [
            Finding(
                WRITES,
                _SERVER,
                WARNING,
                "This server takes writes, but default_transaction_read_only is on for this role: most clients cannot "
                "write.",
                advice="Find out who set it; then ALTER SYSTEM RESET default_transaction_read_only and reload.",
            )
        ]
    return []


def failover_result(
    plan: Sequence[Step],
    done: Sequence[Step],
    findings: Iterable[Finding],
    after: Row,
    changed: bool,
    **more: Any,
) -> Dict[str, Any]:
    handled = {step.subject for step in done}
    left = [step for step in plan if step.subject not in handled]
    looked = check_result(findings, checks=list(ALL_CHECKS))
    acted = act_result(plan, done, left, changed)
    who = {"is_primary": not after.standby, "timeline": after.timeline, "system_identifier": after.system_identifier}
    return dict(looked, **acted, **who, **more)
