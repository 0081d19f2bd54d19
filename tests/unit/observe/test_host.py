# SPDX-License-Identifier: GPL-3.0-or-later
"""Text as kernels and programs write it, of machines that are not this one: recorded, and read from a tree of files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._errors import InputError
from ansible_collections.analytics.ops.plugins.module_utils._judge.checks import Unavailable
from ansible_collections.analytics.ops.plugins.module_utils._judge.host_facts import (
    Clock,
    Container,
    FileSystem,
    Pressure,
    Table,
)
from ansible_collections.analytics.ops.plugins.module_utils._observe import (
    host,
    host_cgroup,
    host_mounts,
    host_proc,
    host_system,
    program,
)

from tests.support.waiting import until

FILESYSTEMS = (
    "nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\toverlay\nnodev\tnfs4\nnodev\tzfs\nnodev\tcgroup2\nnodev\tfuse\n"
)
FILESYSTEMS += "\text4\n\txfs\n\tbtrfs\n\tsquashfs\n"


@pytest.fixture
def tree(tmp_path: Path):
    """Writes files of ``/proc`` and ``/sys`` and reads them as the machine's."""

    def write(**texts: str) -> host_proc.Files:
        for name, text in texts.items():
            path = tmp_path / name.replace("__", "/").replace("~", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return host_proc.Files(str(tmp_path))

    return write


def put(tree, texts: dict[str, str]) -> host_proc.Files:
    return tree(**{name.strip("/").replace("/", "__"): text for name, text in texts.items()})


def points(files, text: str, wanted=(), excluded=()) -> list[str]:
    return [mount.point for mount in host_mounts.chosen(files, list(host_mounts.parsed(text)), wanted, excluded)]


MACHINE = """\
21 27 0:20 / /proc rw - proc proc rw
27 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
30 27 0:24 / /run rw - tmpfs tmpfs rw
31 27 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
32 27 8:3 / /var rw - xfs /dev/sda3 rw
33 27 8:3 /lib/docker /srv/bind rw - xfs /dev/sda3 rw
34 27 0:40 /@home /home rw - btrfs /dev/sdb1 rw,subvol=/@home
35 27 0:40 /@srv /srv rw - btrfs /dev/sdb1 rw,subvol=/@srv
36 27 0:50 / /mnt/exports rw - nfs4 server:/exports rw
37 27 0:51 / /tank rw - zfs tank rw
38 27 0:52 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
39 27 0:53 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw
40 27 0:54 / /mnt/with\\040space\\011and\\134 rw - fuse.sshfs user@host:/x rw
a broken line
"""


def test_every_real_file_system_of_a_machine_once(tree) -> None:
    files = tree(proc__filesystems=FILESYSTEMS)
    everything = ["/", "/mnt/exports", "/mnt/with space\tand\\", "/srv", "/tank", "/var"]
    assert points(files, MACHINE) == everything
    assert points(files, MACHINE, excluded=["/mnt/*"]) == ["/", "/srv", "/tank", "/var"]
    assert points(files, MACHINE, wanted=["/run", "/nowhere"]) == ["/run"]


def test_of_several_mounts_at_one_point_the_last_is_seen(tree) -> None:
    text = "1 2 8:1 / /data rw - ext4 /dev/sda1 rw\n3 2 8:9 / /data rw - ext4 /dev/sdc1 rw\n"
    files = tree(proc__filesystems=FILESYSTEMS)
    assert [mount.source for mount in host_mounts.chosen(files, list(host_mounts.parsed(text)), (), ())] == [
        "/dev/sdc1"
    ]


CONTAINER = """\
1 0 0:60 / / rw - overlay overlay rw,lowerdir=x
2 1 8:2 /containers/1/hosts /etc/hosts rw - ext4 /dev/sda2 rw
3 1 8:3 /volumes/1 /data rw - xfs /dev/sda3 rw
"""


def test_the_root_of_a_container_stands_for_the_device_below(tree) -> None:
    files = tree(proc__filesystems=FILESYSTEMS)
    assert points(files, CONTAINER) == ["/", "/data", "/etc/hosts"]
    root = FileSystem("/", kind="overlay", size=100, inodes=10)
    copies = [root, FileSystem("/etc/resolv", kind="ext4", size=100, inodes=10), FileSystem("/data", size=9, inodes=1)]
    assert [disk.mount for disk in host_mounts._without_copies(copies)] == ["/", "/data"]


TURNED_TEST_CASES = [
    ("rw", "rw,errors=remount-ro", False, False),
    ("ro", "ro", True, False),  # on purpose
    ("ro", "rw", True, False),  # a read-only bind mount
    ("rw", "ro,errors=remount-ro", True, True),
    ("rw", "rw,errors=remount-ro,emergency_ro", True, True),
    ("rw", "rw,shutdown", True, True),
]


@pytest.mark.parametrize(("own", "of_file_system", "read_only", "turned"), TURNED_TEST_CASES)
def test_who_made_it_read_only(tree, own, of_file_system, read_only, turned) -> None:
    (mount,) = host_mounts.parsed(f"1 2 8:1 / /data {own} - ext4 /dev/sda1 {of_file_system}\n")
    seen = host_mounts._file_system(tree(), mount, [1, 10, 5, 4, 3, 2], 5.0)
    assert (seen.read_only, seen.turned) == (read_only, turned)
    assert (seen.size, seen.used, seen.free, seen.inodes, seen.inodes_free) == (10, 5, 4, 3, 2)


def test_what_cannot_be_looked_at_is_told_apart(tree) -> None:
    (mount,) = host_mounts.parsed("1 2 8:1 / /data rw - ext4 /dev/sda1 rw\n")
    states = [host_mounts._file_system(tree(), mount, answer, 5.0).state for answer in (None, [13], [116])]
    assert states == ["silent", "denied", "fails"]


def test_real_file_systems_are_asked_in_a_child(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    asked = host_mounts._asked([str(tmp_path), str(tmp_path / "file"), str(tmp_path / "gone")], 30.0)
    assert len(asked[str(tmp_path)]) == 6
    assert asked[str(tmp_path / "file")][1:] == [0, 0, 0, 0, 0]
    assert asked[str(tmp_path / "gone")] == [2]
    assert host_mounts._asked([], 1.0) == {}


STAT = "cpu  100 1 50 800 20 2 3 24 0 0\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5 6\n"
DISKSTATS = "   8       0 sda 10 1 200 300 20 2 400 500 0 600 700\n   8       1 sda1 1 1 1 1 1 1 1 1 1 1 1\n"
NET = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier
  eth0:1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       0          0
    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
"""


def test_counters(tree, monkeypatch) -> None:
    monkeypatch.setattr(host_proc, "ticks_per_second", lambda: 100)
    files = tree(proc__stat=STAT, proc__diskstats=DISKSTATS, proc__net__dev=NET, proc__vmstat="oom_kill 3\npgfault 9\n")
    assert host_proc.counters(files, ["sda"], ["eth0"]) == {
        **{
            f"host.total.cpu.{kind}_seconds": value
            for kind, value in zip(host_proc._CPU_KINDS, [1.0, 0.01, 0.5, 8.0, 0.2, 0.02, 0.03, 0.24], strict=True)
        },
        "host.total.device.sda.operations": 30,
        "host.total.device.sda.read_bytes": 200 * 512,
        "host.total.device.sda.written_bytes": 400 * 512,
        "host.total.device.sda.waited_seconds": 0.8,
        "host.total.device.sda.busy_seconds": 0.6,
        "host.total.network.eth0.received_bytes": 1000,
        "host.total.network.eth0.sent_bytes": 2000,
        "host.total.network.eth0.packets": 30,
        "host.total.network.eth0.errors": 4,
        "host.total.network.eth0.drops": 6,
        "host.total.oom_kills": 3,
    }
    assert host_proc.cores(files) == 2


def test_an_old_or_guarded_kernel_is_met_without_fear(tree) -> None:
    nothing = tree(proc__filesystems="")
    assert host_proc.counters(nothing, ["sda"], ["eth0"]) == {}
    assert host_proc.pressure(nothing) == {}
    assert host_proc.load(nothing, {}) is None
    assert host_proc.memory(tree(proc__meminfo="MemTotal: 100 kB\nMemFree: 5 kB\n")) is None
    assert host_proc.conntrack(nothing) is None
    assert host_proc.open_files(nothing) is None
    assert host_proc.tasks(nothing) is None
    assert host_proc.started_at(nothing, 100.0) == (0.0, 100.0)
    assert host_proc.cores(nothing) == 1
    assert host_proc.devices(nothing) == host_proc.interfaces(nothing) == []
    assert isinstance(host._or_unknown(None, "/proc/x"), Unavailable)


def test_pressure_with_and_without_full(tree) -> None:
    files = tree(
        proc__pressure__cpu="some avg10=77.80 avg60=26.03 avg300=6.86 total=27198028\n",
        proc__pressure__io="some avg10=1.69 avg60=0.56 avg300=0.54 total=1\n"
        "full avg10=0.01 avg60=0.11 avg300=0.42 total=2\n",
        proc__pressure__memory="",
    )
    assert host_proc.pressure(files) == {
        "cpu": Pressure(26.03, 6.86, 0.0, 0.0),
        "io": Pressure(0.56, 0.54, 0.11, 0.42),
    }


def test_tables(tree) -> None:
    files = put(
        tree,
        {
            "/proc/sys/net/netfilter/nf_conntrack_count": "260000\n",
            "/proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
            "/proc/sys/fs/file-nr": "1378\t8\t9223372036854775807\n",
            "/proc/sys/kernel/pid_max": "32768\n",
            "/proc/sys/kernel/threads-max": "192729\n",
            "/proc/loadavg": "2.55 1.18 0.50 8/135 12770\n",
        },
    )
    assert host_proc.conntrack(files) == Table(260000, 262144)
    assert host_proc.open_files(files) == Table(1370, 9223372036854775807)
    assert host_proc.tasks(files) == Table(135, 32768)


def process(pid: int, name: str, ticks: int, pages: int, started: int = 5) -> str:
    fields = ["S", *["0"] * 10, str(ticks), "0", *["0"] * 6, str(started), "0", str(pages), "0"]
    return f"{pid} ({name}) {' '.join(fields)}\n"


def test_processes_are_told_whatever_they_call_themselves(tree, monkeypatch) -> None:
    monkeypatch.setattr(host_proc, "ticks_per_second", lambda: 100)
    names = {1: "init", 10: "a) S (b\n1 (c", 11: "\x1b[31m", 12: "²", 13: "idle"}
    ticks = {1: 100, 10: 200, 11: 150, 12: 120, 13: 100}
    files = put(
        tree,
        {f"/proc/{pid}/stat": process(pid, name, ticks[pid], pid) for pid, name in names.items()}
        | {f"/proc/{pid}/status": f"Name:\t²\nRssAnon:\t{pid * 1000} kB\n" for pid in names}
        | {"/proc/self/stat": "x", "/proc/14/stat": ""},
    )
    before = dict.fromkeys(names, 100)
    assert host_proc.process_ticks(files) == ticks
    seen = host_proc.busiest(files, before, 1.0)
    assert [(one.pid, one.name, one.amount) for one in seen.by_cpu] == [
        (10, names[10], 1.0),
        (11, names[11], 0.5),
        (12, names[12], 0.2),
    ]
    assert [one.pid for one in seen.by_memory] == [13, 12, 11]
    assert host_proc.busiest(files, before, 0.0).by_cpu == ()


def test_a_container_starts_with_its_first_process(tree, monkeypatch) -> None:
    monkeypatch.setattr(host_proc, "ticks_per_second", lambda: 100)
    files = put(tree, {"/proc/uptime": "1000.5 900.0\n", "/proc/1/stat": process(1, "sh", 0, 0, started=90000)})
    assert host_proc.started_at(files, 5000.0) == (100.5, 4899.5)


V2 = "1 2 0:30 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
V1 = "1 2 0:30 / /cg/memory ro - cgroup cgroup rw,memory\n3 2 0:31 / /cg/cpu ro - cgroup cgroup rw,cpu,cpuacct\n"
V1 += "4 2 0:32 / /cg/pids ro - cgroup cgroup rw,pids\n"
GB = 1024**3


def groups(files, text) -> host_cgroup.Groups:
    return host_cgroup.Groups(files, list(host_mounts.parsed(text)))


def test_a_container_of_version_2(tree) -> None:
    group = "/sys/fs/cgroup/"
    files = put(
        tree,
        {
            group + "memory.max": f"{GB}\n",
            group + "memory.current": "900000\n",
            group + "memory.stat": "anon 5\ninactive_file 100000\n",
            group + "memory.events": "low 0\noom 4\noom_kill 2\n",
            group + "memory.pressure": "some avg10=0 avg60=5.00 avg300=6.00 total=0\n",
            group + "cpu.max": "150000 100000\n",
            group + "cpu.stat": "usage_usec 2500000\nnr_periods 40\nnr_throttled 10\n",
            group + "pids.max": "max\n",
            group + "pids.current": "7\n",
            "/proc/stat": STAT,
        },
    )
    seen = groups(files, V2)
    container = seen.container(16 * GB)
    assert container == Container(GB, 800000, 1.5, None, 7)
    assert seen.counters(container) == {
        "host.total.container.cpu_seconds": 2.5,
        "host.total.container.periods": 40,
        "host.total.container.throttled_periods": 10,
        "host.total.oom_kills": 2,
    }
    assert host_proc.pressure(files, seen.pressure_files(container)) == {"memory": Pressure(5.0, 6.0)}
    assert seen.container(GB // 2).memory_limit is None  # more than there is
    put(tree, {"/proc/stat": STAT.replace("cpu1", "cpx1")})
    assert seen.container(16 * GB).cores is None


@pytest.mark.parametrize("unlimited", [{"memory.max": "max\n", "cpu.max": "max 100000\n", "pids.max": "max\n"}, {}])
def test_what_has_no_limits_in_version_2(tree, unlimited) -> None:
    files = put(tree, {"/sys/fs/cgroup/" + name: text for name, text in unlimited.items()} | {"/x": ""})
    seen = groups(files, V2)
    assert seen.container(16 * GB) == Container()
    assert seen.counters(Container()) == {}
    assert seen.pressure_files(Container()) == "/proc/pressure/{0}"


def test_a_container_of_version_1(tree) -> None:
    files = put(
        tree,
        {
            "/cg/memory/memory.limit_in_bytes": f"{GB}\n",
            "/cg/memory/memory.usage_in_bytes": "500\n",
            "/cg/memory/memory.stat": "inactive_file 400\ntotal_inactive_file 300\n",
            "/cg/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
            "/cg/cpu/cpu.cfs_quota_us": "50000\n",
            "/cg/cpu/cpu.cfs_period_us": "100000\n",
            "/cg/cpu/cpu.stat": "nr_periods 8\nnr_throttled 4\nthrottled_time 5\n",
            "/cg/cpu/cpuacct.usage": "1500000000\n",
            "/cg/pids/pids.max": "100\n",
            "/cg/pids/pids.current": "9\n",
        },
    )
    seen = groups(files, V1)
    container = seen.container(16 * GB)
    assert container == Container(GB, 200, 0.5, 100, 9)
    assert seen.counters(container) == {
        "host.total.container.cpu_seconds": 1.5,
        "host.total.container.periods": 8,
        "host.total.container.throttled_periods": 4,
        "host.total.oom_kills": 3,
    }


def test_a_machine_of_version_1(tree) -> None:
    files = put(
        tree,
        {
            "/cg/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "/cg/cpu/cpu.cfs_quota_us": "-1\n",
            "/cg/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert groups(files, V1).container(16 * GB) == Container()


APT = """\
Inst base-files [12.4+deb12u11] (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Inst openssl [3.0.15-1] (3.0.17-1 Debian-Security:12/oldstable-security [amd64])
Inst libc6 [2.35-0ubuntu3.6] (2.35-0ubuntu3.8 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64]) []
Inst linux-image-6.1.0-40 (6.1.153-1 Debian-Security:12/oldstable-security [amd64])
Conf base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])
"""


def test_what_apt_says() -> None:
    seen = host_system.apt_updates(APT)
    assert (seen.security, seen.others) == (["libc6", "linux-image-6.1.0-40", "openssl"], ["base-files"])
    assert host_system.apt_updates("") == host_system.Updates("apt", [], [])


CHECK_UPDATE = """
openssl.x86_64                    1:3.0.7-27.el9                   baseos
python3-dnf.noarch                4.14.0-9.el9                     baseos
vim-minimal.x86_64                2:8.2.2637-20.el9_1              baseos
Obsoleting Packages
old.x86_64                        1-1                              baseos
"""
ADVISORIES_4 = "RHSA-2024:1234 Important/Sec. openssl-1:3.0.7-27.el9.x86_64\n"
ADVISORIES_5 = """Name           Type     Severity                       Package              Issued
ALSA-2024:1234 security Important openssl-1:3.0.7-27.el9.x86_64 2024-05-01 00:00:00
"""


@pytest.mark.parametrize("advisories", [ADVISORIES_4, ADVISORIES_5])
def test_what_dnf_says(advisories) -> None:
    seen = host_system.dnf_updates("dnf", CHECK_UPDATE, advisories)
    assert (seen.security, seen.others) == (["openssl"], ["python3-dnf", "vim-minimal"])


CHRONY = "A29FC87B,162.159.200.123,4,1714000000.123456789,-0.000012,0.000034,0.00005,-3.2,0.001,0.05,0.01,0.002,64.3,"
CHRONY_TEST_CASES = [
    (CHRONY + "Normal\n", Clock(True, -0.000012, "chrony daemon")),
    (
        "00000000,,0,0.0,0.0,0.0,0.0,-3.2,0.0,0.0,1.0,1.0,0.0,Not synchronised\n",
        Clock(False, 0.0, "chrony daemon"),
    ),
    ("506 Cannot talk to daemon\n", None),
    ("a,b,c,d,e\n", None),
]


@pytest.mark.parametrize(("text", "expected"), CHRONY_TEST_CASES)
def test_what_chrony_says(text, expected) -> None:
    assert host_system.chrony_clock(text) == expected


def test_the_clock_of_this_machine() -> None:
    assert isinstance(host_system.clock(), (Clock, Unavailable))


def test_what_systemd_says() -> None:
    text = "nginx.service loaded failed failed A high performance web server\nbackup.timer loaded failed failed x\n\n"
    assert host_system.failed_units(text) == ["nginx.service", "backup.timer"]
    assert host_system.failed_units(text, ["ng*.service", "backup"]) == ["backup.timer"]


def test_a_machine_without_systemd(tree) -> None:
    assert host_system.units(tree(x=""), []).severity == "ok"


def test_a_kernel_that_came_after_the_start(tree, tmp_path: Path) -> None:
    files = put(tree, {"/boot/vmlinuz-6.1.0-1": "", "/boot/vmlinuz-6.1.0-2": "", "/boot/config": ""})
    os.utime(tmp_path / "boot/vmlinuz-6.1.0-1", (1000, 1000))
    os.utime(tmp_path / "boot/vmlinuz-6.1.0-2", (9000, 9000))
    seen = host_system.reboot(files, 9000 + 86400.0, 5000.0, "6.1.0-1")
    assert (seen.required, seen.reasons, seen.days) == (True, ["vmlinuz-6.1.0-2"], 1.0)
    assert not host_system.reboot(files, 10000.0, 9500.0, "6.1.0-2").required
    assert host_system.newer_kernels(files, 5000.0, "6.6.0-of-a-container") == []


def test_lists_of_dnf_and_none_at_all(tree, tmp_path: Path) -> None:
    files = put(tree, {"/var/cache/dnf/baseos.solv": "", "/var/cache/dnf/other": ""})
    os.utime(tmp_path / "var/cache/dnf/baseos.solv", (1000, 1000))
    assert host_system.package_lists_age(files, 1500.0) == 500.0


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_programs_are_given_up_and_not_left_behind(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    late = host_system.say(["sh", "-c", f"sleep 600 & echo $! > {started}; wait"], 1.0)
    assert isinstance(late, Unavailable)
    assert late.reason == "sh did not end within 1 seconds."
    pid = int(started.read_text())
    until(lambda: is_gone(pid), what="the end of its child")
    assert isinstance(host_system.say(["/nowhere/program"], 1.0), Unavailable)
    said = host_system.say(["sh", "-c", "echo one; echo 'E: two\x1b[31m' >&2; exit 3"], 60.0)
    assert (said.code, said.last_words) == (3, "E: two\\x1b[31m")
    assert program.Said(4).last_words == "exit code 4"


def test_elsewhere_than_on_linux(tree) -> None:
    with pytest.raises(InputError, match="There is no /proc here"):
        host.observe(frozenset(), host.Wishes(), {}, tree(x=""))
