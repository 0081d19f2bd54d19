# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules for ``tests/support/modules.py``, each forked from a process that has imported Ansible and the drivers.

Most of what a module takes in a test is the imports of these, and the integration tests call modules some thousand
times for each version of PostgreSQL. A fork has everything to itself that a module could spoil for the next.

``python -m tests.support.module_server SOCKET`` writes a line when it is ready, and ends with its standard input.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import time

# What most modules import first. Nothing of the collection itself, which coverage would not see then.
PRELOADED = ("ansible.module_utils.basic", "psycopg2.extras", "redis", "requests")
MODULES = "ansible_collections.analytics.ops.plugins.modules."


def main(path: str) -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    # A thousand dead children are nobody's concern; in the forks the modules wait for their own.
    usual = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            if sys.stdin in select.select([listener, sys.stdin], [], [])[0]:
                return
            connection = listener.accept()[0]
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, usual)
    become(connection)


def become(connection: socket.socket) -> None:
    """The module that was asked for, with the caller's files as standard input, output and error output.

    The connection stays open as long as the process is there: its end tells the caller of the end.
    """
    header, files = socket.recv_fds(connection, 1 << 20, 3)[:2]
    while not header.endswith(b"\n"):
        header += connection.recv(1 << 20)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    connection.sendall(str(os.getpid()).encode())
    asked = json.loads(header)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["directory"])
    time.tzset()
    if "COVERAGE_PROCESS_START" in os.environ:
        import coverage

        coverage.process_startup()
    sys.argv = [asked["module"]]
    runpy.run_module(MODULES + asked["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
