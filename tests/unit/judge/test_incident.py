# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.escalation import DEFAULT, Escalation
from ansible_collections.analytics.ops.plugins.module_utils._judge.incident import (
    MOST_ENTRIES,
    Record,
    as_text,
    clean,
    findings,
    joining,
    line,
    lines_for,
    markdown,
    new_id,
    read_record,
    seconds_of,
    steps_of,
    time_of,
    told,
    valid_name,
)

NOW = 1767225600.5
TEXTS: dict[str, Any] = dict.fromkeys(("title", "owner", "what", "result", "host", "asked"))
GIVEN = {**TEXTS, "who": "alice", "severity": "P1"}
NOTHING = told({}, [], "alice", NOW)


def record(*lines: dict[str, Any]) -> Record:
    opened = line("opened", NOW, "alice", severity="P1", title="It is down", owner="bob")
    found = read_record("2026-01-01-x", as_text([opened, *lines]).encode())
    assert found
    return found


def wave(host_time: float, outcome: str = "ready", **more: Any) -> dict[str, Any]:
    happened = {"time": host_time, "service": "api", "event": outcome, "message": "it said so"}
    return {"timeline": [happened], "services": {"api": {"outcome": outcome}}, "findings": [], **more}


def test_times_are_written_in_utc_and_read_again() -> None:
    assert time_of(NOW) == "2026-01-01T00:00:00.500Z"
    assert seconds_of(time_of(NOW)) == NOW
    assert seconds_of("2026-01-01T00:00:00.500") == NOW
    assert seconds_of("2026-01-01T02:00:00.500+02:00") == NOW


def test_texts_are_one_line_without_secrets() -> None:
    assert clean("a\npassword=hunter2 \x1b[2J") == "a password=******** \\x1b[2J"
    assert len(clean("x" * 5000)) == 1000


def test_the_second_incident_of_a_day_has_a_number() -> None:
    assert new_id("down", NOW, []) == "2026-01-01-down"
    assert new_id("down", NOW, ["2026-01-01-down", "2026-01-01-down-2"]) == "2026-01-01-down-3"


@pytest.mark.parametrize("name", ["", "../x", "-x", "a b", "x" * 81])
def test_a_name_has_to_be_good_for_a_file(name: str) -> None:
    with pytest.raises(InputError, match="name is"):
        valid_name("name", name)
    assert valid_name("name", "x" * 80) == "x" * 80


def test_a_record_is_what_its_lines_say() -> None:
    found = record(line("entry", NOW - 5, "carl", what="looked", result="saw"))
    assert (found.severity, found.title, found.owner, found.opened_at) == ("P1", "It is down", "bob", NOW)
    assert found.is_open
    assert [entry["who"] for entry in found.entries] == ["carl", "alice"], "in the order of time"
    assert found.as_dict() == {
        "id": "2026-01-01-x",
        "severity": "P1",
        "title": "It is down",
        "owner": "bob",
        "opened_at": "2026-01-01T00:00:00.500Z",
        "closed_at": None,
        "entries": 2,
    }


def test_it_is_closed_and_may_be_opened_again() -> None:
    closed = record(line("closed", NOW + 9, "alice"))
    assert not closed.is_open
    assert closed.as_dict()["closed_at"] == time_of(NOW + 9)
    again = record(line("closed", NOW + 9, "alice"), joining(closed, NOW + 10, "bob", "P3", "once more"))
    assert again.is_open
    assert (again.severity, again.opened_at) == ("P1", NOW)


@pytest.mark.parametrize(("severity", "holds"), [("P0", "P0"), ("P1", "P1"), ("P2", "P1")])
def test_of_two_severities_the_worse_one_holds(severity: str, holds: str) -> None:
    joined = joining(record(), NOW + 1, "bob", severity, "helps")
    assert (joined["event"], joined["severity"], joined["what"]) == ("joined", holds, "helps")
    assert record(joined).severity == holds


def test_what_was_added_last_is_not_told_by_a_clock_that_goes_ahead() -> None:
    found = record(line("entry", NOW + 5, "a", what="x"), line("entry", NOW + 500, "a", what="x"))
    assert found.last(NOW + 5) == NOW + 5
    assert found.last(NOW - 1) == NOW


def test_damaged_lines_are_counted_and_passed_over() -> None:
    opened = as_text([line("opened", NOW, "alice", severity="P9")]).encode()
    bad = [b"half a li", b"[]", b"{}", b'{"event": "entry", "time": 5}', b'{"event": "entry", "time": "soon"}']
    bad += [
        b'{"event": "other", "time": "2026-01-01T00:00:00Z"}',
        b'{"event": "entry", "time": "2200-01-01T00:00:00Z"}',
    ]
    bad += [b'{"event": "entry", "time": "1960-01-01T00:00:00Z"}', b"\xff\xfe", b'{"event": []}', b"[" * 100000]
    found = read_record("x", b"\n".join([*bad, b"", opened]))
    assert found
    assert found.damaged == len(bad)
    assert found.severity == "P0", "a severity that is none is taken for the worst"
    assert len(found.entries) == 1
    assert read_record("x", b"\n".join(bad)) is None
    evil = read_record("x", opened + json.dumps({"event": "entry", "time": "2026-01-01", "what": "\x1b[2J"}).encode())
    assert evil
    assert evil.entries[0]["what"] == "\\x1b[2J"


def test_the_timelines_of_all_hosts_are_one() -> None:
    early = wave(NOW - 20, message="")
    seen = told({"h1": wave(NOW - 10), "h2": early, "h3": None, "h4": {}}, [], "alice", NOW)
    assert [(one["host"], one["what"], one["result"]) for one in seen.lines] == [
        ("h2", "api: ready", "it said so"),
        ("h1", "api: ready", "it said so"),
    ]
    assert [one["time"] for one in seen.lines] == [time_of(NOW - 20), time_of(NOW - 10)]
    assert seen.summary == "2 ready."
    assert seen.is_well


def test_what_went_wrong_is_in_the_sum() -> None:
    bad = [{"severity": severity, "message": f"{severity} it is."} for severity in ("critical", "warning", "info")]
    seen = told({"h1": wave(NOW, "failed", findings=bad), "h2": wave(NOW)}, ["h9", "h8"], "alice", NOW)
    assert seen.summary.splitlines() == [
        "1 failed, 1 ready.",
        "h1: critical it is.",
        "h1: warning it is.",
        "Failed or out of reach: h8, h9.",
    ]
    assert not seen.is_well
    assert [(one["host"], one["what"], one["time"]) for one in seen.lines[-2:]] == [
        ("h8", "host lost", time_of(NOW)),
        ("h9", "host lost", time_of(NOW)),
    ]
    assert not told({"h1": {"findings": bad[1:2]}}, [], "a", NOW).is_well
    assert told({"h1": {"findings": bad[2:]}}, [], "a", NOW).is_well
    assert not told({}, ["h1"], "a", NOW).is_well
    assert told({"h1": {}}, [], "a", NOW).summary == "Nothing was done."
    assert (NOTHING.summary, NOTHING.is_well, NOTHING.lines) == ("", True, ())


def test_of_very_many_findings_ten_are_told() -> None:
    def lines(count: int) -> list[str]:
        many = [{"severity": "critical", "message": str(number)} for number in range(count)]
        return told({"h": {"findings": many}}, [], "a", NOW).summary.splitlines()

    assert lines(10)[-1] == "h: 9."
    assert lines(12)[-2:] == ["h: 9.", "and 2 more."]


def test_nothing_of_a_host_is_taken_unseen() -> None:
    odd = [{"time": time} for time in ("now", None, True, -1, 4102444801, float("inf"))]
    result = {"timeline": [*odd, "x", {"time": 0}], "services": {"a": "x", "b": {}}, "findings": ["x", {}]}
    seen = told({"h": result, "i": {"timeline": "x", "services": [], "findings": {}}}, [], "a", NOW)
    assert [one["what"] for one in seen.lines] == [": "]
    assert seen.summary == "1 ."
    flood = {"timeline": [{"time": NOW, "service": "a", "event": "b"}] * (MOST_ENTRIES + 1)}
    assert len(told({"h": flood}, [], "a", NOW).lines) == MOST_ENTRIES


def test_opening_and_going_on() -> None:
    opened = lines_for("opened", {**GIVEN, "title": "Down", "what": "shutdown"}, None, NOTHING, NOW)
    assert opened == [
        {
            "event": "opened",
            "time": time_of(NOW),
            "who": "alice",
            "severity": "P1",
            "title": "Down",
            "owner": "alice",
            "what": "shutdown",
        }
    ]
    assert lines_for("opened", {**GIVEN, "owner": "bob"}, None, NOTHING, NOW)[0]["owner"] == "bob"
    joined = lines_for("opened", {**GIVEN, "title": "Up again"}, record(), NOTHING, NOW)
    assert [(one["event"], one["what"]) for one in joined] == [("joined", "Up again")]
    assert lines_for("opened", GIVEN, record(), NOTHING, NOW)[0].get("what") is None


def test_adding() -> None:
    seen = told({"h1": wave(NOW)}, [], "alice", NOW)
    added = lines_for("added", {**GIVEN, "what": "recovery"}, record(), seen, NOW)
    assert [(one["event"], one.get("what"), one.get("result")) for one in added] == [
        ("entry", "api: ready", "it said so"),
        ("entry", "recovery", "1 ready."),
    ]
    own = lines_for("added", {**GIVEN, "result": "mine", "asked": "the manager", "host": "h1"}, record(), seen, NOW)
    assert (own[-1]["result"], own[-1]["asked"], own[-1]["host"]) == ("1 ready. mine", "the manager", "h1")
    assert lines_for("added", {**GIVEN, "result": "mine"}, record(), NOTHING, NOW)[0]["result"] == "mine"
    assert lines_for("added", GIVEN, record(), NOTHING, NOW) == []


def test_what_nobody_opened_is_opened_by_what_is_noted() -> None:
    lines = lines_for("added", {**GIVEN, "title": "Down", "what": "looked"}, None, NOTHING, NOW)
    assert [(one["event"], one.get("title"), one.get("what")) for one in lines] == [
        ("opened", "Down", None),
        ("entry", None, "looked"),
    ]
    closed = lines_for("closed", {**GIVEN, "what": "mended"}, None, NOTHING, NOW)
    assert [one["event"] for one in closed] == ["opened", "closed"]
    assert [lines_for(state, GIVEN, None, NOTHING, NOW) for state in ("added", "closed")] == [[], []]
    gone = told({}, ["h1"], "alice", NOW)
    assert [one["event"] for one in lines_for("added", GIVEN, None, gone, NOW)] == ["opened", "entry", "entry"]


def test_closing_only_when_all_is_well() -> None:
    good, bad = told({"h1": wave(NOW)}, [], "a", NOW), told({}, ["h1"], "a", NOW)
    assert [one["event"] for one in lines_for("closed", GIVEN, record(), good, NOW)] == ["entry", "closed"]
    assert [one["event"] for one in lines_for("closed", GIVEN, record(), bad, NOW)] == ["entry", "entry"]
    closed = record(line("closed", NOW + 1, "alice"))
    assert lines_for("closed", GIVEN, closed, NOTHING, NOW) == []
    assert [one["event"] for one in lines_for("closed", {**GIVEN, "what": "x"}, closed, NOTHING, NOW)] == ["entry"]


def test_a_step_for_each_turn_and_one_for_all_entries() -> None:
    one = line("entry", NOW, "a", host="h1", what="api: start")
    lines = [line("opened", NOW, "a", title="Down"), one, line("closed", NOW, "a", what="up")]
    assert [(step.action, step.reason) for step in steps_of(lines, "x")] == [
        ("open_incident", "Down"),
        ("close_incident", "up"),
        ("note", "h1: api: start"),
    ]
    assert [step.reason for step in steps_of([one, line("entry", NOW, "a", result="done")], "x")] == [
        "2 entries; the last: done"
    ]
    assert [step.action for step in steps_of([joining(record(), NOW, "a", "P1", "")], "x")] == ["join_incident"]
    assert {step.subject for step in steps_of(lines, "x")} == {"x"}


def test_who_is_asked_follows_from_the_entries() -> None:
    assert record().escalation(DEFAULT["P1"], NOW).ask == "whoever is on call"
    worked_on = record(line("entry", NOW + 1, "bob", what="looks"))
    assert worked_on.escalation(DEFAULT["P1"], NOW).ask == "a senior engineer"
    asked = record(line("entry", NOW + 1, "bob", asked="a senior engineer"))
    assert asked.escalation(DEFAULT["P1"], NOW).ask == "the manager"
    assert record(line("closed", NOW + 1, "bob")).escalation(DEFAULT["P1"], NOW + 99999) == Escalation()


def test_findings() -> None:
    assert findings(record(), Escalation("x", NOW), "") == []
    damaged = read_record("y", as_text([line("opened", NOW, "a")]).encode() + b"{")
    assert damaged
    found = findings(damaged, Escalation("the manager", NOW, 60.0), "no space")
    assert [(one.check, one.subject, one.severity, one.message) for one in found] == [
        ("incident.record", "y", "warning", "no space"),
        ("incident.record", "y", "warning", "1 lines of the record cannot be read."),
        ("incident.escalation", "y", "warning", "The manager should have been asked 1 min ago."),
    ]
    assert "'asked: the manager'" in found[-1].advice


def test_a_ticket_holds_nothing_but_text() -> None:
    found = record(
        line("entry", NOW + 1, "carl", host="h1", what="a | b", result="<img src=x> [a](http://evil.example) @all"),
        line("entry", NOW + 2, "carl", asked="the manager"),
    )
    text = markdown(found, Escalation("the manager", NOW, 60.0))
    assert text.startswith("# P1: It is down\n\n- incident: `2026-01-01-x`\n- owner: bob\n")
    assert "- The manager should have been asked 1 min ago.\n" in text
    assert "| 2026-01-01 00:00:00.500 | alice |  | opened |  |" in text
    assert "a ¦ b" in text
    assert "<img" not in text
    assert "`[a](http://evil.example)`" in text
    assert "@all" not in text
    assert "entry (asked: the manager)" in text.replace("\\", "")
    closed = markdown(record(line("closed", NOW + 60, "bob")), Escalation())
    assert "closed at 2026-01-01 00:01:00.500\n" in closed
    assert "asked" not in closed
    bare = read_record("x", as_text([line("opened", NOW, "")]).encode())
    assert bare
    assert "# P0: x\n" in markdown(bare, Escalation())
    assert "- owner: nobody\n" in markdown(bare, Escalation())
