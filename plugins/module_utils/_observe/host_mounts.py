# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is mounted, each file system once, and how full it is, whatever hangs.

A network file system whose server is gone, or a device that fails, holds whoever asks it, and such a process may not
even be killed. So a child asks, all file systems at once, and whoever waits for it gives up at the deadline.
"""

from __future__ import annotations

import errno
import json
import os
import re
import select
import signal
import stat
import threading
import time
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from .._judge.host_facts import ANSWERS, DENIED, FAILS, MISSING, SILENT, FileSystem
from .._judge.shell_patterns import matches_any
from .host_proc import Files

# File systems without a device of their own that hold data all the same. Other kinds without one do not.
_WITHOUT_DEVICE = ("nfs", "nfs4", "cifs", "smb3", "ceph", "zfs", "9p", "virtiofs", "fuseblk", "lustre", "gpfs", "afs")
_FUSE_WITHOUT_DATA = ("lxcfs", "gvfsd-fuse", "portal", "snapfuse", "rofiles-fuse", "archivemount")
# Images: full by nature.
_IMAGES = ("squashfs", "erofs", "iso9660", "cramfs", "romfs")

_AFTER_AN_ERROR = frozenset(("ro", "emergency_ro", "shutdown"))

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """A line of ``/proc/self/mountinfo``. ``root`` is what part of the file system is mounted."""

    device: str
    root: str
    point: str
    options: Tuple[str, ...]
    kind: str
    source: str
    super_options: Tuple[str, ...]


def mounts(files: Files) -> List[Mount]:
    return list(parsed(files.text("/proc/self/mountinfo") or ""))


def parsed(text: str) -> Iterator[Mount]:
    # Names may hold what str.splitlines takes for the end of a line.
    for line in text.split("\n"):
        first, dash, second = line.partition(" - ")
        own, filesystem = first.split(" "), second.split(" ")
        if dash and len(own) >= 6 and len(filesystem) >= 3:
            yield Mount(
                own[2],
                _unescaped(own[3]),
                _unescaped(own[4]),
                tuple(own[5].split(",")),
                filesystem[0],
                _unescaped(filesystem[1]),
                tuple(filesystem[2].split(",")),
            )


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), text)


def chosen(files: Files, all_mounts: Sequence[Mount], wanted: Sequence[str], excluded: Sequence[str]) -> List[Mount]:
    """What to look at: ``wanted`` by mount point, or else each real file system once, by its shortest mount point."""
    # Of several mounts at one point the last one is seen.
    visible = list({mount.point: mount for mount in all_mounts}.values())
    visible = [mount for mount in visible if not matches_any(mount.point, excluded)]
    if wanted:
        return [mount for mount in visible if mount.point in wanted]
    virtual = _virtual_kinds(files)
    real = [mount for mount in visible if _holds_data(mount, virtual)]
    real.sort(key=lambda mount: (mount.root != "/", len(mount.point), mount.point))
    once: Dict[str, Mount] = {}
    for mount in real:
        once.setdefault(mount.device, mount)
    return sorted(once.values(), key=lambda mount: mount.point)


def _virtual_kinds(files: Files) -> List[str]:
    lines = (files.text("/proc/filesystems") or "").splitlines()
    return [line.split()[1] for line in lines if line.startswith("nodev")]


def _holds_data(mount: Mount, virtual: Sequence[str]) -> bool:
    if mount.kind.startswith("fuse."):
        return mount.kind.partition(".")[2] not in _FUSE_WITHOUT_DATA
    if mount.kind == "overlay":
        return mount.point == "/"  # the root of a container; others only repeat the device they lie on
    return mount.kind in _WITHOUT_DEVICE or mount.kind not in (*virtual, *_IMAGES)


def file_systems(files: Files, looked_at: Sequence[Mount], wanted: Sequence[str], seconds: float) -> List[FileSystem]:
    """Their figures. Within ``seconds``, whatever hangs."""
    answers = _asked([mount.point for mount in looked_at], seconds)
    # What is not there is hidden below another mount.
    looked_at = [mount for mount in looked_at if answers.get(mount.point) != [errno.ENOENT]]
    found = [_file_system(files, mount, answers.get(mount.point), seconds) for mount in looked_at]
    found = [disk for disk in found if disk.size or not disk.measured]
    points = {mount.point for mount in looked_at}
    missing = [FileSystem(mount=point, state=MISSING) for point in wanted if point not in points]
    return _without_copies(found) + missing


def _without_copies(found: List[FileSystem]) -> List[FileSystem]:
    """The root of a container has the figures of the device it lies on; parts of that are mounted beside it, too."""
    root = next((disk for disk in found if disk.mount == "/" and disk.kind == "overlay"), None)
    if root is None:
        return found
    same = (root.size, root.inodes)
    return [disk for disk in found if disk is root or not disk.measured or (disk.size, disk.inodes) != same]


def _file_system(files: Files, mount: Mount, answer: Optional[List[int]], seconds: float) -> FileSystem:
    base = {"mount": mount.point, "device": mount.source, "kind": mount.kind, "seconds": seconds}
    if answer is None:
        return FileSystem(state=SILENT, **base)
    if len(answer) == 1:
        denied = answer[0] in (errno.EACCES, errno.EPERM)
        return FileSystem(state=DENIED if denied else FAILS, problem=os.strerror(answer[0]), **base)
    unit, blocks, unused, free, inodes, inodes_free = answer
    return FileSystem(
        state=ANSWERS,
        size=unit * blocks,
        used=unit * (blocks - unused),
        free=unit * free,
        inodes=inodes,
        inodes_free=inodes_free,
        read_only=_turned(mount) or "ro" in mount.options,
        turned=_turned(mount),
        errors=files.number("/sys/fs/ext4/{0}/errors_count".format(os.path.basename(mount.source))) or 0,
        **base,
    )


def _turned(mount: Mount) -> bool:
    """Who mounts read-only on purpose says so of the mount; an error is noted at the file system alone.

    Recent kernels leave ``rw`` there, too, and add ``emergency_ro``, or ``shutdown``.
    """
    return "rw" in mount.options and not _AFTER_AN_ERROR.isdisjoint(mount.super_options)


def _asked(points: Sequence[str], seconds: float) -> Dict[str, List[int]]:
    """By mount point: six figures, or the number of an error. Who hangs is not in it."""
    if not points:
        return {}
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _ask_and_end(points, reading, writing)
    os.close(writing)
    try:
        return _answers(points, reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        _forget(child)


def _forget(child: int) -> None:
    """A child that a device holds dies when the device lets go; nobody waits for that."""
    deadline = time.monotonic() + 0.2
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.005)


def _answers(points: Sequence[str], reading: int, deadline: float) -> Dict[str, List[int]]:
    found: Dict[str, List[int]] = {}
    rest = b""
    while len(found) < len(points):
        ready = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]
        part = os.read(reading, 65536) if ready else b""
        if not part:
            break
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            number, figures = json.loads(line.decode())
            found[points[number]] = figures
    return found


def _ask_and_end(points: Sequence[str], reading: int, writing: int) -> None:
    """The child. It holds none of the parent's streams, or whoever reads those would wait for it, too."""
    try:
        os.close(reading)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        threads = [
            threading.Thread(target=_ask, args=(number, point, writing), daemon=True)
            for number, point in enumerate(points)
        ]
        for thread in threads:
            try:
                thread.start()
            except RuntimeError:  # no more threads may be started here: one after the other, then
                thread.run()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    finally:
        os._exit(0)


def _ask(number: int, point: str, writing: int) -> None:
    """Writes one short line at once, which no other thread's line can be mixed into."""
    try:
        seen = os.statvfs(point)
        if stat.S_ISDIR(os.stat(point).st_mode):
            figures = [seen.f_frsize, seen.f_blocks, seen.f_bfree, seen.f_bavail, seen.f_files, seen.f_ffree]
        else:
            figures = [seen.f_frsize, 0, 0, 0, 0, 0]  # a single file that is mounted over another, as in containers
    except OSError as error:
        figures = [error.errno or errno.EIO]
    os.write(writing, (json.dumps([number, figures]) + "\n").encode())
