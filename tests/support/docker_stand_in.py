# SPDX-License-Identifier: GPL-3.0-or-later
"""A ``docker`` that runs the services of a Compose file as processes, where no engine can run.

It knows the calls that ``service_wave`` and ``service_health`` make, and nothing else; the lab has the real one. The
Compose file is JSON with a ``command`` for each service; beside it lies a folder with what is known of each process.
``requires`` names variables without which it cannot be read.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = "stand-in"


def main(arguments: list[str]) -> int:
    if arguments[0] == "ps":
        print("\n".join(f"{name} {PROJECT} {name} False" for name in known()))
    elif arguments[0] == "inspect":
        print("\n".join(json.dumps(container(name)) for name in arguments[5:]))
    elif arguments[0] == "logs":
        lines = (folder() / f"{arguments[-1]}.log").read_text().splitlines()
        print("\n".join(f"2026-01-01T00:00:00.{number:09}Z {line}" for number, line in enumerate(lines)))
    else:
        return compose(arguments)
    return 0


def compose(arguments: list[str]) -> int:
    file, verb, name = Path(arguments[arguments.index("--file") + 1]), arguments[5], arguments[-1]
    declared = json.loads(file.read_text())["services"]
    lacking = [f"services.{name}.environment.{v}" for name in declared for v in declared[name].get("requires", [])]
    if lacking:
        variable = lacking[0].rpartition(".")[2]
        told = f"error while interpolating {lacking[0]}: required variable {variable} is missing a value: set it"
        print(told, file=sys.stderr)
        return 15
    if verb == "config":
        print(file.read_text())
    elif name not in declared:
        print(f"no such service: {name}", file=sys.stderr)
        return 1
    elif verb == "up" and not alive(name):
        # The shell stays to tell the exit code, as the engine does.
        script = f"trap : TERM; ( {declared[name]['command']} ); echo $? > {folder() / name}.exit"
        (folder() / f"{name}.exit").unlink(missing_ok=True)
        with (folder() / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                ["sh", "-c", script], start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        (folder() / name).write_text(str(process.pid))
        (folder() / f"{name}.policy").write_text(declared[name].get("restart", "always"))
    elif verb == "stop":
        end(name, signal.SIGTERM, float(arguments[arguments.index("--timeout") + 1]))
        if alive(name):
            end(name, signal.SIGKILL, 5)
    elif verb == "kill":
        end(name, signal.SIGKILL, 5)
    return 0


def end(name: str, number: signal.Signals, seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(int((folder() / name).read_text()), number)
    deadline = time.monotonic() + seconds
    while alive(name) and time.monotonic() < deadline:
        time.sleep(0.02)
    if number == signal.SIGKILL and not alive(name):
        (folder() / f"{name}.exit").write_text(str(128 + number))


def alive(name: str) -> bool:
    try:
        pid = int((folder() / name).read_text())
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return False
    return state != "Z"


def container(name: str) -> dict[str, object]:
    code = folder() / f"{name}.exit"
    running = alive(name) and not code.exists()
    state = {
        "Status": "running" if running else "exited",
        "ExitCode": int(code.read_text() or 0) if code.exists() else 0,
    }
    policy = (folder() / f"{name}.policy").read_text()
    labels = {"com.docker.compose.project": PROJECT, "com.docker.compose.service": name}
    return {"name": name, "state": state, "restarts": 0, "policy": policy, "labels": labels}


def known() -> list[str]:
    return sorted(path.name for path in folder().iterdir() if not path.suffix)


def folder() -> Path:
    return Path(os.environ["DOCKER_STAND_IN"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
