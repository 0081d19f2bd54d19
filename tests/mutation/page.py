# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ``docs/mutation.md`` from the trials, and from what is written by hand about them (``notes.md``)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.mutation.trials import INCOMPETENT, KILLED, SURVIVED, TIMEOUT, UNTESTED, Trial

HEAD = """\
# Mutation testing

Written by `make mutation`; what stands under *What survives, and why* is written by hand (`tests/mutation/notes.md`).

Would the unit tests notice if a decision were written wrongly? [Cosmic Ray](https://cosmic-ray.readthedocs.io/) makes
small faults in `plugins/module_utils/_judge/`, one at a time and in a copy of the tree: a number one higher or lower,
`>` for `>=`, `and` for `or`, a condition turned round, a loop that does not run, a decorator left out. The unit tests
that execute the changed line have to fail; then the mutant is *killed*. One that runs into the time limit counts as
killed, too. One that cannot be imported (*incompetent*) is no trial of the tests and is not counted. What no test
executes has survived.

To repeat it: `make mutation`, about ten minutes on two cores; `SAMPLE=all` tries all mutants, `SEED=2` another sample,
`ONLY=vacuum` one file and only prints. The trials are also in `.cache/mutation/trials.json`.
"""


@dataclass(frozen=True)
class Score:
    """``low`` and ``high`` are shares, and bound the score of all mutants with 95 % confidence."""

    killed: int
    tried: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.killed / self.tried if self.tried else 0.0

    def text(self) -> str:
        return f"{100 * self.share:.1f} %"


def score(trials: Sequence[Trial]) -> Score:
    outcomes = Counter(trial.outcome for trial in trials)
    killed = outcomes[KILLED] + outcomes[TIMEOUT]
    tried = len(trials) - outcomes[INCOMPETENT]
    return Score(killed, tried, *wilson(killed, tried))


def wilson(hits: int, tries: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share; it stays between 0 and 1 also where the share is near one of them."""
    if not tries:
        return 0.0, 1.0
    share = hits / tries
    middle = share + z * z / (2 * tries)
    half = z * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries))
    whole = 1 + z * z / tries
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def summary(trials: Sequence[Trial], of: int) -> list[str]:
    """``of`` is how many mutants there are."""
    outcomes = Counter(trial.outcome for trial in trials)
    all_of_them = len(trials) == of
    result = score(trials)
    lines = [f"**{result.text()} killed**: {result.killed} of {result.tried} mutants that could be imported"]
    lines[0] += "." if all_of_them else f" (95 % confidence: {100 * result.low:.1f} – {100 * result.high:.1f} %)."
    taken = f"All {of} mutants" if all_of_them else f"A random sample of {len(trials)} from {of} mutants"
    lines.append(
        f"{taken}: {outcomes[KILLED]} killed by a failing test, {outcomes[TIMEOUT]} by the time limit, "
        f"{outcomes[SURVIVED]} survived, {outcomes[UNTESTED]} where no test goes, {outcomes[INCOMPETENT]} incompetent."
    )
    return lines


def page(trials: Sequence[Trial], of: int, facts: Mapping[str, str], notes: str) -> str:
    """``facts``: ``date``, ``versions``, ``command``."""
    lines = [HEAD, "## Score", "", *summary(trials, of), ""]
    lines += [f"Run {facts['date']} with `{facts['command']}`; {facts['versions']}.", ""]
    lines += ["| file | killed | of | share |", "|---|---|---|---|"]
    for file in sorted({trial.mutant.file for trial in trials}):
        part = score([trial for trial in trials if trial.mutant.file == file])
        lines.append(f"| `{file}` | {part.killed} | {part.tried} | {part.text() if part.tried else '–'} |")
    lines += ["", "## What survives, and why", "", notes.strip(), "", "## The survivors of this run", ""]
    lines += survivors(trials) or ["None."]
    return "\n".join(lines) + "\n"


def survivors(trials: Sequence[Trial]) -> list[str]:
    """``- file:line change``, in the order of the files."""
    return [
        f"- `{trial.mutant.file}:{trial.mutant.line}`{' (no test)' if trial.outcome == UNTESTED else ''} "
        f"{code(trial.change)}"
        for trial in trials
        if trial.outcome in (SURVIVED, UNTESTED)
    ]


def code(text: str) -> str:
    """As Markdown code, whatever backticks it holds."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"
