# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL's own tools on this host, and which version each one is."""

from __future__ import annotations

import glob
import os
import re
import subprocess
from typing import List, NamedTuple, Optional

from .._errors import InputError

_USUAL_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")


class Program(NamedTuple):
    path: str
    major: int
    version: str


def find_programs(name: str, directory: Optional[str] = None) -> List[Program]:
    """Every usable program of that name, the newest first: in ``directory``, or else in PATH and the usual places."""
    if directory and not os.path.isdir(directory):
        raise InputError(
            "programs: there is no directory {0}.".format(directory), "Give the bin directory of PostgreSQL."
        )
    places = [directory] if directory else os.get_exec_path()
    if not directory:
        places += [place for pattern in _USUAL_PLACES for place in sorted(glob.glob(pattern), reverse=True)]
    found = {}
    for place in places:
        path = os.path.join(place, name)
        real = os.path.realpath(path)
        if real not in found and os.access(path, os.X_OK) and os.path.isfile(path):
            version = _version(path)
            if version:
                found[real] = Program(path, int(version.split(".")[0]), version)
    return sorted(found.values(), key=lambda program: -program.major)


def _version(path: str) -> str:
    try:
        # A library has no module whose run_command it could call.
        said = subprocess.run(  # pylint: disable=ansible-bad-function
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", said)
    return match.group(1) if match else ""
