# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads one backup as closely as was asked for, each of its files once, and reports what that showed."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional

from .._judge.backup import Backup, Flaw, Reading
from .backup_archive import Totals, read_contents, read_custom_data
from .backup_base import read_base_backup
from .backup_checksum import Checksums
from .backup_decode import Facts, decoded
from .backup_directory import read_directory
from .backup_stream import Bytes, Damage, FileStream, Guard
from .backup_tar import read_tar_dump
from .backup_text import check_head, check_tail, read_plain

_HEAD = 8192
_TAIL = 64 * 1024


class Request(NamedTuple):
    level: str
    checksum_required: bool = False
    programs: Optional[str] = None
    jobs: int = 1


def read_backup(backup: Backup, request: Request, guard: Guard, checksums: Checksums) -> Reading:
    asked = {"asked": request.level, "required": request.checksum_required and backup.format != "base_backup"}
    if request.level == "present" or backup.unreadable or backup.size_bytes == 0:
        return Reading(backup, **asked)
    try:
        if backup.format == "base_backup":
            reading = read_base_backup(backup, request.level, guard, request.programs)
        elif backup.format == "directory":
            reading = read_directory(backup, request.level, guard, checksums, request.jobs)
        else:
            reading = _read_file(backup, request.level, guard, checksums)
    except OSError as error:
        # It was there a moment ago: someone cleans up, or the storage went away.
        text = "It cannot be read: {0}.".format(error.strerror or error)
        reading = Reading(backup, flaws=(Flaw("level", text, "Check the storage, and verify it again."),))
    return reading._replace(**asked)


def _read_file(backup: Backup, level: str, guard: Guard, checksums: Checksums) -> Reading:
    stored = checksums.of_file(backup.path)
    algorithms = {one.algorithm for one in stored if one.expected} | ({"sha256"} if level == "full" else set())
    totals, reached = Totals(), level
    flaws: List[Flaw] = []
    digests: Dict[str, str] = {}
    with FileStream(backup.path, guard, sorted(algorithms), decoded=level != "checksum") as stream:
        try:
            if level != "checksum":
                _look_into(backup, stream, level == "full", totals)
            digests = stream.digests()
        except Damage as damage:
            flaws.append(Flaw(damage.kind, damage.text, damage.advice))
            reached = "checksum" if damage.kind == "level" else level
            digests = _digests_after_damage(stream)
        if stream.changed:
            flaws.append(Flaw("changed", "It changed while it was read, so what was found may not hold."))
    compared = tuple(one._replace(actual=digests.get(one.algorithm, "")) for one in stored)
    if not any(one.actual and one.expected for one in compared):
        if backup.format == "file" and backup.compression == "none" and level != "checksum":
            text = "It is no dump that could be decoded, and no checksum is stored beside it: nothing is proven."
            flaws.append(Flaw("level", text, "Store a checksum beside it when it is made."))
            reached = "checksum"
        reached = "present" if reached == "checksum" else reached
    elif backup.format == "file" and backup.compression == "none":
        reached = "checksum"
    return Reading(
        backup,
        level=reached,
        sha256=digests.get("sha256", ""),
        stored=compared,
        flaws=tuple(flaws),
        unprotected_bytes=totals.unprotected,
        unprotected_header_bytes=totals.header,
    )


def _digests_after_damage(stream: FileStream) -> Dict[str, str]:
    """The checksum of a damaged file is still worth knowing, where it can be read to its end."""
    try:
        return stream.digests()
    except Damage:
        return {}


def _look_into(backup: Backup, stream: FileStream, whole: bool, totals: Totals) -> None:
    """Decode the file, or unless ``whole`` only its beginning (and the end, where that is as easily had)."""
    if backup.format == "file" and backup.compression == "none":
        return
    facts = Facts()
    source = Bytes(decoded(backup.compression, stream.blocks(), facts, "It"), "It")
    inner = Totals()
    if backup.format == "custom":
        contents = read_contents(source)
        inner.header = contents.size
        if whole:
            read_custom_data(source, contents, inner)
    elif backup.format == "tar":
        inner.header = read_tar_dump(source, whole, inner)
    elif backup.format == "plain":
        _look_into_plain(backup, stream, source, whole)
        inner.unprotected = source.position
    else:
        pieces = source.rest() if whole else iter([source.peek(1)])
        inner.unprotected = sum(len(piece) for piece in pieces)
    if whole:
        # An archive may end before the stream it is wrapped in does.
        for piece in source.rest():
            del piece
    if facts.trailing:
        raise Damage("trailing", "{0} bytes follow after the end of the compressed stream.".format(facts.trailing))
    if not facts.protected:
        totals.unprotected, totals.header = inner.unprotected, inner.header


def _look_into_plain(backup: Backup, stream: FileStream, source: Bytes, whole: bool) -> None:
    head = source.peek(_HEAD)
    if whole:
        read_plain(head, source.rest(), "It")
        return
    begin = check_head(head, "It")
    if backup.compression == "none":
        check_tail(stream.tail(_TAIL), begin, "It")
