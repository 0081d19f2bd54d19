# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the system's own programs and files tell: clock, failed units, restarts asked for, updates that wait."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
from typing import Any, List, Optional, Sequence, Union

from .._judge.checks import Unavailable
from .._judge.finding import INFO, OK
from .._judge.host_facts import Clock, Reboot, Updates
from .._judge.shell_patterns import matches_any
from .host_proc import Files
from .program import Said, ask

DAY = 86400.0
_QUICK_SECONDS = 5.0
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"

_STA_UNSYNC, _STA_NANO = 0x0040, 0x2000
_ARCHITECTURE = re.compile(r"\.(noarch|x86_64|aarch64|i[3-6]86|ppc64le|s390x|riscv64)$")


def program(name: str) -> Optional[str]:
    return shutil.which(name, path=_PATH)


def say(command: List[str], seconds: float) -> Union[Said, Unavailable]:
    """What it said, or why it said nothing."""
    said = ask(command, seconds)
    if said.missing:
        return Unavailable("{0} cannot be run: {1}.".format(command[0], said.errors))
    if said.code is None:
        return Unavailable(
            "{0} did not end within {1:g} seconds.".format(os.path.basename(command[0]), seconds),
            "Run it by hand to see what it waits for: {0}".format(" ".join(command)),
        )
    return said


class _Timex(ctypes.Structure):
    """The beginning of the kernel's ``struct timex``; ``rest`` is room for what follows."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("max_error", ctypes.c_long),
        ("estimated_error", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    ]


def clock() -> Union[Clock, Unavailable]:
    """From chrony where it runs, which tells how far off the clock is; else from the kernel.

    ``timedatectl`` is not asked: it repeats the kernel's flag, and takes D-Bus to do so.
    """
    chronyc = program("chronyc")
    if chronyc:
        told = say([chronyc, "-n", "-c", "tracking"], _QUICK_SECONDS)
        known = chrony_clock(told.output) if isinstance(told, Said) and told.code == 0 else None
        if known:
            return known
    state = _Timex()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    except (OSError, AttributeError):
        answer = -1
    if answer < 0:
        return Unavailable("The kernel does not tell the state of the clock.", "Is adjtimex forbidden here (seccomp)?")
    synchronised = not state.status & _STA_UNSYNC
    unit = 1e9 if state.status & _STA_NANO else 1e6
    return Clock(synchronised, state.offset / unit if synchronised else None)


def chrony_clock(text: str) -> Optional[Clock]:
    fields = text.strip().split(",")
    try:
        return Clock(fields[-1] != "Not synchronised", float(fields[4]), "chrony daemon")
    except (IndexError, ValueError):
        return None


def units(files: Files, leave_out: Sequence[str]) -> Union[List[str], Unavailable]:
    systemctl = program("systemctl")
    if not files.exists("/run/systemd/system") or not systemctl:
        return Unavailable("This machine does not run systemd.", severity=OK)
    told = say(
        [systemctl, "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager", "--full"], _QUICK_SECONDS
    )
    if isinstance(told, Unavailable):
        return told
    if told.code:
        return Unavailable("systemctl cannot list units: {0}".format(told.last_words), "Is systemd itself well?")
    return failed_units(told.output, leave_out)


def failed_units(text: str, leave_out: Sequence[str] = ()) -> List[str]:
    """``leave_out``: shell patterns."""
    failed = [line.split()[0] for line in text.splitlines() if line.split()]
    return [unit for unit in failed if not matches_any(unit, leave_out)]


def reboot(files: Files, now: float, booted_at: float, running: str) -> Reboot:
    """Asked for by a package (Debian), by needs-restarting (Red Hat), or by a kernel installed after the start."""
    reasons: List[str] = []
    marked_at = files.changed_at("/run/reboot-required")
    if marked_at is not None:
        reasons = sorted(set((files.text("/run/reboot-required.pkgs") or "").split()))
        return Reboot(True, reasons, max(now - marked_at, 0.0) / DAY)
    newer = newer_kernels(files, booted_at, running)
    if newer:
        return Reboot(True, [name for name, at in newer], max(now - max(at for name, at in newer), 0.0) / DAY)
    asked = program("needs-restarting")
    told = say([asked, "-r"], _QUICK_SECONDS) if asked else None
    return Reboot(isinstance(told, Said) and told.code == 1 and "eboot" in told.output)


def newer_kernels(files: Files, booted_at: float, running: str) -> List[Any]:
    """Names and times of kernels that came after the start; where the running one is not in /boot, nothing is told."""
    images = [name for name in files.names("/boot") if name.startswith("vmlinuz-")]
    if "vmlinuz-" + running not in images:
        return []
    aged = [(name, files.changed_at("/boot/" + name) or 0.0) for name in images if name != "vmlinuz-" + running]
    return [(name, at) for name, at in aged if at > booted_at]


_SIMULATE = ["-s", "-qq", "-o", "Debug::NoLocking=true", "-o", "APT::Get::Show-User-Simulation-Note=false"]
_NO_MANAGER = Unavailable("There is neither apt nor dnf nor yum on this machine.", severity=OK)


def updates(seconds: float) -> Union[Updates, Unavailable]:
    """What waits, from lists that are here already: nothing is fetched, nothing is locked."""
    apt, dnf = program("apt-get"), program("dnf") or program("yum")
    if apt:
        told = say([apt, *_SIMULATE, "upgrade", "--with-new-pkgs"], seconds)
        if isinstance(told, Unavailable):
            return told
        if told.code:
            return Unavailable(
                "apt-get cannot tell what waits: {0}".format(told.last_words), "Run apt-get check; dpkg --audit."
            )
        return apt_updates(told.output)
    if not dnf:
        return _NO_MANAGER
    every = say([dnf, "-q", "-C", "check-update"], seconds)
    security = say([dnf, "-q", "-C", "updateinfo", "list", "--security"], seconds)
    for told in (every, security):
        if isinstance(told, Unavailable):
            return told
    if every.code not in (0, 100) or security.code:
        failed = security if security.code else every
        return Unavailable(
            "{0} cannot tell what waits: {1}".format(os.path.basename(dnf), failed.last_words),
            "It has no lists yet: run dnf makecache once, as the user who runs the check.",
        )
    return dnf_updates(os.path.basename(dnf), every.output, security.output)


def apt_updates(text: str) -> Updates:
    """Lines ``Inst NAME [OLD] (NEW ORIGIN:SUITE/…, … [ARCH])``; security comes from an origin of that name."""
    security, others = [], []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 2 and words[0] == "Inst":
            origin = line.partition("(")[2].lower()
            (security if "security" in origin else others).append(words[1])
    return Updates("apt", sorted(security), sorted(others))


def dnf_updates(name: str, every: str, security: str) -> Updates:
    """``NAME.ARCH VERSION REPOSITORY`` a line, and lines of advisories that have a package with its version in them."""
    waiting = set()
    for line in every.partition("Obsoleting Packages")[0].splitlines():
        words = line.split()
        if len(words) == 3 and _ARCHITECTURE.search(words[0]):
            waiting.add(_ARCHITECTURE.sub("", words[0]))
    urgent = set()
    for word in security.split():
        if _ARCHITECTURE.search(word):
            urgent.add(word.rsplit("-", 2)[0])
    return Updates(name, sorted(urgent), sorted(waiting - urgent))


def package_lists_age(files: Files, now: float) -> Union[float, Unavailable]:
    """Seconds since lists were fetched; apt touches ``partial`` each time, also when there was nothing new."""
    places = ["/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists/partial", "/var/lib/apt/lists"]
    fetched = [name for name in files.names("/var/lib/apt/lists") if name.endswith(("Release", "_Packages"))]
    if not fetched:
        places = ["/var/cache/dnf/" + name for name in files.names("/var/cache/dnf") if name.endswith(".solv")]
    times = [at for at in map(files.changed_at, places) if at is not None]
    if times:
        return max(now - max(times), 0.0)
    if program("apt-get") or program("dnf") or program("yum"):
        return Unavailable(
            "There are no lists of packages here, so nobody knows what waits.",
            "Fetch them: apt-get update, or dnf makecache.",
            INFO,
        )
    return _NO_MANAGER
