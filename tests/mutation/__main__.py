# SPDX-License-Identifier: GPL-3.0-or-later
"""``make mutation``: tries mutants of ``_judge`` against the unit tests and writes ``docs/mutation.md``.

The environment chooses: ``SAMPLE`` (how many, or ``all``), ``SEED``, ``ONLY`` (one file; prints and writes no page).
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path

from tests.mutation import page
from tests.mutation.mutants import mutants_of, sample_of
from tests.mutation.trials import SCRATCH, Trial, prepare, run_all
from tests.support.collection_tree import REPOSITORY

PAGE = REPOSITORY / "docs" / "mutation.md"
NOTES = Path(__file__).with_name("notes.md")
TOOLS = ("cosmic-ray", "pytest", "hypothesis", "coverage")


def main() -> None:
    size, seed, only = os.environ.get("SAMPLE") or "600", os.environ.get("SEED") or "1", os.environ.get("ONLY", "")
    if not (size == "all" or size.isdigit()) or not seed.isdigit():
        sys.exit("mutation: SAMPLE is a number or 'all', SEED a number.")
    print("mutation: copying the tree and measuring which test executes what …", flush=True)
    prepared = prepare()
    everything = mutants_of(prepared.copies[0], only)
    sample = sample_of(everything, None if size == "all" else int(size), int(seed))
    print(f"mutation: {len(sample)} of {len(everything)} mutants", flush=True)
    done: list[Trial] = []

    def told(trial: Trial) -> None:
        done.append(trial)
        if len(done) % 50 == 0:
            print(f"mutation: {len(done)} tried, {page.score(done).text()} killed", flush=True)

    trials = run_all(sample, prepared, told)
    (SCRATCH / "trials.json").write_text(json.dumps([asdict(trial) for trial in trials], indent=1))
    print("\n".join([*page.survivors(trials), *page.summary(trials, len(everything))]))
    if only:
        return
    tools = ", ".join(f"{name} {version(name)}" for name in TOOLS)
    facts = {
        "date": date.today().isoformat(),
        "command": f"make mutation SAMPLE={size} SEED={seed}",
        "versions": f"Python {platform.python_version()}, {tools}",
    }
    PAGE.write_text(page.page(trials, len(everything), facts, NOTES.read_text()))
    print(f"mutation: wrote {PAGE.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
