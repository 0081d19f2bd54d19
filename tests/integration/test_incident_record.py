# SPDX-License-Identifier: GPL-3.0-or-later
"""``incident_record`` on a real file system: many writers, full disks, damaged files."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import resource
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._act.incident import Incidents
from ansible_collections.analytics.ops.plugins.module_utils._judge.incident import as_text, line, time_of

from tests.support.modules import found, module_result, run_module, start_module
from tests.support.surroundings import mounted, needs_mounts, needs_root


def note(directory: Path, **options: Any) -> dict[str, Any]:
    return run_module("incident_record", directory=str(directory), **{"who": "alice", "name": "down", **options})


def written(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in Path(result["file"]).read_text().splitlines()]


def wave(event: str, at: float, outcome: str = "ready", **more: Any) -> dict[str, Any]:
    happened = {"time": at, "service": "api", "event": event, "message": ""}
    return {"timeline": [happened], "services": {"api": {"outcome": outcome}}, "findings": [], **more}


def test_an_incident_from_its_opening_to_its_end(tmp_path: Path) -> None:
    records = tmp_path / "incidents"
    opened = note(records, title="Nobody can log in", severity="P1", owner="bob")
    assert opened["changed"]
    assert (opened["incident"]["severity"], opened["incident"]["owner"]) == ("P1", "bob")
    assert opened["escalation"]["ask"] == "whoever is on call"
    assert stat.S_IMODE(os.stat(opened["file"]).st_mode) == 0o640
    assert stat.S_IMODE(records.stat().st_mode) & 0o007 == 0

    joined = note(records, title="Emergency recovery", severity="P0", who="carl")
    assert joined["incident"]["id"] == opened["incident"]["id"]
    assert joined["incident"]["severity"] == "P0"
    assert [step["action"] for step in joined["done"]] == ["join_incident"]

    now = time.time()
    bad = {"severity": "critical", "message": "api did not come up: token=geheim123456."}
    results = {"h2": wave("failed", now, "failed", findings=[bad]), "h1": wave("start", now - 9)}
    still = note(records, state="closed", what="recovery", results=results, lost=["h3"])
    assert not still["well"]
    assert still["incident"]["closed_at"] is None, "what is not well is not closed"
    assert "Failed or out of reach: h3." in still["summary"]

    asked = note(records, state="added", what="Called the manager", asked="the manager")
    assert asked["escalation"]["ask"] == "a senior engineer"

    closed = note(records, state="closed", what="recovery", results={"h1": wave("ready", now)})
    assert closed["incident"]["closed_at"]
    assert closed["escalation"]["ask"] == ""
    lines = written(closed)
    assert [one["event"] for one in lines] == ["opened", "joined", *["entry"] * 6, "closed"]
    assert [(one["host"], one["what"]) for one in lines[2:5]] == [
        ("h1", "api: start"),
        ("h2", "api: failed"),
        ("h3", "host lost"),
    ]
    assert "geheim" not in Path(closed["file"]).read_text()

    again = note(records, state="closed", id=closed["incident"]["id"])
    assert not again["changed"]
    assert written(again) == lines
    shown = note(records, state="shown", id=opened["incident"]["id"])
    assert not shown["changed"]
    assert shown["markdown"].count("\n| 20") == len(lines)
    assert "# P0: Nobody can log in" in shown["markdown"]


def test_what_is_gone_on_with_is_open_and_not_old(tmp_path: Path) -> None:
    first = note(tmp_path)
    assert note(tmp_path, join_seconds=0)["incident"]["id"] == first["incident"]["id"] + "-2"
    youngest = note(tmp_path, state="added", what="x", id=first["incident"]["id"])
    assert note(tmp_path)["incident"]["id"] == youngest["incident"]["id"]
    note(tmp_path, state="closed", id=first["incident"]["id"])
    assert note(tmp_path)["incident"]["id"] == first["incident"]["id"] + "-2"
    again = note(tmp_path, id=first["incident"]["id"])
    assert again["incident"]["closed_at"] is None
    other = tmp_path / "other"
    other.mkdir()
    (other / "2020-01-01-x.jsonl").write_text(as_text([line("opened", time.time() - 90000, "a", severity="P2")]))
    assert note(other, join_seconds=86400)["incident"]["id"].endswith("-down")
    (other / "notes.txt").write_text("of somebody else")
    late = note(other, state="shown", id="2020-01-01-x")
    assert found(late, "incident.escalation")[0]["severity"] == "warning"
    assert late["status"] == "degraded"


def test_check_mode_says_what_would_be_written(tmp_path: Path) -> None:
    records = tmp_path / "incidents"
    would = note(records, check_mode=True, title="Down")
    assert would["changed"]
    assert (would["done"], would["remaining"][0]["action"]) == ([], "open_incident")
    assert would["incident"]["id"].endswith("-down")
    assert not records.exists()
    opened = note(records)
    before = written(opened)
    would = note(records, check_mode=True, state="closed")
    assert [step["action"] for step in would["plan"]] == ["close_incident"]
    assert written(opened) == before


def test_of_many_writers_none_loses_an_entry(tmp_path: Path) -> None:
    """Ten processes open, all at the same moment, and add: one incident, with everything."""
    processes = multiprocessing.get_context("fork")
    together = processes.Barrier(10)

    def write(number: int) -> None:
        files = Incidents(str(tmp_path))
        together.wait(timeout=60)
        for turn in range(20):
            with files.guard():
                record = files.youngest_open(time.time(), 600)
                event = "entry" if record else "opened"
                text = as_text([line(event, time.time(), f"w{number}", what=str(turn), result="x" * 500)])
                files.append(record.id if record else "one", text)

    writers = [processes.Process(target=write, args=(number,)) for number in range(10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
    assert [writer.exitcode for writer in writers] == [0] * 10
    lines = [json.loads(text) for text in (tmp_path / "one.jsonl").read_text().splitlines()]
    assert {(one["who"], one["what"]) for one in lines} == {
        (f"w{n}", str(turn)) for n in range(10) for turn in range(20)
    }
    assert [path.name for path in tmp_path.iterdir()] == ["one.jsonl"]


def test_runs_at_once_are_one_incident(tmp_path: Path) -> None:
    options = {"directory": str(tmp_path / "new"), "name": "down"}
    runs = [start_module("incident_record", **options, who=f"w{number}") for number in range(4)]
    results = [module_result(run) for run in runs]
    assert len({result["incident"]["id"] for result in results}) == 1
    assert sorted(one["who"] for one in written(results[0])) == ["w0", "w1", "w2", "w3"]


def unwritten(result: dict[str, Any], why: str) -> None:
    assert not result["failed"]
    assert not result["changed"]
    finding = found(result, "incident.record")[0]
    assert finding["severity"] == "warning"
    assert why in finding["message"]
    assert result["incident"]["id"], "messages to channels need it"
    assert result["remaining"]


@needs_mounts
def test_a_full_disk_is_said_and_stops_nothing(tmp_path: Path) -> None:
    fill = f"mount -t tmpfs -o size=16k none {tmp_path}; head -c 16k /dev/zero > {tmp_path}/full || true"
    unwritten(note(tmp_path / "new", within=mounted(fill)), "No space left on device")
    short = f"mount -t tmpfs -o size=16k none {tmp_path}; head -c 12k /dev/zero > {tmp_path}/full"
    long = wave("ready", time.time())
    long["timeline"] *= 200
    result = note(tmp_path, state="added", results={"h": long}, within=mounted(short))
    unwritten(result, "No space left on device")
    assert "200" in result["remaining"][1]["reason"] or "201" in result["remaining"][1]["reason"]


def test_what_the_disk_cuts_short_is_taken_back(tmp_path: Path) -> None:
    opened = note(tmp_path)
    before = Path(opened["file"]).read_bytes()
    files = Incidents(str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        with files.guard(), pytest.raises(Exception, match="cannot be written: No space left"):
            files.append(opened["incident"]["id"], as_text([line("entry", time.time(), "a", what="x" * 100)]))
        with files.guard(), pytest.raises(Exception, match="cannot be written"):
            files.append("another", as_text([line("opened", time.time(), "a", what="x" * 900)]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert Path(opened["file"]).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [Path(opened["file"]).name]


def test_half_a_line_of_a_machine_that_went_down_spoils_no_other(tmp_path: Path) -> None:
    opened = note(tmp_path)
    with open(opened["file"], "a") as file:
        file.write('{"event": "entry", "ti')
    added = note(tmp_path, state="added", what="after")
    assert added["incident"]["entries"] == 2
    assert found(added, "incident.record")[0]["value"] == 1
    assert Path(added["file"]).read_text().splitlines()[-1].endswith('"what": "after"}')


@pytest.mark.parametrize("directory", ["/no/such/place", "/dev/null", "/sys/incidents"])
def test_a_place_that_is_none_is_said_and_stops_nothing(directory: str) -> None:
    for state in ("opened", "added", "closed"):
        unwritten(note(Path(directory), state=state, title="Down", what="x"), f"in {directory} cannot be used")


@needs_root
def test_a_directory_without_rights_is_said_and_stops_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    nobody = ["setpriv", "--reuid", "65534", "--clear-groups", "--"]
    unwritten(note(tmp_path / "new", within=nobody), "Permission denied")


def test_what_is_no_file_is_not_followed(tmp_path: Path) -> None:
    identity = f"{time_of(time.time())[:10]}-down"
    (tmp_path / "precious").write_text("precious")
    (tmp_path / f"{identity}.jsonl").symlink_to(tmp_path / "precious")
    unwritten(note(tmp_path, id=identity), "cannot be read")
    assert (tmp_path / "precious").read_text() == "precious"
    (tmp_path / f"{identity}.jsonl").unlink()
    os.mkfifo(tmp_path / f"{identity}.jsonl")
    unwritten(note(tmp_path, id=identity), "is no file")


def test_a_guard_that_is_never_given_back_is_said(tmp_path: Path) -> None:
    guard = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        unwritten(note(tmp_path), f"Another process has kept {tmp_path} locked for 5 seconds.")
    finally:
        os.close(guard)


def test_without_a_directory_nothing_is_kept(tmp_path: Path) -> None:
    now = time.time()
    bad = {"severity": "critical", "message": "api did not come up."}
    result = run_module("incident_record", state="closed", what="x", name="down", results={"h": wave("failed", now)})
    assert (result["changed"], result["plan"], result["findings"]) == (False, [], [])
    assert result["incident"]["id"] == f"{time_of(now)[:10]}-down"
    assert result["incident"]["closed_at"]
    worse = {"h": wave("failed", now, "failed", findings=[bad])}
    still = run_module("incident_record", state="closed", what="x", results=worse)
    assert still["incident"]["closed_at"] is None
    assert still["summary"] == "1 failed.\nh: api did not come up."


WRONG = [
    ({"id": "../x"}, "id is '../x'."),
    ({"name": ""}, "name is ''."),
    ({"severity": "P9"}, "value of severity must be one of"),
    ({"escalation": {"P0": 5}}, "escalation.P0 is no list"),
    ({"state": "shown", "id": "none"}, "There is no such incident in"),
    ({"state": "closed"}, "There is no such incident in"),
]


@pytest.mark.parametrize(("options", "expected"), WRONG)
def test_bad_input_fails_with_one_clear_message(tmp_path: Path, options: dict[str, Any], expected: str) -> None:
    result = note(tmp_path, **options)
    assert result["failed"]
    assert expected in result["msg"], result["msg"]
    assert "bug" not in result["msg"]
    assert list(tmp_path.iterdir()) == []
