# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the journal of a unit and the log of a container, as streams and within a time."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence

from .._errors import OpsError
from .._judge.log_lines import Sight, sight_of, time_of
from .._judge.log_streams import Container, Journal, converted, first_block
from .._judge.log_tally import Counting
from .log_read import Read, Task

_BLOCK = 128 * 1024
_SHOWN = 300


class Program:
    """A running program whose output is read block by block; it is ended with the ``with`` block at the latest."""

    def __init__(self, command: Sequence[str], deadline: float, together: bool) -> None:
        """``together``: what it writes to standard error belongs to the log."""
        self.command, self.deadline = list(command), deadline
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self.late = False
        try:
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if together else self._errors,
                env=dict(os.environ, LC_ALL="C"),
            )
        except OSError as error:
            self._errors.close()
            raise OpsError("{0} cannot be started: {1}.".format(command[0], error.strerror))

    def __enter__(self) -> Program:
        return self

    def blocks(self) -> Iterator[bytes]:
        source = self._process.stdout.fileno()
        while True:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([source], [], [], left)[0]:
                self.late = True
                return
            block = os.read(source, _BLOCK)
            if not block:
                return
            yield block

    def failed(self) -> bool:
        """Whether it ended by itself with an exit code other than 0; only asked once its output has ended."""
        if self.late:
            return False
        try:
            return self._process.wait(max(0.1, self.deadline - time.monotonic())) != 0
        except subprocess.TimeoutExpired:
            self.late = True
            return False

    def complaint(self) -> str:
        self._errors.seek(0)
        return self._errors.read(_SHOWN).decode("utf-8", "replace").strip()

    def __exit__(self, *details: Any) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()


def read_journal(unit: str, directory: Optional[str], task: Task, previous: Dict[str, Any], bare: bool) -> Read:
    """``bare`` for access logs, whose lines tell the time themselves."""
    after = str(previous.get("after", ""))
    since = int(after) / 1e6 if after.isdigit() else task.since
    command = ["journalctl", "--quiet", "--no-pager", "--all", "--output=json", "--output-fields=MESSAGE,PRIORITY"]
    command += ["--unit={0}".format(unit), "--since=@{0:.6f}".format(since)]
    command += ["--directory={0}".format(directory)] if directory else []
    return _read_stream(command, Journal(after, bare), task, together=False)


def read_container(name: str, task: Task, previous: Dict[str, Any], bare: bool) -> Read:
    after = str(previous.get("after", ""))
    since = after or "{0:.6f}".format(task.since)
    command = ["docker", "logs", "--timestamps", "--since", since, "--", name]
    return _read_stream(command, Container(after, bare), task, together=True)


def _read_stream(command: List[str], source: Any, task: Task, together: bool) -> Read:
    incomplete = unreadable = ""
    try:
        with Program(command, task.deadline, together) as program:
            sample, blocks = first_block(converted(program.blocks(), source))
            # Only its beginning was seen, so every way to write a level is looked for.
            sight = Sight(sight_of([sample]).timed, frozenset())
            counting = task.access() if task.access else Counting(task.job, sight, [sample[:_BLOCK]])
            size = 0
            for block in blocks:
                size += len(block)
                counting.feed(block)
            if program.failed():
                text = sample[-_SHOWN:].decode("utf-8", "replace").strip() if together else program.complaint()
                unreadable = "{0} failed: {1}".format(command[0], text or "it gave no reason")
            if program.late:
                incomplete = "The time for reading was over before {0} had given everything.".format(command[0])
    except OpsError as error:
        sight, size = Sight(True, frozenset()), 0
        counting = task.access() if task.access else Counting(task.job, sight, ())
        unreadable = error.text
    counting.close()
    tally = counting.tally
    return Read(
        tally=tally,
        timed=sight.timed or not size,
        first=time_of(tally.first, task.clock) if tally.first else None,
        last=time_of(tally.last, task.clock) if tally.last else None,
        files=1,
        bytes=size,
        incomplete=incomplete,
        unreadable=unreadable,
        found=not unreadable,
        positions={} if incomplete or unreadable else {"after": source.position, "time": task.clock.now},
    )
