# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DuckDB files: opened read-only, in a process of its own that is ended when it takes too long.

The library reads the file within our process. A damaged file may crash it, a large write-ahead log may keep it busy for
minutes, and no time limit of the library covers opening. So the work is done in a child, and its answer is JSON.
"""

from __future__ import annotations

import json
import os
import select
import signal
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator

from .._run import require_driver

# Below the module's own memory; a query that needs more has no business in a check.
MEMORY_LIMIT = "1GB"
ANSWER_LIMIT = 8 * 1024 * 1024


class ChildFailed(Exception):
    """The child gave no answer. ``late``: it was ended at its deadline; else it died by itself."""

    def __init__(self, text: str, late: bool) -> None:
        super().__init__(text)
        self.late = late


def driver() -> Any:
    return require_driver("duckdb", "duckdb")


def connect(path: str) -> Any:
    """A read-only connection that reads this file and no other, writes nothing and loads no extension."""
    connection = driver().connect(path, read_only=True, config={"threads": 1, "memory_limit": MEMORY_LIMIT})
    for setting in (
        "SET enable_progress_bar = false",
        "SET temp_directory = ''",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET enable_external_access = false",
    ):
        connection.execute(setting)
    return connection


@contextmanager
def limited(connection: Any, seconds: float) -> Iterator[None]:
    """Interrupts whatever the connection runs when the time is over."""
    alarm = threading.Timer(seconds, connection.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()


def interrupted(error: BaseException) -> bool:
    return type(error).__name__ == "InterruptException"


def single_select(connection: Any, text: str) -> Any:
    """The statement of ``text``, parsed by the library itself. Raises ``ValueError`` unless it is one query."""
    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise ValueError("there are {0} statements in it; give one.".format(len(statements)))
    if not str(statements[0].type).endswith("SELECT"):
        raise ValueError("only a query (SELECT) is run.")
    return statements[0]


def in_child(work: Callable[[], Any], seconds: float) -> Any:
    """What ``work`` returned, which must be plain values. Raises ``ChildFailed``."""
    driver()  # a missing library is said here, by this process
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(work, reading, writing)
    os.close(writing)
    try:
        content = _read(reading, time.monotonic() + seconds)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(reading)
        status = os.waitpid(child, 0)[1]
    if not content:
        how = "signal {0}".format(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else "no answer"
        raise ChildFailed("the library ended with {0}".format(how), late=False)
    answer: Dict[str, Any] = json.loads(content)
    if "error" in answer:
        raise ChildFailed(answer["error"], late=False)
    return answer["value"]


def _answer(work: Callable[[], Any], reading: int, writing: int) -> None:
    """The child: never returns, and runs nothing that the parent has to run at its end."""
    try:
        os.close(reading)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # the library may write there, where only the result may go
            os.dup2(nothing, stream)
        try:
            answer = {"value": work()}
        except Exception as error:  # said to the parent, which knows what it means
            answer = {"error": error_text(error)}
        content = json.dumps(answer).encode()
        while content:
            content = content[os.write(writing, content) :]
    finally:
        os._exit(0)


def _read(descriptor: int, deadline: float) -> bytes:
    content = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise ChildFailed("no answer in time", late=True)
        if select.select([descriptor], [], [], min(left, 1.0))[0]:
            part = os.read(descriptor, 65536)
            if not part:
                return content
            content += part
            if len(content) > ANSWER_LIMIT:
                raise ChildFailed("the answer is longer than {0} bytes".format(ANSWER_LIMIT), late=False)


def error_text(error: BaseException) -> str:
    """The first paragraph; what follows is a guess at what was meant, or a link."""
    text = str(error).strip() or type(error).__name__
    return " ".join(text.split("\n\n")[0].split())
