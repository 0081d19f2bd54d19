# SPDX-License-Identifier: GPL-3.0-or-later
"""What endpoints answer, and what they say of themselves."""

from __future__ import annotations

import json

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.http import CHECKS, measurements
from ansible_collections.analytics.ops.plugins.module_utils._judge.http_answer import BODY_LIMIT, Answer, Expected
from ansible_collections.analytics.ops.plugins.module_utils._judge.http_body import calls_itself_ill

NOW = 1_800_000_000.0


def answer(content=None, **fields):
    usual = {"name": "api", "address": "http://api/health", "status": 200}
    if content is not None:
        usual["body"] = content if isinstance(content, bytes) else json.dumps(content).encode()
    expected = {name[7:]: fields.pop(name) for name in list(fields) if name.startswith("expect_")}
    return Answer(**{**usual, "expected": Expected(**expected), **fields})


def run(check, *answers):
    return [
        f
        for f in CHECKS.select([check]).findings({"answers": answers, "now": NOW}, "endpoints")
        if f.subject != "endpoints"
    ]


def told(findings):
    return [(finding.subject, finding.severity) for finding in findings]


def test_reachable():
    dead = answer(name="dead", problem="Connection refused.", advice="Start it.")
    found = run("reachable", answer(), dead)
    assert told(found) == [("api", "ok"), ("dead", "critical")]
    assert (found[1].message, found[1].advice) == ("Connection refused.", "Start it.")


@pytest.mark.parametrize("check", ["status", "response_time", "body"])
def test_nothing_is_said_of_what_did_not_answer(check):
    assert run(check, answer({"status": "down"}, problem="Connection refused.", seconds=99.0)) == []


@pytest.mark.parametrize(
    ("status", "expected", "severity", "advice"),
    [
        (200, (200,), "ok", ""),
        (204, (200, 204), "ok", ""),
        (401, (200,), "critical", "credentials"),
        (403, (200,), "critical", "credentials"),
        (404, (200,), "critical", "path of the URL"),
        (400, (200,), "critical", "expect_status"),
        (500, (200,), "critical", "service's log"),
        (501, (200,), "critical", "service's log"),
        (502, (200,), "critical", "down or overloaded"),
        (503, (200,), "critical", "down or overloaded"),
        (504, (200,), "critical", "down or overloaded"),
        (200, (301, 302), "critical", "expect_status"),
    ],
)
def test_status(status, expected, severity, advice):
    (found,) = run("status", answer(status=status, expect_status=expected))
    assert (found.severity, found.value) == (severity, status)
    assert advice in found.advice
    wanted = " or ".join(map(str, expected))
    assert found.message.endswith(f"{wanted} is expected." if severity != "ok" else f"HTTP status {status}.")


@pytest.mark.parametrize(
    ("seconds", "severity"), [(0.99, "ok"), (1.0, "warning"), (1.99, "warning"), (2.0, "critical")]
)
def test_response_time(seconds, severity):
    assert told(run("response_time", answer(seconds=seconds))) == [("api", severity)]


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        ("healthy", "ok"),
        ("UP", "ok"),
        (" Ok ", "ok"),
        (True, "ok"),
        ("degraded", "warning"),
        ("partial", "warning"),
        ("unhealthy", "critical"),
        ("not-ready", "critical"),
        ("out of service", "critical"),
        (False, "critical"),
        ("purple", "unknown"),
    ],
)
def test_what_it_calls_itself(status, severity):
    (found,) = run("body", answer({"status": status}))
    assert (found.subject, found.severity) == ("api", severity)
    assert found.message == f"It calls itself '{status}'."
    assert ("expect_json" in found.advice) is (severity == "unknown")


@pytest.mark.parametrize(
    "content", [{"status": 200}, {"status": None}, {"state": "up"}, [1], b"<html>", b"", b"[" * 9000]
)
def test_nothing_is_said_of_a_body_that_says_nothing(content):
    assert run("body", answer(content)) == []


def test_long_numbers_do_not_stop_it():
    assert told(run("body", answer(b'{"status": "up", "n": ' + b"9" * 100000 + b"}"))) == [("api", "ok")]


def test_components_and_their_components():
    content = {
        "status": "degraded",
        "components": {
            "database": {"status": "up", "components": {"replica": {"status": "down"}}},
            "cache": "down",
            "queue": {"depth": 3},
        },
    }
    assert told(run("body", answer(content))) == [
        ("api", "warning"),
        ("api: database", "ok"),
        ("api: database.components.replica", "critical"),
        ("api: cache", "critical"),
    ]


def test_components_in_a_list():
    content = {"components": [{"name": "database", "status": "down"}, {"status": "up"}, "text"]}
    assert told(run("body", answer(content))) == [("api: database", "critical"), ("api: 1", "ok")]


def test_components_of_a_hostile_answer_are_bounded():
    wide = {"components": {str(number): "down" for number in range(1000)}}
    assert len(run("body", answer(wide))) == 200
    deep = {"status": "up"}
    for _level in range(20):
        deep = {"status": "up", "components": {"c": deep}}
    assert len(run("body", answer(deep))) == 6


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        ("closed", "ok"),
        ({"state": "CLOSED"}, "ok"),
        ("half-open", "warning"),
        ({"status": "open"}, "critical"),
        ("forced_open", "critical"),
        ("ajar", "unknown"),
        ({}, "unknown"),
    ],
)
def test_circuit_breakers(state, severity):
    (found,) = run("body", answer({"circuit_breakers": {"weather": state}}))
    assert (found.subject, found.severity) == ("api: weather", severity)
    assert severity == "ok" or "'weather' because calls failed" in found.advice


def test_circuit_breakers_that_are_none():
    assert run("body", answer({"circuit_breakers": ["open"]})) == []


CONTENT = {"status": "READY", "version": 3, "ok": True, "nested": {"deep": {"x": None}}, "list": [1]}


@pytest.mark.parametrize(
    ("path", "allowed", "severity", "message"),
    [
        ("status", "ready", "ok", 'http://api/health has status = "READY".'),
        ("status", ["up", "Ready"], "ok", 'has status = "READY".'),
        ("status", ["up", "go"], "critical", 'has status = "READY"; expected is "up" or "go".'),
        ("version", 3, "ok", "has version = 3."),
        ("version", "3", "critical", "has version = 3; expected"),
        ("ok", True, "ok", "has ok = true."),
        ("ok", 1, "critical", "has ok = true; expected is 1."),
        ("nested.deep.x", None, "ok", "has nested.deep.x = null."),
        ("nested.deep.y", None, "critical", "has nested.deep.y = nothing; expected is null."),
        ("version.deep", 3, "critical", "has version.deep = nothing"),
        ("nested", "x", "critical", "has nested = something nested; expected"),
        ("list", [1], "critical", "has list = something nested; expected is 1."),
    ],
)
def test_expected_values(path, allowed, severity, message):
    found = run("body", answer(CONTENT, expect_json={"status": "ready", path: allowed}))
    (finding,) = [f for f in found if f" {path} = " in f.message]
    assert finding.severity == severity
    assert message in finding.message


def test_what_is_expected_replaces_what_is_known():
    content = {"status": "purple", "components": {"a": {"status": "blue"}, "b": {"status": "green"}}}
    expected = {"status": "purple", "components.a.status": "blue"}
    assert told(run("body", answer(content, expect_json=expected))) == [("api", "ok"), ("api", "ok"), ("api: b", "ok")]


@pytest.mark.parametrize(
    ("fields", "told_of"),
    [({"truncated": True}, f"is longer than {BODY_LIMIT} bytes"), ({"body": b"no"}, "is no JSON object")],
)
def test_a_body_that_cannot_be_compared(fields, told_of):
    (found,) = run("body", answer(**{"body": b'{"status": "up"}', "expect_json": {"status": "up"}, **fields}))
    assert found.severity == "critical"
    assert told_of in found.message


def test_a_truncated_body_is_not_judged():
    assert run("body", answer({"status": "down"}, truncated=True)) == []


def test_measurements():
    answers = [answer(seconds=0.123456), answer(name="a b/ö-_", problem="gone")]
    assert measurements(answers, NOW) == {
        "http.api.reachable": 1,
        "http.api.status": 200,
        "http.api.response_seconds": 0.1235,
        "http.a_b_ö-_.reachable": 0,
    }


def test_nothing_of_http_is_said_of_what_only_speaks_tls():
    for check in ("status", "response_time", "body", "headers"):
        assert run(check, answer({"status": "down"}, kind="tls", expect_header={"X": ("a",)})) == []


def test_response_time_of_several_samples():
    samples = tuple(0.1 * number for number in range(1, 21))
    (found,) = run("response_time", answer(samples=samples, seconds=0.1))
    assert (found.value, found.severity) == (1.9, "warning")
    assert "answered 20 times: half of them within 1 s, 95 % within 1.9 s, the slowest after 2 s." in found.message
    figures = measurements([answer(samples=(0.3, 0.1, 0.2))], NOW)
    assert figures["http.api.response_seconds"] == figures["http.api.response_max_seconds"] == 0.3
    assert figures["http.api.response_p50_seconds"] == 0.2


def test_redirects_that_leave_encryption():
    hops = ("http://a/", "https://a/", "https://a/b", "http://a/c")
    (found,) = run("redirects", answer(hops=hops))
    assert (found.severity, found.message) == (
        "warning",
        "https://a/b redirects to http://a/c, which is not encrypted.",
    )
    assert run("redirects", answer(hops=hops[:3])) == []


@pytest.mark.parametrize(
    ("has", "wanted", "severity", "message"),
    [
        ({"x-a": "One; two"}, ("ONE",), "ok", "has the header X-A."),
        ({"x-a": "One"}, ("two", "three"), "critical", "the header X-A does not hold 'two' or 'three'."),
        ({}, ("",), "critical", "has no header X-A."),
        ({"x-a": ""}, ("",), "ok", "has the header X-A."),
    ],
)
def test_expected_headers(has, wanted, severity, message):
    (found,) = run("headers", answer(headers=has, expect_header={"X-A": wanted}))
    assert found.severity == severity
    assert found.message.endswith(message)


def test_no_header_is_missed_of_what_did_not_answer():
    assert run("headers", answer(expect_header={"X-A": ("a",)}, problem="gone")) == []


def test_expected_text():
    both = answer(b"<p>3 jobs", expect_text="jobs", expect_regex="[0-9] jobs$")
    assert [one.severity for one in run("body", both)] == ["ok", "ok"]
    assert [one.severity for one in run("body", answer(b"3 jobs", expect_text="jobs"))] == ["ok"]
    neither = answer(b"\xff", expect_text="jobs", expect_regex="x", truncated=True)
    found = run("body", neither)
    assert [one.severity for one in found] == ["critical", "critical"]
    assert found[0].message.endswith(f"does not hold the expected text 'jobs' in its first {BODY_LIMIT} bytes.")
    assert found[1].message.endswith(f"does not hold a match of 'x' in its first {BODY_LIMIT} bytes.")


PARTS = [
    ("component_response_time", {"response_time": 0.49}, 0.49, "ok"),
    ("component_response_time", {"response_time": 0.5}, 0.5, "warning"),
    ("component_response_time", {"response_time": 1, "response_time_ms": 3}, 1, "critical"),
    ("component_response_time", {"response_time_ms": 1500}, 1.5, "critical"),
    ("component_pool", {"pool_utilization": 0.46}, 46, "ok"),
    ("component_pool", {"pool_utilization": 1.2}, 120, "critical"),
    ("component_pool", {"pool_utilization": 85}, 85, "warning"),
    ("component_pool", {"active_connections": 9, "pool_size": 10}, 90, "critical"),
    ("component_hit_rate", {"hit_rate": 87.6}, 87.6, "ok"),
    ("component_hit_rate", {"hit_rate": 0.65}, 65, "warning"),
    ("component_hit_rate", {"hit_rate": 60}, 60, "critical"),
]


@pytest.mark.parametrize(("check", "part", "value", "severity"), PARTS)
def test_figures_of_components(check, part, value, severity):
    content = {"components": {"db": {"components": {"pool": part}}}}
    (found,) = run(check, answer(content))
    assert (found.subject, found.severity, found.value) == ("api: db.components.pool", severity, value)
    assert list(measurements([answer(content)], NOW).values())[-1] == value


@pytest.mark.parametrize("wrong", ["0.9", True, None, -1, float("inf"), float("nan"), [1]])
def test_figures_that_are_none(wrong):
    part = {"response_time": wrong, "pool_utilization": wrong, "hit_rate": wrong, "active_connections": 5}
    for check in ("component_response_time", "component_pool", "component_hit_rate"):
        assert run(check, answer({"components": {"db": part, "cache": "up"}})) == []
        assert run(check, answer({"components": {"db": {"active_connections": 5, "pool_size": 0}}})) == []
    assert run("component_pool", answer(b"text")) == []


@pytest.mark.parametrize(("active", "size"), [(1e308, 1), (5, 1e-320)])
def test_a_share_beyond_all_figures_is_none(active, size):
    part = {"active_connections": active, "pool_size": size}
    assert run("component_pool", answer({"components": {"db": part}})) == []
    assert len(measurements([answer({"components": {"db": part}})], NOW)) == 3


def test_a_long_name_does_not_come_again_with_every_part_below_it():
    """Half a megabyte of name before thousands of parts is gigabytes of names."""
    leaves = {str(number): {"hit_rate": 1} for number in range(200)}
    parts = {str(number): {"components": leaves} for number in range(100)}
    content = {"components": {"x" * 400_000: {"components": parts}}}
    assert len(answer(content).body) < BODY_LIMIT
    found = run("component_hit_rate", answer(content))
    assert len(found) == 100 * 200
    assert found[0].subject == "api: " + "x" * 200 + ".components.0.components.0"
    assert len(measurements([answer(content)], NOW)) < 10  # such long names are all alike


@pytest.mark.parametrize(
    ("content", "ill"),
    [
        ({"status": "unhealthy"}, True),
        ({"status": " Not-Ready "}, True),
        ({"status": False}, True),
        ({"status": "degraded"}, False),
        ({"status": "healthy"}, False),
        ({"status": "unheard of"}, False),
        ({}, False),
        (["unhealthy"], False),
        ("unhealthy", False),
    ],
)
def test_a_body_that_says_it_does_not_serve(content, ill):
    assert calls_itself_ill(content) is ill
