# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can still write and what is taken back; on real servers in ``tests/integration/test_pg_read_only.py``."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import Refused
from ansible_collections.analytics.ops.plugins.module_utils._judge.pg_read_only import (
    Record,
    choose_writers,
    demand_rights,
    facts,
    holds,
    is_masked,
    is_on,
    judge_allowed,
    judge_sessions,
    judge_standby,
    judge_stopped,
    judge_surroundings,
    open_before,
    plan_allow,
    plan_stop,
    record_for,
    told,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.rows import Row

from tests.support.postgres_rows import SESSION

OWN = "analytics.ops"
CUT = 1000.0
WRITER = SESSION.but(writes=True, since=999.0)
READER = WRITER.but(writes=False, query="SELECT 1")
SEEN = Row(
    standby=False, setting=None, record=None, role="ops", now="03:12", overrides=[], prepared=[], subscriptions=[]
)
STOPPED = Row(refused=True, problem="", source="configuration file", file="/data/postgresql.auto.conf", line=4)
WRITES = STOPPED.but(refused=False)
MASKED = STOPPED.but(source="user", file=None, line=None)
RECORD = Record(None, "ops", "03:12")
RIGHTS = Row(role="my ops", reads_files=True, reloads=True, alters=True, can_be_granted=True)


@pytest.mark.parametrize("text", ["on", "ON", " true ", "t", "tru", "yes", "y", "1"])
def test_what_the_server_takes_for_on(text: str) -> None:
    assert is_on(text)


@pytest.mark.parametrize("text", [None, "", "off", "o", "false", "no", "0", "truest"])
def test_what_it_does_not(text: Any) -> None:
    assert not is_on(text)


@pytest.mark.parametrize("was", [None, "off"])
def test_a_record_is_read_as_it_was_written(was: Any) -> None:
    record = Record(was, 'it\'s "me"', "2026-01-01 03:12:44+00")
    assert Record.read(record.text()) == record


def test_a_record_that_is_none() -> None:
    assert Record.read(None) is None
    assert Record.read("") is None
    for text in ("nonsense", "[]", "{}", '{"was": null}', '{"was": null, "by": "x"}', "7"):
        with pytest.raises(Refused, match="is not what this module writes") as refused:
            Record.read(text)
        assert "ALTER SYSTEM RESET analytics_ops.writes_stopped" in refused.value.advice
    hostile = Record.read('{"was": 1, "by": "a\\u001b[2J", "at": "b\\nc"}')
    assert hostile == Record("1", "a\\x1b[2J", "b c")


def test_missing_rights_are_told_at_once() -> None:
    demand_rights(RIGHTS, "here")
    with pytest.raises(Refused, match="here: the role my ops may not stop or allow writes") as refused:
        demand_rights(RIGHTS.but(reads_files=False, reloads=False, alters=False), "here")
    assert refused.value.advice == (
        'As a superuser: GRANT SELECT ON pg_file_settings TO "my ops"; '
        'GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO "my ops"; '
        'GRANT EXECUTE ON FUNCTION pg_reload_conf() TO "my ops"; GRANT ALTER SYSTEM ON PARAMETER '
        'default_transaction_read_only, analytics_ops.writes_stopped TO "my ops".'
    )
    with pytest.raises(Refused) as refused:
        demand_rights(RIGHTS.but(reloads=False), "here")
    assert refused.value.advice == 'As a superuser: GRANT EXECUTE ON FUNCTION pg_reload_conf() TO "my ops".'
    with pytest.raises(Refused) as refused:
        demand_rights(RIGHTS.but(alters=False, can_be_granted=False), "here")
    assert refused.value.advice == "Before PostgreSQL 15 a superuser alone may: log in as one."


@pytest.mark.parametrize(
    ("source", "for_all"),
    [
        ("configuration file", True),
        ("command line", True),
        ("environment variable", True),
        ("default", True),
        ("user", False),
        ("database", False),
        ("database user", False),
        ("client", False),
    ],
)
def test_whether_an_attempt_says_something_of_all_sessions(source: str, for_all: bool) -> None:
    assert (holds(STOPPED.but(source=source)), is_masked(STOPPED.but(source=source))) == (for_all, not for_all)
    assert not holds(WRITES.but(source=source))


@pytest.mark.parametrize(
    ("setting", "proof", "reason"),
    [
        (None, WRITES, "It is set to 'on' with ALTER SYSTEM, for all databases; postgresql.auto.conf did not set it."),
        ("off", WRITES, "It is set to 'on' with ALTER SYSTEM, for all databases; it was 'off' there."),
        ("on", WRITES, "It is 'on' in postgresql.auto.conf, which the server has not read: it is told to."),
        (None, MASKED, "It is set to 'on' with ALTER SYSTEM, for all databases; postgresql.auto.conf did not set it."),
        ("on", MASKED, ""),
        ("on", STOPPED, ""),
        (None, STOPPED, ""),
    ],
)
def test_what_is_set(setting: Any, proof: Row, reason: str) -> None:
    plan = plan_stop(SEEN.but(setting=setting), proof, [WRITER.but(own=True)], 30.0)
    assert [(step.action, step.subject, step.reason, step.details) for step in plan] == (
        [("stop_writes", "default_transaction_read_only", reason, {"before": setting})] if reason else []
    )


@pytest.mark.parametrize(
    ("sessions", "text"),
    [
        ([WRITER], " 1 session is waited for with an open transaction, up to 30 s."),
        ([WRITER, READER], " 2 sessions are waited for with an open transaction, up to 30 s."),
    ],
)
def test_who_will_be_waited_for_is_told(sessions: list[Row], text: str) -> None:
    (step,) = plan_stop(SEEN, WRITES, sessions, 30.0)
    assert step.reason.endswith(text)


@pytest.mark.parametrize(
    ("setting", "record"),
    [(None, Record(None, "ops", "03:12")), ("off", Record("off", "ops", "03:12")), ("on", None)],
)
def test_what_is_remembered(setting: Any, record: Any) -> None:
    assert record_for(SEEN.but(setting=setting)) == record


@pytest.mark.parametrize(
    ("setting", "record", "reason"),
    [
        ("on", RECORD, "It is taken out of postgresql.auto.conf, where it was not before."),
        ("on", Record("off", "ops", "03:12"), "It is set to 'off' again, with ALTER SYSTEM, as before."),
        ("off", RECORD, "Somebody has changed it since, and it is left so; the record of that is removed."),
    ],
)
def test_what_is_taken_back(setting: str, record: Record, reason: str) -> None:
    (step,) = plan_allow(SEEN.but(setting=setting), record)
    assert (step.action, step.subject) == ("allow_writes", "default_transaction_read_only")
    assert step.reason == reason + " Writes were stopped by ops at 03:12."
    assert step.details == {"before": setting}


def test_without_a_record_nothing_is_taken_back() -> None:
    assert plan_allow(SEEN.but(setting="on"), None) == []


@pytest.mark.parametrize(
    ("session", "counts"),
    [
        (WRITER, True),
        (READER, True),
        (WRITER.but(since=CUT), False),
        (WRITER.but(since=None), False),
        (READER.but(since=None, state="idle"), False),
        (WRITER.but(own=True), False),
        (WRITER.but(backend_type=None), False),
        (WRITER.but(backend_type="autovacuum worker"), False),
        (WRITER.but(backend_type="logical replication apply worker"), False),
        (WRITER.but(backend_type="parallel worker"), False),
        (READER.but(backend_type="walsender"), False),
        (WRITER.but(backend_type="pg_cron"), True),
        (READER.but(application="pg_dump"), False),
        (WRITER.but(application="pg_dump"), True),
        (WRITER.but(query="VACUUM orders", state="active"), False),
        (WRITER.but(query="analyze", state="active"), False),
        (WRITER.but(query="ANALYZE", state="idle in transaction"), True),
        (WRITER.but(query="VACUUMED", state="active"), True),
    ],
)
def test_who_began_before(session: Row, counts: bool) -> None:
    assert open_before([session, WRITER.but(pid=2)], CUT) == ([session] if counts else []) + [WRITER.but(pid=2)]


def test_who_goes_and_who_is_spared() -> None:
    sessions = [
        WRITER,
        READER.but(pid=2),
        WRITER.but(pid=3, superuser=True),
        WRITER.but(pid=4, application=OWN),
        WRITER.but(pid=5, may_signal=False),
        WRITER.but(pid=6, application="pg_restore", since=CUT),
        WRITER.but(pid=7, state="active"),
    ]
    plan, spared = choose_writers(sessions, CUT, [], OWN)
    assert [step.details["pid"] for step in plan] == [1, 7]
    assert {step.action for step in plan} == {"terminate"}
    reasons = {step.details["pid"]: step.reason.partition(";")[0].partition(". ")[0] for step in spared}
    assert reasons == {
        3: "Its user is a superuser",
        4: "It is a run of this collection",
        5: "This role may not end it",
    }
    assert (spared[2].action, spared[2].subject) == (
        "terminate",
        "Session 5 (application 'api', user app, database shop)",
    )
    assert spared[2].reason.endswith(
        "a superuser's session. It is idle in transaction for 1 min, last statement: UPDATE orders SET note = '…'."
    )
    plan, spared = choose_writers(sessions, CUT, ["superusers"], OWN)
    assert [step.details["pid"] for step in plan] == [1, 3, 7]
    assert [step.details["pid"] for step in spared] == [4, 5]


def about(findings: Any) -> list[tuple[str, str, str]]:
    return [(finding.check, finding.severity, finding.subject) for finding in findings]


def test_sessions_that_write_or_could() -> None:
    sessions = [
        WRITER,
        READER.but(pid=2),
        WRITER.but(pid=3, since=CUT),
        READER.but(pid=4, since=CUT),
        WRITER.but(pid=5, since=CUT, own=True),
        WRITER.but(pid=6, since=None, user=None),
    ]
    findings = list(judge_sessions(sessions, CUT))
    assert about(findings) == [
        ("writes.running", "critical", "session 1"),
        ("writes.open", "warning", "session 2"),
        ("writes.running", "critical", "session 3"),
        ("writes.running", "critical", "session 6"),
    ]
    assert findings[0].message == (
        "Session 1 (application 'api', user app, database shop) has been writing since before writes were stopped, and "
        "can go on and commit. It is idle in transaction for 1 min, last statement: UPDATE orders SET note = '…'."
    )
    assert "terminate_writers=true" in findings[0].advice
    assert "It has not written, and still can." in findings[1].message
    assert findings[1].advice.endswith("end it with pg_terminate (pid: 2).")
    assert "writes although writes are stopped" in findings[2].message
    assert "ALTER ROLE app NOLOGIN" in findings[2].advice


@pytest.mark.parametrize(
    ("role", "database", "subject", "command"),
    [
        ("my app", None, "role my app", 'ALTER ROLE "my app" RESET'),
        ("app", "shop", "role app in database shop", "ALTER ROLE app IN DATABASE shop RESET"),
        (None, "Shop", "database Shop", 'ALTER DATABASE "Shop" RESET'),
        (None, None, "all roles", "ALTER ROLE ALL RESET"),
    ],
)
def test_a_setting_that_wins(role: Any, database: Any, subject: str, command: str) -> None:
    (finding,) = judge_surroundings(SEEN.but(overrides=[{"role": role, "database": database}]))
    assert about([finding]) == [("writes.overrides", "warning", subject)]
    assert finding.message.startswith(f"Sessions of {subject} can write")
    assert finding.advice.startswith(f"BEGIN READ WRITE; {command} default_transaction_read_only; COMMIT.")


def test_what_else_goes_round_it() -> None:
    prepared = {"name": "it's", "owner": "app", "database": "shop", "seconds": 90.0}
    seen = SEEN.but(prepared=[prepared], subscriptions=[{"name": "Feed", "database": "shop"}])
    first, second = judge_surroundings(seen)
    assert about([first, second]) == [
        ("writes.prepared", "warning", "prepared transaction it's"),
        ("writes.subscriptions", "warning", "subscription Feed"),
    ]
    assert (first.value, first.unit) == (90.0, "seconds")
    assert "has waited for 1 min 30 s, and can still be committed." in first.message
    assert first.advice.endswith("ROLLBACK PREPARED 'it''s'.")
    assert 'ALTER SUBSCRIPTION "Feed" DISABLE' in second.advice
    assert list(judge_surroundings(SEEN)) == []


@pytest.mark.parametrize(
    ("proof", "record", "check", "severity", "text"),
    [
        (STOPPED, RECORD, "writes.stopped", "info", "Writes are stopped since 03:12, by ops: an attempt"),
        (STOPPED, None, "writes.stopped", "info", "comes from /data/postgresql.auto.conf, line 4."),
        (WRITES.but(source="command line", file=None), RECORD, "writes.proof", "critical", "the command line that"),
        (WRITES.but(source="default", file=None), RECORD, "writes.proof", "critical", "comes from its default."),
        (MASKED, RECORD, "writes.proof", "warning", "was refused, but because of a setting of this role (ALTER ROLE)"),
        (MASKED.but(refused=False), RECORD, "writes.proof", "warning", "was not refused, but because of a setting"),
        (STOPPED.but(problem="It is full."), RECORD, "writes.proof", "critical", "could not be tried: It is full."),
    ],
)
def test_what_the_attempt_says(proof: Row, record: Any, check: str, severity: str, text: str) -> None:
    finding = judge_stopped(proof, record)
    assert (finding.check, finding.severity, finding.subject) == (check, severity, "server")
    assert text in finding.message


def test_the_next_command_is_told() -> None:
    assert judge_stopped(STOPPED, RECORD).advice == (
        "When the cause is gone: ansible-playbook analytics.ops.triage --tags allow_writes --limit HOST "
        "-e triage_confirm_allow_writes=true"
    )
    assert "state=allowed leaves it alone" in judge_stopped(STOPPED, None).advice


@pytest.mark.parametrize(
    ("proof", "problem", "text"),
    [
        (WRITES, "", ""),
        (WRITES, "it waits.", "a transaction did not come to its end: it waits."),
        (
            STOPPED,
            "",
            "and not by what this module sets: default_transaction_read_only comes from /data",
        ),
        (MASKED, "", "comes from a setting of this role (ALTER ROLE)."),
        (WRITES.but(problem="It is gone."), "", "could not be tried: It is gone."),
    ],
)
def test_whether_writes_work_again(proof: Row, problem: str, text: str) -> None:
    findings = judge_allowed(proof, Row(problem=problem))
    assert about(findings) == ([("writes.proof", "critical", "server")] if text else [])
    assert not text or text in findings[0].message


@pytest.mark.parametrize(
    ("findings", "changed", "check_mode", "text"),
    [
        ([], True, False, "Writes are stopped."),
        ([], False, False, "Writes are stopped already."),
        ([], True, True, "Writes would be stopped."),
        ([], False, True, "Nothing is to be changed."),
        ([judge_stopped(STOPPED, RECORD)], True, False, "Writes are stopped."),
        ([judge_stopped(MASKED, RECORD)], True, False, "Writes are stopped."),
    ],
)
def test_one_line_for_all(findings: list[Any], changed: bool, check_mode: bool, text: str) -> None:
    assert told("stopped", findings, changed, check_mode) == text


def test_one_line_when_it_is_not_so() -> None:
    critical, standby = judge_stopped(WRITES, RECORD), judge_standby()
    for check_mode in (False, True):
        assert told("stopped", [critical], True, check_mode) == critical.message
        assert told("allowed", [standby], False, check_mode) == standby.message
    assert standby.severity == "info"
    assert "takes no writes" in standby.message


def test_facts() -> None:
    assert facts(SEEN, Record("off", "ops", "03:12")) == {
        "is_primary": True,
        "before": "off",
        "stopped_by": "ops",
        "stopped_at": "03:12",
    }
    nothing = {"is_primary": False, "before": None, "stopped_by": None, "stopped_at": None}
    assert facts(SEEN.but(standby=True), None) == nothing
