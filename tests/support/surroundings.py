# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a part of a machine ill for one process: mounts that only it sees, control groups, processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

ROOT = os.geteuid() == 0
UNSHARE = ["unshare", "--mount", "--propagation", "private"] if ROOT else ["unshare", "--map-root-user", "--mount"]


def _possible(command: Sequence[str]) -> bool:
    return bool(shutil.which(command[0])) and subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(
    not _possible([*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"]), reason="no mounts of one's own here (unshare)"
)
needs_root = pytest.mark.skipif(not ROOT, reason="only root can do this")


def mounted(script: str) -> list[str]:
    """A command that runs what follows it where ``script`` has changed the mounts; nobody else sees them."""
    return [*UNSHARE, "sh", "-euc", script + '\nexec "$@"', "sh"]


HANGING = """
import ctypes, os, subprocess, sys
device = os.open("/dev/fuse", os.O_RDWR)  # nobody ever reads it, so nobody ever answers
options = "fd=%d,rootmode=40000,user_id=0,group_id=0,subtype=gone" % device
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"server:/export", sys.argv[1].encode(), b"fuse", 0, options.encode()):
    sys.exit("cannot mount: %s" % os.strerror(ctypes.get_errno()))
sys.exit(subprocess.run(sys.argv[2:]).returncode)
"""


def hanging_mount(point: Path) -> list[str]:
    """A command that runs what follows it where ``point`` is a file system that never answers."""
    return [*UNSHARE, sys.executable, "-c", HANGING, str(point)]


needs_fuse = pytest.mark.skipif(
    not (os.path.exists("/dev/fuse") and _possible([*hanging_mount(Path("/mnt")), "true"])),
    reason="no FUSE mount can be made here",
)


# A manager of a user's units is the same program as the machine's, and needs no machine of its own. ``systemctl``
# takes it for the machine's at this socket.
MANAGER = """
mount -t tmpfs none /run
mkdir -p /run/user /run/systemd/system /run/configuration/systemd/user
export XDG_RUNTIME_DIR=/run/user XDG_CONFIG_HOME=/run/configuration HOME=/run
cd $XDG_CONFIG_HOME/systemd/user
printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=%s\\n' {0} > job.service
printf '[Unit]\\nWants=job.service\\n' > default.target
cd /
ln -s /run/user/systemd/private /run/systemd/private
{1} --user > /run/log 2>&1 &
for attempt in $(seq 300); do
    case $(systemctl show --property ActiveState job.service 2>&1) in *=active|*=failed) break;; esac
    sleep 0.1
done
"""
SYSTEMD = next((path for path in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd") if os.path.exists(path)), "")


def systemd(job: str) -> list[str]:
    """A command that runs what follows it on a machine with systemd, of which the only unit runs ``job``.

    Skips the test where systemd cannot be started.
    """
    if not (ROOT and SYSTEMD and _systemd_starts()):
        pytest.skip("systemd cannot be started here")
    return _on_systemd(job)


def _on_systemd(job: str) -> list[str]:
    script = MANAGER.format(job, SYSTEMD) + 'exec "$@"'
    return [*UNSHARE, "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-euc", script, "sh"]


@cache
def _systemd_starts() -> bool:
    return _possible([*_on_systemd("/bin/true"), "systemctl", "is-active", "job.service"])


class ControlGroup:
    """A group of this machine, of version 1 or 2; seen as a container sees its own by ``mounted(group.as_root())``."""

    def __init__(self, controller: str) -> None:
        self.controller = controller
        self.mount = self._mount()
        self.path = self.mount / f"analytics-ops-test-{os.getpid()}"

    def _mount(self) -> Path:
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            own, _dash, rest = line.partition(" - ")
            kind, _source, options = rest.split(" ")[:3]
            point = Path(own.split(" ")[4])
            if kind == "cgroup" and self.controller in options.split(","):
                return point
            if kind == "cgroup2" and self.controller in (point / "cgroup.controllers").read_text().split():
                return point
        raise LookupError(self.controller)

    @property
    def second(self) -> bool:
        return (self.mount / "cgroup.controllers").exists()

    def create(self) -> None:
        if self.second:
            (self.mount / "cgroup.subtree_control").write_text(f"+{self.controller}")
        self.path.mkdir()

    def set(self, version_1: dict[str, object], version_2: dict[str, object]) -> None:
        for name, value in (version_2 if self.second else version_1).items():
            (self.path / name).write_text(str(value))

    def enter(self) -> list[str]:
        """A command that runs what follows it in this group."""
        return ["sh", "-euc", f'echo $$ > {self.path}/cgroup.procs\nexec "$@"', "sh"]

    def as_root(self) -> str:
        return f"mount --bind {self.path} {self.mount}"

    def remove(self) -> None:
        for _attempt in range(100):
            try:
                self.path.rmdir()
                return
            except OSError:  # its processes are still ending
                time.sleep(0.05)


@contextmanager
def control_group(controller: str) -> Iterator[ControlGroup]:
    """Skips the test where groups cannot be made."""
    try:
        group = ControlGroup(controller)
        group.create()
    except (OSError, LookupError) as error:
        pytest.skip(f"no control group for {controller} can be made here: {error}")
    try:
        yield group
    finally:
        group.remove()


@contextmanager
def network() -> Iterator[list[str]]:
    """A command that runs what follows it in a network of its own, where a cable joins ``v0`` and ``v1``.

    The network lasts as long as the block. Skips the test where it cannot be made.
    """
    name = f"analytics-ops-{os.getpid()}"
    within = ["ip", "netns", "exec", name]
    # Without IPv6 nothing is sent but what the test sends.
    script = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 || true; ip link add v0 type veth peer name v1\n"
    script += "ip link set v0 up; ip link set v1 up"
    if not _possible(["ip", "netns", "add", name]):
        pytest.skip("no network of one's own here (ip netns)")
    try:
        if not _possible([*within, "sh", "-euc", script]):
            pytest.skip("no pair of network interfaces can be made here (veth)")
        yield within
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


@contextmanager
def program(code: str, within: Sequence[str] = (), arguments: Sequence[str] = ()) -> Iterator[subprocess.Popen]:
    """A Python program that has said 'ready'; ended at the end."""
    process = subprocess.Popen(
        [*within, sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()
