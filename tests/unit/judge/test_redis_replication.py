# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas that come again and again, and what a backlog is good for, judged at the limits."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.redis_facts import Info

from tests.support.redis_info import MB, answers, info, rates, told


@pytest.mark.parametrize(
    ("full", "partial", "connected", "seconds", "severity", "value"),
    [
        (0, 0, 1, 3600, "ok", 0),
        (1, 0, 1, 1, "ok", 0),
        (3, 0, 3, 60, "ok", 0),
        (0, 2, 1, 10, "ok", 360),
        (0, 3, 1, 3600, "warning", 2),
        (1, 2, 1, 3601, "ok", 1.9994),
        (2, 0, 0, 3600, "warning", 2),
        (0, 0, 0, 3600, "ok", 0),
    ],
)
def test_replicas_that_come_again_and_again(full, partial, connected, seconds, severity, value):
    changes = {"sync_full": full, "sync_partial_ok": partial}
    (found,) = answers("replica_flapping", info=info(connected_slaves=connected), rates=rates(seconds, **changes))
    assert (found.subject, found.severity, found.value) == ("window", severity, value)
    assert (
        found.message == f"Replicas connected {full + partial} times in the last hour; {connected} are connected now."
    )


@pytest.mark.parametrize(("refused", "severity"), [(0, "ok"), (1, "ok"), (2, "warning")])
def test_replicas_that_had_to_begin_anew(refused, severity):
    (found,) = answers("full_resyncs", rates=rates(sync_partial_err=refused))
    assert (found.subject, found.severity, found.value) == ("window", severity, refused)
    assert found.message.startswith(f"{refused} times in the last hour a replica ")


@pytest.mark.parametrize(
    ("written", "seconds", "severity", "value"),
    [(6 * MB, 60, "warning", 10), (6 * MB - 1, 60, "ok", 10), (59 * MB, 59, "ok", 1), (60 * MB, 60, "warning", 1)],
)
def test_how_far_the_backlog_reaches(written, seconds, severity, value):
    part = info(connected_slaves=1, repl_backlog_size=MB)
    (found,) = answers("repl_backlog", info=part, rates=rates(seconds, master_repl_offset=written))
    assert (found.subject, found.severity, found.value) == ("backlog", severity, value)
    assert found.message.startswith("The backlog of 1 MB holds the writes of ")


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ({"connected_slaves": 0}, 600 * MB),
        ({"repl_backlog_size": 0}, 600 * MB),
        ({}, 0),
        ({}, -5),
    ],
)
def test_nobody_needs_a_backlog_where(fields, written):
    part = info(**{"connected_slaves": 1, "repl_backlog_size": MB, **fields})
    (found,) = answers("repl_backlog", info=part, rates=rates(60, master_repl_offset=written))
    assert (found.severity, found.value) == ("ok", None)


@pytest.mark.parametrize(
    ("fields", "holes"),
    [
        ({"cluster_slots_assigned": "16384", "cluster_slots_fail": "0"}, False),
        ({"cluster_slots_assigned": "16383", "cluster_slots_fail": "0"}, True),
        ({"cluster_slots_assigned": "16384", "cluster_slots_fail": "1"}, True),
        ({}, False),
    ],
)
def test_a_cluster_may_call_itself_whole_and_have_holes(fields, holes):
    found = told("cluster", cluster=Info({"cluster_state": "ok", **fields}))
    assert [f.severity for f in found] == (["critical"] if holes else [])
