# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What processes were started with, and what they would be started with now."""

from __future__ import annotations

import glob
import os
import shlex
from itertools import islice
from typing import Dict, List, NamedTuple, Sequence, Tuple

from .._judge.finding import CRITICAL, INFO, UNKNOWN
from .._judge.settings_facts import Process
from .._judge.settings_read import decoded, env_values, read_entries
from .._judge.text import printable
from .program import ask
from .regular import open_regular
from .systemd import unit_name

_MOST_BYTES = 1024 * 1024
_PROPERTIES = "LoadState,MainPID,Environment,EnvironmentFiles,UnsetEnvironment"
_MOST_FILES = 100

Values = Dict[str, Tuple[str, ...]]


class Started(NamedTuple):
    """Which process: a unit of systemd, or the number in a file; and the files that it gets variables from."""

    name: str
    unit: str = ""
    pid_file: str = ""
    environment_files: Tuple[str, ...] = ()
    required: Tuple[str, ...] = ()
    ignore: Tuple[str, ...] = ()


class _Silent(Exception):
    """``severity``, what is the case, and what to do."""


def read_processes(wanted: Sequence[Started], seconds: float) -> List[Process]:
    return [_process(one, seconds) for one in wanted]


def _process(one: Started, seconds: float) -> Process:
    process = Process(one.name, required=one.required, ignore=one.ignore, declared={})
    declared: Values = {}
    unset: List[str] = []
    try:
        files = list(one.environment_files)
        if one.unit:
            pid, declared, of_unit, unset = _unit(unit_name(one.unit), seconds)
            files = of_unit + files
        else:
            pid = _number(one.pid_file)
        for path in files:
            declared.update(_variables(path))
        declared = {name: values for name, values in declared.items() if name not in unset}
        process = _with(process, declared=declared, pid=pid)
        content = _environment(pid)
    except _Silent as silent:
        severity, text, advice = silent.args
        return _with(process, severity=severity, text=text, advice=advice)
    parts = content.split(b"\0")
    if parts[-1:] == [b""]:
        parts.pop()
    return _with(
        process,
        # Somebody who writes a title over it leaves zeros, or words that are no variables.
        overwritten=any(b"=" not in part for part in parts),
        environment=dict(decoded(part).partition("=")[::2] for part in parts),
    )


def _with(process: Process, **changes: object) -> Process:
    return Process(**dict(vars(process), **changes))


def _unit(name: str, seconds: float) -> Tuple[int, Values, List[str], List[str]]:
    """The number of its main process, its own variables, its environment files, and the names that it takes away."""
    said = ask(["systemctl", "show", "--no-pager", "--property=" + _PROPERTIES, "--", name], seconds)
    if said.missing or not said.good:
        reason = "there is no program 'systemctl'" if said.missing else said.last_words.rstrip(".")
        raise _Silent(UNKNOWN, "systemd cannot be asked: {0}.".format(reason), "Run 'systemctl status' there.")
    pairs = [line.partition("=")[::2] for line in said.output.splitlines() if "=" in line]
    properties = dict(pairs)
    if properties.get("LoadState") == "not-found":
        raise _Silent(CRITICAL, "There is no unit {0}.".format(name), "Check its name with 'systemctl list-units'.")
    files: List[str] = []
    for value in (value for property_name, value in pairs if property_name == "EnvironmentFiles" and value):
        pattern = _file_of(value)
        files += sorted(islice(glob.iglob(pattern), _MOST_FILES)) if glob.has_magic(pattern) else [pattern]
    pid = properties.get("MainPID", "0")
    unset = [word.partition("=")[0] for word in properties.get("UnsetEnvironment", "").split()]
    return int(pid) if pid.isdigit() else 0, _assigned(properties.get("Environment", "")), files, unset


def _file_of(value: str) -> str:
    """``/etc/app.env (ignore_errors=no)``"""
    return value.rpartition(" (ignore_errors=")[0] or value


def _assigned(text: str) -> Values:
    """``A=b "C=d e"``, as systemd shows ``Environment=``."""
    try:
        words = shlex.split(text)
    except ValueError:  # a quote that systemd did not close as a shell would
        words = text.split()
    pairs = (word.partition("=") for word in words if "=" in word)
    return {name: (value, value.replace("\\n", "\n")) for name, _equals, value in pairs}


def _variables(path: str) -> Values:
    """An environment file that is not there gives nothing, as for a unit that marks it with ``-``."""
    if os.path.realpath(path) == os.devnull:
        return {}
    try:
        with open_regular(path) as file:
            content = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _Silent(
            UNKNOWN,
            "Its environment file {0} cannot be read: {1}.".format(printable(path, 200), error.strerror),
            "Run the task as a user who may read it (become).",
        )
    return {entry.name: env_values(entry) for entry in read_entries(decoded(content), "env")}


def _number(path: str) -> int:
    try:
        with open_regular(path) as file:
            text = file.read(100).decode("ascii", "replace").strip()
    except FileNotFoundError:
        raise _Silent(INFO, "There is no {0}, so it does not run.".format(printable(path, 200)), _NOTHING_TO_DO)
    except OSError as error:
        text = "{0} cannot be read: {1}.".format(printable(path, 200), error.strerror)
        raise _Silent(UNKNOWN, text, "Run the task as a user who may read it (become).")
    if not (text.isascii() and text.isdigit()):
        raise _Silent(UNKNOWN, "{0} holds no number of a process.".format(printable(path, 200)), "Check 'pid_file'.")
    return int(text)


_NOTHING_TO_DO = "Whether it should run is for service_health to say."


def _environment(pid: int) -> bytes:
    try:
        with open("/proc/{0}/environ".format(pid), "rb") as file:
            return file.read(_MOST_BYTES)
    except PermissionError:
        text = "The environment of process {0} may not be read.".format(pid)
        raise _Silent(UNKNOWN, text, "Run the task as root or as the user of the process (become).")
    except OSError:  # it may end while we read
        raise _Silent(INFO, "It does not run, so there is nothing to compare.", _NOTHING_TO_DO)
