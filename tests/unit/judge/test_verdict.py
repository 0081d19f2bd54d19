# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import asdict

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.verdict import outcome, verdict

CRITICAL = {"findings": [{"check": "pg.reachable", "severity": "critical", "message": "It is down."}]}
WARNING = {"findings": [{"check": "redis.memory", "severity": "warning", "message": "It is full."}]}
GOOD = {"findings": []}
BROKEN = {"failed": True, "msg": "psycopg2 is not installed."}
SKIPPED = {"skipped": True, "msg": "Conditional result was False"}

VERDICT_TEST_CASES = [
    ([], "unhealthy", (False, "healthy")),
    ([GOOD, SKIPPED, {}], "degraded", (False, "healthy")),
    ([GOOD, WARNING], "unhealthy", (False, "degraded")),
    ([GOOD, WARNING], "degraded", (True, "degraded")),
    ([CRITICAL, WARNING], "unhealthy", (True, "unhealthy")),
    ([CRITICAL], "never", (False, "unhealthy")),
    ([BROKEN], "unhealthy", (True, "unhealthy")),
]


@pytest.mark.parametrize(("results", "fail_on", "expected"), VERDICT_TEST_CASES)
def test_verdict(results, fail_on, expected):
    judged = verdict(results, fail_on)
    assert (judged.failed, judged.status) == expected


def test_only_some_checks_count():
    assert not verdict([CRITICAL], only_checks=["redis.reachable"]).failed
    assert verdict([CRITICAL], only_checks=["pg.reachable"]).failed


def test_message_names_the_worst_and_what_could_not_look():
    message = verdict([CRITICAL, WARNING, BROKEN]).message
    assert message == ("unhealthy (1 critical, 1 warning). It is down. Could not look: psycopg2 is not installed.")


def test_unknown_fail_on_is_refused():
    with pytest.raises(InputError, match="sometimes"):
        verdict([], "sometimes")


def test_a_verdict_counts_what_is_not_in_order():
    assert verdict([CRITICAL, WARNING, WARNING, GOOD]).counts == {"critical": 1, "warning": 2, "unknown": 0}


OUTCOME_TEST_CASES = [
    ([], ("healthy", 0, 0, 0, 0)),
    ([[GOOD], [GOOD]], ("healthy", 0, 0, 2, 0)),
    ([[GOOD], [WARNING], [CRITICAL, WARNING]], ("unhealthy", 1, 2, 1, 0)),
    ([[GOOD], [WARNING]], ("degraded", 0, 1, 1, 0)),
    ([[GOOD], None], ("degraded", 0, 0, 1, 1)),
    ([[CRITICAL], None], ("unhealthy", 1, 0, 0, 1)),
    ([[BROKEN]], ("unhealthy", 0, 0, 0, 0)),
]


@pytest.mark.parametrize(("hosts", "expected"), OUTCOME_TEST_CASES)
def test_outcome(hosts, expected):
    told = outcome([asdict(verdict(results)) if results else {} for results in hosts])
    names = ("status", "critical", "warning", "healthy_hosts", "hosts_not_seen")
    assert tuple(told[name] for name in names) == expected
    assert (told["hosts_total"], told["unknown"]) == (len(hosts), 0)
