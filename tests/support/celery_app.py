# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Celery application for tests: its workers and its beat, as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery

from demo.embedded.valkey import ValkeyServer
from tests.support.modules import run_module
from tests.support.redis_servers import Redis
from tests.support.waiting import until

_SOURCE = """
import os, time
from celery import Celery

app = Celery("shop", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True, beat_sync_every=1)
app.conf.beat_schedule = {"tick": {"task": "shop.tick", "schedule": 0.2}}

@app.task(name="shop.tick")
def tick():
    return 1

@app.task(name="shop.nap")
def nap(seconds):
    time.sleep(seconds)
"""


class Shop:
    """The application on a broker of its own database; ``look`` is the module on it."""

    def __init__(self, server: ValkeyServer, directory: Path, database: int = 0) -> None:
        self.redis = Redis(server, {"login_db": database})
        self.server = server
        self.directory = directory
        (directory / "shop.py").write_text(_SOURCE)
        secret = f":{server.password}@" if server.password else ""
        self.broker = f"redis://{secret}127.0.0.1:{server.port}/{database}"
        self.app = Celery("shop", broker=self.broker, set_as_current=False)

    def look(self, **options: Any) -> dict[str, Any]:
        """Workers of a busy machine take their time."""
        return run_module("celery_health", **{**self.redis.options, "reply_timeout": 5, **options})

    def send(self, task: str = "shop.tick", *arguments: Any, **options: Any) -> None:
        self.app.send_task(task, arguments, ignore_result=True, **options)

    def answering(self) -> set[str]:
        return {name for reply in self.app.control.ping(timeout=1) for name in reply}

    @contextmanager
    def worker(self, name: str = "one@test", *options: str) -> Iterator[subprocess.Popen]:
        """A worker that answers; with everything it started, it is killed at the end."""
        arguments = ["worker", "-n", name, "-c", "1", "--without-gossip", "--without-mingle", *options]
        with self._process(*arguments) as process:
            until(lambda: name in self.answering(), 120)
            yield process

    @contextmanager
    def beat(self) -> Iterator[subprocess.Popen]:
        schedule = self.directory / "schedule"
        with self._process("beat", "-s", str(schedule), "--pidfile=") as process:
            until(lambda: list(self.directory.glob("schedule*")), 120)
            yield process

    @contextmanager
    def _process(self, *arguments: str) -> Iterator[subprocess.Popen]:
        command = [sys.executable, "-m", "celery", "-A", "shop", *arguments]
        with (self.directory / "celery.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "BROKER": self.broker},
            )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
