# SPDX-License-Identifier: GPL-3.0-or-later
"""Processors: a warning takes what holds now and what lasts."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_facts import (
    Container,
    Load,
    Pressure,
    Process,
    Processes,
    since,
)

from tests.support.host_parts import NOTHING_BEFORE, ONE_SECOND, TEN_MINUTES, after, answers, processors, told

BUSY, QUIET = {"user": 90.0, "system": 7.0}, {"user": 5.0}
QUEUE, NO_QUEUE = Load(2.4, 2.0, 2), Load(0.2, 0.1, 2)

CPU_TEST_CASES = [
    ("a spike", BUSY, None, NO_QUEUE, "ok"),
    ("a spike after quiet minutes", BUSY, QUIET, NO_QUEUE, "ok"),
    ("busy minutes that are over", QUIET, BUSY, QUEUE, "ok"),
    ("now and since the last look", BUSY, BUSY, NO_QUEUE, "critical"),
    ("now and by load", BUSY, None, QUEUE, "critical"),
    ("now and by load, not quite", {"user": 85.0}, None, QUEUE, "warning"),
    ("by pressure", BUSY, None, Load(0.2, 0.1, 2, {"cpu": Pressure(99.0, 85.0)}), "warning"),
    ("without a window, since the last look", None, BUSY, NO_QUEUE, "critical"),
    ("waiting for disks and hypervisors is no work", {"iowait": 50.0, "steal": 45.0}, None, QUEUE, "ok"),
]


@pytest.mark.parametrize(
    ("now", "before", "load", "severity"), [c[1:] for c in CPU_TEST_CASES], ids=[c[0] for c in CPU_TEST_CASES]
)
def test_cpu(now, before, load, severity):
    window = processors(ONE_SECOND, **now) if now else NOTHING_BEFORE
    interval = processors(TEN_MINUTES, **before) if before else NOTHING_BEFORE
    assert told(answers("cpu", window=window, interval=interval, load=load)) == [("machine", severity)]


def test_cpu_names_who_uses_it_and_keeps_their_names_harmless():
    processes = Processes((Process(7, "evil\n\x1b[31m", 0.98), Process(8, "python", 0.5)), ())
    (found,) = answers("cpu", window=processors(ONE_SECOND, **BUSY), load=QUEUE, processes=processes)
    assert found.message == (
        "The 2 cores are in use: 97 % over 1 s; load 2.4 over 5 min. Most of it: 'evil \\x1b[31m' (PID 7) 98 % of a "
        "core, 'python' (PID 8) 50 % of a core."
    )
    assert found.advice


def test_cpu_tells_both_spans():
    (found,) = answers(
        "cpu", window=processors(ONE_SECOND, **BUSY), interval=processors(TEN_MINUTES, user=82.0), load=NO_QUEUE
    )
    assert "97 % over 1 s, 82 % in the 10 min since the last look" in found.message
    assert (found.severity, found.value) == ("warning", 82.0)


def test_nothing_is_said_of_processors_without_figures():
    assert answers("cpu") == []
    assert answers("cpu", interval=processors(10.0, **BUSY)) == []
    assert answers("cpu_steal") == []
    assert answers("cpu_iowait", load=Load(1.0, 1.0, 2, {"io": Pressure(90.0, 90.0)})) == []
    assert answers("cpu_throttled", container=Container(cores=1.0)) == []
    assert answers("cpu", window=after(0.0)) == []


def test_a_container_is_judged_by_its_share():
    container = Container(cores=0.5)
    busy = after(10.0, container__cpu_seconds=4.9, container__periods=100, container__throttled_periods=10)
    (found,) = answers("cpu", window=busy, load=QUEUE, container=container)
    assert (found.subject, found.severity, found.value) == ("container", "critical", 98.0)
    assert found.message.startswith("The container's 0.5 cores are in use: 98 % over 10 s;")
    assert answers("cpu", window=after(10.0), load=QUEUE, container=container) == []


THROTTLED_TEST_CASES = [
    # Counters stand at 1000 before: half of the periods since the start.
    (30, 30, "warning"),
    (80, 80, "critical"),
    (30, 10, "warning"),  # since the start more was throttled than since the last look
    (10, 90, "ok"),
]


@pytest.mark.parametrize(("now", "before", "severity"), THROTTLED_TEST_CASES)
def test_cpu_throttled(now, before, severity):
    window = after(1.0, container__periods=100, container__throttled_periods=now)
    interval = after(600.0, container__periods=100, container__throttled_periods=before)
    found = answers("cpu_throttled", window=window, interval=interval, container=Container(cores=2.0))
    assert told(found) == [("container", severity)]
    assert "The limit of 2 cores stops the container in " in found[0].message


def test_throttling_by_the_past_alone_and_on_a_machine():
    window = after(0.0, container__periods=0, container__throttled_periods=0)
    (found,) = answers("cpu_throttled", window=window, container=Container(cores=2.0))
    assert found.message.endswith("in 100 % of periods since its start; now idle.")
    assert answers("cpu_throttled", window=window) == []


@pytest.mark.parametrize(
    ("now", "before", "severity"),
    [
        (15.0, None, "info"),
        (5.0, None, "ok"),
        (15.0, 2.0, "ok"),
        (15.0, 12.0, "warning"),
        (40.0, 35.0, "critical"),
    ],
)
def test_cpu_steal(now, before, severity):
    interval = processors(TEN_MINUTES, steal=before) if before is not None else NOTHING_BEFORE
    (found,) = answers("cpu_steal", window=processors(ONE_SECOND, steal=now), interval=interval)
    assert found.severity == severity
    assert found.advice.startswith("One moment only") == (severity == "info")


@pytest.mark.parametrize(
    ("now", "pressure", "severity"), [(60.0, {}, "info"), (60.0, {"io": 30.0}, "warning"), (60.0, {"io": 2.0}, "ok")]
)
def test_cpu_iowait(now, pressure, severity):
    load = Load(1.0, 1.0, 2, {name: Pressure(value, value) for name, value in pressure.items()})
    (found,) = answers("cpu_iowait", window=processors(ONE_SECOND, iowait=now), load=load)
    assert found.severity == severity


@pytest.mark.parametrize(
    ("five", "fifteen", "severity"),
    [(30.0, 1.0, "ok"), (1.0, 30.0, "ok"), (4.0, 4.0, "warning"), (11.0, 10.0, "critical")],
)
def test_load_counts_when_both_averages_are_high(five, fifteen, severity):
    assert told(answers("load", load=Load(five, fifteen, 2))) == [("machine", severity)]


def test_cpu_pressure():
    assert answers("cpu_pressure") == []
    assert told(answers("cpu_pressure", pressure={"cpu": Pressure(99.0, 20.0)})) == [("machine", "ok")]
    assert told(answers("cpu_pressure", pressure={"cpu": Pressure(99.0, 80.0)})) == [("machine", "warning")]


def test_counters_of_before_a_restart_are_forgotten():
    previous = {"host.observed_at": 1.0, "host.total.oom_kills": 3, "host.memory.used_percent": 50}
    figures = {"host.observed_at": 601.0, "host.total.oom_kills": 9}
    assert since(figures, previous, False).growth("host.total.oom_kills") == 6
    restarted = since(figures, previous, True)
    assert restarted.growth("host.total.oom_kills") is None
    assert (restarted.seconds, restarted.previous["host.memory.used_percent"]) == (600.0, 50.0)
