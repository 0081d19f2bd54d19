# SPDX-License-Identifier: GPL-3.0-or-later
"""``incident_notify`` with real web servers and a real mail server, well and ill."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from demo.embedded.process import free_port
from tests.support.certificates import Authority
from tests.support.http import Reply, posted, raw_server, reply, web_server
from tests.support.mail import MailServer, mail_server
from tests.support.modules import found, run_module

SECRET = "T0000-s3cr3tInTheAddress"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def tell(*channels: dict[str, Any], **options: Any) -> dict[str, Any]:
    """With much time, as the machine may be busy; what has to be late says so."""
    usual = {"incident": "2026-11-30-down", "severity": "P1", "title": "It is down", "event": "opened", "timeout": 60}
    return run_module("incident_notify", channels=list(channels), **{**usual, **options})


class Hook:
    """Keeps what is posted; ``answers`` are given one after the other, then all is well."""

    def __init__(self, *answers: Reply) -> None:
        self.answers = list(answers)
        self.bodies: list[Any] = []
        self.tokens: list[str | None] = []
        self.times: list[float] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> Reply:
        self.times.append(time.monotonic())
        self.bodies.append(posted(request))
        self.tokens.append(request.headers["Authorization"])
        return self.answers.pop(0) if self.answers else reply({})

    def served(self, **more: Any) -> AbstractContextManager[str]:
        return web_server(self, **more)


def mail_to(server: MailServer, **more: Any) -> dict[str, Any]:
    addresses = {"sender": "Ops <ops@example.com>", "to": ["a@example.com", "b@example.com"]}
    return {"name": "mail", "kind": "email", "host": "127.0.0.1", "port": server.port, **addresses, **more}


def not_told(result: dict[str, Any], name: str, why: str) -> None:
    assert not result["failed"], result
    findings = found(result, "incident.channel", name)
    assert [finding["severity"] for finding in findings] == ["warning"]
    assert why in findings[0]["message"]
    assert result["channels"][name]["sent"] is False
    assert result["status"] == "degraded"
    shown = json.dumps({key: value for key, value in result.items() if key != "invocation"})
    assert SECRET not in shown


def test_everybody_who_wants_it_is_told_at_once() -> None:
    hook = Hook()
    with hook.served() as url, mail_server() as server:
        result = tell(
            {"name": "chat", "kind": "slack", "url": f"{url}/{SECRET}"},
            {"name": "rooms", "kind": "teams", "url": f"{url}/{SECRET}"},
            {"name": "on call", "kind": "pagerduty", "url": f"{url}/{SECRET}", "token": "routing-key-1"},
            {"name": "gateway", "kind": "webhook", "url": f"{url}/{SECRET}", "token": "bearer-token-1"},
            {"name": "boss", "kind": "slack", "url": f"{url}/{SECRET}", "min_severity": "P0"},
            mail_to(server),
            text="password=hunter2hunter2 was seen.\n2 of 3 are up.",
            link="https://wiki.example.com/down",
        )
    assert result["changed"]
    assert result["findings"] == []
    assert {name: one["sent"] for name, one in result["channels"].items()} == dict.fromkeys(
        ["chat", "rooms", "on call", "gateway", "mail"], True
    )
    assert len(hook.bodies) == 4
    assert not any("hunter2" in str(body) for body in [*hook.bodies, *server.mails])
    assert [token for token in hook.tokens if token] == ["Bearer bearer-token-1"]
    event = next(body for body in hook.bodies if "routing_key" in body)
    assert (event["routing_key"], event["dedup_key"], event["event_action"]) == (
        "routing-key-1",
        "2026-11-30-down",
        "trigger",
    )
    mail = server.mails[0]
    assert mail["Subject"] == "[P1] It is down"
    assert "2 of 3 are up.\nhttps://wiki.example.com/down" in mail.get_content().replace("\r", "")
    assert server.recipients == [["a@example.com", "b@example.com"]]
    # Neither what is shown at the end nor what -vvv adds to it holds an address or a token.
    assert not any(secret in json.dumps(result) for secret in (SECRET, "routing-key-1", "bearer-token-1"))


def test_the_end_resolves_what_the_beginning_triggered() -> None:
    hook = Hook()
    with hook.served() as url:
        tell({"name": "on call", "kind": "pagerduty", "url": url, "token": "key-1"}, event="closed")
    assert [(body["event_action"], body["dedup_key"]) for body in hook.bodies] == [("resolve", "2026-11-30-down")]


def silence(connection: socket.socket, ending: threading.Event) -> None:
    ending.wait()


def drip(connection: socket.socket, ending: threading.Event) -> None:
    """An answer that never ends; each byte of it comes soon enough for a timeout between two of them."""
    connection.sendall(b"HTTP/1.0 500 no\r\n\r\n")
    while not ending.wait(0.05):
        connection.sendall(b"x")


@pytest.mark.parametrize("talk", [silence, drip])
@pytest.mark.parametrize("kind", ["slack", "email"])
def test_a_channel_that_hangs_costs_its_time_and_no_more(
    talk: Callable[[socket.socket, threading.Event], None], kind: str
) -> None:
    with raw_server(talk) as url:
        address = {"host": "127.0.0.1", "port": int(url.rpartition(":")[2]), "sender": "a@x.org", "to": ["b@x.org"]}
        dead = {"name": "dead", "kind": kind, **(address if kind == "email" else {"url": f"{url}/{SECRET}"})}
        result = tell(dead, timeout=1)
    not_told(result, "dead", "It was not told: ")


def test_dead_channels_keep_nothing_from_the_others() -> None:
    hook = Hook()
    with hook.served() as url, raw_server(silence) as hanging:
        result = tell(
            {"name": "hangs", "kind": "slack", "url": f"{hanging}/{SECRET}"},
            {"name": "closed", "kind": "webhook", "url": f"http://127.0.0.1:{free_port()}/{SECRET}"},
            {"name": "unknown", "kind": "fax"},
            {"name": "nameless", "kind": "webhook", "url": f"http://no-such-host.invalid/{SECRET}"},
            {"name": "chat", "kind": "slack", "url": f"{url}/{SECRET}"},
            timeout=10,
        )
    assert result["channels"]["chat"]["sent"]
    assert result["channels"]["closed"]["tries"] == 3
    not_told(result, "closed", "no connection: Connection refused.")
    not_told(result, "unknown", "of no known kind")
    not_told(result, "hangs", "in")
    not_told(result, "nameless", "no connection: ")
    assert len(hook.bodies) == 1
    assert [step["subject"] for step in result["remaining"]] == ["hangs", "closed", "nameless"]


def test_what_may_be_otherwise_in_a_moment_is_tried_again() -> None:
    hook = Hook(reply({}, 500), reply({}, 503))
    with hook.served() as url:
        result = tell({"name": "chat", "kind": "slack", "url": url})
    assert result["channels"]["chat"] == {"sent": True, "reason": "", "tries": 3}

    hook = Hook(*[reply(b"no\x1b[2J", 500)] * 9)
    with hook.served() as url:
        result = tell({"name": "chat", "kind": "slack", "url": url}, retries=1)
    not_told(result, "chat", "HTTP status 500: no\\x1b[2J.")
    assert len(hook.bodies) == 2


def test_what_a_channel_refuses_is_not_tried_again() -> None:
    hook = Hook(reply(f"invalid_token {SECRET}".encode(), 403))
    with hook.served() as url:
        result = tell({"name": "chat", "kind": "slack", "url": f"{url}/{SECRET}"})
    not_told(result, "chat", "HTTP status 403")
    elsewhere = Hook()
    with elsewhere.served() as there:
        moved = Hook(reply({}, 307, Location=there))
        with moved.served() as url:
            result = tell({"name": "chat", "kind": "slack", "url": url})
    not_told(result, "chat", "HTTP status 307")
    assert elsewhere.bodies == [], "a secret is not handed on"


def test_retry_after_is_kept_to() -> None:
    hook = Hook(reply({}, 429, Retry_After="1"))
    with hook.served() as url:
        result = tell({"name": "chat", "kind": "slack", "url": url})
    assert result["channels"]["chat"]["tries"] == 2
    assert hook.times[1] - hook.times[0] >= 1
    hook = Hook(reply(b"", 429, Retry_After="600"))
    with hook.served() as url:
        result = tell({"name": "chat", "kind": "slack", "url": url})
    not_told(result, "chat", "HTTP status 429. It asks for 600 seconds of patience.")
    assert len(hook.bodies) == 1


def test_certificates_are_verified(tmp_path: Path) -> None:
    authority, hook = Authority(tmp_path), Hook()
    with hook.served(tls=authority.certificate().context()) as url:
        chat = {"name": "chat", "kind": "slack", "url": f"{url}/{SECRET}"}
        not_told(tell(chat), "chat", "no secure connection: ")
        assert hook.bodies == []
        assert tell({**chat, "ca_certs": str(authority.path)})["channels"]["chat"]["sent"]
        not_told(tell({**chat, "ca_certs": "/no/such/file"}), "chat", "it cannot be asked: ")


def test_mail_over_tls_with_a_login(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mail_server(authority.certificate().context(), password="pw-Geheim-1") as server:
        login = {"username": "ops", "password": "pw-Geheim-1", "ca_certs": str(authority.path)}
        for secure in ("starttls", "try"):
            result = tell(mail_to(server, secure=secure, **login))
            assert result["channels"]["mail"]["sent"], result["channels"]
        assert server.over_tls == [True, True]
        assert server.logins == [("ops", "pw-Geheim-1")] * 2
        wrong = tell(mail_to(server, **{**login, "password": "pw-falsch-1"}))
        not_told(wrong, "mail", "SMTP 535: ")
        assert "pw-falsch-1" not in json.dumps(wrong)
        known = list(server.logins)
        unverified = tell(mail_to(server, username="ops", password="pw-Geheim-1"))
        not_told(unverified, "mail", "no secure connection: ")
        assert server.logins == known


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_password_is_not_sent_in_the_clear_unasked(tmp_path: Path) -> None:
    with mail_server(password="pw-Geheim-1", clear=True) as server:
        login = {"username": "ops", "password": "pw-Geheim-1"}
        not_told(tell(mail_to(server, **login)), "mail", "offers no encryption, and so the password was not sent")
        not_told(tell(mail_to(server, secure="starttls", **login)), "mail", "STARTTLS")
        assert server.logins == []
        assert tell(mail_to(server, secure="never", **login))["channels"]["mail"]["sent"]
    # Without a password there is nothing to steal: any encryption is better than none.
    with mail_server(Authority(tmp_path).certificate().context()) as server:
        assert tell(mail_to(server))["channels"]["mail"]["sent"]
        assert server.over_tls == [True]


def test_mail_that_is_refused() -> None:
    with mail_server() as server:
        server.answers = ["450 busy", "450 busy"]
        assert tell(mail_to(server))["channels"]["mail"] == {"sent": True, "reason": "", "tries": 2}
        server.answers = ["250 OK", "550 nobody here"]
        not_told(tell(mail_to(server)), "mail", "1 of 2 addresses were refused: nobody here.")
        assert server.recipients[-1] == ["a@example.com"]
        server.answers = ["550 no"] * 2
        not_told(tell(mail_to(server)), "mail", "2 of 2 addresses were refused: no.")
        count = len(server.mails)
    not_told(tell(mail_to(server)), "mail", "no connection: Connection refused.")
    assert count == 2


def test_check_mode_tells_who_would_be_told() -> None:
    hook = Hook()
    with hook.served() as url:
        boss = {"name": "boss", "kind": "slack", "url": url, "min_severity": "P0"}
        result = tell(
            {"name": "chat", "kind": "slack", "url": url}, boss, {"name": "x", "kind": "fax"}, check_mode=True
        )
    assert result["changed"]
    assert [step["subject"] for step in result["remaining"]] == ["chat"]
    assert [finding["subject"] for finding in result["findings"]] == ["x"]
    assert hook.bodies == []


def test_without_a_channel_nothing_happens() -> None:
    result = tell()
    assert not result["changed"]
    assert (result["plan"], result["status"]) == ([], "healthy")


WRONG = [
    ({"timeout": 0}, "timeout is 0."),
    ({"timeout": 61}, "timeout is 61."),
    ({"retries": -1}, "retries is -1."),
    ({"retries": 11}, "retries is 11."),
    ({"severity": "high"}, "value of severity must be one of"),
]


@pytest.mark.parametrize(("options", "expected"), WRONG)
def test_bad_input_fails_with_one_clear_message(options: dict[str, Any], expected: str) -> None:
    result = tell(**options)
    assert result["failed"]
    assert expected in result["msg"], result["msg"]
    assert "bug" not in result["msg"]
