# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A data directory as it lies there, whether or not a server runs on it."""

from __future__ import annotations

import os

from .._errors import InputError
from .._judge.pg_control import FILE, LENGTH, Control, read_control
from .regular import open_regular

STANDBY_SIGNAL = "standby.signal"


def observe_control(directory: str) -> Control:
    path = os.path.join(directory, FILE)
    try:
        with open_regular(path) as file:
            content = file.read(LENGTH)
    except OSError as error:
        raise InputError(
            "{0} cannot be read: {1}.".format(path, error.strerror or error),
            "Give the data directory of the server, and run this as its owner or as root.",
        ) from error
    return read_control(content, path)


def is_standby(directory: str) -> bool:
    return os.path.lexists(os.path.join(directory, STANDBY_SIGNAL))
