# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and interfaces over time, and tables that run full."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_devices import latency
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_facts import Container, Load, Pressure, Table

from tests.support.host_parts import NOTHING_BEFORE, ONE_SECOND, TEN_MINUTES, after, answers, told


def disk_io(seconds, busy, each, a_second=100):
    """Percent busy, seconds a request, requests a second."""
    return after(
        seconds,
        device__sda__busy_seconds=seconds * busy / 100,
        device__sda__operations=seconds * a_second,
        device__sda__waited_seconds=seconds * a_second * each,
    )


SLOW, FAST = 0.05, 0.001

BUSY_TEST_CASES = [
    ("a moment", disk_io(ONE_SECOND, 95, SLOW), NOTHING_BEFORE, None, "info"),
    ("a moment of a fast disk", disk_io(ONE_SECOND, 95, FAST), NOTHING_BEFORE, None, "ok"),
    ("a moment after quiet", disk_io(ONE_SECOND, 95, SLOW), disk_io(TEN_MINUTES, 10, SLOW), None, "ok"),
    ("lasting", disk_io(ONE_SECOND, 95, SLOW), disk_io(TEN_MINUTES, 90, SLOW), None, "warning"),
    ("lasting by pressure", disk_io(ONE_SECOND, 95, SLOW), NOTHING_BEFORE, 85.0, "warning"),
    ("without a window", NOTHING_BEFORE, disk_io(TEN_MINUTES, 90, SLOW), None, "warning"),
    ("more than all the time", disk_io(ONE_SECOND, 104, SLOW), disk_io(TEN_MINUTES, 104, SLOW), None, "warning"),
]


@pytest.mark.parametrize(
    ("window", "interval", "pressure", "severity"),
    [case[1:] for case in BUSY_TEST_CASES],
    ids=[case[0] for case in BUSY_TEST_CASES],
)
def test_disk_busy(window, interval, pressure, severity):
    load = Load(1.0, 1.0, 2, {"io": Pressure(pressure, pressure)} if pressure else {})
    found = answers("disk_busy", window=window, interval=interval, load=load)
    assert told(found) == [("sda", severity)]
    assert found[0].value <= 100


def test_nothing_is_said_of_disks_without_figures():
    assert answers("disk_busy") == []
    assert answers("disk_latency") == []
    assert latency(disk_io(ONE_SECOND, 0, 0, a_second=0), "sda") is None
    assert answers("disk_busy", load=Load(1, 1, 2, {"io": Pressure(90, 90)})) == []


LATENCY_TEST_CASES = [
    (disk_io(ONE_SECOND, 95, 0.2), NOTHING_BEFORE, "info"),
    (disk_io(ONE_SECOND, 95, 0.2), disk_io(TEN_MINUTES, 95, 0.3), "warning"),
    (disk_io(ONE_SECOND, 95, 2.0), disk_io(TEN_MINUTES, 95, 2.0), "critical"),
    (disk_io(ONE_SECOND, 95, 2.0, a_second=2), disk_io(TEN_MINUTES, 95, 2.0), "ok"),
    (NOTHING_BEFORE, disk_io(TEN_MINUTES, 95, 0.3), "warning"),
    (disk_io(ONE_SECOND, 95, 0.3), disk_io(TEN_MINUTES, 5, 0.001), "ok"),
]


@pytest.mark.parametrize(("window", "interval", "severity"), LATENCY_TEST_CASES)
def test_disk_latency(window, interval, severity):
    assert told(answers("disk_latency", window=window, interval=interval)) == [("sda", severity)]


def test_io_pressure():
    assert answers("io_pressure") == []
    assert told(answers("io_pressure", pressure={"io": Pressure(90, 90, 90, 10)})) == [("machine", "ok")]
    assert told(answers("io_pressure", pressure={"io": Pressure(90, 90, 40, 30)})) == [("machine", "warning")]


def network(seconds, packets, errors=0, drops=0):
    return after(seconds, network__eth0__packets=packets, network__eth0__errors=errors, network__eth0__drops=drops)


@pytest.mark.parametrize(
    ("packets", "errors", "severity"),
    [(1000, 0, "ok"), (100, 9, "ok"), (10000, 50, "ok"), (1000, 50, "warning"), (1000, 500, "critical")],
)
def test_network_errors(packets, errors, severity):
    assert told(answers("network_errors", interval=network(TEN_MINUTES, packets, errors))) == [("eth0", severity)]


@pytest.mark.parametrize(("drops", "severity"), [(500, "ok"), (2000, "warning")])
def test_network_drops(drops, severity):
    assert told(answers("network_drops", interval=network(TEN_MINUTES, 20000, 0, drops))) == [("eth0", severity)]


def test_an_interface_at_rest_and_one_that_is_new():
    assert answers("network_errors", interval=network(TEN_MINUTES, 0)) == []
    assert answers("network_errors", interval=network(TEN_MINUTES, 10), interfaces=["eth1"]) == []


def test_packets_are_counted_over_the_longer_span():
    (found,) = answers("network_errors", window=network(1, 10), interval=network(TEN_MINUTES, 1000, 100))
    assert found.message == "100 of 1 100 packets of eth0 were damaged over 10 min."
    (found,) = answers("network_errors", window=network(1, 1000, 100))
    assert found.message.endswith("over 1 s.")


@pytest.mark.parametrize("check", ["conntrack", "open_files", "tasks"])
@pytest.mark.parametrize(("used", "severity"), [(100, "ok"), (850, "warning"), (990, "critical")])
def test_tables(check, used, severity):
    assert told(answers(check, **{check: Table(used, 1000)})) == [("machine", severity)]


def test_the_processes_of_a_container_have_a_limit_of_their_own():
    container = Container(tasks_limit=100, tasks=95)
    assert told(answers("tasks", tasks=Table(95, 30000), container=container)) == [("container", "critical")]
    assert told(answers("tasks", tasks=Table(95, 0), container=Container(tasks_limit=100))) == [("machine", "ok")]
