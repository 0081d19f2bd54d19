# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory: percent together with what is left, pressure, and kills."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_facts import (
    Boot,
    Container,
    Memory,
    Pressure,
    Process,
    Processes,
)

from tests.support.host_parts import GB, NOTHING_BEFORE, answers, moved, told

MEMORY_TEST_CASES = [
    (Memory(16 * GB, 12 * GB), "ok"),
    (Memory(16 * GB, 2 * GB), "warning"),
    (Memory(16 * GB, GB // 2), "critical"),
    (Memory(256 * GB, 6 * GB), "ok"),  # 98 %, and still 6 GB
]


@pytest.mark.parametrize(("memory", "severity"), MEMORY_TEST_CASES)
def test_memory(memory, severity):
    assert told(answers("memory", memory=memory)) == [("machine", severity)]


def test_memory_names_who_has_it():
    processes = Processes((), (Process(42, "java", 3 * GB), Process(43, "redis", GB)))
    (found,) = answers("memory", memory=Memory(16 * GB, 2 * GB), processes=processes)
    assert found.message == (
        "87.5 % of 16 GB memory is in use, 2 GB can still be had. Most of it: 'java' (PID 42) 3 GB, 'redis' (PID 43) "
        "1 GB."
    )


PEAK_TEST_CASES = [
    # seconds since the last look, use then, percent now, severity
    (600, 40.0, 87.5, "info"),
    (600, 86.0, 87.5, "warning"),
    (86400, 40.0, 87.5, "warning"),  # too long ago to tell a peak
    (600, 40.0, 96.9, "critical"),  # what is critical does not wait
]


@pytest.mark.parametrize(("seconds", "before", "now", "severity"), PEAK_TEST_CASES)
def test_a_first_peak_is_no_warning_yet(seconds, before, now, severity):
    memory = Memory(16 * GB, int(16 * GB * (1 - now / 100)))
    interval = moved(seconds, {}, {"host.memory.used_percent": before})
    (found,) = answers("memory", memory=memory, interval=interval)
    assert found.severity == severity
    assert found.advice.startswith("It was 40 % at the last look") == (severity == "info")


def test_a_container_is_judged_by_its_limit():
    container = Container(memory_limit=GB, memory_used=GB - GB // 100)
    (found,) = answers("memory", container=container)
    assert (found.subject, found.severity, found.value) == ("container", "critical", 99.0)
    assert told(answers("memory", container=Container(memory_limit=GB))) == [("container", "ok")]


SWAP_TEST_CASES = [
    (Memory(16 * GB, 12 * GB, 4 * GB, 0), "ok"),  # old pages rest there
    (Memory(16 * GB, 2 * GB, 4 * GB, 0), "critical"),
    (Memory(16 * GB, 2 * GB, 4 * GB, GB // 2), "warning"),
    (Memory(16 * GB, 2 * GB, 4 * GB, 4 * GB), "ok"),
]


@pytest.mark.parametrize(("memory", "severity"), SWAP_TEST_CASES)
def test_swap(memory, severity):
    assert told(answers("swap", memory=memory)) == [("machine", severity)]


def test_no_swap_is_no_matter():
    assert answers("swap") == []


@pytest.mark.parametrize(
    ("seen", "severity"),
    [
        (Pressure(90, 80, 60, 2), "ok"),
        (Pressure(90, 80, 2, 60), "ok"),
        (Pressure(90, 80, 10, 6), "warning"),
        (Pressure(90, 80, 50, 30), "critical"),
    ],
)
def test_memory_pressure(seen, severity):
    assert told(answers("memory_pressure", pressure={"memory": seen})) == [("machine", severity)]


def test_pressure_that_is_not_told():
    assert answers("memory_pressure") == []


OOM_TEST_CASES = [
    ({}, NOTHING_BEFORE, False, None),
    ({"host.total.oom_kills": 0}, NOTHING_BEFORE, False, ("ok", 0)),
    ({"host.total.oom_kills": 2}, NOTHING_BEFORE, False, ("info", 2)),
    ({"host.total.oom_kills": 3}, (3, 3), False, ("ok", 0)),
    ({"host.total.oom_kills": 5}, (3, 5), False, ("warning", 2)),
    ({"host.total.oom_kills": 1}, NOTHING_BEFORE, True, ("warning", 1)),
]


@pytest.mark.parametrize(("totals", "counts", "restarted", "expected"), OOM_TEST_CASES)
def test_oom_kills(totals, counts, restarted, expected):
    interval = counts
    if isinstance(counts, tuple):
        interval = moved(600, {"host.total.oom_kills": counts[1]}, {"host.total.oom_kills": counts[0]})
    found = answers("oom_kills", totals=totals, interval=interval, boot=Boot(300.0, restarted))
    assert [(finding.severity, finding.value) for finding in found] == ([expected] if expected else [])
