# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops one thread of a process and lets the others run, as hardware does that does not answer to it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# From <sys/ptrace.h> and <sys/wait.h>.
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WAIT_FOR_ANY = 0x40000000


@contextmanager
def stopped_thread(pid: int, name: str) -> Iterator[None]:
    """``name`` is how the thread's name begins. Skips the test where the machine lets nobody trace."""
    threads = [task for task in Path(f"/proc/{pid}/task").iterdir() if (task / "comm").read_text().startswith(name)]
    (thread,) = (int(task.name) for task in threads)
    if _ptrace(SEIZE, thread) != 0:
        pytest.skip(f"no process may be traced here: {os.strerror(ctypes.get_errno())}")
    try:
        _ptrace(INTERRUPT, thread)
        os.waitpid(thread, WAIT_FOR_ANY)
        yield
    finally:
        _ptrace(DETACH, thread)


def _ptrace(request: int, thread: int) -> int:
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.restype = ctypes.c_long
    call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    return call(request, thread, None, None)
