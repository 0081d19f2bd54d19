# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs made for tests: files, a program that writes and rotates one, and a journal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

JOURNAL_REMOTE = Path("/lib/systemd/systemd-journal-remote")


def line(when: float, level: str, text: str) -> str:
    """As Python's ``logging`` writes it, in local time."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
    return f"{stamp},{int(when % 1 * 1000):03d} {level} {text}\n"


def write_log(path: Path, entries: list[tuple[float, str, str]]) -> Path:
    path.write_text("".join(line(*entry) for entry in entries))
    os.utime(path, (entries[-1][0] + 1, entries[-1][0] + 1))
    return path


def access_line(when: float, client: str, status: int = 200, path: str = "/api", seconds: float | None = None) -> str:
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(when))
    end = "" if seconds is None else f" {seconds:.3f}"
    return f'{client} - - [{stamp}] "GET {path} HTTP/1.1" {status} 512 "-" "Mozilla/5.0 (X11) 1.234"{end}\n'


# Buffers of no whole lines, and every way of rotation: rename, compress the one before, copy and truncate.
_WRITER = """
import gzip, os, shutil, sys, time
path, lines = sys.argv[1], int(sys.argv[2])
log = open(path, "ab", buffering=3000)
turn = 0
for number in range(lines):
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    log.write(f"{stamp},{int(now % 1 * 1000):03d} ERROR number {number}\\n".encode())
    if number % 100 == 0:
        time.sleep(0.01)
    if number % 2500 == 2499:
        turn += 1
        for old in range(30, 0, -1):
            for ending in ("", ".gz"):
                if os.path.exists(f"{path}.{old}{ending}"):
                    os.rename(f"{path}.{old}{ending}", f"{path}.{old + 1}{ending}")
        if turn % 3 == 0:
            log.flush()
            shutil.copyfile(path, path + ".1")
            os.truncate(path, 0)
        else:
            os.rename(path, path + ".1")
            log.close()  # its last lines reach the file that was renamed
            log = open(path, "ab", buffering=3000)
        if os.path.exists(path + ".2"):
            status = os.stat(path + ".2")
            with open(path + ".2", "rb") as source, gzip.open(path + ".2.gz", "wb") as target:
                shutil.copyfileobj(source, target)
            os.utime(path + ".2.gz", (status.st_atime, status.st_mtime))
            os.remove(path + ".2")
log.close()
"""


@contextmanager
def rotating_writer(path: Path, lines: int) -> Iterator[subprocess.Popen]:
    """A program that writes so many errors to ``path`` and rotates it, in another way each time."""
    path.touch()
    process = subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(lines)])
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def journal(directory: Path, unit: str, begin: float) -> Path:
    """A journal with three errors of ``unit``; skips the test where there is no program to make one."""
    if not JOURNAL_REMOTE.exists() or shutil.which("journalctl") is None:
        pytest.skip("needs systemd-journal-remote to make a journal")
    texts = [
        (6, "started"),
        (3, "order 17 failed"),
        (6, "2026-01-01 00:00:00 ERROR in the text of the service"),
        (6, "INFO now a trace"),
        (6, "Traceback (most recent call last):"),
        (6, '  File "x.py", line 1, in f'),
        (6, "ValueError: bad"),
        (6, "went on"),
    ]
    entries = []
    for number, (priority, text) in enumerate(texts):
        micros = int((begin + number) * 1e6)
        entries.append(
            f"__REALTIME_TIMESTAMP={micros}\n__MONOTONIC_TIMESTAMP={number + 1}\n_BOOT_ID={'0' * 31}1\n"
            f"_MACHINE_ID={'0' * 31}2\n_SYSTEMD_UNIT={unit}\n_PID=1\nPRIORITY={priority}\nMESSAGE={text}\n"
        )
    target = directory / "journal"
    target.mkdir()
    run = subprocess.run(
        [JOURNAL_REMOTE, "--output", target / "test.journal", "-"],
        input="\n".join(entries) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return target
