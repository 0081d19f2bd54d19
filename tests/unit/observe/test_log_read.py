# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a log are counted as their lines are one by one: plain or compressed, by one process or two."""

from __future__ import annotations

import gzip
import os
import tempfile
import time
from pathlib import Path

import pytest
from ansible_collections.analytics.ops.plugins.module_utils._judge.log_lines import Clock, sight_of
from ansible_collections.analytics.ops.plugins.module_utils._observe import log_files, log_read
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.log_reference import JOB, LOGS, figures, reference

NOW = 1_795_600_000.0


@pytest.fixture(autouse=True, scope="module")
def _small_is_large():
    """Blocks of some bytes, and a second process for any log."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_read, "_ALONE", 1)
        yield patch


@settings(max_examples=150, deadline=None)
@given(LOGS, st.integers(1, 300), st.sampled_from([1, 2]), st.booleans())
def test_a_file_is_counted_as_its_lines_are(text, block, workers, packed):
    sight = sight_of([text])
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_files, "BLOCK", block)
        patch.setattr(log_read, "sight_of", lambda samples: sight)  # a first block of some bytes would show too little
        path = Path(folder, "app.log")
        file = Path(folder, "app.log.1.gz") if packed else path
        file.write_bytes(gzip.compress(text) if packed else text)
        os.utime(file, (NOW - 60, NOW - 60))
        task = log_read.Task(JOB, None, 0.0, Clock(NOW), time.monotonic() + 60, workers)
        read = log_read.read_log(str(path), task, {})
    assert (read.incomplete, read.unreadable) == ("", "")
    assert figures(read.tally, JOB) == reference(text, JOB, sight)
    assert read.bytes == len(text)


def test_two_compressed_files_and_a_plain_one_are_shared_between_two_processes(tmp_path):
    lines = [b"2026-11-25 03:31:52 ERROR number %d\n" % number for number in range(3000)]
    for name, part in (("app.log.2.gz", lines[:1000]), ("app.log.1.gz", lines[1000:2000]), ("app.log", lines[2000:])):
        text = b"".join(part)
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        os.utime(tmp_path / name, (NOW - 60 - len(part[-1]), NOW - 60 - len(part[-1])))
    for workers in (1, 2):
        task = log_read.Task(JOB, None, 0.0, Clock(NOW), time.monotonic() + 60, workers)
        read = log_read.read_log(str(tmp_path / "app.log"), task, {})
        assert (read.files, read.tally.errors, read.tally.lines) == (3, 3000, 3000)


@pytest.mark.parametrize("kind", ["plain", "compressed", "known"])
def test_time_is_also_over_while_what_is_old_is_passed_over(tmp_path, kind):
    """Of a log that holds nothing new: whoever reads on meets the damage at its end."""
    name = "app.log" if kind == "plain" else "app.log.1.gz"
    text = b"2026-11-01 03:31:52 ERROR old\n" * 60_000
    (tmp_path / name).write_bytes(text if kind == "plain" else gzip.compress(text)[:-8] + bytes(8))
    os.utime(tmp_path / name, (NOW - 60, NOW - 60))
    head = log_files._digest(text[: log_files.HEAD_BYTES])
    known = {"head": head, "head_bytes": log_files.HEAD_BYTES, "offset": len(text), "modified": NOW - 120}
    task = log_read.Task(JOB, None, NOW - 3600, Clock(NOW), time.monotonic() - 1)
    read = log_read.read_log(str(tmp_path / "app.log"), task, {"files": [known]} if kind == "known" else {})
    assert read.incomplete.startswith("The time for reading was over before the end of ")
    assert (read.tally.errors, read.positions) == (0, {})
