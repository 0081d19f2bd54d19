# SPDX-License-Identifier: GPL-3.0-or-later
"""``run_lock`` on a real file system, with real processes that race for it."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._act.lock import LockFile
from ansible_collections.analytics.ops.plugins.module_utils._judge.lock import Lock

from tests.support.modules import module_result, run_module, start_module


def lock(directory: Path, **options: Any) -> dict[str, Any]:
    return run_module("run_lock", name="weekly", directory=str(directory), **options)


def path(directory: Path) -> Path:
    return directory / "analytics_ops.weekly.lock"


def write(directory: Path, *, expires_in: float, identity: str = "0123") -> None:
    """A lock of somebody else."""
    times = {"since": time.time() - 7200, "expires_at": time.time() + expires_in}
    texts = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value)) for name, value in times.items()}
    content = {"id": identity, "name": "weekly", "owner": "bob", "host": "db1", **texts}
    path(directory).write_text(json.dumps(content))


def test_taken_kept_from_others_and_given_back(tmp_path: Path) -> None:
    taken = lock(tmp_path, owner="alice, weekly_maintenance.yml", expires_after=600)
    assert taken["changed"]
    assert [step["action"] for step in taken["done"]] == ["acquire"]
    assert taken["target"] == str(path(tmp_path))
    assert json.loads(path(tmp_path).read_text()) == {k: v for k, v in taken["lock"].items() if k != "damaged"}

    second = lock(tmp_path, owner="bob")
    assert second["failed"]
    pattern = r"held by 'alice, weekly_maintenance\.yml' on \S+ since \S+Z \(.* ago\); it expires at \S+Z, in 9 min"
    assert re.search(pattern, second["msg"]), second["msg"]
    assert f"takeover={taken['lock']['id']}" in second["msg"]

    released = lock(tmp_path, state="absent", id=taken["lock"]["id"])
    assert released["changed"]
    assert released["lock"] is None
    again = lock(tmp_path, state="absent", id=taken["lock"]["id"])
    assert not again["changed"]
    assert "warnings" not in again
    assert list(tmp_path.iterdir()) == []


def test_another_ones_lock_is_not_released_and_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, expires_in=600)
    before = path(tmp_path).read_text()
    result = lock(tmp_path, state="absent", id="4567")
    assert not result["failed"]
    assert not result["changed"]
    assert result["lock"]["owner"] == "bob"
    assert "was not released: it is held by 'bob' on db1" in str(result["warnings"])
    assert path(tmp_path).read_text() == before


def test_an_expired_lock_is_taken_over_and_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, expires_in=-60)
    result = lock(tmp_path, owner="alice")
    assert result["changed"]
    assert result["done"][0]["action"] == "take_over"
    assert re.search("held by 'bob' on db1 .* and it expired 1 min( [0-9]+ s)? ago", result["done"][0]["reason"])
    assert json.loads(path(tmp_path).read_text())["owner"] == "alice"


def test_a_lock_is_taken_over_only_by_its_own_id(tmp_path: Path) -> None:
    write(tmp_path, expires_in=600)
    wrong = lock(tmp_path, takeover="4567")
    assert wrong["failed"]
    assert "It is not the lock '4567'" in wrong["msg"]
    right = lock(tmp_path, takeover="0123")
    assert right["done"][0]["action"] == "take_over"
    assert right["lock"]["id"] not in ("0123", "4567")


@pytest.mark.parametrize("content", [b"", b"\0" * 512, b"garbage \x1b[2J"])
def test_a_damaged_file_counts_as_held_until_it_expires_or_is_named(tmp_path: Path, content: bytes) -> None:
    path(tmp_path).write_bytes(content)
    refused = lock(tmp_path)
    assert refused["failed"]
    assert "its file is damaged, so nobody can tell who holds it" in refused["msg"]
    identity = re.search("takeover=(damaged-[0-9a-f]+)", refused["msg"])[1]
    assert lock(tmp_path, check_mode=True, takeover=identity)["changed"]
    assert lock(tmp_path, takeover=identity)["done"][0]["action"] == "take_over"

    path(tmp_path).write_bytes(content)
    os.utime(path(tmp_path), (time.time() - 1000, time.time() - 1000))
    assert lock(tmp_path, expires_after=2000)["failed"]
    assert lock(tmp_path, expires_after=999)["done"][0]["action"] == "take_over"


def race(directory: Path, takeover: str | None) -> list[str]:
    """Twenty processes that all ask at the same moment; what each was told, or how it got the lock."""
    processes = multiprocessing.get_context("fork")
    together, told = processes.Barrier(20), processes.SimpleQueue()

    def ask(number: int) -> None:
        lock = Lock(f"id{number}", "weekly", f"run {number}", "h1", time.time(), time.time() + 600)
        file = LockFile(str(directory), "weekly", 600)
        together.wait(timeout=60)
        try:
            told.put(file.acquire(lock, takeover).action)
        except Exception as error:
            told.put(str(error))

    runs = [processes.Process(target=ask, args=(number,)) for number in range(20)]
    for run in runs:
        run.start()
    answers = [told.get() for _run in runs]
    for run in runs:
        run.join(timeout=60)
    return answers


def _has_open(pid: int, directory: Path) -> bool:
    try:
        return any(os.readlink(link) == str(directory) for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


@pytest.mark.parametrize("before", ["free", "expired", "damaged and expired", "named"])
def test_of_twenty_runs_at_once_exactly_one_gets_it(tmp_path: Path, before: str) -> None:
    for _round in range(10):
        path(tmp_path).unlink(missing_ok=True)
        if before in ("expired", "named"):
            write(tmp_path, expires_in=-60 if before == "expired" else 600)
        if before == "damaged and expired":
            path(tmp_path).touch()
            os.utime(path(tmp_path), (0, 0))
        answers = race(tmp_path, "0123" if before == "named" else None)
        assert [answer for answer in answers if "held by" not in answer] == [
            "acquire" if before == "free" else "take_over"
        ]
        holder = json.loads(path(tmp_path).read_text())["owner"]
        assert sum(f"held by '{holder}'" in answer for answer in answers) == 19
        assert [entry.name for entry in tmp_path.iterdir()] == [path(tmp_path).name]


@pytest.mark.parametrize("ask", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_the_next_one_nothing_to_clear_up(tmp_path: Path, ask: signal.Signals) -> None:
    guard = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(guard, fcntl.LOCK_EX)
    process = start_module("run_lock", name="weekly", directory=str(tmp_path))
    end = time.monotonic() + 60
    while not _has_open(process.pid, tmp_path) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(ask)
    if ask != signal.SIGKILL:
        # Giving back needs the guard, too.
        os.close(guard)
        assert "Interrupted" in module_result(process)["msg"]
    else:
        process.communicate(timeout=60)
        os.close(guard)
    assert list(tmp_path.iterdir()) == []
    assert lock(tmp_path)["changed"]


def test_what_a_killed_run_left_is_swept_up(tmp_path: Path) -> None:
    (tmp_path / "analytics_ops.weekly.lock.new").write_text("half a lo")
    assert lock(tmp_path)["changed"]
    assert [entry.name for entry in tmp_path.iterdir()] == [path(tmp_path).name]


def test_check_mode_says_what_would_happen_and_changes_nothing(tmp_path: Path) -> None:
    free = lock(tmp_path, check_mode=True)
    assert free["changed"]
    assert free["done"] == []
    assert [step["action"] for step in free["remaining"]] == ["acquire"]
    assert list(tmp_path.iterdir()) == []
    absent = lock(tmp_path, check_mode=True, state="absent", id=free["lock"]["id"])
    assert not absent["failed"]
    assert not absent["changed"]

    taken = lock(tmp_path)
    before = path(tmp_path).stat(), path(tmp_path).read_text()
    assert lock(tmp_path, check_mode=True)["failed"]
    would = lock(tmp_path, check_mode=True, state="absent", id=taken["lock"]["id"])
    assert would["changed"]
    assert [step["action"] for step in would["remaining"]] == ["release"]
    assert (path(tmp_path).stat().st_mtime_ns, path(tmp_path).read_text()) == (before[0].st_mtime_ns, before[1])


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "precious").write_text("precious")
    path(tmp_path / "locks").symlink_to(tmp_path / "precious")
    result = lock(tmp_path / "locks")
    assert result["failed"]
    assert "cannot be read" in result["msg"]
    assert "bug" not in result["msg"]
    assert (tmp_path / "precious").read_text() == "precious"


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(path(tmp_path))
    assert "is no file" in lock(tmp_path)["msg"]


def test_a_guard_that_is_never_given_back_is_said(tmp_path: Path) -> None:
    holder = subprocess.Popen(["flock", str(tmp_path), "sleep", "600"])
    try:
        end = time.monotonic() + 30
        while subprocess.run(["flock", "--nonblock", str(tmp_path), "true"], check=False).returncode == 0:
            assert time.monotonic() < end
        result = lock(tmp_path)
    finally:
        holder.kill()
        holder.wait()
    assert result["failed"]
    assert f"Another process has kept {tmp_path} locked for 15 seconds." in result["msg"]


WRONG = [
    ({"name": "../etc/passwd"}, "name: is '../etc/passwd'."),
    ({"name": ""}, "name: is ''."),
    ({"name": "a", "expires_after": 0}, "expires_after: is 0."),
    ({"name": "a", "directory": "/no/such/place"}, "There is no directory /no/such/place for the lock."),
    ({"name": "a", "directory": "/sys"}, "cannot be written"),
    ({"name": "a", "state": "absent"}, "state is absent but all of the following are missing: id"),
]


@pytest.mark.parametrize(("options", "expected"), WRONG)
def test_bad_input_fails_with_one_clear_message(options: dict[str, Any], expected: str) -> None:
    result = run_module("run_lock", **options)
    assert result["failed"]
    assert expected in result["msg"], result["msg"]
    assert "bug" not in result["msg"]
