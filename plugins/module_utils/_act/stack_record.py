# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and writes the record of what ran. There is never half of it."""

from __future__ import annotations

import contextlib
import os
from typing import Iterable, List, Mapping, Optional

from .._errors import OpsError
from .._judge.finding import Finding
from .._judge.service_wave import Outcome, Seen
from .._judge.stack_record import (
    READ,
    UPDATED,
    WRITTEN,
    Record,
    closed,
    left_down,
    noted,
    parse_record,
    record_finding,
    record_text,
)
from .files import replace_file, sync_directory

_MOST_BYTES = 1 << 20


def read_record(path: str) -> Record:
    """Empty where there is none. Raises ``OpsError``."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse_record(file.read(_MOST_BYTES))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        return parse_record("")
    except OSError as error:
        raise OpsError("{0}.".format(error.strerror)) from error


def write_record(path: str, record: Record) -> None:
    """An empty one is removed. Raises ``OpsError``; what was there before is still there then."""
    try:
        if record:
            os.makedirs(os.path.dirname(path), 0o750, exist_ok=True)
            replace_file(path, record_text(record).encode("utf-8"), 0o640)
            sync_directory(os.path.dirname(path))  # a shutdown may be for a power that fails
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    except OSError as error:
        raise OpsError("{0}.".format(error.strerror)) from error


class StackRecord:
    """One host's, while its services are handled. ``noticed`` is what could not be done with it."""

    def __init__(self, path: Optional[str]) -> None:
        self.path = path or ""
        self.record: Record = {}
        self.noticed: List[Finding] = []
        try:
            self.record = read_record(self.path) if self.path else {}
        except OpsError as error:
            self.noticed = [record_finding(self.path, READ, error)]

    def left(self, seen: Mapping[str, Seen]) -> List[Outcome]:
        return left_down(self.record, seen)

    def note(self, seen: Mapping[str, Seen], now: float, check_mode: bool) -> bool:
        """Whether it changed. One that could not be read is written over."""
        unread, self.noticed = bool(self.noticed), []
        return self._keep(noted(self.record, seen, now), WRITTEN, check_mode, unread)

    def close(self, outcomes: Iterable[Outcome]) -> None:
        self._keep(closed(self.record, outcomes), UPDATED)

    def _keep(self, record: Record, verb: str, check_mode: bool = False, unread: bool = False) -> bool:
        if record == self.record and not unread:
            return False
        if not check_mode:
            try:
                write_record(self.path, record)
            except OpsError as error:
                self.noticed.append(record_finding(self.path, verb, error))
                return False
        self.record = record
        return True
