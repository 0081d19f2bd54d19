# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.lab SCENARIO [--distribution debian12|debian13] [--steps STEP,STEP…]``: one scenario of the lab.

Without ``--steps`` it is the whole sequence (``molecule test``). ``--steps create,prepare,converge`` runs those alone
and leaves the machines running for a look; ``--steps destroy`` removes them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from demo.embedded.binaries import postgres_programs
from tests.lab import REPOSITORY, LabError
from tests.lab.collections import collections, docker_configuration
from tests.lab.engine import engine
from tests.lab.image import DISTRIBUTIONS, image

SCENARIOS = sorted(file.parent.name for file in (REPOSITORY / "molecule").glob("*/molecule.yml"))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__.partition(":")[0])
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--distribution", choices=sorted(DISTRIBUTIONS), default="debian12")
    parser.add_argument("--steps", default="test", help="steps of Molecule, by comma")
    chosen = parser.parse_args(arguments)
    try:
        with engine():
            environment = _environment(chosen.distribution)
            return _molecule(chosen.scenario, chosen.steps.split(","), environment)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _environment(distribution: str) -> dict[str, str]:
    programs = Path(sys.executable).parent
    configuration = docker_configuration()
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "NO_COLOR": "1",
        # What lies in the user's home must not shadow this checkout.
        "ANSIBLE_HOME": str(REPOSITORY / ".cache" / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([str(REPOSITORY / ".collections"), str(collections())]),
        "LAB_DISTRIBUTION": distribution,
        "LAB_POSTGRESQL_PROGRAMS": str(postgres_programs()),
        "LAB_IMAGE": image(DISTRIBUTIONS[distribution]),
        **({"DOCKER_CONFIG": str(configuration)} if configuration else {}),
    }


def _molecule(scenario: str, steps: list[str], environment: dict[str, str]) -> int:
    molecule = str(Path(sys.executable).with_name("molecule"))
    for step in steps:
        command = [molecule, step, "--scenario-name", scenario, "--no-command-borders"]
        code = subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
