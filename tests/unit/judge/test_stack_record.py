# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import OpsError
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_wave import Outcome, Seen, State
from ansible_collections.analytics.ops.plugins.module_utils._judge.stack_record import (
    READ,
    UPDATED,
    WRITTEN,
    Entry,
    closed,
    left_down,
    noted,
    parse_record,
    record_finding,
    record_text,
)

NOW = 1767225600.0
RUNS = Seen(State((("runs", "active (running)"),)))
STARTING = Seen(State((("starting", "activating (start)"),)))
OFF = Seen(State((("down", "inactive (dead)"),)))
MISSING = Seen(State((("missing", "without a container"),)))
CRASHED = Seen(State((("failed", "failed (failed)"),)))
HALF = Seen(State((("down", "inactive (dead)"), ("failed", "failed (failed)"))))
UNKNOWN = Seen(None)


@pytest.mark.parametrize(
    ("seen", "ran"),
    [(RUNS, True), (STARTING, True), (CRASHED, True), (HALF, True), (OFF, False), (MISSING, False), (UNKNOWN, None)],
)
def test_what_counts_as_what_ran(seen: Seen, ran: bool | None) -> None:
    assert noted({}, {"api": seen}, NOW) == ({} if ran is None else {"api": Entry(ran, NOW)})


def test_what_was_noted_before_stays_until_it_runs() -> None:
    before = {"api": Entry(True, 1.0), "worker": Entry(False, 2.0), "far": Entry(True, 3.0)}
    assert noted(before, {"worker": OFF, "api": OFF}, NOW) == before
    assert noted(before, {"api": CRASHED, "worker": CRASHED}, NOW) == {**before, "worker": Entry(True, NOW)}
    assert noted(before, {"api": RUNS}, NOW)["api"] == Entry(True, NOW)
    assert noted(before, {"api": UNKNOWN, "worker": RUNS}, NOW) == {**before, "worker": Entry(True, NOW)}


def test_what_is_up_is_struck_out() -> None:
    before = {name: Entry(True, 1.0) for name in ("a", "b", "c", "d", "e")}
    words = {"a": "ready", "b": "was_ready", "c": "failed", "d": "skipped"}
    assert set(closed(before, [Outcome(name, word, "") for name, word in words.items()])) == {"c", "d", "e"}


def test_only_what_was_off_and_is_off_is_left_down() -> None:
    record = {name: Entry(False, NOW) for name in ("off", "runs", "crashed", "unknown", "far")}
    record["ran"] = Entry(True, NOW)
    seen = {"off": OFF, "runs": RUNS, "crashed": CRASHED, "unknown": UNKNOWN, "ran": OFF, "new": OFF}
    (left,) = left_down(record, seen)
    assert (left.service, left.outcome) == ("off", "left_down")
    assert left.message == "off is left down: it did not run before the shutdown of 2026-01-01 00:00 UTC."
    assert "stack_control_everything=true" in left.advice


def test_a_record_is_read_as_it_was_written() -> None:
    record = {"b": Entry(True, 1.5), "a": Entry(False, 2)}
    assert parse_record(record_text(record)) == record
    assert record_text(record).index('"a"') < record_text(record).index('"b"')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"services": [1]}',
        '{"services": {"a": 1}}',
        '{"services": {"a": {"ran": true}}}',
        '{"services": {"a": {"ran": 1, "time": 1}}}',
        '{"services": {"a": {"ran": true, "time": "1"}}}',
    ],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(OpsError):
        parse_record(text)


@pytest.mark.parametrize("verb", [READ, WRITTEN, UPDATED])
def test_a_record_that_cannot_be_kept_is_told(verb: str) -> None:
    found = record_finding("/var/lib/x.json", verb, OpsError("No space left on device."))
    assert (found.check, found.subject, found.severity) == ("wave.record", "record", "warning")
    assert found.message.endswith(f"/var/lib/x.json, cannot be {verb}: No space left on device.")
    assert found.advice
