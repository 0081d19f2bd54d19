# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether and how a dump is to be taken: names of its files, the space that it needs, the program that fits."""

from __future__ import annotations

import re
from typing import Any, List, NamedTuple, Optional, Sequence

from .._errors import InputError, Refused
from .plan import Step
from .text import bytes_text

ENDINGS = {"custom": ".dump", "directory": ".dir"}
_STAMP = r"\d{8}T\d{6}Z"


class Source(NamedTuple):
    """What is to be dumped. ``data_bytes``: without indexes, of which a dump holds only the definition."""

    database: str
    server_version: str
    server_major: int
    data_bytes: int


class Place(NamedTuple):
    """Where it will lie. ``previous_bytes``: size of the last dump of the same name, 0 if there is none.

    ``leftovers`` are unfinished dumps of interrupted runs; they are removed before anything is written.
    """

    directory: str
    free_bytes: int
    total_bytes: int
    previous_bytes: int = 0
    leftover_bytes: int = 0
    leftovers: Sequence[str] = ()


class Names(NamedTuple):
    """The files of one dump. While it is written, each has a dot in front and ``.part`` behind."""

    dump: str
    globals: str

    @staticmethod
    def part(name: str) -> str:
        return ".{0}.part".format(name)


def safe_name(wish: str, database: str) -> str:
    """The name that the files begin with; of a database whose name would not do, with underscores instead."""
    if not wish:
        return re.sub(r"[^\w.-]", "_", database).lstrip(".-") or "database"
    if not re.fullmatch(r"\w[\w.-]{0,150}", wish):
        raise InputError(
            "name is {0!r}, which is no good beginning for file names.".format(wish),
            "Use letters, digits, '_', '-' and '.', beginning with a letter or a digit.",
        )
    return wish


def names_of(name: str, kind: str, stamp: str) -> Names:
    stem = "{0}-{1}".format(name, stamp)
    return Names(stem + ENDINGS[kind], stem + ".globals.sql")


def part_pattern(name: str) -> re.Pattern[str]:
    """Matches the unfinished dumps of this name and no others; the group is the name without the ending."""
    return re.compile(r"^\.({0}-{1})\.(dump|dir)\.part\Z".format(re.escape(name), _STAMP))


def dump_pattern(name: str) -> re.Pattern[str]:
    return re.compile(r"^{0}-{1}\.(dump|dir)\Z".format(re.escape(name), _STAMP))


def estimated_bytes(source: Source, place: Place) -> int:
    """A third more than last time; the first time, all data as if it were not compressed."""
    return int(place.previous_bytes * 1.33) if place.previous_bytes else source.data_bytes


def choose_program(programs: Sequence[Any], name: str, source: Source) -> Any:
    """The oldest that can dump this server: dumps of an older program restore with more programs."""
    able = [program for program in programs if program.major >= source.server_major]
    if able:
        return min(able, key=lambda program: program.major)
    if programs:
        raise Refused(
            "{0} {1} is older than the server ({2}) and cannot dump it.".format(
                name, programs[0].version, source.server_version
            ),
            "Install postgresql-client-{0}, or give the directory of newer programs in 'programs' (in "
            "playbooks: analytics_ops_postgresql_programs).".format(source.server_major),
        )
    raise Refused(
        "{0} was not found on the host the module runs on.".format(name),
        "Install postgresql-client-{0}, or give the directory it lies in as programs.".format(source.server_major),
    )


def plan_dump(
    source: Source, place: Place, names: Names, with_globals: bool, minimum_free_percent: float
) -> List[Step]:
    """What to do. Raises ``Refused`` when the disk would be too full afterwards."""
    needed = estimated_bytes(source, place)
    left = place.free_bytes + place.leftover_bytes - needed
    if left < place.total_bytes * minimum_free_percent / 100.0:
        raise Refused(
            "{0} has {1} free; about {2} are needed, and {3:g} % ({4}) are to stay free.".format(
                place.directory,
                bytes_text(place.free_bytes),
                bytes_text(needed),
                minimum_free_percent,
                bytes_text(place.total_bytes * minimum_free_percent / 100.0),
            ),
            "Remove old backups, choose another directory, or lower minimum_free_percent if you know better.",
        )
    steps = [Step("remove", path, "It was left by a run that was interrupted.") for path in place.leftovers]
    figures = {"estimated_size_bytes": needed, "free_bytes": place.free_bytes, "data_bytes": source.data_bytes}
    reason = "Database {0} holds {1} of data.".format(source.database, bytes_text(source.data_bytes))
    steps.append(Step("dump", _path(place, names.dump), reason, figures))
    if with_globals:
        reason = "Roles and tablespaces are in no dump of a database."
        steps.append(Step("dump_globals", _path(place, names.globals), reason))
    return steps


def _path(place: Place, name: str) -> str:
    return "{0}/{1}".format(place.directory.rstrip("/"), name)


def failure_advice(said: str, return_code: Optional[int]) -> str:
    """What to do about what ``pg_dump`` said when it failed."""
    lower = said.lower()
    for text, advice in (
        ("no space left", "The disk is full: remove old backups or choose another directory."),
        ("file too large", "There is a limit on the size of files (ulimit -f, or the file system): raise it."),
        # What pg_dump's --lock-wait-timeout ends with.
        (
            "statement timeout",
            "Someone holds a lock on a table, or waits for one: find out who, or raise lock_timeout.",
        ),
        ("permission denied for table pg_authid", "This role may not read passwords: set role_passwords to false."),
        ("permission denied", "Give the role the right to read everything: GRANT pg_read_all_data."),
        ("row-level security", "Dump as the owner or as a role with BYPASSRLS."),
        ("password", "Check login_user and login_password."),
        ("worker process died", "Look for a limit on file size or memory (ulimit, cgroup), and at the free space."),
        ("server closed the connection", "The server went away: look at its log, and run the task again."),
    ):
        if text in lower:
            return advice
    if return_code is not None and return_code < 0:
        return "A signal ended it: look for a limit on file size or memory (ulimit, cgroup), or who sent it."
    return "Look at the server's log."
