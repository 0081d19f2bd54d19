# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the last known good and its key, and looks whether somebody else could have written them."""

from __future__ import annotations

import os
import stat
from typing import Optional, Tuple, Union

from .._judge.checks import Unavailable
from .._judge.finding import INFO
from .._judge.settings import Memory
from .._judge.settings_baseline import Damaged, from_json
from .._judge.text import printable

BASELINE, KEY = "settings.json", "settings.key"
_MOST_BYTES = 256 * 1024 * 1024
_RECORD = "Look whether all is well, then record it: record=true (playbook record_settings.yml)."


def read_baseline(directory: str) -> Union[Memory, Unavailable]:
    shown = printable(directory, 200)
    try:
        content = _content(os.path.join(directory, BASELINE), _MOST_BYTES)
        key = _content(os.path.join(directory, KEY), 1000)
    except OSError as error:
        reason = "The baseline in {0} cannot be read: {1}.".format(shown, error.strerror)
        return Unavailable(reason, "Run the task as the user who recorded it (become).")
    if content is None:
        return Unavailable("No last known good was recorded in {0}.".format(shown), _RECORD, INFO)
    if key is None:
        return Unavailable("The key of the baseline in {0} is gone.".format(shown), _RECORD)
    try:
        return Memory(directory, from_json(content, _bytes(key)), _bytes(key), *_flaws(directory))
    except Damaged as error:
        return Unavailable("The baseline in {0} cannot be used: {1}.".format(shown, error), _RECORD)


def unsafe(path: str) -> str:
    """Why somebody else could change it; empty if nobody can."""
    information = os.stat(path)
    if information.st_uid not in (0, os.geteuid()):
        return "{0} belongs to another user.".format(printable(path, 200))
    if information.st_mode & 0o022 and not information.st_mode & stat.S_ISVTX:
        return "{0} can be written by other users.".format(printable(path, 200))
    return ""


def _flaws(directory: str) -> Tuple[str, str]:
    names = [os.path.join(directory, name) for name in (BASELINE, KEY)]
    for path in (directory, *names):
        flaw = unsafe(path)
        if flaw:
            return flaw, "Take the right away, look at the settings yourself, and record anew."
    for path in names:
        if os.stat(path).st_mode & 0o077:
            return (
                "{0} can be read by others, who could try out passwords.".format(printable(path, 200)),
                "chmod 0600 {0}".format(printable(path, 200)),
            )
    return "", ""


def _content(path: str, most: int) -> Optional[bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most)


def _bytes(key: bytes) -> bytes:
    try:
        return bytes.fromhex(key.decode("ascii").strip())
    except ValueError:
        return b""
