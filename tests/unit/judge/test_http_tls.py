# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates read without a library, and what is said of them."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.http import CHECKS, measurements
from ansible_collections.analytics.ops.plugins.module_utils._judge.http_answer import Answer, Tls
from ansible_collections.analytics.ops.plugins.module_utils._judge.x509 import read_certificate
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_800_000_000.0
DAY = 86400


def value(tag, *parts):
    """One value as DER writes it, with a long form of the length where it needs one."""
    content = b"".join(parts)
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    return bytes((tag, 0x82)) + len(content).to_bytes(2, "big") + content


def name(common, attribute=b"\x55\x04\x03"):
    if not common:
        return value(0x30)
    return value(0x30, value(0x31, value(0x30, value(0x06, attribute), value(0x0C, common.encode()))))


def moment(seconds, long=False):
    text = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))
    return value(0x18, text.encode()) if long else value(0x17, text[2:].encode())


def certificate(subject="api", issuer="CA", days=60, begins=-30, names=(), version=True, long=False, attribute=None):
    extensions = []
    if names:
        hosts = [value(0x87, one) if isinstance(one, bytes) else value(0x82, one.encode()) for one in names]
        hosts.append(value(0x81, b"ops@example.com"))
        other = value(0x30, value(0x06, b"\x55\x1d\x13"), value(0x04, value(0x30)))
        alternative = value(0x30, value(0x06, b"\x55\x1d\x11"), value(0x04, value(0x30, *hosts)))
        extensions = [value(0xA3, value(0x30, other, alternative))]
    body = value(
        0x30,
        *([value(0xA0, value(0x02, b"\x02"))] if version else []),
        value(0x02, b"\x01"),
        value(0x30),
        name(issuer),
        value(0x30, moment(NOW + begins * DAY), moment(NOW + days * DAY, long)),
        name(subject, attribute or b"\x55\x04\x03"),
        value(0x30),
        *extensions,
    )
    return value(0x30, body, value(0x30), value(0x03, b"\x00" * 200))


def answer(*tls, **fields):
    return Answer(**{"name": "api", "address": "https://api/", "status": 200, "tls": tls, **fields})


def run(check, *tls):
    findings = CHECKS.select([check]).findings({"answers": [answer(*tls)], "now": NOW}, "endpoints")
    return [finding for finding in findings if finding.subject != "endpoints"]


def test_what_is_read():
    read = read_certificate(certificate(names=["api.example", bytes((127, 0, 0, 1))]))
    assert (read.subject, read.issuer, read.names) == ("api", "CA", ("api.example", "127.0.0.1"))
    assert (read.not_before, read.not_after) == (NOW - 30 * DAY, NOW + 60 * DAY)
    assert read.self_issued is False
    assert read_certificate(certificate("CA")).self_issued is True


def test_what_is_read_where_names_are_missing_or_old():
    assert read_certificate(certificate(version=False)).names == ("api",)
    assert read_certificate(certificate("", names=["api.example"])).subject == "api.example"
    nameless = read_certificate(certificate("", issuer=""))
    assert (nameless.subject, nameless.issuer, nameless.names) == ("", "", ())
    assert read_certificate(certificate("Example Ltd", attribute=b"\x55\x04\x0a")).subject == "Example Ltd"


def test_dates_of_this_century_and_the_last():
    assert read_certificate(certificate(days=20000, long=True)).not_after == NOW + 20000 * DAY
    assert read_certificate(certificate(begins=-20000)).not_before == NOW - 20000 * DAY


@given(st.binary(max_size=60) | st.tuples(st.integers(0, 250), st.binary(max_size=3)))
def test_nonsense_is_no_certificate_and_does_no_harm(given_bytes):
    good = certificate(names=["api.example"])
    damaged = given_bytes
    if isinstance(given_bytes, tuple):
        at, put = given_bytes
        damaged = good[:at] + put + good[at + len(put) :]
    with suppress(ValueError):
        read_certificate(damaged)


@pytest.mark.parametrize("nonsense", [b"", b"\x30", b"\x30\x05\x00", b"\x30\x00", b"\x30\x84\xff\xff\xff\xff"])
def test_what_is_no_certificate_is_refused(nonsense):
    with pytest.raises(ValueError):
        read_certificate(nonsense)


@pytest.mark.parametrize(
    ("days", "severity"),
    [(21, "ok"), (20, "warning"), (4, "warning"), (3, "critical"), (0, "critical"), (-5, "critical")],
)
def test_expiry(days, severity):
    (found,) = run("certificate_expiry", Tls("api:443", chain=(certificate(days=days),)))
    assert (found.severity, found.value) == (severity, days)
    assert ("expired" in found.message) is (days <= 0)


def test_expired_is_critical_whatever_the_limits():
    limits = {"certificate_expiry": {"warning": None, "critical": None}}
    selection = CHECKS.select(["certificate_expiry"], thresholds=limits)
    expired = answer(Tls("api:443", chain=(certificate(days=-1),)))
    assert [one.severity for one in selection.findings({"answers": [expired], "now": NOW}, "all")] == ["critical"]


def test_the_chain_counts_where_it_was_used():
    chain = (certificate(), certificate("CA", "Root", days=10))
    (verified,) = run("certificate_expiry", Tls("api:443", chain=chain, verified=True))
    assert verified.message.startswith("The certificate of 'CA', by which that of api:443 is signed, is valid for 10")
    (sent,) = run("certificate_expiry", Tls("api:443", chain=chain))
    assert sent.severity == "ok"
    (expired,) = run("certificate_expiry", Tls("api:443", chain=chain, code=10, problem="certificate has expired"))
    assert expired.severity == "warning"


def test_expiry_without_a_certificate_that_can_be_read():
    assert run("certificate_expiry", Tls("api:443")) == []
    (found,) = run("certificate_expiry", Tls("api:443", chain=(b"?",)))
    assert found.severity == "unknown"


OBJECTIONS = [
    (0, (), "TLS with api:443 fails: told."),
    (9, (certificate(begins=1),), "is not valid before 2027-01-16"),
    (9, (), "is not valid yet."),
    (18, (certificate("CA"),), "is self-signed"),
    (19, (certificate(), certificate("CA", "Root")), "is signed by 'Root', which is not known here."),
    (19, (), "is signed by somebody, which"),
    (20, (certificate(),), "it sends one certificate, the last signed by 'CA'"),
    (21, (certificate(), certificate("CA", "Root")), "it sends 2 certificates, the last signed by 'Root'"),
    (62, (certificate(names=["a.example", "b.example"]),), "is made out to another host: a.example, b.example."),
    (64, (certificate(""), b"?"), "is made out to another host: it names none."),
    (62, (), "is made out to another host: it names none."),
    (26, (certificate(),), "is not valid: told."),
]


@pytest.mark.parametrize(("code", "chain", "message"), OBJECTIONS)
def test_objections(code, chain, message):
    (found,) = run("tls", Tls("api:443", "TLSv1.3", chain, code=code, problem="told"))
    assert found.severity == "critical"
    assert message in found.message
    assert found.advice


def test_a_chain_that_is_not_seen_whole():
    (found,) = run("tls", Tls("api:443", "TLSv1.3", (certificate(),), whole=False, code=20, problem="told"))
    assert "it sends one or more certificates, its own signed by 'CA', and" in found.message


def test_versions():
    (old,) = run("tls", Tls("api:443", "TLSv1.1", (certificate(),), problem="unsupported protocol"))
    assert (old.severity, "TLSv1.1 and nothing newer" in old.message) == ("critical", True)
    (young,) = run("tls", Tls("api:443", "TLSv1.3", (certificate(),)))
    assert (young.severity, young.message) == ("ok", "api:443 speaks TLSv1.3.")


def test_expired_is_no_matter_of_tls():
    assert run("tls", Tls("api:443", "TLSv1.3", (certificate(days=-1),), code=10, problem="expired")) == []


def test_days_are_measured():
    seen = (
        Tls("a:443", chain=(certificate(days=9),)),
        Tls("b:443", chain=(certificate(),)),
        Tls("c:443", chain=(b"?",)),
    )
    assert measurements([answer(*seen, problem="late")], NOW) == {
        "http.api.reachable": 0,
        "http.api.certificate_days": 9,
    }
    assert "http.api.certificate_days" not in measurements([answer(Tls("a:443"))], NOW)
    only_tls = answer(seen[0], kind="tls")
    assert set(measurements([only_tls], NOW)) == {"http.api.reachable", "http.api.certificate_days"}
