# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of Ansible's commands with this checkout's collection and the empty module; the user's home plays no part."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.module import REPOSITORY

LIBRARY = REPOSITORY / "benchmarks" / "library"
_TASK = re.compile(r"^TASK \[(.+?)\]", re.MULTILINE)
_RESULT = re.compile(r"^(ok|changed|skipping|fatal|failed): \[([^\]]+)\]", re.MULTILINE)


def ansible(*arguments: str | Path) -> subprocess.CompletedProcess:
    return _call("ansible", *arguments)


def ansible_playbook(*arguments: str | Path) -> subprocess.CompletedProcess:
    return _call("ansible-playbook", *arguments)


def controller_mib(*arguments: str | Path) -> float:
    """The memory of the largest process of ``ansible-playbook`` at its largest; the output is not kept."""
    command, environment = _command("ansible-playbook", *arguments)
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with exit code {process.returncode}")
    return usage.ru_maxrss / 1024


def _call(program: str, *arguments: str | Path) -> subprocess.CompletedProcess:
    command, environment = _command(program, *arguments)
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)


def _command(program: str, *arguments: str | Path) -> tuple[list[str | Path], dict[str, str]]:
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
        "ANSIBLE_HOME": str(REPOSITORY / ".cache" / "benchmarks" / "ansible"),
        "ANSIBLE_LIBRARY": str(LIBRARY),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    return [sys.executable, programs / program, *arguments], environment


def tasks_run(output: str) -> dict[str, list[str]]:
    """Every task of a run that was shown, by its name, with the hosts that really did it; skipped ones have none.

    Where hosts do not wait for each other, a task is shown more than once; it is counted by how often one host went
    through it. One that a host went through again (a loop over waves) has its number behind its name.
    """
    tasks: dict[str, set[str]] = {}
    times: Counter[tuple[str, str]] = Counter()
    parts = _TASK.split(output)
    for name, text in zip(parts[1::2], parts[2::2]):
        tasks.setdefault(name, set())
        for word, host in _RESULT.findall(text):
            times[name, host] += 1
            number = times[name, host]
            done = tasks.setdefault(f"{name} ({number})" if number > 1 else name, set())
            if word != "skipping":
                done.add(host)
    return {name: sorted(hosts) for name, hosts in tasks.items()}


def tasks_a_host(output: str) -> int:
    """How many tasks one host went through at most, skipped ones included."""
    counts: dict[str, int] = {}
    for _word, host in _RESULT.findall(output):
        counts[host] = counts.get(host, 0) + 1
    return max(counts.values(), default=0)


def empty_playbook(target: Path, output: str, strategy: str = "linear") -> Path:
    """A playbook with as many tasks as that run had, each empty and done (or skipped) by the same hosts."""
    lines = ["- hosts: all", "  gather_facts: false", f"  strategy: {strategy}", "  tasks:"]
    for name, hosts in tasks_run(output).items():
        lines += [f"    - name: {json.dumps(name)}", "      nothing:", f"      when: inventory_hostname in {hosts}"]
    target.write_text("\n".join(lines) + "\n")
    return target
