# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.diagnosis import (
    ABSENT,
    DIRECTORY,
    ENVIRONMENT,
    INTERPRETER,
    NO_DIRECTORY,
    NOEXEC,
    NOT_EXECUTABLE,
    PROGRAM,
    REFUSED,
    Cause,
    Place,
    compose_causes,
    condition_cause,
    diagnosed,
    disk_causes,
    need_cause,
    place_cause,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.finding import CRITICAL, WARNING, Finding
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_facts import SILENT, FileSystem
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_facts import ComposeService
from ansible_collections.analytics.ops.plugins.module_utils._judge.service_wave import Outcome

MB = 1 << 20
FAILED = Outcome("api", "failed", "api did not come up.")
FOUND = [
    Finding("service.active", "web", CRITICAL, "Another one.", advice="Not this."),
    Finding("service.active", "api", WARNING, "No reason.", advice="Not this."),
    Finding("service.active", "api: api-1", CRITICAL, "It ended.", advice="Look at its log."),
    Finding("service.healthy", "api", CRITICAL, "It is ill.", advice="Later."),
]


def test_a_diagnosis_adds_what_was_found() -> None:
    told = diagnosed(FAILED, [], FOUND, [], 8000)
    assert (told.message, told.advice) == ("api did not come up. It ended. It is ill.", "Look at its log.")
    assert diagnosed(FAILED, [], [], [], 8000).advice == "Look at its log, and at what it needs."
    advised = Outcome("api", "failed", "api did not come up.", "Mend that first.")
    assert diagnosed(advised, [], FOUND, [], 8000).advice == "Mend that first."
    assert diagnosed(advised, [], [], [], 8000).advice == "Mend that first."


def test_what_names_the_cause_stands_before_the_words_of_the_service() -> None:
    causes = [Cause("The disk is full.", "Make room."), Cause("The disk is full.", "Make room.")]
    told = diagnosed(FAILED, causes, FOUND, ["nginx (process 7)", "x (process 8)"], 8000)
    held = "Its port 8000 is held by nginx (process 7), x (process 8)."
    assert told.message == f"api did not come up. {held} The disk is full. It ended. It is ill."
    assert told.advice == "End what holds the port, or give one of the two another. Make room."


@pytest.mark.parametrize(
    ("place", "message", "advice"),
    [
        (Place(ENVIRONMENT, "/etc/api.env", ABSENT), "Its environment file /etc/api.env is not there.", "Put it there"),
        (
            Place(PROGRAM, "/opt/api", NOT_EXECUTABLE, "www"),
            "Its program /opt/api may not be executed by www.",
            "Give www",
        ),
        (Place(DIRECTORY, "/opt", REFUSED, "www"), "Its working directory /opt cannot be reached by www.", "Give www"),
        (Place(DIRECTORY, "/opt", NO_DIRECTORY), "Its working directory /opt is no directory.", "Put it there"),
        (Place(INTERPRETER, "/bin/x", ABSENT), "Its interpreter /bin/x is not there.", "Put it there"),
        (
            Place(PROGRAM, "/mnt/api", NOEXEC),
            "Its program /mnt/api lies on a file system that is mounted noexec.",
            "Put it there",
        ),
    ],
)
def test_places_in_words(place: Place, message: str, advice: str) -> None:
    cause = place_cause("api.service", place)
    assert cause.message == message
    assert cause.advice.startswith(advice)
    assert cause.advice.endswith("correct the unit: systemctl cat api.service.")


def test_needs_and_conditions_in_words() -> None:
    assert need_cause("db.service", "failed").message == "It requires db.service, which is failed."
    condition = condition_cause("ConditionPathExists=/x")
    assert condition.message == "It starts only under a condition, and ConditionPathExists=/x was not met."


def compose(said: str) -> list[str]:
    return [
        cause.message for cause in compose_causes(ComposeService("api", "shop", "/srv/c.yml", "api", complaints=said))
    ]


UNSET = (
    'time="2026-11-30T02:00:00Z" level=warning msg="The \\"{0}\\" variable is not set. Defaulting to a blank string."\n'
)


@pytest.mark.parametrize(
    ("said", "messages"),
    [
        ("", []),
        ("some warning about the version", []),
        (
            "error while interpolating services.api.environment.FOO: required variable FOO is missing a value: set it",
            ["Its Compose file requires variables that are not set: FOO."],
        ),
        (
            UNSET.format("B") + UNSET.format("A") + UNSET.format("B"),
            ["Its Compose file uses variables that are not set, and so empty: A, B."],
        ),
        (
            "".join(UNSET.format(f"V{number}") for number in range(5)),
            ["Its Compose file uses variables that are not set, and so empty: V0, V1, V2, V3, V4."],
        ),
        (
            "".join(UNSET.format(f"V{number}") for number in range(6)),
            ["Its Compose file uses variables that are not set, and so empty: V0, V1, V2, V3, V4 and 1 more."],
        ),
        (
            "env file /srv/my.env not found: stat /srv/my.env: no such file or directory",
            ["Its environment file /srv/my.env is not there."],
        ),
    ],
)
def test_what_compose_says_about_variables(said: str, messages: list[str]) -> None:
    assert compose(said) == messages


def disk(**more: Any) -> FileSystem:
    return FileSystem("/data", **{"size": 1000 * MB, "free": 500 * MB, "inodes": 100, "inodes_free": 50, **more})


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (disk(), None),
        (disk(free=15 * MB), "The file system /data is full: 15 MB of 1 000 MB are free."),
        (disk(free=0), "The file system /data is full: 0 B of 1 000 MB are free."),
        (disk(free=16 * MB), None),
        (disk(size=100 * MB, free=5 * MB), None),
        (disk(size=100 * MB, free=5 * MB - 1), "The file system /data is full: 5 MB of 100 MB are free."),
        (disk(free=0, read_only=True), None),
        (disk(free=0, state=SILENT), None),
        (disk(inodes_free=10), None),
        (disk(inodes_free=9), "The file system /data can take no more files: 9 inodes of 100 are free."),
        (disk(inodes=0, inodes_free=0), None),
    ],
)
def test_disks_without_room(seen: FileSystem, message: str | None) -> None:
    assert [cause.message for cause in disk_causes([seen])] == ([message] if message else [])
