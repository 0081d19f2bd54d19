# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.verdict import verdict

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
