# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a server still takes writes, who can write all the same, and how it was before. Nothing here sets anything.

That new transactions only read is a default, which whoever is connected may put aside: a safeguard and no lock.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .._errors import Refused
from .finding import CRITICAL, INFO, WARNING, Finding
from .pg_terminate import Wanted, choose, is_backup, lacks_right
from .plan import Step
from .postgres_words import doing_text, identifier, literal, many, session_text, statement_text
from .rows import Row
from .text import printable, seconds_text

STOPPED, ALLOWED = "stopped", "allowed"
STOP_WRITES, ALLOW_WRITES = "stop_writes", "allow_writes"

SETTING = "default_transaction_read_only"
# Kept by the server itself, in the same file: whoever allows writes again may sit at another machine.
RECORD = "analytics_ops.writes_stopped"

HELD, OPEN, OVERRIDES, PREPARED = "writes.stopped", "writes.open", "writes.overrides", "writes.prepared"
PROOF, RUNNING, STANDBY, SUBSCRIPTIONS = "writes.proof", "writes.running", "writes.standby", "writes.subscriptions"
ALL_CHECKS = (OPEN, OVERRIDES, PREPARED, PROOF, RUNNING, STANDBY, HELD, SUBSCRIPTIONS)

_SERVER = "server"
ALLOW_COMMAND = (
    "ansible-playbook analytics.ops.triage --tags allow_writes --limit HOST -e triage_confirm_allow_writes=true"
)
# A setting from there holds for all sessions; from anywhere else for some of them.
_FOR_ALL = ("configuration file", "command line", "environment variable", "default")
_FROM = {
    "command line": "the command line that the server was started with",
    "database": "a setting of this database (ALTER DATABASE)",
    "user": "a setting of this role (ALTER ROLE)",
    "database user": "a setting of this role in this database (ALTER ROLE … IN DATABASE)",
}
# Processes of the server whose work is not a client's. What replication writes is told by its subscription.
_OF_THE_SERVER = ("autovacuum", "logical replication", "parallel", "walsender")
_UPKEEP = re.compile(r"(VACUUM|ANALYZE)\b", re.IGNORECASE)


class Record(NamedTuple):
    """``was`` is what postgresql.auto.conf said before, ``None`` where it said nothing."""

    was: Optional[str]
    by: str
    at: str

    def text(self) -> str:
        return json.dumps(self._asdict())

    @classmethod
    def read(cls, text: Optional[str]) -> Optional[Record]:
        """Anybody who may edit the file may have written it."""
        if not text:
            return None
        try:
            given = json.loads(text)
            was = given["was"]
            return cls(None if was is None else str(was), printable(given["by"], 80), printable(given["at"], 40))
        except (ValueError, TypeError, KeyError) as error:
            raise Refused(
                "{0} in postgresql.auto.conf is not what this module writes: {1}.".format(RECORD, printable(text, 80)),
                "Look what {0} was before, set it with ALTER SYSTEM, then ALTER SYSTEM RESET {1}; both need "
                "SELECT pg_reload_conf().".format(SETTING, RECORD),
            ) from error


def stopped_text(text: str) -> str:
    """For a look at a server, which does not fail because of what somebody has written there."""
    try:
        record = Record.read(text)
    except Refused:
        record = None
    return " since {0}, by {1}".format(record.at, record.by) if record else ""


def is_on(text: Optional[str]) -> bool:
    """As the server reads it: it takes every beginning of ``true`` and ``yes``."""
    word = (text or "").strip().lower()
    return bool(word) and (word in ("on", "1") or "true".startswith(word) or "yes".startswith(word))


def demand_rights(rights: Row, target: str) -> None:
    """All that is missing at once."""
    wants = (
        (rights.reads_files, "GRANT SELECT ON pg_file_settings TO {0}"),
        (rights.reads_files, "GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO {0}"),
        (rights.reloads, "GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {0}"),
        (rights.alters, "GRANT ALTER SYSTEM ON PARAMETER {1}, {2} TO {0}"),
    )
    missing = [grant.format(identifier(rights.role), SETTING, RECORD) for has, grant in wants if not has]
    if missing:
        only = "Before PostgreSQL 15 a superuser alone may: log in as one."
        raise Refused(
            "{0}: the role {1} may not stop or allow writes.".format(target, rights.role),
            "As a superuser: {0}.".format("; ".join(missing)) if rights.can_be_granted else only,
        )


def holds(proof: Row) -> bool:
    """Whether a write was refused because of what holds for the whole server."""
    return proof.refused and proof.source in _FOR_ALL


def is_masked(proof: Row) -> bool:
    """This role, or the database that it logged in to, has a setting of its own: its attempt says nothing of others."""
    return proof.source not in _FOR_ALL


def plan_stop(seen: Row, proof: Row, sessions: Sequence[Row], seconds: float) -> List[Step]:
    if holds(proof) or (is_masked(proof) and is_on(seen.setting)):
        return []
    reason = "It is set to 'on' with ALTER SYSTEM, for all databases; {0}.".format(_said(seen.setting))
    if is_on(seen.setting):
        reason = "It is 'on' in postgresql.auto.conf, which the server has not read: it is told to."
    busy = sum(_may_write(session) for session in sessions)
    if busy:
        reason += " {0} with an open transaction, up to {1}.".format(
            many(busy, "session is waited for", "sessions are waited for"), seconds_text(seconds)
        )
    return [Step(STOP_WRITES, SETTING, reason, {"before": seen.setting})]


def record_for(seen: Row) -> Optional[Record]:
    """What is to be remembered. What somebody else has set to 'on' is not ours to take back."""
    return None if is_on(seen.setting) else Record(seen.setting, seen.role, seen.now)


def plan_allow(seen: Row, record: Optional[Record]) -> List[Step]:
    """Exactly what was set is taken back: not what somebody has changed since."""
    if record is None:
        return []
    since = "Writes were stopped by {0} at {1}.".format(record.by, record.at)
    if not is_on(seen.setting):
        reason = "Somebody has changed it since, and it is left so; the record of that is removed."
    elif record.was is None:
        reason = "It is taken out of postgresql.auto.conf, where it was not before."
    else:
        reason = "It is set to '{0}' again, with ALTER SYSTEM, as before.".format(record.was)
    return [Step(ALLOW_WRITES, SETTING, "{0} {1}".format(reason, since), {"before": seen.setting})]


def _said(setting: Optional[str]) -> str:
    return "postgresql.auto.conf did not set it" if setting is None else "it was '{0}' there".format(setting)


def _may_write(session: Row) -> bool:
    """A transaction that began before, whether it has written or not: from outside nobody can tell what it will do."""
    if session.own or session.backend_type is None or session.backend_type.startswith(_OF_THE_SERVER):
        return False
    if _UPKEEP.match(statement_text(session.query)) and session.state == "active":
        return False  # allowed to those that only read, and changes no data
    return session.writes or (session.since is not None and not is_backup(session))


def open_before(sessions: Sequence[Row], cut: float) -> List[Row]:
    """Whose transaction began while writes were allowed. ``cut`` is when that ended, in seconds of the epoch."""
    return [one for one in sessions if _may_write(one) and one.since is not None and one.since < cut]


def choose_writers(sessions: Sequence[Row], cut: float, also: Sequence[str], own: str) -> Tuple[List[Step], List[Step]]:
    """Who has written and is to go, and who is spared, each by the rules of ``pg_terminate``. Who began to write after
    it was stopped would do so again."""
    plan: List[Step] = []
    spared: List[Step] = []
    for session in open_before(sessions, cut):
        if session.writes:
            wanted = Wanted(pid=session.pid, backend_start=session.backend_start, also=also)
            choice = choose([session], wanted, own)
            denied = lacks_right(choice.plan, [session])
            plan += [step for step in choice.plan if step not in denied]
            spared += [*choice.spared, *(_denied(step) for step in denied)]
    return plan, spared


def _denied(step: Step) -> Step:
    reason = "This role may not end it; grant pg_signal_backend, or log in as a superuser for a superuser's session. "
    return Step(step.action, step.subject, reason + step.reason, step.details)


def judge_sessions(sessions: Sequence[Row], cut: float) -> Iterator[Finding]:
    before = open_before(sessions, cut)
    for session in before:
        subject, doing = "session {0}".format(session.pid), doing_text(session)
        if session.writes:
            yield Finding(
                RUNNING,
                subject,
                CRITICAL,
                "{0} has been writing since before writes were stopped, and can go on and commit. It is {1}.".format(
                    session_text(session), doing
                ),
                advice="Wait for it and run this again, or let it be ended: terminate_writers=true (triage.yml: "
                "-e triage_stop_writes_terminate=true); a superuser's or a backup's also with the option 'also'.",
            )
        else:
            yield Finding(
                OPEN,
                subject,
                WARNING,
                "{0} began before writes were stopped. It has not written, and still can. It is {1}.".format(
                    session_text(session), doing
                ),
                advice="Wait for it and run this again, or end it with pg_terminate (pid: {0}).".format(session.pid),
            )
    for session in sessions:
        if session not in before and session.writes and _may_write(session):
            yield Finding(
                RUNNING,
                "session {0}".format(session.pid),
                CRITICAL,
                "{0} writes although writes are stopped: itself, its role or its database puts that aside. It is {1}."
                "".format(session_text(session), doing_text(session)),
                advice="Find out what it is. Ended, it would write again: stop its service, or let its role log in no "
                "more (BEGIN READ WRITE; ALTER ROLE {0} NOLOGIN; COMMIT), then end it with pg_terminate.".format(
                    identifier(session.user or "…")
                ),
            )


def judge_surroundings(seen: Row) -> Iterator[Finding]:
    """What can write although the default of the server says otherwise."""
    for one in seen.overrides:
        yield _override(one["role"], one["database"])
    for one in seen.prepared:
        yield Finding(
            PREPARED,
            "prepared transaction {0}".format(one["name"]),
            WARNING,
            "Prepared transaction '{0}' of {1} in database {2} has waited for {3}, and can still be committed.".format(
                one["name"], one["owner"], one["database"], seconds_text(one["seconds"])
            ),
            one["seconds"],
            "seconds",
            advice="Ask who coordinates it. To throw it away, in that database: ROLLBACK PREPARED {0}.".format(
                literal(one["name"])
            ),
        )
    for one in seen.subscriptions:
        yield Finding(
            SUBSCRIPTIONS,
            "subscription {0}".format(one["name"]),
            WARNING,
            "The subscription {0} of database {1} goes on writing what it receives.".format(
                one["name"], one["database"]
            ),
            advice="In that database: BEGIN READ WRITE; ALTER SUBSCRIPTION {0} DISABLE; COMMIT.".format(
                identifier(one["name"])
            ),
        )


def _override(role: Optional[str], database: Optional[str]) -> Finding:
    parts = ["role {0}".format(role)] if role else []
    parts += ["database {0}".format(database)] if database else []
    inside = " IN DATABASE {0}".format(identifier(database)) if role and database else ""
    what = "ROLE {0}".format(identifier(role)) if role else "DATABASE {0}".format(identifier(database or ""))
    if not parts:
        parts, what = ["all roles"], "ROLE ALL"
    return Finding(
        OVERRIDES,
        " in ".join(parts),
        WARNING,
        "Sessions of {0} can write: {1} is off there, which wins over the server's.".format(
            " in ".join(parts), SETTING
        ),
        advice="BEGIN READ WRITE; ALTER {0}{1} RESET {2}; COMMIT. That holds for new sessions: end those of now with "
        "pg_terminate.".format(what, inside, SETTING),
    )


def judge_standby() -> Finding:
    return Finding(
        STANDBY,
        _SERVER,
        INFO,
        "This server is a standby: it takes no writes, and nothing was changed here.",
        advice="Run this on its primary (SELECT sender_host FROM pg_stat_wal_receiver says which that is).",
    )


def judge_stopped(proof: Row, record: Optional[Record]) -> Finding:
    """Of the attempt to write that was made on a new connection after writes were stopped."""
    if proof.problem:
        return _untried(proof)
    if is_masked(proof):
        return Finding(
            PROOF,
            _SERVER,
            WARNING,
            "An attempt to write was {0}, but because of {1}: that proves nothing for others.".format(
                "refused" if proof.refused else "not refused", _where(proof)
            ),
            advice="Log in as a role, and to a database, without a setting of its own for {0}.".format(SETTING),
        )
    if not proof.refused:
        return Finding(
            PROOF,
            _SERVER,
            CRITICAL,
            "A new connection can still write: {0} comes from {1}.".format(SETTING, _where(proof)),
            advice="Look at the server's log: files of settings with an error are not read, and what stands on the "
            "command line wins over them.",
        )
    if record is None:
        return Finding(
            HELD,
            _SERVER,
            INFO,
            "Writes are stopped, and were so before: {0} comes from {1}.".format(SETTING, _where(proof)),
            advice="Whoever set it has to take it back; state=allowed leaves it alone.",
        )
    return Finding(
        HELD,
        _SERVER,
        INFO,
        "Writes are stopped since {0}, by {1}: an attempt on a new connection was refused.".format(
            record.at, record.by
        ),
        advice="When the cause is gone: {0}".format(ALLOW_COMMAND),
    )


def judge_allowed(proof: Row, written: Row) -> List[Finding]:
    """``written`` is a transaction that was committed on a new connection, to see whether that works."""
    if proof.problem:
        return [_untried(proof)]
    if proof.refused:
        return [
            Finding(
                PROOF,
                _SERVER,
                CRITICAL,
                "Writes are still refused, and not by what this module sets: {0} comes from {1}.".format(
                    SETTING, _where(proof)
                ),
                advice="Find out who set it and why; then take it out (ALTER SYSTEM, ROLE or DATABASE … RESET {0}; "
                "SELECT pg_reload_conf()).".format(SETTING),
            )
        ]
    if written.problem:
        return [
            Finding(
                PROOF,
                _SERVER,
                CRITICAL,
                "Writes are allowed, but a transaction did not come to its end: {0}".format(written.problem),
                advice="Look at synchronous_standby_names, at the disk and at the log of this server.",
            )
        ]
    return []


def _untried(proof: Row) -> Finding:
    return Finding(
        PROOF,
        _SERVER,
        CRITICAL,
        "Whether a new connection can write could not be tried: {0}".format(proof.problem),
        advice="Look at the server's log and at its connections, and run this again.",
    )


def _where(proof: Row) -> str:
    if proof.file:
        return "{0}, line {1}".format(proof.file, proof.line)
    return _FROM.get(proof.source, "its {0}".format(proof.source))


def told(state: str, findings: Sequence[Finding], changed: bool, check_mode: bool) -> str:
    """One line on what holds now."""
    for one in findings:
        if one.severity == CRITICAL or one.check == STANDBY:
            return one.message
    if check_mode:
        return "Writes would be {0}.".format(state) if changed else "Nothing is to be changed."
    return "Writes are {0}{1}.".format(state, "" if changed else " already")


def facts(seen: Row, record: Optional[Record]) -> Dict[str, Any]:
    return {
        "is_primary": not seen.standby,
        "before": record.was if record else None,
        "stopped_by": record.by if record else None,
        "stopped_at": record.at if record else None,
    }
