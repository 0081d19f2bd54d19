# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the last known good. There is never half of it, never two at a time, and never a moment when others can read.

The key is written before what it was made for. A recorder that is killed between the two leaves a key that nothing
needs; one that is killed while it writes leaves a file of another name, which the next one writes over.
"""

from __future__ import annotations

import contextlib
import os
from typing import Iterator

from .._errors import InputError, OpsError, Refused
from .._observe.settings_baseline import BASELINE, KEY, unsafe
from .files import flock_within, replace_file, sync_directory

WAIT_SECONDS = 15.0
KEY_BYTES = 32


@contextlib.contextmanager
def recorder(directory: str) -> Iterator[None]:
    """Keeps other recorders away; makes the directory if it is not there. The lock goes with the process."""
    require_place(directory)
    with _explained(directory, "used"):
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, 0o700)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _wait(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def require_place(directory: str) -> None:
    """Raises where nothing could be recorded, or somebody else could change it. Check mode foresees this, too."""
    with _explained(directory, "used"):
        if not os.path.isdir(directory):
            os.stat(os.path.join(os.path.dirname(os.path.abspath(directory)), ""))
            return
        flaw = unsafe(directory)
    if flaw:
        raise Refused(flaw, "Nobody but who records may write to where the baseline lies: chmod 0700.")


def new_key(directory: str) -> bytes:
    """Replaces the key that is there, if any: what was made with it is worthless from now on."""
    key = os.urandom(KEY_BYTES)
    _write(directory, KEY, key.hex().encode() + b"\n")
    return key


def write_baseline(directory: str, text: str) -> None:
    _write(directory, BASELINE, text.encode())


def _wait(descriptor: int, directory: str) -> None:
    with _explained(directory, "locked"):
        is_mine = flock_within(descriptor, WAIT_SECONDS)
    if not is_mine:
        raise Refused(
            "Another process has been recording in {0} for {1:g} seconds.".format(directory, WAIT_SECONDS),
            "Find it with 'lslocks' or 'lsof'; recording takes a moment.",
        )


def _write(directory: str, name: str, content: bytes) -> None:
    with _explained(directory, "written"):
        replace_file(os.path.join(directory, name), content, 0o600)
        sync_directory(directory)


@contextlib.contextmanager
def _explained(directory: str, what: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            "The baseline {0} cannot be made: {1}.".format(directory, error.strerror),
            "Make the directory above it, or name another in 'baseline'.",
        ) from error
    except OSError as error:
        raise OpsError(
            "The baseline in {0} cannot be {1}: {2}.".format(directory, what, error.strerror),
            "The last one that was recorded is still there. Check the space and the rights of the directory.",
        ) from error
