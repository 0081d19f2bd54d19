# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what a unit file names is there and may be used by the unit's user. Looks only, and as whoever it is."""

from __future__ import annotations

import glob
import grp
import os
import pwd
import re
import stat
from typing import Iterator, List, Mapping, Optional, Set, Tuple

from .._judge.diagnosis import (
    ABSENT,
    DIRECTORY,
    ENVIRONMENT,
    INTERPRETER,
    NO_DIRECTORY,
    NOEXEC,
    NOT_EXECUTABLE,
    PROGRAM,
    REFUSED,
    Place,
)

PROPERTIES = (
    "Id,Names,LoadState,ActiveState,SubState,ExecStartPre,ExecStart,EnvironmentFiles,WorkingDirectory,User,"
    "SupplementaryGroups,Group,DynamicUser,RootDirectory,RootImage,Requires,Requisite,BindsTo"
)
_PATH = re.compile(r"\{ path=(.+?) ; argv")
_FILE = re.compile(r"(.+) \(ignore_errors=(yes|no)\)")
_CHDIR, _EXEC = 200, 203


def wrong_places(properties: Mapping[str, str], exit_code: Optional[int]) -> List[Place]:
    """What the unit names and cannot have. Where it sees another root, nobody outside knows.

    Rights are looked at only where systemd says that they, or the place, are the matter: lists of access control and
    security modules know more than this.
    """
    if properties.get("RootDirectory") or properties.get("RootImage"):
        return []
    found = list(_environment(properties.get("EnvironmentFiles", "")))
    user = _User(properties)
    if exit_code == _CHDIR:
        found += _directory(properties.get("WorkingDirectory", ""), user)
    if exit_code == _EXEC:
        for path in _PATH.findall("{ExecStartPre}\n{ExecStart}".format_map(_Empty(properties))):
            found += _program(path, user)
    return list(dict.fromkeys(found))


class _Empty(dict):
    def __missing__(self, key: str) -> str:
        return ""


class _User:
    """Who the unit runs as. One whom nobody knows, or who is made at its start, is nobody's owner."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self.name = properties.get("User") or "root"
        self.number, self.groups = 0, set()  # type: int, Set[int]
        if properties.get("DynamicUser") == "yes":
            self.number = -1
        elif self.name != "root":
            self.number, self.groups = _known(self.name)
        for name in [properties.get("Group", ""), *properties.get("SupplementaryGroups", "").split()]:
            self.groups |= _group(name)

    def may_execute(self, seen: os.stat_result) -> bool:
        if self.number == 0:
            return stat.S_ISDIR(seen.st_mode) or bool(seen.st_mode & 0o111)
        if seen.st_uid == self.number:
            return bool(seen.st_mode & stat.S_IXUSR)
        if seen.st_gid in self.groups:
            return bool(seen.st_mode & stat.S_IXGRP)
        return bool(seen.st_mode & stat.S_IXOTH)


def _known(name: str) -> Tuple[int, Set[int]]:
    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
        return entry.pw_uid, set(os.getgrouplist(entry.pw_name, entry.pw_gid))
    except (KeyError, OverflowError):
        return -1, set()


def _group(name: str) -> Set[int]:
    try:
        return {int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid} if name else set()
    except KeyError:
        return set()


def _environment(text: str) -> Iterator[Place]:
    for pattern, ignored in _FILE.findall(text):
        if ignored == "no" and _is_absent(pattern):
            yield Place(ENVIRONMENT, pattern, ABSENT)


def _is_absent(pattern: str) -> bool:
    """Whether that is certain: what lies where one may not look, may be there."""
    if glob.has_magic(pattern):
        return os.access(os.path.dirname(pattern), os.R_OK | os.X_OK) and not glob.glob(pattern)
    try:
        os.stat(pattern)
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False


def _directory(text: str, user: _User) -> Iterator[Place]:
    path = text.lstrip("!-")
    if not path.startswith("/"):
        return
    problem, seen = _reached(path, user)
    if seen is not None and not stat.S_ISDIR(seen.st_mode):
        problem = NO_DIRECTORY
    elif seen is not None and not user.may_execute(seen):
        problem = REFUSED
    if problem:
        yield Place(DIRECTORY, path, problem, user.name)


def _program(path: str, user: _User, what: str = PROGRAM) -> Iterator[Place]:
    problem, seen = _reached(path, user)
    if seen is not None and (stat.S_ISDIR(seen.st_mode) or not user.may_execute(seen)):
        problem = NOT_EXECUTABLE
    elif seen is not None and os.statvfs(path).f_flag & os.ST_NOEXEC:
        problem = NOEXEC
    if problem:
        yield Place(what, path, problem, user.name)
    elif what == PROGRAM:
        interpreter = _interpreter(path)
        if interpreter:
            yield from _program(interpreter, user, INTERPRETER)


def _reached(path: str, user: _User) -> Tuple[str, Optional[os.stat_result]]:
    """What is wrong on the way to it, else what is there; neither where one may not look oneself."""
    try:
        seen = os.stat(path)
    except PermissionError:
        return "", None
    except OSError:
        return ABSENT, None
    parents = path.rstrip("/").split("/")[1:-1]
    for count in range(len(parents) + 1):
        if not user.may_execute(os.stat("/" + "/".join(parents[:count]))):
            return REFUSED, None
    return "", seen


def _interpreter(path: str) -> str:
    try:
        with open(path, "rb") as file:
            line = file.readline(256)
    except OSError:
        return ""
    words = os.fsdecode(line[2:]).split() if line.startswith(b"#!") else []
    return words[0] if words and words[0].startswith("/") else ""
