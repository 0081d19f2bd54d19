# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what systemd knows of units, and what the journal has about them. Needs no root, the journal a group."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .._errors import Unreachable
from .._judge.text import printable
from .program import Said, ask

PROPERTIES = ",".join(
    (
        "Id",
        "Names",
        "LoadState",
        "LoadError",
        "ActiveState",
        "SubState",
        "UnitFileState",
        "Type",
        "RemainAfterExit",
        "Result",
        "ExecMainCode",
        "ExecMainStatus",
        "ExecMainPID",
        "ExecMainStartTimestamp",
        "ExecMainExitTimestamp",
        "NRestarts",
        "InactiveExitTimestamp",
        "ActiveEnterTimestamp",
        "ConditionResult",
        "ConditionTimestamp",
        "MemoryCurrent",
        "MemoryMax",
        "MemoryHigh",
        "TasksCurrent",
        "TasksMax",
        "NeedDaemonReload",
        "TriggeredBy",
        "WantedBy",
        "RequiredBy",
        "ConsistsOf",
        "Wants",
        "Requires",
        "InvocationID",
        "ControlGroup",
        "Unit",
        "LastTriggerUSec",
        "NextElapseUSecRealtime",
    )
)

_KINDS = ("service", "socket", "timer", "path", "target", "mount", "device", "swap", "slice", "scope", "automount")
# Of systemd's catalogue: "Automatic restarting of a unit has been scheduled".
_RESTART = "5eb03494b6584870a536b337290809b3"
_CRON = ("CRON", "CROND", "cron", "crond")

Properties = Dict[str, str]


@dataclass(frozen=True)
class LastRun:
    """What the journal finds the lines of a unit's last run by; ``since`` in seconds since 1970, 0 if unknown."""

    invocation: str
    process: Optional[int] = None
    since: float = 0.0


def unit_name(name: str) -> str:
    """As ``systemctl`` completes it: ``nginx`` is ``nginx.service``."""
    return name if name.rpartition(".")[2] in _KINDS and "." in name else name + ".service"


def runs() -> bool:
    return os.path.isdir("/run/systemd/system")


def require(names: Sequence[str]) -> None:
    """Raises ``Unreachable`` where something else is the init system."""
    if not runs():
        raise Unreachable(
            "systemd does not run here, so nobody knows the state of: {0}.".format(printable(", ".join(names), 200)),
            "If something else starts these services, declare them with 'manager: none'.",
        )


def show(names: Sequence[str], seconds: float, asked: str = PROPERTIES) -> Dict[str, Properties]:
    """The properties of each of these units, also of those that are not there. Raises ``Unreachable``.

    Of a property with several values, the lines are kept as they came.
    """
    found: Dict[str, Properties] = {}
    pending = list(names)
    while pending:
        said = ask(["systemctl", "show", "--no-pager", "--property=" + asked, "--", *pending], seconds)
        blocks = [_properties(block) for block in said.output.split("\n\n") if block.strip()]
        for name in pending:
            known = (block for block in blocks if name == block.get("Id") or name in block.get("Names", "").split())
            found.update((name, block) for block in known)
        missing = [name for name in pending if name not in found]
        if missing and missing[0] not in said.errors:
            raise Unreachable(
                "systemd cannot be asked: {0}".format(_why(said, seconds)), "Run 'systemctl status' there."
            )
        # A name that can be none, such as a template without an instance, ends the command: the rest is asked again.
        for name in missing[:1]:
            found[name] = {"Id": name, "LoadState": "not-found"}
        pending = missing[1:]
    return found


def members(properties: Mapping[str, str]) -> List[str]:
    """The units of a unit that does nothing itself: Debian's postgresql.service stands for its clusters."""
    if properties.get("Type") != "oneshot" or properties.get("RemainAfterExit") != "yes":
        return []
    pulled = set((properties.get("Wants", "") + " " + properties.get("Requires", "")).split())
    return [name for name in properties.get("ConsistsOf", "").split() if name in pulled and name.endswith(".service")]


def _properties(block: str) -> Properties:
    properties: Properties = {}
    for name, equals, value in (line.partition("=") for line in block.splitlines()):
        if equals:
            properties[name] = "{0}\n{1}".format(properties[name], value) if name in properties else value
    if properties.get("UnitFileState") == "enabled-runtime" and _is_generated(properties):
        properties["UnitFileState"] = "generated"
    return properties


def _is_generated(properties: Mapping[str, str]) -> bool:
    """Whether a generator enabled it, as Debian's does for each cluster of PostgreSQL: it will at every boot."""
    wanters = (properties.get("WantedBy", "") + " " + properties.get("RequiredBy", "")).split()
    links = [
        "/run/systemd/generator{0}/{1}.{2}/{3}".format(when, wanter, how, properties.get("Id"))
        for when in ("", ".early", ".late")
        for wanter in wanters
        for how in ("wants", "requires")
    ]
    return any(os.path.lexists(link) for link in links)


def _why(said: Said, seconds: float) -> str:
    if said.missing:
        return "there is no program 'systemctl'."
    if said.code is None:
        return "it does not answer within {0:g} s.".format(seconds)
    return printable((said.errors.strip().splitlines() or ["systemctl said nothing."])[-1], 200)


def restarts(names: Sequence[str], since: float, seconds: float) -> Dict[str, Tuple[float, ...]]:
    """When systemd restarted each of these units since then. Raises ``Unreachable``."""
    matches: List[str] = []
    for name in names:
        matches += ["+"] * bool(matches) + ["MESSAGE_ID=" + _RESTART, "UNIT=" + name]
    times: Dict[str, List[float]] = {name: [] for name in names}
    for entry in _journal(["--lines=20000", _since(since), *matches], seconds):
        if _field(entry, "UNIT") in times:
            times[_field(entry, "UNIT")].append(_time(entry))
    return {name: tuple(found) for name, found in times.items()}


def last_lines(last_runs: Mapping[str, LastRun], most: int, seconds: float) -> Dict[str, Tuple[str, ...]]:
    """The last lines that each unit itself wrote in its last run. Raises ``Unreachable``."""
    matches: List[str] = []
    for name, run in last_runs.items():
        invocation = ["_SYSTEMD_INVOCATION_ID=" + run.invocation] if run.invocation else []
        matches += ["+"] * bool(matches) + ["_SYSTEMD_UNIT=" + name, *invocation]
        # Of a process that ends at once, the journal sometimes knows its number but no longer its unit.
        if run.process:
            matches += ["+", "_TRANSPORT=stdout", "_PID={0}".format(run.process)]
    processes = {str(run.process): name for name, run in last_runs.items() if run.process}
    lines: Dict[str, List[str]] = {name: [] for name in last_runs}
    for entry in _journal(["--reverse", "--lines={0}".format(100 * len(last_runs)), *matches], seconds):
        name = _field(entry, "_SYSTEMD_UNIT")
        if not name:
            name = processes.get(_field(entry, "_PID"), "")
            if name and _time(entry) < last_runs[name].since:
                continue  # an earlier process of the same number
        if name in lines and len(lines[name]) < most:
            lines[name].insert(0, _field(entry, "MESSAGE").strip())
    return {name: tuple(found) for name, found in lines.items()}


def sync_journal(seconds: float) -> None:
    """Waits until the journal has what was written until now. Without root it is as it is."""
    ask(["journalctl", "--sync"], seconds)


def cron_lines(since: float, seconds: float) -> List[Tuple[float, str, str]]:
    """What cron wrote since then, the oldest first: time, number of the process, text. Raises ``Unreachable``."""
    chosen = ["--identifier=" + name for name in _CRON]
    entries = _journal(["--lines=100000", _since(since), *chosen], seconds)
    return [(_time(entry), _field(entry, "SYSLOG_PID"), _field(entry, "MESSAGE")) for entry in entries]


def _journal(arguments: Iterable[str], seconds: float) -> Iterator[Mapping[str, Any]]:
    fields = "MESSAGE,UNIT,_SYSTEMD_UNIT,_PID,SYSLOG_PID"
    command = ["journalctl", "--no-pager", "--output=json", "--output-fields=" + fields, *arguments]
    said = ask(command, seconds)
    # Without the right it answers with nothing, or with what the user itself wrote, and a hint.
    if said.missing or not said.good or "not seeing messages" in said.errors or "permission" in said.errors:
        raise Unreachable("The journal cannot be read: {0}".format(_journal_problem(said, seconds)))
    return _entries(said.output)


def _journal_problem(said: Said, seconds: float) -> str:
    if said.missing:
        return "there is no program 'journalctl'."
    if said.code is None:
        return "it does not answer within {0:g} s.".format(seconds)
    if said.good:
        return "its user is not in the group systemd-journal or adm."
    return printable((said.errors.strip().splitlines() or ["journalctl said nothing."])[-1], 200)


def _entries(output: str) -> Iterator[Mapping[str, Any]]:
    for line in output.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # cut off, or the '-- No entries --' of old versions
            continue
        if isinstance(entry, dict):
            yield entry


def _field(entry: Mapping[str, Any], name: str) -> str:
    """What is no UTF-8 comes as a list of numbers, what came twice as a list of texts, what is too long as null."""
    value = entry.get(name)
    if isinstance(value, list) and all(isinstance(one, int) for one in value):
        return bytes(one & 255 for one in value).decode("utf-8", "replace")
    if isinstance(value, list):
        value = value[-1]
    return value if isinstance(value, str) else ""


def _time(entry: Mapping[str, Any]) -> float:
    text = _field(entry, "__REALTIME_TIMESTAMP")
    return int(text) / 1e6 if text.isascii() and text.isdigit() else 0.0


def _since(moment: float) -> str:
    return "--since=@{0}".format(int(moment))


def file_cache(control_group: str) -> int:
    """The bytes of a unit's memory that are file cache nobody used lately, of either version of control groups."""
    if not control_group.startswith("/") or ".." in control_group:
        return 0
    for root, name in (("/sys/fs/cgroup", "inactive_file"), ("/sys/fs/cgroup/memory", "total_inactive_file")):
        try:
            with open("{0}{1}/memory.stat".format(root, control_group), encoding="ascii") as file:
                figures = dict(line.split()[:2] for line in file if " " in line)
            return int(figures[name])
        except (OSError, ValueError, KeyError):
            continue
    return 0
