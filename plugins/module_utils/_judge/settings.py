# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All checks of settings: ``CHECKS``. Files and processes are complete, and as they were when all was well."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from .checks import Register, Rule, Unavailable
from .finding import CRITICAL, INFO, UNKNOWN, WARNING, Finding
from .lock import time_text
from .settings_baseline import ADDED, REMOVED, Baseline, Change, changes, changes_of_new, lines
from .settings_facts import MALFORMED, MISSING, UNREADABLE, File, Process, mode_text, shortcoming
from .shell_patterns import matches_any
from .text import printable, seconds_text
from .threshold import Threshold

CHECKS = Register("settings")

_SHOWN = 5  # changes of one file in its finding; all of them stand in 'changes' of the result
_LONGEST = 60
_MOST_TOLD = 1000


class Memory(NamedTuple):
    """The baseline with its key and its directory. ``flaw``: why it may not be trusted, with ``advice``."""

    directory: str
    baseline: Baseline
    key: bytes
    flaw: str = ""
    advice: str = ""


@CHECKS.check(
    "missing_file",
    needs=("files", "memory"),
    question="Is every file there?",
    procedure="H18",
)
def missing_file(rule: Rule, files: Sequence[File], memory: Optional[Memory]) -> Iterator[Finding]:
    recorded = memory.baseline.files if memory else {}
    missing = [file for file in files if file.state == MISSING]
    for file in missing:
        if not file.wish.optional:
            yield rule.say(CRITICAL, file.path, file.text, file.advice)
    # A pattern goes on without the files that it no longer finds, and an optional file may well be gone.
    told = {file.path for file in files if not (file.state == MISSING and file.wish.optional)}
    patterns = {file.wish.path for file in files}
    for path, record in recorded.items():
        if path not in told and record.pattern in patterns:
            yield rule.say(
                WARNING if path in {file.path for file in missing} else CRITICAL,
                path,
                "It is gone; it was there when {0}.".format(_recorded(memory.baseline)),
                "Bring it back from the backup of the configuration. If it is no longer needed, record anew.",
            )


@CHECKS.check("readable", needs=("files",), question="Can every file be read, and is it whole?", procedure="H18")
def readable(rule: Rule, files: Sequence[File]) -> Iterator[Finding]:
    for file in files:
        if file.state in (UNREADABLE, MALFORMED):
            severity = CRITICAL if file.state == MALFORMED else UNKNOWN
            yield rule.say(severity, file.path, file.text, file.advice)


@CHECKS.check(
    "required",
    needs=("files", "processes"),
    question="Does every required variable have a value, and no placeholder?",
    procedure="H18",
    threshold=Threshold("variables", critical=1, source="ours: a required variable is required"),
)
def required(rule: Rule, files: Sequence[File], processes: Sequence[Process]) -> Iterator[Finding]:
    for file in files:
        if file.read and file.wish.required:
            last = {one.name: one.values[-1] for one in file.settings}
            yield _required(rule, file.path, {name: last.get(name) for name in file.wish.required})
    for process in processes:
        if process.required and (process.environment is not None or process.declared):
            yield _required(rule, process.name, {name: _value(process, name) for name in process.required})


def _value(process: Process, name: str) -> Optional[str]:
    """What it runs with; what its next start would give it where that cannot be seen."""
    if process.environment is not None and not process.overwritten:
        return process.environment.get(name)
    return process.declared[name][0] if name in process.declared else None


def _required(rule: Rule, subject: str, values: Mapping[str, Optional[str]]) -> Finding:
    problems = [(name, shortcoming(value)) for name, value in values.items()]
    found = ["{0} {1}".format(name, problem) for name, problem in problems if problem]
    return rule.judge(
        subject,
        len(found),
        "{0}.".format("; ".join(found)) if found else "All {0} required variables have a value.".format(len(values)),
        "Set them and restart what reads them. Whether the last known good had them is what 'settings.changed' says.",
    )


@CHECKS.check(
    "changed",
    needs=("files", "memory"),
    question="Is every setting as it was when all was well?",
    procedure="H18",
    threshold=Threshold("settings", warning=1, source="ours: any difference is to be explained or recorded"),
)
def changed(rule: Rule, files: Sequence[File], memory: Optional[Memory]) -> Iterator[Finding]:
    for file, found in all_changes(files, memory):
        is_new = file.path not in memory.baseline.files
        yield rule.judge(
            file.path,
            len(found),
            "{0} {1}: {2}".format("New since" if is_new else "Since", _moment(memory.baseline), changes_text(found)),
            "Find out who changed it and why. If it is right, record it as the last known good; else put it back.",
        )


def all_changes(files: Sequence[File], memory: Optional[Memory]) -> List[Tuple[File, List[Change]]]:
    """What differs in each file that was recorded, and in each that a recorded pattern finds now and did not then."""
    found = []
    for file in files if memory else ():
        record = memory.baseline.files.get(file.path)
        if file.read and record:
            found.append((file, changes(record, file, memory.key)))
        elif file.read and file.wish.path in memory.baseline.patterns:
            found.append((file, changes_of_new(file)))
    return [(file, listed) for file, listed in found if listed]


def changes_text(found: Sequence[Change]) -> str:
    shown = found[:_SHOWN]
    longest = max(_LONGEST, 380 // (2 * len(shown)))
    parts = [_change_text(change, longest) for change in shown]
    if len(found) > _SHOWN:
        parts.append("and {0} more".format(len(found) - _SHOWN))
    return "; ".join(parts) + "."


def _change_text(change: Change, longest: int) -> str:
    name = printable(change.name, _LONGEST)
    before, after = (printable(text, longest) for text in (change.before, change.after))
    if change.kind == ADDED:
        return "{0} added{1}".format(name, "" if change.secret else " ({0})".format(after))
    if change.kind == REMOVED:
        return "{0} removed{1}".format(name, "" if change.secret else " (was {0})".format(before))
    if change.secret:
        return "{0} has another value (secret)".format(name)
    return "{0}: {1} → {2}".format(name, before or "(nothing)", after or "(nothing)")


@CHECKS.check(
    "permissions",
    needs=("files", "memory"),
    question="Do owner and mode protect every file, and are they as expected?",
    procedure="H18",
)
def permissions(rule: Rule, files: Sequence[File], memory: Optional[Memory]) -> Iterator[Finding]:
    for file in files:
        if file.rights is None:
            continue
        mode, secrets = file.rights.mode, file.secrets
        if mode & 0o002:
            yield rule.say(
                CRITICAL,
                file.path,
                "Every user can change it (mode {0}).".format(mode_text(mode)),
                "chmod o-w, and look whether somebody has.",
            )
        elif mode & 0o004 and secrets:
            yield rule.say(
                WARNING,
                file.path,
                "Every user can read it (mode {0}), and it holds secrets: {1}.".format(mode_text(mode), _few(secrets)),
                "chmod 0640 with the group of the service, or 0600; and change the secrets if others have been here.",
            )
        else:
            expected = _unexpected(file, memory)
            if expected:
                yield rule.say(
                    WARNING, file.path, "{0}.".format(", ".join(expected)), "Find out why, then set it or record anew."
                )


def _unexpected(file: File, memory: Optional[Memory]) -> List[str]:
    """Where it differs from what is wished for, else from what was recorded."""
    wish, now = file.wish, file.rights
    record = memory.baseline.files.get(file.path) if memory else None
    found = []
    for what in ("owner", "group", "mode"):
        wished = getattr(wish, what)
        is_wish = wished not in ("", None)
        good = wished if is_wish else getattr(record.rights, what) if record else None
        is_now = getattr(now, what)
        if good is not None and good != is_now:
            texts = [mode_text(value) if what == "mode" else value for value in (is_now, good)]
            told = "expected is {0}" if is_wish else "recorded was {0}"
            found.append("its {0} is {1}, {2}".format(what, texts[0], told.format(texts[1])))
    return [found[0][0].upper() + found[0][1:], *found[1:]] if found else []


@CHECKS.check(
    "baseline",
    needs=("files", "known", "now"),
    question="Is there a last known good to compare with?",
    procedure="H18",
    threshold=Threshold("seconds", source="none: how old it may be is for you to say"),
)
def baseline(
    rule: Rule, files: Sequence[File], known: Union[Memory, None, Unavailable], now: float
) -> Iterator[Finding]:
    if known is None:
        return
    age = max(0.0, now - known.baseline.recorded_at)
    if known.flaw:
        yield rule.say(WARNING, known.directory, known.flaw, known.advice)
    else:
        yield rule.judge(
            known.directory,
            age,
            "{0} files were recorded by {1} on {2}, {3} ago ({4}).".format(
                len(known.baseline.files),
                known.baseline.recorded_by,
                known.baseline.host,
                seconds_text(age),
                time_text(known.baseline.recorded_at),
            ),
            "Look whether all is well, and record anew.",
        )
    for file in files:
        unknown = file.path not in known.baseline.files and file.wish.path not in known.baseline.patterns
        if file.read and unknown:
            yield rule.say(
                INFO,
                file.path,
                "It is not part of what was recorded.",
                "Record again when all is well, with this file.",
            )


@CHECKS.check(
    "running",
    needs=("processes",),
    question="Does every process run with what its files say now?",
    procedure="H18",
    threshold=Threshold("variables", warning=1, source="ours: what is changed and not running is a restart away"),
)
def running(rule: Rule, processes: Sequence[Process]) -> Iterator[Finding]:
    for process in processes:
        if process.severity:
            yield rule.say(process.severity, process.name, process.text, process.advice)
        elif process.overwritten:
            yield rule.say(
                UNKNOWN,
                process.name,
                "Process {0} has overwritten its environment, as programs do that change their title.".format(
                    process.pid
                ),
                "Nobody can see what it was started with; restart it after a change to be sure.",
            )
        elif process.environment is not None:
            stale = stale_variables(process)
            if stale:
                yield rule.judge(
                    process.name,
                    len(stale),
                    "Process {0} runs with other values than are declared now: {1}. A restart is pending.".format(
                        process.pid, _few(stale)
                    ),
                    "Restart it when it fits, or put the old values back before something else restarts it.",
                )


def stale_variables(process: Process) -> List[str]:
    """Names whose value differs or that are not there. What refers to other variables cannot be compared."""
    return [
        name
        for name, values in process.declared.items()
        if process.environment.get(name) not in values
        and not any("$" in value for value in values)
        and not matches_any(name, process.ignore)
    ]


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name, _LONGEST) for name in names[:_SHOWN])
    return shown + (" and {0} more".format(len(names) - _SHOWN) if len(names) > _SHOWN else "")


def _moment(known: Baseline) -> str:
    return time_text(known.recorded_at)


def _recorded(known: Baseline) -> str:
    return "{0} recorded the last known good ({1})".format(printable(known.recorded_by, 40), _moment(known))


def not_good(findings: Iterable[Finding]) -> List[Finding]:
    """What must not be recorded as good: a file or a variable that is missing, or that nobody could read."""
    grave = {"settings.missing_file", "settings.readable", "settings.required"}
    return [one for one in findings if one.check in grave and one.severity in (CRITICAL, UNKNOWN)]


def measurements(
    files: Sequence[File], processes: Sequence[Process], memory: Optional[Memory], now: float
) -> Dict[str, Any]:
    """With a baseline also ``settings.changes`` and ``.baseline_age_seconds``."""
    found: Dict[str, Any] = {
        "settings.files": sum(file.read for file in files),
        "settings.settings": sum(len(file.settings) for file in files),
        "settings.stale_processes": sum(
            process.environment is not None and not process.overwritten and bool(stale_variables(process))
            for process in processes
        ),
    }
    if memory:
        found["settings.changes"] = sum(len(listed) for _file, listed in all_changes(files, memory))
        found["settings.baseline_age_seconds"] = round(max(0.0, now - memory.baseline.recorded_at))
    return found


def told_changes(found: Sequence[Tuple[File, Sequence[Change]]]) -> List[Dict[str, str]]:
    told = [
        {
            "path": printable(file.path),
            "name": printable(change.name),
            "kind": change.kind,
            "before": printable(change.before),
            "after": printable(change.after),
        }
        for file, listed in found
        for change in listed[:_MOST_TOLD]
    ]
    return told[:_MOST_TOLD]


def diffs(
    files: Sequence[File], found: Sequence[Tuple[File, Sequence[Change]]], memory: Optional[Memory]
) -> List[Dict[str, str]]:
    """In Ansible's form: of each file that differs all settings, before and now, with secrets masked."""
    if memory is None:
        # Before the first recording there was nothing, and all of it is new.
        found = [(file, ()) for file in files if file.read]
    shown = []
    for file, listed in found:
        record = memory.baseline.files.get(file.path) if memory else None
        before, after = lines(record, file, listed)
        path = printable(file.path)
        shown.append(
            {
                "before_header": "{0} (last known good)".format(path),
                "after_header": path,
                "before": "".join(line + "\n" for line in before),
                "after": "".join(line + "\n" for line in after),
            }
        )
    return shown


def as_dict(memory: Optional[Memory]) -> Optional[Dict[str, Any]]:
    if memory is None:
        return None
    return {
        "directory": printable(memory.directory),
        "recorded_at": _moment(memory.baseline),
        "recorded_by": printable(memory.baseline.recorded_by),
        "host": printable(memory.baseline.host),
        "files": len(memory.baseline.files),
    }
