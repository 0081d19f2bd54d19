# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a program that only looks, and never waits for it longer than it may take."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence

from .._judge.text import printable

_MOST_BYTES = 32 * 1024 * 1024
# One language and one time zone, so that what is said can be read; no colours, no pager.
_PLAIN = {
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "C",
    "TZ": "UTC",
    "SYSTEMD_COLORS": "0",
    "SYSTEMD_PAGER": "",
    "NO_COLOR": "1",
}
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Said:
    """``code`` is ``None`` when the program did not end in time, ``missing`` when there is none of this name."""

    code: Optional[int]
    output: str = ""
    errors: str = ""
    missing: bool = False

    @property
    def good(self) -> bool:
        return self.code == 0

    @property
    def last_words(self) -> str:
        lines = [line for line in (self.errors or self.output).splitlines() if line.strip()]
        return printable(lines[-1], 200) if lines else "exit code {0}".format(self.code)


def ask(command: Sequence[str], seconds: float) -> Said:
    """What it wrote, at most 32 MiB of it. Its output goes to files: no grandchild can hold us at a pipe."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            # A library has no module whose run_command it could call.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=_environment(),
                start_new_session=True,
            )
        except OSError as error:
            return Said(127, errors=error.strerror or "", missing=True)
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                _kill(process)
        return Said(code, _text(output), _text(errors))


def _environment() -> Dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYSTEMD_")}
    return dict(kept, PATH=os.environ.get("PATH", "") + os.pathsep + _PATH, **_PLAIN)


def _kill(process: subprocess.Popen) -> None:
    """With its children, which are in its session: 'docker compose' is one of 'docker'."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _text(file: Any) -> str:
    file.seek(0)
    return file.read(_MOST_BYTES).decode("utf-8", "replace")
