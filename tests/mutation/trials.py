# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the copies, measures which test executes what, and lets each mutant meet its tests.

The checkout itself is never changed: Cosmic Ray writes into the copies, and puts back what it changed there.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutants import JUDGE, Mutant
from tests.mutation.selection import Selection
from tests.support.collection_tree import REPOSITORY, make

SCRATCH = REPOSITORY / ".cache" / "mutation"
WORKERS = 2
# A mutant may ask for memory without end.
MEMORY_LIMIT = 4 * 2**30
# No plugin but Hypothesis, whose examples are the same in every run.
PYTEST = "pytest -x -q --no-header --tb=line -p no:cacheprovider -p _hypothesis_pytestplugin --hypothesis-seed=0"

TOKEN = re.compile(r"[\w.]+|\s+|[^\w\s]+")

KILLED, TIMEOUT, SURVIVED, UNTESTED, INCOMPETENT = "killed", "timeout", "survived", "untested", "incompetent"


@dataclass(frozen=True)
class Trial:
    """What became of a mutant. ``change`` shows it; ``tests`` is how many tests it was shown to."""

    mutant: Mutant
    outcome: str
    change: str
    tests: int


@dataclass(frozen=True)
class Prepared:
    copies: list[Path]
    selection: Selection
    timeout: float


def prepare() -> Prepared:
    """Copies with everything compiled, and a map of the tests; fails where the tests do without any mutant."""
    first, *others = [SCRATCH / f"copy{number}" for number in range(WORKERS)]
    make(first)
    link = first / ".collections" / "ansible_collections" / "analytics" / "ops"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../..")
    started = time.monotonic()
    selection = _measure(first)
    seconds = time.monotonic() - started
    for other in others:
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(first, other, symlinks=True)
    return Prepared([first, *others], selection, timeout=20 + seconds)


def _measure(copy: Path) -> Selection:
    import coverage

    data = copy / ".coverage"
    # Without the settings in pyproject.toml, which are those of the coverage report.
    settings = ["--rcfile=/dev/null", f"--data-file={data}", f"--include={copy / JUDGE}/*"]
    pytest = [*PYTEST.split(), "-p", "tests.mutation.contexts", "tests/unit"]
    command = [sys.executable, "-m", "coverage", "run", *settings, "-m", *pytest]
    run = subprocess.run(command, cwd=copy, env=_environment(), stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"mutation: the unit tests fail without any mutant.\n{run.stdout[-3000:]}")
    measured = coverage.CoverageData(str(data))
    measured.read()
    executed = {
        Path(file).name: {line: frozenset(tests) for line, tests in measured.contexts_by_lineno(file).items()}
        for file in measured.measured_files()
    }
    if not executed:
        raise SystemExit(f"mutation: the tests executed nothing in {copy}.")
    return Selection(executed, {file.name: file.read_text() for file in (copy / JUDGE).glob("*.py")})


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def run_all(mutants: Sequence[Mutant], prepared: Prepared, told: Callable[[Trial], None]) -> list[Trial]:
    """``told`` hears of each trial when it is over; the result is in the order of ``mutants``."""
    copies: multiprocessing.Queue[Path] = multiprocessing.Queue()
    for copy in prepared.copies:
        copies.put(copy)
    trials: dict[Mutant, Trial] = {}
    with ProcessPoolExecutor(len(prepared.copies), initializer=_enter, initargs=(copies,)) as workers:
        waiting = [
            workers.submit(_try, mutant, prepared.selection.tests_for(mutant.file, mutant.line), prepared.timeout)
            for mutant in mutants
        ]
        for done in as_completed(waiting):
            trial = done.result()
            trials[trial.mutant] = trial
            told(trial)
    return [trials[mutant] for mutant in mutants]


def _enter(copies: multiprocessing.Queue[Path]) -> None:
    os.chdir(copies.get())
    os.environ.update(_environment())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def _try(mutant: Mutant, tests: list[str], timeout: float) -> Trial:
    from cosmic_ray.mutating import mutate_and_test, mutate_code
    from cosmic_ray.plugins import get_operator
    from cosmic_ray.work_item import MutationSpec

    file, operator = JUDGE / mutant.file, f"core/{mutant.operator}"
    source = file.read_text()
    change = change_between(source, mutate_code(source, get_operator(operator)(), mutant.occurrence))
    if not tests:
        return Trial(mutant, UNTESTED, change, 0)
    start = (mutant.line, mutant.column)
    spec = MutationSpec(file, operator, mutant.occurrence, start, (mutant.line, mutant.column + 1))
    result = mutate_and_test([spec], " ".join([sys.executable, "-m", PYTEST, *tests]), timeout)
    if result.test_outcome is None or result.worker_outcome != "normal":
        raise RuntimeError(f"{mutant}: {result.output}")
    return Trial(mutant, outcome_of(result.test_outcome.value, result.output or ""), change, len(tests))


def outcome_of(outcome: str, output: str) -> str:
    """Cosmic Ray calls every failure ``killed``; one that came while importing says nothing about a test."""
    if outcome == "killed" and output == "timeout":
        return TIMEOUT
    # Where already the conftest cannot be imported, pytest writes to the error output alone.
    broken = not output.strip() or " ERROR collecting " in output
    return INCOMPETENT if outcome != SURVIVED and broken else outcome


def change_between(before: str, after: str) -> str:
    """The first change, as ``old → new in line``."""
    old, new = before.splitlines(), after.splitlines()
    at = next(number for number, line in enumerate(old) if number >= len(new) or line != new[number])
    line = old[at].strip()
    # A removed decorator takes lines away; then everything after it moves up.
    if len(old) != len(new):
        return f"without {line}"
    was, now = TOKEN.findall(line), TOKEN.findall(new[at].strip())
    start = len(os.path.commonprefix([was, now]))
    end = min(len(os.path.commonprefix([was[::-1], now[::-1]])), len(was) - start, len(now) - start)
    changed = ["".join(tokens[start : len(tokens) - end]).strip() or "nothing" for tokens in (was, now)]
    return f"{changed[0]} → {changed[1]} in {line}"
