# SPDX-License-Identifier: GPL-3.0-or-later
"""The last known good: it holds no secret, knows when it was touched, and tells what differs from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.secrets import MASK
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings_baseline import (
    Baseline,
    Change,
    Damaged,
    changes,
    changes_of_new,
    from_json,
    lines,
    plan_to_record,
    record_of,
    records_of,
    to_json,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings_facts import (
    MISSING,
    PRESENT,
    File,
    Rights,
    Wish,
    settings_of,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings_read import read_entries

KEY = b"k" * 32
PATH = "/etc/app.env"
TEXT = "LOG=INFO\nDB_PASSWORD=geheim-1\nPORT=1\n"


def file(text: str = TEXT, path: str = PATH, target: str = "", mode: int = 0o600, **wish: Any) -> File:
    wanted = Wish(**{"path": path, **wish})
    settings = settings_of(read_entries(text, "env"), wanted.masked)
    return File(path, PRESENT, wanted, target=target, rights=Rights("root", "root", mode), settings=settings)


def baseline(*files: File, patterns: tuple[str, ...] = (PATH,)) -> Baseline:
    return Baseline(1767225600.0, "alice", "app1", patterns, records_of(files or (file(),), KEY))


def test_it_is_read_back_as_it_was_written_and_holds_no_secret() -> None:
    text = to_json(baseline(), KEY)
    assert "geheim" not in text
    assert "INFO" in text
    assert '"2026-01-01T00:00:00Z"' in text
    assert from_json(text.encode(), KEY) == baseline()


def test_equal_secrets_of_two_names_cannot_be_told_from_it() -> None:
    kept = record_of(file("A_PASSWORD=geheim\nB_PASSWORD=geheim"), KEY).settings
    assert kept["A_PASSWORD"] != kept["B_PASSWORD"]


def test_odd_characters_are_no_obstacle() -> None:
    odd = file("A_PASSWORD=\ud800ä\nB=\ud800")
    assert from_json(to_json(baseline(odd), KEY).encode(), KEY).files[PATH] == record_of(odd, KEY)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "damaged"),
        (b"\0" * 50, "damaged"),
        (b"[]", "damaged"),
        (b"{}", "damaged"),
        (b"[" * 100000, "damaged"),
        (b'{"seal": "x"}', "damaged"),
        (b'{"seal": "x", "version": 0}', "another version"),
        (to_json(baseline(), KEY).replace("INFO", "WARN").encode(), "changed after"),
        (to_json(baseline(), b"other").encode(), "changed after"),
    ],
)
def test_what_was_not_written_by_us_is_not_used(text: bytes, why: str) -> None:
    with pytest.raises(Damaged, match=why):
        from_json(text, KEY)


def test_a_sealed_one_may_still_lack_something() -> None:
    content = json.loads(to_json(baseline(), KEY))
    del content["host"], content["seal"]
    from ansible_collections.analytics.ops.plugins.module_utils._judge import settings_baseline

    content["seal"] = settings_baseline._seal(content, KEY)
    with pytest.raises(Damaged, match="damaged"):
        from_json(json.dumps(content).encode(), KEY)


CHANGES = [
    (TEXT, []),
    ("# comment\nPORT=1\n\nDB_PASSWORD=geheim-1\nLOG=INFO\n", []),
    (TEXT.replace("INFO", "DEBUG"), [Change("LOG", "changed", "INFO", "DEBUG", False)]),
    (TEXT.replace("geheim-1", "geheim-2"), [Change("DB_PASSWORD", "changed", MASK, MASK, True)]),
    (TEXT + "NEW=1", [Change("NEW", "added", "", "1", False)]),
    (TEXT + "NEW_TOKEN=1", [Change("NEW_TOKEN", "added", "", MASK, True)]),
    ("LOG=INFO\nDB_PASSWORD=geheim-1", [Change("PORT", "removed", "1", "", False)]),
    ("LOG=INFO\nPORT=1", [Change("DB_PASSWORD", "removed", MASK, "", True)]),
    (TEXT.replace("PORT=1", "PORT=redis://:geheim@x"), [Change("PORT", "changed", MASK, MASK, True)]),
    ("X=1\nPORT=2", [
        Change("X", "added", "", "1", False),
        Change("PORT", "changed", "1", "2", False),
        Change("LOG", "removed", "INFO", "", False),
        Change("DB_PASSWORD", "removed", MASK, "", True),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CHANGES)
def test_what_differs(text: str, expected: list[Change]) -> None:
    assert changes(record_of(file(), KEY), file(text), KEY) == expected


def test_of_a_name_that_comes_many_times_only_what_differs() -> None:
    before = record_of(file("A=1\nA=2\nA=3"), KEY)
    assert changes(before, file("A=1\nA=3\nA=4"), KEY) == [Change("A", "changed", "2", "4", False)]
    assert changes(before, file("A=3\nA=2\nA=1"), KEY) == [
        Change("A", "changed", "", "the same values in another order", False)
    ]
    assert changes(before, file("A=1\nA=2\nA=3\nA=4 5\nA=6"), KEY) == [Change("A", "changed", "", "4 5 | 6", False)]


def test_where_a_link_leads_to() -> None:
    before = record_of(file(target="/srv/v1"), KEY)
    assert changes(before, file(target="/srv/v2"), KEY) == [Change("(link)", "changed", "/srv/v1", "/srv/v2", False)]
    assert changes(before, file(), KEY) == [Change("(link)", "changed", "/srv/v1", "the file itself", False)]


def test_what_is_ignored_and_masked_now_counts() -> None:
    before = record_of(file(), KEY)
    assert changes(before, file("LOG=INFO\nDB_PASSWORD=geheim-1\nPORT=2", ignore=("PORT",)), KEY) == []
    assert changes(before, file("LOG=INFO\nDB_PASSWORD=geheim-1", ignore=("PORT",)), KEY) == []
    assert changes(before, file("LOG=INFO\nDB_PASSWORD=geheim-1", masked=("PORT",)), KEY) == [
        Change("PORT", "removed", MASK, "", True)
    ]
    assert changes(before, file(masked=("PORT",)), KEY) == []


def test_a_secret_that_is_none_any_more_stays_hidden() -> None:
    before = record_of(file("PORT=1", masked=("PORT",)), KEY)
    assert changes(before, file("PORT=1"), KEY) == []
    assert changes(before, file("PORT=2"), KEY) == [Change("PORT", "changed", MASK, MASK, True)]


def test_all_of_a_new_file_is_new() -> None:
    assert [change.kind for change in changes_of_new(file(target="/srv/v1"))] == ["added"] * 3


def test_lines_for_people() -> None:
    before = record_of(file(), KEY)
    now = file("LOG=DEBUG\nDB_PASSWORD=geheim-2\nPORT=1\nA_TOKEN=geheim")
    assert lines(before, now, changes(before, now, KEY)) == (
        ["LOG = INFO", f"DB_PASSWORD = {MASK}", "PORT = 1"],
        ["LOG = DEBUG", f"DB_PASSWORD = {MASK} (changed)", "PORT = 1", f"A_TOKEN = {MASK}"],
    )
    assert lines(None, now, ())[0] == []
    assert lines(before, None, ()) == (["LOG = INFO", f"DB_PASSWORD = {MASK}", "PORT = 1"], [])


def test_lines_hide_what_was_recorded_before_it_was_known_for_a_secret() -> None:
    before = record_of(file(), KEY)
    for now in (file(masked=("PORT",)), file("LOG=INFO", masked=("PORT",))):
        assert f"PORT = {MASK}" in lines(before, now, changes(before, now, KEY))[0]
    now = file("LOG=\x1b[2J\nB='1\n2'")
    assert lines(None, now, ())[1] == ["LOG = \\x1b[2J", "B = '1 2'"]


def planned(recorded: Baseline | None, *files: File, patterns: tuple[str, ...] = (PATH,)) -> list[tuple[str, str, str]]:
    steps = plan_to_record(recorded, KEY, files, patterns, "Nothing was recorded before.")
    return [(step.action, step.subject, step.reason) for step in steps]


def test_a_plan_says_what_recording_would_change() -> None:
    missing = File("/etc/none", MISSING, Wish("/etc/none", optional=True))
    assert planned(None, file(), missing) == [("record", PATH, "3 settings. Nothing was recorded before.")]
    assert planned(baseline(), file(), missing) == []
    other = file(path="/etc/other.env")
    assert planned(baseline(), file("LOG=INFO"), other) == [
        ("record", PATH, "2 of its settings changed."),
        ("record", "/etc/other.env", "3 settings, not recorded before."),
    ]
    assert planned(baseline(file(), other), file()) == [
        ("forget", "/etc/other.env", "It is gone, or no longer looked at.")
    ]


def test_a_plan_sees_what_is_no_change_of_a_setting() -> None:
    rights = ("record", PATH, "Its owner, mode or pattern changed.")
    assert planned(baseline(), file(mode=0o640)) == [rights]
    assert planned(baseline(file(path=PATH)), File(**{**vars(file()), "wish": Wish("/etc/*.env")})) == [rights]
    assert planned(baseline(), file(masked=("PORT",))) == [("record", PATH, "What is ignored or masked in it changed.")]
    assert planned(baseline(), file(), patterns=(PATH, "/etc/x")) == [
        ("record", f"{PATH}, /etc/x", "Other paths or patterns than before.")
    ]
