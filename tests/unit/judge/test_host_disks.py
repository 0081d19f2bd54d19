# SPDX-License-Identifier: GPL-3.0-or-later
"""File systems: room, rate, answers, damage."""

from __future__ import annotations

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_facts import (
    DENIED,
    FAILS,
    MISSING,
    SILENT,
    FileSystem,
)

from tests.support.host_parts import GB, NOTHING_BEFORE, answers, disk, moved, told

MB = 1024**2


@pytest.mark.parametrize(
    ("state", "severity", "words"),
    [
        ("answers", "ok", "/var (ext4 on /dev/sda2) answers."),
        (SILENT, "critical", "/var (ext4 on /dev/sda2) did not answer within 5 s."),
        (FAILS, "critical", "/var (ext4 on /dev/sda2) answers with an error: Stale file handle."),
        (DENIED, "unknown", "/var (ext4 on /dev/sda2) cannot be looked at: Stale file handle."),
        (MISSING, "critical", "Nothing is mounted at /var."),
    ],
)
def test_disk_answers(state, severity, words):
    (found,) = answers("disk_answers", disks=[disk(state=state, seconds=5.0, problem="Stale file handle")])
    assert (found.subject, found.severity, found.message) == ("/var", severity, words)


@pytest.mark.parametrize("check", ["disk_space", "inodes", "disk_full_in", "disk_read_only"])
def test_nothing_is_judged_of_what_was_not_measured(check):
    silent = FileSystem(mount="/nfs", state=SILENT, read_only=True, turned=True)
    interval = moved(3600, {}, {"host.disk./nfs.used_bytes": 0, "host.disk./nfs.read_only": 0})
    assert answers(check, disks=[silent], interval=interval) == []


SPACE_TEST_CASES = [
    ("half", disk(), "ok"),
    ("nearly", disk(used=86 * GB, free=14 * GB), "warning"),
    ("full", disk(used=99 * GB, free=GB), "critical"),
    ("full, with the share of root left", disk(used=95 * GB, free=0), "critical"),
    ("a huge one with room", disk(size=10000 * GB, used=9700 * GB, free=300 * GB), "ok"),
    ("a firmware partition", disk(size=64 * MB, used=63 * MB, free=MB), "ok"),
    ("nothing at all", disk(used=0, free=0), "ok"),
]


@pytest.mark.parametrize(
    ("one", "severity"), [case[1:] for case in SPACE_TEST_CASES], ids=[case[0] for case in SPACE_TEST_CASES]
)
def test_disk_space(one, severity):
    assert told(answers("disk_space", disks=[one])) == [("/var", severity)]


def test_what_is_read_only_does_not_fill_up():
    assert answers("disk_space", disks=[disk(read_only=True, used=100 * GB, free=0)]) == []


def test_hostile_mount_points_are_harmless_in_findings_and_names():
    evil = disk(mount="/mnt/\x1b[2J\nroot", used=99 * GB, free=GB)
    (found,) = answers("disk_space", disks=[evil])
    assert found.subject == "/mnt/\\x1b[2J root"
    assert (found.subject + found.message + evil.figure("used_percent")).isprintable()


@pytest.mark.parametrize(
    ("inodes", "left", "severity"),
    [
        (1000000, 900000, "ok"),
        (1000000, 100000, "warning"),
        (1000000, 100, "critical"),
        (100000000, 600000, "ok"),
    ],
)
def test_inodes(inodes, left, severity):
    assert told(answers("inodes", disks=[disk(inodes=inodes, inodes_free=left)])) == [("/var", severity)]


def test_file_systems_without_inodes():
    vfat = disk(inodes=0, inodes_free=0)
    assert answers("inodes", disks=[vfat]) == []
    assert vfat.inodes_used_percent == 0.0


FULL_TEST_CASES = [
    ("within hours", 3600, 10 * GB, "critical", 2.0),
    ("within a day", 3600, 2 * GB, "warning", 10.0),
    ("later than a rate of an hour tells", 3600, GB // 2, None, None),
    ("in two days, by the rate of a day", 86400, 10 * GB, "ok", 48.0),
    ("a burst of five minutes is believed for two hours", 300, 2 * GB, "critical", 0.8333),
    ("a burst of five minutes, not believed", 300, GB // 2, None, None),
    ("too short", 60, 10 * GB, None, None),
    ("emptier", 3600, -GB, None, None),
]


@pytest.mark.parametrize(
    ("seconds", "grown", "severity", "hours"), [c[1:] for c in FULL_TEST_CASES], ids=[c[0] for c in FULL_TEST_CASES]
)
def test_disk_full_in(seconds, grown, severity, hours):
    now = disk(used=75 * GB, free=20 * GB)
    name = "host.disk./var.used_bytes"
    found = answers("disk_full_in", disks=[now], interval=moved(seconds, {name: now.used}, {name: now.used - grown}))
    assert [(one.subject, one.severity, one.value) for one in found] == ([("/var", severity, hours)] if hours else [])


def test_a_disk_that_is_rather_empty_is_no_matter_yet():
    name = "host.disk./var.used_bytes"
    now = disk(used=50 * GB, free=45 * GB)
    found = answers("disk_full_in", disks=[now], interval=moved(3600, {name: 50 * GB}, {name: 5 * GB}))
    assert told(found) == [("/var", "ok")]


def test_inodes_run_out_too():
    name = "host.disk./var.inodes_used"
    now = disk(inodes=1000000, inodes_free=100000)
    (found,) = answers("disk_full_in", disks=[now], interval=moved(3600, {name: 900000}, {name: 850000}))
    assert (found.subject, found.severity, found.value) == ("/var (inodes)", "critical", 2.0)
    assert "50 000 files an hour, 100 000 inodes are free" in found.message
    vfat = disk(inodes=0)
    assert answers("disk_full_in", disks=[vfat], interval=moved(3600, {name: 9}, {name: 1})) == []


def test_disk_read_only():
    turned = disk(read_only=True, turned=True)
    changed = moved(600, {}, {"host.disk./var.read_only": 0})
    assert told(answers("disk_read_only", disks=[turned], interval=NOTHING_BEFORE)) == [("/var", "critical")]
    assert told(answers("disk_read_only", disks=[disk(read_only=True)], interval=changed)) == [("/var", "critical")]
    assert answers("disk_read_only", disks=[disk(read_only=True)]) == []
    assert answers("disk_read_only", disks=[disk()], interval=changed) == []


def test_disk_errors():
    assert answers("disk_errors", disks=[disk()]) == []
    (found,) = answers("disk_errors", disks=[disk(errors=3)])
    assert (found.subject, found.severity, found.value) == ("/var", "warning", 3)
