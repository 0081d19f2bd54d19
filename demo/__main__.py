# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m demo up|run|check|again|down``: the embedded stack, and the main job on it.

``run`` is what ``make demo`` does: a fresh, neglected stack, then the weekly maintenance over it. Arguments after
``run`` go to ``ansible-playbook`` (``--check``, ``--tags vacuum``, …).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from demo import inventory
from demo.embedded.binaries import ServerMissing
from demo.embedded.process import ServerFailed
from demo.stack import REPOSITORY, Stack

HOME = REPOSITORY / ".demo"


def main(arguments: list[str]) -> int:
    command, *rest = arguments or ["run"]
    if command == "up" and not rest:
        up()
        return 0
    if command == "run":
        up()
        return maintain(rest)
    if command == "check":
        if not running():
            up()
        return maintain(["--check", "--diff", *rest])
    if command == "again":
        return again(rest)
    if command == "down" and not rest:
        was_there = Stack(HOME, _tell).down()
        _tell("stopped, and removed .demo" if was_there else "nothing was running")
        return 0
    print(__doc__, file=sys.stderr)
    return 2


def up() -> None:
    started = time.monotonic()
    _tell("starting and filling an embedded stack in .demo …")
    stack = Stack(HOME, lambda text: _tell("  " + text))
    stack.up()
    inventory.write(stack)
    _tell(f"the stack is up after {time.monotonic() - started:.0f} s")


def maintain(arguments: list[str]) -> int:
    """The weekly maintenance over the running stack."""
    (HOME / "report").mkdir(exist_ok=True)
    report = HOME / "report" / "weekly_maintenance.json"
    page = report.with_suffix(".html")
    # The configuration is the checkout's own, and no collection in the user's home can shadow it.
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
        "ANSIBLE_HOME": str(HOME / "ansible"),
        "ANALYTICS_OPS_REPORT_FILE": str(report),
        "ANALYTICS_OPS_HTML_FILE": str(page),
    }
    playbook = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(HOME / "inventory")]
    command = [sys.executable, *playbook, "playbooks/weekly_maintenance.yml", *arguments]
    _tell("ansible-playbook -i .demo/inventory playbooks/weekly_maintenance.yml " + " ".join(arguments))
    code = subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode
    if code == 0:
        _tell(f"the report as a page: {page.relative_to(REPOSITORY)} (and as JSON beside it)")
        again = "runs the maintenance" if "--check" in arguments else "shows how little is left to do"
        _tell(f"the stack goes on running: 'make demo-again' {again}, 'make demo-down' ends it")
    return code


def running() -> bool:
    return (HOME / "inventory").exists() and Stack(HOME).runs()


def again(arguments: list[str]) -> int:
    if not running():
        _tell("the stack is not running; 'make demo' starts it")
        return 1
    return maintain(arguments)


def _tell(text: str) -> None:
    print(f"demo: {text}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        _tell("interrupted; 'make demo' starts afresh, 'make demo-down' removes what is left")
        sys.exit(130)
    except (ServerFailed, ServerMissing, OSError) as error:
        _tell(f"that did not work: {error}")
        sys.exit(1)
