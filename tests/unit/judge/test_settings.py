# SPDX-License-Identifier: GPL-3.0-or-later
"""How files of settings and processes are judged from what was seen of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import CRITICAL, INFO, OK, UNKNOWN
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings import (
    CHECKS,
    Memory,
    all_changes,
    as_dict,
    diffs,
    measurements,
    not_good,
    stale_variables,
    told_changes,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings_baseline import Baseline, records_of
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings_facts import (
    MALFORMED,
    MISSING,
    PRESENT,
    UNREADABLE,
    File,
    Process,
    Rights,
    Wish,
    settings_of,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.settings_read import read_entries

KEY = b"k" * 32
PATH = "/etc/app.env"
RECORDED = 1767225600.0  # 2026-01-01T00:00:00Z
NOW = RECORDED + 93784
TEXT = "LOG=INFO\nDB_PASSWORD=geheim-1\nPORT=1\n"


def file(text: str = TEXT, path: str = PATH, mode: int = 0o600, **wish: Any) -> File:
    wanted = Wish(**{"path": path, **wish})
    settings = settings_of(read_entries(text, "env"), wanted.masked)
    return File(path, PRESENT, wanted, rights=Rights("root", "root", mode), settings=settings)


def not_there(path: str = PATH, state: str = MISSING, **wish: Any) -> File:
    return File(path, state, Wish(**{"path": path, **wish}), "It is not there.", "Bring it back.")


def memory(*files: File, patterns: tuple[str, ...] = (PATH,), flaw: str = "") -> Memory:
    known = Baseline(RECORDED, "alice", "app1", patterns, records_of(files or (file(),), KEY))
    return Memory("/var/lib/base", known, KEY, flaw, "Do it." if flaw else "")


def judged(
    check: str, *files: File, known: Any = None, processes: tuple[Process, ...] = (), **limits: Any
) -> list[tuple[str, str, str]]:
    selection = CHECKS.select([check], thresholds={check: limits} if limits else {})
    usable = None if isinstance(known, Unavailable) else known
    snapshot = {"files": files, "processes": processes, "known": known, "memory": usable, "now": NOW}
    found = selection.findings(snapshot, "all")
    assert all(finding.advice for finding in found if finding.severity != OK)
    return [(f.subject, f.severity, f.message) for f in found if f.subject != "all"]


def told(*arguments: Any, **options: Any) -> list[tuple[str, str]]:
    return [(subject, severity) for subject, severity, _message in judged(*arguments, **options) if severity != OK]


@pytest.mark.parametrize("check", list(CHECKS.checks))
def test_what_is_in_order_is_silent(check: str) -> None:
    process = Process("api", 7, ("A",), (), {"A": ("1",)}, {"A": "1", "PATH": "/bin"})
    assert told(check, file(required=("LOG",)), known=memory(), processes=(process,)) == []
    assert told(check, file(), known=None) == []


class TestMissing:
    def test_a_file_that_must_be_there(self) -> None:
        assert told("missing_file", not_there(), file(path="/x")) == [(PATH, CRITICAL)]
        assert told("missing_file", not_there(optional=True)) == []

    def test_a_recorded_file_that_is_gone(self) -> None:
        pattern = "/etc/*.env"
        both = memory(file(path="/etc/a.env"), file("A=1", "/etc/b.env"), patterns=(pattern,))
        recorded = both._replace(
            baseline=Baseline(
                RECORDED,
                "alice",
                "app1",
                (pattern,),
                {path: one._replace(pattern=pattern) for path, one in both.baseline.files.items()},
            )
        )
        there = File(**{**vars(file(path="/etc/a.env")), "wish": Wish(pattern)})
        assert judged("missing_file", there, known=recorded) == [
            (
                "/etc/b.env",
                CRITICAL,
                "It is gone; it was there when alice recorded the last known good (2026-01-01T00:00:00Z).",
            )
        ]
        assert told("missing_file", file(path="/x"), known=recorded) == []

    def test_an_optional_file_that_was_recorded(self) -> None:
        assert told("missing_file", not_there(optional=True), known=memory()) == [(PATH, "warning")]

    def test_it_is_said_once(self) -> None:
        assert told("missing_file", not_there(), known=memory()) == [(PATH, CRITICAL)]


def test_files_that_cannot_be_read_or_are_broken() -> None:
    files = (not_there(state=UNREADABLE), not_there("/x", state=MALFORMED), not_there("/y"))
    assert told("readable", *files) == [(PATH, UNKNOWN), ("/x", CRITICAL)]


class TestRequired:
    def test_each_shortcoming_is_named(self) -> None:
        text = "A=\nB=changeme\nC=1\nC=\nD=\nD=ok"
        assert judged("required", file(text, required=("A", "B", "C", "D", "E"))) == [
            (PATH, CRITICAL, "A is empty; B is a placeholder; C is empty; E is missing.")
        ]
        assert judged("required", file("A=1", required=("A",))) == [
            (PATH, OK, "All 1 required variables have a value.")
        ]

    def test_what_was_not_read_is_not_judged(self) -> None:
        assert judged("required", not_there(required=("A",))) == []

    def test_limits_of_ones_own(self) -> None:
        assert told("required", file("", required=("A",)), warning=1, critical=2) == [(PATH, "warning")]

    def test_a_process_is_judged_by_what_it_has(self) -> None:
        process = Process("api", 7, ("A", "B"), (), {"A": ("1",), "B": ("2",)}, {"A": "1"})
        assert judged("required", processes=(process,)) == [("api", CRITICAL, "B is missing.")]

    def test_or_by_what_it_would_get_where_that_cannot_be_seen(self) -> None:
        declared = {"A": ("1",), "B": ("",)}
        expected = [("api", CRITICAL, "B is empty; C is missing.")]
        unseen = Process("api", 7, ("A", "B", "C"), (), declared, severity=UNKNOWN, text="No.", advice="x")
        overwritten = Process("api", 7, ("A", "B", "C"), (), declared, {}, overwritten=True)
        assert judged("required", processes=(unseen,)) == expected
        assert judged("required", processes=(overwritten,)) == expected
        assert judged("required", processes=(Process("api", required=("A",), severity=UNKNOWN),)) == []
        assert judged("required", processes=(Process("api", environment={}),)) == []


class TestChanged:
    def test_a_change_is_told_without_secrets(self) -> None:
        text = "LOG=DEBUG\nDB_PASSWORD=geheim-2\nNEW=1\nNEW_TOKEN=geheim"
        assert judged("changed", file(text), known=memory()) == [
            (
                PATH,
                "warning",
                "Since 2026-01-01T00:00:00Z: LOG: INFO → DEBUG; DB_PASSWORD has another value (secret); NEW added (1); "
                "NEW_TOKEN added; PORT removed (was 1).",
            )
        ]

    def test_a_long_list_is_cut(self) -> None:
        message = judged("changed", file("LOG=\n" + "\n".join(f"N{n}=1" for n in range(9))), known=memory())[0][2]
        assert "LOG: INFO → (nothing); N0 added (1)" in message
        assert message.endswith("; and 7 more.")
        assert "(nothing) → the same values" in judged(
            "changed", file("A=2\nA=1"), known=memory(file("A=1\nA=2"))
        )[0][2]  # fmt: skip

    def test_a_removed_secret(self) -> None:
        assert "DB_PASSWORD removed." in judged("changed", file("LOG=INFO\nPORT=1"), known=memory())[0][2]

    def test_its_severity_is_for_you_to_say(self) -> None:
        assert told("changed", file("LOG=INFO\nPORT=1"), known=memory(), critical=1) == [(PATH, CRITICAL)]

    def test_a_new_file_of_a_recorded_pattern(self) -> None:
        known = memory(patterns=("/etc/*.env",))
        new = File(**{**vars(file("A=1", "/etc/b.env")), "wish": Wish("/etc/*.env")})
        assert judged("changed", new, known=known) == [
            ("/etc/b.env", "warning", "New since 2026-01-01T00:00:00Z: A added (1).")
        ]
        assert judged("changed", file("A=1", "/etc/c.env"), known=known) == []

    def test_what_was_not_read_cannot_be_compared(self) -> None:
        assert judged("changed", not_there(), not_there("/x", UNREADABLE), known=memory(patterns=(PATH, "/x"))) == []


class TestPermissions:
    @pytest.mark.parametrize(
        ("mode", "text", "severity"),
        [
            (0o600, TEXT, None),
            (0o640, TEXT, None),
            (0o644, "LOG=INFO", None),
            (0o644, TEXT, "warning"),
            (0o604, TEXT, "warning"),
            (0o602, "LOG=INFO", "critical"),
            (0o666, TEXT, "critical"),
        ],
    )
    def test_who_may_read_and_write(self, mode: int, text: str, severity: str | None) -> None:
        assert told("permissions", file(text, mode=mode)) == ([(PATH, severity)] if severity else [])

    def test_the_secrets_are_named(self) -> None:
        text = "\n".join(f"A{n}_PASSWORD=geheim" for n in range(7))
        assert judged("permissions", file(text, mode=0o644))[0][2] == (
            "Every user can read it (mode 0644), and it holds secrets: A0_PASSWORD, A1_PASSWORD, A2_PASSWORD, "
            "A3_PASSWORD, A4_PASSWORD and 2 more."
        )

    def test_what_is_expected(self) -> None:
        good = {"owner": "root", "group": "root", "mode": 0o600}
        wish = Wish(PATH, **good)
        assert told("permissions", File(**{**vars(file()), "wish": wish})) == []
        wrong = File(**{**vars(file()), "wish": Wish(PATH, owner="app", group="www", mode=0o640)})
        assert judged("permissions", wrong) == [
            (
                PATH,
                "warning",
                "Its owner is root, expected is app, its group is root, expected is www, its mode is 0600, "
                "expected is 0640.",
            )
        ]

    def test_what_was_recorded(self) -> None:
        assert judged("permissions", file(mode=0o640), known=memory()) == [
            (PATH, "warning", "Its mode is 0640, recorded was 0600.")
        ]
        wished = File(**{**vars(file(mode=0o640)), "wish": Wish(PATH, mode=0o640)})
        assert told("permissions", wished, known=memory()) == []

    def test_what_was_not_seen(self) -> None:
        assert told("permissions", not_there()) == []


class TestBaseline:
    def test_who_recorded_it_and_when(self) -> None:
        assert judged("baseline", file(), known=memory()) == [
            (
                "/var/lib/base",
                OK,
                "1 files were recorded by alice on app1, 1 d 2 h ago (2026-01-01T00:00:00Z).",
            )
        ]
        assert told("baseline", file(), known=memory(), warning=86400) == [("/var/lib/base", "warning")]

    def test_none_or_one_that_cannot_be_used(self) -> None:
        assert CHECKS.select(["baseline"]).findings(
            {"files": (), "known": Unavailable("None.", "Record.", INFO), "now": NOW}, "all"
        )[0].severity == INFO  # fmt: skip

    def test_one_that_somebody_else_could_have_written(self) -> None:
        assert told("baseline", file(), known=memory(flaw="It can be written.")) == [("/var/lib/base", "warning")]

    def test_files_that_were_not_recorded(self) -> None:
        assert told("baseline", file(), file(path="/x"), not_there("/y"), known=memory()) == [("/x", INFO)]


class TestRunning:
    def test_old_values(self) -> None:
        declared = {"A": ("1", "'1'"), "B": ("2",), "C": ("3",), "D": ("$A",), "E": ("5",)}
        process = Process("api", 7, (), ("E",), declared, {"A": "'1'", "B": "0", "E": "6"})
        assert stale_variables(process) == ["B", "C"]
        assert judged("running", processes=(process,)) == [
            (
                "api",
                "warning",
                "Process 7 runs with other values than are declared now: B, C. A restart is pending.",
            )
        ]

    def test_what_cannot_be_seen(self) -> None:
        processes = (
            Process("a", severity=INFO, text="It does not run.", advice="x"),
            Process("b", 8, environment={}, overwritten=True),
            Process("c"),
        )
        assert told("running", processes=processes) == [("a", INFO), ("b", UNKNOWN)]


def test_what_must_not_be_recorded() -> None:
    files = (not_there(), not_there("/x", UNREADABLE), file("", required=("A",)), file(TEXT, "/y", 0o666))
    snapshot = {"files": files, "processes": (), "known": None, "memory": None, "now": NOW}
    assert [one.subject for one in not_good(CHECKS.select().findings(snapshot, "all"))] == [PATH, "/x", PATH]


def test_figures() -> None:
    stale = Process("api", 7, declared={"A": ("1",)}, environment={})
    odd = (Process("b", environment={}, overwritten=True, declared={"A": ("1",)}), Process("c"))
    assert measurements((file(), not_there("/x")), (stale, *odd), None, NOW) == {
        "settings.files": 1,
        "settings.settings": 3,
        "settings.stale_processes": 1,
    }
    known = measurements((file("LOG=DEBUG"),), (), memory(), NOW)
    assert known["settings.changes"] == 3
    assert known["settings.baseline_age_seconds"] == 93784


def test_changes_as_data() -> None:
    found = all_changes((file("LOG=DEBUG\nDB_PASSWORD=geheim-2\nPORT='\x1b'"),), memory())
    assert told_changes(found) == [
        {"path": PATH, "name": "LOG", "kind": "changed", "before": "INFO", "after": "DEBUG"},
        {"path": PATH, "name": "DB_PASSWORD", "kind": "changed", "before": "********", "after": "********"},
        {"path": PATH, "name": "PORT", "kind": "changed", "before": "1", "after": "'\\x1b'"},
    ]
    many = all_changes((file("\n".join(f"N{n}=1" for n in range(1100))),), memory())
    assert len(told_changes(many)) == 1000
    assert len(told_changes([*many, *many])) == 1000


def test_differences_for_people() -> None:
    files = (file("LOG=DEBUG\nDB_PASSWORD=geheim-1\nPORT=1"), file(path="/x"), not_there("/y"))
    known = memory(patterns=(PATH, "/x", "/y"))
    assert diffs(files[:1], all_changes(files[:1], known), known) == [
        {
            "before_header": "/etc/app.env (last known good)",
            "after_header": PATH,
            "before": "LOG = INFO\nDB_PASSWORD = ********\nPORT = 1\n",
            "after": "LOG = DEBUG\nDB_PASSWORD = ********\nPORT = 1\n",
        }
    ]
    assert [one["before"] for one in diffs(files, all_changes(files, None), None)] == ["", ""]


def test_the_baseline_as_data() -> None:
    assert as_dict(None) is None
    assert as_dict(memory()) == {
        "directory": "/var/lib/base",
        "recorded_at": "2026-01-01T00:00:00Z",
        "recorded_by": "alice",
        "host": "app1",
        "files": 1,
    }
