# SPDX-License-Identifier: GPL-3.0-or-later
"""``host_health`` on this machine, of which a part is made ill at a time: mounts, control groups, processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import found, run_module
from tests.support.surroundings import (
    ControlGroup,
    control_group,
    hanging_mount,
    mounted,
    needs_fuse,
    needs_mounts,
    needs_root,
    network,
    program,
    systemd,
)
from tests.support.waiting import until

# Other tests run beside this one, so the machine may be busy; and nobody here keeps its clock or installs its updates.
NEVER = {"warning": None, "critical": None}
BUSY = ("cpu", "cpu_iowait", "cpu_pressure", "cpu_steal", "disk_busy", "disk_latency", "io_pressure", "load")
OTHERS_CARE = ["clock_synchronised", "clock_offset", "failed_units", "oom_kills", "package_lists_age"]
OTHERS_CARE += ["reboot_required", "security_updates", "updates"]


def look(**options: Any) -> dict[str, Any]:
    result = run_module("host_health", **{"window": 0.1, **options})
    assert not result["failed"], result
    assert not result["changed"]
    return result


def only(result: dict[str, Any]) -> dict[str, Any]:
    assert len(result["findings"]) == 1, result["findings"]
    return result["findings"][0]


def told(result: dict[str, Any]) -> tuple[str, str, str]:
    finding = only(result)
    return finding["check"], finding["subject"], finding["severity"]


@pytest.fixture
def point(tmp_path: Path) -> Path:
    path = tmp_path / "mounted"
    path.mkdir()
    return path


def test_a_healthy_machine_is_silent() -> None:
    limits = _calm()
    result = look(exclude_checks=OTHERS_CARE, thresholds=limits, include_ok=True)
    assert {finding["severity"] for finding in result["findings"]} <= {"ok", "info"}
    assert {finding["check"] for finding in result["findings"]} == set(result["checks"])
    assert [f for f in result["findings"] if f["severity"] == "info" and "pressure" not in f["check"]] == []
    assert result["status"] == "healthy"
    again = look(exclude_checks=OTHERS_CARE, thresholds=limits, previous=result["measurements"])
    assert [finding for finding in again["findings"] if "pressure" not in finding["check"]] == []


def test_every_check_has_an_answer() -> None:
    result = look(include_ok=True, exclude_checks=["updates", "security_updates"])
    assert {finding["check"] for finding in result["findings"]} == set(result["checks"])
    assert len(result["checks"]) == 30
    assert result["target"] == os.uname().nodename
    figures = result["measurements"]
    assert all(isinstance(value, (int, float)) for value in figures.values())
    assert 0 < figures["host.memory.used_percent"] < 100
    assert figures["host.disk./.size_bytes"] > 0
    assert figures["host.cpu.cores"] >= 1
    assert figures["host.total.cpu.idle_seconds"] > 0


def test_limits_of_nothing_make_every_table_speak() -> None:
    checks = ["open_files", "tasks", "load", "memory"]
    limits = {name: {"warning": 0} for name in checks}
    limits["memory"]["available_bytes"] = None
    result = look(checks=checks, thresholds=limits)
    assert {finding["check"] for finding in result["findings"]} == {f"host.{name}" for name in checks}
    assert all(finding["severity"] != "info" and finding["value"] > 0 for finding in result["findings"])
    assert "(PID " in found(result, "host.memory")[0]["message"]


@needs_mounts
def test_a_file_system_that_is_nearly_full(point: Path) -> None:
    fill = f"mount -t tmpfs -o size=128m none {point}; head -c 125m /dev/zero > {point}/dump"
    result = look(mounts=[str(point)], within=mounted(fill), exclude_checks=OTHERS_CARE, thresholds=_calm())
    assert told(result) == ("host.disk_space", str(point), "critical")
    assert "97.7 % full" in only(result)["message"]
    assert result["status"] == "unhealthy"
    assert result["measurements"][f"host.disk.{point}.used_percent"] == pytest.approx(97.66, abs=0.1)


def _calm() -> dict[str, Any]:
    return {**dict.fromkeys(BUSY, NEVER), "memory_pressure": NEVER}


@needs_mounts
def test_a_small_file_system_is_left_in_peace(point: Path) -> None:
    fill = f"mount -t tmpfs -o size=8m none {point}; head -c 8m /dev/zero > {point}/dump"
    assert look(mounts=[str(point)], within=mounted(fill), checks=["disk_space"])["findings"] == []
    small = look(
        mounts=[str(point)], within=mounted(fill), checks=["disk_space"], thresholds={"disk_space": {"size_bytes": 0}}
    )
    assert told(small) == ("host.disk_space", str(point), "critical")


@needs_mounts
def test_inodes_that_are_used_up(point: Path) -> None:
    fill = f"mount -t tmpfs -o nr_inodes=100 none {point}; cd {point}; for n in $(seq 96); do : > f$n; done"
    result = look(mounts=[str(point)], within=mounted(fill), checks=["disk_answers", "disk_space", "inodes"])
    assert told(result) == ("host.inodes", str(point), "critical")


@needs_mounts
def test_a_file_system_that_will_be_full_within_hours(point: Path) -> None:
    fill = f"mount -t tmpfs -o size=32m none {point}; head -c 24m /dev/zero > {point}/log"
    within, checks = mounted(fill), ["disk_space", "disk_full_in"]
    previous = {"host.observed_at": time.time() - 7200, f"host.disk.{point}.used_bytes": 8 * 1024 * 1024}
    result = look(mounts=[str(point)], within=within, checks=checks, previous=previous)
    assert told(result) == ("host.disk_full_in", str(point), "critical")
    assert only(result)["value"] == pytest.approx(1.0, abs=0.05)
    assert look(mounts=[str(point)], within=within, checks=checks)["findings"] == []


@needs_mounts
def test_hostile_names_of_mounts_are_harmless(tmp_path: Path) -> None:
    evil = tmp_path / "a\x1b[2J\nroot \\ x"
    evil.mkdir()
    fill = f"mount -t tmpfs -o nr_inodes=50 none '{evil}'; cd '{evil}'; for n in $(seq 49); do : > f$n; done"
    result = look(mounts=[str(evil)], within=mounted(fill), checks=["disk_answers", "inodes"])
    finding = only(result)
    assert finding["check"] == "host.inodes"
    assert finding["subject"] == str(tmp_path) + "/a\\x1b[2J root \\ x"
    assert all(str(text).isprintable() for text in [*finding.values(), *result["measurements"]])


def test_a_mount_that_should_be_there(point: Path) -> None:
    result = look(mounts=[str(point) + "/"], checks=["disk_answers", "disk_space"])
    assert told(result) == ("host.disk_answers", str(point), "critical")
    assert look(mounts=[str(point)], exclude_mounts=[f"{point.parent}*"], checks=["disk_answers"])["findings"] == []


@needs_fuse
def test_a_file_system_that_hangs_hangs_nothing(point: Path) -> None:
    result = look(within=hanging_mount(point), checks=["disk_answers", "disk_space"], timeout=5)
    assert told(result) == ("host.disk_answers", str(point), "critical")
    assert only(result)["message"] == f"{point} (fuse.gone on server:/export) did not answer within 5 s."
    assert "host.disk./.used_percent" in result["measurements"]
    assert not [name for name in result["measurements"] if str(point) in name]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(b"")
    os.truncate(path, 16 * 1024 * 1024)
    _format(path)
    return path


def _format(image: Path) -> None:
    program = shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin")
    if not program:
        pytest.skip("there is no mkfs.ext4")
    subprocess.run([program, "-q", "-F", str(image)], check=True, capture_output=True)


@needs_root
@needs_mounts
def test_every_device_is_looked_at_once(point: Path, image: Path) -> None:
    script = f"mount -o loop {image} {point} || exit 99; mkdir -p {point}/in {point}/out; cd {point}\n"
    script += "mount --bind in out; mount --bind . /mnt; mount -t tmpfs none in"
    result = _or_skip(mounted(script), checks=["disk_answers"], include_ok=True)
    subjects = [finding["subject"] for finding in result["findings"]]
    # The shorter of both mount points of the whole file system stands for it.
    assert subjects.count("/mnt") == 1
    assert not [subject for subject in subjects if str(point) in subject]


@needs_root
@needs_mounts
def test_a_file_system_that_an_error_made_read_only(point: Path, image: Path) -> None:
    script = f"mount -o loop,errors=remount-ro {image} {point} || exit 99\n"
    script += f"device=$(basename $(findmnt -no SOURCE {point}))\necho broken > /sys/fs/ext4/$device/trigger_fs_error"
    checks = ["disk_answers", "disk_space", "inodes", "disk_read_only", "disk_errors"]
    result = _or_skip(mounted(script), mounts=[str(point)], checks=checks)
    assert {(f["check"], f["subject"], f["severity"]) for f in result["findings"]} == {
        ("host.disk_read_only", str(point), "critical"),
        ("host.disk_errors", str(point), "warning"),
    }
    _format(image)
    read_only = f"mount -o loop,ro {image} {point} || exit 99"
    assert _or_skip(mounted(read_only), mounts=[str(point)], checks=["disk_read_only"])["findings"] == []
    previous = {"host.observed_at": time.time() - 60, f"host.disk.{point}.read_only": 0}
    turned = _or_skip(mounted(read_only), mounts=[str(point)], checks=["disk_read_only"], previous=previous)
    assert told(turned) == ("host.disk_read_only", str(point), "critical")


def _or_skip(within: list[str], **options: Any) -> dict[str, Any]:
    if subprocess.run([*within, "true"], capture_output=True, check=False).returncode == 99:
        pytest.skip("no loop device can be mounted here")
    return look(within=within, **options)


@needs_root
@needs_mounts
def test_what_may_not_be_looked_at_is_unknown(point: Path) -> None:
    script = f"mount -t tmpfs none {point}; mkdir {point}/in; mount -t tmpfs none {point}/in\n"
    script += f"chown 65534 {point}; chmod 700 {point}"
    without_rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    result = look(mounts=[f"{point}/in"], within=[*mounted(script), *without_rights], checks=["disk_answers"])
    assert told(result) == ("host.disk_answers", f"{point}/in", "unknown")
    assert "Permission denied" in only(result)["message"]


BURN = """
import os, sys
os.nice(-10 if os.geteuid() == 0 else 0)
open("/proc/self/comm", "w").write("burn\\n\\x1b[31m")
print("ready", flush=True)
while True: pass
"""


def test_a_burning_processor_names_who_burns() -> None:
    limits = {"cpu": {"warning": 1}}
    with program(BURN, arguments=["--password=geheim"]) as burner:
        now = look(checks=["cpu"], window=0)["measurements"]
        earlier = {name: value for name, value in now.items() if name.startswith("host.total.cpu.")}
        earlier["host.total.cpu.user_seconds"] -= 600 * os.cpu_count()
        earlier["host.observed_at"] = now["host.observed_at"] - 600
        result = look(checks=["cpu"], window=1, previous=earlier, thresholds=limits)
    assert told(result)[:2] == ("host.cpu", "machine")
    assert f"'burn \\x1b[31m' (PID {burner.pid})" in only(result)["message"]
    assert "geheim" not in json.dumps(result)
    assert result["measurements"]["host.cpu.used_percent"] > 1


HOLD = """
import sys, signal
held = bytearray(int(sys.argv[1]))
held[::4096] = b"x" * len(held[::4096])
print("ready", flush=True)
signal.pause()
"""

GREED = """
print("ready", flush=True)
held = []
while True: held.append(b"x" * 1000000)
"""


def _limit_memory(group: ControlGroup, size: int) -> None:
    group.set({"memory.limit_in_bytes": size}, {"memory.max": size})


@needs_root
@needs_mounts
def test_memory_is_judged_by_the_limit_of_the_container() -> None:
    with control_group("memory") as group:
        _limit_memory(group, 64 * 1024**2)
        within = mounted(group.as_root())
        quiet = look(checks=["memory"], within=within)
        assert quiet["findings"] == []
        assert quiet["measurements"]["host.memory.total_bytes"] == 64 * 1024**2
        with program(HOLD, group.enter(), [str(54 * 1024**2)]):
            result = look(checks=["memory"], within=within)
        assert told(result)[:2] == ("host.memory", "container")
        assert result["findings"][0]["severity"] in ("warning", "critical")
        assert "of 64 MB memory is in use" in only(result)["message"]


@needs_root
@needs_mounts
def test_a_process_that_was_killed_for_want_of_memory() -> None:
    with control_group("memory") as group:
        _limit_memory(group, 32 * 1024**2)
        within = mounted(group.as_root())
        machine, container = look(checks=["oom_kills"]), look(checks=["oom_kills"], within=within)
        assert container["findings"] == []
        with program(GREED, group.enter()) as greedy:
            assert greedy.wait(60) == -9
        after_on_machine = look(checks=["oom_kills"], previous=machine["measurements"])
        after = look(checks=["oom_kills"], within=within, previous=container["measurements"])
        at_first_sight = look(checks=["oom_kills"], within=within)
    assert told(after) == ("host.oom_kills", "machine", "warning")
    assert only(after)["value"] == 1
    assert told(after_on_machine) == ("host.oom_kills", "machine", "warning")
    assert told(at_first_sight) == ("host.oom_kills", "machine", "info")


@needs_root
@needs_mounts
def test_a_container_that_is_throttled() -> None:
    with control_group("cpu") as group:
        group.set({"cpu.cfs_quota_us": 10000}, {"cpu.max": "10000 100000"})
        within = mounted(group.as_root())
        assert look(checks=["cpu_throttled"], within=within)["findings"] == []
        with program(BURN, group.enter()):
            throttled = group.path / "cpu.stat"
            until(lambda: int(dict(line.split() for line in throttled.open())["nr_throttled"]) > 5)
            result = look(checks=["cpu_throttled"], within=within, window=1)
    assert told(result)[:2] == ("host.cpu_throttled", "container")
    assert only(result)["severity"] in ("warning", "critical")
    assert "The limit of 0.1 cores" in only(result)["message"]


@needs_root
@needs_mounts
def test_a_container_that_runs_out_of_processes() -> None:
    many = "import os, time\nfor n in range(47):\n    if not os.fork():\n        time.sleep(600)\n"
    many += "print('ready', flush=True)\ntime.sleep(600)"
    with control_group("pids") as group:
        group.set({"pids.max": 50}, {"pids.max": 50})
        within = mounted(group.as_root())
        assert look(checks=["tasks"], within=within)["findings"] == []
        with program(many, group.enter()) as parent:
            result = look(checks=["tasks"], within=within)
            os.killpg(parent.pid, 9)
    assert told(result) == ("host.tasks", "container", "critical")
    assert only(result)["value"] == 96


@needs_root
@needs_mounts
def test_where_nothing_can_be_started_that_is_what_is_said() -> None:
    with control_group("pids") as group:
        group.set({"pids.max": 1}, {"pids.max": 1})
        within = [*mounted(group.as_root()), "sh", "-euc", f'echo $$ > {group.mount}/cgroup.procs; exec "$@"', "sh"]
        result = look(checks=["tasks", "disk_answers"], within=within)
    assert {(f["check"], f["severity"]) for f in result["findings"]} == {
        ("host.tasks", "critical"),
        ("host.disk_answers", "unknown"),
    }


def test_a_restart_since_the_last_look() -> None:
    before = look(checks=["restart", "oom_kills"])["measurements"]
    assert look(checks=["restart"], previous=before)["findings"] == []
    up_longer = {**before, "host.uptime_seconds": before["host.uptime_seconds"] + 1e6}
    assert told(look(checks=["restart"], previous=up_longer)) == ("host.restart", "machine", "warning")
    long_ago = {**before, "host.observed_at": before["host.observed_at"] - before["host.uptime_seconds"] - 100}
    assert told(look(checks=["restart"], previous=long_ago)) == ("host.restart", "machine", "warning")


@needs_mounts
def test_a_restart_that_is_required() -> None:
    run = "mount -t tmpfs none /run; echo 'linux-image-6.1' > /run/reboot-required.pkgs; : > /run/reboot-required"
    result = look(checks=["reboot_required"], within=mounted(run))
    assert told(result) == ("host.reboot_required", "machine", "info")
    assert only(result)["message"].endswith("already because of: linux-image-6.1.")
    old = look(checks=["reboot_required"], within=mounted(run + "; touch -d '20 days ago' /run/reboot-required"))
    assert told(old) == ("host.reboot_required", "machine", "warning")


APT = pytest.mark.skipif(not os.path.isdir("/var/lib/apt"), reason="this machine has no apt")


@APT
@needs_mounts
def test_lists_of_packages_that_are_old_or_not_there() -> None:
    empty = "mount -t tmpfs none /var/lib/apt; mkdir /var/lib/apt/lists"
    old = f"{empty}; touch /var/lib/apt/lists/x_InRelease; touch -d '9 days ago' /var/lib/apt/lists"
    result = look(checks=["package_lists_age"], within=mounted(old))
    assert told(result) == ("host.package_lists_age", "machine", "warning")
    assert "fetched 9 d ago" in only(result)["message"]
    assert only(look(checks=["package_lists_age"], within=mounted(empty)))["severity"] == "info"


@APT
def test_updates_are_counted_or_given_up() -> None:
    result = look(checks=["security_updates", "updates"], include_ok=True, updates_timeout=300)
    assert {finding["check"] for finding in result["findings"]} == {"host.security_updates", "host.updates"}
    assert {finding["severity"] for finding in result["findings"]} <= {"ok", "info", "warning"}
    assert result["measurements"]["host.updates.security"] >= 0
    late = look(checks=["security_updates"], updates_timeout=0.1)
    assert only(late)["severity"] == "unknown"
    assert only(late)["message"] == "apt-get did not end within 0.1 seconds."


# Two repositories, each with a newer version of the package of its name, on a machine where these two are installed.
REPOSITORIES = """
for folder in /etc/apt /var/lib/apt /var/cache/apt /var/lib/dpkg; do mount -t tmpfs none $folder; done
mkdir -p /var/lib/apt/lists/partial /var/cache/apt/archives/partial /etc/apt/apt.conf.d
echo 'APT::Sandbox::User "root";' > /etc/apt/apt.conf.d/sandbox
for name in security other; do
    about="Package: lab-$name\nArchitecture: all\nMaintainer: nobody\nDescription: none\n"
    printf "${{about}}Version: 1\nStatus: install ok installed\n\n" >> /var/lib/dpkg/status
    mkdir -p {0}/$name
    cd {0}/$name
    file="Filename: ./none.deb\nSize: 1\nSHA256: $(echo none | sha256sum | cut -c-64)\n"
    printf "${{about}}Version: 2\n$file\n" > Packages
    sums="$(sha256sum Packages | cut -c-64) $(stat -c %s Packages) Packages"
    printf "Origin: Lab\nLabel: Lab-$name\nSuite: stable-$name\nSHA256:\n $sums\n" > Release
    echo "deb [trusted=yes] file:{0}/$name ./" >> /etc/apt/sources.list
done
apt-get -qq update >&2
"""


@APT
@needs_root
@needs_mounts
def test_updates_that_nobody_installs(tmp_path: Path) -> None:
    within = mounted(REPOSITORIES.format(tmp_path))
    result = look(checks=["security_updates", "updates"], within=within, updates_timeout=300)
    assert {(f["check"], f["severity"], f["value"]) for f in result["findings"]} == {
        ("host.security_updates", "warning", 1),
        ("host.updates", "info", 1),
    }
    assert "lab-security" in found(result, "host.security_updates")[0]["message"]
    assert "lab-other" in found(result, "host.updates")[0]["message"]


FRAMES = """
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
    wire.bind((sys.argv[1], 0))
    for number in range(int(sys.argv[2])):
        wire.send(b"\\xff" * 6 + b"\\x02" + bytes(5) + b"\\x88\\xb5" + bytes(46))
"""


@needs_root
def test_frames_that_nobody_takes() -> None:
    """What one end of the cable sends is of a protocol that the other does not speak."""
    with network() as within:
        before = look(checks=["network_drops", "network_errors"], within=within)
        assert before["findings"] == []
        subprocess.run([*within, sys.executable, "-c", FRAMES, "v1", "1500"], check=True)
        result = look(checks=["network_drops", "network_errors"], within=within, previous=before["measurements"])
    assert told(result) == ("host.network_drops", "v0", "warning")
    assert only(result)["value"] > 40


@needs_root
def test_a_tunnel_whose_other_end_cannot_be_reached() -> None:
    with network() as within:
        add = "ip link add tunnel type vxlan id 1 remote 192.0.2.1 dstport 4789 && ip link set tunnel up"
        if subprocess.run([*within, "sh", "-c", add], capture_output=True, check=False).returncode:
            pytest.skip("no tunnel can be made here (vxlan)")
        before = look(checks=["network_drops", "network_errors"], within=within)
        assert before["findings"] == []
        subprocess.run([*within, sys.executable, "-c", FRAMES, "tunnel", "100"], check=True)
        result = look(checks=["network_drops", "network_errors"], within=within, previous=before["measurements"])
    assert told(result) == ("host.network_errors", "tunnel", "critical")


def test_a_unit_that_failed() -> None:
    checks = ["failed_units"]
    healthy = look(checks=checks, within=systemd("/bin/true"))
    assert healthy["findings"] == []
    assert healthy["measurements"]["host.units.failed"] == 0
    assert told(look(checks=checks, within=systemd("/bin/false"))) == ("host.failed_units", "job.service", "warning")
    assert look(checks=checks, exclude_units=["job.*"], within=systemd("/bin/false"))["findings"] == []


@needs_mounts
def test_a_systemd_that_does_not_answer_is_unknown() -> None:
    if not shutil.which("systemctl"):
        pytest.skip("this machine has no systemctl")
    result = look(checks=["failed_units"], within=mounted("mount -t tmpfs none /run; mkdir -p /run/systemd/system"))
    assert told(result)[0::2] == ("host.failed_units", "unknown")
    assert "systemctl cannot list units: " in only(result)["message"]


WRONG = [
    ({"window": -1}, "window is -1. Give seconds from 0 to 60."),
    ({"window": 1e6}, "window is 1e+06."),
    ({"timeout": 0}, "timeout is 0. Give seconds from 0.1 to 300."),
    ({"updates_timeout": 0}, "updates_timeout is 0."),
    ({"max_findings_per_check": 0}, "max_findings_per_check is 0."),
    ({"previous": {"pg.observed_at": 1}}, "previous: there is no number called 'host.observed_at' in it."),
    ({"checks": ["dsk_space"]}, "Did you mean: host.disk_space"),
    ({"thresholds": {"host.disk_space": {"free": 1}}}, "It has: warning, critical, clear, size_bytes, free_bytes."),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_input_is_said_before_anything_is_asked(options: dict, message: str) -> None:
    result = run_module("host_health", **options)
    assert result["failed"]
    assert message in result["msg"]
