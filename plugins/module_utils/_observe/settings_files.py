# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads files of settings, with limits: whatever a path leads to, it takes neither long nor much memory."""

from __future__ import annotations

import contextlib
import errno
import glob
import grp
import os
import pwd
import stat
from itertools import islice
from typing import Callable, Dict, List, Sequence, Tuple, TypeVar

from .._errors import InputError
from .._judge.settings_facts import MALFORMED, MISSING, PRESENT, UNREADABLE, File, Rights, Setting, Wish, settings_of
from .._judge.settings_read import Malformed, decoded, format_of, read_entries
from .._judge.text import bytes_text, printable

MOST_BYTES = 1024 * 1024  # of one file: what people set, they write by hand
MOST_BYTES_TOGETHER = 16 * 1024 * 1024
MOST_FILES = 1000

_Found = TypeVar("_Found")


def find_files(wishes: Sequence[Wish]) -> Dict[str, Wish]:
    """The paths that the wishes speak of. A path that is named has its own wish, whatever patterns find it, too.

    Raises ``InputError`` for a pattern that finds too many.
    """
    found: Dict[str, Wish] = {}
    for wish in sorted(wishes, key=lambda one: not _is_pattern(one.path)):
        paths = _matching(wish.path) if _is_pattern(wish.path) else [wish.path]
        for path in paths or [wish.path]:
            if path in found:
                both = tuple(dict.fromkeys(found[path].required + wish.required))
                wish = wish._replace(required=both)
            found[path] = wish
    return {path: found[path] for path in sorted(found)}


def _is_pattern(path: str) -> bool:
    return glob.has_magic(path)


def _matching(pattern: str) -> List[str]:
    paths = list(islice((path for path in glob.iglob(pattern) if not os.path.isdir(path)), MOST_FILES + 1))
    if len(paths) > MOST_FILES:
        raise InputError(
            "files: '{0}' finds more than {1} files.".format(printable(pattern, 200), MOST_FILES),
            "Give a pattern that finds the files of settings alone.",
        )
    return paths


def read_files(wanted: Dict[str, Wish]) -> List[File]:
    left = MOST_BYTES_TOGETHER
    files = []
    for path, wish in wanted.items():
        file, size = read_file(path, wish, min(MOST_BYTES, left))
        left -= size
        files.append(file)
    return files


def read_file(path: str, wish: Wish, most_bytes: int = MOST_BYTES) -> Tuple[File, int]:
    """The file, and how many bytes of it were read."""
    target = os.path.realpath(path) if os.path.islink(path) else ""
    try:
        # Without waiting for who writes to a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        return _unopened(path, wish, target, error), 0
    information = os.fstat(descriptor)
    rights = _rights(information)
    if not stat.S_ISREG(information.st_mode):
        os.close(descriptor)
        text = "It is no file but {0}.".format(_kind(information.st_mode))
        return File(path, UNREADABLE, wish, text, "Look who made it.", target, rights), 0
    with os.fdopen(descriptor, "rb") as opened:
        try:
            content = opened.read(most_bytes + 1)
        except OSError as error:
            text = "It cannot be read: {0}.".format(error.strerror)
            return File(path, UNREADABLE, wish, text, "Check the storage it lies on.", target, rights), 0
    state, text, advice, settings = _read(path, wish, content, most_bytes, information.st_size)
    return File(path, state, wish, text, advice, target, rights, settings), len(content)


def _read(
    path: str, wish: Wish, content: bytes, most_bytes: int, size: int
) -> Tuple[str, str, str, Tuple[Setting, ...]]:
    if len(content) > most_bytes:
        text = "It holds {0}; files of settings are read up to {1} each, {2} together.".format(
            bytes_text(max(size, len(content))), bytes_text(MOST_BYTES), bytes_text(MOST_BYTES_TOGETHER)
        )
        return UNREADABLE, text, "Name files of settings only, or look why it has grown.", ()
    if b"\0" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = "It holds NUL bytes, so it is no text; a power failure leaves such files, too."
        return UNREADABLE, text, "Look at it with 'hexdump -C'; if it is damaged, bring it back from a backup.", ()
    try:
        entries = read_entries(decoded(content), wish.format or format_of(path))
    except Malformed as error:
        text = "It is no whole {0}: {1}.".format(wish.format or format_of(path), printable(error))
        return MALFORMED, text, "Mend it before something restarts what reads it.", ()
    return PRESENT, "", "", settings_of(entries, wish.masked)


def _unopened(path: str, wish: Wish, target: str, error: OSError) -> File:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        text = "It is not there."
        if target:
            text = "It is a link to {0}, which is not there.".format(target)
        elif _is_pattern(path):
            text = "There is no such file."
        return File(path, MISSING, wish, text, "Bring it back, from the deployment or a backup.", target)
    rights = None
    with contextlib.suppress(OSError):
        rights = _rights(os.stat(path))
    text = "It cannot be opened: {0}.".format(error.strerror)
    return File(path, UNREADABLE, wish, text, "Run the task as a user who may read it (become).", target, rights)


def _rights(information: os.stat_result) -> Rights:
    owner = _name(lambda: pwd.getpwuid(information.st_uid).pw_name, information.st_uid)
    group = _name(lambda: grp.getgrgid(information.st_gid).gr_name, information.st_gid)
    return Rights(owner, group, stat.S_IMODE(information.st_mode))


def _name(look_up: Callable[[], str], number: int) -> str:
    try:
        return look_up()
    except KeyError:
        return str(number)


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((text for is_one, text in kinds if is_one(mode)), "a device")
