# SPDX-License-Identifier: GPL-3.0-or-later
"""``service_wave`` where neither systemd nor Docker need be there: readiness of real servers, order, draining, killing.

What starts and stops processes here is a stand-in for ``docker``; systemd and Docker themselves are drilled in the lab
(``molecule/default/tests/healthy/test_service_wave.py``, ``molecule/shared/drill.yml``).
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis
import requests

from demo.embedded.postgres import PostgresServer
from demo.embedded.process import free_port
from demo.embedded.valkey import ValkeyServer
from tests.support.modules import run_module
from tests.support.stand_in_stack import Stack
from tests.support.waiting import until

DEAF = "trap '' TERM; sleep 600; sleep 600"


def wave(state: str, services: dict[str, Any], check_mode: bool = False, **options: Any) -> dict[str, Any]:
    result = run_module("service_wave", services=services, state=state, check_mode=check_mode, **options)
    assert not result["failed"], result["msg"]
    return result


def outcomes(result: dict[str, Any]) -> dict[str, str]:
    return {name: one["outcome"] for name, one in result["services"].items()}


def message(result: dict[str, Any], name: str) -> str:
    (found,) = [one["message"] for one in result["findings"] if one["subject"] == name]
    return found


def events(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["service"], entry["event"]) for entry in result["timeline"]]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    made = Stack(tmp_path, monkeypatch)
    yield made
    wave("stopped", made.everything(), stop_seconds=1)


def test_each_starts_when_what_it_needs_is_ready_and_nobody_else_waits(stack: Stack) -> None:
    services = {
        "slow": stack.listener("slow", after_seconds=3),
        "after": stack.service("after", after=["slow"]),
        "alone": stack.service("alone"),
        "edge": stack.listener("edge", edge=True),
    }
    planned = wave("started", services, check_mode=True)
    assert planned["changed"]
    in_order = ["alone", "slow", "after", "edge"]
    assert [(step["action"], step["subject"]) for step in planned["plan"]] == [("start", name) for name in in_order]
    assert planned["plan"] == planned["remaining"]
    assert planned["timeline"] == []
    result = wave("started", services)
    assert set(outcomes(result).values()) == {"ready"}
    assert (result["status"], result["changed"], result["remaining"]) == ("healthy", True, [])
    order = events(result)
    assert order.index(("slow", "ready")) < order.index(("after", "start"))
    assert order.index(("alone", "ready")) < order.index(("slow", "ready"))
    assert order.index(("edge", "start")) > max(order.index((name, "ready")) for name in ("slow", "after", "alone"))
    again = wave("started", services)
    assert (set(outcomes(again).values()), again["changed"], again["plan"]) == ({"was_ready"}, False, [])


def test_what_fails_is_told_with_its_reason_and_only_what_needs_it_stays_down(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = stack.service("taken", "exit 1", port=holder.getsockname()[1])
        services = {
            "fails": stack.service("fails", "exit 3"),
            "needs": stack.service("needs", after=["fails"]),
            "far": stack.service("far", after=["needs"]),
            "mute": stack.service("mute", ready={"tcp": str(free_port()), "within_seconds": 3}),
            "taken": taken,
            "alone": stack.service("alone"),
            "waits": stack.service("waits", after=["postgres"]),
            "unheard": {"compose": {"project": "stand-in", "file": str(stack.file), "service": "unheard"}},
        }
        result = wave("started", services, not_up=["postgres"])
    assert outcomes(result) == {
        "fails": "failed",
        "needs": "skipped",
        "far": "skipped",
        "mute": "failed",
        "taken": "failed",
        "alone": "ready",
        "waits": "skipped",
        "unheard": "failed",
    }
    assert result["status"] == "unhealthy"
    assert {one["check"] for one in result["findings"]} == {"wave.start"}
    assert "exit code 3" in message(result, "fails")
    assert message(result, "far") == "far was not started: what it needs is not up (needs)."
    assert "runs but is not ready after" in message(result, "mute")
    assert "refused" in message(result, "mute")
    assert f"(process {os.getpid()})" in message(result, "taken")
    assert "no such service: unheard" in message(result, "unheard")


def test_a_service_that_runs_and_does_not_answer_does_not_hold_its_port_against_itself(stack: Stack) -> None:
    api = stack.listener("api")
    api["ready"] = {"http": f"http://127.0.0.1:{api['port']}/health", "within_seconds": 3}
    told = message(wave("started", {"api": api}), "api")
    assert "api runs but is not ready after" in told
    assert "held by" not in told


def test_a_diagnosis_tells_what_is_not_up_and_starts_nothing(stack: Stack) -> None:
    services = {
        "ends": stack.service("ends", "for line in one two three; do echo $line; done; echo token=geheim >&2; exit 3"),
        "needs": stack.service("needs", after=["ends"]),
        "far": stack.service("far", after=["postgres"]),
        "alone": stack.service("alone"),
    }
    wave("started", {"ends": services["ends"], "alone": services["alone"]})
    result = wave("diagnosed", services, not_up=["postgres"])
    assert outcomes(result) == {"ends": "failed", "needs": "failed", "far": "failed", "alone": "was_ready"}
    assert (result["changed"], result["status"], result["timeline"]) == (False, "unhealthy", [])
    assert {(one["check"], one["subject"]) for one in result["findings"]} == {
        ("wave.up", name) for name in services if name != "alone"
    }
    assert message(result, "ends").endswith("exit code 3. It last said: two / three / token=********")
    assert "What it needs is not up (ends)." in message(result, "needs")
    assert "What it needs is not up (postgres)." in message(result, "far")
    assert "geheim" not in json.dumps(result)
    assert {path.name for path in stack.known.iterdir() if not path.suffix} == {"ends", "alone"}
    assert wave("diagnosed", {"alone": services["alone"]})["status"] == "healthy"


def test_a_variable_that_the_compose_file_requires_is_named(stack: Stack) -> None:
    api = stack.service("api")
    declared = json.loads(stack.file.read_text())
    declared["services"]["api"]["requires"] = ["DATABASE_URL"]
    text = stack.file.read_text()
    stack.file.write_text(json.dumps(declared))
    result = wave("started", {"api": api})
    assert "Its Compose file requires variables that are not set: DATABASE_URL." in message(result, "api")
    assert result["findings"][0]["advice"].startswith("Set what is missing in the environment, or in the file .env")
    stack.file.write_text(text)


PAGE = (
    "import http.server, os, sys\n"
    "class Page(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(503 if os.path.exists(sys.argv[2]) else 200)\n"
    "        self.send_header('Content-Length', '0')\n"
    "        self.end_headers()\n"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Page).serve_forever()\n"
)


def test_an_edge_with_a_maintenance_page_closes_and_runs_on(stack: Stack, tmp_path: Path) -> None:
    port, flag = free_port(), tmp_path / "closed"
    command = shlex.join([sys.executable, "-c", PAGE, str(port), str(flag)])
    edge = {"edge": True, "after": ["api"], "maintenance_file": str(flag)}
    edge["ready"] = {"http": f"http://127.0.0.1:{port}/"}
    services = {"api": stack.service("api"), "web": stack.service("web", f"exec {command}", **edge)}
    wave("started", services)
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 200
    planned = wave("stopped", services, check_mode=True)
    assert [(step["action"], step["subject"]) for step in planned["plan"]] == [("close", "web"), ("stop", "api")]
    assert not flag.exists()
    result = wave("stopped", services)
    assert outcomes(result) == {"web": "closed", "api": "stopped"}
    assert events(result).index(("web", "closed")) < events(result).index(("api", "stop"))
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 503
    assert flag.stat().st_mode & 0o777 == 0o644
    again = wave("stopped", services)
    assert (outcomes(again), again["changed"], again["plan"]) == (
        {"web": "was_closed", "api": "was_down"},
        False,
        [],
    )
    assert "web is closed for maintenance" in message(wave("diagnosed", services), "web")

    broken = {**services, "api": stack.service("api", "exit 1")}
    assert outcomes(wave("started", broken)) == {"api": "failed", "web": "skipped"}
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 503
    stack.service("api")
    result = wave("started", services)
    assert outcomes(result) == {"api": "ready", "web": "ready"}
    assert [event for name, event in events(result) if name == "web"] == ["open", "ready"]
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 200
    assert not wave("started", services)["changed"]


def test_an_edge_that_cannot_close_by_its_page_is_stopped(stack: Stack, tmp_path: Path) -> None:
    flag = tmp_path / "missing" / "closed"
    services = {"web": stack.service("web", edge=True, maintenance_file=str(flag))}
    wave("started", services)
    result = wave("stopped", services)
    assert outcomes(result) == {"web": "stopped"}
    assert ("web", "close_failed") in events(result)


def test_what_did_not_run_before_a_shutdown_is_left_down(stack: Stack, tmp_path: Path) -> None:
    services = {
        "base": stack.service("base"),
        "off": stack.service("off"),
        "api": stack.service("api", after=["base", "off"]),
        "crashed": stack.service("crashed", "exit 3"),
        "vendor": external(),
    }
    note = tmp_path / "notes" / "running.json"
    record = {"record": str(note)}
    declared = json.loads(stack.file.read_text())
    declared["services"]["crashed"]["restart"] = "no"
    stack.file.write_text(json.dumps(declared))
    wave("started", {name: services[name] for name in ("base", "crashed")})
    wave("started", {"api": {**services["api"], "after": []}})
    planned = wave("recorded", services, check_mode=True, **record)
    assert (planned["changed"], note.exists()) == (True, False)
    result = wave("recorded", services, **record)
    assert (result["changed"], result["findings"], result["checks"]) == (True, [], ["wave.record"])
    assert note.stat().st_mode & 0o777 == 0o640
    wave("stopped", services)
    assert not wave("recorded", services, **record)["changed"], "what was stopped by a shutdown did run"

    services["crashed"] = stack.service("crashed")
    planned = wave("started", services, check_mode=True, **record)
    assert [step["subject"] for step in planned["plan"]] == ["base", "crashed", "api"]
    told = wave("diagnosed", services, **record)
    assert (outcomes(told)["off"], outcomes(told)["base"]) == ("left_down", "failed")
    result = wave("started", services, **record)
    left = dict.fromkeys(("base", "api", "crashed"), "ready")
    assert outcomes(result) == {**left, "off": "left_down", "vendor": "was_ready"}
    assert result["status"] == "healthy"
    (told,) = [one for one in result["findings"] if one["subject"] == "off"]
    assert told["severity"] == "info"
    assert told["message"].startswith("off is left down: it did not run before the shutdown of 20")
    assert set(json.loads(note.read_text())["services"]) == {"off"}
    assert not wave("started", {"off": services["off"]}, **record)["changed"]
    assert outcomes(wave("started", {"off": services["off"]}, everything=True, **record)) == {"off": "ready"}
    assert not note.exists()


def test_a_record_that_cannot_be_kept_stops_nobody(stack: Stack, tmp_path: Path) -> None:
    services = {"api": stack.service("api")}
    wave("started", services)
    (tmp_path / "file").write_text("")
    result = wave("recorded", services, record=str(tmp_path / "file" / "running.json"))
    assert (result["changed"], result["status"]) == (False, "degraded")
    assert "cannot be written: File exists." in message(result, "record")
    note = tmp_path / "running.json"
    note.write_text('{"services": {"api": ')
    wave("stopped", services)
    result = wave("started", services, record=str(note))
    assert outcomes(result) == {"api": "ready"}
    assert "cannot be read: It is no record of a shutdown." in message(result, "record")
    result = wave("recorded", services, record=str(note))
    assert (result["changed"], result["findings"]) == (True, [])
    assert json.loads(note.read_text())["services"]["api"]["ran"] is True
    note.unlink()
    note.mkdir()
    assert "Is a directory" in message(wave("started", services, record=str(note)), "record")


def test_stopping_goes_the_other_way_round_and_kills_what_does_not_end(stack: Stack) -> None:
    services = {
        "base": stack.service("base"),
        "after": stack.service("after", after=["base"]),
        "deaf": stack.service("deaf", DEAF),
    }
    wave("started", {**services, "edge": stack.listener("edge", edge=True)})
    services["edge"] = stack.service("edge", stack.commands["edge"], edge=True)
    services["down"] = stack.service("down")
    services["vendor"] = {"manager": "none"}
    planned = wave("stopped", services, check_mode=True)
    assert {step["subject"] for step in planned["plan"]} == {"base", "after", "deaf", "edge"}
    result = wave("stopped", services, stop_seconds=1)
    assert outcomes(result) == {
        "base": "stopped",
        "after": "stopped",
        "deaf": "killed",
        "edge": "stopped",
        "down": "was_down",
        "vendor": "left",
    }
    assert [(one["subject"], one["severity"]) for one in result["findings"]] == [("deaf", "warning")]
    order = events(result)
    assert order.index(("after", "stopped")) < order.index(("base", "stop"))
    assert order.index(("edge", "stopped")) < order.index(("after", "stop"))
    assert not wave("stopped", services)["changed"]


def drained(service: dict[str, Any], after_seconds: float) -> bool:
    """Whether the connection, which ends after this time, was still there when the module looked: machines differ."""
    wave("started", {"api": service})
    client = socket.create_connection(("127.0.0.1", service["port"]))
    threading.Timer(after_seconds, client.close).start()
    seen = [event for _name, event in events(wave("stopped", {"api": service}))]
    assert seen in (["drain", "drained", "stop", "stopped"], ["stop", "stopped"])
    return seen[0] == "drain"


def test_a_drain_ends_when_nobody_is_connected_and_never_later_than_its_time(stack: Stack) -> None:
    service = stack.listener("api", drain_seconds=60)
    port = service["port"]
    assert any(drained(service, after_seconds) for after_seconds in (1, 2, 4, 8, 16))
    wave("started", {"api": service})
    with socket.create_connection(("127.0.0.1", port)):
        result = wave("stopped", {"api": {**service, "drain_seconds": 0.5}})
    assert [event for _name, event in events(result)] == ["drain", "drain_over", "stop", "stopped"]
    wave("started", {"api": service})
    assert [event for _name, event in events(wave("stopped", {"api": service}))] == ["stop", "stopped"]


def test_the_last_wave_tells_of_the_earlier_ones(stack: Stack) -> None:
    first = wave("started", {"base": stack.service("base", "exit 1")})
    second = wave("started", {"other": stack.service("other")}, earlier=first)
    assert set(second["services"]) == {"base", "other"}
    assert [one["subject"] for one in second["findings"]] == ["base"]
    assert second["status"] == "unhealthy"


def external(**declared: Any) -> dict[str, Any]:
    return {"manager": "none", **declared, "ready": {"within_seconds": 1, **declared.get("ready", {})}}


def test_postgresql_is_ready_when_it_takes_connections(postgres: Any) -> None:
    services = {"db": external(kind="postgresql", port=postgres.port)}
    assert outcomes(wave("started", services)) == {"db": "was_ready"}
    services = {"db": external(kind="postgresql", port=free_port())}
    assert "refused" in message(wave("started", services), "db")


def test_postgresql_that_starts_up_is_waited_for(postgres: Any, tmp_path: Path) -> None:
    """A standby that may not be asked goes on recovering, and serves nobody until it is promoted."""
    server = PostgresServer(postgres.programs, tmp_path / "server", settings={"hot_standby": "off"}).create()
    (server.data / "standby.signal").touch()
    starting = threading.Thread(target=server.start)
    starting.start()
    services = {"db": external(kind="postgresql", port=server.port)}
    assert "the database system is" in until(lambda: said_by(services, "database system"))
    server.run("pg_ctl", "promote", "-D", server.data)
    services["db"]["ready"]["within_seconds"] = 60
    assert wave("started", services)["status"] == "healthy"
    starting.join()
    server.stop()


# Before each segment of its log it asks a slow archive, which waits for the first until there is a file 'go'.
ARCHIVE = "case %f in *.history) exit 1;; esac; until [ -e {0}/go ]; do sleep 0.1; done; sleep 0.3; cp {0}/old/%f %p"


def test_a_recovery_is_shown_and_waited_for_while_it_goes_on(postgres: Any, tmp_path: Path) -> None:
    settings = {"wal_init_zero": "off", "wal_keep_size": "2GB", "hot_standby": "off"}
    server = PostgresServer(postgres.programs, tmp_path / "server", settings=settings).create()
    copy, old = server.directory / "copy", server.directory / "old"
    subprocess.run(["cp", "-a", server.data, copy], check=True)
    server.start()
    login = {"host": "127.0.0.1", "port": server.port, "user": "postgres", "password": server.password}
    with contextlib.closing(psycopg2.connect(dbname="postgres", **login)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE written (number int)")
        for number in range(25):
            cursor.execute("INSERT INTO written VALUES (%s)", [number])
            cursor.execute("SELECT pg_switch_wal()")
    server.stop()
    (server.data / "pg_wal").rename(old)
    shutil.rmtree(server.data)
    copy.rename(server.data)
    (server.data / "recovery.signal").touch()
    server.settings["restore_command"] = ARCHIVE.format(server.directory)
    starting = threading.Thread(target=server.start)
    starting.start()
    services = {"db": external(kind="postgresql", port=server.port)}
    assert "It recovers, and is at the segment 0000000100000000" in until(lambda: said_by(services, "recovers"))
    (server.directory / "go").touch()
    services["db"]["ready"]["within_seconds"] = 5
    result = wave("started", services)
    assert outcomes(result) == {"db": "ready"}
    assert ("db", "recovers") in events(result)
    starting.join()
    with contextlib.closing(psycopg2.connect(dbname="postgres", **login)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM written")
        assert cursor.fetchone() == (25,)
    server.stop()


def said_by(services: dict[str, Any], words: str) -> str:
    """The only finding's message once it holds these words: before that, the server does not even listen."""
    said = "".join(one["message"] for one in wave("started", services)["findings"])
    return said if words in said else ""


class Health(BaseHTTPRequestHandler):
    said: dict[str, Any] = {}

    def do_GET(self) -> None:
        body = json.dumps(self.said["body"]).encode() if not isinstance(self.said["body"], bytes) else self.said["body"]
        self.send_response(self.said["status"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/health?full=1"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, {"status": "healthy"}, ""),
        (200, {"status": "degraded"}, ""),
        (302, b"", ""),
        (200, b"<html>", ""),
        (200, {"status": "unhealthy"}, "it calls itself 'unhealthy'."),
        (503, {"status": "healthy"}, "it answers with the status 503."),
    ],
)
def test_an_endpoint_is_ready_when_it_says_so(endpoint: str, status: int, body: Any, says: str) -> None:
    Health.said = {"status": status, "body": body}
    result = wave("started", {"api": external(ready={"http": endpoint})})
    assert says in message(result, "api") if says else outcomes(result) == {"api": "was_ready"}


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["true"], ""),
        (["sh", "-c", "echo not yet >&2; exit 1"], "'sh' says: not yet"),
        (["sh", "-c", "echo refused, password=geheim >&2; exit 1"], "'sh' says: refused, password=********"),
        (["no-such-program"], "there is no program 'no-such-program'."),
    ],
)
def test_a_command_says_whether_it_is_ready(command: list[str], says: str) -> None:
    result = wave("started", {"worker": external(ready={"command": command})})
    assert says in message(result, "worker") if says else outcomes(result) == {"worker": "was_ready"}


def test_a_manager_that_does_not_answer_is_the_reason_and_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    service = {"compose": {"project": "shop", "file": "/srv/compose.yml", "service": "api"}}
    for state, outcome in (("started", "failed"), ("stopped", "still_runs")):
        result = wave(state, {"api": service})
        assert (outcomes(result), result["changed"]) == ({"api": outcome}, False)
        assert "Cannot connect to the Docker daemon" in message(result, "api")
        assert wave(state, {"api": service}, check_mode=True)["plan"][0]["reason"].startswith("Its state is not known")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"stop_seconds": 0}, "stop_seconds is 0. Give seconds"),
        ({"database_stop_seconds": -1}, "database_stop_seconds is -1. Give seconds"),
        ({"services": {"api": {"after": "postgres"}}}, "services: api.after is no list."),
        ({"services": {"a": {"after": ["b"]}, "b": {"after": ["a"]}}}, "Services wait for each other: a → b → a."),
        ({"services": {"api": {"unit": "a b"}}}, "services: api.unit"),
        ({"services": {"api": "x"}}, "services: api"),
    ],
)
def test_bad_input_gets_one_clear_message(options: dict[str, Any], says: str) -> None:
    result = run_module("service_wave", **{"services": {}, "state": "started", **options})
    assert result["failed"]
    assert says in result["msg"]


def test_redis_that_loads_is_not_ready(valkey: ValkeyServer, tmp_path: Path) -> None:
    """One that wants a password is: nobody has to log in to be told."""
    assert valkey.password
    assert outcomes(wave("started", {"cache": external(kind="redis", port=valkey.port)})) == {"cache": "was_ready"}
    settings = {"save": "3600 1"}
    server = ValkeyServer(valkey.program, tmp_path / "server", settings=settings).start()
    client = redis.Redis(port=server.port)
    client.mset({f"key:{number}": os.urandom(10000) for number in range(4000)})
    client.save()
    client.close()
    server.stop()
    # Microseconds a key: it looks at its clients after each two megabytes, and takes eight seconds.
    settings["key-load-delay"] = "2000"
    starting = threading.Thread(target=server.start)
    starting.start()
    services = {"cache": external(kind="redis", port=server.port)}
    assert "loading the dataset" in until(lambda: said_by(services, "loading"))
    services["cache"]["ready"]["within_seconds"] = 60
    assert outcomes(wave("started", services)) == {"cache": "ready"}
    starting.join()
    server.stop()


def test_nothing_to_do_is_in_order() -> None:
    result = wave("started", {})
    assert (result["status"], result["changed"], result["services"]) == ("healthy", False, {})
