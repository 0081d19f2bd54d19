# SPDX-License-Identifier: GPL-3.0-or-later
"""``http_health`` on its way to the answer: redirects, proxies, log-ins, sockets; and what must not be seen of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.embedded.process import free_port
from tests.support.certificates import Authority
from tests.support.http import raw_server, reply, web_server
from tests.support.http_health import HEALTHY, health, only_finding, severities
from tests.support.modules import run_module
from tests.support.proxy import forward_proxy

Answer = Callable[[Any], Any]


def redirecting(goals: dict[str, str]) -> Answer:
    """By path; the server is healthy everywhere else."""

    def answer(request: Any) -> Any:
        goal = goals.get(request.path)
        return reply(HEALTHY) if goal is None else reply(b"x" * 100, status=302, Location=goal)

    return answer


def test_redirects_are_followed_up_to_a_limit() -> None:
    with web_server(redirecting({f"/{n}": f"/{n - 1}" for n in range(1, 7)})) as url:
        assert health(f"{url}/5")["findings"] == []
        finding = only_finding(health(f"{url}/6"))
        assert health(f"{url}/6", expect_status=[302])["findings"] == []
    assert "cannot be asked: it redirects more than 5 times." in finding["message"]


def test_a_circle_is_named() -> None:
    with web_server(redirecting({"/a?key=geheim": "/b", "/b": "/a?key=geheim", "/self": "/self"})) as url:
        circle = only_finding(health(f"{url}/a?key=geheim"))
        short = only_finding(health(f"{url}/self"))
    assert f"it redirects in a circle: {url}/a → {url}/b → {url}/a." in circle["message"]
    assert f"it redirects in a circle: {url}/self → {url}/self." in short["message"]


def test_the_same_address_with_a_cookie_is_no_circle() -> None:
    def answer(request: Any) -> Any:
        if "seen=yes" in (request.headers["Cookie"] or ""):
            return reply(HEALTHY)
        return reply(b"", 302, Location=request.path, Set_Cookie="seen=yes")

    with web_server(answer) as url:
        assert health(f"{url}/")["findings"] == []


@pytest.mark.parametrize("goal", ["file:///etc/passwd?geheim", "ftp://127.0.0.1/", "http://[oops/", "http://%zz:x/"])
def test_a_redirect_to_nowhere(goal: str) -> None:
    with web_server(redirecting({"/": goal})) as url:
        finding = only_finding(health(f"{url}/"))
    assert finding["check"] == "http.reachable"
    assert "geheim" not in finding["message"]


def test_a_redirect_can_be_the_answer() -> None:
    with web_server(redirecting({"/": "https://shop.example.com/start"})) as url:
        options = {"follow_redirects": False, "expect_status": [301, 302]}
        right = health(f"{url}/", expect_header={"Location": "https://shop.example.com/"}, **options)
        wrong = only_finding(health(f"{url}/", expect_header={"location": ["/a", "/b"]}, **options))
        unexpected = only_finding(health(f"{url}/", follow_redirects=False))
    assert right["findings"] == []
    assert (wrong["check"], wrong["severity"]) == ("http.headers", "critical")
    assert wrong["message"].endswith("the header location does not hold '/a' or '/b'.")
    assert (unexpected["check"], unexpected["value"]) == ("http.status", 302)


def test_expected_headers() -> None:
    with web_server(lambda request: reply(HEALTHY, Strict_Transport_Security="max-age=31536000; preload")) as url:
        fine = health(url, expect_header={"strict-transport-security": "MAX-AGE=", "Content-Length": ""})
        finding = only_finding(health(url, expect_header={"X-Frame-Options": "DENY"}))
    assert fine["findings"] == []
    assert finding["message"].endswith("has no header X-Frame-Options.")


def test_a_way_out_of_encryption_is_a_warning(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with (
        web_server(lambda request: reply(HEALTHY)) as plain,
        web_server(redirecting({"/": f"{plain}/?key=geheim"}), authority.certificate().context()) as url,
    ):
        result = health(f"{url}/", ca_certs=str(authority.path))
        back = health(f"{plain}/")
    finding = only_finding(result)
    assert (finding["check"], finding["severity"]) == ("http.redirects", "warning")
    assert f"{url}/ redirects to {plain}/, which is not encrypted." in finding["message"]
    assert back["findings"] == []


LOGINS = [
    ({"headers": {"X-Api-Key": "geheim-4711"}}, "X-Api-Key", "geheim-4711"),
    ({"bearer_token": "geheim-4711"}, "Authorization", "Bearer geheim-4711"),
    (
        {"login_user": "ops", "login_password": "geheim:4711"},
        "Authorization",
        "Basic " + base64.b64encode(b"ops:geheim:4711").decode(),
    ),
]


@pytest.mark.parametrize(("options", "header", "value"), LOGINS, ids=["header", "bearer", "basic"])
def test_secrets_reach_the_server_and_nobody_else(options: dict, header: str, value: str) -> None:
    seen: list[tuple[str, str | None]] = []

    def answer(request: Any) -> Any:
        seen.append((request.path, request.headers[header]))
        port = request.server.server_port
        goals = {"/near": "/here", "/far": f"http://localhost:{port}/there"}
        return reply(b"", 301, Location=goals[request.path]) if request.path in goals else reply(HEALTHY)

    with web_server(answer) as url:
        result = health(f"{url}/near", f"{url}/far", **options)
    assert result["findings"] == []
    assert dict(seen) == {"/near": value, "/far": value, "/here": value, "/there": None}
    assert "geheim" not in json.dumps(result)


def test_the_query_of_a_url_is_sent_and_not_shown() -> None:
    seen: list[str] = []

    def answer(request: Any) -> Any:
        seen.append(request.path)
        return reply({"status": "down"}, status=500)

    with web_server(answer) as url:
        result = health(f"{url}/x?key=geheim-1", query="token=geheim-2")
        wrong = run_module("http_health", endpoints=[{"url": "http://ops:geheim@a/?key=geheim"}])
        broken = run_module("http_health", endpoints=[{"url": "http://[oops?key=geheim"}])
    assert seen == ["/x?key=geheim-1&token=geheim-2"]
    assert severities(result) == {("http.status", "a"): "critical", ("http.body", "a"): "critical"}
    assert result["invocation"]["module_args"]["endpoints"][0]["url"] == f"{url}/x"
    assert wrong["failed"]
    assert broken["failed"]
    assert "geheim" not in json.dumps([result, wrong, broken])


def test_a_server_that_repeats_what_it_was_sent() -> None:
    """What comes back instead of an answer is shown, without our secrets in it."""

    def echo(connection: Any, ending: Any) -> None:
        connection.sendall(b"220 " + connection.recv(65536).replace(b"\r\n", b" ") + b"\r\n")

    with raw_server(echo) as url:
        result = health(f"{url}/?key=geheim-1", bearer_token="geheim-2", query="geheim-3")
    assert "cannot be asked: 220 GET /?******** HTTP/1.1" in only_finding(result)["message"]
    assert "geheim" not in json.dumps(result)


def test_a_proxy_that_is_named_is_asked() -> None:
    with web_server(lambda request: reply(HEALTHY)) as url, forward_proxy() as (proxy, asked):
        result = health(f"{url}/health", proxy=proxy)
    assert result["findings"] == []
    assert asked == [("GET", f"{url}/health")]


def test_a_proxy_that_wants_a_login(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    login = "Basic " + base64.b64encode(b"ops:geheim@4711").decode()
    with (
        web_server(lambda request: reply(HEALTHY)) as plain,
        web_server(lambda request: reply(HEALTHY), authority.certificate().context()) as secure,
        forward_proxy(login) as (proxy, _asked),
    ):
        urls = [plain, secure, secure.replace("https", "tls")]
        options = {"proxy": proxy, "ca_certs": str(authority.path)}
        let_in = health(*urls, proxy_user="ops", proxy_password="geheim@4711", **options)
        kept_out = health(*urls, proxy_user="ops", proxy_password="geheim@0815", **options)
    assert let_in["findings"] == []
    assert severities(kept_out) == {
        ("http.status", "a"): "critical",
        ("http.reachable", "b"): "critical",
        ("http.reachable", "c"): "critical",
    }
    assert "geheim" not in json.dumps([let_in, kept_out])


def test_a_proxy_that_is_not_there() -> None:
    with web_server(lambda request: reply(HEALTHY)) as url:
        finding = only_finding(health(url, proxy=f"http://127.0.0.1:{free_port()}"))
    assert "Connection refused" in finding["message"]


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with web_server(lambda request: reply(HEALTHY)) as url:
        assert health(url)["findings"] == []


def test_a_socket_instead_of_a_port(tmp_path: Path) -> None:
    with web_server(lambda request: reply({"status": "degraded"}), unix=tmp_path / "app.sock"):
        finding = only_finding(health("http://localhost/health", unix_socket=str(tmp_path / "app.sock")))
    gone = only_finding(health("http://localhost/health", unix_socket=str(tmp_path / "app.sock")))
    assert (finding["check"], finding["severity"]) == ("http.body", "warning")
    assert gone["check"] == "http.reachable"


WRONG = [
    ({"query": "a=b"}, "query is shorter than four characters."),
    ({"bearer_token": "abc"}, "bearer_token is shorter than four characters."),
    ({"bearer_token": "geheim\r\nX-Evil: 1"}, "a 'bearer_token' holds a line break"),
    ({"login_user": "ops"}, "'login_user' and 'login_password' go together."),
    ({"login_user": "ops", "login_password": "geheim", "bearer_token": "geheim"}, "there are two ways to log in"),
    ({"bearer_token": "geheim", "headers": {"authorization": "geheim"}}, "there are two ways to log in"),
    ({"proxy": "socks5://127.0.0.1:1080"}, "there is a 'proxy' that is none."),
    ({"proxy": "http://ops:geheim@127.0.0.1:1080"}, "there is a 'proxy' that is none."),
    ({"proxy": "http://[oops"}, "there is a 'proxy' that is none."),
    ({"proxy": "http://127.0.0.1:3128", "proxy_user": "ops"}, "'proxy_user' and 'proxy_password' go together."),
    ({"proxy": "http://127.0.0.1:3128", "unix_socket": "/run/x"}, "there is a 'proxy' and a 'unix_socket'"),
    ({"expect_regex": "(oops"}, "expect_regex: is no regular expression: "),
    ({"expect_text": "x", "method": "HEAD"}, "something is expected of a body, but HEAD returns none."),
    ({"samples": 0}, "samples: is 0."),
    ({"url": "tls://a", "kind": "statuspage"}, "a tls:// address goes with no 'kind'"),
    ({"client_cert_file": "/no/such.pem"}, "there is no file /no/such.pem."),
]


@pytest.mark.parametrize(("options", "expected"), WRONG)
def test_bad_input_fails_with_one_clear_message(options: dict, expected: str) -> None:
    result = run_module("http_health", endpoints=[{"url": "http://a/", **options}])
    assert result["failed"]
    assert expected in result["msg"]
    assert "geheim" not in json.dumps(result)
    assert "bug" not in result["msg"]
