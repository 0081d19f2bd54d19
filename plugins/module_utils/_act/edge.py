# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Closes the edge by a file for which its web server tests to show a maintenance page, and opens it again."""

from __future__ import annotations

import contextlib
import os

from .._errors import OpsError
from .._judge.services import Service
from .._judge.text import printable


def is_closed(service: Service) -> bool:
    return service.maintenance_file is not None and os.path.lexists(service.maintenance_file)


def close_edge(path: str) -> str:
    """Empty when it is closed, else why it is not. The file is empty: a full disk takes that, too."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            os.fchmod(descriptor, 0o644)  # for the user of the web server, whatever the mask
        finally:
            os.close(descriptor)
    except OSError as error:
        return "{0} cannot be made: {1}.".format(printable(path, 200), error.strerror)
    return ""


def open_edge(path: str) -> None:
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise OpsError(
            "It stays closed: {0} cannot be removed: {1}.".format(printable(path, 200), error.strerror),
            "Remove that file.",
        ) from error
