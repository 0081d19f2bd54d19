# SPDX-License-Identifier: GPL-3.0-or-later
"""Clock, restarts, units, updates; and the figures that are kept."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.host import SUBJECTS
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_facts import (
    SILENT,
    Boot,
    Clock,
    Container,
    Load,
    Memory,
    Pressure,
    Reboot,
    Table,
    Updates,
)
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_measurements import measurements

from tests.support.host_parts import GB, after, answers, disk, processors, told


def test_there_are_subjects():
    assert len(SUBJECTS) == 5


def test_clock_synchronised():
    assert told(answers("clock_synchronised", clock=Clock(True))) == [("machine", "ok")]
    (found,) = answers("clock_synchronised", clock=Clock(False))
    assert (found.severity, found.message) == ("warning", "Nothing keeps the clock right, says the kernel.")


@pytest.mark.parametrize(("offset", "severity"), [(0.001, "ok"), (-0.06, "warning"), (3.0, "critical")])
def test_clock_offset(offset, severity):
    assert told(answers("clock_offset", clock=Clock(True, offset, "chrony daemon"))) == [("machine", severity)]


@pytest.mark.parametrize("clock", [Clock(False, 9.0), Clock(True)])
def test_an_offset_that_nobody_knows(clock):
    assert answers("clock_offset", clock=clock) == []


def test_restart():
    assert answers("restart", boot=Boot(60.0)) == []
    (found,) = answers("restart", boot=Boot(60.0, True))
    assert (found.severity, found.message) == (
        "warning",
        "The machine was started 1 min ago, which is after the last look.",
    )


def test_failed_units():
    assert answers("failed_units", units=[]) == []
    assert told(answers("failed_units", units=["a.service", "b.timer"])) == [
        ("a.service", "warning"),
        ("b.timer", "warning"),
    ]


REBOOT_TEST_CASES = [
    (Reboot(False), None, ""),
    (Reboot(True), "info", "A restart is required."),
    (Reboot(True, ["linux-image"], 2.0), "info", "A restart is required, for 2 d already because of: linux-image."),
    (Reboot(True, [], 20.0), "warning", "A restart is required, for 20 d already."),
]


@pytest.mark.parametrize(("reboot", "severity", "message"), REBOOT_TEST_CASES)
def test_reboot_required(reboot, severity, message):
    found = answers("reboot_required", reboot=reboot)
    assert [(one.severity, one.message) for one in found] == ([(severity, message)] if severity else [])


def test_updates():
    names = tuple("abcdefgh")
    waiting = Updates("apt", names, names[:2])
    (found,) = answers("security_updates", updates=waiting)
    assert (found.severity, found.value) == ("warning", 8)
    assert found.message == "8 security updates wait to be installed: a, b, c, d, e, f and 2 more."
    (found,) = answers("updates", updates=waiting)
    assert (found.severity, found.message) == ("info", "2 updates beside those for security wait: a, b.")
    (found,) = answers("updates", {"warning": 2}, updates=waiting)
    assert found.severity == "warning"
    nothing = Updates("apt")
    assert told(answers("security_updates", updates=nothing) + answers("updates", updates=nothing)) == [
        ("machine", "ok"),
        ("machine", "ok"),
    ]


@pytest.mark.parametrize(("days", "severity"), [(1, "ok"), (8, "warning")])
def test_package_lists_age(days, severity):
    assert told(answers("package_lists_age", package_lists_age=days * 86400.0)) == [("machine", severity)]


WHOLE = {
    "observed_at": 7.0,
    "totals": {"host.total.oom_kills": 1},
    "boot": Boot(100.123456789),
    "window": processors(1.0, user=50.0, steal=5.0),
    "container": Container(),
    "devices": ["sda"],
    "interfaces": ["eth0"],
    "load": Load(2.0, 1.0, 2, {"cpu": Pressure(3.0, 4.0)}),
    "memory": Memory(16 * GB, 4 * GB),
    "disks": [disk(), disk(mount="/boot.d", inodes=0), disk(mount="/nfs", state=SILENT)],
    "conntrack": Unavailable("none"),
    "open_files": Table(5, 100),
    "tasks": Table(1, 4),
    "clock": Clock(True, 0.001),
    "units": ["a.service"],
    "reboot": Reboot(True),
    "updates": Updates("apt", ["a"], ["b", "c"]),
    "package_lists_age": 5.0,
}


def test_measurements_are_flat_and_named():
    figures = measurements(WHOLE)
    expected = {
        "host.observed_at": 7.0,
        "host.total.oom_kills": 1,
        "host.uptime_seconds": 100.123457,
        "host.cpu.used_percent": 50.0,
        "host.cpu.steal_percent": 5.0,
        "host.cpu.cores": 2,
        "host.load.per_core": 0.5,
        "host.pressure.cpu.some_percent": 3.0,
        "host.memory.used_percent": 75.0,
        "host.disk./var.free_bytes": 45 * GB,
        "host.disk./var.inodes_used": 100000,
        "host.disk./boot.d.read_only": 0,
        "host.open_files.used_percent": 5.0,
        "host.tasks.used": 1,
        "host.clock.offset_seconds": 0.001,
        "host.units.failed": 1,
        "host.reboot_required": 1,
        "host.updates.security": 1,
        "host.updates.others": 2,
        "host.package_lists.age_seconds": 5.0,
    }
    assert {name: figures.get(name) for name in expected} == expected
    assert not [name for name in figures if name.startswith(("host.disk./nfs", "host.conntrack", "host.swap.used"))]
    assert "host.disk./boot.d.inodes_used" not in figures
    assert all(isinstance(value, (int, float)) for value in figures.values())


def test_measurements_of_devices_and_of_a_container():
    window = after(
        10.0,
        device__sda__busy_seconds=5.0,
        device__sda__read_bytes=1000.0,
        network__eth0__sent_bytes=50.0,
        container__cpu_seconds=5.0,
    )
    container = Container(memory_limit=4 * GB, memory_used=GB, cores=1.0)
    figures = measurements({**WHOLE, "window": window, "container": container})
    expected = {
        "host.cpu.used_percent": 50.0,
        "host.device.sda.busy_percent": 50.0,
        "host.device.sda.read_bytes_per_second": 100.0,
        "host.network.eth0.sent_bytes_per_second": 5.0,
        "host.memory.used_percent": 25.0,
        "host.memory.total_bytes": 4 * GB,
        "host.memory.available_bytes": 3 * GB,
    }
    assert {name: figures.get(name) for name in expected} == expected


def test_measurements_of_little():
    little = {"observed_at": 1.0, "totals": {}, "window": after(0.0), "memory": Memory(4, 1)}
    assert set(measurements(little)) == {
        "host.observed_at",
        "host.memory.used_percent",
        "host.memory.total_bytes",
        "host.memory.available_bytes",
        "host.swap.total_bytes",
    }
