# SPDX-License-Identifier: GPL-3.0-or-later
"""``http_health`` and certificates: every way in which one is not good is named as what it is."""

from __future__ import annotations

import json
import socket
import ssl
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.certificates import Authority, Shown, short_lived_root
from tests.support.http import raw_server, reply, web_server
from tests.support.http_health import HEALTHY, health, only_finding, severities
from tests.support.modules import found
from tests.support.proxy import forward_proxy

EXPIRY, TLS, REACHABLE = ("http.certificate_expiry", "a"), ("http.tls", "a"), ("http.reachable", "a")
SEES_CHAIN = sys.version_info >= (3, 10)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def ask(shown: Shown, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", **options: Any) -> dict[str, Any]:
    """The result for a healthy web server with this certificate."""
    with web_server(lambda request: reply(HEALTHY), tls or shown.context()) as url:
        return health(url.replace("127.0.0.1", host), **options)


def test_a_good_certificate_is_silent_and_its_days_are_told(authority: Authority) -> None:
    result = ask(authority.certificate(), ca_certs=str(authority.path))
    assert result["findings"] == []
    assert 59 < result["measurements"]["http.a.certificate_days"] <= 60


@pytest.mark.parametrize(("days", "severity"), [(10, "warning"), (2, "critical")])
def test_a_certificate_that_expires_soon(authority: Authority, days: int, severity: str) -> None:
    result = ask(authority.certificate(days=days), ca_certs=str(authority.path))
    finding = only_finding(result)
    assert (finding["check"], finding["severity"], finding["unit"]) == ("http.certificate_expiry", severity, "days")
    assert days - 1 < finding["value"] <= days
    relaxed = ask(
        authority.certificate(days=days),
        ca_certs=str(authority.path),
        thresholds={
            "response_time": {"warning": 60, "critical": 60},
            "certificate_expiry": {"warning": 1, "critical": 0},
        },
    )
    assert relaxed["findings"] == []


def test_an_expired_certificate(authority: Authority) -> None:
    expired = authority.certificate(days=-2)
    result = ask(expired, ca_certs=str(authority.path))
    assert severities(result) == {REACHABLE: "critical", EXPIRY: "critical"}
    assert "expired 2" in found(result, *EXPIRY)[0]["message"]
    assert "its certificate is not valid: certificate has expired." in found(result, *REACHABLE)[0]["message"]
    assert -3 < result["measurements"]["http.a.certificate_days"] <= -2


def test_without_validation_expiry_is_told_all_the_same(authority: Authority) -> None:
    assert severities(ask(authority.certificate(days=-2), validate_certs=False)) == {EXPIRY: "critical"}
    assert severities(ask(authority.certificate(days=10), validate_certs=False)) == {EXPIRY: "warning"}
    assert ask(authority.self_signed(), validate_certs=False, host="localhost")["findings"] == []


def test_what_makes_a_certificate_invalid_is_named(authority: Authority, tmp_path: Any) -> None:
    stranger = Authority(tmp_path, "Stranger")
    cases = [
        (authority.self_signed(), "127.0.0.1", "is self-signed: nobody vouches for it."),
        (stranger.certificate(), "127.0.0.1", "The chain of 127.0.0.1:"),
        (authority.certificate(), "localhost", "is made out to another host: 127.0.0.1."),
        (authority.certificate("other.example"), "127.0.0.1", "is made out to another host: other.example."),
        (authority.certificate(begins=1), "127.0.0.1", "is not valid before 2"),
        (authority.certificate(between=True, whole=False), "127.0.0.1", "it sends one certificate, the last signed by"),
    ]
    for shown, host, expected in cases:
        result = ask(shown, host=host, ca_certs=str(authority.path))
        assert severities(result) == {REACHABLE: "critical", TLS: "critical"}, expected
        finding = found(result, *TLS)[0]
        assert expected in finding["message"]
        assert finding["advice"]
    whole = ask(authority.certificate(between=True), ca_certs=str(authority.path))
    assert whole["findings"] == []


def test_an_authority_that_is_shown_but_not_known(authority: Authority, tmp_path: Any) -> None:
    stranger = Authority(tmp_path, "Stranger")
    shown = stranger.certificate()
    shown.path.write_bytes(shown.path.read_bytes() + stranger.path.read_bytes())
    result = ask(shown, ca_certs=str(authority.path))
    assert "signed by " in found(result, *TLS)[0]["message"]
    assert "which is not known here" in found(result, *TLS)[0]["message"]


def test_a_self_signed_certificate_can_be_trusted_by_name(authority: Authority) -> None:
    """One without alternative names holds no host for today's clients, whoever trusts it."""
    shown = authority.self_signed()
    result = ask(shown, ca_certs=str(shown.path))
    assert "is made out to another host" in found(result, *TLS)[0]["message"]


def test_the_systems_authorities_do_not_know_ours(authority: Authority) -> None:
    result = ask(authority.certificate())
    assert severities(result) == {REACHABLE: "critical", TLS: "critical"}


def test_an_old_version_of_tls(authority: Authority) -> None:
    shown = authority.certificate()
    old = shown.context(minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1_1)
    result = ask(shown, tls=old, ca_certs=str(authority.path))
    assert severities(result) == {REACHABLE: "critical", TLS: "critical"}
    assert "speaks TLSv1.1 and nothing newer" in found(result, *TLS)[0]["message"]
    fine = shown.context(minimum=ssl.TLSVersion.TLSv1, maximum=ssl.TLSVersion.TLSv1_2)
    assert ask(shown, tls=fine, ca_certs=str(authority.path))["findings"] == []


def test_a_service_asked_by_its_address_is_called_by_its_name(authority: Authority) -> None:
    """The server has a certificate for each name, and answers by the host it is called."""
    wrong, right = authority.certificate("other.example").context(), authority.certificate("shop.example").context()
    names: list[Any] = []

    def choose(connection: ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        names.append(name)
        if name == "shop.example":
            connection.context = right

    wrong.sni_callback = choose

    def answer(request: Any) -> Any:
        return reply(HEALTHY, 200 if request.headers["Host"].split(":")[0] == "shop.example" else 404)

    with web_server(answer, wrong) as url:
        named = health(url, server_name="shop.example", ca_certs=str(authority.path))
        unnamed = health(url, ca_certs=str(authority.path))
    assert named["findings"] == []
    assert names[0] == "shop.example"
    assert "is made out to another host: other.example" in found(unnamed, *TLS)[0]["message"]
    assert "server_name" in found(unnamed, *TLS)[0]["advice"]


def test_tls_without_http(authority: Authority) -> None:
    def tls_url(url: str) -> str:
        return url.replace("https://", "tls://")

    with web_server(lambda request: reply(HEALTHY), authority.certificate(days=10).context()) as url:
        soon = health(tls_url(url), ca_certs=str(authority.path))
        untrusted = health(tls_url(url))
        unverified = health(tls_url(url), validate_certs=False, thresholds={"certificate_expiry": {"warning": 5}})
    assert severities(soon) == {EXPIRY: "warning"}
    assert set(soon["measurements"]) == {"http.a.reachable", "http.a.certificate_days"}
    assert severities(untrusted) == {EXPIRY: "warning", TLS: "critical"}
    assert unverified["findings"] == []
    with web_server(lambda request: reply(HEALTHY)) as url:
        finding = only_finding(health(url.replace("http://", "tls://")))
    assert finding["check"] == "http.reachable"
    assert finding["message"].startswith("tls://127.0.0.1:")


def test_certificates_behind_a_proxy(authority: Authority) -> None:
    with (
        web_server(lambda request: reply(HEALTHY), authority.certificate(days=10).context()) as url,
        forward_proxy() as (
            proxy,
            asked,
        ),
    ):
        trusted = health(url, url.replace("https", "tls"), proxy=proxy, ca_certs=str(authority.path))
        untrusted = health(url, proxy=proxy)
    assert severities(trusted) == {EXPIRY: "warning", ("http.certificate_expiry", "b"): "warning"}
    assert severities(untrusted) == {REACHABLE: "critical", EXPIRY: "warning", TLS: "critical"}
    assert {method for method, _target in asked} == {"CONNECT"}
    assert len(asked) == 4


@pytest.fixture
def demanding(authority: Authority) -> Iterator[str]:
    with web_server(lambda request: reply(HEALTHY), authority.demand(authority.certificate().context())) as url:
        yield url


def test_a_server_that_wants_a_certificate_of_the_client(authority: Authority, demanding: str, tmp_path: Any) -> None:
    known, strange = authority.certificate("client.example"), Authority(tmp_path).certificate("client.example")

    def with_certificate(shown: Shown) -> dict[str, Any]:
        files = {"client_cert_file": str(shown.path), "client_key_file": str(shown.key)}
        return health(demanding, ca_certs=str(authority.path), **files)

    assert with_certificate(known)["findings"] == []
    nothing = only_finding(health(demanding, ca_certs=str(authority.path)))
    assert nothing["check"] == "http.reachable"
    assert "client_cert_file" in nothing["advice"], nothing
    assert only_finding(with_certificate(strange))["check"] == "http.reachable"


def test_nothing_secret_is_sent_to_whom_is_not_trusted(authority: Authority) -> None:
    requests: list[str] = []

    def answer(request: Any) -> Any:
        requests.append(request.path)
        return reply(HEALTHY)

    with web_server(answer, authority.certificate().context()) as url:
        result = health(url, bearer_token="geheim-4711")
    assert requests == []
    assert "geheim" not in json.dumps(result)


def test_a_slow_service_behind_a_certificate_that_expires(authority: Authority) -> None:
    context = authority.certificate(days=10).context()

    def shake_hands_and_wait(connection: socket.socket, ending: Any) -> None:
        with context.wrap_socket(connection, server_side=True):
            ending.wait()

    with raw_server(shake_hands_and_wait) as url:
        result = health(url.replace("http", "https"), ca_certs=str(authority.path), timeout=8)
    assert severities(result) == {REACHABLE: "critical", EXPIRY: "warning"}


@pytest.mark.parametrize("option", ["ca_certs", "client_cert_file"])
def test_a_file_that_is_no_certificate_is_refused(tmp_path: Any, option: str) -> None:
    file = tmp_path / "nothing.pem"
    file.write_text("nothing")
    result = health("https://127.0.0.1/", **{option: str(file)})
    assert result["failed"]
    assert f"{file} cannot be used" in result["msg"]


@pytest.mark.skipif(not SEES_CHAIN, reason="Python 3.9 shows the first certificate alone")
def test_a_certificate_of_the_chain_that_expires_first(authority: Authority, tmp_path: Any) -> None:
    """Here the authority itself, the root of the chain that was verified."""
    root, shown = short_lived_root(tmp_path, days=10)
    finding = only_finding(ask(shown, ca_certs=str(root)))
    assert finding["check"] == "http.certificate_expiry"
    assert "The certificate of 'Short Root', by which that of 127.0.0.1:" in finding["message"]


def test_https_to_a_plain_server_says_so() -> None:
    with web_server(lambda request: reply(HEALTHY)) as url:
        finding = only_finding(health(url.replace("http", "https")))
    assert "Does the port speak TLS" in finding["advice"], finding["message"]
