# SPDX-License-Identifier: GPL-3.0-or-later
"""``settings_drift`` on real files and processes: changed, lost, laid open, hostile, and recorded by two at a time."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import module_result, run_module, start_module
from tests.support.surroundings import mounted, needs_mounts, needs_root, program, systemd

TEXT = """\
# The analytics service
DATABASE_URL=postgresql://analytics:geheim-0@db1/analytics
LOG_LEVEL=INFO
SECRET_KEY=geheim-1
WORKERS=4
"""
REQUIRED = ["DATABASE_URL", "LOG_LEVEL", "SECRET_KEY"]
NO_PRIVILEGES = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


class Application:
    """A directory with the files of an application, and the last known good of them."""

    def __init__(self, directory: Path) -> None:
        self.env = directory / "app" / ".env"
        self.env.parent.mkdir()
        self.write(TEXT)
        self.baseline = directory / "baseline"

    def write(self, text: str | bytes, mode: int = 0o600) -> None:
        self.env.write_bytes(text.encode() if isinstance(text, str) else text)
        self.env.chmod(mode)

    def replace(self, old: str, new: str) -> None:
        self.write(self.env.read_text().replace(old, new))

    @property
    def options(self) -> dict[str, Any]:
        return {"files": [{"path": str(self.env), "required": REQUIRED}], "baseline": str(self.baseline)}

    def look(self, **options: Any) -> dict[str, Any]:
        result = run_module("settings_drift", **{**self.options, **options})
        assert "geheim" not in json.dumps(result)
        return result

    def record(self, **options: Any) -> dict[str, Any]:
        return self.look(record=True, recorded_by="alice, change 4711", **options)

    def kept(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.baseline.iterdir()} if self.baseline.exists() else {}


@pytest.fixture
def app(tmp_path: Path) -> Application:
    return Application(tmp_path)


def reported(result: dict[str, Any]) -> dict[str, str]:
    """``{check: severity}`` of everything that is not ok, without the prefix."""
    assert not result["failed"], result.get("msg")
    assert all(f["advice"] for f in result["findings"] if f["severity"] != "ok")
    return {f["check"].removeprefix("settings."): f["severity"] for f in result["findings"] if f["severity"] != "ok"}


def message(result: dict[str, Any], check: str) -> str:
    return next(f["message"] for f in result["findings"] if f["check"] == f"settings.{check}")


def test_recorded_settings_are_silent_and_a_look_changes_nothing(app: Application) -> None:
    assert reported(app.look()) == {"baseline": "info"}
    assert not app.baseline.exists()
    recorded = app.record()
    assert recorded["changed"]
    assert reported(recorded) == {}
    before = app.kept()
    app.replace("# The analytics", "# Another")
    result = app.look(include_ok=True)
    assert reported(result) == {}
    assert not result["changed"]
    assert {f["check"] for f in result["findings"]} == set(result["checks"])
    assert "recorded by alice, change 4711 on" in message(result, "baseline")
    assert result["measurements"]["settings.changes"] == 0
    assert app.kept() == before


def test_the_record_holds_no_secret_and_is_for_its_owner_alone(app: Application) -> None:
    old = os.umask(0)
    try:
        app.record()
    finally:
        os.umask(old)
    assert sorted(app.kept()) == ["settings.json", "settings.key"]
    assert b"geheim" not in b"".join(app.kept().values())
    assert b"INFO" in app.kept()["settings.json"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in app.baseline.iterdir()}
    assert (modes, stat.S_IMODE(app.baseline.stat().st_mode)) == ({0o600}, 0o700)


def test_what_changed_is_told_by_name_and_secrets_are_not(app: Application) -> None:
    app.record()
    app.replace("INFO", "DEBUG")
    app.replace("geheim-1", "geheim-2")
    app.replace("WORKERS=4", "NEW=1")
    result = app.look(diff=True)
    assert reported(result) == {"changed": "warning"}
    assert message(result, "changed").endswith(
        ": LOG_LEVEL: INFO → DEBUG; SECRET_KEY has another value (secret); NEW added (1); WORKERS removed (was 4)."
    )
    assert [(change["name"], change["kind"]) for change in result["changes"]] == [
        ("LOG_LEVEL", "changed"),
        ("SECRET_KEY", "changed"),
        ("NEW", "added"),
        ("WORKERS", "removed"),
    ]
    (difference,) = result["diff"]
    assert "LOG_LEVEL = INFO\nSECRET_KEY = ********\n" in difference["before"]
    assert "LOG_LEVEL = DEBUG\nSECRET_KEY = ******** (changed)\n" in difference["after"]
    assert reported(app.look(files=[{"path": str(app.env), "ignore": ["*"]}])) == {}


def test_a_password_within_an_address_is_seen_to_change(app: Application) -> None:
    app.record()
    app.replace("geheim-0", "geheim-9")
    assert "DATABASE_URL has another value (secret)" in message(app.look(), "changed")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("SECRET_KEY=geheim-1\n", "", "SECRET_KEY is missing"),
        ("geheim-1", "", "SECRET_KEY is empty"),
        ("geheim-1", "changeme", "SECRET_KEY is a placeholder"),
        ("geheim-1", "{{ vault_secret_key }}", "SECRET_KEY is a placeholder"),
        ("INFO", '""', "LOG_LEVEL is empty"),
    ],
)
def test_a_required_variable_without_a_value(app: Application, old: str, new: str, told: str) -> None:
    app.replace(old, new)
    result = app.look()
    assert reported(result) == {"required": "critical", "baseline": "info"}
    assert message(result, "required") == told + "."
    refused = app.record()
    assert refused["failed"]
    assert "no state to be recorded as good" in refused["msg"]
    assert app.record(check_mode=True)["failed"]
    assert app.kept() == {}
    assert app.record(exclude_checks=["required"])["changed"]


def test_a_file_that_is_gone(app: Application, tmp_path: Path) -> None:
    app.record()
    app.env.unlink()
    assert reported(app.look()) == {"missing_file": "critical"}
    app.env.symlink_to(tmp_path / "nowhere")
    assert "a link to" in message(app.look(), "missing_file")
    app.env.unlink()
    optional = [{"path": str(app.env), "optional": True}]
    assert reported(app.look(files=optional)) == {"missing_file": "warning"}
    assert app.record()["failed"]
    recorded = app.record(files=optional)
    assert [(step["action"], step["subject"]) for step in recorded["done"]] == [("forget", str(app.env))]
    assert reported(app.look(files=optional)) == {}


def test_files_of_a_pattern_that_come_and_go(app: Application) -> None:
    sites = app.env.parent / "sites"
    sites.mkdir()
    for name in ("a", "b"):
        (sites / name).write_text("server {\n  listen 80;\n}\n")
    (sites / "directory").mkdir()
    options = {"files": [{"path": f"{sites}/*"}]}
    assert len(app.record(**options)["done"]) == 2
    (sites / "a").unlink()
    (sites / "c").write_text("server {\n  listen 81;\n}\n")
    result = app.look(**options)
    assert {(f["check"], f["subject"], f["severity"]) for f in result["findings"]} == {
        ("settings.missing_file", f"{sites}/a", "critical"),
        ("settings.changed", f"{sites}/c", "warning"),
    }
    assert message(result, "changed").startswith("New since")
    assert not app.record(**options)["failed"]
    assert reported(app.look(**options)) == {}
    assert reported(app.look(files=[{"path": f"{sites}/none*"}])) == {"missing_file": "critical"}


def test_a_link_that_leads_elsewhere(app: Application, tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        (tmp_path / name).write_text("A=1\n")
    app.env.unlink()
    app.env.symlink_to(tmp_path / "v1")
    options = {"files": [{"path": str(app.env)}]}
    app.record(**options)
    app.env.unlink()
    app.env.symlink_to(tmp_path / "v2")
    assert f"(link): {tmp_path}/v1 → {tmp_path}/v2" in message(app.look(**options), "changed")


def test_a_file_that_everybody_may_read_or_write(app: Application) -> None:
    app.record()
    app.env.chmod(0o644)
    result = app.look()
    assert reported(result) == {"permissions": "warning"}
    assert "it holds secrets: DATABASE_URL." in message(result, "permissions")
    app.env.chmod(0o666)
    assert reported(app.look()) == {"permissions": "critical"}


def test_a_mode_or_owner_that_is_not_as_it_was_or_should_be(app: Application) -> None:
    app.record()
    app.env.chmod(0o640)
    assert message(app.look(), "permissions") == "Its mode is 0640, recorded was 0600."
    wished = [{"path": str(app.env), "mode": "0640", "owner": "nobody-of-analytics"}]
    assert "expected is nobody-of-analytics" in message(app.look(files=wished), "permissions")
    assert reported(app.look(files=[{"path": str(app.env), "mode": "0640"}])) == {}


@needs_root
def test_an_owner_that_has_no_name(app: Application) -> None:
    app.record()
    os.chown(app.env, 54321, 54321)
    assert message(app.look(), "permissions").startswith("Its owner is 54321, recorded was root")


def test_a_file_that_may_not_be_read(app: Application) -> None:
    app.record()
    app.env.chmod(0)
    result = app.look(within=NO_PRIVILEGES, exclude_checks=["permissions"])
    assert reported(result) == {"readable": "unknown"}
    assert "Permission denied" in message(result, "readable")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"A=1\0\0\0", "NUL bytes"),
        (b"\0" * 5000, "NUL bytes"),
        (b"A=" + b"a" * (1024 * 1024), "files of settings are read up to 1 MB"),
    ],
)
def test_what_is_no_file_of_settings(app: Application, content: bytes, told: str) -> None:
    app.record()
    app.write(content)
    result = app.look()
    assert reported(result) == {"readable": "unknown"}
    assert told in message(result, "readable")
    assert app.record()["failed"]


def test_a_hundred_megabytes_are_not_read(app: Application) -> None:
    with app.env.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    result = app.look(baseline=None)
    assert reported(result) == {"readable": "unknown"}
    assert "It holds 100 MB" in message(result, "readable")


def test_many_files_are_read_up_to_a_limit_together(app: Application) -> None:
    for number in range(18):
        (app.env.parent / f"{number:02}.env").write_text("# " + "a" * 1000000 + "\nA=1\n")
    result = app.look(files=[{"path": f"{app.env.parent}/*.env"}], baseline=None)
    assert reported(result) == {"readable": "unknown"}
    assert result["measurements"]["settings.files"] == 16
    for number in range(1001):
        (app.env.parent / f"{number}.many").touch()
    assert "more than 1000 files" in app.look(files=[{"path": f"{app.env.parent}/*.many"}])["msg"]


@pytest.mark.parametrize("kind", ["pipe", "socket", "directory", "device", "loop", "error"])
def test_what_is_no_file_at_all(app: Application, kind: str) -> None:
    app.env.unlink()
    if kind == "pipe":
        os.mkfifo(app.env)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(app.env))
    elif kind == "directory":
        app.env.mkdir()
    else:
        app.env.symlink_to({"device": "/dev/zero", "loop": str(app.env), "error": "/proc/self/mem"}[kind])
    result = app.look(exclude_checks=["permissions"], baseline=None)
    assert reported(result) == {"readable": "unknown"}


def test_broken_json_is_told_without_its_content(app: Application) -> None:
    file = app.env.parent / "config.json"
    file.write_text('{"password": "geheim-3",\n "port" 1}')
    result = app.look(files=[{"path": str(file)}], baseline=None)
    assert reported(result) == {"readable": "critical"}
    assert "It is no whole json: Expecting ':' delimiter in line 2" in message(result, "readable")


def test_bytes_that_are_no_text_in_any_encoding(app: Application) -> None:
    app.write(TEXT.encode() + b"NAME=M\xfcller\x1b[2J\n")
    app.record()
    app.write(app.env.read_bytes().replace(b"\xfc", b"\xe4"))
    result = app.look()
    assert reported(result) == {"changed": "warning"}
    assert "NAME: M\\xfcller\\x1b[2J → M\\xe4ller\\x1b[2J" in message(result, "changed")
    assert "\x1b" not in json.dumps(result, ensure_ascii=False)


def test_who_recorded_it_is_known_without_being_told(app: Application) -> None:
    app.look(record=True, within=["env", "SUDO_USER=bob"])
    assert app.look()["baseline"]["recorded_by"] == "bob"
    app.replace("INFO", "DEBUG")
    app.look(record=True, within=["env", "-u", "SUDO_USER", "LOGNAME=carol"])
    assert app.look()["baseline"]["recorded_by"] == "carol"


def test_recording_again_changes_only_what_differs(app: Application) -> None:
    planned = app.record(check_mode=True, diff=True)
    assert planned["changed"]
    assert [step["action"] for step in planned["remaining"]] == ["record"]
    assert planned["done"] == []
    assert planned["diff"][0]["before"] == ""
    assert app.kept() == {}
    assert app.record()["changed"]
    before = app.kept()
    assert not app.record()["changed"]
    assert app.kept() == before
    app.replace("INFO", "DEBUG")
    planned = app.record(check_mode=True)
    assert [step["reason"] for step in planned["plan"]] == ["1 of its settings changed."]
    assert reported(planned) == {"changed": "warning"}
    assert app.kept() == before
    recorded = app.record(diff=True)
    assert reported(recorded) == {}
    assert [change["name"] for change in recorded["changes"]] == ["LOG_LEVEL"]
    assert "LOG_LEVEL = INFO" in recorded["diff"][0]["before"]
    assert app.kept()["settings.key"] == before["settings.key"]


def test_a_file_that_was_added_to_the_list_is_not_recorded_yet(app: Application) -> None:
    app.record()
    other = app.env.parent / "other.env"
    other.write_text("A=1\n")
    both = [*app.options["files"], {"path": str(other)}]
    result = app.look(files=both)
    assert reported(result) == {"baseline": "info"}
    assert [f["subject"] for f in result["findings"]] == [str(other)]
    assert [step["subject"] for step in app.record(files=both)["done"]] == [str(other)]


def damage(app: Application, how: str) -> None:
    record, key = app.baseline / "settings.json", app.baseline / "settings.key"
    if how == "edited":
        record.write_text(record.read_text().replace("INFO", "DEBUG"))
    elif how == "empty":
        record.write_bytes(b"")
    elif how == "without key":
        key.unlink()
    elif how == "another key":
        key.write_text("00" * 32)
    elif how == "no key":
        key.write_text("what is this?")
    else:
        record.unlink()
        record.symlink_to("/etc/passwd")


@pytest.mark.parametrize("how", ["edited", "empty", "without key", "another key", "no key", "link"])
def test_a_record_that_was_touched_is_not_believed(app: Application, how: str) -> None:
    app.record()
    damage(app, how)
    result = app.look()
    assert reported(result) == {"baseline": "unknown"}
    assert result["baseline"] is None
    assert app.record()["changed"]
    assert reported(app.look()) == {}
    assert Path("/etc/passwd").read_text().startswith("root:")


def test_a_record_that_others_could_have_written_or_read(app: Application) -> None:
    app.record()
    (app.baseline / "settings.json").chmod(0o644)
    assert reported(app.look()) == {"baseline": "warning"}
    assert "could try out passwords" in message(app.look(), "baseline")
    key = app.kept()["settings.key"]
    assert app.record()["changed"]
    assert app.kept()["settings.key"] != key
    assert reported(app.look()) == {}
    app.baseline.chmod(0o777)
    result = app.look()
    assert reported(result) == {"baseline": "warning"}
    assert "can be written by other users" in message(result, "baseline")
    for check_mode in (True, False):
        refused = app.record(check_mode=check_mode)
        assert refused["failed"]
        assert "can be written by other users" in refused["msg"]


@needs_root
def test_a_record_of_somebody_else(app: Application) -> None:
    app.record()
    os.chown(app.baseline / "settings.json", 54321, -1)
    assert "belongs to another user" in message(app.look(), "baseline")


def test_a_record_that_may_not_be_read(app: Application) -> None:
    app.record()
    app.baseline.chmod(0)
    result = app.look(within=NO_PRIVILEGES)
    assert reported(result) == {"baseline": "unknown"}


def test_no_place_for_a_record(app: Application, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "none" / "baseline", tmp_path / "file" / "baseline"):
        for check_mode in (True, False):
            result = app.record(baseline=str(place), check_mode=check_mode)
            assert result["failed"]
            assert "Make the directory above it" in result["msg"]


def test_two_recorders_one_after_the_other(app: Application) -> None:
    processes = [start_module("settings_drift", **app.options, record=True, recorded_by=str(n)) for n in range(4)]
    results = [module_result(process) for process in processes]
    assert [result["failed"] for result in results] == [False] * 4
    assert sum(result["changed"] for result in results) == 1
    assert reported(app.look()) == {}


def test_a_recorder_that_hangs_keeps_others_waiting_and_is_named(app: Application) -> None:
    app.record()
    before = app.kept()
    app.replace("INFO", "DEBUG")
    descriptor = os.open(app.baseline, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        result = app.record()
        assert result["failed"]
        assert "Another process has been recording" in result["msg"]
        assert app.kept() == before
    finally:
        os.close(descriptor)
    assert app.record()["changed"]


@needs_mounts
def test_a_full_disk_leaves_the_last_record(app: Application) -> None:
    app.record()
    before = app.kept()
    app.write(TEXT + "".join(f"NAME_{number}=value\n" for number in range(5000)))
    copy = f"cp -a {app.baseline} {app.baseline}.copy; mount -t tmpfs -o size=64k,mode=700 none {app.baseline}; "
    copy += f"cp -a {app.baseline}.copy/* {app.baseline}"
    after = f'"$@"; sha256sum {app.baseline}/* > {app.baseline}.sums; ls -A {app.baseline} > {app.baseline}.names'
    within = [*mounted(copy), "sh", "-c", after, "sh"]
    result = app.record(within=within)
    assert result["failed"]
    assert "No space left on device" in result["msg"]
    names = Path(f"{app.baseline}.names").read_text().split()
    assert names == ["settings.json", "settings.key"]
    sums = {line.split()[0] for line in Path(f"{app.baseline}.sums").read_text().splitlines()}
    assert len(sums) == 2
    assert before == app.kept()
    kept = subprocess.run(["sha256sum", *app.baseline.iterdir()], capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in kept.splitlines()} == sums


def test_a_recorder_that_was_killed_leaves_nothing_in_the_way(app: Application) -> None:
    app.record()
    (app.baseline / "settings.json.new").write_text("half a rec")
    app.replace("INFO", "DEBUG")
    assert app.record()["changed"]
    assert sorted(app.kept()) == ["settings.json", "settings.key"]


SERVICE = "import sys, time; print('ready', flush=True); time.sleep(600)"


@pytest.fixture
def service(app: Application, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A process that was started with the variables of the file, as a supervisor does it; its options."""
    variables = [line for line in app.env.read_text().splitlines() if "=" in line]
    with program(SERVICE, within=["env", "-i", *variables]) as process:
        pid_file = tmp_path / "service.pid"
        pid_file.write_text(f"{process.pid}\n")
        yield {"name": "api", "pid_file": str(pid_file), "environment_files": [str(app.env)], "required": REQUIRED}


def test_a_process_that_runs_with_its_file(app: Application, service: dict[str, Any]) -> None:
    result = app.look(processes=[service], include_ok=True)
    assert reported(result) == {"baseline": "info"}
    assert result["measurements"]["settings.stale_processes"] == 0


def test_a_process_that_runs_with_old_values(app: Application, service: dict[str, Any]) -> None:
    app.replace("geheim-1", "geheim-2")
    app.write(app.env.read_text() + "NEW=1\n")
    result = app.look(processes=[service], checks=["running"])
    assert reported(result) == {"running": "warning"}
    assert "other values than are declared now: SECRET_KEY, NEW. A restart is pending." in message(result, "running")
    assert result["measurements"]["settings.stale_processes"] == 1
    assert reported(app.look(processes=[dict(service, ignore=["NEW", "SECRET*"])], checks=["running"])) == {}


def test_a_process_without_a_required_variable(app: Application, service: dict[str, Any]) -> None:
    result = app.look(processes=[dict(service, required=["SMTP_HOST"])], checks=["required"])
    assert [f["subject"] for f in result["findings"]] == ["api"]
    assert message(result, "required") == "SMTP_HOST is missing."


TITLE = """
import ctypes, time
environment = open('/proc/self/environ', 'rb').read()
stat = open('/proc/self/stat').read().rpartition(')')[2].split()
start, end = int(stat[47]), int(stat[48])
ctypes.memset(start, 0, end - start)
print('ready', flush=True)
time.sleep(600)
"""


def test_a_process_that_has_overwritten_its_environment(app: Application, service: dict[str, Any]) -> None:
    """As setproctitle does, which Celery and PostgreSQL use."""
    with program(TITLE) as process:
        Path(service["pid_file"]).write_text(str(process.pid))
        result = app.look(processes=[service])
    assert reported(result) == {"running": "unknown", "baseline": "info"}
    assert "overwritten its environment" in message(result, "running")


@needs_root
def test_a_process_that_may_not_be_looked_at(app: Application, service: dict[str, Any]) -> None:
    within = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    options = {"processes": [dict(service, environment_files=[])], "files": [], "baseline": None}
    result = app.look(within=within, checks=["running"], **options)
    assert reported(result) == {"running": "unknown"}
    assert "may not be read" in message(result, "running")


def test_a_process_that_does_not_run(app: Application, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    file = tmp_path / "service.pid"
    options = {"files": [], "baseline": None, "processes": [{"pid_file": str(file)}]}
    assert reported(app.look(**options)) == {"running": "info"}
    for content, severity in ((str(ended.pid), "info"), ("", "unknown"), ("-1", "unknown"), ("9" * 90, "info")):
        file.write_text(content)
        assert reported(app.look(**options)) == {"running": severity}
    file.unlink()
    file.mkdir()
    assert reported(app.look(**options)) == {"running": "unknown"}
    file.rmdir()
    os.mkfifo(file)
    assert reported(app.look(**options)) == {"running": "unknown"}


def test_environment_files_that_are_not_there_or_may_not_be_read(app: Application, service: dict[str, Any]) -> None:
    there = service["environment_files"]
    result = app.look(processes=[dict(service, environment_files=["/no/such/file", *there])], checks=["running"])
    assert reported(result) == {}
    result = app.look(processes=[dict(service, environment_files=["/dev/null", *there])], checks=["running"])
    assert reported(result) == {}
    pipe = app.env.with_name("pipe.env")
    os.mkfifo(pipe)
    for path in ("/proc/self", str(pipe)):
        result = app.look(processes=[dict(service, environment_files=[path])], checks=["running"])
        assert reported(result) == {"running": "unknown"}


def test_a_recorder_that_is_interrupted_leaves_the_last_record(app: Application) -> None:
    """Again and again at other moments, until it came through before the signal."""
    app.record()
    for number in range(12):
        app.replace("WORKERS=" + str(4 + number), "WORKERS=" + str(5 + number))
        process = start_module("settings_drift", **app.options, record=True)
        try:
            process.wait(0.05 * number)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
        process.communicate()
        assert set(reported(app.look())) <= {"changed"}
    assert app.record()["failed"] is False
    assert reported(app.look()) == {}


WRONG = [
    ({}, "files: there are none."),
    ({"processes": [{"unit": "x"}], "record": True, "baseline": "/tmp/x"}, "files: there are none."),
    ({"files": [{"path": "relative"}]}, "Give a path from the root."),
    ({"files": [{"path": "/x", "mode": "rw"}]}, "mode of /x is 'rw'"),
    ({"files": [{"path": "/x"}], "record": True}, "baseline"),
    ({"files": [{"path": "/x"}], "timeout": 0}, "timeout is 0."),
    ({"files": [{"path": "/x"}], "max_findings_per_check": 0}, "max_findings_per_check is 0."),
    ({"processes": [{"name": "x"}]}, "unit"),
    ({"processes": [{"unit": "x", "pid_file": "/x"}]}, "mutually exclusive"),
    ({"files": [{"path": "/x"}], "checks": ["chnged"]}, "Did you mean: settings.changed"),
]


@pytest.mark.parametrize(("options", "text"), WRONG)
def test_wrong_options(options: dict[str, Any], text: str) -> None:
    result = run_module("settings_drift", **options)
    assert result["failed"]
    assert text in result["msg"]
    assert "bug" not in result["msg"]


def test_a_file_that_is_named_and_found_by_a_pattern(app: Application) -> None:
    pattern = {"path": f"{app.env.parent}/.e*", "required": ["SMTP_HOST"], "mode": "0777"}
    result = app.look(files=[{"path": str(app.env), "required": ["SMTP_PORT"]}, pattern], baseline=None)
    assert reported(result) == {"required": "critical"}
    assert message(result, "required") == "SMTP_HOST is missing; SMTP_PORT is missing."


def test_more_findings_than_anybody_reads(app: Application) -> None:
    for number in range(5):
        (app.env.parent / f"{number}.env").write_text("")
    options = {"files": [{"path": f"{app.env.parent}/?.env", "required": ["A"]}], "baseline": None}
    result = app.look(**options, max_findings_per_check=2)
    assert [f["subject"] for f in result["findings"]][-1] == "3 more"


UNIT_FILE = "/run/configuration/systemd/user/api.service"
UNIT = """\
[Service]
Environment=MODE=production "GREETING=two words" "SAID=it's \\"so\\""
Environment="PATTERN=a\\\\b" "DOLLAR=$5" "PERCENT=5%%"
EnvironmentFile={file}
EnvironmentFile={file}.d/*.env
UnsetEnvironment=DROPPED
EnvironmentFile=-/no/such/file
ExecStart=/bin/sleep 600
"""


def started_by_systemd(unit: str, afterwards: str) -> list[str]:
    """A command that runs what follows it where systemd has started ``api.service``, after a script has run."""
    script = f'cat > {UNIT_FILE} <<"END"\n{unit}END\n'
    script += f'systemctl daemon-reload\nsystemctl start api.service\n{afterwards}\nexec "$@"'
    return [*systemd("/bin/true"), "sh", "-euc", script, "sh"]


@pytest.mark.parametrize(
    ("afterwards", "severity", "told"),
    [
        ("true", None, ""),
        ("sed -i s/geheim-1/geheim-2/ {file}", "warning", "SECRET_KEY. A restart is pending."),
        ("sed -i s/1/3/ {file}.d/1.env", "warning", "other values than are declared now: MORE. A restart"),
        ("sed -i s/production/staging/ {unit}; systemctl daemon-reload", "warning", "MODE"),
        ("systemctl stop api.service", "info", "It does not run"),
    ],
)
def test_a_unit_of_systemd(app: Application, afterwards: str, severity: str | None, told: str) -> None:
    app.write(TEXT + "QUOTED='a b' \nDROPPED=1\n")
    more = Path(f"{app.env}.d")
    more.mkdir()
    (more / "1.env").write_text("MORE=1\nLAST=1\n")
    (more / "2.env").write_text("LAST=2\n")
    within = started_by_systemd(UNIT.format(file=app.env), afterwards.format(file=app.env, unit=UNIT_FILE))
    unit = {"unit": "api", "required": [*REQUIRED, "MODE", "GREETING", "SAID", "PATTERN", "PERCENT", "QUOTED", "LAST"]}
    result = app.look(within=within, processes=[unit], baseline=None, include_ok=True, timeout=60)
    assert reported(result) == ({"running": severity} if severity else {})
    assert told in message(result, "running")
    required = [f["message"] for f in result["findings"] if (f["check"], f["subject"]) == ("settings.required", "api")]
    assert required == ["All 10 required variables have a value."]


def test_a_unit_that_is_not_there_and_no_systemd(app: Application, tmp_path: Path) -> None:
    unit = {"processes": [{"unit": "no-such-unit"}], "files": [], "baseline": None, "timeout": 60}
    result = app.look(within=systemd("/bin/true"), **unit)
    assert reported(result) == {"running": "critical"}
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho 'no bus\033[2J' >&2\nexit 1\n")
    (tmp_path / "systemctl").chmod(0o755)
    result = app.look(within=["env", f"PATH={tmp_path}:{os.environ['PATH']}"], **unit)
    assert reported(result) == {"running": "unknown"}
    assert message(result, "running") == "systemd cannot be asked: no bus\\x1b[2J."
    (tmp_path / "systemctl").write_text("broken")
    result = app.look(within=["env", f"PATH={tmp_path}:{os.environ['PATH']}"], **unit)
    assert reported(result) == {"running": "unknown"}


def test_files_that_are_written_to_keep_a_reader_busy(tmp_path: Path) -> None:
    """Each is no longer than files may be, and would take minutes, or all of the memory."""
    texts = {
        "empty.yml": "a:\n" * 340_000,
        "long.json": '{"' + "a" * 500_000 + '": {' + ", ".join(f'"{number}": 1' for number in range(40_000)) + "}}",
        "tokens.env": "".join(f"A{number}=" + "-eyJ" * 980 + "\n" for number in range(260)),
        "blocks.conf": "".join("block " * 9 + "{\n" for _depth in range(50)) + "a 1;\n" * 200_000,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    result = run_module("settings_drift", files=[{"path": str(tmp_path / name)} for name in texts])
    assert result["findings"] == []
    assert result["measurements"]["settings.files"] == len(texts)
