# SPDX-License-Identifier: GPL-3.0-or-later
"""``http_health`` against real web servers: each fault is found as what it is, and nothing is found where none is."""

from __future__ import annotations

import json
import socket
import threading
import zlib
from typing import Any

import pytest

from demo.embedded.process import free_port
from tests.support.http import raw_server, reply, web_server
from tests.support.http_health import HEALTHY, health, only_finding, severities
from tests.support.modules import found, run_module


def test_healthy_endpoints_are_silent() -> None:
    with web_server(lambda request: reply(HEALTHY)) as one, web_server(lambda request: reply(b"OK")) as two:
        result = health(one, two + "/deep?token=geheim", include_ok=True)
        quiet = health(one, two)
    assert (result["status"], result["target"]) == ("healthy", "a, b")
    assert {finding["severity"] for finding in result["findings"]} == {"ok"}
    assert {finding["check"] for finding in result["findings"]} == set(result["checks"])
    assert {"http.reachable", "http.body", "http.tls", "http.vendor"} < set(result["checks"])
    assert result["measurements"]["http.a.status"] == 200
    assert result["measurements"]["http.b.reachable"] == 1
    assert 0 < result["measurements"]["http.a.response_seconds"] < 30
    assert result["measurements"]["http.a.component.postgresql.response_seconds"] == 0.01
    assert "geheim" not in json.dumps(result)
    assert quiet["findings"] == []
    assert "msg" not in quiet


BODIES = [
    ({"status": "degraded"}, {("http.body", "a"): "warning"}),
    ({"status": "UNHEALTHY"}, {("http.body", "a"): "critical"}),
    ({"status": False}, {("http.body", "a"): "critical"}),
    ({"status": "under construction"}, {("http.body", "a"): "unknown"}),
    ({"status": "ok", "components": {"db": {"status": "down"}}}, {("http.body", "a: db"): "critical"}),
    (
        {"components": {"db": {"status": "ok", "components": {"pool": "warn"}}}},
        {("http.body", "a: db.components.pool"): "warning"},
    ),
    ({"components": [{"name": "db", "status": "ok"}, {"status": "down"}]}, {("http.body", "a: 1"): "critical"}),
    ({"status": "ok", "circuit_breakers": {"db": "open"}}, {("http.body", "a: db"): "critical"}),
    ({"circuit_breakers": {"db": {"state": "half-open"}}}, {("http.body", "a: db"): "warning"}),
    ({"status": 200, "components": None, "circuit_breakers": 7}, {}),
    (["a", "list"], {}),
]


@pytest.mark.parametrize(
    ("body", "expected"),
    BODIES,
    ids=lambda value: json.dumps(value)[:60] if not isinstance(value, dict) or "status" in value else None,
)
def test_what_a_body_says_about_itself(body: Any, expected: dict) -> None:
    with web_server(lambda request: reply(body)) as url:
        result = health(url)
    assert severities(result) == expected
    assert all(finding["advice"] for finding in result["findings"])


@pytest.mark.parametrize("status", [500, 503, 404, 401, 204, 302])
def test_an_unexpected_status_is_critical_and_the_expected_one_is_fine(status: int) -> None:
    with web_server(lambda request: reply(b"", status=status)) as url:
        finding = only_finding(health(url))
        fine = health(url, expect_status=[200, status])
    assert (finding["check"], finding["severity"], finding["value"]) == ("http.status", "critical", status)
    assert f"answers with HTTP status {status}; 200 is expected." in finding["message"]
    assert fine["findings"] == []


def test_a_body_is_judged_whatever_the_status() -> None:
    with web_server(lambda request: reply({"status": "unhealthy"}, status=503)) as url:
        result = health(url)
    assert severities(result) == {("http.status", "a"): "critical", ("http.body", "a"): "critical"}
    assert result["status"] == "unhealthy"


EXPECTED = [
    ({"state": "Running"}, {"state": ["idle", "running"]}, None),
    ({"state": "halted"}, {"state": ["idle", "running"]}, 'a has state = "halted"; expected is "idle" or "running".'),
    ({"db": {"connected": True}}, {"db.connected": True}, None),
    ({"db": {"connected": 1}}, {"db.connected": True}, "a has db.connected = 1; expected is true."),
    ({"db": {}}, {"db.connected": True}, "a has db.connected = nothing; expected is true."),
    ({"db": {"connected": {"secret": "s"}}}, {"db.connected": True}, "a has db.connected = something nested; expected"),
    ({"status": "under construction"}, {"status": "under construction"}, None),
    ({"components": {"db": {"status": "new"}}}, {"components.db.status": "new"}, None),
    (["list"], {"state": "x"}, "The body of a is no JSON object, so it cannot be compared."),
]


@pytest.mark.parametrize(("body", "expect_json", "message"), EXPECTED)
def test_expected_values(body: Any, expect_json: dict, message: str | None) -> None:
    with web_server(lambda request: reply(body)) as url:
        result = health(url, expect_json=expect_json)
    if message is None:
        assert result["findings"] == []
    else:
        finding = only_finding(result)
        assert (finding["check"], finding["severity"]) == ("http.body", "critical")
        assert message in finding["message"].replace(url, "a")


def test_a_slow_answer_is_judged_by_its_limits() -> None:
    def slow(request: Any) -> Any:
        threading.Event().wait(0.2)
        return reply(HEALTHY)

    with web_server(slow) as url:
        warned = only_finding(health(url, thresholds={"response_time": {"warning": 0.15, "critical": 60}}))
        critical = only_finding(health(url, thresholds={"response_time": {"warning": 0.05, "critical": 0.1}}))
    assert (warned["check"], warned["severity"], warned["unit"]) == ("http.response_time", "warning", "seconds")
    assert critical["severity"] == "critical"
    assert warned["value"] >= 0.2


def test_all_endpoints_are_asked_at_the_same_time() -> None:
    """The server answers nobody until fifty requests are there."""
    together = threading.Barrier(50)

    def wait_for_the_others(request: Any) -> Any:
        together.wait(timeout=60)
        return reply(HEALTHY)

    with web_server(wait_for_the_others) as url:
        endpoints = [{"name": f"e{number}", "url": url} for number in range(50)]
        result = run_module("http_health", endpoints=endpoints, checks=["reachable", "status", "body"], timeout=120)
    assert result["findings"] == []
    assert sum(result["measurements"][f"http.e{number}.reachable"] for number in range(50)) == 50


def test_nobody_waits_for_the_slow_one() -> None:
    """The first is answered when all others have been, those too that are more than are asked at once."""
    others = threading.Semaphore(0)

    def answer(request: Any) -> Any:
        if request.path == "/0":
            seen = [others.acquire(timeout=60) for _number in range(99)]
            return reply({"status": "up" if all(seen) else "down"})
        others.release()
        return reply({"status": "down" if request.path == "/33" else "up"})

    with web_server(answer) as url:
        endpoints = [{"name": f"e{number}", "url": f"{url}/{number}"} for number in range(100)]
        result = run_module("http_health", endpoints=endpoints, checks=["body"], timeout=120)
    assert only_finding(result)["subject"] == "e33"


def test_several_samples_are_judged_at_the_95th_percentile() -> None:
    asked: list[str] = []

    def slow_once(request: Any) -> Any:
        asked.append(request.path)
        if len(asked) == 2:
            threading.Event().wait(2)
        return reply(HEALTHY)

    limits = {"response_time": {"warning": 2, "critical": 60}}
    with web_server(slow_once) as url:
        result = health(url, samples=4, thresholds=limits)
    assert len(asked) == 4
    finding = only_finding(result)
    assert (finding["check"], finding["severity"]) == ("http.response_time", "warning")
    assert "answered 4 times: half of them within " in finding["message"]
    figures = {name.removeprefix("http.a."): value for name, value in result["measurements"].items()}
    assert figures["response_p50_seconds"] < 2 <= figures["response_p95_seconds"] == figures["response_max_seconds"]
    assert figures["response_seconds"] == figures["response_p95_seconds"] == finding["value"]


@pytest.mark.parametrize("bad", ["status", "gone"])
def test_one_bad_sample_is_what_is_told(bad: str) -> None:
    asked: list[int] = []

    def answer(request: Any) -> Any:
        asked.append(1)
        if len(asked) != 2:
            return reply(HEALTHY)
        if bad == "gone":
            request.connection.shutdown(socket.SHUT_RDWR)
        return reply(b"", 503)

    with web_server(answer) as url:
        finding = only_finding(health(url, samples=3))
    assert finding["check"] == {"status": "http.status", "gone": "http.reachable"}[bad]
    assert len(asked) == {"status": 3, "gone": 2}[bad]


FIGURES = {
    "slow": {"response_time": 1.2},
    "slowish": {"response_time_ms": 600},
    "full": {"pool_utilization": 0.93},
    "filling": {"active_connections": 17, "pool_size": 20},
    "cold": {"hit_rate": 55.5},
}


def test_figures_of_components_are_judged() -> None:
    with web_server(lambda request: reply({"status": "ok", "components": FIGURES})) as url:
        result = health(url)
        limits = {"response_time": {"warning": 60, "critical": 60}, "component_pool": {"warning": 95, "critical": 99}}
        relaxed = health(url, thresholds=limits)
    assert severities(result) == {
        ("http.component_response_time", "a: slow"): "critical",
        ("http.component_response_time", "a: slowish"): "warning",
        ("http.component_pool", "a: full"): "critical",
        ("http.component_pool", "a: filling"): "warning",
        ("http.component_hit_rate", "a: cold"): "critical",
    }
    assert result["measurements"]["http.a.component.full.pool_used_percent"] == 93
    assert not found(relaxed, "http.component_pool")


def test_expected_text() -> None:
    with web_server(lambda request: reply("<title>Übersicht</title>\n<p>3 jobs</p>".encode())) as url:
        fine = health(url, expect_text="Übersicht", expect_regex=r"\d+ jobs?<")
        text = only_finding(health(url, expect_text="Overview"))
        pattern = only_finding(health(url, expect_regex=r"^\d{3} jobs"))
    assert fine["findings"] == []
    assert (text["check"], text["severity"]) == ("http.body", "critical")
    assert text["message"].endswith("does not hold the expected text 'Overview'.")
    assert "does not hold a match of '^" in pattern["message"]


def send(*parts: bytes) -> Any:
    """Takes the request, then sends ``parts``; the last again and again until the test is over."""

    def talk(connection: socket.socket, ending: threading.Event) -> None:
        connection.recv(65536)
        for part in parts[:-1]:
            connection.sendall(part)
        while parts[-1:] != (b"",) and not ending.wait(0.01):
            connection.sendall(parts[-1])

    return talk


def never_answer(connection: socket.socket, ending: threading.Event) -> None:
    ending.wait()


OK_LINE = b"HTTP/1.1 200 OK\r\n"
UNREACHABLE = [
    ("accepts and never answers", never_answer, "gave no answer within 2 seconds."),
    (
        "sends headers without end",
        send(OK_LINE + b"X-A: b\r\n" * 200, b""),
        "cannot be asked: got more than 100 headers",
    ),
    ("drips headers", send(OK_LINE, b"X-A: b\r\n"), ""),
    ("drips a header", send(OK_LINE + b"X-A: ", b"x"), "gave no answer within 2 seconds."),
    (
        "drips a body",
        send(OK_LINE + b"Content-Length: 100000\r\n\r\n", b"x"),
        "answered with HTTP status 200",
    ),
    (
        "drips chunks",
        send(OK_LINE + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        "answered with HTTP status 200",
    ),
    ("hangs up", send(b""), "cannot be asked: Remote end closed connection without response."),
    ("hangs up in the body", send(OK_LINE + b"Content-Length: 9\r\n\r\n123", b""), "cannot be asked: "),
    ("speaks another protocol", send(b"220 mail.example.com ESMTP\r\n", b""), "cannot be asked: 220 mail.example.com"),
    ("speaks to the terminal", send(b"\x1b]0;owned\x07\r\n\r\n", b""), r"cannot be asked: \x1b]0;owned\x07"),
]


@pytest.mark.parametrize(("how", "talk", "expected"), UNREACHABLE)
def test_a_server_that_misbehaves_is_one_finding_within_the_time(how: str, talk: Any, expected: str) -> None:
    # Only who never ends uses up the time; the others say at once what is wrong with them, as soon as they are heard.
    endless = how.startswith(("accepts", "drips"))
    with raw_server(talk) as url:
        result = health(url, timeout=2 if endless else 60)
        finding = only_finding(result)
    assert (finding["check"], finding["severity"]) == ("http.reachable", "critical")
    assert finding["message"].startswith(url + " " + expected), (how, finding["message"])
    assert finding["advice"]
    assert result["msg"] == finding["message"]
    assert result["measurements"] == {"http.a.reachable": 0}


def test_a_dead_endpoint_hides_no_other() -> None:
    with raw_server(never_answer) as hanging, web_server(lambda request: reply({"status": "down"})) as ill:
        result = health(hanging, ill, f"http://127.0.0.1:{free_port()}/health", "http://nowhere.invalid/", timeout=10)
    assert severities(result) == {
        ("http.reachable", "a"): "critical",
        ("http.body", "b"): "critical",
        ("http.reachable", "c"): "critical",
        ("http.reachable", "d"): "critical",
    }
    refused, unknown = found(result, "http.reachable", "c")[0], found(result, "http.reachable", "d")[0]
    assert "cannot be asked: Connection refused." in refused["message"]
    assert "Is the service running" in refused["advice"]
    assert "name" in unknown["advice"]


def test_a_try_that_fails_is_tried_again_and_no_oftener() -> None:
    connections: list[int] = []

    def hang_up_twice(connection: socket.socket, ending: threading.Event) -> None:
        connections.append(1)
        connection.recv(65536)
        if len(connections) > 2:
            connection.sendall(OK_LINE + b"Content-Length: 2\r\n\r\nOK")

    with raw_server(hang_up_twice) as url:
        assert only_finding(health(url, tries=2))["check"] == "http.reachable"
        connections.clear()
        assert health(url, tries=3)["findings"] == []
        assert len(connections) == 3


def gzip_bomb(connection: socket.socket, ending: threading.Event) -> None:
    """A hundred megabytes in a hundred kilobytes."""
    packed = zlib.compressobj(wbits=31)
    parts = [packed.compress(b"[" * 1_000_000) for _part in range(100)]
    send(OK_LINE + b"Content-Encoding: gzip\r\n\r\n", *parts, packed.flush(), b"")(connection, ending)


HUGE = [send(OK_LINE + b'\r\n{"status": "', b"x" * 1_000_000), gzip_bomb]


@pytest.mark.parametrize("talk", HUGE, ids=["no end", "gzip bomb"])
def test_of_a_huge_body_only_the_first_part_is_read(talk: Any) -> None:
    with raw_server(talk) as url:
        assert health(url)["findings"] == []
        finding = only_finding(health(url, expect_json={"status": "ok"}))
        text = only_finding(health(url, expect_text="the end"))
    assert "is longer than 1048576 bytes" in finding["message"]
    assert "does not hold the expected text 'the end' in its first 1048576 bytes" in text["message"]


HOSTILE = [b"<html>\x1b[2J<script>alert(1)</script>", b"\x1b]0;owned\x07" * 1000, b"<p>" + b"x" * 10_000_000]


@pytest.mark.parametrize("body", HOSTILE, ids=["html", "terminal", "ten megabytes"])
def test_a_page_instead_of_an_answer_says_nothing(body: bytes) -> None:
    with web_server(lambda request: reply(body)) as url:
        assert health(url)["findings"] == []
        finding = only_finding(health(url, expect_json={"status": "ok"}))
    assert (finding["check"], finding["severity"]) == ("http.body", "critical")
    assert finding["message"].isprintable()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_is_packed_against_our_wish(encoding: str) -> None:
    packed = zlib.compressobj(wbits={"gzip": 31, "deflate": 15}[encoding])
    body = packed.compress(json.dumps({"status": "down"}).encode()) + packed.flush()
    with web_server(lambda request: reply(body, Content_Encoding=encoding)) as url:
        assert severities(health(url)) == {("http.body", "a"): "critical"}
    with web_server(lambda request: reply(body[:-9] + b"x" * 9, Content_Encoding=encoding)) as url:
        assert not health(url)["failed"]


@pytest.mark.parametrize(
    "body", [b"[" * 900_000, b'{"a":' * 150_000, b'{"status": ' + b"9" * 900_000 + b"}", b"\xff\xfe\x00"]
)
def test_hostile_json_does_no_harm(body: bytes) -> None:
    with web_server(lambda request: reply(body)) as url:
        result = health(url)
    assert result["findings"] == []


def test_components_without_end_are_looked_at_up_to_a_limit() -> None:
    deep: dict[str, Any] = {"status": "down"}
    for _level in range(50):
        deep = {"status": "up", "components": {"next": deep}}
    wide = {"components": {f"\x1b[2J{number}": {"status": "down"} for number in range(5000)}}
    with web_server(lambda request: reply(deep if request.path == "/deep" else wide)) as url:
        result = health(f"{url}/deep", f"{url}/wide")
    assert len(found(result, "http.body")) == 200
    assert all(finding["subject"].startswith("b: \\x1b[2J") for finding in result["findings"])


def test_only_the_chosen_checks_run_and_head_has_no_body() -> None:
    with web_server(lambda request: reply({"status": "down"}, status=500)) as url:
        assert {finding["check"] for finding in health(url, checks=["body"])["findings"]} == {"http.body"}
        assert only_finding(health(url, method="HEAD"))["check"] == "http.status"


WRONG = [
    ({"url": "127.0.0.1/health"}, {}, "there is a 'url' that is none."),
    ({"url": "http://[oops/"}, {}, "there is a 'url' that is none."),
    ({"url": "file:///etc/passwd"}, {}, "there is a 'url' that is none."),
    ({"url": "http://ops:geheim@db/"}, {}, "the 'url' for db has a user or a password in it."),
    ({"url": "http://a/", "headers": {"X-N": "1"}}, {}, "the value of 'X-N' is shorter than four characters."),
    ({"url": "http://a/", "headers": {"X-N": "good\r\nX-Evil: 1"}}, {}, "headers: 'X-N' holds a line break"),
    ({"url": "http://a/", "timeout": 0}, {}, "timeout: is 0."),
    ({"url": "http://a/", "ca_cert": "/no/such.pem"}, {}, "there is no file /no/such.pem."),
    ({"url": "http://a/"}, {"tries": 0}, "tries: is 0."),
    ({"url": "http://a/"}, {"checks": ["bodi"]}, "there is no check called 'bodi'"),
]


@pytest.mark.parametrize(("endpoint", "options", "expected"), WRONG)
def test_bad_input_fails_with_one_clear_message(endpoint: dict, options: dict, expected: str) -> None:
    result = run_module("http_health", endpoints=[endpoint], **options)
    assert result["failed"]
    assert expected in result["msg"]
    assert "geheim" not in result["msg"]
    assert "bug" not in result["msg"]


def test_two_endpoints_of_one_name_are_refused() -> None:
    result = run_module("http_health", endpoints=[{"url": "http://a/?x=1"}, {"url": "http://a/?x=2"}])
    assert "two are called 'http://a/'" in result["msg"]
