# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base backups with a manifest: its own checksum and the files it lists here, their content by pg_verifybackup."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tempfile
from typing import Any, Dict, List, Optional

from .._judge.backup import Backup, Flaw, Reading
from .._judge.text import printable
from .backup_decode import Facts, decoded
from .backup_stream import Damage, FileStream, Guard
from .postgres_programs import Program, find_programs
from .regular import open_regular

_ENDINGS = {".gz": "gzip", ".lz4": "lz4", ".zst": "zstd", ".tar": "none"}
_MANIFEST_END = re.compile(rb'"Manifest-Checksum": "([0-9a-f]{64})"\}\n?\Z')
_LARGEST_MANIFEST = 1024 * 1024 * 1024
_WAL_FILE = re.compile(r"^[0-9A-F]{24}$")
_SHOWN = 10


def read_base_backup(backup: Backup, level: str, guard: Guard, programs: Optional[str]) -> Reading:
    if level == "checksum":
        level = "full"  # the manifest is the stored checksum
    try:
        manifest = _read_manifest(backup.path)
        tars = sorted(name for name in os.listdir(backup.path) if re.search(r"\.tar(\.gz|\.lz4|\.zst)?$", name))
        flaws = [] if tars else _compare_sizes(backup.path, manifest) + _check_wal_sizes(backup.path)
        reached = "structure"
        if level == "full" and not flaws:
            flaws += _verify(backup.path, tars, programs, guard)
            reached = "structure" if any(flaw.kind == "level" for flaw in flaws) else "full"
    except Damage as damage:
        return Reading(backup, level="structure", flaws=(Flaw(damage.kind, damage.text, damage.advice),))
    return Reading(backup, level=reached, flaws=tuple(flaws))


def _read_manifest(path: str) -> Dict[str, Any]:
    file = os.path.join(path, "backup_manifest")
    if not os.path.exists(file):
        raise Damage(
            "level",
            "It has no backup_manifest, so nothing says what it should hold.",
            "Take base backups with pg_basebackup of PostgreSQL 13 or newer, without --no-manifest.",
        )
    with open_regular(file) as opened:
        raw = opened.read(_LARGEST_MANIFEST + 1)
    if len(raw) > _LARGEST_MANIFEST:
        raise Damage("level", "Its backup_manifest is larger than 1 GB and was not read.")
    end = _MANIFEST_END.search(raw)
    if not end:
        raise Damage("complete", "Its backup_manifest ends early: its own checksum is missing.")
    line_start = raw.rindex(b"\n", 0, end.start()) + 1 if b"\n" in raw[: end.start()] else 0
    if hashlib.sha256(raw[:line_start]).hexdigest() != end.group(1).decode():
        raise Damage("structure", "Its backup_manifest does not match its own checksum.")
    try:
        return json.loads(raw)
    except RecursionError as error:
        raise Damage("structure", "Its backup_manifest cannot be understood: it is nested too deep.") from error
    except ValueError as error:
        raise Damage("structure", "Its backup_manifest cannot be understood: {0}.".format(error)) from error


def _compare_sizes(path: str, manifest: Dict[str, Any]) -> List[Flaw]:
    flaws: List[Flaw] = []
    for entry in manifest.get("Files", []):
        name = entry.get("Path") or bytes.fromhex(entry.get("Encoded-Path", "")).decode("utf-8", "surrogateescape")
        try:
            size = os.lstat(os.path.join(path, name)).st_size
        except OSError:
            flaws.append(Flaw("complete", "{0} is missing.".format(name)))
            continue
        if size != entry.get("Size"):
            kind = "complete" if size < entry.get("Size", 0) else "content"
            flaws.append(Flaw(kind, "{0} has {1} bytes, its manifest says {2}.".format(name, size, entry.get("Size"))))
    return _shortened(flaws)


def _check_wal_sizes(path: str) -> List[Flaw]:
    """WAL is not in the manifest. Its files all have the size that the server was made with, from 1 MB to 1 GB."""
    try:
        names = [name for name in os.listdir(os.path.join(path, "pg_wal")) if _WAL_FILE.match(name)]
    except OSError:
        return [Flaw("complete", "pg_wal is missing.")]
    sizes = {name: os.path.getsize(os.path.join(path, "pg_wal", name)) for name in names}
    usual = max(sizes.values(), default=0)
    if usual & (usual - 1) or 0 < usual < 1024 * 1024:
        return [Flaw("complete", "pg_wal/{0} has {1} bytes, no size of WAL files.".format(max(sizes), usual))]
    return [
        Flaw("complete", "pg_wal/{0} has {1} bytes instead of {2}.".format(name, size, usual))
        for name, size in sorted(sizes.items())
        if size != usual
    ]


def _verify(path: str, tars: List[str], directory: Optional[str], guard: Guard) -> List[Flaw]:
    in_tar = bool(tars)
    major = None if in_tar else _major_of(path)
    # Base backups in tar format are read since PostgreSQL 18; older programs do not know newer manifests.
    needed = 18 if in_tar else major or 13
    tools = [tool for tool in find_programs("pg_verifybackup", directory) if tool.major >= needed]
    if not tools:
        text = "Its content was not read: no pg_verifybackup of PostgreSQL {0} or newer was found."
        advice = "Install PostgreSQL's server programs (postgresql-{0} on Debian and Ubuntu), or give programs."
        return [Flaw("level", text.format(needed), advice.format(needed))]
    same = [tool for tool in tools if tool.major == major]
    tool = (same or tools)[0]
    # WAL can only be parsed by the release that wrote it, and not inside of a tar file.
    parse_wal = bool(same)
    command = [tool.path, "--quiet", *([] if parse_wal else ["--no-parse-wal"]), "--", path]
    flaws = _run(command, tool, guard, [os.path.join(path, name) for name in tars])
    if not parse_wal and not in_tar and not flaws:
        text = "All its files match its manifest, but its WAL was not read: there is no pg_verifybackup of version {0}."
        flaws = [Flaw("level", text.format(major), "Install the programs of PostgreSQL {0}.".format(major))]
    return flaws


def _run(command: List[str], tool: Program, guard: Guard, tars: List[str]) -> List[Flaw]:
    """Meanwhile decode ``tars``: the program neither looks into that of the WAL nor at the ends of the others."""
    with tempfile.TemporaryFile() as errors:
        # A library has no module whose run_command it could call.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, env={**os.environ, "LC_ALL": "C"}
        )
        flaws: List[Flaw] = []
        try:
            for tar in tars:
                try:
                    _decode(tar, guard)
                except Damage as damage:
                    flaws.append(Flaw(damage.kind, damage.text, damage.advice))
            while True:
                try:
                    code = process.wait(timeout=0.1)
                    break
                except subprocess.TimeoutExpired:
                    guard.check()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if code == 0:
            return flaws
        errors.seek(0)
        said = errors.read(100000).decode("utf-8", "replace").splitlines()
    lines = (
        [line.split("error: ", 1)[1] for line in said if "error: " in line] or said or ["exit code {0}".format(code)]
    )
    flaws += [Flaw(_kind(line), "pg_verifybackup {0}: {1}.".format(tool.version, printable(line))) for line in lines]
    return _shortened(flaws)


def _kind(line: str) -> str:
    if "permission denied" in line.lower():
        return "level"
    return "complete" if "not present" in line or "is present in the manifest" in line else "content"


def _shortened(flaws: List[Flaw]) -> List[Flaw]:
    if len(flaws) <= _SHOWN:
        return flaws
    more = Flaw(flaws[_SHOWN].kind, "{0} more of its files are damaged or missing.".format(len(flaws) - _SHOWN))
    return [*flaws[:_SHOWN], more]


def _major_of(path: str) -> Optional[int]:
    try:
        with open_regular(os.path.join(path, "PG_VERSION")) as file:
            return int(file.read(10).decode("ascii", "replace").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _decode(path: str, guard: Guard) -> None:
    name = os.path.basename(path)
    facts = Facts()
    with FileStream(path, guard) as stream:
        for piece in decoded(_ENDINGS[os.path.splitext(name)[1]], stream.blocks(), facts, name):
            del piece
    if facts.trailing:
        raise Damage("trailing", "{0} bytes follow after the end of {1}.".format(facts.trailing, name))
