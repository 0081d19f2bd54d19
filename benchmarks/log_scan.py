# SPDX-License-Identifier: GPL-3.0-or-later
"""``log_scan``: errors in a log of 500 MB, against ``grep``, ``zgrep`` and Python that reads lines."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Comparison, Goal, Variant
from benchmarks.module import COLLECTIONS, REPORT_MEMORY, memory_mib, run_module
from benchmarks.servers import run

sys.path[:0] = [str(COLLECTIONS)]

from ansible_collections.analytics.ops.plugins.modules import log_scan  # noqa: E402

SIZE = 500_000_000
STEP = 0.02
_LINES = (
    "GET /api/v1/query?id={a} took {b} ms for user {c}",
    "cache hit for key dashboard:{a}:{c}",
    "worker {b} finished job {a} in {b}.{c} s rows={a}",
    "connection from 10.0.{b}.{c} accepted",
)
_ERRORS = (
    "Query {a} failed after {b} ms: timeout for user {c}",
    "Connection to 10.0.{b}.{c} refused",
    "could not write '/var/lib/app/{a}/part-{b}'",
)
READ_LINES = """
import sys
errors = lines = 0
with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
    for line in log:
        lines += 1
        if "ERROR" in line:
            errors += 1
print(errors)
"""


def comparisons(work: Path) -> Iterator[Comparison]:
    path, zipped = work / "application.log", work / "zipped.log.1.gz"
    _write(path)
    with path.open("rb") as source, gzip.open(zipped, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
    stamps = os.stat(path)
    os.utime(zipped, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    errors = int(run(["grep", "-c", "ERROR", path]).stdout)
    about = f"{path.stat().st_size / 1e6:.0f} MB with {errors} errors, in the page cache. grep writes to a pipe."
    yield _whole(path, errors, about)
    yield _process(path, errors, about)
    yield _recent(path)
    yield _zipped(work, zipped, errors)
    yield _memory(path)


def _write(path: Path) -> None:
    chance = random.Random(1)  # noqa: S311 - the same log every time
    when = time.time() - SIZE / 110 * STEP
    with path.open("w") as log:
        while log.tell() < SIZE:
            block = []
            for _number in range(50_000):
                when += STEP
                a, b, c = chance.randrange(10**6), chance.randrange(255), chance.randrange(255)
                level = chance.choices(("ERROR", "WARNING", "INFO"), (6, 14, 980))[0]
                text = chance.choice(_ERRORS if level == "ERROR" else _LINES).format(a=a, b=b, c=c)
                stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
                head = f"{stamp},{int(when % 1 * 1000):03d} {level} [app.module.{b % 17}] request_id={a * 4096 + b:08x}"
                block.append(f"{head} {text}\n")
            log.write("".join(block))


def _options(path: Path, **more: Any) -> dict[str, Any]:
    return {"logs": [{"path": str(path), "name": "app"}], "since": "365d", **more}


COUNT = {"checks": ["errors"], "top": 0, "patterns": []}


def _inside(path: Path, **more: Any) -> dict[str, Any]:
    """In this process, with options as Ansible would complete them."""
    defaults = {name: option.get("default") for name, option in log_scan.ARGUMENTS.items()}
    log = {name: option.get("default") for name, option in log_scan.LOG_OPTIONS.items()}
    given = {**defaults, **_options(path, **more), "logs": [{**log, "path": str(path), "name": "app"}]}
    given["patterns"] = [{"warning": None, "critical": None, **one} for one in given["patterns"]]
    return log_scan.run(given)


def _counted(errors: int) -> Callable[[dict], bool]:
    return lambda result: result["measurements"]["log.app.errors"] == errors


def _said(errors: int) -> Callable[[Any], bool]:
    return lambda done: int(done.stdout) == errors


def _whole(path: Path, errors: int, about: str) -> Comparison:
    count, all_of_it = "log_scan, errors alone", "log_scan, with lines, patterns and groups"
    return Comparison(
        "errors in 500 MB, inside one process",
        [
            Variant("grep -c", partial(run, ["grep", "-c", "ERROR", path]), _said(errors)),
            Variant("Python, line by line", partial(run, [sys.executable, "-c", READ_LINES, path]), _said(errors)),
            Variant(count, partial(_inside, path, **COUNT), _counted(errors)),
            Variant(all_of_it, partial(_inside, path), _counted(errors)),
        ],
        [Goal(count, "grep -c", 1.3), Goal(all_of_it, "grep -c", 1.6), Goal(all_of_it, "Python, line by line", 0.4)],
        about=about + " Ours with everything imported, so that the interpreter's start does not hide the difference.",
    )


def _process(path: Path, errors: int, about: str) -> Comparison:
    return Comparison(
        "errors in 500 MB, a process each",
        [
            Variant("grep -c", partial(run, ["grep", "-c", "ERROR", path]), _said(errors)),
            Variant("log_scan", partial(run_module, "log_scan", _options(path)), _counted(errors)),
        ],
        [Goal("log_scan", "grep -c")],
        about=about + " What a host pays, the start of the interpreter and Ansible's own imports included.",
    )


def _recent(path: Path) -> Comparison:
    def shell() -> Any:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - 900))
        return run(
            ["sh", "-c", 'awk -v since="$1" \'$1 " " $2 >= since\' "$2" | grep -c ERROR', "sh", since, str(path)]
        )

    return Comparison(
        "the last 15 minutes of 500 MB",
        [
            Variant("awk and grep", shell, lambda done: int(done.stdout) > 0),
            Variant(
                "log_scan", partial(_inside, path, since="15m"), lambda result: result["measurements"]["log.app.errors"]
            ),
            Variant(
                "log_scan, a process",
                partial(run_module, "log_scan", _options(path, since="15m")),
                lambda result: result["measurements"]["log.app.errors"],
            ),
        ],
        [Goal("log_scan", "awk and grep", 0.15), Goal("log_scan, a process", "awk and grep", 0.15)],
    )


def _zipped(work: Path, path: Path, errors: int) -> Comparison:
    log = work / "zipped.log"
    return Comparison(
        "errors in 500 MB, compressed",
        [
            Variant("zgrep -c", partial(run, ["zgrep", "-c", "ERROR", path]), _said(errors)),
            Variant("log_scan", partial(_inside, log), _counted(errors)),
        ],
        [Goal("log_scan", "zgrep -c", 0.55)],
        rounds=3,
        about=f"{path.stat().st_size / 1e6:.0f} MB; ours with lines, patterns and groups, and with isal where it is.",
    )


def _memory(path: Path) -> Comparison:
    def ours() -> float:
        return memory_mib(run_module("log_scan", _options(path), REPORT_MEMORY)["stderr"])

    def interpreter() -> float:
        return memory_mib(run([sys.executable, "-c", REPORT_MEMORY]).stderr)

    return Comparison(
        "memory",
        [
            Variant("empty interpreter", interpreter, lambda mib: mib > 1),
            Variant("log_scan", ours, lambda mib: mib > 1),
        ],
        [Goal("log_scan", "empty interpreter", 64, how="difference")],
        rounds=1,
        warm_up=False,
        timed=False,
        unit="MiB",
        about="The process at its largest (VmHWM), the module's own imports included.",
    )
